"""Strategies over tasks, and pairs of them, against SciPy and counting by hand."""

import math
from itertools import product

import numpy as np
import pytest
from scipy import stats

from benchsuite.report.leaderboard import contests
from benchsuite.report.summary import overall, pairs
from tests.report.test_leaderboard import runs
from tests.toys import rng

TASKS, SEEDS = [f"toy/{n}" for n in range(8)], 12
STRATEGIES = {"good": 0.0, "fair": 0.05, "random_search": 0.1}


def board(strategies=STRATEGIES, tasks=TASKS):
    """`runs` has regrets of the error less .2."""
    source = rng(3)
    return contests(
        row
        for task, (name, worse) in product(tasks, strategies.items())
        for row in runs(
            name,
            (0.3 + worse + 0.1 * source.random(SEEDS)).round(6),
            benchmark=task,
        )
    )


@pytest.fixture(scope="module")
def found():
    return board()


def finals(found, label, figure):
    """[task][run] of a strategy."""
    return [
        [getattr(run[-1], figure) for run in line.runs]
        for contest in found
        for line in contest.lines
        if line.standing.label == label
    ]


def test_regrets_are_over_random_searchs_and_tasks_weigh_the_same(found):
    scales = [np.mean(own) for own in finals(found, "random_search", "regret")]
    for line in overall(found):
        regrets = finals(found, line.strategy, "regret")
        scaled = [np.array(own) / s for own, s in zip(regrets, scales, strict=True)]
        assert line.tasks == len(TASKS)
        assert line.regret_mean == pytest.approx(np.mean(scaled))
        assert line.regret_median == pytest.approx(np.median(scaled))
        iqm = stats.trim_mean(np.ravel(scaled), 0.25)
        assert line.regret_iqm == pytest.approx(iqm)
        for figure in ("mean", "median", "iqm"):
            low, high = (getattr(line, f"regret_{figure}_{e}") for e in ("low", "high"))
            assert low < getattr(line, f"regret_{figure}") < high
        if line.strategy == "random_search":
            assert line.regret_mean == pytest.approx(1)


def test_ranks_and_friedmans_p_are_scipys(found):
    means = {
        name: [np.mean(own) for own in finals(found, name, "reported_error")]
        for name in STRATEGIES
    }
    ranks = stats.rankdata(np.array(list(means.values())), axis=0).mean(axis=1)
    p = stats.friedmanchisquare(*means.values()).pvalue
    for line in overall(found):
        assert line.average_rank == dict(zip(means, ranks, strict=True))[line.strategy]
        assert line.friedman_p == pytest.approx(p)


def test_the_probability_of_being_better_counts_pairs_of_runs(found):
    theirs = finals(found, "random_search", "reported_error")
    for line in overall(found):
        ours = finals(found, line.strategy, "reported_error")
        wins = [
            np.mean([(x < y) + (x == y) / 2 for x in a for y in b])
            for a, b in zip(ours, theirs, strict=True)
        ]
        assert line.better_than_random == pytest.approx(np.mean(wins))


def test_every_two_strategies_are_compared_on_every_task_and_over_them(found):
    everything = list(pairs(found))
    over = [pair for pair in everything if not pair.benchmark]
    assert [(p.strategy, p.other) for p in over] == [
        *(("good", "fair"), ("good", "random_search"), ("fair", "random_search")),
    ]
    assert over[1].p < 0.05  # eight tasks of one order
    assert len(everything) == len(over) + 3 * len(TASKS)
    for pair in everything[len(over) :]:
        (contest,) = [c for c in found if c.benchmark == pair.benchmark]
        errors = [
            finals([contest], name, "reported_error")[0]
            for name in (pair.strategy, pair.other)
        ]
        gap = np.mean(errors[0]) - np.mean(errors[1])
        assert pair.difference == pytest.approx(gap)
        letters = {line.standing.label: line.standing.group for line in contest.lines}
        share = set(letters[pair.strategy]) & set(letters[pair.other])
        assert bool(share) == (pair.p_holm > 0.05)


def test_without_a_baseline_or_a_second_task_it_says_what_it_can():
    bare = board({"good": 0.0, "fair": 0.05})
    for line in overall(bare):
        assert math.isnan(line.regret_mean)
        assert math.isnan(line.better_than_random)
        assert math.isfinite(line.average_rank)
    alone = board(tasks=TASKS[:1])
    assert not list(overall(alone))
    assert len(list(pairs(alone))) == 3
    assert not list(pairs(board({"good": 0.0}, TASKS[:1])))
