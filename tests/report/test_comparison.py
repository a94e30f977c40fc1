"""Strategies beside the first one named, on rows made by hand."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from benchsuite.report.comparison import compare, sparkline
from benchsuite.report.leaderboard import contests
from tests.report.test_leaderboard import runs
from tests.toys import rng

SEEDS = 40


def contest():
    noise = rng(0).random(SEEDS).round(6) / 10
    rows = [
        *runs("first", (0.3 + noise).round(6)),
        *runs("better", (0.2 + noise[::-1]).round(6)),
        *runs("same", (0.3 + noise).round(6)),
    ]
    (found,) = contests(rows)
    return found


def chosen(found, *names):
    by_name = {line.standing.strategy: line for line in found.lines}
    return [by_name[name] for name in names]


def test_differences_are_those_of_scipy_with_holms_correction():
    found = contest()
    lines = chosen(found, "first", "better", "same")
    first, better, same = compare(found, lines).lines
    errors = [np.array([run[-1].reported_error for run in line.runs]) for line in lines]
    gaps = errors[1] - errors[0]
    assert first.difference is None
    assert better.difference.mean == pytest.approx(gaps.mean())
    p = stats.ttest_rel(errors[1], errors[0]).pvalue
    assert better.p == pytest.approx(2 * p, rel=1e-6)  # of two tests the smaller
    assert better.difference.high < 0
    assert (same.difference.mean, same.p, same.difference.needed) == (0.0, 1.0, None)
    wins = (errors[1][:, None] < errors[0]).mean()
    wins += (errors[1][:, None] == errors[0]).mean() / 2
    assert better.difference.improvement == pytest.approx(wins)


def test_lines_come_in_the_order_asked_for_and_others_stay_out():
    found = contest()
    names = [
        line.standing.strategy
        for line in compare(found, chosen(found, "same", "first")).lines
    ]
    assert names == ["same", "first"]


def test_curves_are_means_and_are_left_out_where_they_were_not_recorded():
    rows = [
        replace(row, cost=1.0 + 9 * row.step)
        for name in ("a", "b")
        for row in runs(name, [0.25, 0.5])
    ]
    (found,) = contests(rows)
    comparison = compare(found, found.lines, count=3)
    assert comparison.moments == pytest.approx([1, 10**0.5, 10])
    assert comparison.lines[0].curve == pytest.approx([0.9, 0.9, 0.375])
    (bare,) = contests(row for row in rows if row.step)
    assert [len(line.curve) for line in compare(bare, bare.lines).lines] == [0, 0]


@pytest.mark.parametrize(
    ("values", "low", "high", "drawn"),
    [
        ([8, 4, 2, 1], 1, 8, "█▆▃▁"),
        ([np.nan, 1, 8], 1, 8, " ▁█"),
        ([5, 5], 5, 5, "▁▁"),
        ([0.0, 1.0], 0.0, 1.0, "▁▁"),
        ([100, 0.01], 1, 8, "█▁"),
        ([], 1, 2, ""),
    ],
)
def test_a_sparkline_is_on_a_log_scale_between_its_ends(values, low, high, drawn):
    assert sparkline(np.array(values, dtype=float), low, high) == drawn
