"""Puts tables of different networks together, one training at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surrogates.table import DataError, Split, Table, Training


@dataclass(frozen=True)
class _Merged(Mapping[str, Training]):
    """Trainings of several tables, put together when they are asked for."""

    parts: Sequence[Table]
    order: NDArray[np.int64]  # of all rows

    def __getitem__(self, title: str) -> Training:
        if title not in set(self):
            raise KeyError(title)
        return _training([part.trainings.get(title) for part in self.parts], self)

    def __iter__(self) -> Iterator[str]:
        yield from sorted({title for part in self.parts for title in part.trainings})

    def __len__(self) -> int:
        return len(list(self))


def merge(parts: Sequence[Table]) -> Table:
    """Put the networks of several tables into one.

    Args:
        parts: At least one; of the same choices and metrics.

    Raises:
        DataError: A network is in two of them, or they have different epochs, kinds of
            figures or further figures of a run; the latter when trainings are asked
            for.
    """
    keys = np.concatenate([part.keys for part in parts])
    order = np.argsort(keys, kind="stable")
    if (np.diff(keys[order]) == 0).any():
        raise DataError("a network is there twice")
    first = parts[0]
    return Table(
        source=first.source,
        choices=first.choices,
        archs=np.concatenate([part.archs for part in parts])[order],
        keys=keys[order],
        trainings=_Merged(parts, order),
        metrics={
            name: np.concatenate([part.metrics[name] for part in parts])[order]
            for name in first.metrics
        },
        order=first.order,
        about=first.about,
    )


def _training(parts: Sequence[Training | None], merged: _Merged) -> Training:
    there = [part for part in parts if part is not None]
    counts = np.concatenate(
        [
            np.zeros(len(table.keys), dtype=np.int64)
            if part is None
            else np.diff(part.starts)
            for part, table in zip(parts, merged.parts, strict=True)
        ]
    )
    begins = np.append(0, np.cumsum(counts))
    starts = np.append(0, np.cumsum(counts[merged.order]))
    # Runs of a row stay together: its first run, and 0, 1, ... further on.
    row = np.repeat(merged.order, counts[merged.order])
    runs = begins[row] + np.arange(len(row)) - np.repeat(starts[:-1], np.diff(starts))
    first = there[0]
    for part in there:
        if not np.array_equal(part.epochs, first.epochs):
            raise DataError("trainings of different epochs cannot be put together")
        if part.recorded.keys() != first.recorded.keys():
            raise DataError("runs of different figures cannot be put together")
    names = dict.fromkeys(name for part in there for name in part.splits)
    return Training(
        epochs=first.epochs,
        starts=starts,
        seeds=np.concatenate([part.seeds for part in there])[runs],
        seconds=_seconds([part.seconds for part in there], first.epochs)[runs],
        splits={
            name: _split(
                [(part.splits.get(name), len(part.seeds)) for part in there], runs
            )
            for name in names
        },
        recorded={
            name: np.concatenate([part.recorded[name] for part in there])[runs]
            for name in first.recorded
        },
    )


def _seconds(
    parts: Sequence[NDArray[np.float64]], factors: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Put seconds together: [R], or [R, E] if a part has that.

    Args:
        parts: Each [R] or [R, E].
        factors: [E], what turns the one figure of a run into those of its epochs.
    """
    if all(seconds.ndim == 1 for seconds in parts):
        return np.concatenate(parts)
    return np.concatenate([s if s.ndim == 2 else s[:, None] * factors for s in parts])


def _split(parts: Sequence[tuple[Split | None, int]], runs: NDArray[np.int64]) -> Split:
    there = [split for split, _ in parts if split is not None]
    if len({(split.whole, split.right.dtype) for split in there}) != 1:
        raise DataError("figures of different kinds cannot be put together")
    epochs = np.unique(np.concatenate([split.epochs for split in there]))
    first = there[0]

    def columns(name: str, missing: Any, kind: Any) -> NDArray[Any]:
        whole = np.full((sum(n for _, n in parts), len(epochs)), missing, dtype=kind)
        start = 0
        for split, n in parts:
            if split is not None and (array := getattr(split, name)) is not None:
                at = np.searchsorted(epochs, split.epochs)
                whole[start : start + n, at] = array
            start += n
        return whole[runs]

    def any_has(name: str) -> bool:
        return any(getattr(split, name) is not None for split in there)

    known = [split.seconds for split in there if split.seconds is not None]
    passes = [
        np.full(n, np.nan) if split is None or split.seconds is None else split.seconds
        for split, n in parts
    ]
    width = max([array.shape[1] for array in known if array.ndim == 2], default=1)
    kind = first.right.dtype
    missing = np.iinfo(kind).max if kind.kind == "u" else np.nan
    return Split(
        epochs=epochs,
        right=columns("right", missing, kind),
        whole=first.whole,
        tail=columns("tail", 0, np.uint8) if any_has("tail") else None,
        loss=columns("loss", np.nan, np.float64) if any_has("loss") else None,
        seconds=_seconds(passes, np.ones(width, dtype=np.int64))[runs]
        if known
        else None,
    )
