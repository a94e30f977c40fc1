"""A report on disk: a page, figures, and tables, about all that has been recorded."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from benchsuite import benchmarks
from benchsuite.core import InputError
from benchsuite.dossier import dossier
from benchsuite.recorded import recorded
from benchsuite.report import summary, tables
from benchsuite.report.leaderboard import Contest, Standing, contests
from benchsuite.results import Row, run_of
from benchsuite.runner import Rules

if TYPE_CHECKING:
    from benchsuite.report.figures.pareto import FrontContest

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Published:
    """What was written.

    Attributes:
        files: In the order of writing.
        contests: How many the report is about.
        lines: How many lines their leaderboards have.
        figures: How many were drawn.
        notes: What is missing in it, and why.
    """

    files: Sequence[Path]
    contests: int
    lines: int
    figures: int
    notes: Sequence[str]


def publish(
    results: Path, out: Path, *, on: Sequence[str] = (), strategies: Sequence[str] = ()
) -> Published:
    """Write index.html, figures and tables to a folder.

    Files of an earlier report are replaced one by one; no other file is touched.

    Args:
        results: The folder of results.
        out: The folder to write to.
        on: Names of benchmarks; all of them if empty.
        strategies: Names of strategies, without settings; all of them if empty.

    Raises:
        InputError: There are no such results, a package is missing, or the folder
            cannot be written.
    """
    with _packages():
        from benchsuite.report.figures.album import captions, draw
        from benchsuite.report.page import page
    known = recorded(results, curves=True)
    chosen = [
        row
        for row in known.rows
        if (not on or row.benchmark in on)
        and (not strategies or row.strategy in strategies)
    ]
    found, fronts = contests(chosen, known.efforts), list(front_contests(chosen))
    if not found and not fronts:
        raise InputError(
            f"no run in {results}"
            f"{' on ' + ', '.join(on) if on else ''}"
            f"{' of ' + ', '.join(strategies) if strategies else ''}"
            " has a result; `benchsuite leaderboard` shows what there is"
        )
    about = dossier(found, known)
    with _writing(out):
        drawn = draw(found, about, out / "figures", fronts)
        files = [file for figure in drawn for file in figure.files]
        files.append(_write(out / "figures" / "captions.md", captions(drawn)))
        files += _tables(found, out / "tables")
        files.append(_write(out / "index.html", page(found, about)))
    return Published(
        files=files,
        contests=len(found),
        lines=sum(len(contest.lines) for contest in found),
        figures=sum(bool(figure.files) for figure in drawn),
        notes=list(_notes(found, about.failures)),
    )


def front_contests(rows: Sequence[Row]) -> "Iterator[FrontContest]":
    """Gather the searches for several objectives whose exact front is known.

    Args:
        rows: Every change of incumbent, in any order; others are passed over.
    """
    from benchsuite.report.figures.pareto import FrontContest

    several = [row for row in rows if "objectives=" in row.rules]
    key = attrgetter("benchmark", "table", "rules")
    for (name, table, rules), own in groupby(sorted(several, key=key), key=key):
        law = Rules.parse(rules.replace(" ", ","))
        with suppress(ValueError):  # that table is not installed
            exact = benchmarks.exact(name, table, law.objectives, law.constraints)
            runs: dict[str, list[list[Row]]] = {}
            for run, steps in groupby(sorted(own), key=run_of):
                label = f"{run.strategy}[{run.settings}]".removesuffix("[]")
                runs.setdefault(label, []).append(list(steps))
            yield FrontContest(name, rules, law.objectives, exact, runs)


def _tables(found: Sequence[Contest], folder: Path) -> Iterator[Path]:
    """Write the leaderboard in every form that can be pasted, and what goes beyond."""
    standings = [line.standing for contest in found for line in contest.lines]
    forms: dict[str, Callable[[Sequence[Standing]], str]] = {
        "csv": tables.as_csv,
        "md": tables.markdown,
        "tex": tables.latex,
    }
    for ending, form in forms.items():
        yield _write(folder / f"leaderboard.{ending}", form(standings))
    for name, kind, lines in (
        ("over_tasks", summary.Overall, summary.overall(found)),
        ("pairs", summary.Pair, summary.pairs(found)),
    ):
        columns = [field.name for field in fields(kind)]
        yield _write(folder / f"{name}.csv", tables.as_csv(lines, columns))
    try:
        path = folder / "leaderboard.parquet"
        tables.write_parquet(standings, path)
    except ImportError:
        log.info("no Parquet file: pyarrow is not installed")
    else:
        yield path


def _write(path: Path, text: str) -> Path:
    """Write a file; a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _notes(found: Sequence[Contest], failures: Sequence[str]) -> Iterator[str]:
    """Say what a reader might miss."""
    lines = [line for contest in found for line in contest.lines]
    bare = sum(not line.whole for line in lines)
    if bare:
        yield (
            f"{bare} of {len(lines)} lines have no anytime curve: they were read in"
            " from tables of final results; `benchsuite run` makes curves"
        )
    if failures:
        yield f"{len(failures)} runs failed and are not in it; the page lists them"


@contextmanager
def _packages() -> Iterator[None]:
    """Say in one line which extra brings a package that is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise InputError(
            f"a report needs {error.name}, which is not installed:"
            " pip install 'benchsuite[report]'"
        ) from error


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    """Say in one line why a folder cannot be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror}") from error
