"""Bootstrap intervals over the seeds of several tasks, each task resampled on its own.

Agarwal, Schwarzer, Castro, Courville & Bellemare, "Deep Reinforcement Learning at the
Edge of the Statistical Precipice", NeurIPS 2021. https://arxiv.org/abs/2108.13264

Tasks are what is compared on, never a sample of tasks: intervals tell what other seeds
would have given on these tasks, and nothing of tasks that are not there.

Every task weighs the same, whatever its number of seeds: with n of them, each run of it
has the mass 1 / (tasks n). Percentiles are those of the expanded interval, see
`statistics.interval`, with the degrees of freedom of Welch and Satterthwaite over the
tasks; for the mean of one task the two are the same.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchsuite.report import statistics
from benchsuite.report.statistics import RESAMPLES

_CELLS = 2**19  # of one array of resamples: 4 MiB


class Estimate(NamedTuple):
    """A figure with its 95 % interval; ends are nan where a task has only one run."""

    value: float
    low: float
    high: float


Statistic = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
"""From values [N], ascending, and B times their masses [B, N], of sum 1, to B figures
[B]. A resample gives the same values other masses: it never has to be sorted."""


def mean(
    values: NDArray[np.float64], masses: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean of the means of the tasks; see `Statistic`.

    Example:
        >>> mean(np.array([1.0, 2.0, 6.0]), np.array([[0.25, 0.25, 0.5]]))
        array([3.75])
    """
    return masses @ values


