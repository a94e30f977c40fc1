"""Intervals, tests and letters, against closed forms, brute force and SciPy."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from benchsuite.report.statistics import (
    deviation,
    holm_adjusted,
    interval,
    intervals,
    letters,
    maximal_cliques,
    mean,
    means,
    paired_p,
    pairwise,
    quantiles,
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


def test_columns_are_averaged_and_bounded_as_each_alone():
    table = rng(9).random((12, 5)).round(6)
    table[3, 1], table[4, 2] = math.nan, math.inf
    alone = [(mean(column), *interval(column)) for column in table.T.tolist()]
    together = np.array([means(table), *intervals(table)]).T
    np.testing.assert_array_equal(together, alone)
    assert np.isnan(together[1]).all()
    assert np.isfinite(together[2]).all()
    nothing = np.empty((0, 2))
    assert np.isnan([means(nothing), *intervals(nothing)]).all()


def expanded(n):
    """Level of plain percentiles that makes them as wide as the t interval."""
    bound = stats.t.ppf(0.975, n - 1) * math.sqrt(n / (n - 1))
    return 1 - 2 * stats.norm.sf(bound)


@pytest.mark.parametrize("n", [8, 30])
def test_interval_is_scipys_percentile_bootstrap_at_the_expanded_level(n):
    """Each end of 2,000 resamples has a deviation of .05 standard errors, and .09 at
    the level of 8 values: four of them are passed by chance in 1 of 8,000.
    """
    errors = rng(1).random(n).round(6)
    theirs = stats.bootstrap(
        (errors,),
        np.mean,
        method="percentile",
        n_resamples=50_000,
        confidence_level=expanded(n),
        random_state=rng(2),
    ).confidence_interval
    most = {8: 0.36, 30: 0.2}[n] * errors.std() / math.sqrt(n)
    np.testing.assert_allclose(interval(errors.tolist()), theirs, atol=most, rtol=0)


@pytest.mark.parametrize("n", [8, 30, 120])
def test_interval_is_as_wide_as_students(n):
    """Of normal values, 400 samples.

    The ends of the 2,000 resamples, which are the same for all samples, have deviations
    of .05 standard errors, and .09 at the level of 8 values: 1.5 and 2 % of a width.
    What a resample of 8 values loses in its tails adds 3 % to that.
    """
    table = rng(n).normal(0.5, 0.1, (n, 400)).round(6)
    low, high = intervals(table)
    half = stats.t.ppf(0.975, n - 1) * stats.sem(table)
    assert np.mean((high - low) / (2 * half)) == pytest.approx(1, rel=0.06)
    assert np.mean((low + high) / 2 - table.mean(axis=0)) == pytest.approx(
        0, abs=0.05 * half.mean()
    )


SOURCES = {  # all with a mean of .15
    "normal": lambda source, shape: source.normal(0.15, 0.02, shape),
    "uniform": lambda source, shape: 0.3 * source.random(shape),
    "skewed": lambda source, shape: source.exponential(0.15, shape),
    "missed": lambda source, shape: source.random(shape) * (source.random(shape) < 0.3),
}


@pytest.mark.parametrize(
    ("name", "n", "least", "most"),
    [
        *(
            (name, n, 0.93, 0.97)
            for name in ("normal", "uniform")
            for n in (8, 30, 120)
        ),
        ("skewed", 120, 0.93, 0.97),
        ("missed", 120, 0.93, 0.97),  # the optimum is found in 7 seeds of 10
        ("skewed", 8, 0.88, 0.92),  # as docs/statistics.md has it
        ("uniform", 3, 0.72, 0.78),
    ],
)
def test_how_often_the_interval_covers_the_true_mean(name, n, least, most):
    """3,000 samples; shares have a deviation of .4 % (.8 % of three values).

    With 30,000 it was 94.2 to 95.1 % of normal and uniform values, 94.3 and 94.8 % of
    the 120, 89.8 and 74.7 % of the last: the nearest bound is three deviations away.
    """
    table = SOURCES[name](rng(n), (n, 3000))
    low, high = intervals(table)
    assert least <= np.mean((low <= 0.15) & (high >= 0.15)) <= most


def test_quantiles_of_columns_are_numpys():
    table = np.sort(rng(1).random((37, 4)), axis=0)
    shares = np.array([0.0, 0.025, 0.5, 1.0])
    theirs = [np.quantile(c, q) for c, q in zip(table.T, shares, strict=True)]
    np.testing.assert_allclose(quantiles(table, shares), theirs, rtol=1e-14)


def test_what_is_not_finite():
    assert math.isnan(mean([0.1, math.nan]))
    assert mean([0.5, math.inf]) == 0.75  # diverged counts as all wrong
    assert all(math.isnan(end) for end in interval([0.1, math.nan]))
    assert math.isnan(mean([]))
    assert math.isnan(deviation([0.5]))
    assert math.isnan(deviation([0.1, math.nan]))
    assert deviation([0.5, math.inf]) == 0.25


@pytest.mark.parametrize("n", [2, 5, 6, 9, 12, 16])
def test_small_p_values_are_exact(n):
    a, b = (rng(n).random((2, n)) * 20).round() / 20  # with ties and zeros
    theirs = stats.permutation_test(
        (a - b,), np.mean, permutation_type="samples", n_resamples=np.inf
    ).pvalue
    assert paired_p(seeded(a), seeded(b)) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize(("better", "worse"), [(5, 0), (6, 0), (4, 4), (13, 3)])
@pytest.mark.parametrize("seeds", [16, 240])
def test_seeds_that_agree_are_no_evidence(better, worse, seeds):
    """Differences of one size make it the sign test, which leaves out the zeros."""
    d = [0.1] * better + [-0.1] * worse
    a = seeded([0.5 + x for x in d] + [0.5] * (seeds - len(d)))
    theirs = stats.binomtest(better, better + worse).pvalue
    assert paired_p(a, seeded([0.5] * seeds)) == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize("zeros", [0, 1, 60])
def test_beyond_16_differences_it_is_students_test_over_all_seeds(zeros):
    d = np.append(0.01 + 0.03 * rng(4).normal(size=17).round(4), np.zeros(zeros))
    theirs = stats.ttest_1samp(d, 0).pvalue
    assert paired_p(seeded(0.5 + d), seeded([0.5] * d.size)) == pytest.approx(theirs)


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
    # 4 x .012, 3 x .016, 2 x .024, .05
    assert holm_adjusted([0.012, 0.016, 0.024, 0.05]) == [0.048, 0.048, 0.048, 0.05]
    assert holm_adjusted([0.9, 0.5, 0.02]) == [1.0, 1.0, 0.06]
    assert holm_adjusted([0.05]) == [0.05]
    assert holm_adjusted([]) == []


@pytest.mark.parametrize("n", [1, 2, 7, 45])
def test_adjusted_p_values_are_those_of_statsmodels(n):
    p_values = (rng(n).random(n) ** 4).round(2)  # many are equal
    theirs = multipletests(p_values, method="holm")[1]
    np.testing.assert_allclose(holm_adjusted(p_values.tolist()), theirs, rtol=1e-12)


def test_pairs_of_a_contest_are_adjusted_together():
    """Raw 2/64, 2/64 and 1: the first two take the factor 3."""
    a, b = [0.1] * 6, [0.2] * 6
    table = pairwise([seeded(a), seeded(a), seeded(b)])
    np.testing.assert_allclose(
        table, [[1, 1, 0.09375], [1, 1, 0.09375], [0.09375, 0.09375, 1]]
    )
    assert pairwise([]).shape == (0, 0)


def symmetric(n, ties):
    tied = [[a == b for a in range(n)] for b in range(n)]
    for (a, b), tie in zip(itertools.combinations(range(n), 2), ties, strict=True):
        tied[a][b] = tied[b][a] = tie
    return tied


@st.composite
def graphs(draw, most):
    n = draw(st.integers(0, most))
    pairs = n * (n - 1) // 2
    ties = st.lists(st.booleans(), min_size=pairs, max_size=pairs)
    return symmetric(n, draw(ties))


@given(graphs(most=9))
def test_two_share_a_letter_exactly_if_they_are_tied(tied):
    words = letters(tied)
    assert len(words) == len(tied)
    for a, b in itertools.product(range(len(tied)), repeat=2):
        share = not set(words[a].replace(".", "")).isdisjoint(words[b].replace(".", ""))
        assert share == tied[a][b]


@given(graphs(most=7))
def test_each_largest_set_of_tied_ones_has_a_letter_of_its_own(tied):
    indices = range(len(tied))
    cliques = [
        set(members)
        for size in indices
        for members in itertools.combinations(indices, size + 1)
        if all(tied[a][b] for a, b in itertools.combinations(members, 2))
    ]
    largest = [c for c in cliques if not any(c < other for other in cliques)]
    assert maximal_cliques(tied) == sorted(map(sorted, largest))
    words = letters(tied)
    assert [
        [n for n, word in enumerate(words) if letter in word]
        for letter in sorted(set("".join(words)))
    ] == sorted(map(sorted, largest))


@pytest.mark.parametrize(
    ("n", "ties", "words"),
    [
        (3, [True, True, True], ["a", "a", "a"]),
        (3, [False, False, False], ["a", "b", "c"]),
        (3, [True, False, True], ["a", "ab", "b"]),
        (3, [False, True, False], ["a", "b", "a"]),
        (4, [True, True, False, True, True, True], ["a", "ab", "ab", "b"]),
        (4, [False, False, True, True, True, False], ["a", "bc", "b", "ac"]),
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


def test_words_are_joined_by_dots_only_from_27_groups_on():
    for sets, first in ((26, "ab"), (27, "a.b")):
        chain = [b - a == 1 for a, b in itertools.combinations(range(sets + 1), 2)]
        assert letters(symmetric(sets + 1, chain))[1] == first


def test_names_do_not_run_out():
    """Six trios told apart only within make 3^6 = 729 sets; 702 names are shorter."""
    ties = [a // 3 != b // 3 for a, b in itertools.combinations(range(18), 2)]
    names = {name for word in letters(symmetric(18, ties)) for name in word.split(".")}
    assert len(names) == 729
    assert {"a", "zz", "aaa", "aba"} <= names
