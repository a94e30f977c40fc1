"""Landscapes: all architectures by size and error, and which of them were evaluated."""

from collections.abc import Mapping

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import ListedColormap

from benchsuite.report.facts import Evaluated, Landscape
from benchsuite.report.figures.cast import cast
from benchsuite.report.figures.curves import CURVES
from benchsuite.report.figures.letters import BODY, SMALL
from benchsuite.report.figures.sheet import DOUBLE, Plate, logarithmic, printing, sheet
from benchsuite.report.figures.words import labels, place, reported
from benchsuite.report.leaderboard import Contest
from benchsuite.report.palette import Style

_ACROSS = 4  # panels
_BINS = 48
_NAME = 1.3  # inches
_GROUND = ListedColormap(colormaps["Greys"](np.linspace(0.15, 0.6, 10)))
_ORDER = ListedColormap(colormaps["plasma"](np.linspace(0.7, 0, 10)))  # no pale yellow


def landscape_figure(
    contest: Contest,
    landscape: Landscape | None,
    evaluated: Mapping[str, Evaluated],
    styles: Mapping[str, Style],
) -> Plate:
    """Draw a panel a strategy: the landscape in grey, what one run evaluated in colour.

    Args:
        contest: Those of which nothing is in `evaluated` are left out.
        landscape: Of its benchmark; None if it is not known.
        evaluated: By `Standing.row`.
        styles: By `Standing.label`.
    """
    title = f"What was evaluated: {place(contest)}"
    lines = [line for line in contest.lines if line.standing.row in evaluated]
    if landscape is None or not lines:
        what = "the landscape" if landscape is None else "what was evaluated"
        return Plate(title, f"Not drawn: {what} is not known.", None)
    shown = cast(labels(lines), styles, CURVES, _NAME)
    count = len(shown.places)
    rows = -(-count // _ACROSS)
    with printing():
        page = sheet(DOUBLE, 0.45 + 1.6 * rows)
        panels = page.subplots(
            rows, min(count, _ACROSS), sharex=True, sharey=True, squeeze=False
        ).ravel()
        for axes, line, name, look in zip(
            panels, shown.of(lines), shown.names, shown.looks, strict=False
        ):
            _title(axes, name, look)
            _ground(axes, landscape)
            dots = _dots(axes, evaluated[line.standing.row])
        for axes in panels[count:]:
            axes.remove()
        page.supxlabel("parameters", fontsize=BODY)
        page.supylabel(reported(contest), fontsize=BODY)
        bar = page.colorbar(dots, ax=panels[:count].tolist(), aspect=40, pad=0.01)
        if bar.solids:
            bar.solids.set_rasterized(True)  # 256 shapes else
        bar.set_ticks([0, 1], labels=["first", "last"])
    words = [
        f"Grey: all {len(landscape.errors)} architectures, by parameters and reported"
        " error; darker where there are more. Colour: what one run of each strategy"
        " evaluated, a shade a tenth.",
        *shown.remarks,
    ]
    return Plate(title, " ".join(words), page)


def _title(axes: Axes, name: str, look: Style) -> None:
    """Name the strategy beside its mark."""
    axes.set_title(name, fontsize=SMALL, x=0.07)
    axes.plot(
        [0.02],
        [1.08],
        transform=axes.transAxes,
        clip_on=False,
        color=look.colour,
        marker=look.marker,
        label=name,
    )


def _ground(axes: Axes, landscape: Landscape) -> None:
    """Draw how many architectures there are of each size and error."""
    known = np.array(landscape)
    known = known[:, (np.isfinite(known) & (known > 0)).all(axis=0)]
    (left, low), (right, high) = known.min(axis=1) / 1.1, known.max(axis=1) * 1.1
    edges = np.geomspace(left, right, _BINS + 1), np.geomspace(low, high, _BINS + 1)
    counts, _, _ = np.histogram2d(known[0], known[1], bins=edges)
    shades = np.ma.masked_equal(np.log1p(counts.T), 0)
    axes.grid(visible=False)
    axes.pcolormesh(*edges, shades, cmap=_GROUND, rasterized=True)
    logarithmic(axes, "x", left, right)
    logarithmic(axes, "y", low, high)


def _dots(axes: Axes, evaluated: Evaluated) -> PathCollection:
    return axes.scatter(
        evaluated.params,
        evaluated.errors,
        c=np.linspace(0, 1, len(evaluated.errors)),
        cmap=_ORDER,
        vmin=0,
        vmax=1,
        s=3,
        linewidths=0,
        antialiased=False,  # a third of the bytes
        rasterized=True,
    )
