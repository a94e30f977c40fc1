"""The road that every file takes: recognised, converted in parts, checked, in place.

Parts are converted in child processes that have limits of memory and time. They are
kept beside the tables until the import is complete, so an interrupted one goes on; one
that was refused leaves nothing behind.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchsuite.benchmarks.installed import data_folder
from benchsuite.core import InputError
from benchsuite.importer.kinds import plan
from benchsuite.importer.plan import Plan, Progress, Request
from surrogates import DataError, Table

NAME = re.compile(r"[a-z0-9_]+(/[a-z0-9_]+)?")
_FREE = 200_000_000  # bytes of disk that an import leaves alone


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import.

    Attributes:
        name: Of the table.
        folder: Where it is.
        new: False if it was there already.
        table: The table.
    """

    name: str
    folder: Path
    new: bool
    table: Table


def import_file(
    request: Request, progress: Progress = lambda done, total: None
) -> Imported:
    """Convert a source to a table of the data folder.

    Raises:
        InputError: The source is of no known kind, or a name cannot be used.
        DataError: It is damaged or incomplete, or the machine is too small.
    """
    try:
        task = plan(request)
        stamp = _stamp(request, task)
    except OSError as error:
        reason = error.strerror or error
        raise DataError(
            f"cannot read {error.filename or request.path}: {reason}"
        ) from error
    if not NAME.fullmatch(task.name):
        raise InputError(
            f"a table is named by small letters, digits and _, with at most one /, not"
            f" {task.name!r}"
        )
    folder = data_folder() / task.name
    if not request.force and (table := _there(folder)):
        if table.about.get("stamp") == stamp:
            return Imported(task.name, folder, False, table)
        if request.partial and "expected" not in table.about:
            raise DataError(
                f"{task.name} is there already, complete, from {table.source}: --force"
                " replaces it"
            )
    work = folder.with_name(f"{folder.name}.importing")
    try:
        with _alone(work, stamp, task.space):
            try:
                table, origin = task.convert(work / "parts", progress)
                table.save(work / "table")
            except ValueError:
                shutil.rmtree(work, ignore_errors=True)
                raise
            done = Table.open(work / "table")
            Table.annotate(
                work / "table",
                {
                    **table.about,
                    "stamp": stamp,
                    "origin": origin,
                    "converter": version("benchsuite"),
                    "report": dict(task.report(done)),
                },
            )
            Table.move(work / "table", folder)
            shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        reason = error.strerror or error
        raise DataError(
            f"cannot read or write {error.filename or work.parent}: {reason}"
        ) from error
    return Imported(task.name, folder, True, Table.open(folder))


def _stamp(request: Request, task: Plan) -> str:
    """Tell sources and ways of converting them apart, without reading them."""
    sha = hashlib.sha256(version("benchsuite").encode())
    options = (request.space, request.partial, request.losses)
    sha.update(os.fsencode(f"{task.name} {task.source} {options}"))
    for path in task.files:
        status = path.stat()
        sha.update(os.fsencode(f"{path.name} {status.st_size} {status.st_mtime_ns}\n"))
    return sha.hexdigest()


def _there(folder: Path) -> Table | None:
    """Open an earlier table, if no file of it is damaged."""
    try:
        table = Table.open(folder)
        table.touch()
    except (OSError, DataError):
        return None
    return table


@contextmanager
def _alone(work: Path, stamp: str, space: int) -> Iterator[None]:
    """Hold a folder of parts, emptied unless it is of the same source.

    Raises:
        DataError: Another process holds it, or the disk is too small.
    """
    work.mkdir(parents=True, exist_ok=True)
    with (work / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            alone = os.path.samestat(os.stat(lock.name), os.fstat(lock.fileno()))
        except (BlockingIOError, FileNotFoundError):
            alone = False  # or another has just completed, and taken the folder away
        if not alone:
            raise DataError(f"another import is at work in {work}")
        known = work / "plan.json"
        try:
            same = json.loads(known.read_text())["stamp"] == stamp
        except (OSError, ValueError, KeyError, TypeError):
            same = False
        if not same:
            for path in work.iterdir():
                if path.is_dir():
                    shutil.rmtree(path)
        free = shutil.disk_usage(work).free
        there = sum(path.stat().st_size for path in work.rglob("*.npy"))
        if free < space - there + _FREE:
            shutil.rmtree(work, ignore_errors=True)
            raise DataError(
                f"the import needs {(space - there + _FREE) / 1e9:.1f} GB of disk in"
                f" {work.parent}, which has {free / 1e9:.1f} GB free"
            )
        known.write_text(json.dumps({"stamp": stamp}))
        (work / "parts").mkdir(exist_ok=True)
        yield
