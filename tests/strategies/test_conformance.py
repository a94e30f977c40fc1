"""The contract that every registered strategy keeps, alone and with eight workers."""

import json
import math
import os
import random
import subprocess
import sys

import numpy as np
import pytest

from benchsuite import catalogue
from benchsuite.runner import Rules, search
from benchsuite.spaces import SearchSpace
from benchsuite.strategies import STRATEGIES
from tests.strategies import golden
from tests.toys import Additive, Distinct, Diverging, Watched, rng

COSTLY = golden.ALGEBRA - {"rung_promotion"}
"""Strategies with a model that takes milliseconds: most of this is slow for them."""
quick_and_costly = pytest.mark.parametrize("name", STRATEGIES)
every_strategy = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name in COSTLY else name
        for name in STRATEGIES
    ],
)
every_crew = pytest.mark.parametrize("workers", [1, 8])
WAIT = {
    *("anasod_local_search", "genetic_algorithm", "local_search", "nsga2"),
    *("bananas_warm_start", "regularized_evolution_warm_start"),
    "successive_halving",
}
EXHAUST = {"local_search", "tpe", *COSTLY} - {"early_rejection"}
"""Strategies that train nothing twice: over when the space is."""
FREE_OF_ORDER = {
    *("anasod_random_search", "local_search", "nsga2", "random_search"),
    *("anasod_local_search", "genetic_algorithm", "successive_halving"),
}
"""Where the paper waits, or does not learn: the order of outcomes changes nothing."""
PUBLISHED = {
    "anasod_bo": {"initial": 10, "batch": 5, "parents": 10, "candidates": 100},
    "anasod_local_search": {},
    "anasod_random_search": {},
    "asha": {"eta": 4},  # the paper's experiments
    "bananas": {  # the card: naszilla's defaults
        **{"initial": 10, "batch": 10, "members": 5, "parents": 5, "candidates": 100},
    },
    "bananas_random": {"initial": 10, "batch": 10, "members": 5, "candidates": 100},
    "bananas_warm_start": {"score": "zc_synflow", "candidates": 3000},
    "bohb": {  # HpBandSter
        **{"eta": 3, "num_samples": 64, "random_fraction": 1 / 3},
        **{"bandwidth_factor": 3.0, "min_bandwidth": 1e-3},
    },
    "bohb_nats": {  # NATS-Bench's code
        **{"eta": 3, "num_samples": 4, "random_fraction": 0.0},
        **{"bandwidth_factor": 1.0, "min_bandwidth": 0.3},
    },
    "dehb": {"eta": 3, "mutation_factor": 0.5, "crossover_rate": 0.5},
    "early_rejection": {  # choices made here, as no paper has just this
        **{"strategy": "regularized_evolution", "estimator": "model/ExtraTrees"},
        **{"quantile": 0.5, "window": 100},
    },
    "genetic_algorithm": {
        **{"population_size": 20, "tournament_size": 2},
        **{"crossover_rate": 0.9, "elite_size": 1},
    },
    "gp_bo": {  # the card: naszilla's
        **{"length_scale": 3.0, "initial": 10, "batch": 1},
        **{"parents": 10, "candidates": 200},
    },
    "gp_bo_wl": {
        **{"depth": 3, "initial": 10, "batch": 5, "parents": 10, "candidates": 200},
    },
    "hyperband": {"eta": 3},
    "local_search": {"initial": 10},  # the authors' code
    "npenas": {"initial": 10, "batch": 10, "parents": 10, "candidates": 100},
    "nsga2": {"population_size": 100, "crossover": 0.9},  # sec. V
    "parego": {"steps": 10, "initial": None},  # sec. IV
    "random_scalarization": {"initial": 20},
    "random_search": {},
    "ranking": {
        **{"ridge": 1e-3, "initial": 20, "batch": 10},
        **{"parents": 10, "candidates": 200},
    },
    "regularized_evolution": {"population_size": 100, "sample_size": 25},  # sec. 4
    "regularized_evolution_deb": {},
    "regularized_evolution_early_rejection": {
        **{"score": "zc_synflow", "quantile": 0.5, "window": 100},
    },
    "regularized_evolution_low_fidelity": {
        **{"share": 0.1, "quantile": 0.5, "window": 100},
    },
    "regularized_evolution_mnasnet": {},
    "regularized_evolution_move_proposal": {
        **{"score": "zc_synflow", "moves": 10},
        **{"population_size": 100, "sample_size": 25},
    },
    "regularized_evolution_warm_start": {  # the card
        **{"score": "zc_synflow", "candidates": 3000},
    },
    "regularized_evolution_nats": {"population_size": 10, "sample_size": 3},
    "reinforce": {"learning_rate": 0.01, "momentum": 0.9},  # NATS-Bench's code
    "reinforce_tunas": {},
    "rung_promotion": {"strategy": "asha", "estimator": "power_law", "looks": 3},
    "sa_ea_generation": {"population": 20, "generations": 10},
    "sa_ea_individual": {"population": 20, "generations": 10, "batch": 2},
    "simulated_annealing": {"initial": 10, "cooling": 0.9},
    "smac": {
        **{"trees": 10, "random_fraction": 0.33, "starts": 10},
        **{"candidates": 10_000, "initial": 10, "batch": 10},
    },
    "successive_halving": {"eta": 3},  # Hyperband
    "tpe": {"gamma": 0.25, "prior_weight": 1.0, "candidates": 24, "initial": 20},
}


