"""Any table that a user has, as CSV or Parquet: a row for each figure read off.

The columns, in any order:

    arch            published spelling of the network
    epochs          of training, when the figure was read off
    seed            of the training run; may be left out if each network has one run
    split           train, valid or test: the images that the figure is about
    the figure      one of accuracy_percent, accuracy_fraction, error_percent and
                    error_fraction: its unit is what the name says, never guessed
    seconds         of training, since epoch 0; may be empty in rows about test images
    metric_<name>   any number of figures of the network, alike in all its rows, or
                    empty where there is none

CSV is UTF-8 with commas. What spreadsheets add is read: a byte-order mark, CRLF, empty
lines.
"""

import contextlib
import csv
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from surrogates.table import DataError

SPLITS = ("train", "valid", "test")
FIGURES = ("accuracy_percent", "accuracy_fraction", "error_percent", "error_fraction")
_REQUIRED = ("arch", "epochs", "split", "seconds")
_KNOWN = (*_REQUIRED, "seed", *FIGURES)
_CHUNK = 1 << 16  # rows held as text at a time
_LONGEST = 1 << 20  # bytes in a line
_TEXT, _WHOLE = ("arch", "split"), ("epochs", "seed")
_DIGITS = frozenset("0123456789.eE+-")  # no inf, nan, 1_000, spaces
_METRIC = re.compile("metric_[A-Za-z0-9_.@-]+", re.ASCII)
_SPLIT = {split: code for code, split in enumerate(SPLITS)}


class Columns(NamedTuple):
    """N networks of D decisions in R training runs, read off at E epochs.

    Attributes:
        archs: uint8 [N, D], in strictly ascending order.
        networks: int64 [R], row in `archs` of each run; runs are in order of network,
            and those of one in order of seed.
        seeds: int64 [R].
        epochs: int64 [E], ascending.
        errors: float64 [R, E] by split, fractions in [0, 1]; only splits that the file
            has. Nan where the split has no figures at that epoch, in any run.
        seconds: float64 [R, E], since epoch 0; nan only where a test figure came
            without.
        metrics: float64 [N] by name; nan where the file has none.
    """

    archs: NDArray[np.uint8]
    networks: NDArray[np.int64]
    seeds: NDArray[np.int64]
    epochs: NDArray[np.int64]
    errors: Mapping[str, NDArray[np.float64]]
    seconds: NDArray[np.float64]
    metrics: Mapping[str, NDArray[np.float64]]


Parse = Callable[[str], tuple[int, ...]]
Refuse = Callable[[int, str], DataError]
"""Makes the error about a line."""


def read(path: Path, parse: Parse) -> Columns:
    """Read `path`: Parquet if its name ends in .parquet, otherwise CSV.

    Args:
        path: The file.
        parse: Turns a spelling into option indices; ValueError if it cannot.

    Raises:
        DataError: The file does not hold what the module's text says; the message has
            the line, or for Parquet the row, counted from 1.
        OSError: The file cannot be opened.
    """
    parquet = path.suffix == ".parquet"
    unit = "row" if parquet else "line"

    def refuse(line: int, text: str) -> DataError:
        return DataError(f"{path.name}, {unit} {line}: {text}")

    networks = _Networks(parse, refuse)
    with path.open("rb") as file:
        chunks = _parquet(file, path.name) if parquet else _csv(file, path.name, refuse)
        parts = [_checked(chunk, networks, refuse) for chunk in chunks]
    if not parts:
        raise DataError(f"{path.name} has no rows below its header")
    return _grouped(_joined(parts), networks.archs(), unit, refuse)


_Array = TypeVar("_Array", NDArray[np.int64], NDArray[np.float64])


class _Chunk(NamedTuple):
    """Some rows as the file has them; an empty number is nan."""

    lines: NDArray[np.int64]
    archs: Sequence[str]
    splits: Sequence[str]
    whole: Mapping[str, NDArray[np.int64]]  # epochs and seed
    numbers: Mapping[str, NDArray[np.float64]]  # the others


class _Rows(NamedTuple):
    """Rows, each right by itself; `arch` and `split` are codes."""

    lines: NDArray[np.int64]
    arch: NDArray[np.int64]
    seed: NDArray[np.int64]
    split: NDArray[np.int64]
    epochs: NDArray[np.int64]
    error: NDArray[np.float64]
    seconds: NDArray[np.float64]
    metrics: Mapping[str, NDArray[np.float64]]


