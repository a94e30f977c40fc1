"""Tests of ranks, against SciPy, scikit-posthocs and published tables."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
import scikit_posthocs as posthocs
from scipy import stats

from benchsuite.report.ranking import (
    TooLittleData,
    average_ranks,
    cliques,
    conover,
    critical_difference,
    friedman,
    nemenyi,
)
from tests.toys import rng


def with_ties(n, k, seed=0):
    """Errors with three values each, the strategies drifting apart."""
    return (rng(seed).random((n, k)) * 3 + np.arange(k) / k).round() / 10


def test_ties_share_the_mean_of_their_ranks():
    table = [[0.1, 0.2, 0.2, 0.4], [0.3, 0.3, 0.3, math.inf], [0.4, 0.3, 0.2, 0.1]]
    np.testing.assert_allclose(average_ranks(table), [7 / 3, 2.5, 6.5 / 3, 3])


@pytest.mark.parametrize(("n", "k"), [(2, 3), (10, 3), (30, 20)])
def test_friedmans_test_is_scipys_with_ties(n, k):
    table = with_ties(n, k)
    ours, theirs = friedman(table), stats.friedmanchisquare(*table.T)
    assert tuple(ours) == pytest.approx((theirs.statistic, theirs.pvalue))


@pytest.mark.parametrize(
    ("wins", "losses", "ties"), [(4, 0, 0), (6, 0, 3), (5, 5, 0), (1, 0, 0), (3, 9, 1)]
)
def test_of_two_strategies_it_is_the_sign_test(wins, losses, ties):
    table = [[0.1, 0.2]] * wins + [[0.2, 0.1]] * losses + [[0.1, 0.1]] * ties
    ours = friedman(table)
    assert ours.p == pytest.approx(stats.binomtest(wins, wins + losses).pvalue)
    assert ours.statistic == pytest.approx((wins - losses) ** 2 / (wins + losses))
    if wins + losses + ties >= 6:
        expected = [[1, ours.p], [ours.p, 1]]
        np.testing.assert_array_equal(nemenyi(table), expected)
        np.testing.assert_array_equal(conover(table), expected)


@pytest.mark.parametrize(("n", "k"), [(6, 2), (4, 3), (30, 20)])
def test_identical_columns_do_not_differ(n, k):
    same = np.repeat(rng().random((n, 1)), k, axis=1)
    assert friedman(same) == (0.0, 1.0)
    for test in (nemenyi, conover):
        np.testing.assert_array_equal(test(same), np.ones((k, k)))


def test_two_identical_columns_beside_one_that_is_always_worse():
    """Every block ranks alike: Conover's t is a difference over zero."""
    table = np.column_stack([np.arange(8.0), np.arange(8.0), np.arange(8.0) + 1])
    p = friedman(table).p
    np.testing.assert_array_equal(conover(table), [[1, 1, p], [1, 1, p], [p, p, 1]])
    assert nemenyi(table)[0, 1] == 1 > 0.05 > nemenyi(table)[0, 2]


@pytest.mark.parametrize(("n", "k"), [(3, 3), (10, 6), (30, 20)])
def test_nemenyis_test_is_scikit_posthocs_and_agrees_with_the_critical_difference(n, k):
    table = with_ties(n, k, seed=1)
    ours, ranks = nemenyi(table), average_ranks(table)
    theirs = posthocs.posthoc_nemenyi_friedman(table).to_numpy()
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    apart = abs(ranks[:, None] - ranks) > critical_difference(k, n)
    np.testing.assert_array_equal(ours < 0.05, apart)


@pytest.mark.parametrize(("n", "k"), [(3, 3), (10, 6), (12, 9)])
def test_conovers_test_is_scikit_posthocs_but_never_below_friedmans(n, k):
    table = with_ties(n, k, seed=2)
    theirs = posthocs.posthoc_conover_friedman(table, p_adjust="holm").to_numpy()
    expected = np.maximum(theirs, friedman(table).p)
    np.fill_diagonal(expected, 1)
    np.testing.assert_allclose(conover(table), expected, rtol=1e-9)


