"""Records of NATS-Bench and NAS-Bench-201: every trial of one architecture.

Dong & Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture
Search", ICLR 2020. https://arxiv.org/abs/2001.00326
Dong, Liu, Musial & Gabrys, "NATS-Bench: Benchmarking NAS Algorithms for Architecture
Topology and Size", TPAMI 2021. https://arxiv.org/abs/2009.00437

Published accuracies are averages of batches in single precision, so their last digits
depend on how many images of the last, smaller batch were right. `compact` stores both
counts; `published` gives every digit back.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from surrogates.table import DataError, Split, Table, Training

BATCH = 256  # images, in training and evaluation
IMAGES: Mapping[tuple[str, str], int] = {
    ("cifar10-valid", "train"): 25_000,
    ("cifar10-valid", "x-valid"): 25_000,
    ("cifar10-valid", "ori-test"): 10_000,
    ("cifar10", "train"): 50_000,
    ("cifar10", "ori-test"): 10_000,
    ("cifar100", "train"): 50_000,
    ("cifar100", "x-valid"): 5_000,
    ("cifar100", "x-test"): 5_000,
    ("cifar100", "ori-test"): 10_000,
    ("ImageNet16-120", "train"): 151_700,
    ("ImageNet16-120", "x-valid"): 3_000,
    ("ImageNet16-120", "x-test"): 3_000,
    ("ImageNet16-120", "ori-test"): 6_000,
}
"""Images by data set and split."""

TOP5 = "train-top5"
"""Training images whose class was among the five most likely; a split of its own."""

_FIELDS = {
    *("name", "train_acc1es", "train_acc5es", "train_losses", "train_times"),
    *("arch_config", "params", "flop", "seed", "epochs", "latency", "eval_names"),
    *("eval_acc1es", "eval_losses", "eval_times", "net_state_dict"),
}
_SCHEDULE = re.compile("[0-9]{1,3}", re.ASCII)
_NUMBERS = {float, int, np.float64, np.float32}


class Measured(NamedTuple):
    """What one split says of one run.

    Attributes:
        epochs: [E], those at which it was evaluated.
        percent: float64 [E], accuracies as published.
        loss: float64 [E].
        seconds: Of one pass; [E of the training] where they differ, None if unknown.
    """

    epochs: tuple[int, ...]
    percent: NDArray[np.float64]
    loss: NDArray[np.float64] | None
    seconds: float | NDArray[np.float64] | None


class Run(NamedTuple):
    """One trial: a network trained once.

    Attributes:
        training: `<data set>@<schedule>`.
        seed: Of the trial.
        epochs: Length of the schedule.
        seconds: Of each epoch alike; or float64 [E] since epoch 0; nan if unknown.
        splits: By name, in published order.
        recorded: params, macs (of one image), and latency (seconds, batch of 256).
    """

    training: str
    seed: int
    epochs: int
    seconds: float | NDArray[np.float64]
    splits: Mapping[str, Measured]
    recorded: Mapping[str, float]


class Cell(NamedTuple):
    """One architecture.

    Attributes:
        number: Its published index.
        arch: Its published spelling.
        runs: Every trial.
    """

    number: int
    arch: str
    runs: tuple[Run, ...]


def read(record: Any) -> Cell:
    """Read what a file holds of one architecture; nothing is taken for granted.

    Args:
        record: Dict from a schedule, such as "200", to the architecture's state.

    Raises:
        DataError: A field is missing, or is not what it should be.
    """
    if not isinstance(record, dict) or not record:
        raise DataError("it is not a dict of training schedules")
    index, arch = set(), set()
    runs: list[Run] = []
    for schedule, state in record.items():
        if not (isinstance(schedule, str) and _SCHEDULE.fullmatch(schedule)):
            raise DataError(f"{schedule!r:.40} is not a schedule, such as '200'")
        for name in ("arch_index", "arch_str", "all_results", "dataset_seed"):
            if not isinstance(state, dict) or name not in state:
                raise DataError(f"schedule {schedule} has no {name}")
        index.add(_is(int, state["arch_index"], "arch_index"))
        arch.add(_is(str, state["arch_str"], "arch_str"))
        trials = _is(dict, state["all_results"], "all_results")
        seeds = _is(dict, state["dataset_seed"], "dataset_seed")
        listed = [
            (_is(str, name, "a data set"), _is(int, seed, "a seed"))
            for name, some in seeds.items()
            for seed in _is(list, some, "dataset_seed")
        ]
        if len(listed) != len(trials) or set(listed) != trials.keys():
            raise DataError(f"schedule {schedule}: dataset_seed is not what it has")
        for (name, seed), trial in sorted(trials.items()):
            title = f"{name}@{schedule}"
            try:
                runs.append(_run(title, name, seed, int(schedule), trial))
            except DataError as error:
                raise DataError(f"{title}, seed {seed}: {error}") from error
    if len(index) != 1 or len(arch) != 1:
        raise DataError(f"its schedules are of different cells: {arch}")
    return Cell(index.pop(), arch.pop(), tuple(runs))


def _run(title: str, name: str, seed: Any, epochs: int, trial: Any) -> Run:
    if missing := _FIELDS - _is(dict, trial, "the trial").keys():
        raise DataError(f"it has no {', '.join(sorted(missing))}")
    if (name, "train") not in IMAGES or trial["name"] != name:
        raise DataError(f"it calls its data set {trial['name']!r:.40}")
    if trial["epochs"] != epochs or str(trial["seed"]).lstrip("0") != str(seed):
        raise DataError(f"it has epochs {trial['epochs']}, seed {trial['seed']!r:.20}")
    every = tuple(range(1, epochs + 1))
    times = trial["train_times"]
    loss = _curve(trial["train_losses"], range(epochs), "train_losses")
    splits = {
        "train": Measured(
            every, _percent(trial["train_acc1es"], range(epochs), "train"), loss, None
        )
    }
    if trial["train_acc5es"] is not None:
        figures = _percent(trial["train_acc5es"], range(epochs), TOP5)
        splits[TOP5] = Measured(every, figures, None, None)
    accuracies = _is(dict, trial["eval_acc1es"], "eval_acc1es")
    losses = _is(dict, trial["eval_losses"], "eval_losses")
    passes = _is(dict, trial["eval_times"], "eval_times")
    for split in _is(list, trial["eval_names"], "eval_names"):
        if not isinstance(split, str) or (name, split) not in IMAGES:
            raise DataError(f"{name} has no split {split!r:.40}")
        keys = _keys(split, epochs)
        there = [e for e, key in enumerate(keys) if key in accuracies]
        if not there:
            raise DataError(f"{split} was never evaluated")
        at = [keys[e] for e in there]
        splits[split] = Measured(
            tuple(e + 1 for e in there),
            _percent(accuracies, at, split),
            _curve(losses, at, split),
            _alike(_curve(passes, keys, "eval_times")) if passes else None,
        )
    known = sum(len(figures.epochs) for n, figures in splits.items() if n[0] != "t")
    if known != len(accuracies) or known != len(losses):
        raise DataError("eval_acc1es or eval_losses have figures of no known split")
    seconds: float | NDArray[np.float64] = np.nan
    if times is not None:
        each = _curve(times, range(epochs), "train_times")
        seconds = _alike(each)
        if not isinstance(seconds, float):
            seconds = np.cumsum(each)
    measured = dict(enumerate(_is(list, trial["latency"], "latency")))
    latency = _curve(measured, range(len(measured)), "latency").tolist()
    return Run(
        title,
        _is(int, seed, "seed"),
        epochs,
        seconds,
        splits,
        {
            "params": _millions(trial["params"]),
            "macs": _millions(trial["flop"]),
            "latency": sum(latency) / len(latency) if latency else np.nan,
        },
    )


@cache
def _keys(split: str, epochs: int) -> tuple[str, ...]:
    """Spell the keys under which the figures of each epoch stand."""
    return tuple(f"{split}@{epoch}" for epoch in range(epochs))


def _is(kind: type, value: Any, name: str) -> Any:
    if type(value) is not kind:
        raise DataError(f"{name} is a {type(value).__name__}, not a {kind.__name__}")
    return value


def _curve(figures: Any, keys: Sequence[Any] | range, name: str) -> NDArray[np.float64]:
    """Take the figures of some keys, float64 [E]."""
    if not isinstance(figures, dict):
        raise DataError(f"{name} is a {type(figures).__name__}, not a dict")
    try:
        values = [figures[key] for key in keys]
    except KeyError as error:
        raise DataError(f"{name} has nothing at {error.args[0]!r}") from error
    if set(map(type, values)) - _NUMBERS:
        raise DataError(f"{name} has figures that are no numbers")
    try:
        return np.array(values, dtype=np.float64)
    except OverflowError as error:
        raise DataError(f"{name} has a figure that is too large") from error


def _percent(
    figures: Any, keys: Sequence[Any] | range, name: str
) -> NDArray[np.float64]:
    values = _curve(figures, keys, name)
    if ((values < 0) | (values > 100)).any():
        worst = values[(values < 0) | (values > 100)][0]
        raise DataError(f"{name} has the accuracy {worst:g}, not one of 0 to 100 %")
    return values


def _alike(values: NDArray[np.float64]) -> float | NDArray[np.float64]:
    first: float = values.item(0)
    return first if (values == first).all() else values


def _millions(value: Any) -> float:
    """Turn millions into a count, so that a division gives the published digits."""
    if type(value) not in _NUMBERS:
        raise DataError(f"params or flop is a {type(value).__name__}, not a number")
    try:
        millions = float(value)
        count = round(millions * 1e6)
    except OverflowError as error:  # from a huge integer, or of infinity
        raise DataError("params or flop is too large") from error
    except ValueError:  # of nan
        return math.nan
    return float(count) if count / 1e6 == millions else millions * 1e6


def table(
    cells: Sequence[Cell],
    source: str,
    choices: tuple[tuple[str, ...], ...],
    parse: Callable[[str], tuple[int, ...]],
    key: Callable[[tuple[int, ...]], int],
) -> Table:
    """Put cells into a table, accuracies as they are published: percentages.

    Args:
        cells: In any order, each once.
        source: What to call it.
        choices: The options of each decision.
        parse: Turns a spelling into option indices.
        key: Turns option indices into the number of a network.

    Raises:
        DataError: An architecture is spelled wrong, or there twice.
    """
    rows: dict[int, tuple[tuple[int, ...], Cell]] = {}
    for cell in cells:
        try:
            arch = parse(cell.arch)
        except ValueError as error:
            raise DataError(f"cell {cell.number}: {error}") from error
        if (number := key(arch)) in rows:
            raise DataError(f"cell {cell.number} repeats cell {rows[number][1].number}")
        rows[number] = arch, cell
    keys = sorted(rows)
    by_training: dict[str, list[list[Run]]] = {}
    for n, number in enumerate(keys):
        for run in rows[number][1].runs:
            runs = by_training.setdefault(run.training, [[] for _ in keys])
            runs[n].append(run)
    return Table(
        source=source,
        choices=choices,
        archs=np.array([rows[k][0] for k in keys], dtype=np.uint8),
        keys=np.array(keys, dtype=np.uint64),
        trainings={t: _training(runs) for t, runs in sorted(by_training.items())},
    )


def _training(cells: list[list[Run]]) -> Training:
    runs = [run for cell in cells for run in sorted(cell, key=lambda run: run.seed)]
    epochs = np.arange(1, runs[0].epochs + 1)
    names = dict.fromkeys(name for run in runs for name in run.splits)
    return Training(
        epochs=epochs,
        starts=np.append(0, np.cumsum([len(cell) for cell in cells])),
        seeds=np.array([run.seed for run in runs]),
        seconds=_seconds([run.seconds for run in runs], epochs),
        splits={name: _split([run.splits.get(name) for run in runs]) for name in names},
        recorded={
            name: np.array([run.recorded[name] for run in runs])
            for name in runs[0].recorded
        },
    )


def _seconds(
    values: Sequence[float | NDArray[np.float64]], epochs: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Keep one figure a run, [R], if none differs between epochs; else [R, E]."""
    if all(isinstance(value, float) for value in values):
        return np.array(values, dtype=np.float64)
    return np.array(
        [value * epochs if isinstance(value, float) else value for value in values]
    )


