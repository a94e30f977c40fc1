"""Black-box search strategies by name; each is built from space, epochs and rng."""

from benchsuite.core import MakeStrategy
from benchsuite.strategies.local_search import LocalSearch
from benchsuite.strategies.random_search import RandomSearch
from benchsuite.strategies.regularized_evolution import RegularizedEvolution
from benchsuite.strategies.reinforce import Reinforce
from benchsuite.strategies.successive_halving import SuccessiveHalving

STRATEGIES: dict[str, MakeStrategy] = {
    "local_search": LocalSearch,
    "random_search": RandomSearch,
    "regularized_evolution": RegularizedEvolution,
    "reinforce": Reinforce,
    "successive_halving": SuccessiveHalving,
}
