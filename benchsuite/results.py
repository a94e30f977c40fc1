"""Results: one row for each change of incumbent, as dataclasses and as CSV.

An anytime curve is a step function, so its jumps are all there is to record.
"""

import csv
import io
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

from benchsuite.core import Backend, Benchmark, Incumbent, InputError

_NAME = re.compile(r"[A-Za-z0-9_][\w.@+:-]*(/[A-Za-z0-9_][\w.@+:-]*)*", re.ASCII)
_TEXT = re.compile(r"(?![=+@-])[^\x00-\x1f\x7f]*")  # no spreadsheet computes it


@dataclass(frozen=True, slots=True, order=True)
class Run:
    """What makes a run itself: it is never done twice.

    Attributes:
        benchmark: Name, e.g. "nb201/cifar10".
        table: First eight hex digits of the sha256 of what answered.
        strategy: Name, e.g. "regularized_evolution".
        settings: Hyper-parameters that differ from the defaults, "name=value ...".
        rules: Rules that differ from the defaults, "name=value ...".
        seed: Seeds the strategy and picks the recorded training runs.
        source: First eight hex digits of the sha256 of the strategy's source.

    Raises:
        InputError: A name could be taken for a path, or a text for a formula.
    """

    benchmark: str
    table: str
    strategy: str
    settings: str
    rules: str
    seed: int
    source: str

    def __post_init__(self) -> None:
        for name in (self.benchmark, self.strategy):
            if not _NAME.fullmatch(name) or name.endswith("."):
                raise InputError(
                    f"{name!r} is not a name: letters, digits and . _ - @ + : /"
                )
        for text in (self.table, self.settings, self.rules, self.source):
            if not _TEXT.fullmatch(text):
                raise InputError(f"{text!r} is not plain text")


@dataclass(frozen=True, slots=True, order=True)
class Row(Run):
    """One line of a result table: a run and one of its incumbents.

    A run that never found an incumbent has one row, with an empty `arch`.

    Attributes:
        reports: What `reported_error` is: see `core.Reports`.
        backend: What answered the search: see `core.Backend`.
        step: 0 for the first incumbent of the run.
        cost: Seconds on the clock when `arch` became the incumbent.
        arch: Published spelling of the architecture.
        epochs: Fidelity at which it was judged.
        error: The validation error that the search saw, in [0, 1].
        reported_error: The error to publish, in [0, 1].
        regret: `reported_error` less the best of the benchmark; nan if unknown.
        metrics: What else was observed of `arch`, "name=value ...", sorted.
    """

    reports: str
    backend: str
    step: int
    cost: float
    arch: str
    epochs: int
    error: float
    reported_error: float
    regret: float
    metrics: str

    def __post_init__(self) -> None:
        Run.__post_init__(self)
        for text in (self.reports, self.backend, self.arch, self.metrics):
            if not _TEXT.fullmatch(text):
                raise InputError(f"{text!r} is not plain text")


class Effort(NamedTuple):
    """What a run took beside its rows; it differs from one time to the next.

    Attributes:
        trials: How many trials the strategy asked for.
        thought: Wall-clock seconds that it took to ask and to be told; nan if unknown.
    """

    trials: int
    thought: float


class Circumstances(NamedTuple):
    """Under which circumstances a run was done, where that is known.

    Attributes:
        asked: What named the strategy or method on the command line.
        versions: Of Python and packages.
        machine: What may move a measured time.
    """

    asked: str
    versions: Mapping[str, str]
    machine: Mapping[str, str]


KEY: tuple[str, ...] = tuple(field.name for field in fields(Run))
COLUMNS: dict[str, type] = get_type_hints(Row)  # name -> str, int or float


def run_of(row: Row) -> Run:
    """Tell which run a row belongs to."""
    return Run(*[getattr(row, name) for name in KEY])


def rows(
    run: Run,
    incumbents: Iterable[Incumbent],
    benchmark: Benchmark,
    *,
    backend: Backend | None = None,
) -> list[Row]:
    """Turn a run's incumbents into rows; the only reader of `reported_error`.

    Figures keep six significant digits, so that a row is the same wherever it is.

    Args:
        run: Whose they are.
        incumbents: In order.
        benchmark: Says what there is to report.
        backend: What answered the search, if that was not `benchmark`. Where reporting
            then takes a training, only the last incumbent is reported; the others
            have nan.
    """
    key = asdict(run)
    best = round_to_six(benchmark.best_error)
    found: list[Row] = []
    steps = list(incumbents)
    last_only = backend is not None and benchmark.reports == "trained"
    for step, (cost, arch, epochs, error, metrics) in enumerate(steps):
        reported = math.nan
        if not last_only or step == len(steps) - 1:
            reported = round_to_six(benchmark.reported_error(arch, run.seed))
        found.append(
            Row(
                **key,
                reports=benchmark.reports,
                backend=backend or benchmark.backend,
                step=step,
                cost=round_to_six(cost),
                arch=benchmark.space.format(arch),
                epochs=epochs,
                error=round_to_six(error),
                reported_error=reported,
                regret=round_to_six(round(reported - best, 12)),
                metrics=spell(metrics),
            )
        )
    nan = math.nan
    return found or [
        Row(
            **key,
            reports=benchmark.reports,
            backend=backend or benchmark.backend,
            step=0,
            cost=nan,
            arch="",
            epochs=0,
            error=nan,
            reported_error=nan,
            regret=nan,
            metrics="",
        )
    ]


