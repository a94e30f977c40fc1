"""The leaderboard, on rows made by hand."""

import math
from dataclasses import fields, replace

import pytest

from benchsuite.report.leaderboard import (
    CANONICAL,
    Standing,
    contests,
    leaderboard,
)
from benchsuite.results import Effort, Row, run_of
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
    backend="table",
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


def nothing(strategy, seed):
    """The row of a run that found nothing."""
    nan = math.nan
    return replace(
        ROW,
        strategy=strategy,
        seed=seed,
        arch="",
        error=nan,
        reported_error=nan,
        regret=nan,
    )


def test_columns_are_the_agreed_ones():
    assert ",".join(CANONICAL) == (
        "benchmark,table,rules,reports,backend,strategy,settings,seeds,error_mean,"
        "error_std,error_low,error_high,seen_mean,regret_mean,rank,group,row"
    )
    assert {field.name for field in fields(Standing)} == {*CANONICAL, "thought"}


def test_a_line_is_named_by_what_its_runs_share_and_by_nothing_else():
    few, many = (leaderboard(runs("a", [0.25] * n)) for n in (2, 9))
    assert few[0].row == many[0].row
    for changes in (
        {"settings": "x=1"},
        {"source": "87654321"},
        {"rules": "trials=3"},
        {"table": "1" * 8},
        {"backend": "surrogate"},
        {"benchmark": "toy/other"},
    ):
        assert leaderboard(runs("a", [0.25], **changes))[0].row != few[0].row
    assert leaderboard(runs("b", [0.25]))[0].row != few[0].row


def test_contests_keep_every_step_of_every_run():
    table = [*runs("a", [0.5, 0.25]), *runs("b", [0.125])]
    (contest,) = contests(reversed(table))
    assert [line.standing.strategy for line in contest.lines] == ["b", "a"]
    assert sorted(r for x in contest.lines for run in x.runs for r in run) == table
    assert all(line.whole for line in contest.lines)
    (contest,) = contests(row for row in table if row.step)
    assert not any(line.whole for line in contest.lines)


def test_thinking_is_shared_among_the_trials_of_the_runs_that_were_timed():
    table = [*runs("a", [0.25, 0.5, 0.75]), *runs("b", [0.25])]
    first, second, third = (run_of(row) for row in table[1:6:2])
    efforts = {first: Effort(10, 0.5), second: Effort(30, 0.1)}
    board = by_name(leaderboard(table, efforts))
    assert third not in efforts
    assert board["a"].thought == pytest.approx(0.6 / 40)
    assert math.isnan(board["b"].thought)
    assert math.isnan(by_name(leaderboard(table))["a"].thought)


def test_the_final_incumbents_count():
    (line,) = leaderboard(runs("a", [0.25, 0.5, 0.75]))
    assert line.seeds == 3
    assert line.error_mean == 0.5
    assert line.error_std == pytest.approx(math.sqrt(2 / 3) / 4)
    assert line.seen_mean == pytest.approx(0.49)
    assert line.regret_mean == pytest.approx(0.3)
    # 1 resample in 27 is three times the least: more than 2.5 %, so that is the end
    assert (line.error_low, line.error_high) == (0.25, 0.75)
    assert (line.rank, line.group) == (1, "a")


def test_regret_below_zero_counts_as_such():
    (line,) = leaderboard(runs("a", [0.1, 0.25]))  # the best of the benchmark: .2
    assert line.regret_mean == pytest.approx(-0.025)


def test_mean_regret_is_added_up_exactly():
    table = [replace(row, regret=0.1) for row in runs("a", [0.5] * 10)]
    (line,) = leaderboard(table)
    assert line.regret_mean == 0.1  # from left to right, ten times .1 is less than 1


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


def test_means_equal_to_six_digits_are_equal():
    table = [*runs("a", [0.3, 0.300001, 0.3]), *runs("b", [0.3, 0.300002, 0.3])]
    lines = by_name(leaderboard(table))  # means of .30000033 and .30000067
    assert (lines["a"].rank, lines["b"].rank) == (1, 2)
    table = [*runs("a", [0.3] * 3), *runs("b", [0.3, 0.300001, 0.3])]
    lines = by_name(leaderboard(table))
    assert (lines["a"].rank, lines["b"].rank) == (1, 1)
    assert lines["b"].error_mean == 0.3


