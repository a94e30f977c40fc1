"""A table of the user's, as CSV or Parquet."""

from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchsuite.benchmarks import BENCHMARKS
from benchsuite.benchmarks.hardware import HARDWARE, ROBUSTNESS, ZERO_COST
from benchsuite.core import InputError
from benchsuite.importer.children import convert
from benchsuite.importer.figures import origin
from benchsuite.importer.plan import Plan, Progress, Request
from benchsuite.memory import free_memory
from benchsuite.names import pick
from benchsuite.spaces import SPACES
from surrogates import DataError, Split, Table, Training, columns

_MEMORY = 8_000_000_000  # bytes that the child may map, if so much is free
_SECONDS = 3600


def table_file(request: Request) -> Plan:
    """Plan the import of a .csv or .parquet file.

    Raises:
        InputError: It has no name and space, or the name is taken.
    """
    path = request.path
    if request.name is None or "/" not in request.name:
        raise InputError(
            f"a table of yours needs a name: --name {path.stem.lower()}/cifar10, say"
        )
    if request.space is None:
        raise InputError(
            f"a table of yours needs its search space: --space {' or '.join(SPACES)}"
        )
    space = pick("search space", request.space, SPACES)
    if space.size > 1 << 64:
        raise InputError(
            f"a table numbers architectures by 64 bits, and {space.name} has more:"
            " choose a smaller space"
        )
    releases = (name.partition("/")[0] for name in BENCHMARKS)
    taken = {HARDWARE, ROBUSTNESS, ZERO_COST, *releases}
    if (first := request.name.partition("/")[0]) in taken:
        raise InputError(
            f"{first} is the name of a published benchmark; choose another"
        )

    def convert_all(work: Path, progress: Progress) -> tuple[Table, Mapping[str, Any]]:
        (table,) = convert(
            partial(_read, space=space.name, name=str(request.name)),
            [(work / "all", path)],
            jobs=1,
            seconds=_SECONDS,
            memory=min(_MEMORY, free_memory()),
            progress=progress,
        )
        return table, origin(path, [path])

    return Plan(
        name=request.name,
        source=path.name,
        files=[path],
        space=path.stat().st_size * 2,
        convert=convert_all,
        report=_report,
    )


def _read(path: Path, space: str, name: str) -> Table:
    """Read a file into a table; runs in a child process."""
    what = SPACES[space]
    data = columns.read(path, what.parse)
    if "valid" not in data.errors:
        raise DataError(f"{path} has no rows of the split valid, which a search sees")
    keys = what.keys(data.archs)
    order = np.argsort(keys, kind="stable")
    if (same := np.flatnonzero(np.diff(keys[order]) == 0)).size:
        one, other = (data.archs[order[same[0] + n]].tolist() for n in (0, 1))
        raise DataError(
            f"{path}: {what.format(tuple(one))} and {what.format(tuple(other))} are the"
            " same network"
        )
    counts = np.bincount(data.networks, minlength=len(keys))
    runs = np.argsort(np.argsort(order)[data.networks], kind="stable")
    splits = {}
    for split, errors in data.errors.items():
        there = ~np.isnan(errors).all(axis=0)
        splits[split] = Split(
            data.epochs[there], np.ascontiguousarray(errors[runs][:, there]), None
        )
    return Table(
        source=path.name,
        choices=what.choices,
        archs=data.archs[order],
        keys=keys[order],
        trainings={
            name.partition("/")[2]: Training(
                epochs=data.epochs,
                starts=np.append(0, np.cumsum(counts[order])),
                seeds=data.seeds[runs],
                seconds=data.seconds[runs],
                splits=splits,
            )
        },
        metrics={metric: values[order] for metric, values in data.metrics.items()},
        about={
            "space": space,
            **({"expected": what.size} if len(keys) < what.size else {}),
        },
    )


def _report(table: Table) -> Mapping[str, Any]:
    report: dict[str, Any] = {}
    for title, training in table.trainings.items():
        counts = Counter(np.diff(training.starts).tolist())
        report[title] = {
            "runs of an architecture": {str(n): c for n, c in sorted(counts.items())},
            **{
                name: {
                    "figures": split.right.size,
                    "missing": int(np.isnan(split.right).sum()),
                }
                for name, split in training.splits.items()
            },
        }
    return report
