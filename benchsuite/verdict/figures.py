"""By how much two strategies differ, on one benchmark and over several."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchsuite.report import bootstrap, statistics
from benchsuite.report.differences import LEAST, difference
from benchsuite.report.power import seeds_needed


class Figures(NamedTuple):
    """Errors of one strategy less those of another.

    Attributes:
        mean: Mean paired difference; over benchmarks, the mean of the means. Nan if a
            run has no error to report.
        low: Lower end of its 95 % bootstrap interval.
        high: Upper end.
        p: Two-sided p-value, for these two alone.
        needed: Seeds to find a difference of this size at 5 %, four times in five; None
            if no number will do.
    """

    mean: float
    low: float
    high: float
    p: float
    needed: int | None


def paired(mine: NDArray[np.float64], theirs: NDArray[np.float64]) -> Figures:
    """Compare on one benchmark, [seeds] each."""
    found = difference(dict(enumerate(mine)), dict(enumerate(theirs)))
    p = found.p if math.isfinite(found.mean) else 1.0
    return Figures(found.mean, found.low, found.high, p, found.needed)


def stratified(
    mine: Sequence[NDArray[np.float64]], theirs: Sequence[NDArray[np.float64]]
) -> Figures:
    """Compare over benchmarks, each of which weighs the same.

    Args:
        mine: Of each benchmark, [seeds] errors.
        theirs: The baseline's.
    """
    if any(np.isnan(errors).any() for errors in (*mine, *theirs)):
        return Figures(math.nan, math.nan, math.nan, 1.0, None)
    apart = [
        (statistics.whole(a) - statistics.whole(b)) / statistics.UNIT
        for a, b in zip(mine, theirs, strict=True)
    ]
    mean, low, high = bootstrap.stratified([d.tolist() for d in apart], bootstrap.mean)
    # A seed more is one on every benchmark: this is how far it moves the mean of means.
    deviation = math.sqrt(sum(d.var(ddof=1) for d in apart)) / len(apart)
    needed = seeds_needed(mean, deviation)
    return Figures(
        mean=mean,
        low=low,
        high=high,
        p=stratified_p(apart),
        needed=None if needed is None else max(LEAST, needed),
    )


def stratified_p(differences: Sequence[NDArray[np.float64]]) -> float:
    """Test whether the mean over benchmarks of mean paired differences is zero.

    The test is that of the t distribution. The squared standard error is the sum of
    those of the benchmarks, over the square of their number; the degrees of freedom are
    those of Welch and Satterthwaite. With one benchmark it is the paired t test.

    Args:
        differences: Of each benchmark, [two seeds or more].

    Returns:
        The two-sided p-value; 1 if there is no difference at all.

    Example:
        >>> round(stratified_p([np.array([0.1, 0.2, 0.3]), np.array([0.0, 0.1])]), 3)
        0.049
    """
    from scipy.special import stdtr  # takes longer to import than all the rest

    mean = float(np.mean([d.mean() for d in differences]))
    parts = np.array([d.var(ddof=1) / len(d) for d in differences])
    if not parts.any():
        return 0.0 if mean else 1.0
    others = np.array([len(d) - 1 for d in differences])
    freedom = parts.sum() ** 2 / (parts**2 / others).sum()
    error = math.sqrt(parts.sum()) / len(differences)
    return float(2 * stdtr(freedom, -abs(mean) / error))
