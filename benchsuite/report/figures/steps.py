"""Step functions of the time of a search, on a log scale, each with its marks."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from benchsuite.report.anytime import Band
from benchsuite.report.figures.sheet import dashed, logarithmic
from benchsuite.report.palette import Style

_MARKS = 6


def defined(curves: NDArray[np.float64]) -> NDArray[np.intp]:
    """Find at which of T moments any of [K, T] curves is a number, ascending.

    Example:
        >>> defined(np.array([[np.nan, np.nan, 1], [np.nan, 2, 1]]))
        array([1, 2])
    """
    return np.flatnonzero(np.isfinite(curves).any(axis=0))


def steps(
    axes: Axes,
    times: NDArray[np.float64],
    curves: NDArray[np.float64],
    names: Sequence[str],
    looks: Sequence[Style],
) -> None:
    """Draw curves over the time in which any is defined.

    Args:
        axes: Where.
        times: [T], positive seconds, ascending.
        curves: [K, T], of which one number is finite at least.
        names: [K].
        looks: [K].
    """
    seen = defined(curves)
    for n, (curve, name, look) in enumerate(zip(curves, names, looks, strict=True)):
        axes.plot(
            times,
            curve,
            drawstyle="steps-post",
            color=look.colour,
            linestyle=dashed(look),
            marker=look.marker,
            markevery=_marks(seen, n / len(curves)),
            label=name,
        )
    logarithmic(axes, "x", times[seen[0]], times[-1])
    axes.set_xlabel("seconds of search")


def shade(
    axes: Axes,
    times: NDArray[np.float64],
    bands: Sequence[Band],
    looks: Sequence[Style],
) -> None:
    """Draw the intervals of curves, pale, as steps."""
    for (_, low, high), look in zip(bands, looks, strict=True):
        axes.fill_between(
            times, low, high, step="post", color=look.colour, alpha=0.18, linewidth=0
        )


def _marks(seen: NDArray[np.intp], share: float) -> list[int]:
    """Choose moments of marks, so that those of different curves stand apart."""
    places = (np.arange(_MARKS) + share) / _MARKS * len(seen)
    return [int(seen[int(place)]) for place in places]