def round_to_six(figure: float) -> float:
    """Keep six significant digits.

    Example:
        >>> round_to_six(0.08393333333), round_to_six(1234567.0)
        (0.0839333, 1234570.0)
    """
    return float(f"{figure:.6g}")


def spell(figures: Mapping[str, float]) -> str:
    """Write figures as one sorted cell.

    Example:
        >>> spell({"params": 1288506.0, "latency": 0.0205932667})
        'latency=0.0205933 params=1.28851e+06'
    """
    return " ".join(f"{name}={value:.6g}" for name, value in sorted(figures.items()))


def final(table: Iterable[Row]) -> Iterator[Row]:
    """Keep the last incumbent of every run; rows of a run must come in order."""
    for _, steps in groupby(table, key=attrgetter(*KEY)):  # no Run is made for each
        *_, last = steps
        yield last


def write(path: Path, columns: Sequence[str], lines: Iterable[Any]) -> None:
    """Write attributes of objects as CSV; a reader never sees half a file.

    Raises:
        InputError: The file cannot be written; an earlier one is untouched.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for line in lines:
        values = [getattr(line, name) for name in columns]
        writer.writerow([f"{v:.6g}" if isinstance(v, float) else v for v in values])
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_text(text.getvalue(), encoding="utf-8")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def read(path: Path) -> list[Row]:
    """Read a result table that `export` wrote, whatever a spreadsheet did to its ends.

    Raises:
        InputError: The file cannot be read, or a line is not a row; it names the line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = csv.reader(file, strict=True)
            header = next(lines, [])
            if header != list(COLUMNS):
                raise InputError(
                    f"{path} has the columns {','.join(header)!r:.200}, not those of a"
                    f" result table, {','.join(COLUMNS)}"
                )
            return [_row(line, f"{path}:{lines.line_num}") for line in lines if line]
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a CSV file: {error}") from error


_KINDS: Mapping[type, Callable[[str], Any]] = {str: str, int: int, float: float}


def _row(cells: Sequence[str], place: str) -> Row:
    """Give every cell its column's type."""
    if len(cells) != len(COLUMNS):
        raise InputError(f"{place} has {len(cells)} cells, not {len(COLUMNS)}")
    values: dict[str, Any] = {}
    for (name, kind), cell in zip(COLUMNS.items(), cells, strict=True):
        try:
            values[name] = _KINDS[kind](cell)
        except ValueError:
            raise InputError(f"{place}: {name} is {cell!r:.80}, not a number") from None
    try:
        return Row(**values)
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def export(table: Iterable[Row], root: Path, *, curves: bool = False) -> list[Path]:
    """Write <root>/<benchmark>/<strategy>.csv: one row a run, its final incumbent.

    Sorted, so that equal results are equal bytes.

    Args:
        table: Every row of every run.
        root: The folder of results.
        curves: Write every change of incumbent to <strategy>.curves.csv as well.

    Returns:
        The files written.

    Raises:
        InputError: A file there holds runs that `table` does not, which would be lost.
    """
    plans: list[tuple[Path, list[Row]]] = []
    files = groupby(sorted(table), key=lambda row: (row.benchmark, row.strategy))
    for (benchmark, strategy), group in files:
        lines, folder = list(group), root / benchmark
        plans.append((folder / f"{strategy}.csv", list(final(lines))))
        if curves:
            plans.append((folder / f"{strategy}.curves.csv", lines))
    for path, lines in plans:
        if path.exists():
            lost = set(map(run_of, read(path))) - set(map(run_of, lines))
            if lost:
                raise InputError(
                    f"{path} holds {len(lost)} runs that would be lost: read them in"
                    f" first with `benchsuite import-results {path}`, or move it away"
                )
    for path, lines in plans:
        write(path, list(COLUMNS), lines)
    return [path for path, _ in plans]