class _Networks:
    """Numbers networks in order of appearance, and parses each spelling once."""

    def __init__(self, parse: Parse, refuse: Refuse) -> None:
        self._parse, self._refuse = parse, refuse
        self._spelled: dict[str, int] = {}
        self._codes: dict[tuple[int, ...], int] = {}

    def code(self, line: int, text: str) -> int:
        if (code := self._spelled.get(text)) is not None:
            return code
        try:
            arch = self._parse(text)
        except ValueError as error:
            raise self._refuse(line, f"{error}") from error
        code = self._spelled[text] = self._codes.setdefault(arch, len(self._codes))
        return code

    def archs(self) -> NDArray[np.uint8]:
        return np.array(list(self._codes), dtype=np.uint8)


def _check_header(names: Sequence[str], name: str) -> str:
    """Return the name of the figure's column."""
    for column in names:
        if column not in _KNOWN and not _METRIC.fullmatch(column):
            near = get_close_matches(column, (*_KNOWN, "metric_<name>"), n=2)
            near = near or [known for known in _KNOWN if known.startswith(column)]
            raise DataError(
                f"{name}: unknown column {column[:80]!r}; did you mean"
                f" {' or '.join(near or (*_KNOWN, 'metric_<name>'))}?"
            )
        if names.count(column) > 1:
            raise DataError(f"{name} has the column {column} twice")
    for column in _REQUIRED:
        if column not in names:
            raise DataError(f"{name} has no column {column}, only {', '.join(names)}")
    figures = [column for column in names if column in FIGURES]
    if len(figures) != 1:
        raise DataError(
            f"{name} has {' and '.join(figures) or 'no figure'}; it needs exactly one"
            f" of the columns {', '.join(FIGURES)}"
        )
    return figures[0]


def _csv(file: BinaryIO, name: str, refuse: Refuse) -> Iterator[_Chunk]:
    """Read CSV in chunks."""
    reader = csv.reader(_lines(file, refuse), strict=True)
    names: list[str] = []
    lines: list[int] = []
    cells: list[list[str]] = []
    line = 1
    try:
        for row in reader:
            if not any(row):  # an empty line, as spreadsheets leave them at the end
                pass
            elif not names:
                names = row
                _check_header(names, name)
            elif len(row) != len(names):
                raise refuse(
                    line, f"{len(row)} cells, where the header has {len(names)}"
                )
            else:
                lines.append(line)
                cells.append(row)
                if len(cells) == _CHUNK:
                    yield _typed(names, lines, cells, refuse)
                    lines, cells = [], []
            line = reader.line_num + 1
    except csv.Error as error:
        raise refuse(line, f"{error}") from error
    if not names:
        raise DataError(f"{name} is empty")
    if cells:
        yield _typed(names, lines, cells, refuse)


def _lines(file: BinaryIO, refuse: Refuse) -> Iterator[str]:
    """Decode line by line, so that what is wrong has a number."""
    number = 0
    while data := file.readline(_LONGEST):
        number += 1
        if len(data) == _LONGEST:
            raise refuse(number, f"longer than {_LONGEST:,} bytes: no CSV file")
        if b"\0" in data:
            raise refuse(number, "a NUL byte: no CSV file, or a damaged one")
        try:
            text = data.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise refuse(number, f"not UTF-8 ({error.reason})") from error
        yield text


def _typed(
    names: list[str], lines: list[int], cells: list[list[str]], refuse: Refuse
) -> _Chunk:
    """Turn text into numbers."""
    texts = dict(zip(names, zip(*cells, strict=True), strict=True))
    archs, splits = texts.pop("arch"), texts.pop("split")

    def converted(
        name: str, kind: str, convert: Callable[[Sequence[str]], _Array | None]
    ) -> _Array:
        column = texts[name]
        if (array := convert(column)) is not None:
            return array
        row = next(i for i, text in enumerate(column) if convert([text]) is None)
        raise refuse(lines[row], f"{name} {column[row][:80]!r} is not {kind}")

    whole = {n: converted(n, "a whole number", _integers) for n in texts if n in _WHOLE}
    numbers = {n: converted(n, "a number", _floats) for n in texts if n not in _WHOLE}
    return _Chunk(np.array(lines), archs, splits, whole, numbers)


def _integers(texts: Sequence[str]) -> NDArray[np.int64] | None:
    """Convert all; None if one of them is no int64, plainly written."""
    if set("".join(texts)) <= _DIGITS:
        with contextlib.suppress(ValueError, OverflowError):
            return np.array([int(text) for text in texts], dtype=np.int64)
    return None


