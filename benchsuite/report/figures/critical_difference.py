"""Critical-difference diagrams: average ranks, and bars over those that may be equal.

Demsar, "Statistical Comparisons of Classifiers over Multiple Data Sets", Journal of
Machine Learning Research 7, 2006, figure 1.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite.report import ranking
from benchsuite.report.figures.cast import Cast, cast
from benchsuite.report.figures.distributions import ROWS
from benchsuite.report.figures.letters import SMALL
from benchsuite.report.figures.sheet import DOUBLE, Plate, dashed, printing, sheet
from benchsuite.report.figures.words import labels, place, shared
from benchsuite.report.leaderboard import Contest, Line
from benchsuite.report.palette import Style

_BAR, _ROW = 0.09, 0.17  # inches between bars, and between names
_NAME = 1.9  # inches
_LEAST = 1e-16  # p-values below are not computed with any accuracy
_GAP = 0.15  # ranks between bars of one level


def over_seeds(contest: Contest, styles: Mapping[str, Style]) -> Plate:
    """Rank strategies by their final errors in each seed that all of them ran.

    Args:
        contest: Those with a run that found nothing are left out.
        styles: By `Standing.label`.
    """
    able = [line for line in contest.lines if np.isfinite(line.standing.error_mean)]
    shown = cast(labels(able), styles, ROWS, _NAME)
    errors = [
        {run[-1].seed: run[-1].reported_error for run in line.runs}
        for line in shown.of(able)
    ]
    common = sorted(set.intersection(*map(set, errors))) if errors else []
    table = np.array([[own[seed] for own in errors] for seed in common])
    lost = [line.standing.label for line in contest.lines if line not in able]
    left_out = [f"A run found nothing of {', '.join(lost)}."] if lost else []
    return _diagram(
        f"Ranks over seeds: {place(contest)}",
        table.reshape(len(common), len(errors)),
        shown,
        shared(len(common)),
        left_out,
    )


def over_tasks(contests: Sequence[Contest], styles: Mapping[str, Style]) -> Plate:
    """Rank strategies by their mean errors in each of several contests.

    Args:
        contests: Of different benchmarks, under the same rules; strategies that did not
            take part in all of them are left out.
        styles: By `Standing.label`.
    """
    found = [{_who(line): line.standing for line in c.lines} for c in contests]
    able = [
        line
        for line in (contests[0].lines if contests else ())
        if all(_who(line) in own for own in found)
        and all(np.isfinite(own[_who(line)].error_mean) for own in found)
    ]
    able.sort(key=lambda line: sum(own[_who(line)].rank for own in found))
    shown = cast(labels(able), styles, ROWS, _NAME)
    lines = shown.of(able)
    table = [[own[_who(line)].error_mean for line in lines] for own in found]
    kept = {line.standing.label for line in able}
    lost = {label for own in found for label, _ in own} - kept
    left_out = [f"Without a mean on every task: {', '.join(sorted(lost))}."]
    return _diagram(
        f"Ranks over tasks: {', '.join(contest.benchmark for contest in contests)}",
        np.array(table).reshape(len(found), len(lines)),
        shown,
        f"{len(found)} task{'s' * (len(found) != 1)}",
        left_out if lost else [],
    )


def _who(line: Line) -> tuple[str, str]:
    return line.standing.label, line.standing.backend


def _diagram(
    title: str,
    table: NDArray[np.float64],
    shown: Cast,
    blocks: str,
    left_out: Sequence[str],
) -> Plate:
    """Rank each row of [N, K], and draw."""
    remarks = [*left_out, *shown.remarks]
    try:
        ranks = ranking.average_ranks(table)
        p = ranking.friedman(table).p
    except ranking.TooLittleData as error:
        return Plate(title, " ".join([f"Not drawn: {error}", *remarks]), None)
    words = [
        f"Average ranks over {blocks}; 1 is the best. Friedman's test of whether all"
        f" rank alike: p {f'= {p:.2g}' if p >= _LEAST else f'< {_LEAST}'}.",
    ]
    width, bars = 0.0, list[list[int]]()
    try:
        bars = ranking.cliques(ranks.tolist(), ranking.nemenyi(table))
        width = ranking.critical_difference(table.shape[1], table.shape[0])
        words += [
            "Those that a bar joins cannot be told apart at 5 % by Nemenyi's test: they"
            f" are less than the critical difference of {width:.2f} apart."
        ]
    except ranking.TooLittleData as error:
        words += [f"No bars: {error}"]
    with printing():
        figure = _draw(ranks, shown, bars, width, f"average rank over {blocks}")
    return Plate(title, " ".join([*words, *remarks]), figure)


def _draw(
    ranks: NDArray[np.float64],
    shown: Cast,
    bars: Sequence[Sequence[int]],
    width: float,
    label: str,
) -> Figure:
    """Hang the better half of the names at the left, the others at the right."""
    count = len(ranks)
    levels = _levels([(ranks[bar[0]], ranks[bar[-1]]) for bar in bars])
    first = _BAR * (max(levels, default=0) + 2)
    rows = -(-count // 2)
    depth = first + _ROW * rows + (_ROW if width else 0)
    page = sheet(DOUBLE, depth + 0.5)
    axes = page.add_subplot(xlim=(1, count), ylim=(depth, 0))
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.spines["top"].set_visible(True)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xticks(range(1, count + 1, -(-count // 12)))
    axes.set_xlabel(label)
    axes.yaxis.set_visible(False)
    axes.grid(visible=False)
    for row, n in enumerate(np.argsort(ranks, kind="stable")):
        left = row < rows
        y = first + _ROW * (row if left else count - 1 - row)
        _hang(axes, ranks[n], y, shown.names[n], shown.looks[n], left=left)
    for bar, level in zip(bars, levels, strict=True):
        axes.plot(
            [ranks[bar[0]], ranks[bar[-1]]],
            [_BAR * (level + 1)] * 2,
            color="black",
            linewidth=2.5,
            label="bar",
            clip_on=False,
        )
    if width:
        middle, y = (1 + count) / 2, depth - 0.4 * _ROW
        ends = [middle - width / 2, middle + width / 2]
        axes.plot(ends, [y, y], "k|-", linewidth=1, label="critical difference")
        axes.annotate(
            f"critical difference {width:.2f}",
            (ends[1], y),
            (4, 0),
            textcoords="offset points",
            va="center",
        )
    return page


def _hang(
    axes: Axes, rank: float, y: float, name: str, look: Style, *, left: bool
) -> None:
    """Lead a line from a rank on the axis to a name."""
    edge = axes.get_xlim()[0 if left else 1]
    axes.plot(
        [rank, rank, edge],
        [0, y, y],
        color=look.colour,
        linestyle=dashed(look),
        marker=look.marker,
        markevery=[0],
        clip_on=False,
        label=name,
    )
    axes.annotate(
        name,
        (edge, y),
        (-3 if left else 3, 0),
        textcoords="offset points",
        fontsize=SMALL,
        ha="right" if left else "left",
        va="center",
    )


def _levels(spans: Sequence[tuple[float, float]]) -> list[int]:
    """Stack bars that overlap: each takes the first level that is free, from the top.

    Example:
        >>> _levels([(1.0, 2.0), (1.5, 3.0), (2.5, 4.0)])
        [0, 1, 0]
    """
    ends: list[float] = []
    levels = []
    for low, high in spans:
        free = (n for n, end in enumerate(ends) if end + _GAP < low)
        level = next(free, len(ends))
        ends[level : level + 1] = [high]
        levels.append(level)
    return levels
