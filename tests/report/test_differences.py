"""Differences of two strategies, against SciPy and hand-computed values."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from benchsuite.report import statistics
from benchsuite.report.differences import difference, pairwise
from benchsuite.report.leaderboard import contests
from tests.report.test_leaderboard import nothing, runs
from tests.toys import rng


def seeded(errors, first=0):
    return dict(enumerate(errors, first))


def test_common_seeds_are_compared_in_pairs():
    source = rng(0)
    shared = source.random(30) / 4
    a = (shared + 0.01 * source.random(30)).round(6)
    b = (shared + 0.01 * source.random(30) + 0.004).round(6)
    found = difference(seeded(a.tolist()), seeded(b.tolist()))
    d = a - b
    assert found.mean == pytest.approx(d.mean())
    assert found.deviation == pytest.approx(d.std(ddof=1))
    assert found.p == pytest.approx(stats.ttest_rel(a, b).pvalue)
    assert found.pairs == 30
    half = stats.t.ppf(0.975, 29) * stats.sem(d)
    student = [d.mean() - half, d.mean() + half]  # ends move by .07 of it
    np.testing.assert_allclose([found.low, found.high], student, atol=0.2 * half)
    effect = d.mean() / d.std(ddof=1)
    needed = TTestPower().solve_power(abs(effect), power=0.8, alpha=0.05)
    assert found.needed == math.ceil(needed)
    u = stats.mannwhitneyu(b, a).statistic
    assert found.improvement == pytest.approx(u / 900)


def test_turned_round_everything_is():
    a, b = (seeded(rng(n).random(20).round(6).tolist()) for n in (1, 2))
    one, other = difference(a, b), difference(b, a)
    assert (one.mean, one.p, one.needed) == (-other.mean, other.p, other.needed)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert one.improvement == pytest.approx(1 - other.improvement)


def test_seeds_of_one_alone_count_for_improvement_only():
    a = {0: 0.1, 1: 0.2, 2: 0.3, 7: 0.9}
    b = {0: 0.2, 1: 0.2, 2: 0.2, 8: 0.0, 9: 0.0}
    found, common = (
        difference(a, b),
        difference(*({s: x[s] for s in range(3)} for x in (a, b))),
    )
    assert found.pairs == 3
    assert found.mean == common.mean == 0.0
    assert (found.low, found.high) == (-0.1, 0.1)
    assert found.needed is None
    assert found.improvement == (3 + 1.5) / 20


@pytest.mark.parametrize("overlap", [0, 1])
def test_without_pairs_it_is_welchs_test(overlap):
    a, b = rng(3).normal(0.3, 0.02, 9).round(6), rng(4).normal(0.28, 0.05, 14).round(6)
    found = difference(seeded(a.tolist()), seeded(b.tolist(), first=9 - overlap))
    theirs = stats.ttest_ind(a, b, equal_var=False)
    assert found.p == pytest.approx(theirs.pvalue)
    assert found.mean == pytest.approx(a.mean() - b.mean())
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval()))
    assert found.deviation == pytest.approx(math.hypot(a.std(ddof=1), b.std(ddof=1)))
    assert found.pairs == overlap


def test_without_pairs_and_without_spread_it_is_the_share_of_splits():
    """{.1, .1, .1} and {.2, .2} are one of ten ways to split five."""
    found = difference({0: 0.1, 1: 0.1, 2: 0.1}, {5: 0.2, 6: 0.2})
    assert (found.p, found.low, found.high) == (0.2, found.mean, found.mean)
    assert found.mean == pytest.approx(-0.1)
    assert found.needed == 6
    same = difference({0: 0.1, 1: 0.1}, {5: 0.1, 6: 0.1})
    assert (same.p, same.mean, same.needed) == (1.0, 0.0, None)


@pytest.mark.parametrize(
    ("a", "b"),
    [({}, {}), ({0: 0.1}, {}), ({0: 0.1}, {0: 0.2}), ({0: 0.1, 1: 0.2}, {5: 0.3})],
)
def test_too_little_data_say_nothing(a, b):
    found = difference(a, b)
    figures = (found.mean, found.low, found.high, found.deviation)
    assert all(map(math.isnan, figures))
    assert (found.p, found.needed) == (1.0, None)
    assert found.pairs == len(a.keys() & b.keys())


def test_fewer_than_six_seeds_are_never_enough():
    """However far apart: the exact test could not call it."""
    found = difference(seeded([0.1, 0.1001, 0.1]), seeded([0.9, 0.9, 0.9001]))
    assert (found.p, found.needed) == (0.25, 6)


def test_who_found_nothing_has_no_mean_but_has_lost():
    a, b = seeded([0.2] * 8), seeded([0.2] * 7 + [math.nan])
    found = difference(a, b)
    assert all(map(math.isnan, (found.mean, found.low, found.high, found.deviation)))
    assert found.p == 1.0  # one difference
    assert found.improvement == 0.5 + 0.5 / 8
    assert found.needed is None
    apart = difference({0: 0.2, 1: 0.3}, {5: math.nan, 6: math.nan})
    assert math.isnan(apart.mean)
    assert apart.p < 0.05
    diverged = difference(seeded([0.25] * 2), seeded([0.25, math.inf]))
    assert diverged.mean == -0.375


def test_letters_of_a_leaderboard_follow_from_the_pairs_of_its_contest():
    source = rng(6)
    table = [
        row
        for k in range(8)
        for row in runs(
            f"s{k}", (0.3 + 0.01 * source.normal(size=25) + 0.004 * k).round(6)
        )
    ]
    table += [
        nothing("s8", 0),
        *(replace(r, seed=r.seed + 1) for r in runs("s8", [0.2] * 6)),
    ]
    (contest,) = contests(table)
    p_values = pairwise(contest)
    assert p_values.shape == (9, 9)
    groups = [line.standing.group for line in contest.lines]
    share = [[not set(a).isdisjoint(b) for a in groups] for b in groups]
    np.testing.assert_array_equal(p_values > 0.05, share)
    assert len(set(groups)) > 1
    errors = [
        {run[-1].seed: run[-1].reported_error for run in line.runs}
        for line in contest.lines
    ]
    np.testing.assert_array_equal(p_values, statistics.pairwise(errors))
    assert difference(errors[0], errors[1]).p <= p_values[0, 1]
