"""Intervals, tests and letters, against closed forms, brute force and SciPy."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchsuite.report.statistics import (
    deviation,
    holm,
    interval,
    letters,
    mean,
    paired_p,
)
from tests.toys import rng


def seeded(errors):
    return dict(enumerate(errors))


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=60), st.randoms())
def test_mean_and_deviation_are_exact_whatever_the_order(millionths, dice):
    errors = [m / 10**6 for m in millionths]
    mixed = dice.sample(errors, len(errors))
    assert (mean(errors), deviation(errors)) == (mean(mixed), deviation(mixed))
    assert interval(errors)[0] <= mean(errors) <= interval(errors)[1] or len(errors) < 9
    assert mean(errors) == pytest.approx(np.mean(errors), abs=1e-12)
    assert deviation(errors) == pytest.approx(np.std(errors), abs=1e-9)


def test_interval_is_two_standard_errors_each_way():
    """Normal theory; the ends of 2,000 resamples vary by about 4 %."""
    errors = np.clip(0.5 + 0.05 * rng().normal(size=400), 0, 1).round(6)
    low, high = interval(errors.tolist())
    assert high - low == pytest.approx(2 * 1.96 * errors.std() / 20, rel=0.1)
    assert (low + high) / 2 == pytest.approx(errors.mean(), abs=0.0005)


def test_interval_agrees_with_scipys_percentile_bootstrap():
    errors = rng(1).random(30).round(6)
    theirs = stats.bootstrap(
        (errors,), np.mean, method="percentile", n_resamples=20_000, random_state=rng(2)
    ).confidence_interval
    low, high = interval(errors.tolist())
    assert low == pytest.approx(theirs.low, abs=0.01)
    assert high == pytest.approx(theirs.high, abs=0.01)


def test_interval_covers_the_true_mean_19_times_in_20():
    """800 samples of 60: between 93 and 97 %, of which chance leaves 1 in 100 out.

    The percentile interval is a little narrow at 60 seeds: about 94.5 % is expected.
    """
    source, covered = rng(0), 0
    for _ in range(800):
        low, high = interval((0.3 * source.random(60)).round(6).tolist())
        covered += low <= 0.15 <= high
    assert 0.93 <= covered / 800 <= 0.97


def test_what_is_not_finite():
    assert math.isnan(mean([0.1, math.nan]))
    assert mean([0.5, math.inf]) == 0.75  # diverged counts as all wrong
    assert all(math.isnan(end) for end in interval([0.1, math.nan]))
    assert math.isnan(mean([]))
    assert math.isnan(deviation([0.5]))


@pytest.mark.parametrize("n", [2, 5, 6, 9, 12])
def test_small_p_values_are_exact(n):
    a, b = (rng(n).random((2, n)) * 20).round() / 20  # with ties and zeros
    theirs = stats.permutation_test(
        (a - b,), np.mean, permutation_type="samples", n_resamples=np.inf
    ).pvalue
    assert paired_p(seeded(a), seeded(b)) == pytest.approx(theirs, abs=1e-12)


def test_large_p_values_are_students_and_near_the_permutations():
    a = rng(1).random(80).round(6)
    for shift in (0.0, 0.01, 0.03):
        b = np.clip(a + shift + 0.05 * rng(2).normal(size=80), 0, 1).round(6)
        ours = paired_p(seeded(a), seeded(b))
        assert ours == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-6)
        flips = rng(3).choice([-1, 1], (20_000, 80))
        d = a - b
        permuted = (abs(flips @ d) >= abs(d.sum()) - 1e-12).mean()
        assert ours == pytest.approx(permuted, abs=0.012)


def test_the_two_ways_meet_where_one_takes_over():
    source = rng(7)
    for _ in range(20):
        d = source.normal(size=16).round(3) / 100
        exact = paired_p(seeded(0.5 + d), seeded([0.5] * 16))
        student = stats.ttest_1samp(d, 0).pvalue
        assert exact == pytest.approx(student, abs=0.03)


def test_five_seeds_separate_nobody_and_six_may():
    for n, apart in ((5, False), (6, True)):
        p = paired_p(seeded([0.1] * n), seeded([0.9] * n))
        assert p == 2 / 2**n
        assert (p <= 0.05) == apart


def test_only_common_seeds_count():
    a, b = {0: 0.1, 1: 0.2, 5: 0.9}, {0: 0.2, 1: 0.3, 7: 0.0}
    assert paired_p(a, b) == paired_p({0: 0.1, 1: 0.2}, {0: 0.2, 1: 0.3}) == 0.5
    assert paired_p({0: 0.1}, {1: 0.9}) == 1.0
    assert paired_p({}, {}) == 1.0


def test_identical_and_constantly_different_columns():
    same = seeded(rng().random(40).tolist())
    assert paired_p(same, same) == 1.0
    assert paired_p(seeded([0.25] * 40), seeded([0.5] * 40)) == 0.0


def test_holm_is_the_step_down_rule():
    # .05/4 = .0125, .05/3 = .0167, .05/2 = .025, .05
    assert holm([0.012, 0.016, 0.024, 0.05]) == [True] * 4
    assert holm([0.012, 0.0251, 0.001, 0.9]) == [True, False, True, False]
    assert holm([0.02, 0.02, 0.02, 0.02]) == [False] * 4
    assert holm([0.05]) == [True]
    assert holm([]) == []


def test_under_the_null_a_contest_is_split_in_at_most_5_percent():
    """300 contests of six equal strategies x 40 seeds; 5 % + 3 sigma is 8.8 %."""
    source, split = rng(11), 0
    for _ in range(300):
        runs = [seeded((0.1 * source.random(40)).round(6).tolist()) for _ in range(6)]
        p_values = [paired_p(a, b) for a, b in itertools.combinations(runs, 2)]
        split += any(holm(p_values))
    assert split / 300 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)


def symmetric(n, ties):
    tied = [[a == b for a in range(n)] for b in range(n)]
    for (a, b), tie in zip(itertools.combinations(range(n), 2), ties, strict=True):
        tied[a][b] = tied[b][a] = tie
    return tied


@given(st.data())
def test_two_share_a_letter_exactly_if_they_are_tied(data):
    n = data.draw(st.integers(0, 9))
    pairs = n * (n - 1) // 2
    tied = symmetric(
        n, data.draw(st.lists(st.booleans(), min_size=pairs, max_size=pairs))
    )
    words = letters(tied)
    assert len(words) == n
    for a, b in itertools.product(range(n), repeat=2):
        share = not set(words[a].replace(".", "")).isdisjoint(words[b].replace(".", ""))
        assert share == tied[a][b]


@pytest.mark.parametrize(
    ("n", "ties", "words"),
    [
        (3, [True, True, True], ["a", "a", "a"]),
        (3, [False, False, False], ["a", "b", "c"]),
        (3, [True, False, True], ["a", "ab", "b"]),
        (3, [False, True, False], ["a", "b", "a"]),
        (4, [True, True, False, True, True, True], ["a", "ab", "ab", "b"]),
        (1, [], ["a"]),
        (0, [], []),
    ],
)
def test_letters_go_from_the_best_down(n, ties, words):
    assert letters(symmetric(n, ties)) == words


def test_more_than_26_groups_have_names_of_two_letters():
    words = letters(symmetric(30, [False] * 435))
    assert words[:2] + words[25:28] == ["a", "b", "z", "aa", "ab"]
    chain = letters(
        symmetric(30, [b - a == 1 for a, b in itertools.combinations(range(30), 2)])
    )
    assert (chain[0], chain[1], chain[28]) == ("a", "a.b", "ab.ac")
