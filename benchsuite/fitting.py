"""Surrogates fitted to a benchmark: from its trained networks to a model in a file.

A model learns the validation errors that a search may see, of every recorded run, and
never a test error. It is judged on networks of other isomorphism classes: by the mean
that it predicts against the mean over their runs, and by how many of their runs lie in
its 95 % intervals.
"""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchsuite.benchmarks.fitted import RUN_NOISE
from benchsuite.benchmarks.tabular import TabularBenchmark
from benchsuite.core import Benchmark, InputError
from benchsuite.estimators.comparison import COVERED, Split, split
from benchsuite.estimators.metrics import kendall, mae, r2, sparse_kendall, spearman
from benchsuite.names import pick
from benchsuite.spaces import SPACES, Architecture, SearchSpace
from benchsuite.spaces.encodings import ENCODINGS, Encode, graph_size
from surrogates import MODELS, DataError, Model
from surrogates.fitted import Fitted, Origin

METRICS: Mapping[str, Callable[[NDArray[np.float64], NDArray[np.float64]], float]] = {
    "r2": r2,
    "kendall": kendall,
    "sparse_kendall": sparse_kendall,
    "spearman": spearman,
    "mae": mae,
}
"""Of predicted and true accuracies."""


_NEAREST = 1e-4  # to 0 and 1
_MEDIAN = 0.6744897501960817  # of the absolute value of a standard normal


class Runs(NamedTuple):
    """R recorded runs of some architectures.

    Attributes:
        rows: int64 [R], the number of its architecture.
        errors: float64 [R, E], on the validation set; 1 if training diverged.
        seconds: float64 [R], of the whole training.
    """

    rows: NDArray[np.int64]
    errors: NDArray[np.float64]
    seconds: NDArray[np.float64]


def fit(
    benchmark: Benchmark,
    model: str,
    *,
    train_size: int,
    test_size: int = 500,
    seed: int = 0,
    encoding: str = "",
    settings: Mapping[str, str] | None = None,
) -> Fitted:
    """Fit a model to architectures of a table, and judge it on others.

    Args:
        benchmark: A table.
        model: A name of `surrogates.MODELS`; "surrogates." before it is no harm.
        train_size: Architectures to learn from, no two of them isomorphic.
        test_size: Architectures to judge it on.
        seed: Draws the architectures, and seeds the model.
        encoding: A name of `ENCODINGS`; if none, what suits the model.
        settings: Of the model, as typed.

    Raises:
        InputError: Something named is unknown, the benchmark is no table or too small,
            or its space has no such encoding.
        DataError: The model refuses its settings or what it is to learn.
    """
    if not isinstance(benchmark, TabularBenchmark):
        raise InputError(
            f"{benchmark.name} is no table: a surrogate is fitted to recorded runs"
        )
    space = benchmark.space
    if SPACES.get(space.name) != space:
        raise InputError(f"a surrogate of {space.name} could not be opened again")
    if min(train_size, test_size) < 2:
        raise InputError(
            "a surrogate learns from 2 architectures or more and is judged on as many:"
            f" --train-size is {train_size}, --test-size {test_size}"
        )
    name = model.removeprefix("surrogates.")
    make = pick("model", name, MODELS)
    encoding = _encoding(make, encoding)
    encode = _encoder(encoding, space)
    built: Model = make(**_settings(make, settings or {}, space, seed))
    chosen = _split(benchmark, train_size, test_size, seed)
    runs = recorded(benchmark, chosen.train)
    built.fit(
        encode(chosen.train)[runs.rows],
        runs.errors if len(benchmark.epochs) > 1 else runs.errors[:, 0],
        runs.seconds,
        groups=runs.rows,
    )
    origin = Origin(
        space=space.name,
        encoding=encoding,
        table=benchmark.name,
        digest=benchmark.table.digest,
        cells=len(chosen.train),
        seed=seed,
        epochs=benchmark.epochs,
        metrics={
            **judge(built, encode(chosen.test), recorded(benchmark, chosen.test)),
            **run_noise(runs),
        },
    )
    return Fitted(built, origin)


def _split(benchmark: TabularBenchmark, train: int, test: int, seed: int) -> Split:
    """Draw architectures of different isomorphism classes, to judge on and to learn."""
    archs = benchmark.archs
    order = np.random.default_rng(seed).permutation(len(archs))
    drawn = (tuple(archs[row].tolist()) for row in order)
    return split(benchmark.space, drawn, test=test, train=train)


def _encoding(make: type[Model], encoding: str) -> str:
    """Name the encoding: as asked for, or what suits the model."""
    graph = "vertices" in _defaults(make)
    name = encoding or ("adjacency" if graph else "one_hot")
    if graph and name != "adjacency":
        raise InputError(
            f"{make.__name__} reads graphs, --encoding adjacency, not {name}"
        )
    pick("encoding", name, ENCODINGS)
    return name


