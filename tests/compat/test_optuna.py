"""Optuna's samplers as strategies and strategies as its samplers, against Optuna."""

import math
from collections import Counter

import numpy as np
import optuna
import pytest
from optuna.samplers import GridSampler, RandomSampler, TPESampler

from benchsuite.compat.optuna import OptunaSampler, StrategySampler, distributions
from benchsuite.core import Observation, Trial
from benchsuite.runner import Rules, search
from benchsuite.spaces import NATS_TSS, SearchSpace
from benchsuite.spaces.nb101 import cell_space
from benchsuite.strategies import STRATEGIES
from benchsuite.strategies.local_search import LocalSearch
from benchsuite.strategies.random_search import RandomSearch
from benchsuite.strategies.regularized_evolution import RegularizedEvolution
from tests.toys import NOTHING, Additive, Diverging, Watched, rng


@pytest.fixture(autouse=True)
def _quiet():
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)


def suggest(trial, space):
    """Suggest every decision, as an objective of a user does."""
    return tuple(
        options.index(trial.suggest_categorical(f"{d}", options))
        for d, options in enumerate(space.choices)
    )


def objective_of(benchmark):
    def objective(trial):
        arch = suggest(trial, benchmark.space)
        return benchmark.evaluate(Trial(arch, benchmark.epochs[-1]), 0).error

    return objective


def archs_of(study, space):
    return [
        tuple(o.index(t.params[f"{d}"]) for d, o in enumerate(space.choices))
        for t in study.trials
    ]


@pytest.mark.parametrize("make", [TPESampler, RandomSampler])
def test_a_sampler_through_the_adapter_asks_what_it_asks_of_its_own_study(make, toy):
    for seed in range(3):
        ours = Watched(
            OptunaSampler(
                toy.space, toy.epochs, rng(seed), sampler=lambda s: make(seed=s)
            )
        )
        list(search(ours, toy, Rules(trials=60), seed=0))
        own_seed = int(rng(seed).integers(1 << 31))
        study = optuna.create_study(sampler=make(seed=own_seed))
        study.optimize(objective_of(toy), n_trials=60)
        assert [trial.arch for trial in ours.asked] == archs_of(study, toy.space)
        assert {trial.epochs for trial in ours.asked} == {27}


def test_tpe_is_the_default(toy):
    ours = Watched(OptunaSampler(toy.space, toy.epochs, rng(5)))
    given = Watched(
        OptunaSampler(
            toy.space, toy.epochs, rng(5), sampler=lambda s: TPESampler(seed=s)
        )
    )
    for strategy in (ours, given):
        list(search(strategy, toy, Rules(trials=40), seed=0))
    assert ours.asked == given.asked


def test_outcomes_may_come_in_any_order_and_of_one_architecture_twice():
    """The study has each error at the trial that asked for it, the first first."""
    space = SearchSpace("two", (("a", "b"),))
    strategy = OptunaSampler(
        space, (1,), rng(), sampler=lambda s: RandomSampler(seed=s)
    )
    running = [strategy.ask() for _ in range(12)]
    for n in reversed(range(12)):
        strategy.tell(running[n], Observation(0.1 * running[n].arch[0], 1.0, NOTHING))
    trials = strategy._study.trials
    assert [t.value for t in trials] == [0.1 * trial.arch[0] for trial in running]


def test_survives_constraints_workers_and_divergence():
    toy = Additive(decisions=8, options=2)
    space = cell_space("small", vertices=4, max_edges=5)
    toy.space = space

    def evaluate(trial, seed):
        assert trial.arch in space
        return Observation(sum(trial.arch) / 20, 1.0, NOTHING)

    toy.evaluate = evaluate
    strategy = Watched(OptunaSampler(space, toy.epochs, rng()))
    rules = Rules(trials=60, workers=8)
    assert list(search(strategy, Diverging(toy, 2), rules, seed=0))
    assert len(strategy.told) == 60


@pytest.mark.parametrize("make", [RandomSearch, LocalSearch, RegularizedEvolution])
def test_a_strategy_through_optuna_asks_what_it_asks_of_the_runner(make, toy):
    study = optuna.create_study(sampler=StrategySampler(make, toy.space, seed=3))
    study.optimize(objective_of(toy), n_trials=150)
    own, _ = rng(3).spawn(2)
    ours = Watched(make(toy.space, (27,), own))
    list(search(ours, toy, Rules(trials=150), seed=0))
    assert archs_of(study, toy.space) == [trial.arch for trial in ours.asked]
    assert study.best_value == min(seen.error for _, seen in ours.told)


