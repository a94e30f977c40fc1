"""How far two strategies are apart on one task, and how sure that is."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.report import statistics
from benchsuite.report.bootstrap import improvement
from benchsuite.report.leaderboard import Contest
from benchsuite.report.power import seeds_needed

LEAST = 6  # seeds below which `statistics.paired_p` can call nothing different


@dataclass(frozen=True, slots=True)
class Difference:
    """Errors of one strategy less those of another; below zero the first is better.

    Attributes:
        mean: Mean difference; over common seeds where there are two or more of them.
        low: Lower end of its 95 % interval.
        high: Upper end.
        p: Two-sided p-value, for this pair alone; 1 where there is too little data.
        improvement: Probability that a run of the first beats one of the second, over
            all runs of both: see `bootstrap.improvement`.
        pairs: Number of common seeds.
        needed: Seeds with which a difference of this size is found at 5 % four times
            in five; None if there is no difference, or its spread is not known.
        deviation: Standard deviation of the difference of two runs, ddof 1.
    """

    mean: float
    low: float
    high: float
    p: float
    improvement: float
    pairs: int
    needed: int | None
    deviation: float


def difference(a: Mapping[int, float], b: Mapping[int, float]) -> Difference:
    """Compare two strategies on one task.

    Runs of one seed met the same recorded trainings, so they are compared in pairs,
    over the common seeds: `statistics.paired_p` and the interval of
    `statistics.interval` of the differences. With fewer than two common seeds but two
    runs or more of each, they are compared as independent samples, by Welch's test and
    interval. A run that diverged counts as 1. One that found nothing (nan) leaves the
    mean unknown, and counts as 1 in `p` and `improvement`.

    Args:
        a: Errors of the first by seed.
        b: Errors of the second by seed.
    """
    common = sorted(a.keys() & b.keys())
    first, second = list(a.values()), list(b.values())
    p = 1.0
    mean = low = high = deviation = math.nan
    if len(common) >= 2:
        p = statistics.paired_p(a, b)
        mean, low, high, deviation = _paired([(a[s], b[s]) for s in common])
    elif min(len(a), len(b)) >= 2:
        p, mean, low, high, deviation = _welch(first, second)
    needed = seeds_needed(mean, deviation)
    return Difference(
        mean=mean,
        low=low,
        high=high,
        p=p,
        improvement=improvement(first, second),
        pairs=len(common),
        needed=None if needed is None else max(LEAST, needed),
        deviation=deviation,
    )


def _paired(errors: Sequence[tuple[float, float]]) -> tuple[float, float, float, float]:
    """Mean, its interval, and deviation of differences of two runs or more."""
    table = np.array(errors)
    if np.isnan(table).any():
        return math.nan, math.nan, math.nan, math.nan
    units = statistics.whole(table)
    apart = ((units[:, 0] - units[:, 1]) / statistics.UNIT).tolist()
    n = len(apart)
    deviation = statistics.deviation(apart) * math.sqrt(n / (n - 1))
    return statistics.mean(apart), *statistics.interval(apart), deviation


def _welch(
    a: Sequence[float], b: Sequence[float]
) -> tuple[float, float, float, float, float]:
    """Welch's p-value, and the difference of means with its interval and deviation.

    Without any spread there is no t: the p-value is then the share of all ways to tell
    the runs apart that do it as well.
    """
    from scipy.special import stdtr, stdtrit  # longer to import than all the rest

    finite = [(statistics.whole(runs) / statistics.UNIT).tolist() for runs in (a, b)]
    sizes = np.array([len(a), len(b)])
    mean = statistics.mean(finite[0]) - statistics.mean(finite[1])
    spreads = np.array([statistics.deviation(runs) for runs in finite]) ** 2
    parts = spreads / (sizes - 1)  # squared standard errors: spreads have ddof 0
    error, deviation = math.sqrt(parts.sum()), math.sqrt((parts * sizes).sum())
    if error:
        freedom = parts.sum() ** 2 / (parts**2 / (sizes - 1)).sum()
        p = float(2 * stdtr(freedom, -abs(mean) / error))
        half = float(-stdtrit(freedom, 0.025)) * error
    else:
        p = min(1.0, 2 / math.comb(len(a) + len(b), len(a))) if mean else 1.0
        half = 0.0
    if any(math.isnan(e) for e in (*a, *b)):
        return p, math.nan, math.nan, math.nan, math.nan
    return p, mean, mean - half, mean + half, deviation


def pairwise(contest: Contest) -> NDArray[np.float64]:
    """Test every two lines of a contest, [K, K]: see `statistics.pairwise`.

    These are the p-values behind `Standing.group`: two lines share a letter exactly if
    theirs is above 5 %.
    """
    return statistics.pairwise(
        [
            {run[-1].seed: run[-1].reported_error for run in line.runs}
            for line in contest.lines
        ]
    )
