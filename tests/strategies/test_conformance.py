"""The contract that every registered strategy keeps, alone and with eight workers."""

import inspect
import json
import math
import os
import random
import subprocess
import sys

import numpy as np
import pytest

from benchsuite.runner import Rules, search
from benchsuite.spaces import SearchSpace
from benchsuite.strategies import STRATEGIES
from tests.strategies import golden
from tests.toys import Additive, Distinct, Diverging, Watched, rng

every_strategy = pytest.mark.parametrize("name", STRATEGIES)
every_crew = pytest.mark.parametrize("workers", [1, 8])
NEVER_WAIT = {"random_search", "regularized_evolution", "reinforce"}
PUBLISHED = {
    "local_search": {"initial": 10},  # the authors' code
    "random_search": {},
    "regularized_evolution": {"population_size": 100, "sample_size": 25},  # sec. 4
    "reinforce": {"learning_rate": 0.01, "momentum": 0.9},  # NATS-Bench's code
    "successive_halving": {"eta": 3},  # Hyperband
}


def watched(name, benchmark, seed=0, epochs=None):
    make = STRATEGIES[name]
    return Watched(make(benchmark.space, epochs or benchmark.epochs, rng(seed)))


@every_crew
@every_strategy
def test_asks_inside_the_space_and_the_epochs(name, workers, toy):
    strategy = watched(name, toy)
    found = list(search(strategy, toy, Rules(trials=600, workers=workers), seed=0))
    assert len(strategy.told) == len(strategy.asked) == 600
    assert all(trial.arch in toy.space for trial in strategy.asked)
    assert {trial.epochs for trial in strategy.asked} <= set(toy.epochs)
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
    rules = Rules(trials=400, workers=workers)
    found = list(search(strategy, Diverging(toy, period), rules, seed=0))
    assert len(strategy.told) == 400
    assert bool(found) == (period > 1)
    assert all(math.isfinite(incumbent.error) for incumbent in found)


@every_strategy
def test_touches_no_global_randomness(name, toy):
    before = random.getstate(), str(np.random.get_state())  # noqa: NPY002
    list(search(watched(name, toy), toy, Rules(trials=100, workers=4), seed=0))
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
    list(search(strategy, toy, Rules(trials=500, workers=8), seed=0))
    assert (strategy.waits == 0) == (name in NEVER_WAIT)


@every_strategy
def test_runs_where_there_is_one_fidelity(name, toy):
    strategy = watched(name, toy, epochs=(27,))
    assert list(search(strategy, toy, Rules(trials=50, workers=3), seed=0))
    assert len(strategy.told) == 50


@every_crew
@every_strategy
def test_runs_on_a_space_of_two_and_on_one_of_ten_to_the_eighteen(name, workers):
    for decisions in (1, 60):
        large = Additive(decisions=decisions, options=2, epochs=9)
        strategy = watched(name, large)
        assert list(search(strategy, large, Rules(trials=80, workers=workers), seed=0))
        assert len(strategy.told) == (
            2 if (name, decisions) == ("local_search", 1) else 80
        )


@every_strategy
def test_leaves_a_decision_without_a_choice_alone(name):
    class Fixed(Additive):
        def __init__(self):
            super().__init__()
            self.space = SearchSpace("fixed", (("o0",), *self.space.choices[1:]))

    fixed = Fixed()
    strategy = watched(name, fixed)
    list(search(strategy, fixed, Rules(trials=150, workers=2), seed=0))
    assert len(strategy.told) == 150
    assert {trial.arch[0] for trial in strategy.asked} == {0}


@every_strategy
def test_outcomes_may_come_in_any_order(name):
    """Where the paper waits, or does not learn, their order changes nothing."""

    def asked(pick, crew):
        benchmark, running, trials = Distinct(), [], []
        strategy = watched(name, benchmark)
        while len(strategy.told) < 400:
            while len(running) < crew and (trial := strategy.ask()) is not None:
                running.append(trial)
                trials.append(trial)
            trial = running.pop(pick(len(running)))
            strategy.tell(trial, benchmark.evaluate(trial, 0))
        return trials[:400]

    alone = asked(lambda n: 0, 1)
    for pick in (lambda n: 0, lambda n: n - 1, lambda n: 7 * n // 11):
        crew = asked(pick, 8)
        assert len(crew) == 400
        if name not in {"regularized_evolution", "reinforce"}:
            assert crew == alone


@every_strategy
def test_defaults_are_the_published_ones(name):
    parameters = inspect.signature(STRATEGIES[name]).parameters.values()
    settings = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    assert settings == PUBLISHED[name]


@every_strategy
def test_golden_trajectory(name):
    """As recorded: a change here changes the results of everybody."""
    assert golden.trajectories(name) == json.loads(golden.FILE.read_text())[name]


def test_same_run_in_a_fresh_process_with_another_hash_seed():
    code = (
        "import json; from tests.strategies import golden;"
        "from benchsuite.strategies import STRATEGIES;"
        "print(json.dumps({n: golden.trajectories(n) for n in STRATEGIES}))"
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
