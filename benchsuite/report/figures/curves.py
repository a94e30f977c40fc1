"""Anytime curves: the mean over seeds of what searches would have returned so far."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from benchsuite.report import anytime
from benchsuite.report.figures.cast import Cast, cast, short
from benchsuite.report.figures.sheet import (
    SINGLE,
    Plate,
    below,
    dashed,
    logarithmic,
    printing,
    sheet,
)
from benchsuite.report.figures.words import place, reported, seeds
from benchsuite.report.leaderboard import Contest
from benchsuite.report.palette import Style

CURVES = 8  # more of them in a column of 3.4 inches cannot be told apart
_MOMENTS = 100  # one each 1.6 points
_MARKS = 6
_BAND: dict[str, Any] = {"alpha": 0.18, "linewidth": 0}


def error_curves(contest: Contest, styles: Mapping[str, Style]) -> Plate:
    """Draw the reported error of the incumbent over time.

    Args:
        contest: Lines without their curves are left out.
        styles: By `Standing.label`.
    """
    label = reported(contest)
    return _curves(contest, styles, anytime.reported_error, label)


def regret_curves(contest: Contest, styles: Mapping[str, Style]) -> Plate:
    """Draw the regret of the incumbent over time, on a log scale.

    Args:
        contest: Lines without their curves are left out.
        styles: By `Standing.label`.
    """
    return _curves(contest, styles, anytime.regret, "regret")


def _curves(
    contest: Contest, styles: Mapping[str, Style], figure: anytime.Figure, label: str
) -> Plate:
    """Draw one contest."""
    title = f"{label[0].upper()}{label[1:]} over time: {place(contest)}"
    whole = [line for line in contest.lines if line.whole]
    if not whole:
        return Plate(title, "Not drawn: curves are not recorded.", None)
    shown = cast(whole, styles, CURVES)
    times = anytime.moments(replace(contest, lines=shown.lines), _MOMENTS)
    bands = [
        anytime.band(anytime.values(line.runs, times, figure)) for line in shown.lines
    ]
    if not any(np.isfinite(band.mean).any() for band in bands):
        return Plate(title, f"Not drawn: {label} is not known of every run.", None)
    with printing():
        page = sheet(SINGLE, 2.3)
        axes = page.add_subplot(title=short(contest.benchmark, 40))
        _draw(axes, times, bands, shown)
        axes.set_ylabel(label)
        if figure is anytime.regret:
            cut = _from_least(axes, bands)
        else:
            cut = _cropped(axes, bands)
        below(page, axes.lines)
    words = [
        f"Mean over {seeds(shown.lines)} and its 95 % bootstrap interval, of what a"
        " search would have returned at each moment; a curve begins when every run has"
        " an incumbent.",
        *_remarks(contest, shown, bands),
        *cut,
    ]
    return Plate(title, " ".join(words), page)


def _draw(
    axes: Axes, times: NDArray[np.float64], bands: Sequence[anytime.Band], shown: Cast
) -> None:
    """Draw curves over the time that any is defined in."""
    means = np.array([band.mean for band in bands])
    seen = np.flatnonzero(np.isfinite(means).any(axis=0))
    for n, (band, name, look) in enumerate(
        zip(bands, shown.names, shown.looks, strict=True)
    ):
        axes.fill_between(
            times, band.low, band.high, step="post", color=look.colour, **_BAND
        )
        axes.plot(
            times,
            band.mean,
            drawstyle="steps-post",
            color=look.colour,
            linestyle=dashed(look),
            marker=look.marker,
            markevery=_marks(seen, n / len(bands)),
            label=name,
        )
    logarithmic(axes, "x", times[seen[0]], times[-1])
    axes.set_xlabel("seconds of search")


def _marks(seen: NDArray[np.intp], share: float) -> list[int]:
    """Choose moments of marks, so that those of different curves stand apart."""
    places = (np.arange(_MARKS) + share) / _MARKS * len(seen)
    return [int(seen[int(place)]) for place in places]


def _from_least(axes: Axes, bands: Sequence[anytime.Band]) -> list[str]:
    """Use a log scale from the least positive mean on."""
    means = np.concatenate([band.mean for band in bands])
    positive = means[np.isfinite(means) & (means > 0)]
    if not len(positive):
        return ["No regret is above 0."]
    logarithmic(axes, "y", positive.min() / 1.6, positive.max() * 1.3)
    return ["What reaches 0 leaves the log scale below."]


def _cropped(axes: Axes, bands: Sequence[anytime.Band]) -> list[str]:
    """Spend the height on what follows the first fifth of the time."""
    means = np.array([band.mean for band in bands])
    first = np.flatnonzero(np.isfinite(means).any(axis=0))[0]
    later = means[:, first + (means.shape[1] - first) // 5 :]
    low = min(np.nanmin(band.low) for band in bands if np.isfinite(band.low).any())
    top = later[np.isfinite(later)].max()
    margin = 0.06 * (top - low)
    if not margin or top >= np.nanmax(means):
        return []
    axes.set_ylim(low - margin, top + margin)
    return ["Some errors of the first moments lie above the frame."]


def _remarks(
    contest: Contest, shown: Cast, bands: Sequence[anytime.Band]
) -> Iterator[str]:
    """Say who is left out."""
    lost = [line.standing.label for line in contest.lines if not line.whole]
    if lost:
        yield f"Curves are not recorded of {', '.join(lost)}."
    never = [
        name
        for name, band in zip(shown.names, bands, strict=True)
        if not np.isfinite(band.mean).any()
    ]
    if never:
        yield f"No mean, since a run found nothing: {', '.join(never)}."
    yield from shown.remarks
