"""What every importer speaks of: a request, and the plan that serves it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchsuite.core import InputError
from benchsuite.memory import free_memory
from surrogates import DataError, Table


@dataclass(frozen=True, slots=True)
class Request:
    """What to import, and how.

    Attributes:
        path: A published file or folder, or a table of the user's.
        name: What to call the table; None is the release's own name.
        space: Name of the space of a user's table.
        partial: Whether to take an incomplete source for what it is.
        losses: Whether to keep the losses, which only `benchsuite.compat` reads.
        jobs: Child processes.
        force: Whether to replace what was imported from the same source.
    """

    path: Path
    name: str | None = None
    space: str | None = None
    partial: bool = False
    losses: bool = True
    jobs: int = 1
    force: bool = False


Progress = Callable[[int, int], None]
"""Told how many of how many parts are done."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How one source becomes a table.

    Attributes:
        name: Of the table.
        source: Name and release, for people.
        files: What is read.
        space: Bytes of disk that the import needs.
        convert: Writes parts of the table into a folder and tells its progress; returns
            the table made of them, and what to tell of its source.
        report: Looks a finished table over, for the data-quality report.
    """

    name: str
    source: str
    files: Sequence[Path]
    space: int
    convert: Callable[[Path, Progress], tuple[Table, Mapping[str, Any]]]
    report: Callable[[Table], Mapping[str, Any]]


def named(request: Request, known: Collection[str]) -> str:
    """Name the table of a published source: as asked for, or the first of `known`.

    Raises:
        InputError: Benchmarks do not look for such a table under that name.
    """
    name = request.name or next(iter(known))
    if name not in known:
        raise InputError(
            f"the table of {request.path} is called {' or '.join(known)}, not {name!r}"
        )
    return name


def memory(each: int, jobs: int) -> int:
    """Say how many of `jobs` processes of so many bytes the machine has memory for.

    Raises:
        DataError: It has not enough for one.
    """
    free = free_memory()
    if free < each:
        raise DataError(
            f"the import needs {each / 1e9:.1f} GB of memory; {free / 1e9:.1f} GB are"
            " free"
        )
    return max(1, min(jobs, free // each))
