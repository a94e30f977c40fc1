"""Black-box search strategies by name; each is built from space, epochs and rng."""

from functools import partial

from benchsuite.core import MakeStrategy
from benchsuite.strategies.anasod import Anasod, anasod_bo
from benchsuite.strategies.asha import ASHA
from benchsuite.strategies.bohb import BOHB
from benchsuite.strategies.dehb import DEHB
from benchsuite.strategies.early_rejection import (
    early_rejection,
    regularized_evolution_early_rejection,
    regularized_evolution_low_fidelity,
)
from benchsuite.strategies.genetic_algorithm import GeneticAlgorithm
from benchsuite.strategies.hyperband import Hyperband
from benchsuite.strategies.local_search import LocalSearch
from benchsuite.strategies.model_based.bananas import bananas, bananas_random
from benchsuite.strategies.model_based.gp_bo import gp_bo, gp_bo_wl
from benchsuite.strategies.model_based.npenas import npenas
from benchsuite.strategies.model_based.parego import parego
from benchsuite.strategies.model_based.ranking import ranking
from benchsuite.strategies.model_based.sa_ea import (
    sa_ea_generation,
    sa_ea_individual,
)
from benchsuite.strategies.model_based.smac import smac
from benchsuite.strategies.model_based.tpe import tpe
from benchsuite.strategies.move_proposal import MoveProposal
from benchsuite.strategies.nsga2 import NSGA2
from benchsuite.strategies.random_scalarization import RandomScalarization
from benchsuite.strategies.random_search import RandomSearch
from benchsuite.strategies.regularized_evolution import (
    RegularizedEvolution,
    as_published,
)
from benchsuite.strategies.reinforce import Reinforce
from benchsuite.strategies.rung_promotion import RungPromotion
from benchsuite.strategies.shaped import (
    regularized_evolution_deb,
    regularized_evolution_mnasnet,
    reinforce_tunas,
)
from benchsuite.strategies.simulated_annealing import SimulatedAnnealing
from benchsuite.strategies.successive_halving import SuccessiveHalving
from benchsuite.strategies.warm_start import WarmStart

STRATEGIES: dict[str, MakeStrategy] = {
    "anasod_bo": anasod_bo,
    "anasod_local_search": partial(Anasod, over=LocalSearch),
    "anasod_random_search": partial(Anasod, over=RandomSearch),
    "asha": ASHA,
    "bananas": bananas,
    "bananas_random": bananas_random,
    "bananas_warm_start": partial(WarmStart, strategy=bananas),
    "bohb": BOHB,
    "bohb_nats": partial(
        BOHB,
        num_samples=4,
        random_fraction=0.0,
        bandwidth_factor=1.0,  # HpBandSter widens continuous ones only
        min_bandwidth=0.3,
    ),
    "dehb": DEHB,
    "early_rejection": early_rejection,
    "genetic_algorithm": GeneticAlgorithm,
    "gp_bo": gp_bo,
    "gp_bo_wl": gp_bo_wl,
    "hyperband": Hyperband,
    "local_search": LocalSearch,
    "npenas": npenas,
    "nsga2": NSGA2,
    "parego": parego,
    "random_scalarization": RandomScalarization,
    "random_search": RandomSearch,
    "ranking": ranking,
    "regularized_evolution": RegularizedEvolution,
    "regularized_evolution_deb": regularized_evolution_deb,
    "regularized_evolution_early_rejection": regularized_evolution_early_rejection,
    "regularized_evolution_low_fidelity": regularized_evolution_low_fidelity,
    "regularized_evolution_mnasnet": regularized_evolution_mnasnet,
    "regularized_evolution_move_proposal": MoveProposal,
    "regularized_evolution_nats": partial(
        RegularizedEvolution, population_size=10, sample_size=3, mutate=as_published
    ),
    "regularized_evolution_warm_start": WarmStart,
    "reinforce": Reinforce,
    "reinforce_tunas": reinforce_tunas,
    "rung_promotion": RungPromotion,
    "sa_ea_generation": sa_ea_generation,
    "sa_ea_individual": sa_ea_individual,
    "simulated_annealing": SimulatedAnnealing,
    "smac": smac,
    "successive_halving": SuccessiveHalving,
    "tpe": tpe,
}

ONE_FIDELITY = {
    **dict.fromkeys(
        ("asha", "dehb", "hyperband", "rung_promotion", "successive_halving"),
        "random search",
    ),
    "regularized_evolution_low_fidelity": "regularized evolution",
    **dict.fromkeys(("bohb", "bohb_nats"), "draws from a density"),
}
"""What remains, where there is one fidelity, of the strategies that need several."""
