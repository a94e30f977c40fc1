"""The comparison as a table: a row for each estimator and size of its training set.

The table in results/ is canonical: sorted, six digits, the same whoever writes it.
What was measured with a watch is not in it.
"""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchsuite.core import Benchmark, InputError
from benchsuite.estimation.study import Plan, Result
from benchsuite.estimators.metrics import METRICS, Figures
from benchsuite.report import statistics

WITHIN = ("all", "top")
"""Figures of all test architectures, and of those within the truly best tenth."""
_FACTS = (
    *("benchmark", "table", "reports", "estimator", "kind"),
    *("train_size", "test_size", "seeds", "k", "unjudged"),
    *("setup_seconds", "query_seconds", "coverage"),
)
FIGURES = tuple(
    name if within == "all" else f"{name}_top" for within in WITHIN for name in METRICS
)
COLUMNS = (
    *_FACTS,
    *(f"{name}{end}" for name in FIGURES for end in ("", "_low", "_high")),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One estimator, over all seeds.

    Attributes:
        facts: What the first columns say.
        figures: Mean and ends of a 95 % interval over seeds, by name; nan where the
            figure is not defined in every seed, and ends where there is one seed.
        reasons: Why a figure is nan, by name.
        fit_seconds: Of learning, measured; a mean.
        estimate_seconds: Of one judgement, measured; a mean.
    """

    facts: Mapping[str, str | int | float]
    figures: Mapping[str, tuple[float, float, float]]
    reasons: Mapping[str, str]
    fit_seconds: float
    estimate_seconds: float


def lines(benchmark: Benchmark, plan: Plan, results: Iterable[Result]) -> list[Line]:
    """Put the results of all seeds together, sorted by estimator and size."""
    groups: dict[tuple[str, int], list[Result]] = {}
    for result in results:
        key = result.estimator.name, result.train_size
        groups.setdefault(key, []).append(result)
    return [_line(benchmark, plan, groups[key]) for key in sorted(groups)]


def compose(lines: Sequence[Line]) -> str:
    """Write the canonical table as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in lines:
        figures = [x for name in FIGURES for x in line.figures[name]]
        writer.writerow([_cell(x) for x in (*line.facts.values(), *figures)])
    return text.getvalue()


def write(path: Path, text: str) -> None:
    """Write a file; a reader never sees half of it.

    Raises:
        InputError: It cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            part.unlink()


def _line(benchmark: Benchmark, plan: Plan, results: Sequence[Result]) -> Line:
    """Average one estimator over seeds."""
    first = results[0]
    parts = [(result.assessment.all, result.assessment.best) for result in results]
    figures: dict[str, tuple[float, float, float]] = {}
    reasons: dict[str, str] = {}
    for place, within in enumerate(WITHIN):
        every = [part[place] for part in parts]
        for metric in METRICS:
            name = metric if within == "all" else f"{metric}_top"
            figures[name] = _summary([each.values[metric] for each in every])
            if reason := _reason(every, metric):
                reasons[name] = reason
    costs = np.array([result.assessment.cost for result in results]).mean(axis=0)
    coverage = [result.assessment.coverage for result in results]
    facts: dict[str, str | int | float] = {
        "benchmark": benchmark.name,
        "table": benchmark.data,
        "reports": benchmark.reports,
        "estimator": first.estimator.name,
        "kind": first.estimator.kind,
        "train_size": first.train_size,
        "test_size": plan.test_size,
        "seeds": len(results),
        "k": plan.k,
        "unjudged": sum(each.unjudged for each, _ in parts),
        "setup_seconds": float(costs[0]),
        "query_seconds": float(costs[1]),
        "coverage": statistics.mean(coverage),
    }
    return Line(facts, figures, reasons, float(costs[2]), float(costs[3]))


def _summary(values: Sequence[float]) -> tuple[float, float, float]:
    if any(math.isnan(value) for value in values):
        return math.nan, math.nan, math.nan
    ends = statistics.interval(values) if len(values) > 1 else (math.nan, math.nan)
    return (statistics.mean(values), *ends)


def _reason(every: Sequence[Figures], metric: str) -> str:
    return next((each.reasons[metric] for each in every if metric in each.reasons), "")


def _cell(value: str | int | float) -> str:
    """Write a cell: six significant digits, nothing where nothing is known."""
    if not isinstance(value, float):
        return str(value)
    return "" if math.isnan(value) else f"{value:.6g}"