def few(name, trials):
    """As many trials, or what a strategy with a costly model can do in a test."""
    return min(trials, 30) if name in COSTLY else trials


def watched(name, benchmark, seed=0, epochs=None):
    make = STRATEGIES[name]
    return Watched(make(benchmark.space, epochs or benchmark.epochs, rng(seed)))


@every_crew
@quick_and_costly
def test_asks_inside_the_space_and_the_epochs(name, workers, toy):
    strategy = watched(name, toy)
    trials = few(name, 600)
    found = list(search(strategy, toy, Rules(trials=trials, workers=workers), seed=0))
    assert len(strategy.told) == len(strategy.asked)
    assert len(strategy.trained) == trials
    assert all(trial.arch in toy.space for trial in strategy.asked)
    assert {trial.epochs for trial in strategy.asked} <= {0, *toy.epochs}
    assert found[-1].epochs == toy.epochs[-1]


@every_crew
@every_strategy
def test_same_seed_same_run_and_another_seed_another(name, workers, toy):
    def run(seed):
        strategy = watched(name, toy, seed)
        rules = Rules(budget=3000, workers=workers)
        return list(search(strategy, toy, rules, seed=seed)), strategy.told

    assert run(1) == run(1)
    assert run(1) != run(2)


@every_crew
@pytest.mark.parametrize("period", [1, 2])
@every_strategy
def test_survives_diverged_trials(name, period, workers, toy):
    strategy = watched(name, toy)
    rules = Rules(trials=few(name, 400), workers=workers)
    found = list(search(strategy, Diverging(toy, period), rules, seed=0))
    assert len(strategy.trained) == rules.trials
    assert bool(found) == (period > 1)
    assert all(math.isfinite(incumbent.error) for incumbent in found)


@every_strategy
def test_touches_no_global_randomness(name, toy):
    before = random.getstate(), str(np.random.get_state())  # noqa: NPY002
    rules = Rules(trials=few(name, 100), workers=4)
    list(search(watched(name, toy), toy, rules, seed=0))
    assert before == (random.getstate(), str(np.random.get_state()))  # noqa: NPY002