def _settings(
    make: type[Model],
    typed: Mapping[str, str],
    space: SearchSpace,
    seed: int,
) -> dict[str, Any]:
    """Read settings as the types of their defaults have them, and add what follows."""
    defaults = _defaults(make)
    values: dict[str, Any] = {"seed": seed}
    if "vertices" in defaults:
        values["vertices"], values["labels"] = graph_size(space)
    for name, text in typed.items():
        values[name] = _value(name, text, pick("setting", name, defaults))
    return values


def _defaults(make: type[Model]) -> dict[str, Any]:
    """Name the settings of a model, with their defaults."""
    return {
        name: parameter.default
        for name, parameter in inspect.signature(make).parameters.items()
    }


def _value(name: str, text: str, default: object) -> object:
    """Read a setting as its default is."""
    if isinstance(default, bool):
        return pick("value", text, {"True": True, "False": False})
    kind = {int: int, float: float}.get(type(default), str)
    try:
        return kind(text)
    except ValueError:
        raise InputError(f"{name} takes {kind.__name__}, not {text!r}") from None


def _encoder(name: str, space: SearchSpace) -> Encode:
    """Make what makes rows.

    Raises:
        InputError: Architectures of the space have no such encoding.
    """
    try:
        return ENCODINGS[name](space)
    except ValueError as error:
        raise InputError(f"{error}; --encoding one_hot is for any space") from error


def recorded(benchmark: TabularBenchmark, archs: Sequence[Architecture]) -> Runs:
    """Read the runs of some architectures that a search may see.

    Those whose seconds are not recorded are left out, as a search cannot see them.
    """
    rows, errors, seconds = [], [], []
    for row, arch in enumerate(archs):
        for run in range(benchmark.count(arch)):
            curve, since = benchmark.curve(arch, run)
            if math.isfinite(since[-1]):
                rows.append(row)
                errors.append(np.minimum(curve, 1.0))
                seconds.append(since[-1])
    if not rows:
        raise DataError(f"{benchmark.name} has no whole run of the {len(archs)} drawn")
    return Runs(np.array(rows), np.array(errors), np.array(seconds))


def judge(model: Model, rows: NDArray[np.float32], runs: Runs) -> dict[str, float]:
    """Compare predictions after full training with what was recorded.

    Args:
        model: It is fitted.
        rows: [B, F], of architectures that it has not learned from.
        runs: Of those.

    Returns:
        `METRICS` and "coverage", the share of runs within 95 % intervals. A metric that
        is not defined, such as a correlation of constants, is left out.
    """
    said = model.predict(rows)
    mean, std = (array.reshape(len(rows), -1)[:, -1] for array in said)
    last = runs.errors[:, -1]
    count = np.bincount(runs.rows, minlength=len(rows))
    there = count > 0
    truth = np.bincount(runs.rows, last, len(rows))[there] / count[there]
    inside = np.abs(last - mean[runs.rows]) <= COVERED * std[runs.rows]
    values = {
        name: metric(1 - mean[there], 1 - truth) for name, metric in METRICS.items()
    }
    values["coverage"] = float(inside.mean())
    return {name: value for name, value in values.items() if math.isfinite(value)}


def run_noise(runs: Runs) -> dict[str, float]:
    """Estimate how runs of one network differ, after full training.

    It is a standard deviation on the scale log(e / (1 - e)), on which networks of small
    and of large errors have about the same: from the median distance of the runs of a
    network from one another, which is sqrt(2) .6745 of it if they are normal, and does
    not heed the few that fail to train in one run only.

    Returns:
        By name; nothing if no network has two runs.
    """
    last = np.clip(runs.errors[:, -1], _NEAREST, 1 - _NEAREST)
    scaled = np.log(last / (1 - last))
    first, second = _pairs(runs)
    if not len(first):
        return {}
    distance = np.median(np.abs(scaled[first] - scaled[second]))
    return {RUN_NOISE: float(distance / (math.sqrt(2) * _MEDIAN))}


def _pairs(runs: Runs) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Number all pairs of runs of one network; runs of a network are neighbours."""
    pairs = [
        np.flatnonzero(runs.rows[:-step] == runs.rows[step:])
        for step in range(1, np.bincount(runs.rows).max())
    ]
    steps = [np.full(len(firsts), n + 1) for n, firsts in enumerate(pairs)]
    none = np.zeros(0, dtype=np.intp)
    first = np.concatenate([none, *pairs])
    return first, first + np.concatenate([none, *steps])
