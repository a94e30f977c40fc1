"""The leaderboard, on rows made by hand."""

import math
from dataclasses import astuple, fields, replace

import numpy as np
import pytest

from benchsuite.report.leaderboard import Standing, leaderboard
from benchsuite.results import Row
from tests.toys import rng

ROW = Row(
    benchmark="toy/toy",
    table="0" * 8,
    strategy="a",
    settings="",
    rules="trials=2",
    seed=0,
    source="12345678",
    reports="test",
    step=0,
    cost=1.0,
    arch="x",
    epochs=1,
    error=0.25,
    reported_error=0.25,
    regret=0.05,
    metrics="",
)


def runs(strategy, errors, **changes):
    """A run a seed, whose first incumbent is always worse."""
    for seed, error in enumerate(errors):
        last = replace(
            ROW,
            strategy=strategy,
            seed=seed,
            step=1,
            error=error - 0.01,
            reported_error=error,
            regret=error - 0.2,
            **changes,
        )
        yield replace(last, step=0, reported_error=0.9)
        yield last


def by_name(board):
    return {line.strategy: line for line in board}


def test_columns_are_the_agreed_ones():
    assert ",".join(field.name for field in fields(Standing)) == (
        "benchmark,table,rules,reports,strategy,settings,seeds,error_mean,error_std,"
        "error_low,error_high,seen_mean,regret_mean,rank,group"
    )


def test_the_final_incumbents_count():
    (line,) = leaderboard(runs("a", [0.25, 0.5, 0.75]))
    assert line.seeds == 3
    assert line.error_mean == 0.5
    assert line.error_std == pytest.approx(math.sqrt(2 / 3) / 4)
    assert line.seen_mean == pytest.approx(0.49)
    assert line.regret_mean == pytest.approx(0.3)
    assert line.error_low < 0.5 < line.error_high
    assert (line.rank, line.group) == (1, "a")


def test_ranks_go_by_means_and_letters_by_paired_tests():
    noise = 0.001 * rng().normal(size=30)
    table = [
        *runs("far", (0.3 + noise).round(6)),
        *runs("near", (0.2 + noise[::-1]).round(6)),
        *runs("best", (0.2 - 1e-6 + noise).round(6)),
    ]
    board = leaderboard(table)
    assert [(x.strategy, x.rank, x.group) for x in board] == [
        ("best", 1, "a"),
        ("near", 2, "a"),
        ("far", 3, "b"),
    ]


def test_equal_means_share_a_rank():
    table = [
        *runs("c", [0.4] * 7),
        *runs("b", [0.3] * 7),
        *runs("a", [0.3] * 7),
    ]
    assert [(x.strategy, x.rank, x.group) for x in leaderboard(table)] == [
        ("a", 1, "a"),
        ("b", 1, "a"),
        ("c", 3, "b"),
    ]


@pytest.mark.parametrize("column", ["benchmark", "table", "rules", "reports"])
def test_contests_are_not_compared(column):
    table = [*runs("a", [0.1] * 9), *runs("b", [0.9] * 9, **{column: "other"})]
    assert [(x.rank, x.group) for x in leaderboard(table)] == [(1, "a"), (1, "a")]


def test_settings_are_lines_of_their_own_and_sources_are_named():
    table = [
        *runs("a", [0.1] * 9),
        *runs("a", [0.2] * 9, source="edited"),
        *runs("a", [0.3] * 9, settings="n=2"),
    ]
    assert [(x.strategy, x.settings) for x in leaderboard(table)] == [
        ("a@12345678", ""),
        ("a@edited", ""),
        ("a", "n=2"),
    ]


def test_who_found_nothing_in_a_run_comes_last():
    nothing = replace(
        ROW,
        strategy="b",
        seed=9,
        arch="",
        error=math.nan,
        reported_error=math.nan,
        regret=math.nan,
    )
    lines = by_name(
        leaderboard([*runs("b", [0.1] * 9), nothing, *runs("c", [0.5] * 10)])
    )
    assert (lines["c"].rank, lines["b"].rank) == (1, 2)
    assert math.isnan(lines["b"].error_mean)
    assert math.isnan(lines["b"].error_low)
    assert lines["b"].seeds == 10


def test_the_order_of_rows_changes_no_bit():
    errors = rng(3).random((4, 30)).round(6)
    table = [row for n, e in enumerate(errors) for row in runs(f"s{n}", e)]
    mixed = [table[n] for n in np.random.default_rng(1).permutation(len(table))]
    one, other = ([astuple(x) for x in leaderboard(t)] for t in (table, mixed))
    assert one == other


def test_an_empty_table_has_no_lines():
    assert leaderboard([]) == []
