"""Networks by the name of their space: one file each."""

from benchsuite.supernet.network import Network
from benchsuite.supernet.networks.chain import Chain, Chain6, Chain8
from benchsuite.supernet.networks.darts import (
    Darts,
    DartsS1,
    DartsS2,
    DartsS3,
    DartsS4,
)
from benchsuite.supernet.networks.nats_sss import NatsSss
from benchsuite.supernet.networks.nats_tss import NatsTss
from benchsuite.supernet.networks.nb1shot1 import (
    NB1Shot1_1,
    NB1Shot1_2,
    NB1Shot1_3,
)

NETWORKS: dict[str, type[Network]] = {
    "nats_tss": NatsTss,
    "nats_sss": NatsSss,
    "nb1shot1_1": NB1Shot1_1,
    "nb1shot1_2": NB1Shot1_2,
    "nb1shot1_3": NB1Shot1_3,
    "darts": Darts,
    "darts_s1": DartsS1,
    "darts_s2": DartsS2,
    "darts_s3": DartsS3,
    "darts_s4": DartsS4,
    "chain_4": Chain,
    "chain_6": Chain6,
    "chain_8": Chain8,
}
