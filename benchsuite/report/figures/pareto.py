"""Fronts found in several objectives, beside the exact one, and their hypervolume.

Grunert da Fonseca, Fonseca & Hall, "Inferential Performance Assessment of Stochastic
Optimisers and the Attainment Function", EMO 2001: what half of the runs attain is a
front in the middle of those of all runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from benchsuite.report import fronts
from benchsuite.report.anytime import Band
from benchsuite.report.figures.cast import Cast, cast
from benchsuite.report.figures.curves import CURVES, MOMENTS
from benchsuite.report.figures.sheet import (
    DOUBLE,
    SINGLE,
    Plate,
    below,
    dashed,
    heading,
    logarithmic,
    printing,
    sheet,
)
from benchsuite.report.figures.steps import shade, steps
from benchsuite.report.figures.words import seeds
from benchsuite.report.palette import Style
from benchsuite.results import Row

_PANELS = 3
_MARKS = 12
_NOTHING = "Not drawn: no run found anything."
_Points = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class FrontContest:
    """Searches of one benchmark for the same objectives.

    Attributes:
        benchmark: Name.
        rules: What differs from the default, objectives included.
        objectives: M names, two at least.
        exact: [N, M], of all that may be found, minimised.
        runs: By `Standing.label`: the incumbents of each run in order.
    """

    benchmark: str
    rules: str
    objectives: Sequence[str]
    exact: NDArray[np.float64]
    runs: Mapping[str, Sequence[Sequence[Row]]]

    @cached_property
    def times(self) -> NDArray[np.float64]:
        """Moments from the first incumbent to the last, [T]; none if none took time."""
        rows = (row for own in self.runs.values() for run in own for row in run)
        positive = [row.cost for row in rows if row.arch and row.cost > 0]
        if not positive:
            return np.zeros(0)
        return np.geomspace(min(positive), max(positive), MOMENTS)

    @cached_property
    def bands(self) -> Mapping[str, Band]:
        """Hypervolume over time of each strategy, those that end highest first."""
        scale = fronts.Scale(self.exact)
        bands = {
            label: fronts.hypervolume_band(own, self.objectives, scale, self.times)
            for label, own in self.runs.items()
        }
        return dict(
            sorted(bands.items(), key=lambda pair: (-pair[1].mean[-1], pair[0]))
        )

    @property
    def seeds(self) -> str:
        """How many runs there are."""
        return seeds(map(len, self.runs.values()))

    def found(
        self, label: str, objectives: tuple[int, ...]
    ) -> list[NDArray[np.float64]]:
        """Read some of the objectives off the incumbents of each run, [n, m]."""
        return [
            fronts.figures([row for row in run if row.arch], self.objectives)[
                :, objectives
            ]
            for run in self.runs[label]
        ]


def front_figure(contest: FrontContest, styles: Mapping[str, Style]) -> Plate:
    """Draw which trade-offs half of the runs of each strategy attain.

    Args:
        contest: With more than two objectives, each stands against the error, or
            against the first if the error is none of them.
        styles: By `Standing.label`.
    """
    title = f"Fronts found: {contest.benchmark}, {contest.rules}"
    if not len(contest.times):
        return Plate(title, _NOTHING, None)
    objectives = list(contest.objectives)
    up = objectives.index("error") if "error" in objectives else 0
    across = [m for m in range(len(objectives)) if m != up][:_PANELS]
    everybody = list(contest.bands)
    shown = cast(everybody, styles, CURVES)
    with printing():
        page = sheet(SINGLE if len(across) == 1 else DOUBLE, 2.3)
        panels = page.subplots(1, len(across), sharey=True, squeeze=False)[0]
        for axes, m in zip(panels, across, strict=True):
            found = [contest.found(label, (m, up)) for label in shown.of(everybody)]
            _panel(axes, contest.exact[:, (m, up)], found, shown)
            axes.set_xlabel(objectives[m])
        heading(panels[0], contest.benchmark)
        panels[0].set_ylabel(objectives[up])
        below(page, panels[0].lines)
    words = [
        f"What half of the runs of each strategy attain, of {contest.seeds}, with"
        " reported errors. Black: the best of all architectures, whose errors are"
        " averaged over all recorded runs.",
        *shown.remarks,
    ]
    return Plate(title, " ".join(words), page)


def hypervolume_curves(contest: FrontContest, styles: Mapping[str, Style]) -> Plate:
    """Draw the hypervolume of what was found so far, relative to the exact front's.

    Args:
        contest: Any number of objectives.
        styles: By `Standing.label`.
    """
    title = f"Hypervolume over time: {contest.benchmark}, {contest.rules}"
    if not len(contest.times):
        return Plate(title, _NOTHING, None)
    shown = cast(list(contest.bands), styles, CURVES)
    bands = shown.of(list(contest.bands.values()))
    means = np.array([band.mean for band in bands])
    with printing():
        page = sheet(SINGLE, 2.3)
        axes = page.add_subplot()
        heading(axes, contest.benchmark)
        shade(axes, contest.times, bands, shown.looks)
        steps(axes, contest.times, means, shown.names, shown.looks)
        axes.set_ylabel("hypervolume")
        below(page, axes.lines)
    words = [
        f"Mean over {contest.seeds} and its 95 % bootstrap interval of what the found"
        " fronts dominate, relative to the exact front: 1 is all that can be had.",
        *shown.remarks,
    ]
    return Plate(title, " ".join(words), page)


def _panel(
    axes: Axes,
    exact: NDArray[np.float64],
    found: Sequence[Sequence[NDArray[np.float64]]],
    shown: Cast,
) -> None:
    """Draw two objectives, of points [N, 2] in all, and [n, 2] by strategy and run."""
    places, heights = _staircase(exact)
    axes.plot(
        places,
        heights,
        drawstyle="steps-post",
        color="black",
        linewidth=0.8,
        label="exact front",
    )
    for runs, name, look in zip(found, shown.names, shown.looks, strict=True):
        places, heights = _attained(runs)
        axes.plot(
            places,
            heights,
            drawstyle="steps-post",
            color=look.colour,
            linestyle=dashed(look),
            marker=look.marker,
            markersize=3,
            markevery=-(-len(places) // _MARKS) or 1,
            label=name,
        )
    _frame(axes, "x", exact[:, 0])
    _frame(axes, "y", exact[:, 1])


def _frame(axes: Axes, which: Literal["x", "y"], values: NDArray[np.float64]) -> None:
    """Use a log scale for figures of very different size."""
    known = values[np.isfinite(values)]
    if known.min() > 0 and known.max() > 5 * known.min():
        logarithmic(axes, which, known.min() / 1.1, known.max() * 1.1)


def _attained(runs: Sequence[NDArray[np.float64]]) -> _Points:
    """Find the front that half of the runs attain, of their points [n, 2]."""
    stairs = [_staircase(run) for run in runs]
    places = np.unique(np.concatenate([own for own, _ in stairs]))
    heights = [
        np.append(np.inf, own)[np.searchsorted(at, places, side="right")]
        for at, own in stairs
    ]
    half = np.quantile(heights, 0.5, axis=0, method="inverted_cdf")
    return _staircase(np.stack([places, half], axis=1))


def _staircase(points: NDArray[np.float64]) -> _Points:
    """Find the least height of those at most as far out, of points [N, 2].

    Returns:
        [K] places ascending, [K] heights descending.

    Example:
        >>> _staircase(np.array([[2.0, 0.3], [1.0, 0.5], [3.0, 0.4]]))
        (array([1., 2.]), array([0.5, 0.3]))
    """
    points = points[np.isfinite(points).all(axis=1)]
    points = points[np.lexsort((points[:, 1], points[:, 0]))]
    lowest = np.minimum.accumulate(points[:, 1])
    fresh = np.append(np.inf, lowest[:-1]) > lowest
    return points[fresh, 0], lowest[fresh]
