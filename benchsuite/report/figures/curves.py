"""Anytime curves: what searches would have returned so far, as a mean or as a rank."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from benchsuite.report import anytime
from benchsuite.report.figures.cast import Cast, cast
from benchsuite.report.figures.sheet import (
    SINGLE,
    Plate,
    below,
    heading,
    logarithmic,
    printing,
    sheet,
)
from benchsuite.report.figures.steps import defined, shade, steps
from benchsuite.report.figures.words import labels, place, reported, seeds, shared
from benchsuite.report.leaderboard import Contest, Line
from benchsuite.report.palette import Style

CURVES = 8  # more of them in a column of 3.4 inches cannot be told apart
MOMENTS = 100  # one each 1.6 points
_NO_CURVES = "Not drawn: curves are not recorded."


def error_curves(contest: Contest, styles: Mapping[str, Style]) -> Plate:
    """Draw the reported error of the incumbent over time.

    Args:
        contest: Lines without their curves are left out.
        styles: By `Standing.label`.
    """
    return _means(contest, styles, anytime.reported_error, reported(contest))


def regret_curves(contest: Contest, styles: Mapping[str, Style]) -> Plate:
    """Draw the regret of the incumbent over time, on a log scale.

    Args:
        contest: Lines without their curves are left out.
        styles: By `Standing.label`.
    """
    return _means(contest, styles, anytime.regret, "regret")


def rank_curves(contest: Contest, styles: Mapping[str, Style]) -> Plate:
    """Draw the average rank of each strategy over time, the best at the top.

    Args:
        contest: Lines without their curves are left out.
        styles: By `Standing.label`.
    """
    title = f"Rank over time: {place(contest)}"
    whole = _whole(contest)
    if not whole.lines:
        return Plate(title, _NO_CURVES, None)
    shown = cast(labels(whole.lines), styles, CURVES)
    times = anytime.moments(whole, MOMENTS)
    ranks = anytime.rank_over_time(whole, times)[shown.places]
    if not len(defined(ranks)):
        return Plate(title, "Not drawn: no seed was run by all.", None)
    with printing():
        page = sheet(SINGLE, 2.3)
        axes = page.add_subplot()
        heading(axes, contest.benchmark)
        steps(axes, times, ranks, shown.names, shown.looks)
        axes.yaxis.set_inverted(True)
        axes.set_ylabel(f"average rank of {len(whole.lines)}")
        below(page, axes.lines)
    words = [
        f"Average over {_common(whole)} of the rank of the reported error among"
        f" {len(whole.lines)} strategies; ties share ranks, and those without an"
        " incumbent the last.",
        *_unrecorded(contest),
        *shown.remarks,
    ]
    return Plate(title, " ".join(words), page)


def _means(
    contest: Contest, styles: Mapping[str, Style], figure: anytime.Figure, label: str
) -> Plate:
    """Draw one figure of the incumbents of a contest."""
    title = f"{label[0].upper()}{label[1:]} over time: {place(contest)}"
    whole = _whole(contest)
    if not whole.lines:
        return Plate(title, _NO_CURVES, None)
    shown = cast(labels(whole.lines), styles, CURVES)
    lines = shown.of(whole.lines)
    times = anytime.moments(replace(whole, lines=lines), MOMENTS)
    bands = [anytime.band(anytime.values(line.runs, times, figure)) for line in lines]
    means = np.array([band.mean for band in bands])
    if not len(defined(means)):
        return Plate(title, f"Not drawn: {label} is not known of every run.", None)
    with printing():
        page = sheet(SINGLE, 2.3)
        axes = page.add_subplot()
        heading(axes, contest.benchmark)
        shade(axes, times, bands, shown.looks)
        steps(axes, times, means, shown.names, shown.looks)
        axes.set_ylabel(label)
        scale = _from_least if figure is anytime.regret else _cropped
        frame = scale(axes, means, bands)
        below(page, axes.lines)
    words = [
        f"Mean over {_seeds(lines)} and its 95 % bootstrap interval, of what a"
        " search would have returned at each moment; a curve begins when every run has"
        " an incumbent.",
        *_unrecorded(contest),
        *_undefined(shown, means),
        *shown.remarks,
        *frame,
    ]
    return Plate(title, " ".join(words), page)


def _seeds(lines: Sequence[Line]) -> str:
    return seeds(line.standing.seeds for line in lines)


def _common(contest: Contest) -> str:
    """Count the seeds that all lines have."""
    own = ({run[-1].seed for run in line.runs} for line in contest.lines)
    return shared(len(set.intersection(*own)))


def _whole(contest: Contest) -> Contest:
    """Keep the lines whose curves are recorded."""
    return replace(contest, lines=[line for line in contest.lines if line.whole])


def _from_least(
    axes: Axes, means: NDArray[np.float64], _: Sequence[anytime.Band]
) -> list[str]:
    """Use a log scale from the least positive mean on."""
    positive = means[np.isfinite(means) & (means > 0)]
    if not len(positive):
        return ["No regret is above 0."]
    logarithmic(axes, "y", positive.min() / 1.6, positive.max() * 1.3)
    return ["What reaches 0 leaves the log scale below."]


def _cropped(
    axes: Axes, means: NDArray[np.float64], bands: Sequence[anytime.Band]
) -> list[str]:
    """Spend the height on what follows the first fifth of the time."""
    seen = defined(means)
    later = means[:, seen[len(seen) // 5] :]
    low = np.nanmin([band.low for band in bands])
    top = later[np.isfinite(later)].max()
    margin = 0.06 * (top - low)
    if not margin or top >= np.nanmax(means):
        return []
    axes.set_ylim(low - margin, top + margin)
    return ["Some errors of the first moments lie above the frame."]


def _unrecorded(contest: Contest) -> Iterator[str]:
    lost = [line.standing.label for line in contest.lines if not line.whole]
    if lost:
        yield f"Curves are not recorded of {', '.join(lost)}."


def _undefined(shown: Cast, means: NDArray[np.float64]) -> Iterator[str]:
    never = [
        name
        for name, mean in zip(shown.names, means, strict=True)
        if not np.isfinite(mean).any()
    ]
    if never:
        yield f"No mean, since a run found nothing: {', '.join(never)}."
