"""Training runs of many networks, as arrays that are mapped from disk, not read.

A table is a folder: table.json, and one .npy file for each array. What is recorded in
it stands in this order: a *table* of networks has *trainings* (a data set under a
schedule, such as "cifar10-valid@200"), a training has *runs* (a seed each) and *splits*
(the sets of images that runs were evaluated on), a split has a figure for each run at
each recorded epoch.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from tokenize import TokenError
from typing import Any, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

FORMAT = 2
_UNREADABLE = (
    EOFError,
    OSError,
    OverflowError,
    SyntaxError,
    TokenError,
    TypeError,
    ValueError,
)
"""What NumPy raises for damaged files, depending on where they are damaged."""
_NAME = re.compile(r"\w[\w@.+-]*")  # of a file: text from a source is never a path
Array = NDArray[Any]


class DataError(ValueError):
    """A data file is missing, damaged, or not what it says; the message is one line."""


@dataclass(frozen=True, eq=False)
class Split:
    """What one set of images says of every run of a training.

    Attributes:
        epochs: int64 [E], ascending: epochs of training before each evaluation.
        right: uint16 or uint32 [R, E], the images that were right, and the largest
            number of the type where nothing was recorded. Or float64 [R, E], nan where
            nothing was recorded and inf in an error that diverged, for sources that do
            not publish whole numbers of images.
        whole: What `right` is if all is right: the number of images, 100 for percent, 1
            for fractions. None if the figures are errors in [0, 1].
        tail: uint8 [R, E], those of the right images that were in the last, smaller
            batch. They decide the last digits of a published percentage.
        loss: float64 [R, E], mean cross-entropy.
        seconds: float64 [R], or [R, E] where they differ: one pass over the images.

    Raises:
        DataError: The arrays do not fit together.
    """

    epochs: NDArray[np.int64]
    right: Array
    whole: int | None
    tail: NDArray[np.uint8] | None = None
    loss: NDArray[np.float64] | None = None
    seconds: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        _fit("right", self.right, ("<u2", "<u4", "<f8"), (-1, len(self.epochs)))
        runs = len(self.right)
        _fit("epochs", self.epochs, ("<i8",), (-1,))
        for name, kind in (("tail", "|u1"), ("loss", "<f8")):
            if (array := getattr(self, name)) is not None:
                _fit(name, array, (kind,), self.right.shape)
        if self.seconds is not None and self.seconds.ndim == 1:
            _fit("seconds", self.seconds, ("<f8",), (runs,))
        elif self.seconds is not None:
            _fit("seconds", self.seconds, ("<f8",), (runs, -1))
        if self.right.dtype.kind == "u" and self.whole is None:
            raise DataError("figures are counts, but not of how many images")

    @property
    def counted(self) -> bool:
        """Whether figures are exact numbers of images."""
        return self.right.dtype.kind == "u"

    def errors(self, at: Any = ...) -> NDArray[np.float64]:
        """Turn the figures at an index of `right` into errors; nan is not recorded."""
        right = np.array(self.right[at], dtype=np.float64)
        if self.whole is None:
            return right
        if self.counted:
            right[right > self.whole] = np.nan
        errors: NDArray[np.float64] = (self.whole - right) / self.whole
        return errors

    def check(self) -> None:
        """Look at every figure.

        Raises:
            DataError: Epochs are out of order, or an error lies outside [0, 1].
        """
        if (np.diff(self.epochs) <= 0).any() or (self.epochs < 1).any():
            raise DataError("epochs are out of order")
        error = self.errors()
        outside = (error < 0) | (error > 1) & (error < np.inf)
        if self.counted:
            missing = self.right == np.iinfo(self.right.dtype).max
            outside = np.isnan(error) & ~missing
        if outside.any():
            raise DataError("there are errors outside [0, 1]")
        if self.seconds is not None and (
            np.isinf(self.seconds).any() or (self.seconds < 0).any()
        ):
            raise DataError("seconds are negative or infinite")


@dataclass(frozen=True, eq=False)
class Training:
    """All runs of every network on one data set under one schedule.

    Attributes:
        epochs: int64 [E], ascending, those at which `seconds` are known.
        starts: int64 [N + 1]: the runs of network n are `starts[n]` to `starts[n + 1]`.
        seeds: int64 [R], what each run is called; ascending in a network.
        seconds: float64 [R, E], of training since epoch 0; or [R], of each epoch alike.
        splits: By name, in published order.
        recorded: float64 [R] by name, further figures of each run as published.

    Raises:
        DataError: The arrays do not fit together.
    """

    epochs: NDArray[np.int64]
    starts: NDArray[np.int64]
    seeds: NDArray[np.int64]
    seconds: NDArray[np.float64]
    splits: Mapping[str, Split]
    recorded: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        runs = len(self.seeds)
        _fit("epochs", self.epochs, ("<i8",), (-1,))
        _fit("starts", self.starts, ("<i8",), (-1,))
        _fit("seeds", self.seeds, ("<i8",), (-1,))
        shape = (runs,) if self.seconds.ndim == 1 else (runs, len(self.epochs))
        _fit("seconds", self.seconds, ("<f8",), shape)

    def runs(self, row: int) -> range:
        """Name the runs of a network."""
        return range(self.starts.item(row), self.starts.item(row + 1))

    def cost(self, runs: Any, epochs: int) -> NDArray[np.float64]:
        """Seconds of training from scratch to `epochs`, for an index of runs.

        Raises:
            KeyError: They are not known at `epochs`.
        """
        seconds: NDArray[np.float64]
        if self.seconds.ndim == 1:
            seconds = self.seconds[runs] * epochs
            return seconds
        column = np.flatnonzero(self.epochs == epochs)
        if not len(column):
            raise KeyError(f"seconds are not known at epoch {epochs}")
        seconds = self.seconds[runs, column[0]]
        return seconds

    def check(self) -> None:
        """Look at every figure.

        Raises:
            DataError: Runs are out of order, seconds are not positive or decrease,
                splits are not about the same runs, or see `Split.check`.
        """
        starts = self.starts
        if starts[0] or starts[-1] != len(self.seeds) or (np.diff(starts) < 0).any():
            raise DataError("runs are not divided up among the networks")
        ascending = np.diff(self.seeds) > 0
        ascending[
            starts[1:-1][(starts[1:-1] > 0) & (starts[1:-1] < starts[-1])] - 1
        ] = 1
        if not ascending.all():
            raise DataError("seeds of a network repeat or are out of order")
        if (np.diff(self.epochs) <= 0).any() or (self.epochs < 1).any():
            raise DataError("epochs are out of order")
        if np.isinf(self.seconds).any() or (self.seconds <= 0).any():
            raise DataError("seconds are not positive and finite")
        if self.seconds.ndim == 2 and (np.diff(self.seconds) < 0).any():
            raise DataError("seconds decrease along a run")
        for name, array in self.recorded.items():
            _fit(name, array, ("<f8",), self.seeds.shape)
        for name, split in self.splits.items():
            if len(split.right) != len(self.seeds):
                raise DataError(
                    f"{name} has {len(split.right)} runs, not {len(self.seeds)}"
                )
            try:
                split.check()
            except DataError as error:
                raise DataError(f"{name}: {error}") from error


@dataclass(frozen=True, eq=False)
class Table:
    """N networks of D decisions, and every run that was recorded of them.

    Attributes:
        source: Where the figures come from, with its version.
        choices: The published names of the options of each decision.
        archs: uint8 [N, D], indices into `choices`.
        keys: uint64 [N], strictly ascending: what the space calls each network.
        trainings: By name, `<data set>@<schedule>`.
        metrics: float64 [N] by name: figures of the network, not of a run.
        files: uint8 [bytes] by name, of a published model that predicts what no table
            has; then N is 0.
        order: uint64 [M], keys of the whole space in published order, if there is one.
        about: What else to tell of the table; JSON.

    Raises:
        DataError: The arrays do not fit together.
    """

    source: str
    choices: tuple[tuple[str, ...], ...]
    archs: NDArray[np.uint8]
    keys: NDArray[np.uint64]
    trainings: Mapping[str, Training]
    metrics: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    files: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    order: NDArray[np.uint64] | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _fit("archs", self.archs, ("|u1",), (-1, len(self.choices)))
        _fit("keys", self.keys, ("<u8",), (len(self.archs),))
        if self.order is not None:
            _fit("order", self.order, ("<u8",), (-1,))

    def check(self) -> None:
        """Look at every figure outside the trainings, which have their own `check`.

        Raises:
            DataError: Rows repeat or are out of order, or an option does not exist.
        """
        for name, array in self.metrics.items():
            _fit(name, array, ("<f8",), (len(self.archs),))
        for name, content in self.files.items():
            _fit(name, content, ("|u1",), (-1,))
        if (self.archs >= [len(options) for options in self.choices]).any():
            raise DataError("an architecture has an option that does not exist")
        if (self.keys[1:] <= self.keys[:-1]).any():
            raise DataError("rows repeat or are out of order")

    @cached_property
    def digest(self) -> str:
        """The sha256 of every figure but losses, in hex: equal tables, equal data."""
        sha = hashlib.sha256(json.dumps(self.choices).encode())
        for name, array in _arrays(self):
            _feed(sha, name, array)
        for title, training in self.trainings.items():
            for name, array in _arrays(training, f"{title}/"):
                _feed(sha, name, array)
        return sha.hexdigest()

    def save(self, folder: Path) -> None:
        """Check the table and write it; a reader never sees half of one.

        Trainings are asked for one by one, so that they need not fit in memory at once.

        Raises:
            DataError: See `check`.
            OSError: The folder cannot be written.
        """
        self.check()
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=folder.parent, suffix=".part"))
        sha = hashlib.sha256(json.dumps(self.choices).encode())
        manifest: dict[str, Any] = {
            "format": FORMAT,
            "source": self.source,
            "digest": None,
            "about": dict(self.about),
            "choices": self.choices,
            "trainings": {},
        }
        try:
            manifest["arrays"] = _write(part, _arrays(self), sha)
            for title, training in self.trainings.items():
                if len(training.starts) != len(self.archs) + 1:
                    raise DataError(f"{title} is not about {len(self.archs)} networks")
                try:
                    training.check()
                except DataError as error:
                    raise DataError(f"{title}: {error}") from error
                manifest["trainings"][title] = {
                    "arrays": _write(part, _arrays(training, f"{title}/"), sha),
                    "splits": {n: s.whole for n, s in training.splits.items()},
                }
            manifest["digest"] = sha.hexdigest()
            _write_manifest(part / "table.json", manifest)
            part.chmod(0o755)  # mkdtemp makes it private
            self.move(part, folder)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise

    @staticmethod
    def move(part: Path, folder: Path) -> None:
        """Put a written table in the place of another, which nobody needs any more."""
        if folder.exists():
            shutil.rmtree(part / "replaced", ignore_errors=True)
            folder.rename(part / "replaced")
        part.rename(folder)
        shutil.rmtree(folder / "replaced", ignore_errors=True)

    @staticmethod
    def annotate(folder: Path, about: Mapping[str, Any]) -> None:
        """Say more of a table that is written already.

        Raises:
            FileNotFoundError: There is no table.
            DataError: The folder is damaged, or written by another version.
        """
        manifest = _read_manifest(folder)
        manifest["about"] = dict(about)
        _write_manifest(folder / "table.new", manifest)
        (folder / "table.new").replace(folder / "table.json")

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Map what `save` wrote; a training is mapped when it is asked for.

        Raises:
            FileNotFoundError: There is no table.
            DataError: The folder is damaged, or written by another version.
        """
        place = folder, folder.stat().st_ino  # first: another may come in its place
        manifest = _read_manifest(folder)
        arrays = _Folder(*place, manifest["arrays"])
        table = cls(
            source=manifest["source"],
            choices=tuple(tuple(options) for options in manifest["choices"]),
            archs=arrays["archs"],
            keys=arrays["keys"],
            trainings=_Trainings(*place, manifest["trainings"]),
            metrics=_Folder(*place, manifest["arrays"], "metrics/"),
            files=_Folder(*place, manifest["arrays"], "files/"),
            order=arrays.get("order"),
            about=manifest["about"],
        )
        table.__dict__["digest"] = manifest["digest"]  # computed when it was written
        return table

    def touch(self) -> None:
        """Map every array.

        Raises:
            DataError: One of them is damaged.
        """
        for _ in _arrays(self):
            pass
        for training in self.trainings.values():
            for _ in _arrays(training):
                pass


