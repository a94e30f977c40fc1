"""Strategies of one contest beside the first of them: by how much, and how surely."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.report import anytime
from benchsuite.report.differences import Difference, difference
from benchsuite.report.leaderboard import Contest, Line, Standing
from benchsuite.report.statistics import holm_adjusted

_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Against:
    """A strategy beside the first.

    Attributes:
        standing: How it did.
        difference: Of its error less the first's; None for the first itself.
        p: Of that, by Holm's correction over all that are compared with the first.
        curve: Mean error at the moments of the comparison; nan where a run has no
            incumbent yet, empty where curves were not recorded.
    """

    standing: Standing
    difference: Difference | None
    p: float
    curve: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Strategies of one contest, in the order in which they were named.

    Attributes:
        contest: Which.
        moments: Seconds, evenly on a log scale.
        lines: The first is what the others are compared with.
    """

    contest: Contest
    moments: NDArray[np.float64]
    lines: Sequence[Against]


def compare(contest: Contest, lines: Sequence[Line], count: int = 24) -> Comparison:
    """Compare lines of a contest with the first of them.

    Args:
        contest: Which.
        lines: Two or more.
        count: How many moments the curves have.
    """
    first, *others = map(_errors, lines)
    differences = [difference(other, first) for other in others]
    adjusted = holm_adjusted([d.p for d in differences])
    times = anytime.moments(contest, count)
    curves = [
        anytime.values(line.runs, times, anytime.reported_error).mean(axis=0)
        if line.whole
        else np.array([])
        for line in lines
    ]
    return Comparison(
        contest,
        times,
        [
            Against(line.standing, found, p, curve)
            for line, found, p, curve in zip(
                lines, [None, *differences], [1.0, *adjusted], curves, strict=True
            )
        ],
    )


def _errors(line: Line) -> dict[int, float]:
    return {run[-1].seed: run[-1].reported_error for run in line.runs}


def sparkline(values: NDArray[np.float64], low: float, high: float) -> str:
    """Draw a curve in a line of text, on a log scale; a blank is nan.

    Example:
        >>> sparkline(np.array([np.nan, 0.8, 0.4, 0.2, 0.1]), 0.1, 0.8)
        ' █▆▃▁'
    """
    if not 0 < low < high:
        return "".join(" " if np.isnan(v) else _BARS[0] for v in values)
    share = np.log(np.clip(values, low, high) / low) / np.log(high / low)
    return "".join(
        " " if np.isnan(s) else _BARS[round(float(s) * (len(_BARS) - 1))] for s in share
    )
