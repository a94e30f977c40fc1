"""Intervals, paired tests, and letters for those that cannot be told apart.

Every figure comes out the same to the last bit on any machine: errors, which carry six
significant digits, become whole multiples of 1e-12, and sums of whole numbers depend
neither on their order nor on the processor.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations, count, product
from string import ascii_lowercase

import numpy as np
from numpy.typing import ArrayLike, NDArray

UNIT = 1e12
RESAMPLES = 2000
_EXACT = 16  # differences other than zero up to which every sign flip is tried


def whole(errors: ArrayLike) -> NDArray[np.int64]:
    """Express errors in units of 1e-12; a run that diverged or found nothing is 1."""
    given = np.asarray(errors, dtype=np.float64)
    finite = np.where(np.isfinite(given), given, 1.0)
    return np.rint(finite * UNIT).astype(np.int64)


def mean(errors: Sequence[float]) -> float:
    """Average errors; nan if one is, since a search that found nothing has none.

    Example:
        >>> mean([0.25, 0.5, float("inf")]), mean([])
        (0.5833333333333334, nan)
    """
    if not errors or any(math.isnan(e) for e in errors):
        return math.nan
    return int(whole(errors).sum()) / len(errors) / UNIT


def means(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average each column of [S, T] as `mean` does, [T]."""
    if not len(errors):
        return np.full(errors.shape[1], np.nan)
    averages = whole(errors).sum(axis=0) / len(errors) / UNIT
    return np.where(np.isnan(errors).any(axis=0), np.nan, averages)


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
    return math.sqrt(n * sum(v * v for v in values) - sum(values) ** 2) / n / UNIT


def interval(errors: Sequence[float]) -> tuple[float, float]:
    """Bound the mean by a 95 % bootstrap interval, the same every time.

    2,000 resamples from a fixed seed; nan where the mean is. The percentiles are those
    of the expanded percentile interval (Hesterberg, "What Teachers Should Know About
    the Bootstrap", The American Statistician 69(4), 2015, sec. 5.2), which is as wide
    as the t interval where plain percentiles are too narrow, with few seeds. Below six
    seeds it is all that was seen, and covers less: 75 % with three. So it does where
    values are skewed: 90 % of 8 exponential ones, 93 % of 30, 94 % of 120.

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
        units = whole(errors[:, known]).astype(np.float64)
        sums = np.sort(_counts(n) @ units, axis=0)  # exact: whole numbers below 2^53
        tail = _tail(n)
        for end, share in zip(ends, (tail, 1 - tail), strict=True):
            shares = np.full(len(known), share)
            end[known] = quantiles(sums, shares) / n / UNIT
    return ends[0], ends[1]


def quantiles(
    ordered: NDArray[np.float64], shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Read off columns, each in ascending order, what a share of them is below.

    Args:
        ordered: [B, T], two or more in a column.
        shares: [T], from 0 to 1.

    Returns:
        [T], interpolated between neighbours as `numpy.quantile` does.

    Example:
        >>> quantiles(np.array([[0.0], [1.0], [4.0]]), np.array([0.75]))
        array([2.5])
    """
    places = shares * (len(ordered) - 1)
    below = np.minimum(places.astype(np.int64), len(ordered) - 2)
    columns = np.arange(ordered.shape[1])
    left, right = ordered[below, columns], ordered[below + 1, columns]
    found: NDArray[np.float64] = left + (places - below) * (right - left)
    return found


@lru_cache(maxsize=64)
def _tail(n: int) -> float:
    """Share of the resampled means of n values that is below their interval."""
    if n < 2:
        return 0.0
    from scipy.special import ndtr, stdtrit  # takes longer to import than all the rest

    return float(ndtr(math.sqrt(n / (n - 1)) * stdtrit(n - 1, 0.025)))


@lru_cache(maxsize=4)
def _counts(n: int) -> NDArray[np.float64]:
    return draw(np.random.default_rng(0), n, RESAMPLES)


def draw(rng: np.random.Generator, n: int, resamples: int) -> NDArray[np.float64]:
    """Draw n of n values with replacement; how often each is drawn, [resamples, n]."""
    drawn = (rng.random((resamples, n)) * n).astype(np.int64)
    places = (drawn + n * np.arange(resamples)[:, None]).ravel()
    counts = np.bincount(places, minlength=resamples * n).reshape(resamples, n)
    return counts.astype(np.float64)


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


def holm_adjusted(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number: reject those that are then at most alpha.

    So there is any false rejection with a chance of at most alpha. Holm, "A Simple
    Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics
    6, 1979.

    Example:
        >>> holm_adjusted([0.0625, 0.5, 0.125])  # times 3, 1, 2, never falling
        [0.1875, 0.5, 0.25]
    """
    adjusted, highest = [1.0] * len(p_values), 0.0
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    for k, n in enumerate(order):
        highest = max(highest, min(1.0, p_values[n] * (len(p_values) - k)))
        adjusted[n] = highest
    return adjusted


def pairwise(errors: Sequence[Mapping[int, float]]) -> NDArray[np.float64]:
    """Test every two of K strategies against each other, on one task.

    Args:
        errors: [K], by seed.

    Returns:
        [K, K] p-values of `paired_p`, adjusted by `holm_adjusted` over all pairs;
        symmetric, 1 on the diagonal.
    """
    pairs = list(combinations(range(len(errors)), 2))
    adjusted = holm_adjusted([paired_p(errors[m], errors[n]) for m, n in pairs])
    table = np.ones((len(errors), len(errors)))
    for (m, n), p in zip(pairs, adjusted, strict=True):
        table[m, n] = table[n, m] = p
    return table


def maximal_cliques(tied: Sequence[Sequence[int]]) -> list[list[int]]:
    """List the sets of mutually tied ones that no other such set contains.

    Bron and Kerbosch's algorithm with a pivot, CACM 16, 1973.

    Args:
        tied: [N, N], symmetric; the diagonal does not count.

    Returns:
        Ascending indices, in ascending order.

    Example:
        >>> maximal_cliques([[1, 1, 0], [1, 1, 1], [0, 1, 1]])
        [[0, 1], [1, 2]]
    """
    near = [
        {m for m, t in enumerate(row) if t and m != n} for n, row in enumerate(tied)
    ]
    sets: list[list[int]] = []

    def grow(chosen: set[int], open_: set[int], closed: set[int]) -> None:
        if not open_ and not closed:
            sets.append(sorted(chosen))
            return
        pivot = max(open_ | closed, key=lambda n: len(near[n] & open_))
        for n in sorted(open_ - near[pivot]):
            grow(chosen | {n}, open_ & near[n], closed & near[n])
            open_, closed = open_ - {n}, closed | {n}

    if near:
        grow(set(), set(range(len(near))), set())
    return sorted(sets)


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
    sets = maximal_cliques(tied)
    joint = "" if len(sets) <= len(ascii_lowercase) else "."
    words: list[list[str]] = [[] for _ in tied]
    for name, members in zip(_names(), sets, strict=False):
        for n in members:
            words[n].append(name)
    return [joint.join(word) for word in words]


def _names() -> Iterator[str]:
    """Count a, b, ..., z, aa, ab, ... without end."""
    for length in count(1):
        yield from map("".join, product(ascii_lowercase, repeat=length))