@every_crew
@every_strategy
def test_never_spends_more_than_the_budget(name, workers, toy):
    strategy = watched(name, toy)
    rules = Rules(budget=2000, workers=workers, promotion="restart")
    costs = [incumbent.cost for incumbent in search(strategy, toy, rules, seed=0)]
    assert costs == sorted(costs)
    assert costs[-1] <= 2000
    assert sum(observation.cost for _, observation in strategy.told) <= 2000 * workers


@every_strategy
def test_waits_only_where_the_paper_does(name, toy):
    strategy = watched(name, toy)
    list(search(strategy, toy, Rules(trials=few(name, 500), workers=8), seed=0))
    assert (strategy.waits > 0) == (name in WAIT)


@every_strategy
def test_runs_where_there_is_one_fidelity(name, toy):
    strategy = watched(name, toy, epochs=(27,))
    assert list(search(strategy, toy, Rules(trials=50, workers=3), seed=0))
    assert len(strategy.trained) == 50


@every_crew
@every_strategy
def test_runs_on_a_space_of_two_and_on_one_of_ten_to_the_eighteen(name, workers):
    for decisions in (1, 60):
        large = Additive(decisions=decisions, options=2, epochs=9)
        strategy = watched(name, large)
        rules = Rules(trials=few(name, 80), workers=workers)
        assert list(search(strategy, large, rules, seed=0))
        whole = decisions == 1 and name in EXHAUST
        assert len(strategy.trained) == (2 if whole else rules.trials)


@quick_and_costly
def test_a_single_trial_is_trained_in_full_or_as_little_as_it_starts_with(name, toy):
    """With eight workers too, only one trial is started, and told."""
    for workers in (1, 8):
        strategy = watched(name, toy)
        list(search(strategy, toy, Rules(trials=1, workers=workers), seed=0))
        assert len(strategy.trained) == 1


@every_strategy
def test_leaves_a_decision_without_a_choice_alone(name):
    class Fixed(Additive):
        def __init__(self):
            super().__init__()
            self.space = SearchSpace("fixed", (("o0",), *self.space.choices[1:]))

    fixed = Fixed()
    strategy = watched(name, fixed)
    rules = Rules(trials=few(name, 150), workers=2)
    list(search(strategy, fixed, rules, seed=0))
    assert len(strategy.trained) == rules.trials
    assert {trial.arch[0] for trial in strategy.asked} == {0}


@every_strategy
def test_outcomes_may_come_in_any_order(name):
    """Where the paper waits, or does not learn, their order changes nothing."""

    def asked(pick, crew):
        benchmark, running, asked_for = Distinct(), [], []
        strategy = watched(name, benchmark)
        while len(strategy.trained) < trials:
            while len(running) < crew and (trial := strategy.ask()) is not None:
                running.append(trial)
                asked_for.append(trial)
            trial = running.pop(pick(len(running)))
            strategy.tell(trial, benchmark.evaluate(trial, 0))
        return asked_for[:trials]

    trials = few(name, 400)
    alone = asked(lambda n: 0, 1)
    for pick in (lambda n: 0, lambda n: n - 1, lambda n: 7 * n // 11):
        crew = asked(pick, 8)
        assert len(crew) == trials
        assert (crew == alone) or name not in FREE_OF_ORDER


@every_strategy
def test_defaults_are_the_published_ones(name):
    parameters = catalogue.hyper_parameters(name, STRATEGIES[name]).values()
    assert {p.name: p.default for p in parameters} == PUBLISHED[name]


@pytest.mark.parametrize("name", golden.NAMES)
def test_golden_trajectory(name):
    """As recorded: a change here changes the results of everybody."""
    assert golden.trajectories(name) == json.loads(golden.FILE.read_text())[name]


def test_same_run_in_a_fresh_process_with_another_hash_seed():
    code = (
        "import json; from tests.strategies import golden;"
        "print(json.dumps({n: golden.trajectories(n) for n in golden.NAMES}))"
    )
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        answer = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            cwd=golden.FILE.parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(answer.stdout) == json.loads(golden.FILE.read_text())
