"""An imported release, told as published: by index, data set, schedule and epoch.

Every number is computed from the arrays when it is asked for, and is the published one
to the last digit.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cache, cached_property, lru_cache
from typing import Any, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from benchsuite.benchmarks.installed import open_installed
from benchsuite.benchmarks.nats import RELEASES
from benchsuite.spaces import NATS_SSS
from surrogates import DataError, Split, Table, Training
from surrogates.nats import TOP5, last_batch, published

CLASSES: Mapping[str, int] = {
    "cifar10-valid": 10,
    "cifar10": 10,
    "cifar100": 100,
    "ImageNet16-120": 120,
}
"""Outputs of the classifier by data set, in the order in which records name them."""

_SIZE_GENOTYPE = (
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|"
    "+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
)  # of all networks of the size space

_Key = TypeVar("_Key", int, str)


class Figures:
    """What one set of images says of every run.

    Attributes:
        columns: By index of the epoch, from 0; None where nothing was recorded.
        each: Seconds [R] of any epoch, or [R, E] of every one; None if not known.
    """

    def __init__(
        self, split: Split, epochs: int, each: "memoryview[float] | None"
    ) -> None:
        self.columns: list[int | None] = [None] * epochs
        for column, epoch in enumerate(split.epochs.tolist()):
            self.columns[epoch - 1] = column
        self.each = each
        self._split, self._width = split, len(split.epochs)
        # Flat: one slice takes the figures of all runs of a network.
        self._right = split.right.reshape(-1).data
        self._tail = None if split.tail is None else split.tail.reshape(-1).data
        self._loss = None if split.loss is None else _floats(split.loss.reshape(-1))
        self._whole, self._missing = 0, -1  # percentages, as published
        self._sums: list[float] = []
        if split.counted:
            assert split.whole is not None  # it is counted
            self._whole = split.whole
            self._missing = int(np.iinfo(split.right.dtype).max)
            self._sums = last_batch(split.whole)[1].tolist()

    def at(self, runs: range, iepoch: int) -> tuple[list[float], list[float]] | None:
        """Give accuracies in percent, as `published` does, and losses of runs.

        Losses are nan where they were not imported.

        Returns:
            None if nothing was recorded of one of the runs.
        """
        column = self.columns[iepoch]
        if column is None:
            return None
        width = self._width
        where = slice(runs.start * width + column, runs.stop * width, width)
        rights: list[Any] = list(self._right[where])
        if self._missing in rights or any(right != right for right in rights):
            return None
        accuracies: list[float] = rights
        whole, sums = self._whole, self._sums
        if self._tail is not None:
            accuracies = [
                (100 * (right - tail) + sums[tail]) / whole
                for right, tail in zip(rights, self._tail[where], strict=True)
            ]
        elif whole:
            accuracies = [100 * right / whole for right in rights]
        losses = [np.nan] * len(rights) if self._loss is None else self._loss[where]
        return accuracies, list(losses)

    def seconds(self, run: int, epochs: int) -> list[float] | None:
        """Give what each of so many first epochs took; None if it is not known."""
        if self.each is None:
            return None
        if self.each.ndim == 1:
            once = self.each[run]
            return [once] * epochs if once == once else None
        every = [self.each[run, iepoch] for iepoch in range(epochs)]
        return every if every[0] == every[0] else None

    def spent(self, run: int, iepoch: int) -> tuple[float, float] | tuple[None, None]:
        """Give the seconds of an epoch, and of all up to it, if they are known."""
        if self.each is not None and self.each.ndim == 1:
            once = self.each[run]
            return (once, _alike(once, iepoch + 1)) if once == once else (None, None)
        every = self.seconds(run, iepoch + 1)
        return (None, None) if every is None else (every[-1], sum(every))

    def curve(
        self, run: int, keys: Sequence[_Key]
    ) -> tuple[dict[_Key, float], dict[_Key, float]]:
        """Give accuracies and losses at the epochs where they were recorded.

        Args:
            run: Which.
            keys: What to call each epoch.
        """
        percent = published(self._split, run)
        loss = self._split.loss
        losses = np.full(len(percent), np.nan) if loss is None else loss[run]
        there = np.flatnonzero(~np.isnan(percent))
        if len(there) < len(keys):
            epochs = self._split.epochs[there].tolist()
            keys = [keys[epoch - 1] for epoch in epochs]
        return (
            dict(zip(keys, percent[there].tolist(), strict=True)),
            dict(zip(keys, losses[there].tolist(), strict=True)),
        )


class Told:
    """Figures, and the words in which `get_more_info` tells of them.

    Attributes:
        required: Whether it fails where they were not recorded.
        is_train: Whether they are about the images trained on.
    """

    def __init__(self, role: str, figures: Figures, required: bool) -> None:
        self.figures = figures
        self.required = required
        self.is_train = role == "train"
        self.loss, self.accuracy = f"{role}-loss", f"{role}-accuracy"
        self.per_time, self.all_time = f"{role}-per-time", f"{role}-all-time"


class Recorded:
    """A data set under a schedule.

    Attributes:
        epochs: Length of the schedule.
        sets: Names of the sets of images that networks were evaluated on, in order.
    """

    def __init__(self, dataset: str, training: Training) -> None:
        self.dataset = dataset
        self.epochs = int(training.epochs[-1])
        self.sets = [n for n in training.splits if n not in ("train", TOP5)]
        self._training = training
        self._starts = training.starts.data
        self._seeds = training.seeds.data
        self._figures: dict[str, Figures] = {}
        self.params = _floats(training.recorded["params"])
        self.macs = _floats(training.recorded["macs"])
        self.latency = _floats(training.recorded["latency"])

    def runs(self, row: int) -> range:
        """Name the runs of a network."""
        return range(self._starts[row], self._starts[row + 1])

    def seeds(self, row: int) -> list[int]:
        """List the seeds of a network's runs."""
        return self._seeds[self._starts[row] : self._starts[row + 1]].tolist()

    def figures(self, name: str) -> Figures | None:
        """Give what a set of images says; None if there is none of that name."""
        try:
            return self._figures[name]
        except KeyError:
            split = self._training.splits.get(name)
        if split is None:
            return None
        each = None if split.seconds is None else _floats(split.seconds)
        if name == "train":
            each = self._seconds
        self._figures[name] = figures = Figures(split, self.epochs, each)
        return figures

    @cached_property
    def _seconds(self) -> "memoryview[float]":
        """Of training: [R] of any epoch, or [R, E] of every one."""
        seconds = self._training.seconds
        if seconds.ndim == 2:  # no official file at hand has that: a last digit may go
            seconds = np.diff(seconds, prepend=0.0, axis=1)
        return _floats(seconds)

    @cached_property
    def told(self) -> tuple["Told", ...]:
        """What `get_more_info` tells of, in its order."""
        roles = {"train": "train", "valid": "x-valid"}
        if CLASSES[self.dataset] == 10:
            roles["test"] = "ori-test"
        else:
            roles.update(test="x-test", valtest="ori-test")
        required = {"train", "valid"} if self.dataset == "cifar10-valid" else {"train"}
        told = []
        for role, name in roles.items():
            if figures := self.figures(name):
                told.append(Told(role, figures, role in required))
        return tuple(told)

    def state(self, arch: str, run: int, is_size: bool) -> dict[str, Any]:
        """Give a run in the fields of a published record."""
        train, top5 = self.figures("train"), self.figures(TOP5)
        assert train is not None  # the reader demands it
        every = range(self.epochs)
        percent, loss = train.curve(run, every)
        each = train.seconds(run, self.epochs)
        latency = self.latency[run]
        names: list[str] = []
        accuracies: dict[str, float] = {}
        losses: dict[str, float] = {}
        seconds: dict[str, float] = {}
        for name in self.sets:
            figures, keys = self.figures(name), _keys(name, self.epochs)
            assert figures is not None  # it is in `sets`
            right, wrong = figures.curve(run, keys)
            if not right:
                continue
            names.append(name)
            accuracies.update(right)
            losses.update(wrong)
            if (passes := figures.seconds(run, self.epochs)) is not None:
                seconds.update(zip(keys, passes, strict=True))
        return {
            "name": self.dataset,
            "train_acc1es": percent,
            "train_acc5es": (top5 and top5.curve(run, every)[0]) or None,
            "train_losses": loss,
            "train_times": None if each is None else OrderedDict(enumerate(each)),
            "arch_config": _config(arch, CLASSES[self.dataset], is_size),
            "params": np.float64(self.params[run] / 1e6),
            "flop": self.macs[run] / 1e6,
            "seed": f"{self._seeds[run]:04d}",
            "epochs": self.epochs,
            "latency": [np.float64(latency)] if latency == latency else [],
            "eval_names": names,
            "eval_acc1es": accuracies,
            "eval_times": seconds,
            "eval_losses": losses,
            "net_state_dict": None,
        }


