"""Several tasks at once over time: average rank, and regret over a reference's."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchsuite.report import anytime
from benchsuite.report.figures.cast import Cast, cast
from benchsuite.report.figures.curves import CURVES, MOMENTS
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
from benchsuite.report.leaderboard import Contest
from benchsuite.report.palette import BASELINE, Style

_CLOCK = "share of the longest search of each task"


def rank_over_tasks(contests: Sequence[Contest], styles: Mapping[str, Style]) -> Plate:
    """Draw the rank of each strategy over time, averaged over seeds and tasks.

    Args:
        contests: Of different benchmarks, under the same rules.
        styles: By `Standing.label`.
    """
    title = f"Rank over time: {_names(contests)}"
    found = anytime.average_rank(contests, MOMENTS)
    words = [
        f"Average over {len(contests)} tasks, and over the seeds that all ran, of the"
        " rank of the reported error among these strategies; each task has its own"
        " clock.",
        *_left_out(found.left_out),
    ]
    ends = found.ranks[:, -1:].ravel()
    if not len(defined(found.ranks)):
        return Plate(title, " ".join(["Not drawn.", *words]), None)
    order = np.argsort(ends, kind="stable")
    shown = _cast([found.labels[n] for n in order], styles)
    with printing():
        page = sheet(SINGLE, 2.3)
        axes = page.add_subplot()
        heading(axes, f"{len(contests)} tasks")
        ranks = found.ranks[order][shown.places]
        steps(axes, found.fractions, ranks, shown.names, shown.looks)
        axes.set_xlabel(_CLOCK)
        axes.yaxis.set_inverted(True)
        axes.set_ylabel(f"average rank of {len(found.labels)}")
        below(page, axes.lines)
    return Plate(title, " ".join([*words, *shown.remarks]), page)


def regret_over_tasks(
    contests: Sequence[Contest], styles: Mapping[str, Style]
) -> Plate:
    """Draw the regret over time in units of random search's, averaged over tasks.

    Args:
        contests: Of different benchmarks, under the same rules.
        styles: By `Standing.label`.
    """
    title = f"Normalised regret over time: {_names(contests)}"
    found = anytime.normalised_regret(contests, MOMENTS)
    means = np.array([band.mean for band in found.bands])
    words = [
        f"Mean over the tasks of the regret over the final one of {BASELINE}, and its"
        " 95 % bootstrap interval over seeds, which are resampled within each task;"
        " each task has its own clock.",
        *_left_out(found.left_out),
    ]
    positive = means[np.isfinite(means) & (means > 0)]
    if not len(positive):
        return Plate(title, " ".join(["Not drawn.", *words]), None)
    order = np.argsort(means[:, -1], kind="stable")
    shown = _cast([found.labels[n] for n in order], styles)
    bands = shown.of([found.bands[n] for n in order])
    with printing():
        page = sheet(SINGLE, 2.3)
        axes = page.add_subplot()
        heading(axes, f"{len(contests)} tasks")
        shade(axes, found.fractions, bands, shown.looks)
        curves = np.array([band.mean for band in bands])
        steps(axes, found.fractions, curves, shown.names, shown.looks)
        axes.set_xlabel(_CLOCK)
        axes.set_ylabel(f"regret over {BASELINE}'s")
        low, high = _frame(curves)
        logarithmic(axes, "y", low, high)
        below(page, axes.lines)
    return Plate(title, " ".join([*words, *shown.remarks]), page)


def _frame(curves: NDArray[np.float64]) -> tuple[float, float]:
    """Find the ends of a log axis that shows all that is above 0."""
    positive = curves[np.isfinite(curves) & (curves > 0)]
    return float(positive.min()) / 1.3, float(positive.max()) * 1.3


def _cast(labels: Sequence[str], styles: Mapping[str, Style]) -> Cast:
    """Choose whom to show; a label with its backend looks as without."""
    plain = {label: label.rpartition(" (")[0] or label for label in labels}
    looks = {
        label: styles[label if label in styles else plain[label]] for label in labels
    }
    return cast(labels, looks, CURVES)


def _names(contests: Sequence[Contest]) -> str:
    return ", ".join(contest.benchmark for contest in contests)


def _left_out(reasons: Sequence[str]) -> list[str]:
    return [f"Left out: {'; '.join(reasons)}."] if reasons else []
