"""Search spaces: tuples of categorical decisions and their published spellings."""

from collections.abc import Mapping

from benchsuite.spaces.chain import CHAIN_4, CHAIN_6, CHAIN_8, ChainSpace
from benchsuite.spaces.constrained import ConstrainedSpace
from benchsuite.spaces.darts import DARTS, DARTS_S1, DARTS_S2, DARTS_S3, DARTS_S4
from benchsuite.spaces.nats import NATS_TSS
from benchsuite.spaces.nats_sss import NATS_SSS
from benchsuite.spaces.nb1shot1 import NB1SHOT1_1, NB1SHOT1_2, NB1SHOT1_3
from benchsuite.spaces.nb101 import NB101
from benchsuite.spaces.product import ProductSpace, product
from benchsuite.spaces.space import Architecture, SearchSpace
from benchsuite.spaces.transnas import TRANSNAS_MACRO, TRANSNAS_MICRO

SPACES: Mapping[str, SearchSpace] = {
    space.name: space
    for space in (
        NATS_TSS,
        NATS_SSS,
        NB101,
        NB1SHOT1_1,
        NB1SHOT1_2,
        NB1SHOT1_3,
        TRANSNAS_MICRO,
        TRANSNAS_MACRO,
        DARTS,
        DARTS_S1,
        DARTS_S2,
        DARTS_S3,
        DARTS_S4,
        CHAIN_4,
        CHAIN_6,
        CHAIN_8,
    )
}

__all__ = [
    "CHAIN_4",
    "CHAIN_6",
    "CHAIN_8",
    "DARTS",
    "DARTS_S1",
    "DARTS_S2",
    "DARTS_S3",
    "DARTS_S4",
    "NATS_SSS",
    "NATS_TSS",
    "NB1SHOT1_1",
    "NB1SHOT1_2",
    "NB1SHOT1_3",
    "NB101",
    "SPACES",
    "TRANSNAS_MACRO",
    "TRANSNAS_MICRO",
    "Architecture",
    "ChainSpace",
    "ConstrainedSpace",
    "ProductSpace",
    "SearchSpace",
    "product",
]
