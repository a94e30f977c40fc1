"""Figures of networks that stand beside any benchmark of theirs."""

import hashlib
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.benchmarks.hardware import HARDWARE, ROBUSTNESS, ZERO_COST
from benchsuite.importer.children import convert
from benchsuite.importer.plan import Plan, Progress, Request, named
from benchsuite.spaces import NATS_TSS
from surrogates import DataError, Table, hardware, robustness, zero_cost

_MEMORY = 2_000_000_000  # bytes that a child may map
_SECONDS = 600


def published_order() -> NDArray[np.uint64]:
    """Keys of NATS-tss's cells in published order, which the authors once shuffled."""
    order = list(range(NATS_TSS.size))
    random.Random(88).shuffle(order)
    return np.array(order, dtype=np.uint64)


def hw_nas_bench(request: Request) -> Plan:
    """Plan the import of HW-NAS-Bench's file."""
    return _plan(request, HARDWARE, _hardware, [request.path])


def robust(request: Request) -> Plan:
    """Plan the import of the robustness results, a folder or an .npz file."""
    path = request.path
    files = [path] if path.is_file() else sorted(path.rglob("*.json"))
    return _plan(request, ROBUSTNESS, _robustness, files)


def zero_cost_scores(request: Request) -> Plan:
    """Plan the import of NAS-Bench-Suite-Zero's file."""
    return _plan(request, ZERO_COST, _zero_cost, [request.path])


def _plan(request: Request, name: str, read: Any, files: list[Path]) -> Plan:
    path = request.path

    def convert_all(work: Path, progress: Progress) -> tuple[Table, Mapping[str, Any]]:
        (table,) = convert(
            read,
            [(work / "all", path)],
            jobs=1,
            seconds=_SECONDS,
            memory=_MEMORY,
            progress=progress,
        )
        return table, origin(path, files)

    return Plan(
        name=named(request, [name]),
        source=path.name,
        files=files,
        space=sum(file.stat().st_size for file in files) * 3,
        convert=convert_all,
        report=_report,
    )


def origin(path: Path, files: list[Path]) -> Mapping[str, Any]:
    """Say what a source was: its name, its size, and the sha256 of its files."""
    sha = hashlib.sha256()
    for file in files:
        with file.open("rb") as content:
            while block := content.read(1 << 22):
                sha.update(block)
    return {
        "name": path.name,
        "files": len(files),
        "bytes": sum(file.stat().st_size for file in files),
        "sha256": sha.hexdigest(),
    }


def _hardware(path: Path) -> Table:
    """Read a file into a table; runs in a child process."""
    order = published_order()
    figures = {
        f"{task}/{name}": _reordered(values, order)
        for task, metrics in hardware.read(path).items()
        for name, values in metrics.items()
    }
    return _table(path, figures, hardware.UNITS)


def _robustness(path: Path) -> Table:
    """Read results of representatives, and give each cell those of its class."""
    results = robustness.read(path)
    order = published_order()
    keys = order[results.cells]
    cells = list(NATS_TSS)
    for key, spelling in zip(keys.tolist(), results.spellings, strict=False):
        if NATS_TSS.format(cells[key]) != spelling:
            raise DataError(f"{path}: {spelling} is not cell {key} in published order")
    classes = {
        NATS_TSS.canonical(cells[key]): row for row, key in enumerate(keys.tolist())
    }
    rows = np.array([classes.get(NATS_TSS.canonical(cell), -1) for cell in cells])
    figures = {
        f"{task}/{name}": np.where(rows < 0, np.nan, values[rows])
        for task, metrics in results.metrics.items()
        for name, values in metrics.items()
    }
    units = {name.partition("/")[2]: robustness.UNIT for name in figures}
    return _table(path, figures, units)


def _zero_cost(path: Path) -> Table:
    """Read scores, and put those of each cell in its row."""
    named = np.array([NATS_TSS.choices[0].index(op) for op in zero_cost.OPERATIONS])
    ours = [f"{source}>{node}" for node in (1, 2, 3) for source in range(node)]
    places = [zero_cost.EDGES.index(edge) for edge in ours]
    figures: dict[str, NDArray[np.float64]] = {}
    for task, scores in zero_cost.read(path).items():
        rows = NATS_TSS.keys(named[scores.cells][:, places]).astype(np.int64)
        for name, values in scores.metrics.items():
            column = np.full(NATS_TSS.size, np.nan)
            column[rows] = values
            figures[f"{task}/{name}"] = column
    units = {name.partition("/")[2]: zero_cost.UNIT for name in figures}
    return _table(path, figures, units)


def _reordered(
    values: NDArray[np.float64], order: NDArray[np.uint64]
) -> NDArray[np.float64]:
    """Put figures in published order into that of the keys."""
    ordered = np.empty_like(values)
    ordered[order.astype(np.int64)] = values
    return ordered


def _table(
    path: Path, figures: Mapping[str, NDArray[np.float64]], units: Mapping[str, str]
) -> Table:
    return Table(
        source=path.name,
        choices=NATS_TSS.choices,
        archs=np.array(list(NATS_TSS), dtype=np.uint8),
        keys=np.arange(NATS_TSS.size, dtype=np.uint64),
        trainings={},
        metrics=figures,
        about={"space": NATS_TSS.name, "units": dict(units)},
    )


def _report(table: Table) -> Mapping[str, Any]:
    missing = {
        name: int(np.isnan(values).sum()) for name, values in table.metrics.items()
    }
    return {"figures": {name: f"{n:,} missing" for name, n in missing.items() if n}}
