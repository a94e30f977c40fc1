"""NAS-Bench-101 as published: nasbench_full.tfrecord and nasbench_only108.tfrecord.

Ying et al., "NAS-Bench-101: Towards Reproducible Neural Architecture Search", ICML
2019. https://arxiv.org/abs/1902.09635, https://github.com/google-research/nasbench

Each record is one training run: a JSON list of the cell's hash, the epochs of the
schedule, the adjacency matrix, the labels, and a ModelMetrics message (protobuf) in
base 64. The message has three evaluations: before training, half-way, and final.
"""

import binascii
import json
import math
import re
import struct
from array import array
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from sys import intern
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from surrogates import protobuf, tfrecord
from surrogates.table import DataError

CELLS = 423_624
EPOCHS = (4, 12, 36, 108)
REPEATS = 3
IMAGES = 9_984  # full batches of 256 in the 10,000 of each split, "train" included
LABELS = ("", "conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
VERTICES = 7  # at most

_COLUMN = {epochs: column for column, epochs in enumerate(EPOCHS)}
_ORDER = {vertices**2: vertices for vertices in range(2, VERTICES + 1)}
_JSON = json.JSONDecoder()
_TYPES = (str, int, str, str, str)
_HASH = re.compile("[0-9a-f]{32}", re.ASCII)
_RUN = struct.Struct("<8d")  # half-way and final: seconds, train, valid, test
_WHAT = "its metrics"
_TOLD = 1 << 16  # records between two calls of `tell`

# How protobuf writes a message with every number and no path: each evaluation is field
# 1 (45 bytes), its numbers are fields 1 to 5 (doubles), parameters and total follow.
_USUAL = struct.Struct("<" + ("3s" + "d" + "cd" * 4) * 3)
_TAGS = (b"\x0a\x2d\x09", b"\x11", b"\x19", b"\x21", b"\x29") * 3


class Cells(NamedTuple):
    """N cells in the order in which they first appear, with 3 runs for E budgets.

    Attributes:
        hashes: S32 [N], hex digits.
        vertices: uint8 [N], 2 to 7.
        edges: uint32 [N], the adjacency matrix above its diagonal, row by row: the
            first entry is the highest of its v (v - 1) / 2 bits.
        operations: uint8 [N, 5], index into `LABELS` of each vertex between input and
            output; 0 beyond the last.
        params: int64 [N], trainable parameters.
        epochs: int64 [E], ascending: (4, 12, 36, 108), or (108,).
        train: float64 [N, E, 3, 2], accuracy in [0, 1] on `IMAGES` images of the
            training set; the last axis is half-way and final. Nan: not recorded.
        valid: The same on the validation set.
        test: The same on the test set.
        seconds: The same of training, since epoch 0.
        whole: Whether every accuracy is a count of `IMAGES` images, to float32's
            precision.
        missing: How many of the N E 3 runs are not recorded; 0 unless partial.
        twins: How many runs equal another of their cell and epochs in every figure: the
            file has them twice, or it is a coincidence.
    """

    hashes: NDArray[np.bytes_]
    vertices: NDArray[np.uint8]
    edges: NDArray[np.uint32]
    operations: NDArray[np.uint8]
    params: NDArray[np.int64]
    epochs: NDArray[np.int64]
    train: NDArray[np.float64]
    valid: NDArray[np.float64]
    test: NDArray[np.float64]
    seconds: NDArray[np.float64]
    whole: bool
    missing: int
    twins: int


def read(
    path: Path, *, partial: bool = False, tell: Callable[[int], object] | None = None
) -> Cells:
    """Read either file, in about 600 MB of memory.

    Args:
        path: The file.
        partial: Accept a file that lacks runs or ends within a record: what is not
            recorded is nan.
        tell: Told now and then how many bytes have been read.

    Raises:
        DataError: The file is damaged, or a record is not what it should be.
        OSError: The file cannot be opened.
    """
    runs = _Runs()
    with path.open("rb") as file:
        frames = tfrecord.records(file, path.name)
        number = 0
        try:
            for number, record in enumerate(frames):
                try:
                    runs.add(record)
                except DataError as error:
                    raise DataError(f"{path.name}: record {number}: {error}") from error
                if tell and number % _TOLD == 0:
                    tell(file.tell())
        except tfrecord.CutError:
            if not (partial and runs.cells):
                raise
    try:
        return runs.all(partial)
    except DataError as error:
        raise DataError(f"{path.name}: {error}") from error


def spelling(
    vertices: int, edges: int, operations: NDArray[np.uint8]
) -> tuple[str, str]:
    """Spell a cell as the file does: adjacency row by row, and labels.

    Example:
        >>> spelling(3, 0b101, np.array([3, 0, 0, 0, 0], dtype=np.uint8))
        ('010001000', 'input,maxpool3x3,output')
    """
    size = vertices * (vertices - 1) // 2
    bits, rows = f"{edges:0{size}b}", []
    for row in range(vertices):
        above = vertices - 1 - row
        rows.append("0" * (row + 1) + bits[:above])
        bits = bits[above:]
    inner = [LABELS[operation] for operation in operations[: vertices - 2].tolist()]
    return "".join(rows), ",".join(["input", *inner, "output"])


class _Runs:
    """The runs read so far.

    Figures lie as [E, N, 3, half-way and final, 4]; memory of cells and epochs that
    never come is never touched, and so never used.
    """

    def __init__(self) -> None:
        self.figures = np.zeros((len(EPOCHS), CELLS, REPEATS, 2, 4))
        self.counts = np.zeros((len(EPOCHS), CELLS), dtype=np.uint8)
        self.cells: dict[str, int] = {}
        self.spelled: list[tuple[str, str]] = []
        self.vertices, self.operations = array("B"), array("B")
        self.edges, self.params = array("L"), array("q")
        self._bytes = self.figures.data.cast("B")
        self._counts = self.counts.data.cast("B")

    def add(self, record: bytes) -> None:
        """Take one record.

        Raises:
            DataError: It contradicts the format, or another record.
        """
        cell, epochs, adjacency, labels, message = _fields_of(record)
        params, figures = _metrics(message)
        row = self.cells.get(cell)
        if row is None:
            row = self._enter(cell, adjacency, labels, params)
        elif self.spelled[row] != (adjacency, labels):
            raise DataError(f"cell {cell} is spelled differently in an earlier record")
        elif self.params[row] != params:
            raise DataError(
                f"cell {cell} has {params:,} parameters, but {self.params[row]:,} in an"
                " earlier record"
            )
        place = _COLUMN[epochs] * CELLS + row
        repeat = self._counts[place]
        if repeat == REPEATS:
            raise DataError(
                f"cell {cell} has more than {REPEATS} runs of {epochs} epochs"
            )
        self._counts[place] = repeat + 1
        _RUN.pack_into(self._bytes, (REPEATS * place + repeat) * _RUN.size, *figures)

    def _enter(self, cell: str, adjacency: str, labels: str, params: int) -> int:
        """Give a new cell the next row."""
        if not _HASH.fullmatch(cell):
            raise DataError(f"{cell[:40]!r} is not a hash of 32 hex digits")
        vertices, edges = _edges(adjacency)
        operations = _operations(labels, vertices)
        if (row := len(self.cells)) == CELLS:
            raise DataError(f"there are more than the {CELLS:,} cells of NAS-Bench-101")
        self.cells[cell] = row
        self.spelled.append((intern(adjacency), intern(labels)))
        self.vertices.append(vertices)
        self.edges.append(edges)
        self.operations.extend(operations)
        self.params.append(params)
        return row

    def all(self, partial: bool) -> Cells:
        """Hand them over.

        Raises:
            DataError: Some have not come, and `partial` does not allow for it.
        """
        n = len(self.cells)
        columns = [e for e, counts in enumerate(self.counts) if counts.any()]
        epochs = [EPOCHS[e] for e in columns]
        if not partial and epochs not in ([108], list(EPOCHS)):
            raise DataError(f"it has runs of {epochs} epochs, not of 108 or {EPOCHS}")
        counts = self.counts[columns, :n]
        missing = REPEATS * counts.size - int(counts.sum())
        if missing and not partial:
            e, row = np.argwhere(counts < REPEATS)[0].tolist()
            raise DataError(
                f"{missing:,} runs are missing; the first is one of {epochs[e]} epochs"
                f" of cell {list(self.cells)[row]}"
            )
        # The epochs of either file are neighbours: a slice, where a list would copy.
        whole = columns == list(range(columns[0], columns[-1] + 1))
        chosen = slice(columns[0], columns[-1] + 1) if whole else columns
        figures = self.figures[chosen, :n]
        for repeat in range(REPEATS) if missing else ():
            figures[:, :, repeat][counts <= repeat] = np.nan
        seconds, train, valid, test = figures.transpose(4, 1, 0, 2, 3)
        return Cells(
            hashes=np.array(list(self.cells), dtype="S32"),
            vertices=np.array(self.vertices, dtype=np.uint8),
            edges=np.array(self.edges, dtype=np.uint32),
            operations=np.array(self.operations, dtype=np.uint8).reshape(n, -1),
            params=np.array(self.params, dtype=np.int64),
            epochs=np.array(epochs, dtype=np.int64),
            train=train,
            valid=valid,
            test=test,
            seconds=seconds,
            whole=all(map(_are_counts, figures)),
            missing=missing,
            twins=sum(map(_count_twins, figures)),
        )


def _are_counts(figures: NDArray[np.float64]) -> bool:
    """Tell if all accuracies of [N, 3, 2, 4] are shares of `IMAGES`, or missing."""
    for repeat in range(REPEATS):  # by parts, for the sake of memory
        images = figures[:, repeat, :, 1:] * IMAGES
        if (np.abs(images - np.round(images)) > 1e-3).any():  # float32: 3e-4
            return False
    return True


def _count_twins(figures: NDArray[np.float64]) -> int:
    """Count the runs of [N, 3, 2, 4] that equal an earlier one of their cell."""
    first, second, third = figures.transpose(1, 0, 2, 3)
    equal = [
        (one == other).all(axis=(1, 2))
        for one, other in ((first, second), (first, third), (second, third))
    ]
    return int(equal[0].sum() + (equal[1] | equal[2]).sum())


def _fields_of(record: bytes) -> tuple[str, int, str, str, bytes]:
    """Take a record apart: hash, epochs, adjacency, labels, message."""
    try:
        fields, end = _JSON.raw_decode(text := record.decode())
    except (ValueError, RecursionError) as error:
        raise DataError(f"it is no JSON: {error}") from error
    if (
        not isinstance(fields, list)
        or tuple(map(type, fields)) != _TYPES
        or end < len(text)
    ):
        raise DataError(
            "it is not a list of hash, epochs, adjacency, labels and metrics"
        )
    cell, epochs, adjacency, labels, encoded = fields
    if epochs not in _COLUMN:
        raise DataError(f"{epochs} epochs are not one of {EPOCHS}")
    try:  # encoders break the lines
        message = binascii.a2b_base64(encoded.replace("\n", ""), strict_mode=True)
    except ValueError as error:
        raise DataError(f"its metrics are not in base 64: {error}") from error
    return cell, epochs, adjacency, labels, message


def _edges(adjacency: str) -> tuple[int, int]:
    """Read the matrix: vertices, and the part above the diagonal as bits."""
    vertices = _ORDER.get(len(adjacency))
    if vertices is None or adjacency.strip("01"):
        raise DataError(
            f"adjacency {adjacency[:60]!r} is not a square of 4 to {VERTICES**2} zeros"
            " and ones"
        )
    rows = [adjacency[v * vertices : (v + 1) * vertices] for v in range(vertices)]
    if any("1" in row[: v + 1] for v, row in enumerate(rows)):
        raise DataError(f"adjacency {adjacency} has an edge that does not lead forward")
    return vertices, int("".join(row[v + 1 :] for v, row in enumerate(rows)), 2)


def _operations(labels: str, vertices: int) -> list[int]:
    """Read the labels: what each inner vertex does, filled up with zeros."""
    first, *inner, last = labels.split(",") if "," in labels else ("", "")
    if (first, last, len(inner)) != ("input", "output", vertices - 2) or not all(
        label in LABELS[1:] for label in inner
    ):
        raise DataError(
            f"labels {labels[:200]!r} are not input, {vertices - 2} of"
            f" {' or '.join(LABELS[1:])}, output"
        )
    return [LABELS.index(label) for label in inner] + [0] * (VERTICES - vertices)


def _metrics(message: bytes) -> tuple[int, tuple[float, ...]]:
    """Decode and check a ModelMetrics message.

    Returns:
        Trainable parameters, and 8 figures: seconds, train, valid and test accuracy
        half-way, and the same in the end.

    Raises:
        DataError: It is no such message, or a figure is out of range.
    """
    params, half, final = _usual(message) or _any(message)
    if not 0 < params < 1 << 31:
        raise DataError(f"{params:,} trainable parameters are not a positive int32")
    if not 0 <= half[0] <= final[0] < math.inf or not final[0]:
        raise DataError(
            f"training seconds are {half[0]} half-way and {final[0]} in the end"
        )
    for accuracy in (*half[1:], *final[1:]):
        if not 0 <= accuracy <= 1:
            raise DataError(f"accuracy {accuracy} is not in [0, 1]")
    return params, (*half, *final)


_Decoded = tuple[int, tuple[float, ...], tuple[float, ...]]


def _usual(message: bytes) -> _Decoded | None:
    """Decode the layout that all records are expected to have; None if it is another.

    A tenth of the time that `_any` takes.
    """
    if len(message) <= _USUAL.size + 8:
        return None
    parts = _USUAL.unpack_from(message)
    params = _between(message[_USUAL.size : -8])
    if parts[::2] != _TAGS or params is None:
        return None
    return params, parts[13:20:2], parts[23::2]


@lru_cache(1 << 10)  # the runs of a cell, which follow each other, have it in common
def _between(content: bytes) -> int | None:
    """Read the parameters between two tags; None if that is not what it is."""
    if content[0] != 0x10 or content[-1] != 0x19 or len(content) < 3:
        return None
    params, end = protobuf.varint(content, 1, _WHAT)
    return params if end == len(content) - 1 else None


def _any(message: bytes) -> _Decoded:
    """Decode any protobuf message that has the numbers; other fields are skipped."""
    params, evaluations = 0, []
    for field, _, value in protobuf.fields(message, _WHAT):
        match field, value:
            case 1, bytes():
                numbers = {
                    f: struct.unpack("<d", x)[0]
                    for f, kind, x in protobuf.fields(value, _WHAT)
                    if kind == protobuf.DOUBLE and isinstance(x, bytes)
                }
                evaluations.append(tuple(numbers.get(f, math.nan) for f in range(2, 6)))
            case 2, int():
                params = value
    if len(evaluations) != 3:
        raise DataError(f"it has {len(evaluations)} evaluations, not 3")
    return params, evaluations[1], evaluations[2]