def _split(runs: Sequence[Measured | None]) -> Split:
    there = [run for run in runs if run is not None]
    epochs = sorted({epoch for run in there for epoch in run.epochs})
    column = {epoch: n for n, epoch in enumerate(epochs)}
    shape = (len(runs), len(epochs))
    right = np.full(shape, np.nan)
    loss = None if there[0].loss is None else np.full(shape, np.nan)
    for n, run in enumerate(runs):
        if run is not None:
            at = [column[epoch] for epoch in run.epochs]
            right[n, at] = run.percent
            if loss is not None and run.loss is not None:
                loss[n, at] = run.loss
    passes = [None if run is None else run.seconds for run in runs]
    known = [np.nan if one is None else one for one in passes]
    ones = np.ones(max([np.size(one) for one in known]), dtype=np.int64)
    return Split(
        epochs=np.array(epochs, dtype=np.int64),
        right=right,
        whole=100,
        loss=loss,
        seconds=None if all(p is None for p in passes) else _seconds(known, ones),
    )


def compact(training: Training, name: str) -> Training:
    """Turn percentages into counts of images wherever that loses no digit.

    Args:
        training: One of `table`, or several of them merged.
        name: Of the data set.
    """
    return replace(
        training,
        splits={
            split: _counted(figures, IMAGES[name, "train" if split == TOP5 else split])
            for split, figures in training.splits.items()
        },
    )


