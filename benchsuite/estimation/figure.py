"""A figure for print: how well estimators rank, against what judging costs.

Needs matplotlib, of the extra `report`.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from benchsuite.core import InputError
from benchsuite.estimation.table import Line
from benchsuite.report.palette import COLOURS, MARKERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = (
    *("full fidelity", "zero-cost recorded", "model-based", "learning curve"),
    *("early stopping", "low fidelity", "zero-cost computed", "inherited weights"),
)
"""In the order of colours."""
_WIDTH, _HEIGHT = 6.8, 3.6  # inches
_APART = 7  # points between names of estimators, one above the other


def total_seconds(line: Line, judged: int) -> float:
    """What judging so many architectures costs in all, set-up included."""
    setup, query = (
        float(line.facts[name]) for name in ("setup_seconds", "query_seconds")
    )
    measured = line.fit_seconds + judged * line.estimate_seconds
    return setup + judged * query + measured


def draw(lines: Sequence[Line], path: Path, *, judged: int = 1000) -> None:
    """Draw Spearman's rho over the seconds of judging so many architectures.

    What an estimator makes of smaller and larger training sets is joined by a line.

    Args:
        lines: Of one benchmark; those without a correlation are left out.
        path: Of an .svg file.
        judged: How many architectures share the set-up.

    Raises:
        InputError: matplotlib is missing, or the file cannot be written.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise InputError(
            f"a figure needs {error.name}, which is not installed:"
            " pip install 'benchsuite[report]'"
        ) from error
    page = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    axes = page.add_subplot()
    shown = [line for line in lines if not math.isnan(line.figures["spearman"][0])]
    ends = list(_curves(axes, shown, judged))
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlabel(f"seconds of training and computing to judge {judged:,}")
    axes.set_ylabel("Spearman's rho with the reported accuracy")
    if shown:
        axes.set_title(str(shown[0].facts["benchmark"]), fontsize=9)
        handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        page.legend(
            handles.values(), handles, fontsize=6, loc="outside lower center", ncols=4
        )
        _name(axes, ends)
    part = path.with_name(f".part.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with rc_context({"svg.hashsalt": path.stem}):
            page.savefig(part, format="svg", metadata={"Date": None})
        part.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            part.unlink()


def _curves(
    axes: "Axes", lines: Sequence[Line], judged: int
) -> Iterator[tuple[float, float, str]]:
    """Draw each estimator with its intervals; yield where it ends, and its name."""
    for name, group in groupby(lines, key=lambda line: str(line.facts["estimator"])):
        found = list(group)
        kind = str(found[0].facts["kind"])
        place = KINDS.index(kind)
        seconds = [total_seconds(line, judged) for line in found]
        means, lows, highs = zip(*(x.figures["spearman"] for x in found), strict=True)
        below = [mean - low for mean, low in zip(means, lows, strict=True)]
        above = [high - mean for mean, high in zip(means, highs, strict=True)]
        axes.errorbar(
            seconds,
            means,
            (below, above),
            marker=MARKERS[place % len(MARKERS)],
            color=COLOURS[place % len(COLOURS)],
            markersize=4,
            linewidth=0.8,
            label=kind,
        )
        yield seconds[-1], means[-1], name.split("/")[-1]


def _name(axes: "Axes", ends: Sequence[tuple[float, float, str]]) -> None:
    """Write names beside points, left of those on the right, none over another."""
    height = _HEIGHT * 72
    low, high = axes.get_ylim()
    middle = max(x for x, _, _ in ends) ** 0.5
    lowest = {True: -math.inf, False: -math.inf}  # on either side
    for x, y, name in sorted(ends, key=lambda end: end[1]):
        right = x > middle
        at = 0.75 * height * (y - low) / (high - low)
        lowest[right] = max(at, lowest[right] + _APART)
        axes.annotate(
            name,
            (x, y),
            textcoords="offset points",
            xytext=(-5 if right else 5, lowest[right] - at + 2),
            ha="right" if right else "left",
            fontsize=6,
        )