def median(
    values: NDArray[np.float64], masses: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Median of all runs: half of the mass is on either side; see `Statistic`.

    Example:
        >>> median(np.array([1.0, 2.0, 6.0, 7.0]), np.full((1, 4), 0.25))
        array([4.])
    """
    below = np.cumsum(masses, axis=1)
    last = len(values) - 1  # half of the mass may be reached exactly, but for rounding
    low = np.minimum((below < 0.5 - 1e-9).sum(axis=1), last)
    high = np.minimum((below <= 0.5 + 1e-9).sum(axis=1), last)
    middle: NDArray[np.float64] = (values[low] + values[high]) / 2
    return middle


def interquartile_mean(
    values: NDArray[np.float64], masses: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean of the middle half of all runs, Agarwal et al.'s IQM; see `Statistic`.

    A quarter of the mass is cut off at either end, and of a run at the border a part;
    `scipy.stats.trim_mean` cuts whole runs, which is the same for multiples of four.

    Example:
        >>> interquartile_mean(np.array([1.0, 2.0, 6.0, 90.0]), np.full((1, 4), 0.25))
        array([4.])
    """
    inside = np.clip(np.cumsum(masses, axis=1), 0.25, 0.75)
    kept: NDArray[np.float64] = np.diff(inside, axis=1, prepend=0.25) @ values * 2
    return kept


def stratified(tasks: Sequence[Sequence[float]], statistic: Statistic) -> Estimate:
    """Estimate a figure of a strategy over all runs of all tasks.

    Errors of different tasks are of different sizes: the mean of raw errors is that of
    the hardest tasks mostly, and their median lies between tasks. Give it normalised
    figures, or one task.

    Args:
        tasks: Of each task the figures of its runs; numbers of runs may differ. A run
            that diverged counts as 1.
        statistic: `mean`, `median` or `interquartile_mean`.

    Returns:
        nan where a run is nan, where a task has no run, and where there is no task.

    Example:
        >>> stratified([[0.25, 0.25], [0.5, 0.5, 0.5]], mean)
        Estimate(value=0.375, low=0.375, high=0.375)
    """
    sizes = [len(task) for task in tasks]
    pooled = np.array([e for task in tasks for e in task], dtype=np.float64)
    if not all(sizes) or not sizes or np.isnan(pooled).any():
        return Estimate(np.nan, np.nan, np.nan)
    pooled[np.isinf(pooled)] = 1.0
    order = np.argsort(pooled, kind="stable")
    values = pooled[order]
    weights = np.repeat(1 / (len(sizes) * np.array(sizes)), sizes)[order]
    value = statistic(values, weights[None])
    figures = np.concatenate(
        [
            statistic(values, np.hstack(counts)[:, order] * weights)
            for counts in _resamples(sizes)
        ]
    )
    spreads = [np.var(task) for task in np.split(pooled, np.cumsum(sizes)[:-1])]
    low, high = _ends(figures[:, None], np.array(spreads)[:, None], sizes)
    return _estimate(value[0], low[0], high[0])


def stratified_means(
    tasks: Sequence[NDArray[np.float64]],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Estimate the mean of each column as `stratified` does, all at once.

    Args:
        tasks: Of each task [S, T], of S seeds; S may differ.

    Returns:
        [T] means over tasks, and the ends of their intervals, each nan where a run is.

    Raises:
        ValueError: There is no task, or one without a run.
    """
    sizes = [len(task) for task in tasks]
    if not sizes or not all(sizes):
        raise ValueError(f"one run or more of one task or more, not {sizes}")
    found = np.full((3, tasks[0].shape[1]), np.nan)
    known = ~np.any([np.isnan(task).any(axis=0) for task in tasks], axis=0)
    finite = [np.where(np.isinf(task), 1.0, task)[:, known] for task in tasks]
    figures = np.concatenate(
        [
            np.mean(
                [c @ task / len(task) for c, task in zip(counts, finite, strict=True)],
                axis=0,
            )
            for counts in _resamples(sizes)
        ]
    )
    spreads = np.array([task.var(axis=0) for task in finite])
    found[0, known] = np.mean([task.mean(axis=0) for task in finite], axis=0)
    found[1:, known] = _ends(figures, spreads, sizes)
    return found[0], found[1], found[2]


def improvement(a: Sequence[float], b: Sequence[float]) -> float:
    """Probability that a run of a has a lower error than a run of b; ties count half.

    It is Mann and Whitney's U over the number of pairs. A run that diverged or found
    nothing counts as 1; nan without runs of either.

    Example:
        >>> improvement([0.1, 0.2], [0.2, 0.3])
        0.875
    """
    if not len(a) or not len(b):
        return np.nan
    return float(_wins(a, b).mean())


def probability_of_improvement(
    a: Sequence[Sequence[float]], b: Sequence[Sequence[float]]
) -> Estimate:
    """Probability that a beats b on a task chosen at random: see `improvement`.

    Runs of a and of b are resampled each on its own, as if their seeds had nothing in
    common. Where all runs of one beat all of the other, the interval is a point.

    Args:
        a: Errors of one strategy, by task.
        b: Those of the other on the same tasks.

    Raises:
        ValueError: The numbers of tasks differ.

    Example:
        >>> probability_of_improvement([[0.1, 0.2]], [[0.3, 0.4, 0.5]])
        Estimate(value=1.0, low=1.0, high=1.0)
    """
    if len(a) != len(b):
        raise ValueError(
            f"tasks of both, not {len(a)} of one and {len(b)} of the other"
        )
    sizes = [len(task) for pair in zip(a, b, strict=True) for task in pair]
    if not all(sizes) or not sizes:
        return Estimate(np.nan, np.nan, np.nan)
    wins = [_wins(*pair) for pair in zip(a, b, strict=True)]
    figures = np.concatenate(
        [
            np.mean(
                [
                    ((of_a @ won) * of_b).sum(axis=1) / won.size
                    for won, of_a, of_b in zip(
                        wins, counts[::2], counts[1::2], strict=True
                    )
                ],
                axis=0,
            )
            for counts in _resamples(sizes)
        ]
    )
    spreads = [won.mean(axis=axis).var() for won in wins for axis in (1, 0)]
    low, high = _ends(figures[:, None], np.array(spreads)[:, None], sizes)
    return _estimate(np.mean([won.mean() for won in wins]), low[0], high[0])


def _estimate(*figures: np.float64) -> Estimate:
    """Leave out digits that are rounding only: errors have no more than these."""
    return Estimate(*[round(float(figure), 12) for figure in figures])


def _wins(a: Sequence[float], b: Sequence[float]) -> NDArray[np.float64]:
    """Which run of a beats which of b, [runs of a, runs of b]; 1/2 for ties."""
    mine, theirs = statistics.whole(a)[:, None], statistics.whole(b)
    won: NDArray[np.float64] = (mine < theirs) + (mine == theirs) / 2
    return won


def _resamples(sizes: Sequence[int]) -> Iterator[list[NDArray[np.float64]]]:
    """Resample groups, each with a seed of its own; how often, [some of B, n] each."""
    sources = [np.random.default_rng(seed) for seed in range(len(sizes))]
    step = max(1, _CELLS // sum(sizes))
    for start in range(0, RESAMPLES, step):
        rows = min(step, RESAMPLES - start)
        yield [
            statistics.draw(source, n, rows)
            for source, n in zip(sources, sizes, strict=True)
        ]


def _ends(
    figures: NDArray[np.float64], spreads: NDArray[np.float64], sizes: Sequence[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read the ends of expanded intervals off resampled figures.

    Args:
        figures: [B, T].
        spreads: [G, T] variances (ddof 0) of what each of G groups of runs adds to it.
        sizes: [G] numbers of runs.
    """
    if min(sizes) < 2:
        return np.full(figures.shape[1], np.nan), np.full(figures.shape[1], np.nan)
    from scipy.special import ndtr, stdtrit  # takes longer to import than all the rest

    n = np.array(sizes)[:, None]
    resampled, true = spreads / n, spreads / (n - 1)  # squared standard errors
    flat = true.sum(axis=0) == 0
    true[:, flat] = resampled[:, flat] = 1.0
    total = true.sum(axis=0)
    freedom = total**2 / (true**2 / (n - 1)).sum(axis=0)
    factor = np.sqrt(total / resampled.sum(axis=0))
    tail = ndtr(factor * stdtrit(freedom, 0.025))
    ordered = np.sort(figures, axis=0)
    return statistics.quantiles(ordered, tail), statistics.quantiles(ordered, 1 - tail)
