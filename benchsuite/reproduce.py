"""Runs of a line of the leaderboard, done again: does every figure come out?"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from benchsuite import benchmarks, catalogue, provenance
from benchsuite.campaign import Failed, perform, plan
from benchsuite.core import InputError
from benchsuite.report.leaderboard import row_of
from benchsuite.results import Circumstances, Row, Run, run_of
from benchsuite.runner import Rules

if TYPE_CHECKING:
    from benchsuite.one_shot import Job

_FIGURES = [f.name for f in fields(Row) if f.name not in {f.name for f in fields(Run)}]
_KINDS: Mapping[Any, Callable[[str], Any]] = {int: int, float: float}
_SIMULATED = ("table", "surrogate")  # backends whose seconds are not measured
_SEARCHED = ("supernet", "relaxed_table")  # backends of one-shot methods


@dataclass(frozen=True, slots=True)
class Again:
    """A run done again.

    Attributes:
        run: Its key.
        differs: What is not the same, each in words; empty if every figure is.
    """

    run: Run
    differs: Sequence[str]


def line(rows: Sequence[Row], name: str) -> list[Row]:
    """Find the final rows of one line of the leaderboard.

    Args:
        rows: Final incumbents.
        name: `Standing.row`, or its first digits.

    Raises:
        InputError: No line, or more than one, has that name.
    """
    named: dict[str, list[Row]] = {}
    for row in rows:
        named.setdefault(row_of(row), []).append(row)
    found = [row for row in named if name and row.startswith(name)]
    if len(found) != 1:
        what = "several lines" if found else "no line"
        raise InputError(
            f"{what} of the leaderboard: {name!r}; a line is named by the eight digits"
            " in its column `row`"
        )
    return named[found[0]]


def command(rows: Sequence[Row], circumstances: Circumstances | None = None) -> str:
    """Spell the command that does the runs of a line again."""
    run, seeds = run_of(rows[0]), [row.seed for row in rows]
    asked = circumstances.asked if circumstances else ""
    if rows[0].backend not in _SEARCHED:
        return provenance.command(run, seeds, asked)
    space = run.benchmark.split("/")[1 if run.benchmark.startswith("training/") else 0]
    if run.benchmark in benchmarks.known():
        space = benchmarks.load(run.benchmark).space.name
    return provenance.search_command(run, seeds, space, asked)


def again(
    rows: Sequence[Row], asked: str = "", *, jobs: int = 1, timeout: float = 600.0
) -> Iterator[Again]:
    """Do the runs of a line again, and compare every figure; nothing is recorded.

    Seconds are compared where they are simulated, and not where they are measured.

    Args:
        rows: The final rows of the line.
        asked: What names the strategy or method; by default its name and settings.
        jobs: Number of processes, for strategies.
        timeout: Seconds of wall-clock time that a run may take.

    Raises:
        InputError: The benchmark has other data now, or something is not there.
    """
    known = {row.seed: row for row in rows}
    searched = rows[0].backend in _SEARCHED
    found = _searched(rows, asked) if searched else _run(rows, asked, jobs, timeout)
    for seed, row in found:
        before = known[seed]
        differs = [row] if isinstance(row, str) else list(_differences(before, row))
        yield Again(run_of(before), differs)


def changed(rows: Sequence[Row], asked: str = "") -> str:
    """Say in words how the strategy's source differs from that of a line, if it does.

    Raises:
        InputError: There is no such strategy or method.
    """
    if rows[0].backend in _SEARCHED:
        from benchsuite.one_shot import find_method

        _, source = find_method(asked or rows[0].strategy)
    else:
        source = catalogue.find(asked or _asked(rows[0])).source
    if source == rows[0].source:
        return ""
    return f"the source is {source or 'unknown'} here, and was {rows[0].source}"


def _asked(row: Row) -> str:
    settings = row.settings.replace(" ", ",")
    return f"{row.strategy}[{settings}]" if settings else row.strategy


def _check(benchmark: str, table: str) -> None:
    """Refuse to compare results of two tables.

    Raises:
        InputError: The benchmark's data are not those of the line.
    """
    data = benchmarks.load(benchmark).data
    if data != table:
        raise InputError(
            f"{benchmark} has the table {data} here, and the line is of the table"
            f" {table}: import that one"
        )


def _run(
    rows: Sequence[Row], asked: str, jobs: int, timeout: float
) -> Iterator[tuple[int, Row | str]]:
    """Run a strategy again; yield each seed, and its final row or why there is none."""
    first = rows[0]
    _check(first.benchmark, first.table)
    tasks = plan(
        [catalogue.find(asked or _asked(first))],
        [first.benchmark],
        Rules.parse(first.rules),
        [row.seed for row in rows],
        timeout=timeout,
    )
    for task, result in perform(tasks, jobs):
        if isinstance(result, Failed):
            yield task.run.seed, result.reason
        else:
            yield task.run.seed, result.rows[-1]


def _searched(rows: Sequence[Row], asked: str) -> Iterator[tuple[int, Row | str]]:
    """Search with a one-shot method again."""
    from benchsuite.one_shot import do
    from benchsuite.store import Store
    from benchsuite.supernet.search import DivergedError

    _check(rows[0].benchmark, rows[0].table)
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "s") as store:
        for row in rows:
            job = _job(row, asked, Path(folder))
            try:
                for _ in do(job, store):
                    pass
            except DivergedError as error:
                yield row.seed, str(error)
                continue
            yield row.seed, next(r for r in store.rows() if r.seed == row.seed)


def _job(row: Row, asked: str, folder: Path) -> "Job":
    """Plan the search of a row."""
    from benchsuite.one_shot import find_method, plan
    from benchsuite.supernet.setting import Setting

    name, source = find_method(asked or row.strategy)
    settings = dict(pair.split("=", 1) for pair in row.settings.split())
    images = settings.pop("data", "")
    data = images.partition("@")[0] or row.benchmark
    space = benchmarks.load(row.benchmark).space.name if images else ""
    kinds = get_type_hints(Setting)
    typed = {key: _KINDS.get(kinds[key], str)(value) for key, value in settings.items()}
    setting = Setting(method=name, space=space, **typed)
    seeds = range(row.seed, row.seed + 1)
    truth = row.benchmark if images else ""
    (job,) = plan(setting, data, seeds, source=source, truth=truth, results=folder)
    if job.run.settings != row.settings:
        raise InputError(
            f"the images are not those of the line: {job.run.settings!r} here, and"
            f" {row.settings!r} there"
        )
    return job


def _differences(before: Row, after: Row) -> Iterator[str]:
    """Say in words which figures are not the same."""
    for name in _FIGURES:
        old, new = getattr(before, name), getattr(after, name)
        measured = name == "cost" and before.backend not in _SIMULATED
        if repr(old) != repr(new) and not measured:  # nan is not equal to itself
            yield f"{name} is {new!r}, and was {old!r}"
