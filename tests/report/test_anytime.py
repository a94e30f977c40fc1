"""Anytime curves, on runs whose every value can be read off."""

import math
from dataclasses import replace

import numpy as np
import pytest

from benchsuite.report import bootstrap, statistics
from benchsuite.report.anytime import (
    average_rank,
    band,
    moments,
    normalised_regret,
    rank_over_time,
    regret,
    reported_error,
    values,
)
from benchsuite.report.leaderboard import contests
from tests.report import test_leaderboard
from tests.report.test_leaderboard import ROW
from tests.toys import rng


def run(strategy, seed, steps, best=0.1, **changes):
    """A run from its steps {cost: reported error}; `best` is the benchmark's."""
    return [
        replace(
            ROW,
            strategy=strategy,
            seed=seed,
            step=step,
            cost=float(cost),
            reported_error=error,
            regret=round(error - best, 12),
            **changes,
        )
        for step, (cost, error) in enumerate(steps.items())
    ]


def nothing(strategy, seed):
    return replace(test_leaderboard.nothing(strategy, seed), cost=math.nan)


def contest(*runs):
    (found,) = contests([row for own in runs for row in own])
    return found


def test_a_curve_holds_its_last_step_and_begins_with_its_first():
    runs = [run("a", 0, {2: 0.5, 4: 0.3}), run("a", 1, {3: 0.4}), [nothing("a", 2)]]
    times = np.array([1.0, 2.0, 3.9, 4.0, 99.0])
    nan = math.nan
    expected = [[nan, 0.5, 0.5, 0.3, 0.3], [nan, nan, 0.4, 0.4, 0.4], [nan] * 5]
    np.testing.assert_array_equal(values(runs, times, reported_error), expected)
    found = values(runs[:1], times, regret)
    np.testing.assert_array_equal(found, [[nan, 0.4, 0.4, 0.2, 0.2]])


def test_moments_go_from_the_first_incumbent_to_the_last():
    both = contest(run("a", 0, {2: 0.5, 32: 0.3}), run("b", 0, {1: 0.4, 16: 0.2}))
    np.testing.assert_allclose(moments(both, 6), [1, 2, 4, 8, 16, 32])
    at_once = contest(run("a", 0, {5: 0.5}), [nothing("b", 0)])
    np.testing.assert_array_equal(moments(at_once), [5.0])
    assert not len(moments(contest([nothing("b", 0)])))


def test_the_end_of_a_band_is_the_line_of_the_leaderboard():
    source = rng(1)
    board = contest(
        *(
            run("a", seed, {1: 0.9, 2 + source.random(): round(source.random(), 6)})
            for seed in range(15)
        )
    )
    (line,) = board.lines
    found = band(values(line.runs, moments(board), reported_error))
    standing = line.standing
    expected = standing.error_mean, standing.error_low, standing.error_high
    assert tuple(end[-1] for end in found) == pytest.approx(expected, abs=1e-6)
    assert found.mean[0] == 0.9


def test_a_band_begins_where_all_runs_have_an_incumbent():
    table = np.array([[math.nan, 0.5, math.inf], [0.5, 0.25, 0.5]])
    found = band(table)
    assert np.isnan([end[0] for end in found]).all()
    np.testing.assert_array_equal(found.mean[1:], [0.375, 0.75])
    assert (found.low[1], found.high[1]) == statistics.interval([0.5, 0.25])


def test_ranks_over_time_are_averaged_over_common_seeds():
    board = contest(
        run("a", 0, {1: 0.5, 4: 0.1}),
        run("a", 1, {2: 0.2}),
        run("b", 0, {2: 0.4}),
        run("b", 1, {1: 0.2}),
        run("c", 0, {3: 0.5}),
        run("c", 1, {3: 0.1}),
        run("a", 7, {1: 0.0}),  # the others have no such seed
    )
    order = [line.standing.strategy for line in board.lines]
    found = rank_over_time(board, np.array([1.0, 2.0, 3.0, 4.0]))
    at = dict(zip(order, found, strict=True))
    # Of seed 0 then 1, at 1 s: a b=c, b a=c; 2 s: b a c, a=b c; 3 s: b a=c, c a=b;
    # 4 s: a b c, c a=b
    np.testing.assert_allclose(at["a"], [(1 + 2.5) / 2, (2 + 1.5) / 2, 2.5, 1.75])
    np.testing.assert_allclose(at["b"], [(2.5 + 1) / 2, (1 + 1.5) / 2, 1.75, 2.25])
    np.testing.assert_allclose(at["c"], [2.5, 3, 1.75, 2])
    np.testing.assert_allclose(found.sum(axis=0), 6)


def test_who_found_nothing_ranks_last():
    board = contest(run("a", 0, {1: 0.5}), [nothing("b", 0)], [nothing("c", 0)])
    found = rank_over_time(board, np.array([0.5, 2.0]))
    np.testing.assert_array_equal(found, [[2, 1], [2, 2.5], [2, 2.5]])


def test_without_a_common_seed_or_any_regret_there_are_no_ranks():
    times = np.array([1.0, 2.0])
    apart = contest(run("a", 0, {1: 0.5}), run("b", 1, {1: 0.4}))
    assert np.isnan(rank_over_time(apart, times)).all()
    unknown = contest(*(run(s, 0, {1: 0.5}, best=math.nan) for s in "ab"))
    assert np.isnan(rank_over_time(unknown, times, regret)).all()
    np.testing.assert_array_equal(rank_over_time(unknown, times), np.full((2, 2), 1.5))
    assert rank_over_time(replace(apart, lines=[]), times).shape == (0, 2)


