"""Anytime curves: what a search would have returned at each moment of its clock.

A curve is a step function, held after its last step, and undefined (nan) before the
first incumbent of its run.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchsuite.report import statistics
from benchsuite.report.leaderboard import Contest
from benchsuite.results import Row

Figure = Callable[[Row], float]
reported_error: Figure = attrgetter("reported_error")
regret: Figure = attrgetter("regret")


class Band(NamedTuple):
    """Mean over seeds with its 95 % interval at some moments, each float64 [T]."""

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def moments(contest: Contest, count: int = 60) -> NDArray[np.float64]:
    """Choose seconds at which to look, evenly on a log scale, [T].

    They go from the first incumbent of any run to the last; fewer than two moments if
    nothing took time.
    """
    costs = [
        cost
        for line in contest.lines
        for run in line.runs
        for cost in (run[0].cost, run[-1].cost)
        if cost > 0  # nan is not
    ]
    if not costs:
        return np.array([])
    ends = min(costs), max(costs)
    if ends[0] == ends[1]:
        return np.array(ends[:1])
    times = np.geomspace(*ends, count)
    times[0], times[-1] = ends
    return times


def values(
    runs: Sequence[Sequence[Row]], times: NDArray[np.float64], figure: Figure
) -> NDArray[np.float64]:
    """Read a figure of the incumbents of S runs at T moments, [S, T]."""
    table = np.full((len(runs), len(times)), np.nan)
    for line, run in zip(table, runs, strict=True):
        steps = [row for row in run if row.arch]
        place = np.searchsorted([row.cost for row in steps], times, side="right")
        line[:] = np.array([np.nan, *map(figure, steps)])[place]
    return table


def band(table: NDArray[np.float64]) -> Band:
    """Average curves [S, T]; nan until all of them are defined."""
    low, high = statistics.intervals(table)
    return Band(table.mean(axis=0), low, high)