class Heard:
    """Asks for the first architecture of all, and notes what it is told."""

    def __init__(self, space, epochs, rng):
        self.heard = []
        self.space = space

    def ask(self):
        return Trial((0,) * len(self.space.choices), 1)

    def tell(self, trial, observation):
        self.heard.append((trial.arch, observation.error))


def test_a_strategy_hears_errors_whatever_the_direction_and_inf_of_failures():
    space = SearchSpace("two", (("a", "b"),))

    def objective(trial):
        suggest(trial, space)
        if trial.number == 1:
            raise optuna.TrialPruned
        return 0.7

    for direction, error in (("minimize", 0.7), ("maximize", 1 - 0.7)):
        sampler = StrategySampler(Heard, space, seed=0)
        study = optuna.create_study(sampler=sampler, direction=direction)
        study.optimize(objective, n_trials=3)
        heard = [seen for _, seen in sampler._strategy.heard]
        assert heard == [pytest.approx(error), math.inf, pytest.approx(error)]


def test_what_a_user_enqueues_is_not_the_strategys_doing():
    space = SearchSpace("two", (("a", "b"),))
    sampler = StrategySampler(Heard, space, seed=0)
    study = optuna.create_study(sampler=sampler)
    study.enqueue_trial({"0": "b"})
    study.optimize(lambda trial: suggest(trial, space)[0] + 0.5, n_trials=2)
    assert archs_of(study, space) == [(1,), (0,)]
    assert sampler._strategy.heard == [((0,), 0.5)]


def test_when_a_strategy_is_over_trials_are_drawn_uniformly():
    """Local search trains the two there are; of 98 draws 24 to 74 are of one (5 sd)."""
    space = SearchSpace("two", (("a", "b"),))
    study = optuna.create_study(sampler=StrategySampler(LocalSearch, space, seed=0))
    study.optimize(lambda trial: suggest(trial, space)[0] / 2, n_trials=100)
    archs = archs_of(study, space)
    assert sorted(archs[:2]) == [(0,), (1,)]
    assert 24 <= Counter(archs[2:])[0,] <= 74


def test_refuses_what_a_strategy_cannot_do():
    space = SearchSpace("two", (("a", "b"),) * 2)
    sampler = StrategySampler(RandomSearch, space, seed=0)
    with pytest.raises(
        ValueError, match=r"parameters of two are .*, 0, 1; 'lr', Float"
    ):
        optuna.create_study(sampler=sampler).optimize(
            lambda trial: trial.suggest_float("lr", 0, 1), n_trials=1
        )
    with pytest.raises(ValueError, match="did not suggest 1 of two"):
        optuna.create_study(sampler=sampler).optimize(
            lambda trial: len(trial.suggest_categorical("0", ("a", "b"))), n_trials=1
        )
    scored = StrategySampler(STRATEGIES["bananas_warm_start"], space, seed=0)
    with pytest.raises(ValueError, match="asks for metrics of untrained networks"):
        optuna.create_study(sampler=scored).optimize(
            lambda trial: pytest.fail(f"{suggest(trial, space)} trained"), n_trials=1
        )
    several = optuna.create_study(sampler=sampler, directions=["minimize"] * 2)
    with pytest.raises(ValueError, match="one objective, not 2"):
        several.optimize(lambda trial: (suggest(trial, space)[0], 0.0), n_trials=1)


def test_threads_share_a_strategy(toy):
    study = optuna.create_study(sampler=StrategySampler(LocalSearch, toy.space, seed=1))
    study.optimize(objective_of(toy), n_trials=60, n_jobs=4)
    assert len(study.trials) == 60
    assert all(math.isfinite(trial.value) for trial in study.trials)


def test_every_option_of_a_space_can_be_suggested():
    """Optuna's grid search lists as many architectures as the space has."""
    space = SearchSpace("toy", (("a", "b", "c"), ("d",), ("e", "f")))
    grid = {name: d.choices for name, d in distributions(space).items()}
    study = optuna.create_study(sampler=GridSampler(grid, seed=0))
    study.optimize(lambda trial: float(sum(suggest(trial, space))))
    assert sorted(archs_of(study, space)) == sorted(space)
    assert list(distributions(NATS_TSS)) == [str(d) for d in range(6)]
    assert np.isclose(study.best_value, 0)
