"""What estimators are told of a benchmark, and the truth that they are not told."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchsuite.benchmarks import known, live, load, needs
from benchsuite.benchmarks.tabular import TabularBenchmark
from benchsuite.core import Benchmark, InputError, Trial
from benchsuite.estimation.networks import networks
from benchsuite.estimators import Offer
from benchsuite.estimators.learning_curves import TrainingLosses
from benchsuite.estimators.protocol import Array, Estimator, Seen
from benchsuite.spaces import Architecture, SearchSpace
from surrogates import DataError

_LISTED = 1 << 18  # architectures of a space that is listed rather than drawn from
_DRAWS = 50  # for each architecture that is wanted
_FEW = 8  # epochs that are looked up one by one rather than as whole curves


class Figures(Mapping[str, Array]):
    """Metrics of architectures by name, read when they are looked at."""

    def __init__(
        self, names: Sequence[str], read: Callable[[str], Sequence[float]]
    ) -> None:
        self._names, self._read = names, read

    def __getitem__(self, name: str) -> Array:
        if name not in self._names:
            raise KeyError(name)
        return np.array(self._read(name), dtype=np.float64)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def offer(benchmark: Benchmark) -> Offer:
    """Say what a benchmark has for estimators."""
    space, name = benchmark.space, benchmark.name
    data = name.partition("/")[2].partition("@")[0]
    return Offer(
        name=name,
        space=space,
        epochs=benchmark.epochs,
        metrics=benchmark.metrics,
        losses=_losses(benchmark) is not None,
        schedules=_schedules(benchmark),
        inherited=lambda method: load(_inherited(space, data, method)).epochs,
        networks=partial(networks, space.name, data),
    )


def source(benchmark: Benchmark, name: str) -> Benchmark:
    """Find what answers an estimator; see `Estimator.source`."""
    if not name:
        return benchmark
    if name.startswith("@"):
        return load(benchmark.name + name)
    method = name.partition("/")[2]
    data = benchmark.name.partition("/")[2].partition("@")[0]
    return load(_inherited(benchmark.space, data, method))


def architectures(
    benchmark: Benchmark, wanted: int, rng: np.random.Generator
) -> Iterator[Architecture]:
    """Yield architectures in random order, of those that the benchmark has.

    Each comes once where the space can be listed; elsewhere they are drawn.
    """
    space = benchmark.space
    if space.size <= _LISTED:
        everything = list(space)
        order = (everything[n] for n in rng.permutation(len(everything)))
    else:
        order = (space.sample(rng) for _ in range(_DRAWS * wanted))
    for arch in order:
        with suppress(KeyError):
            benchmark.evaluate(Trial(arch, benchmark.epochs[-1]), 0)
            if not math.isnan(benchmark.reported_error(arch, 0)):
                yield arch


def observe(
    benchmark: Benchmark,
    archs: Sequence[Architecture],
    epochs: Sequence[int],
    seed: int,
    *,
    losses: bool = False,
) -> Seen:
    """Look up what an estimator asks for, in the run that `seed` picks.

    Args:
        benchmark: What answers.
        archs: [B].
        epochs: [F]; 0 is the untrained network.
        seed: Picks a training run of each.
        losses: Whether to look up training losses, too.
    """
    shape = (len(archs), len(epochs))
    if isinstance(benchmark, TabularBenchmark) and len(epochs) > _FEW:
        at = np.searchsorted(benchmark.epochs, epochs)
        curves = [benchmark.curve(arch, seed) for arch in archs]
        errors = np.array([errors[at] for errors, _ in curves]).reshape(shape)
        seconds = np.array([seconds[at] for _, seconds in curves]).reshape(shape)
    else:
        told = [
            [benchmark.evaluate(Trial(arch, e), seed) for e in epochs] for arch in archs
        ]
        errors = np.array([[o.error for o in row] for row in told]).reshape(shape)
        seconds = np.array([[o.cost for o in row] for row in told]).reshape(shape)
    untrained = [Trial(arch, 0) for arch in archs] if 0 in epochs else []
    metrics = Figures(
        benchmark.metrics if untrained else (),
        lambda name: [benchmark.evaluate(t, seed).metrics[name] for t in untrained],
    )
    recorded = training_losses(benchmark, archs, epochs[-1], seed) if losses else None
    return Seen(errors, seconds, metrics, recorded)


def told(
    benchmark: Benchmark,
    estimator: Estimator,
    archs: Sequence[Architecture],
    epochs: Sequence[int],
    seed: int,
) -> Seen:
    """Tell an estimator what it asks for."""
    answers = source(benchmark, estimator.source)
    losses = isinstance(estimator, TrainingLosses)
    return observe(answers, archs, epochs, seed, losses=losses)


def training_losses(
    benchmark: Benchmark, archs: Sequence[Architecture], last: int, seed: int
) -> Array:
    """Look up training losses of the first epochs, [B, last].

    Raises:
        InputError: They are not recorded.
    """
    found = _losses(benchmark)
    if found is None:
        raise InputError(f"{benchmark.name} records no training losses")
    starts, losses = found
    assert isinstance(benchmark, TabularBenchmark)  # only those have any
    space = benchmark.space
    keys = np.array([space.key(arch) for arch in archs], dtype=np.uint64)
    rows = np.searchsorted(benchmark.table.keys, keys)
    runs = starts[rows] + seed % (starts[rows + 1] - starts[rows])
    return np.asarray(losses[runs, :last], dtype=np.float64)


def truth(benchmark: Benchmark, archs: Sequence[Architecture], seed: int) -> Array:
    """Look up the accuracies to report, [B]; one that diverged is 0."""
    errors = np.array([benchmark.reported_error(arch, seed) for arch in archs])
    return np.asarray(1 - np.where(np.isinf(errors), 1.0, errors))


def _inherited(space: SearchSpace, data: str, method: str) -> str:
    return f"{live.INHERITED}/{space.name}/{data}+{method}"


def _schedules(benchmark: Benchmark) -> tuple[int, ...]:
    """Shorter schedules of the same trainings that are installed, ascending."""
    found = []
    for name in known():
        head, at, epochs = name.partition("@")
        if at and head == benchmark.name and epochs.isdecimal() and not needs(name):
            with suppress(DataError, InputError):
                if load(name).epochs[-1] < benchmark.epochs[-1]:
                    found.append(int(epochs))
    return tuple(sorted(found))


def _losses(
    benchmark: Benchmark,
) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
    """Find the training losses of every epoch from the first on, and whose they are."""
    if not isinstance(benchmark, TabularBenchmark):
        return None
    training = benchmark.table.trainings[benchmark.seen.training]
    split = training.splits.get("train")
    if split is None or split.loss is None:
        return None
    if split.epochs.tolist() != list(range(1, len(split.epochs) + 1)):
        return None
    return training.starts, split.loss
