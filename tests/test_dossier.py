"""What a report tells beside figures is what registries, tables and stores say."""

from dataclasses import replace

import numpy as np
import pytest

import benchsuite
from benchsuite import campaign
from benchsuite.catalogue import find
from benchsuite.dossier import dossier
from benchsuite.recorded import Recorded, recorded
from benchsuite.report.leaderboard import contests
from benchsuite.results import Circumstances, run_of
from benchsuite.runner import Rules
from benchsuite.store import Store
from tests.report.test_leaderboard import runs

TRIALS = 30


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    entries = [find("random_search"), find("regularized_evolution[sample_size=5]")]
    tasks = campaign.plan(
        entries, ["nb201/cifar10"], Rules(trials=TRIALS), range(3), timeout=60
    )
    with Store(folder / "runs.sqlite") as store:
        list(campaign.campaign(tasks, store))
        store.fail(replace(tasks[0].run, seed=9), "ZeroDivisionError")
    return recorded(folder, curves=True)


@pytest.fixture(scope="module")
def found(known):
    return contests(known.rows, known.efforts)


@pytest.fixture(scope="module")
def about(found, known):
    return dossier(found, known)


def by_strategy(found):
    return {line.standing.strategy: line for c in found for line in c.lines}


def test_a_strategy_is_told_with_all_its_settings_and_its_paper(found, about):
    line = by_strategy(found)["regularized_evolution"]
    facts = about.strategies[line.standing.row]
    assert facts.settings == {"population_size": "100", "sample_size": "5"}
    assert "Real, Aggarwal, Huang & Le" in facts.paper
    assert facts.about.startswith("Regularized evolution")
    row = line.runs[0][0]
    assert facts.defined == (
        f"benchsuite.strategies.regularized_evolution ({row.source})"
    )


def test_an_architecture_is_told_as_the_table_has_it(found, about):
    benchmark = benchsuite.load("nb201/cifar10")
    archs = about.architectures["nb201/cifar10"]
    finals = {run[-1].arch for c in found for line in c.lines for run in line.runs}
    assert set(archs) == finals
    for arch, facts in archs.items():
        record = benchmark.query(arch)
        assert [run[2] for run in facts.runs] == [
            r.valid_error[-1] for r in record.runs
        ]
        assert facts.figures["params"].split()[0] == f"{record.metrics['params']:,.6g}"
        assert len(facts.drawings) == 1


def test_an_origin_says_how_and_where(found, about):
    line = by_strategy(found)["random_search"]
    origin = about.origins[line.standing.row]
    assert origin.command == (
        f"benchsuite run random_search --on nb201/cifar10 --seeds 3 --rules"
        f" trials={TRIALS}"
    )
    assert origin.versions["numpy"] == np.__version__
    assert origin.machine["cores"]


def test_failures_are_told(about):
    assert about.failures == [
        "random_search on nb201/cifar10, seed 9: ZeroDivisionError"
    ]


def test_what_was_evaluated_contains_every_incumbent_in_order(found, about):
    space = benchsuite.load("nb201/cifar10")
    for line in found[0].lines:
        trace = about.evaluated[line.standing.row]
        assert len(trace.params) == len(trace.errors) == TRIALS
        run = line.runs[0]
        params = [space.query(row.arch).metrics["params"] for row in run]
        places = [int(np.flatnonzero(trace.params == p)[0]) for p in params]
        assert all(place < TRIALS for place in places)
    landscape = about.landscapes["nb201/cifar10"]
    points = set(zip(landscape.params, landscape.errors.round(9), strict=True))
    assert {
        (p, e) for p, e in zip(trace.params, trace.errors.round(9), strict=True)
    } <= points


def test_what_is_not_installed_or_of_a_user_is_left_out():
    table = [*runs("a", [0.25, 0.5]), *runs("b", [0.25, 0.5])]
    circumstances = {
        run_of(row): Circumstances("./own.py:b", {}, {})
        for row in table
        if row.strategy == "b"
    }
    board = contests(table)
    told = dossier(board, Recorded(table, {}, circumstances))
    assert not told.architectures
    assert not told.landscapes
    assert not told.evaluated
    rows = {line.standing.strategy: line.standing.row for line in board[0].lines}
    assert told.strategies[rows["a"]].paper == ""
    assert told.strategies[rows["b"]].defined == "./own.py:b (12345678)"
    assert told.origins[rows["b"]].command.startswith("benchsuite run ./own.py:b ")


def test_a_one_shot_method_is_told_with_its_paper():
    table = runs("drnas", [0.25], benchmark="nb201/cifar10", backend="supernet")
    board = contests(table)
    told = dossier(board, Recorded([]))
    (facts,) = told.strategies.values()
    assert facts.paper == "Chen et al., ICLR 2021."
