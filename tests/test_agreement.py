"""How good surrogates are as benchmarks: figures, splits and rankings."""

import csv
import itertools
import math

import numpy as np
import pytest
from scipy.stats import kendalltau
from typer.testing import CliRunner

from benchsuite import load
from benchsuite.agreement import predictions, study
from benchsuite.agreement.predictions import (
    FIGURES,
    LEVELS,
    Quality,
    cross_validated,
    different,
    figures,
    left_out,
    sample,
)
from benchsuite.agreement.rankings import agreement, mean_ranks, searches
from benchsuite.cli import app
from benchsuite.core import InputError
from benchsuite.estimators.protocol import Judgement
from benchsuite.fitting import Runs
from benchsuite.spaces import NATS_SSS, NATS_TSS
from benchsuite.spaces.graph import graphs
from tests.documents import surrogates
from tests.documents.surrogates import FOLDER
from tests.toys import rng


@pytest.fixture(scope="module")
def table():
    return load("nb201/cifar10")


@pytest.fixture
def noted(monkeypatch):
    """What would be learned and judged, instead of a fit."""
    calls = []

    def judged(benchmark, model, learned, other, draw):
        calls.append((learned, other))
        return Quality(len(learned), len(other), dict.fromkeys(FIGURES, 0.5))

    monkeypatch.setattr(predictions, "judged", judged)
    return calls


def test_figures_of_two_runs_by_hand():
    """Cells of .6 and .8 (mean of .7, .9), predicted .7 and .8 with a std of .1."""
    said = Judgement(np.array([0.7, 0.8]), np.array([0.1, 0.1]))
    runs = Runs(np.array([0, 1, 1]), 1 - np.array([[0.6], [0.7], [0.9]]), np.ones(3))
    found = figures(said, runs, 2)
    assert found["mae"] == pytest.approx(0.05)
    assert found["r2"] == pytest.approx(1 - 0.01 / 0.02)
    assert found["kendall"] == found["spearman"] == 1
    # All three runs are one std off: within 68 %, so within 80 % and not 50 %.
    assert [found[f"coverage_{level}"] for level in LEVELS] == [0, 1, 1]
    assert set(found) == set(FIGURES)


def test_intervals_of_normal_errors_cover_what_they_say():
    """20,000 cells; five standard errors are at most .018: one false alarm in 10^6."""
    draw, n = rng(5), 20_000
    truth, std = draw.uniform(0.3, 0.6, n), draw.uniform(0.01, 0.05, n)
    runs = Runs(np.arange(n), 1 - truth[:, None], np.ones(n))
    found = figures(Judgement(truth + std * draw.standard_normal(n), std), runs, n)
    for level in LEVELS:
        assert found[f"coverage_{level}"] == pytest.approx(level / 100, abs=0.018)


def test_a_cell_without_a_recorded_run_is_left_out():
    said = Judgement(np.array([0.7, 0.1, 0.8]), np.full(3, 0.1))
    runs = Runs(np.array([0, 2]), np.array([[0.3], [0.2]]), np.ones(2))
    assert figures(said, runs, 3)["mae"] == pytest.approx(0)


def test_cells_of_one_graph_count_once():
    archs = list(NATS_TSS)
    kept = list(different(NATS_TSS, archs))
    assert len(kept) == len({graphs(NATS_TSS, arch) for arch in archs}) == 6046
    assert list(different(NATS_TSS, archs[:500], known=archs)) == []
    sizes = [NATS_SSS.sample(rng(1)) for _ in range(3)]
    assert list(different(NATS_SSS, sizes)) == sizes[:1]


def test_folds_hold_out_every_cell_once_and_share_no_graph(table, noted):
    parts = list(cross_validated(table, "any", cells=103, folds=5, seed=3))
    assert len(parts) == len(noted) == 5
    out = [arch for _, test in noted for arch in test]
    assert len(set(out)) == len(out) == 103
    for learned, test in noted:
        one, other = ({graphs(NATS_TSS, a) for a in archs} for archs in (learned, test))
        assert not one & other
        assert len(one) + len(other) == 103
    assert set(out) == set(sample(table, 103, rng(3)))


