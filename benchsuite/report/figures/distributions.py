"""Distributions: what each strategy had found when its searches were over."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from benchsuite.report.figures.cast import Cast, cast
from benchsuite.report.figures.sheet import (
    SINGLE,
    Plate,
    heading,
    logarithmic,
    printing,
    sheet,
)
from benchsuite.report.figures.words import labels, place, reported, seeds
from benchsuite.report.leaderboard import Contest, Line
from benchsuite.report.palette import Style

ROWS = 20
_POINTS = 600  # beyond, they go into an SVG as one picture


def distributions(contest: Contest, styles: Mapping[str, Style]) -> Plate:
    """Draw the final reported error of every run, with quartiles, and the mean.

    Args:
        contest: The best at the top.
        styles: By `Standing.label`.
    """
    label = reported(contest)
    title = f"Final {label}: {place(contest)}"
    shown = cast(labels(contest.lines), styles, ROWS)
    lines = shown.of(contest.lines)
    errors = [_finals(line) for line in lines]
    known = np.concatenate([np.zeros(0), *errors])
    if not len(known):
        return Plate(title, "Not drawn: no run has a result.", None)
    with printing():
        page = sheet(SINGLE, 0.75 + 0.2 * len(errors))
        axes = page.add_subplot()
        heading(axes, contest.benchmark)
        for n, (own, line, look) in enumerate(
            zip(errors, lines, shown.looks, strict=True)
        ):
            _strip(axes, n, own, look, rasterized=len(known) > _POINTS)
            _mean(axes, n, line)
        axes.set_ylim(len(errors) - 0.4, -0.6)
        axes.set_yticks(range(len(errors)), shown.names)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        if known.min() > 0 and known.max() / known.min() > 3:
            logarithmic(axes, "x", known.min() / 1.05, known.max() * 1.05)
        else:
            axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel(label)
    words = [
        f"A dot a run, {seeds(len(line.runs) for line in lines)}; the box goes from"
        " the first to the third quartile with the median inside; the black bar is the"
        " 95 % bootstrap interval of the mean.",
        *_nothing(shown, lines, errors),
        *shown.remarks,
    ]
    return Plate(title, " ".join(words), page)


def _finals(line: Line) -> NDArray[np.float64]:
    """Read the final errors that are numbers, [n]; a run that diverged has 1."""
    errors = np.array([run[-1].reported_error for run in line.runs])
    found: NDArray[np.float64] = errors[~np.isnan(errors)]
    return np.minimum(found, 1.0)


def _strip(
    axes: Axes, n: int, errors: NDArray[np.float64], look: Style, *, rasterized: bool
) -> None:
    """Draw the runs of a line, spread by their order in golden steps, and a box."""
    spread = (np.arange(len(errors)) * (math.sqrt(5) - 1) / 2) % 1 - 0.5
    axes.plot(
        errors,
        n + 0.6 * spread,
        linestyle="",
        marker="o",
        markersize=1.6,
        markeredgewidth=0,
        color=look.colour,
        alpha=0.55,
        rasterized=rasterized,
        label="runs",
    )
    if len(errors):
        low, middle, high = np.quantile(errors, (0.25, 0.5, 0.75))
        axes.fill_betweenx(
            [n - 0.36, n + 0.36],
            low,
            high,
            facecolor="none",
            edgecolor=look.colour,
            linewidth=1,
        )
        axes.plot([middle] * 2, [n - 0.36, n + 0.36], color=look.colour, linewidth=1.6)


def _mean(axes: Axes, n: int, line: Line) -> None:
    """Draw the mean of a line with its interval."""
    standing = line.standing
    ends = [standing.error_low, standing.error_high]
    axes.plot(ends, [n, n], color="black", linewidth=2, solid_capstyle="butt")
    axes.plot(
        [standing.error_mean],
        [n],
        marker="|",
        color="black",
        markersize=7,
        label="mean",
    )


def _nothing(
    shown: Cast, lines: Sequence[Line], errors: Sequence[NDArray[np.float64]]
) -> list[str]:
    """Say which runs have no dot."""
    lost = [
        f"{name} ({line.standing.seeds - len(own)})"
        for name, line, own in zip(shown.names, lines, errors, strict=True)
        if len(own) < line.standing.seeds
    ]
    return [f"Runs that found nothing: {', '.join(lost)}."] if lost else []