def _counted(split: Split, images: int) -> Split:
    percent = split.right
    there = ~np.isnan(percent)
    right = np.round(percent * images / 100)
    last, sums = last_batch(images)
    # What the rounding of the last batch added, and so how much of it was right.
    delta = sums - 100 * np.arange(last + 1)
    order = np.argsort(delta, kind="stable")
    order = order[np.append(True, np.diff(delta[order]) > 0)]
    middles = (delta[order][1:] + delta[order][:-1]) / 2
    tail = order[np.searchsorted(middles, percent * images - 100 * right)]
    again = (100 * (right - tail) + sums[tail]) / images
    if not np.array_equal(again[there], percent[there]):
        return split
    kind = np.uint16 if images < np.iinfo(np.uint16).max else np.uint32
    right[~there] = np.iinfo(kind).max
    return replace(
        split,
        right=right.astype(kind),
        whole=images,
        tail=tail.astype(np.uint8) if len(order) > 1 else None,
    )


@cache
def last_batch(images: int) -> tuple[int, NDArray[np.float64]]:
    """Size n of the last batch, and n times its accuracy if 0, ..., n are right.

    The accuracy of a batch is computed in single precision and averaged in double.
    """
    n = images % BATCH or BATCH
    accuracy = np.arange(n + 1, dtype=np.float32) * np.float32(100 / n)
    return n, n * accuracy.astype(np.float64)


def published(split: Split, at: Any = ...) -> NDArray[np.float64]:
    """Give accuracies back as they were published, in percent, to the last digit.

    Args:
        split: One that `compact` made.
        at: Index of `split.right`; nan is not recorded.
    """
    right = np.asarray(split.right[at])
    if not split.counted:
        return right
    assert split.whole is not None  # it is counted
    missing = right == np.iinfo(right.dtype).max
    tail = 0 if split.tail is None else np.asarray(split.tail[at]).astype(np.int64)
    sums = last_batch(split.whole)[1]
    percent = (100 * (right.astype(np.float64) - tail) + sums[tail]) / split.whole
    return np.where(missing, np.nan, percent)
