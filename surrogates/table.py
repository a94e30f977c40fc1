"""Training runs of many networks, as arrays that are mapped from disk, not read."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

FORMAT = 1
_KINDS = {"archs": "|u1", "seeds": "<i8", "epochs": "<i8"}  # the others are <f8
_REQUIRED = ("archs", "seeds", "epochs", "valid_error", "seconds")


class DataError(ValueError):
    """A data file is missing, damaged, or not what it says; the message is one line."""


@dataclass(frozen=True, eq=False)
class Table:
    """N networks of D decisions, trained up to S times, read off at E epochs.

    A run that was not recorded is nan throughout and comes after the recorded ones of
    its network. A diverged run has an error of inf and finite seconds.

    Attributes:
        source: Where the figures come from, with its version.
        choices: The published names of the options of each decision.
        archs: uint8 [N, D], indices into `choices`, in strictly ascending order.
        seeds: int64 [S], what the training runs are called.
        epochs: int64 [E], ascending.
        valid_error: float64 [N, S, E], fractions in [0, 1].
        seconds: float64 [N, S, E], of training since epoch 0.
        test_error: float64 [N, T], after full training in T runs (nan: not recorded),
            or None if the source has no test figures. The runs need not be those of
            `valid_error`.
        metrics: float64 [N] by name: figures of the network, not of a run.
        recorded: float64 [N, S] by name: further figures of each run, as its file has
            them.

    Raises:
        DataError: The shapes or types of the arrays do not fit together.
    """

    source: str
    choices: tuple[tuple[str, ...], ...]
    archs: NDArray[np.uint8]
    seeds: NDArray[np.int64]
    epochs: NDArray[np.int64]
    valid_error: NDArray[np.float64]
    seconds: NDArray[np.float64]
    test_error: NDArray[np.float64] | None = None
    metrics: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    recorded: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n, d = len(self.archs), len(self.choices)
        s, e = len(self.seeds), len(self.epochs)
        shapes: dict[str, tuple[int, ...]] = {
            "archs": (n, d),
            "seeds": (s,),
            "epochs": (e,),
            "valid_error": (n, s, e),
            "seconds": (n, s, e),
            **{f"metrics.{name}": (n,) for name in self.metrics},
            **{f"recorded.{name}": (n, s) for name in self.recorded},
        }
        for name, array in self.arrays():
            kind = np.dtype(_KINDS.get(name, "<f8"))
            shape = (n, *array.shape[1:2]) if name == "test_error" else shapes[name]
            if array.shape != shape or array.dtype != kind:
                raise DataError(
                    f"{name} is {array.dtype} {array.shape}, not {kind} {shape}"
                )

    def arrays(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Yield every array with its name, in a fixed order."""
        yield "archs", self.archs
        yield "seeds", self.seeds
        yield "epochs", self.epochs
        yield "valid_error", self.valid_error
        yield "seconds", self.seconds
        if self.test_error is not None:
            yield "test_error", self.test_error
        for name, values in sorted(self.metrics.items()):
            yield f"metrics.{name}", values
        for name, values in sorted(self.recorded.items()):
            yield f"recorded.{name}", values

    def check(self) -> None:
        """Look at every figure.

        Raises:
            DataError: Rows repeat or are out of order, an option does not exist, a run
                is incomplete or comes after a missing one, an error lies outside
                [0, 1], or seconds decrease along a run.
        """
        if (self.archs >= [len(options) for options in self.choices]).any():
            raise DataError("an architecture has an option that does not exist")
        sizes = [len(options) for options in self.choices]
        if (np.diff(np.ravel_multi_index(tuple(self.archs.T), sizes)) <= 0).any():
            raise DataError("rows repeat or are out of order")
        if (np.diff(self.epochs) <= 0).any():
            raise DataError("epochs are out of order")
        missing = np.isnan(self.valid_error)
        if not np.array_equal(missing, np.isnan(self.seconds)):
            raise DataError("errors and seconds are not missing together")
        if (np.diff(missing.any(axis=2).astype(np.int8), axis=1) < 0).any():
            raise DataError("a missing run comes before a recorded one")
        for name in ("valid_error", "test_error"):
            error = getattr(self, name)
            if (
                error is not None
                and ((error < 0) | (error > 1) & (error < np.inf)).any()
            ):
                raise DataError(f"{name} has figures outside [0, 1]")
        if (self.seconds <= 0).any() or (np.diff(self.seconds) < 0).any():
            raise DataError("seconds are not positive, or decrease along a run")

    @cached_property
    def digest(self) -> str:
        """The sha256 of every figure and option, in hex: equal tables, equal data."""
        sha = hashlib.sha256(json.dumps(self.choices).encode())
        for name, array in self.arrays():
            sha.update(f"{name} {array.dtype.str} {array.shape}".encode())
            sha.update(np.ascontiguousarray(array).data)
        return sha.hexdigest()

    def save(self, folder: Path) -> None:
        """Check the table and write it; a reader never sees half of one.

        Raises:
            DataError: See `check`.
            OSError: The folder cannot be written.
        """
        self.check()
        arrays = dict(self.arrays())
        manifest = {
            "format": FORMAT,
            "source": self.source,
            "digest": self.digest,
            "choices": self.choices,
            "arrays": list(arrays),
        }
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=folder.parent, suffix=".part"))
        try:
            for name, array in arrays.items():
                np.save(part / f"{name}.npy", array, allow_pickle=False)
            (part / "table.json").write_text(json.dumps(manifest, indent=1))
            if folder.exists():  # a damaged or older one: nobody needs it
                folder.rename(part / "replaced")
            part.chmod(0o755)  # mkdtemp makes it private
            part.rename(folder)
            shutil.rmtree(folder / "replaced", ignore_errors=True)
        except OSError:
            shutil.rmtree(part, ignore_errors=True)
            raise

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Map what `save` wrote; nothing but the manifest is read.

        Raises:
            FileNotFoundError: There is no table.
            DataError: The folder is damaged, or written by another version.
        """
        text = (folder / "table.json").read_text()
        try:
            manifest = json.loads(text)
            if manifest["format"] != FORMAT:
                raise DataError(
                    f"{folder} has format {manifest['format']}, not {FORMAT}"
                )
            arrays = {name: _map(folder / f"{name}.npy") for name in manifest["arrays"]}
            table = cls(
                source=manifest["source"],
                choices=tuple(tuple(options) for options in manifest["choices"]),
                **{name: arrays[name] for name in _REQUIRED},
                test_error=arrays.get("test_error"),
                metrics=_under("metrics.", arrays),
                recorded=_under("recorded.", arrays),
            )
        except (KeyError, TypeError, ValueError, OSError, EOFError) as error:
            raise DataError(f"the table in {folder} is damaged: {error}") from error
        table.__dict__["digest"] = manifest["digest"]  # computed when it was written
        return table


def _map(path: Path) -> NDArray[Any]:
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _under(prefix: str, arrays: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