def _write_manifest(file: Path, manifest: Mapping[str, Any]) -> None:
    """Write a manifest with a checksum of it, so that open finds what save wrote."""
    checksum = hashlib.sha256(json.dumps(manifest).encode()).hexdigest()
    with file.open("w") as text:
        json.dump({**manifest, "checksum": checksum}, text, indent=1)
        text.flush()
        os.fsync(text.fileno())


def _read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a folder.

    Raises:
        FileNotFoundError: There is none.
        DataError: It is damaged, or written by another version.
    """
    try:
        manifest = json.loads((folder / "table.json").read_bytes())
        if manifest["format"] != FORMAT:
            raise DataError(
                f"the table in {folder} has format {manifest['format']!r:.20}, not"
                f" {FORMAT}"
            )
        checksum = manifest.pop("checksum")
        if checksum == hashlib.sha256(json.dumps(manifest).encode()).hexdigest():
            return dict(manifest)
        reason = "table.json is not what was written"
    except (FileNotFoundError, NotADirectoryError, DataError):
        raise
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        reason = f"table.json: {error}"
    except OSError as error:
        reason = f"table.json: {error.strerror}"
    raise DataError(f"the table in {folder} is damaged: {reason}")


@dataclass(frozen=True)
class _Folder(Mapping[str, Array]):
    """The arrays of a folder whose path begins with a prefix, mapped when asked for.

    Attributes:
        folder: Where they are.
        inode: Of the folder; another import puts another one in its place.
        kinds: Data type and shape of every array, by path without suffix.
        prefix: Of those that are meant.
    """

    folder: Path
    inode: int
    kinds: Mapping[str, Sequence[object]]
    prefix: str = ""

    def __getitem__(self, name: str) -> Array:
        path = f"{self.prefix}{name}"
        if path not in self.kinds:
            raise KeyError(name)
        file = self.folder / f"{path}.npy"
        try:
            array = np.load(file, mmap_mode="r", allow_pickle=False)
            size, inode = file.stat().st_size, self.folder.stat().st_ino
        except _UNREADABLE as error:
            reason = " ".join(str(error).split())
            raise DataError(f"{file} is damaged: {reason}") from error
        if inode != self.inode:
            raise DataError(
                f"the table in {self.folder} was replaced by an import: open it again"
            )
        whole = isinstance(array, np.memmap) and array.offset + array.nbytes == size
        if not whole or _kind(array) != self.kinds[path]:
            raise DataError(f"{file} is damaged: it is not the array that was written")
        return np.asarray(array)

    def __iter__(self) -> Iterator[str]:
        for name in self.kinds:
            if name.startswith(self.prefix):
                yield name.removeprefix(self.prefix)

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(frozen=True)
class _Trainings(Mapping[str, Training]):
    """The trainings of a folder, mapped when asked for."""

    folder: Path
    inode: int
    manifest: Mapping[str, Mapping[str, Any]]

    def __getitem__(self, title: str) -> Training:
        entry, place = self.manifest[title], (self.folder, self.inode)
        arrays = _Folder(*place, entry["arrays"], f"{title}/")
        return Training(
            epochs=arrays["epochs"],
            starts=arrays["starts"],
            seeds=arrays["seeds"],
            seconds=arrays["seconds"],
            splits=_Splits(*place, entry["arrays"], title, entry["splits"]),
            recorded=_Folder(*place, entry["arrays"], f"{title}/recorded/"),
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self.manifest)

    def __len__(self) -> int:
        return len(self.manifest)


@dataclass(frozen=True)
class _Splits(Mapping[str, Split]):
    """The splits of a training, mapped when asked for."""

    folder: Path
    inode: int
    kinds: Mapping[str, Sequence[object]]
    title: str
    wholes: Mapping[str, int | None]

    def __getitem__(self, name: str) -> Split:
        whole, prefix = self.wholes[name], f"{self.title}/{name}/"
        arrays = _Folder(self.folder, self.inode, self.kinds, prefix)
        return Split(
            whole=whole,
            epochs=arrays["epochs"],
            right=arrays["right"],
            tail=arrays.get("tail"),
            loss=arrays.get("loss"),
            seconds=arrays.get("seconds"),
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self.wholes)

    def __len__(self) -> int:
        return len(self.wholes)


def _arrays(thing: Any, prefix: str = "") -> Iterator[tuple[str, Array]]:
    """Yield the arrays of a dataclass with their paths, in a fixed order.

    The trainings of a table are left out.
    """
    for attribute in fields(thing):
        value = getattr(thing, attribute.name)
        if isinstance(value, np.ndarray):
            yield f"{prefix}{attribute.name}", value
        elif attribute.name in ("files", "metrics", "recorded"):
            for name in sorted(value):
                yield f"{prefix}{attribute.name}/{name}", value[name]
        elif attribute.name == "splits":
            for name, split in value.items():
                yield from _arrays(split, f"{prefix}{name}/")


def _write(
    folder: Path, arrays: Iterator[tuple[str, Array]], sha: Any
) -> dict[str, Sequence[object]]:
    """Write arrays, add them to the digest, and say what they are."""
    kinds = {}
    for name, array in arrays:
        if not all(map(_NAME.fullmatch, name.split("/"))):
            raise DataError(f"{name!r:.60} is no name for a figure")
        path = folder / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            # As np.save does, whose error on a full disk has no reason.
            array = np.ascontiguousarray(array)
            header = npy.header_data_from_array_1_0(array)
            npy.write_array_header_1_0(file, header)
            file.write(array.data)
            file.flush()
            os.fsync(file.fileno())
        _feed(sha, name, array)
        kinds[name] = _kind(array)
    return kinds


def _kind(array: Array) -> Sequence[object]:
    """Tell data type and shape, as JSON has them."""
    return [array.dtype.str, list(array.shape)]


def _feed(sha: Any, name: str, array: Array) -> None:
    """Add an array to a digest; a loss is nothing that a benchmark answers with."""
    if not name.endswith("/loss"):
        sha.update(f"{name} {array.dtype.str} {array.shape}".encode())
        sha.update(np.ascontiguousarray(array).data)


def _fit(
    name: str, array: Array, kinds: tuple[str, ...], shape: tuple[int, ...]
) -> None:
    """Refuse an array of another type or shape; -1 stands for any length."""
    fits = len(array.shape) == len(shape) and all(
        length in (-1, n) for length, n in zip(shape, array.shape, strict=True)
    )
    if array.dtype.str not in kinds or not fits:
        wanted = " or ".join(str(np.dtype(kind)) for kind in kinds)
        raise DataError(f"{name} is {array.dtype} {array.shape}, not {wanted} {shape}")