class Archive:
    """An imported release.

    Attributes:
        release: Its name.
        table: Its table.
        archs: Spellings of the whole space, in published order.
        rows: Row of the table by published index, of what is there, ascending.
        hps: Schedules, as records spell them.
    """

    def __init__(self, release: str, table: Table) -> None:
        if table.order is None:
            raise DataError(
                f"the table {release} comes from {table.source}, which is no official"
                f" file: benchsuite import {RELEASES[release].source}"
            )
        self.release = release
        self.table = table
        self.space, self.hps, _ = RELEASES[release]
        ordered = list(map(self.space.format, self.space))
        self.archs = [ordered[key] for key in table.order.tolist()]
        rows = np.searchsorted(table.keys, table.order)
        there = table.keys.take(rows, mode="clip") == table.order
        at = np.flatnonzero(there)
        self.rows = dict(zip(at.tolist(), rows[at].tolist(), strict=True))
        self._recorded: dict[tuple[str, str], Recorded | None] = {}
        self._there: dict[str, list[tuple[str, Recorded]]] = {}

    @classmethod
    def open(cls, release: str, source: str | None = None) -> Self:
        """Open the table of a release.

        Args:
            release: Its name.
            source: What to import if it is not installed, for the message.

        Raises:
            DataError: It is not installed, or damaged.
        """
        return cls(release, open_installed(release, source or RELEASES[release].source))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).open, (self.release,)

    def recorded(self, dataset: str, hp: str) -> Recorded | None:
        """Find a data set under a schedule; None if there is nothing of it."""
        try:
            return self._recorded[dataset, hp]
        except KeyError:
            training = self.table.trainings.get(f"{dataset}@{hp}")
        recorded = None if training is None else Recorded(dataset, training)
        self._recorded[dataset, hp] = recorded
        return recorded

    def seeds(self, row: int, hp: str) -> dict[str, list[int]]:
        """List the seeds of a network's runs by data set."""
        try:
            there = self._there[hp]
        except KeyError:
            every = ((name, self.recorded(name, hp)) for name in CLASSES)
            there = self._there[hp] = [(n, found) for n, found in every if found]
        listed = [(name, recorded.seeds(row)) for name, recorded in there]
        return {name: seeds for name, seeds in listed if seeds}

    def state(self, index: int, dataset: str, hp: str, seed: int) -> dict[str, Any]:
        """Give a run in the fields of a published record.

        Raises:
            KeyError: There is none such.
        """
        recorded, row = self.recorded(dataset, hp), self.rows[index]
        if recorded is None or seed not in (seeds := recorded.seeds(row)):
            raise KeyError((dataset, seed))
        run = recorded.runs(row)[seeds.index(seed)]
        return recorded.state(self.archs[index], run, self.space is NATS_SSS)

    @cached_property
    def has_losses(self) -> bool:
        """Whether losses were imported."""
        training = next(iter(self.table.trainings.values()))
        return training.splits["train"].loss is not None

    def leaks(self, dataset: str, hp: str, iepoch: int | None) -> bool:
        """Whether only a set that contains the test images was evaluated then."""
        recorded = self.recorded(dataset, hp)
        if iepoch is None or recorded is None or "ori-test" not in recorded.sets:
            return False
        valid = recorded.figures("x-valid")
        if valid is None or not 0 <= iepoch < recorded.epochs:
            return False
        return valid.columns[iepoch] is None


def no_losses() -> DataError:
    """Say that an answer has a loss in it, which is not there."""
    return DataError(
        "the answer includes a loss, and the table was imported without them: import"
        " its source again, without --no-losses"
    )


def _floats(array: NDArray[np.float64]) -> "memoryview[float]":
    return cast("memoryview[float]", array.data)


@lru_cache(maxsize=1 << 14)
def _alike(once: float, epochs: int) -> float:
    """Add up equal seconds, rounding where the built-in sum does."""
    return sum([once] * epochs)


@cache
def _keys(name: str, epochs: int) -> tuple[str, ...]:
    return tuple(f"{name}@{iepoch}" for iepoch in range(epochs))


def _config(arch: str, classes: int, is_size: bool) -> dict[str, str | int]:
    """Say how the network is built, as records do."""
    if is_size:
        return {
            "name": "infer.shape.tiny",
            "channels": arch,
            "arch_str": arch,
            "genotype": _SIZE_GENOTYPE,
            "class_num": classes,
        }
    return {"channel": 16, "num_cells": 5, "arch_str": arch, "class_num": classes}
