"""NAS-Bench-101 as published."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.importer.children import convert
from benchsuite.importer.figures import origin
from benchsuite.importer.plan import Plan, Progress, Request, memory, named
from benchsuite.spaces import NB101, Architecture
from surrogates import DataError, Split, Table, Training, nb101

_MEMORY = 3_000_000_000  # bytes that the child may map
_SECONDS = 3600
_DISK = 600  # bytes a cell


def tfrecord(request: Request) -> Plan:
    """Plan the import of nasbench_full.tfrecord or nasbench_only108.tfrecord."""
    path = request.path

    def convert_all(work: Path, progress: Progress) -> tuple[Table, Mapping[str, Any]]:
        memory(_MEMORY, 1)
        read = _read_partial if request.partial else _read
        (table,) = convert(
            read,
            [(work / "all", path)],
            jobs=1,
            seconds=_SECONDS,
            memory=_MEMORY,
            progress=progress,
        )
        return table, origin(path, [path])

    return Plan(
        name=named(request, ["nb101"]),
        source=path.name,
        files=[path],
        space=nb101.CELLS * _DISK,
        convert=convert_all,
        report=_report,
    )


def _read(path: Path) -> Table:
    """Read a whole file; runs in a child process."""
    cells = nb101.read(path)
    if len(cells.hashes) != nb101.CELLS:
        raise DataError(
            f"{path} has {len(cells.hashes):,} of {nb101.CELLS:,} cells: complete it,"
            " or import what is there with --partial"
        )
    return table(cells, path.name)


def _read_partial(path: Path) -> Table:
    """Read what there is; runs in a child process."""
    cells = nb101.read(path, partial=True)
    n = len(cells.hashes)
    part = f", in part: {n:,} of {nb101.CELLS:,} cells" if n < nb101.CELLS else ""
    if cells.missing:
        part += f", without {cells.missing:,} runs"
    return table(cells, f"{path.name}{part}")


def table(cells: nb101.Cells, source: str) -> Table:
    """Turn cells into a table, a row for each isomorphism class.

    Raises:
        DataError: A cell is none of the space, or the same as another.
    """
    file = source.partition(",")[0]
    archs = np.array(list(_archs(cells, file)), dtype=np.uint8)
    keys = NB101.keys(archs)
    order = np.argsort(keys)
    for n in np.flatnonzero(np.diff(keys[order]) == 0)[:1]:
        one, other = (cells.hashes[order[n + m]].decode() for m in (0, 1))
        raise DataError(f"{file}: cells {one} and {other} are isomorphic")
    n, e, repeats, _ = cells.valid.shape
    runs = n * repeats

    def by_run(figures: NDArray[np.float64], when: int) -> NDArray[np.float64]:
        """[N, E, 3, 2] -> [3 N, E] at one of the two evaluations."""
        return figures[order, :, :, when].transpose(0, 2, 1).reshape(runs, e)

    def training(epochs: NDArray[np.int64], when: int) -> Training:
        return Training(
            epochs=epochs,
            starts=np.arange(0, runs + 1, repeats),
            seeds=np.tile(np.arange(repeats), n),
            seconds=np.ascontiguousarray(by_run(cells.seconds, when)),
            splits={
                name: _split(epochs, by_run(getattr(cells, name), when), cells.whole)
                for name in ("train", "valid", "test")
            },
        )

    about = {"expected": nb101.CELLS} if n < nb101.CELLS else {}
    return Table(
        source=source,
        choices=NB101.choices,
        archs=archs[order],
        keys=keys[order],
        trainings={
            "cifar10": training(cells.epochs, 1),
            "cifar10-half-way": training(cells.epochs // 2, 0),
        },
        metrics={"params": cells.params[order].astype(np.float64)},
        about={**about, "missing runs": cells.missing, "twin runs": cells.twins},
    )


def _archs(cells: nb101.Cells, file: str) -> Iterator[Architecture]:
    """Look each cell up in the space, which the reader of the file does not know."""
    columns = cells.vertices.tolist(), cells.edges.tolist(), cells.operations
    for cell, *parts in zip(cells.hashes.tolist(), *columns, strict=True):
        try:
            yield NB101.parse(";".join(nb101.spelling(*parts)))
        except ValueError as error:
            raise DataError(f"{file}: cell {cell.decode()}: {error}") from error


def _split(
    epochs: NDArray[np.int64], accuracy: NDArray[np.float64], whole: bool
) -> Split:
    if not whole:
        return Split(epochs, np.ascontiguousarray(accuracy), 1)
    right = np.round(accuracy * nb101.IMAGES)
    right[np.isnan(right)] = np.iinfo(np.uint16).max
    return Split(epochs, np.ascontiguousarray(right.astype(np.uint16)), nb101.IMAGES)


def _report(table: Table) -> Mapping[str, Any]:
    """Look a table over: missing runs, and cells at chance."""
    training = table.trainings["cifar10"]
    errors = training.splits["valid"].errors()
    chance = (errors[:, -1].reshape(-1, nb101.REPEATS) > 0.87).all(axis=1)
    return {
        "cifar10": {
            "runs of an architecture": {str(nb101.REPEATS): len(table.keys)},
            "missing runs": table.about["missing runs"],
            "runs that equal another of their cell": table.about["twin runs"],
            "valid": {
                "figures": errors.size,
                "missing": int(np.isnan(errors).sum()),
                "whole images": training.splits["valid"].counted,
                "architectures at chance in every run": int(chance.sum()),
            },
        }
    }