def _floats(texts: Sequence[str]) -> NDArray[np.float64] | None:
    """Convert all, empty ones to nan; None if one is no finite number."""
    if set("".join(texts)) <= _DIGITS:
        with contextlib.suppress(ValueError):
            values = np.array([float(text) if text else math.nan for text in texts])
            return None if np.isinf(values).any() else values
    return None


def _parquet(file: BinaryIO, name: str) -> Iterator[_Chunk]:
    """Read Parquet, all at once."""
    try:
        frame = pd.read_parquet(file, engine="pyarrow")
    except ImportError as error:
        raise DataError(f"{name} needs a package: pip install pyarrow") from error
    except (ValueError, OSError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{name} is no Parquet file, or damaged: {reason}") from error
    names = [str(column) for column in frame.columns]
    _check_header(names, name)
    if not len(frame):
        return
    texts, whole, numbers = {}, {}, {}
    for column, values in zip(names, (frame[c] for c in frame.columns), strict=True):
        if column in _TEXT:
            texts[column] = [x if isinstance(x, str) else "" for x in values.tolist()]
        elif column in _WHOLE and pd.api.types.is_integer_dtype(values.dtype):
            if values.isna().any():
                raise DataError(f"{name}: column {column} has empty cells")
            whole[column] = values.to_numpy(dtype=np.int64)
        elif column not in _WHOLE and pd.api.types.is_numeric_dtype(values.dtype):
            numbers[column] = values.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            kind = "whole numbers" if column in _WHOLE else "numbers"
            raise DataError(f"{name}: column {column} has {values.dtype}, not {kind}")
    lines = np.arange(1, len(frame) + 1)
    yield _Chunk(lines, texts["arch"], texts["split"], whole, numbers)


def _checked(chunk: _Chunk, networks: _Networks, refuse: Refuse) -> _Rows:
    """Check each row by itself, and turn figures into errors."""
    lines, numbers = chunk.lines, dict(chunk.numbers)
    split = np.array([_SPLIT.get(text, -1) for text in chunk.splits], dtype=np.int64)
    for row in np.flatnonzero(split < 0)[:1].tolist():
        near = get_close_matches(chunk.splits[row], SPLITS) or SPLITS
        raise refuse(
            lines[row], f"split {chunk.splits[row][:80]!r} is not {' or '.join(near)}"
        )
    pairs = zip(lines.tolist(), chunk.archs, strict=True)
    arch = np.array([networks.code(*pair) for pair in pairs], dtype=np.int64)
    epochs = chunk.whole["epochs"]
    for row in np.flatnonzero(epochs < 1)[:1].tolist():
        raise refuse(lines[row], f"epochs {epochs[row]} are not positive")
    seconds = numbers.pop("seconds")
    for row in np.flatnonzero(np.isnan(seconds) & (split != _SPLIT["test"]))[:1]:
        raise refuse(
            lines[row], "seconds are empty; only rows about test may omit them"
        )
    for row in np.flatnonzero((seconds <= 0) | np.isinf(seconds))[:1]:
        raise refuse(
            lines[row], f"seconds {seconds[row]:g} are not positive and finite"
        )
    (name,) = (figure for figure in FIGURES if figure in numbers)
    error = _errors(name, numbers.pop(name), lines, refuse)
    for metric, values in numbers.items():
        for row in np.flatnonzero(np.isinf(values))[:1]:
            raise refuse(lines[row], f"{metric} {values[row]:g} is not finite")
    metrics = {name.removeprefix("metric_"): values for name, values in numbers.items()}
    seed = chunk.whole.get("seed", np.zeros(len(lines), dtype=np.int64))
    return _Rows(lines, arch, seed, split, epochs, error, seconds, metrics)


def _errors(
    name: str, figures: NDArray[np.float64], lines: NDArray[np.int64], refuse: Refuse
) -> NDArray[np.float64]:
    """Turn the column `name` into errors, as fractions."""
    quantity, unit = name.split("_")
    top = 100 if unit == "percent" else 1
    for row in np.flatnonzero(~((figures >= 0) & (figures <= top)))[:1].tolist():
        figure = float(figures[row])
        if math.isnan(figure):
            raise refuse(lines[row], f"{name} is empty")
        if top < figure <= 100:
            raise refuse(
                lines[row],
                f"{name} promises fractions in [0, 1], not {figure:g}; if that is in"
                f" percent, name the column {quantity}_percent",
            )
        raise refuse(lines[row], f"{name} {figure:g} is not in [0, {top}]")
    return (figures if quantity == "error" else top - figures) / top


def _joined(parts: Sequence[_Rows]) -> _Rows:
    """Put rows behind each other."""
    return _Rows(
        lines=np.concatenate([part.lines for part in parts]),
        arch=np.concatenate([part.arch for part in parts]),
        seed=np.concatenate([part.seed for part in parts]),
        split=np.concatenate([part.split for part in parts]),
        epochs=np.concatenate([part.epochs for part in parts]),
        error=np.concatenate([part.error for part in parts]),
        seconds=np.concatenate([part.seconds for part in parts]),
        metrics={
            name: np.concatenate([part.metrics[name] for part in parts])
            for name in parts[0].metrics
        },
    )


def _grouped(
    rows: _Rows, archs: NDArray[np.uint8], unit: str, refuse: Refuse
) -> Columns:
    """Put the rows in order, and check them against each other."""
    in_order = np.lexsort(archs.T[::-1])
    network = np.argsort(in_order)[rows.arch]
    order = np.lexsort((rows.epochs, rows.split, rows.seed, network))
    network, lines = network[order], rows.lines[order]
    keys = np.array([network, rows.seed[order], rows.split[order], rows.epochs[order]])
    same = np.diff(keys, prepend=-1) == 0
    for row in np.flatnonzero(same.all(axis=0))[:1].tolist():
        first, last = sorted(lines[row - 1 : row + 1].tolist())
        raise refuse(
            last, f"the same arch, epochs, seed and split as in {unit} {first}"
        )
    starts = np.flatnonzero(~same[:2].all(axis=0))  # of runs
    run = np.cumsum(~same[:2].all(axis=0)) - 1
    epochs, column = np.unique(keys[3], return_inverse=True)
    shape = len(starts), len(epochs)
    errors = {}
    for code, split in enumerate(SPLITS):
        mine = keys[2] == code
        if not mine.any():
            continue
        values = errors[split] = np.full(shape, np.nan)
        values[run[mine], column[mine]] = rows.error[order][mine]
        lacks = np.isnan(values) & ~np.isnan(values).all(axis=0)
        for r, e in np.argwhere(lacks)[:1].tolist():
            raise refuse(
                lines[starts[r]],
                f"the run that begins here has no {split} row for {epochs[e]} epochs,"
                " as other runs have",
            )
    seconds = _agreed(
        "seconds", rows.seconds[order], (run, column), shape, lines, unit, refuse
    )
    falls = np.fmax.accumulate(seconds, axis=1)[:, :-1] > seconds[:, 1:]
    for r, e in np.argwhere(falls)[:1].tolist():
        row = np.flatnonzero((run == r) & (column == e + 1))[0]
        raise refuse(
            lines[row],
            f"seconds {seconds[r, e + 1]:g} at {epochs[e + 1]} epochs are fewer than"
            " at earlier epochs of the run",
        )
    metrics = {
        name: _agreed(
            f"metric_{name}",
            values[order],
            (network,),
            (len(archs),),
            lines,
            unit,
            refuse,
        )
        for name, values in rows.metrics.items()
    }
    return Columns(
        archs[in_order], network[starts], keys[1, starts], epochs, errors, seconds,
        metrics,
    )  # fmt: skip


def _agreed(
    name: str,
    values: NDArray[np.float64],
    place: tuple[NDArray[np.int64], ...],
    shape: tuple[int, ...],
    lines: NDArray[np.int64],
    unit: str,
    refuse: Refuse,
) -> NDArray[np.float64]:
    """Spread values over `shape`; those of one place must be equal or empty."""
    given = ~np.isnan(values)
    place = tuple(axis[given] for axis in place)
    agreed = np.full(shape, np.nan)
    agreed[place] = values[given]
    for row in np.flatnonzero(agreed[place] != values[given])[:1].tolist():
        alike = [axis == axis[row] for axis in place]
        other = np.flatnonzero(np.logical_and.reduce(alike))[-1]
        (first, old), (last, new) = sorted(
            (int(lines[given][r]), float(values[given][r])) for r in (row, other)
        )
        raise refuse(last, f"{name} {new:g} contradicts {old:g} in {unit} {first}")
    return agreed