def test_what_the_left_out_optimiser_visited_is_not_learned_from(table, noted):
    found = searches(table, ["random_search", "local_search", "reinforce"], [0, 1], 50)
    names = ("random", "local", "reinforce")
    visited = dict(zip(names, found.visited, strict=True))
    parts = dict(left_out(table, "any", visited, most=60, seed=0))
    assert list(parts) == list(names)
    for name, (learned, test) in zip(names, noted, strict=True):
        assert len(learned) <= 60
        assert set(test) <= set(visited[name])
        others = set(itertools.chain(*(visited[n] for n in names if n != name)))
        assert set(learned) <= others
        assert not {graphs(NATS_TSS, a) for a in learned} & {
            graphs(NATS_TSS, a) for a in test
        }


def test_optimisers_that_visited_the_same_cannot_be_told_apart(table, noted):
    archs = sample(table, 30, rng(0))
    assert not dict(left_out(table, "any", {"a": archs, "b": archs}, most=30, seed=0))


@pytest.mark.parametrize(("cells", "folds"), [(5, 3), (100, 1)])
def test_too_few_cells_for_the_folds_are_refused(cells, folds, table):
    with pytest.raises(InputError, match=f"{cells} cells .* to {folds} folds"):
        list(cross_validated(table, "ExtraTrees", cells=cells, folds=folds, seed=0))
    with pytest.raises(InputError, match=r"has 6,046 different cells, not 7,000"):
        sample(table, 7000, rng())


def test_mean_ranks_by_hand():
    errors = np.array([[0.1, 0.3], [0.2, 0.3], [0.3, 0.1]])
    assert mean_ranks(errors).tolist() == [1.75, 2.25, 2.0]


def test_agreement_is_kendalls_tau_of_mean_ranks():
    draw = rng(4)
    for _ in range(5):
        one, other = draw.random((6, 9)), draw.random((6, 12))
        known = kendalltau(mean_ranks(one), mean_ranks(other)).statistic
        found = agreement(one, other, rng(1))
        assert found.tau == pytest.approx(known)
        assert found.low <= found.high
        assert agreement(one, other, rng(1)) == found


def test_tau_allows_for_ties_and_is_nothing_where_all_rank_alike():
    one = np.array([[0.1, 0.2], [0.1, 0.2], [0.3, 0.4], [0.0, 0.5]])
    other = np.array([[0.1], [0.2], [0.2], [0.4]])
    known = kendalltau(mean_ranks(one), mean_ranks(other)).statistic
    assert agreement(one, other, rng()).tau == pytest.approx(known)
    alike = np.ones((4, 3))
    assert all(map(math.isnan, agreement(one, alike, rng())))


def test_strategies_that_are_far_apart_agree_without_doubt_and_equal_ones_do_not():
    draw = rng(6)
    far = np.arange(5)[:, None] + 0.01 * draw.random((5, 20))
    again = np.arange(5)[:, None] + 0.01 * draw.random((5, 20))
    assert agreement(far, again, rng()) == (1, 1, 1)
    same = draw.random((5, 20)), draw.random((5, 20))
    found = agreement(*same, rng())
    assert found.low < 0 < found.high


def test_an_interval_covers_the_tau_of_many_seeds():
    """Of 60 draws of 24 seeds each, at least 48 of intervals of 95 % hold the truth.

    Bootstrap intervals of a tau near 1 are known to be too low; 48 is 80 %. If they
    covered just 88 %, fewer than 48 would come in one case of 40.
    """
    draw, means = rng(7), np.array([0.0, 0.35, 0.7, 1.6, 2.4])

    def errors(seeds):
        return means[:, None] + draw.standard_normal((5, seeds))

    swapped = means[[1, 0, 2, 3, 4]]
    truth = kendalltau(means, swapped).statistic
    held = 0
    for n in range(60):
        other = swapped[:, None] + draw.standard_normal((5, 24))
        found = agreement(errors(24), other, rng(n))
        held += found.low <= truth <= found.high
    assert held >= 48