def test_equal_means_go_by_strategy_then_settings():
    table = [
        row
        for name, settings in (("b", ""), ("a", "n=3"), ("a", "n=2"))
        for row in runs(name, [0.3] * 7, settings=settings)
    ]
    names = [(x.strategy, x.settings) for x in leaderboard(table)]
    assert names == [("a", "n=2"), ("a", "n=3"), ("b", "")]


def test_means_are_of_all_runs_and_tests_of_common_seeds():
    """Seeds 0 to 8 are easier by far; on them a is the worse, every time."""
    a, b = [0.2] * 9, [0.1] * 9 + [0.9] * 9
    lines = by_name(leaderboard([*runs("a", a), *runs("b", b)]))
    assert (lines["a"].rank, lines["b"].rank) == (1, 2)
    assert (lines["a"].seeds, lines["b"].seeds) == (9, 18)
    assert lines["b"].error_mean == 0.5
    assert (lines["a"].group, lines["b"].group) == ("a", "b")
    apart = [row for row in runs("b", b) if row.seed >= 9]
    lines = by_name(leaderboard([*runs("a", a), *apart]))
    assert lines["a"].group == lines["b"].group == "a"  # nothing in common


def test_what_was_seen_decides_nothing():
    """Both saw the same; what is reported differs in every run."""
    saw = {"error": 0.2, "step": 2}
    table = [
        replace(row, **saw)
        for name, error in (("a", 0.4), ("b", 0.3))
        for row in runs(name, [error, *[error + 0.01] * 8])
        if row.step == 1
    ]
    lines = by_name(leaderboard(table))
    assert (lines["b"].rank, lines["a"].rank) == (1, 2)
    assert (lines["b"].group, lines["a"].group) == ("a", "b")
    assert lines["a"].seen_mean == lines["b"].seen_mean == 0.2
    assert lines["a"].error_std == pytest.approx(0.01 * math.sqrt(8) / 9)
    assert 0.4 <= lines["a"].error_low < lines["a"].error_high == 0.41


@pytest.mark.parametrize("column", ["benchmark", "table", "rules", "reports"])
def test_contests_are_not_compared(column):
    """Two in each, the better of one worse than both of the other."""
    table = [
        row
        for contest, names in (("other", "ad"), (getattr(ROW, column), "bc"))
        for name in names
        for row in runs(name, [0.1 + "abcd".index(name) / 10] * 9, **{column: contest})
    ]
    expected = sorted(
        [
            (getattr(ROW, column), "b", 1, "a"),
            (getattr(ROW, column), "c", 2, "b"),
            ("other", "a", 1, "a"),
            ("other", "d", 2, "b"),
        ]
    )
    board = leaderboard(table)
    assert expected == [
        (getattr(x, column), x.strategy, x.rank, x.group) for x in board
    ]


def test_settings_are_lines_of_their_own_and_sources_are_named():
    table = [
        *runs("a", [0.1] * 9),
        *runs("a", [0.2] * 9, source="edited"),
        *runs("a", [0.3] * 9, settings="n=2"),
    ]
    assert [(x.strategy, x.settings, x.seeds) for x in leaderboard(table)] == [
        ("a@12345678", "", 9),
        ("a@edited", "", 9),
        ("a", "n=2", 9),
    ]


def test_who_found_nothing_in_a_run_comes_last():
    table = [
        *runs("b", [0.1] * 9),
        nothing("b", 9),
        *runs("c", [0.5] * 10),
        nothing("a", 0),
        *runs("d", [0.4] * 10),
    ]
    board = leaderboard(table)
    assert [(x.strategy, x.rank) for x in board] == [
        ("d", 1),
        ("c", 2),
        ("a", 3),
        ("b", 3),
    ]
    last = board[-1]
    assert last.seeds == 10
    figures = (last.error_mean, last.error_std, last.error_low, last.error_high)
    assert all(map(math.isnan, (*figures, last.seen_mean, last.regret_mean)))


def test_the_order_of_rows_changes_no_bit():
    errors = rng(3).random((4, 30)).round(6)
    table = [row for n, e in enumerate(errors) for row in runs(f"s{n}", e)]
    table += [nothing("s4", 0), nothing("s5", 0)]
    first = repr(leaderboard(table))
    for seed in range(20):
        mixed = [table[n] for n in rng(seed).permutation(len(table))]
        assert repr(leaderboard(mixed)) == first


def test_an_empty_table_has_no_lines():
    assert leaderboard([]) == []