def test_critical_differences_are_those_of_demsars_table_5():
    published = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]
    for k, q in enumerate(published, 2):
        expected = q * math.sqrt(k * (k + 1) / (6 * 14))
        assert critical_difference(k, 14) == pytest.approx(expected, rel=3e-4)


def bars(ranks, p_values):
    """What scikit-posthocs draws: of each bar the ranks that it joins."""
    from matplotlib.figure import Figure

    names = [str(n) for n in range(len(ranks))]
    drawn = posthocs.critical_difference_diagram(
        dict(zip(names, ranks, strict=True)),
        pd.DataFrame(p_values, index=names, columns=names),
        ax=Figure().subplots(),
    )
    lines = [line for (line,) in drawn["crossbars"]]
    return sorted(sorted(line.get_xdata()) for line in lines)


@pytest.mark.parametrize("test", [nemenyi, conover])
@pytest.mark.parametrize("seed", range(10))
def test_groups_are_the_bars_that_scikit_posthocs_draws(test, seed):
    n, k = rng(seed).integers((6, 2), (30, 15))
    table = rng(seed).random((n, k)) + np.arange(k) * rng(seed).random() / 3
    ranks, p_values = average_ranks(table), test(table)
    groups = cliques(ranks.tolist(), p_values)
    assert sorted(sorted(ranks[group]) for group in groups) == bars(ranks, p_values)


@pytest.mark.parametrize("seed", range(30))
def test_groups_are_the_largest_sets_without_a_difference(seed):
    """Whatever the p-values, by brute force."""
    k = 2 + seed % 6
    p_values = rng(seed).random((k, k)) / 10
    p_values = np.maximum(p_values, p_values.T)
    ranks = rng(seed).permutation(k) + 1.0
    alike = [
        set(group)
        for size in range(2, k + 1)
        for group in itertools.combinations(range(k), size)
        if all(p_values[pair] >= 0.05 for pair in itertools.combinations(group, 2))
    ]
    expected = [g for g in alike if not any(g < other for other in alike)]
    groups = cliques(ranks.tolist(), p_values)
    assert sorted(map(sorted, groups)) == sorted(map(sorted, expected))
    for group in groups:
        assert [ranks[n] for n in group] == sorted(ranks[group])
    firsts = [ranks[group[0]] for group in groups]
    assert firsts == sorted(firsts)


def test_too_few_blocks_are_said_to_be_too_few():
    with pytest.raises(TooLittleData) as said:
        nemenyi(rng().random((2, 4)))
    assert str(said.value) == (
        "2 blocks are too few: with 4 strategies it takes 3 tasks, or seeds of one,"
        " before any two can be called different at 5 %."
    )
    with pytest.raises(TooLittleData, match=r"^1 block is too few: .* takes 6 tasks"):
        conover([[0.1, 0.2]])
    for nothing in (np.empty((0, 3)), np.empty((3, 0)), [[0.1], [0.2]]):
        for test in (friedman, nemenyi, conover):
            with pytest.raises(TooLittleData, match="two or more strategies"):
                test(nothing)
    with pytest.raises(TooLittleData, match="nothing to rank"):
        average_ranks(np.empty((0, 3)))


@pytest.mark.parametrize("k", [2, 3, 4, 6, 12])
def test_as_few_blocks_as_are_let_through_can_tell_the_first_from_the_last(k):
    ordered = np.arange(k)[None].repeat(10, axis=0)
    needed = 0
    for n in range(1, 10):
        try:
            apart = nemenyi(ordered[:n])[0, -1] <= 0.05
        except TooLittleData:
            continue
        needed = needed or n
        assert apart
    assert needed == {2: 6}.get(k, 3)


def test_a_table_with_holes_is_refused():
    table = [[0.1, 0.2, 0.3], [0.1, 0.2, math.nan]]
    for test in (average_ranks, friedman, nemenyi, conover):
        with pytest.raises(ValueError, match="strategy 2 has nan on block 1"):
            test(table)
    with pytest.raises(ValueError, match=r"not shape \(3,\)"):
        average_ranks([0.1, 0.2, 0.3])
