"""A figure for print: how well estimators rank, against what a judgement costs.

Needs matplotlib, of the extra `report`.
"""

import math
from collections.abc import Sequence
from pathlib import Path

from benchsuite.core import InputError
from benchsuite.estimation.table import Line
from benchsuite.report.palette import COLOURS, MARKERS

KINDS = (
    *("full fidelity", "low fidelity", "early stopping", "learning curve"),
    *("model-based", "zero-cost recorded", "zero-cost computed", "inherited weights"),
)
_NAMED = 14  # names beside points; more of them lie over one another


def total_seconds(line: Line, judged: int) -> float:
    """What judging so many architectures costs in all, set-up included."""
    setup, query = (
        float(line.facts[name]) for name in ("setup_seconds", "query_seconds")
    )
    measured = line.fit_seconds + judged * line.estimate_seconds
    return setup + judged * query + measured


def draw(lines: Sequence[Line], path: Path, *, judged: int = 1000) -> None:
    """Draw Spearman's rho over the seconds of judging so many architectures.

    Args:
        lines: Of one benchmark; those without a correlation are left out.
        path: Of a file whose ending matplotlib knows, such as .pdf or .svg.
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
    page = Figure(figsize=(6.8, 3.6), layout="constrained")
    axes = page.add_subplot()
    shown = [line for line in lines if not math.isnan(line.figures["spearman"][0])]
    for kind in KINDS:
        of_kind = [line for line in shown if line.facts["kind"] == kind]
        if not of_kind:
            continue
        place = KINDS.index(kind)
        rho = [line.figures["spearman"] for line in of_kind]
        axes.errorbar(
            [total_seconds(line, judged) for line in of_kind],
            [mean for mean, _, _ in rho],
            [
                [mean - low for mean, low, _ in rho],
                [high - mean for mean, _, high in rho],
            ],
            fmt=MARKERS[place % len(MARKERS)],
            color=COLOURS[place % len(COLOURS)],
            markersize=4,
            linewidth=0.8,
            label=kind,
        )
    for line in shown[:_NAMED]:
        size = line.facts["train_size"]
        name = str(line.facts["estimator"]).split("/")[-1]
        axes.annotate(
            f"{name} ({size})" if size else name,
            (total_seconds(line, judged), line.figures["spearman"][0]),
            textcoords="offset points",
            xytext=(4, 3),
            fontsize=6,
        )
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlabel(f"seconds of training and computing to judge {judged:,}")
    axes.set_ylabel("Spearman's rho with the reported accuracy")
    if shown:
        axes.set_title(f"{shown[0].facts['benchmark']}", fontsize=9)
        axes.legend(fontsize=6, loc="lower right")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".part.{path.name}")
        with rc_context({"svg.hashsalt": path.stem}):
            page.savefig(part, metadata={"Date": None})
        part.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