def test_searches_report_by_what_was_searched(toy):
    found = searches(toy, ["random_search", "local_search"], [0, 1, 2], 60)
    assert found.errors.shape == (2, 3)
    for n, picks in enumerate(found.found):
        for seed, arch in enumerate(picks):
            assert found.errors[n, seed] == toy.reported_error(arch, seed)
            assert arch in found.visited[n]
    assert all(len(set(archs)) == len(archs) > 60 for archs in found.visited)


def test_few_strategies_or_seeds_are_refused(table):
    plan = study.Plan(models=["ExtraTrees"], strategies=["asha", "tpe"])
    with pytest.raises(InputError, match=r"three strategies .* not 2 and 24"):
        next(study.study(table, plan))


def run(*words):
    return CliRunner().invoke(app, ["agreement", *words])


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_command_writes_tables_and_says_what_it_found(tmp_path):
    on = ("--on", "nb201/cifar10", "--models", "ExtraTrees", "--train-size", "60")
    few = ("--folds", "2", "--seeds", "4", "--trials", "25", "--out", str(tmp_path))
    some = ("--strategies", "random_search,local_search,simulated_annealing")
    told = run(*on, *few, *some)
    assert told.exit_code == 0
    assert "ExtraTrees" in told.stdout
    tables = {path.stem: read(path) for path in tmp_path.glob("nb201/cifar10/*.csv")}
    assert set(tables) == set(study.TABLES)
    assert len(tables["cross_validation"]) == len(FIGURES)
    assert len(tables["left_out"]) == 3 * len(FIGURES)
    assert [line["model"] for line in tables["leaderboards"]] == ["table", "ExtraTrees"]
    assert len(tables["ranks"]) == 6
    for line in tables["ranks"]:
        assert float(line["true_error"]) >= 0.08
    by_table = [line for line in tables["ranks"] if line["model"] == "table"]
    assert all(line["error"] == line["true_error"] for line in by_table)
    for line in tables["cross_validation"]:
        assert math.isfinite(float(line["mean"]))
        assert (line["learned"], line["judged"]) == ("30", "60")


def test_what_is_no_table_is_refused(tmp_path, monkeypatch, toy):
    monkeypatch.setattr("benchsuite.benchmarks.load", lambda name: toy)
    told = run("--on", "toy", "--out", str(tmp_path))
    assert isinstance(told.exception, InputError)
    assert "toy is no table: there is nothing to agree with" in str(told.exception)
    assert not list(tmp_path.iterdir())


def test_the_document_is_up_to_date():
    """`make docs` writes it."""
    assert surrogates.FILE.read_text(encoding="utf-8") == surrogates.surrogates()


def test_recorded_rankings_agree_as_recorded():
    """Tau of the mean ranks in git is that in git; rounding ranks makes no ties."""
    ranks, boards = read(FOLDER / "ranks.csv"), read(FOLDER / "leaderboards.csv")
    of = {
        model: [float(line["rank"]) for line in ranks if line["model"] == model]
        for model in dict.fromkeys(line["model"] for line in ranks)
    }
    for board in boards[1:]:
        tau = kendalltau(of["table"], of[board["model"]]).statistic
        assert float(board["tau"]) == pytest.approx(tau, abs=1e-4)
        assert float(board["low"]) <= tau <= float(board["high"])


def test_recorded_searches_of_the_table_are_those_of_today(table):
    names = ["random_search", "regularized_evolution", "local_search"]
    found = searches(table, names, range(24), 200)
    recorded = {
        line["strategy"]: float(line["error"])
        for line in read(FOLDER / "ranks.csv")
        if line["model"] == "table"
    }
    for name, errors in zip(names, found.errors, strict=True):
        assert recorded[name] == pytest.approx(errors.mean(), abs=6e-6)
