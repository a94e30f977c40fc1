"""Intervals, paired tests, and letters for those that cannot be told apart.

Every figure comes out the same to the last bit on any machine: errors, which carry six
significant digits, become whole multiples of 1e-12, and sums of whole numbers depend
neither on their order nor on the processor.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import count, product
from string import ascii_lowercase

import numpy as np
from numpy.typing import NDArray

_UNIT = 1e12
_RESAMPLES = 2000
_EXACT = 16  # differences other than zero up to which every sign flip is tried


def whole(errors: Sequence[float]) -> NDArray[np.int64]:
    """Express errors in units of 1e-12; a run that diverged or found nothing is 1."""
    return np.array(
        [round(e * _UNIT) if math.isfinite(e) else round(_UNIT) for e in errors],
        dtype=np.int64,
    )


def mean(errors: Sequence[float]) -> float:
    """Average errors; nan if one is, since a search that found nothing has none.

    Example:
        >>> mean([0.25, 0.5, float("inf")]), mean([])
        (0.5833333333333334, nan)
    """
    if not errors or any(math.isnan(e) for e in errors):
        return math.nan
    return int(whole(errors).sum()) / len(errors) / _UNIT


def deviation(errors: Sequence[float]) -> float:
    """Standard deviation with ddof 0, as the field prints it; nan for less than two.

    Example:
        >>> deviation([0.25, 0.75]), deviation([0.5])
        (0.25, nan)
    """
    if len(errors) < 2 or any(math.isnan(e) for e in errors):
        return math.nan
    values = whole(errors).tolist()  # squares exceed int64: whole numbers of Python
    n = len(values)
    return math.sqrt(n * sum(v * v for v in values) - sum(values) ** 2) / n / _UNIT


def interval(errors: Sequence[float]) -> tuple[float, float]:
    """Bound the mean by a 95 % bootstrap interval, the same every time.

    2,000 resamples from a fixed seed; nan where the mean is. The percentiles are those
    of the expanded percentile interval (Hesterberg, "What Teachers Should Know About
    the Bootstrap", The American Statistician 69(4), 2015, sec. 5.2), which is as wide
    as the t interval where plain percentiles are too narrow, with few seeds. Below six
    seeds it is all that was seen, and covers less: 75 % with three.

    Example:
        >>> interval([0.25, 0.25, 0.25])
        (0.25, 0.25)
    """
    low, high = intervals(np.array([errors], dtype=np.float64).T)
    return float(low[0]), float(high[0])


def intervals(
    errors: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bound the mean of each column as `interval` does, with the same resamples.

    Args:
        errors: [S, T], of S seeds.

    Returns:
        [T] lower and [T] upper ends; nan where a column has a nan.
    """
    n, columns = errors.shape
    ends = np.full((2, columns), np.nan)
    known = np.flatnonzero(~np.isnan(errors).any(axis=0) & (n > 0))
    if len(known):
        units = whole(errors[:, known].ravel().tolist()).reshape(n, -1)
        sums = np.sort(
            _counts(n) @ units.astype(np.float64), axis=0
        )  # exact: whole numbers below 2^53
        for end, quantile in zip(ends, _quantiles(n), strict=True):
            place = quantile * (_RESAMPLES - 1)
            below = min(int(place), _RESAMPLES - 2)
            step = sums[below + 1] - sums[below]
            end[known] = (sums[below] + (place - below) * step) / n / _UNIT
    return ends[0], ends[1]


@lru_cache(maxsize=64)
def _quantiles(n: int) -> tuple[float, float]:
    """Which quantiles of the resampled means bound the mean of n values."""
    if n < 2:
        return 0.0, 1.0
    from scipy.special import ndtr, stdtrit  # takes longer to import than all the rest

    tail = float(ndtr(math.sqrt(n / (n - 1)) * stdtrit(n - 1, 0.025)))
    return tail, 1 - tail


@lru_cache(maxsize=4)
def _counts(n: int) -> NDArray[np.float64]:
    """How often each of n values is in each resample, [resamples, n]."""
    uniform = np.random.default_rng(0).random((_RESAMPLES, n))
    drawn = (uniform * n).astype(np.int64)
    counts = np.zeros((_RESAMPLES, n))
    np.add.at(counts, (np.arange(_RESAMPLES)[:, None], drawn), 1)
    return counts


def paired_p(a: Mapping[int, float], b: Mapping[int, float]) -> float:
    """Test whether two strategies have the same mean error over their common seeds.

    Strategies are ranked by means, so the test is about the mean paired difference. Up
    to 16 differences other than zero, it turns round their signs in every possible way:
    exact, and fewer than six can never reach 5 %. Beyond, it takes the t distribution
    over all common seeds: near 5 % the two differ by a few hundredths at most, and far
    below it t is nearly always the larger. Seeds that are not common do not count.

    Returns:
        The two-sided p-value; 1 if there are no common seeds or no differences.

    Example:
        >>> paired_p({0: 0.1, 1: 0.2, 2: 0.3}, {0: 0.2, 1: 0.3, 2: 0.4})
        0.25
    """
    seeds = sorted(a.keys() & b.keys())
    differences = whole([a[s] for s in seeds]) - whole([b[s] for s in seeds])
    total, n = abs(int(differences.sum())), len(differences)
    signed = differences[differences != 0]  # two that find the optimum often agree
    if len(signed) <= _EXACT:
        sums = np.zeros(1, dtype=np.int64)
        for difference in signed:
            sums = np.concatenate([sums + difference, sums - difference])
        return float((abs(sums) >= total).mean())
    from scipy.special import stdtr  # takes longer to import than all the rest

    squares = sum(d * d for d in signed.tolist())
    spread = n * squares - total * total  # n^2 times the variance (ddof 0): no rounding
    if not spread:
        return 0.0
    return float(2 * stdtr(n - 1, -total * math.sqrt((n - 1) / spread)))


def holm(p_values: Sequence[float], alpha: float = 0.05) -> list[bool]:
    """Decide which hypotheses to reject, with at most `alpha` of any false rejection.

    Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian
    Journal of Statistics 6, 1979.

    Example:
        >>> holm([0.01, 0.04, 0.03, 0.005])  # against .05/4, .05/3, .05/2: .03 stops it
        [True, False, False, True]
    """
    rejected = [False] * len(p_values)
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    for k, n in enumerate(order):
        if p_values[n] > alpha / (len(p_values) - k):
            break
        rejected[n] = True
    return rejected


def letters(tied: Sequence[Sequence[bool]]) -> list[str]:
    """Letter those that cannot be told apart: two share a letter exactly if they are.

    Each letter is a largest possible set of mutually tied ones (Piepho, "An Algorithm
    for a Letter-Based Representation of All-Pairwise Comparisons", J. Computational and
    Graphical Statistics 13, 2004, gives the idea). Letters go by the first in the set.

    Args:
        tied: [N, N], symmetric, true on the diagonal.

    Returns:
        [N] words such as "ab"; beyond 26 sets, names of one or more letters, "a.bc".

    Example:
        >>> letters([[True, True, False], [True, True, True], [False, True, True]])
        ['a', 'ab', 'b']
    """
    near = [
        {m for m, t in enumerate(row) if t and m != n} for n, row in enumerate(tied)
    ]
    sets: list[list[int]] = []

    def grow(chosen: set[int], open_: set[int], closed: set[int]) -> None:
        """Bron and Kerbosch's algorithm with a pivot, CACM 16, 1973."""
        if not open_ and not closed:
            sets.append(sorted(chosen))
            return
        pivot = max(open_ | closed, key=lambda n: len(near[n] & open_))
        for n in sorted(open_ - near[pivot]):
            grow(chosen | {n}, open_ & near[n], closed & near[n])
            open_, closed = open_ - {n}, closed | {n}

    grow(set(), set(range(len(near))), set())
    joint = "" if len(sets) <= len(ascii_lowercase) else "."
    words: list[list[str]] = [[] for _ in near]
    for name, members in zip(_names(), sorted(sets), strict=False):
        for n in members:
            words[n].append(name)
    return [joint.join(word) for word in words]


def _names() -> Iterator[str]:
    """Count a, b, ..., z, aa, ab, ... without end."""
    for length in count(1):
        yield from map("".join, product(ascii_lowercase, repeat=length))
