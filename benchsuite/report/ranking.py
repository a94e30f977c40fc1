"""Tests of ranks over blocks, which are tasks, or seeds of one task.

Demsar, "Statistical Comparisons of Classifiers over Multiple Data Sets", Journal of
Machine Learning Research 7, 2006. Conover, "Practical Nonparametric Statistics", 3rd
edition, 1999, sec. 5.8.

In a table [N, K] of N blocks and K strategies lower is better; within a block equal
figures share the mean of their ranks.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchsuite.report.statistics import holm_adjusted, maximal_cliques


class TooLittleData(ValueError):
    """No outcome whatever could be told apart; the message is one sentence."""


class Friedman(NamedTuple):
    """Friedman's test of whether all strategies rank alike.

    Attributes:
        statistic: Chi-squared, corrected for ties.
        p: p-value.
    """

    statistic: float
    p: float


def ranks(table: ArrayLike) -> NDArray[np.float64]:
    """Rank each row of [N, K] from 1, the lowest; ties share their mean rank.

    Raises:
        ValueError: The table is no [N, K], or a figure is nan.

    Example:
        >>> ranks([[0.3, 0.1, 0.3]])
        array([[2.5, 1. , 2.5]])
    """
    from scipy.stats import rankdata  # takes long to import

    figures = np.asarray(table, dtype=np.float64)
    if figures.ndim != 2:
        raise ValueError(f"ranks need a table [N, K], not shape {figures.shape}")
    if np.isnan(figures).any():
        block, strategy = np.argwhere(np.isnan(figures))[0]
        raise ValueError(
            f"strategy {strategy} has nan on block {block}: ranks need every strategy"
            " on every block, so leave out the one or the other"
        )
    if not figures.size:
        return figures
    ranked: NDArray[np.float64] = rankdata(figures, axis=1)
    return ranked


def average_ranks(table: ArrayLike) -> NDArray[np.float64]:
    """Average the ranks of each strategy over the blocks, [K].

    Raises:
        ValueError: As `ranks`.
        TooLittleData: There is no block, or no strategy.

    Example:
        >>> average_ranks([[0.1, 0.2, 0.3], [0.1, 0.1, 0.3]])
        array([1.25, 1.75, 3.  ])
    """
    ranked = ranks(table)
    if not ranked.size:
        raise TooLittleData("There is nothing to rank.")
    average: NDArray[np.float64] = ranked.mean(axis=0)
    return average


def friedman(table: ArrayLike) -> Friedman:
    """Test whether the strategies rank alike over the blocks.

    With two strategies it is the sign test, whose p-value is exact; with more, the
    p-value is that of chi-squared, which is too large rather than too small where
    blocks are few.

    Raises:
        ValueError: As `ranks`.
        TooLittleData: There is no block, or only one strategy.
    """
    ranked = _comparable(table)
    n, k = ranked.shape
    rank_sums = ranked.sum(axis=0)
    spread = (ranked**2).sum() - n * k * (k + 1) ** 2 / 4
    if spread <= 0:  # all alike in every block
        return Friedman(0.0, 1.0)
    squares = ((rank_sums - n * (k + 1) / 2) ** 2).sum()
    statistic = float((k - 1) * squares / spread)
    if k == 2:
        return Friedman(statistic, _sign_test(ranked))
    from scipy.special import chdtrc  # takes longer to import than all the rest

    return Friedman(statistic, float(chdtrc(k - 1, statistic)))


def _sign_test(ranked: NDArray[np.float64]) -> float:
    """Two-sided p-value of the signs of [N, 2], ties left out."""
    from scipy.special import bdtr  # takes longer to import than all the rest

    wins = int((ranked[:, 0] < ranked[:, 1]).sum())
    losses = int((ranked[:, 0] > ranked[:, 1]).sum())
    return min(1.0, float(2 * bdtr(min(wins, losses), wins + losses, 0.5)))


def critical_difference(strategies: int, blocks: int, alpha: float = 0.05) -> float:
    """Least difference of average ranks that Nemenyi's test calls one.

    q_alpha sqrt(K (K + 1) / (6 N)), with the quantile of the studentised range over
    sqrt(2), Demsar's equation in sec. 3.2.2.

    Example:
        >>> round(critical_difference(4, 14), 2)  # Demsar's example with 14 data sets
        1.25
    """
    from scipy.stats import studentized_range  # takes long to import

    q = float(studentized_range.ppf(1 - alpha, strategies, np.inf)) / math.sqrt(2)
    return q * math.sqrt(strategies * (strategies + 1) / (6 * blocks))


def nemenyi(table: ArrayLike) -> NDArray[np.float64]:
    """Test every two strategies by Nemenyi's test, [K, K] p-values.

    They are those of all pairs together: no correction is left to do. Two strategies
    are tested as by `friedman`, since the normal distribution that is behind Nemenyi's
    calls two equal ones different in one case of eight with four blocks.

    Raises:
        ValueError: As `ranks`.
        TooLittleData: Even strategies that rank first and last on every block could
            not be told apart at 5 %.
    """
    ranked = _enough(table)
    if ranked.shape[1] == 2:
        return _two(ranked)
    from scikit_posthocs import posthoc_nemenyi_friedman

    return np.asarray(posthoc_nemenyi_friedman(ranked), dtype=np.float64)


def conover(table: ArrayLike) -> NDArray[np.float64]:
    """Test every two strategies by Conover's test, [K, K] p-values adjusted by Holm.

    It finds more than Nemenyi's where few blocks agree well. None is below the p-value
    of Friedman's test, as Conover has it: pairs are looked at only where that rejects.
    So equal strategies are told apart in at most 5 % of tables if all of them are
    equal; beside others that are far better or worse they are in up to 20 %, since the
    spread that they share is then taken to be smaller than theirs. Nemenyi's test, and
    `statistics.pairwise` on one task, keep to 5 % there too.

    Raises:
        ValueError: As `ranks`.
        TooLittleData: As `nemenyi`.
    """
    ranked = _enough(table)
    if ranked.shape[1] == 2:
        return _two(ranked)
    if (ranked == ranked[0]).all():  # t is a difference over zero
        found = (ranked[0][:, None] == ranked[0]).astype(np.float64)
    else:
        from scikit_posthocs import posthoc_conover_friedman

        found = np.array(posthoc_conover_friedman(ranked), dtype=np.float64)
        above = np.triu_indices_from(found, 1)
        found[above] = holm_adjusted(found[above].tolist())
        found.T[above] = found[above]
    guarded: NDArray[np.float64] = np.maximum(found, friedman(table).p)
    np.fill_diagonal(guarded, 1.0)
    return guarded


def cliques(
    ranks: Sequence[float], p_values: ArrayLike, alpha: float = 0.05
) -> list[list[int]]:
    """Find which strategies the bars of a critical-difference diagram join.

    Args:
        ranks: [K] average ranks.
        p_values: [K, K], adjusted for their number.
        alpha: Two strategies are joined if their p-value is not below it.

    Returns:
        Largest groups of two or more of which no two differ; each and all from the
        lowest rank on.

    Example:
        >>> cliques([3.0, 1.0, 2.0], [[1, 0.01, 0.2], [0.01, 1, 0.3], [0.2, 0.3, 1]])
        [[1, 2], [2, 0]]
    """
    order = np.argsort(ranks, kind="stable")
    joined = np.asarray(p_values)[np.ix_(order, order)] >= alpha
    groups = maximal_cliques(joined.tolist())
    return [[int(order[n]) for n in group] for group in groups if len(group) > 1]


def _comparable(table: ArrayLike) -> NDArray[np.float64]:
    """Rank what may be compared."""
    ranked = ranks(table)
    if not len(ranked) or ranked.shape[1] < 2:
        raise TooLittleData(
            f"Ranks compare two or more strategies on one block (a task, or a seed of"
            f" one) or more, not {ranked.shape[1]} on {len(ranked)}."
        )
    return ranked


def _enough(table: ArrayLike) -> NDArray[np.float64]:
    """Rank what may be told apart, if it always comes first and last."""
    ranked = _comparable(table)
    blocks, strategies = ranked.shape
    needed = _blocks_needed(strategies)
    if blocks >= needed:
        return ranked
    raise TooLittleData(
        f"{blocks} {'block is' if blocks == 1 else 'blocks are'} too few: with"
        f" {strategies} strategies it takes {needed} tasks, or seeds of one, before"
        " any two can be called different at 5 %."
    )


@lru_cache
def _blocks_needed(strategies: int) -> int:
    """Blocks with which the most extreme ranks reach the critical difference."""
    if strategies == 2:
        return 6  # all signs of six are alike in 2 cases of 64
    most = strategies - 1
    return next(n for n in count(1) if critical_difference(strategies, n) <= most)


def _two(ranked: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sign test as a table of p-values, [2, 2]."""
    p = friedman(ranked).p
    return np.array([[1.0, p], [p, 1.0]])