def two_tasks():
    """a is ahead on the first task from 7/16 of its time on, and always on the second.

    The second takes ten times as long.
    """
    return contests(
        [
            *run("a", 0, {1: 0.5, 7: 0.2}),
            *run("b", 0, {1: 0.4, 16: 0.3}),
            *run("a", 0, {10: 0.3, 160: 0.2}, benchmark="toy/z"),
            *run("b", 0, {10: 0.6}, benchmark="toy/z"),
        ]
    )


def test_average_ranks_are_read_at_the_same_shares_of_every_contest():
    found = average_rank(two_tasks(), count=5)
    assert found.labels == ["a", "b"]
    np.testing.assert_allclose(found.fractions, [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1])
    np.testing.assert_allclose(found.ranks[0], [1.5, 1.5, 1.5, 1, 1])
    np.testing.assert_allclose(found.ranks.sum(axis=0), 3)
    assert not found.left_out


def test_lines_that_are_not_everywhere_are_left_out_and_named():
    first, second = two_tasks()
    alone = contest(run("a", 0, {1: 0.5}), run("b", 0, {1: 0.5}), run("c", 0, {1: 0.1}))
    found = average_rank([first, second, alone], count=3)
    assert found.labels == ["a", "b"]
    assert found.left_out == ["c: did not take part in every contest"]
    bare = contest(run("a", 0, {1: 0.5}), run("b", 0, {1: 0.5, 2: 0.4})[1:])
    found = average_rank([first, bare])
    assert found.labels == ["a"]
    assert found.left_out == ["b: its anytime curves are not recorded"]


def test_lines_of_one_name_are_told_apart_by_their_backends():
    board = contest(
        run("a", 0, {1: 0.5}), run("a", 0, {1: 0.4}, backend="relaxed_table")
    )
    assert average_rank([board]).labels == ["a (relaxed_table)", "a (table)"]


def test_a_contest_without_common_seeds_is_left_out_and_named():
    apart = contest(run("a", 0, {1: 0.5}), run("b", 1, {1: 0.4}))
    first, _ = two_tasks()
    found = average_rank([first, apart])
    assert found.left_out == ["toy/toy, trials=2: no common seed, or nothing is known"]
    np.testing.assert_array_equal(found.ranks[:, -1], [1, 2])
    found = average_rank([apart])
    assert np.isnan(found.ranks).all()
    assert found.ranks.shape == (2, 1)
    assert average_rank([]).ranks.shape == (0, 0)


def test_regret_is_in_units_of_the_references_last():
    """Regrets end at .1 and .2 on one task, where b has .2; .1 and .5 on the other."""
    found = normalised_regret(two_tasks(), count=5, reference="b")
    assert found.labels == ["a", "b"]
    means = [found.bands[0].mean, found.bands[1].mean]
    a = [(x / 0.2 + y / 0.5) / 2 for x, y in ((0.4, 0.2), (0.1, 0.2), (0.1, 0.1))]
    np.testing.assert_allclose(means[0], [*a[:1] * 3, *a[1:]])
    np.testing.assert_allclose(means[1], [1.25, 1.25, 1.25, 1.25, 1])
    assert np.isnan(found.bands[0].low).all()  # one seed has no spread


def test_its_band_is_the_stratified_one():
    source = rng(2)
    boards = contests(
        [
            row
            for benchmark, seeds in (("toy/x", 6), ("toy/y", 11))
            for strategy in ("random_search", "s")
            for seed in range(seeds)
            for row in run(
                strategy,
                seed,
                {1: 0.9, 2: round(source.uniform(0.2, 0.4), 6)},
                benchmark=benchmark,
            )
        ]
    )
    found = normalised_regret(boards, count=4)
    tasks = []
    for board in boards:
        finals = {
            line.standing.strategy: [own[-1].regret for own in line.runs]
            for line in board.lines
        }
        tasks.append(np.array(finals["s"]) / np.mean(finals["random_search"]))
    expected = bootstrap.stratified([task.tolist() for task in tasks], bootstrap.mean)
    at_end = [end[-1] for end in found.bands[found.labels.index("s")]]
    np.testing.assert_allclose(at_end, expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("best", "reference", "why"),
    [
        (math.nan, "b", "the best of the benchmark is unknown"),
        (0.3, "b", "it found the best"),
        (0.1, "c", "it did not take part"),
    ],
)
def test_contests_without_a_scale_are_left_out_and_named(best, reference, why):
    first, _ = two_tasks()
    other = contest(
        run("a", 0, {1: 0.5}, best, benchmark="toy/z"),
        run("b", 0, {1: 0.3}, best, benchmark="toy/z"),
    )
    found = normalised_regret([first, other], reference=reference)
    said = f"toy/z, trials=2: {reference} has no final regret above 0 to divide by"
    assert said in found.left_out
    assert len(found.bands) == (0 if reference == "c" else 2), why
    nothing_left = normalised_regret([other], reference=reference)
    assert (nothing_left.labels, nothing_left.left_out) == ([], [said])
