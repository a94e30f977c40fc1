"""Search spaces: tuples of categorical decisions and their published spellings."""

from benchsuite.spaces.nats import NATS_TSS
from benchsuite.spaces.space import Architecture, SearchSpace

__all__ = ["NATS_TSS", "Architecture", "SearchSpace"]
