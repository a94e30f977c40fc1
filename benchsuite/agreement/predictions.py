"""How well a model predicts cells that it has not learned from.

Zela et al., "Surrogate NAS Benchmarks: Going Beyond the Limited Search Spaces of
Tabular NAS Benchmarks", ICLR 2022, sec. 4: R2 and sparse Kendall on held-out cells, and
on those of an optimiser that was left out. https://arxiv.org/abs/2008.09777

No cell that is judged is isomorphic to one that was learned from: cells of one graph,
or of one representative where a space has no graphs, count as one.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from benchsuite.benchmarks.tabular import TabularBenchmark
from benchsuite.core import InputError
from benchsuite.estimation.observe import offer
from benchsuite.estimators import find
from benchsuite.estimators.protocol import Judgement, Seen
from benchsuite.fitting import METRICS, Runs, recorded
from benchsuite.spaces import Architecture, SearchSpace
from benchsuite.spaces.graph import graphs, layout

LEVELS = (50, 80, 95)
"""Percentages of runs that intervals should hold."""
FIGURES = (*METRICS, *(f"coverage_{level}" for level in LEVELS))


class Quality(NamedTuple):
    """How good predictions were.

    Attributes:
        learned: Cells that were learned from.
        judged: Cells that were predicted.
        values: By name of `FIGURES`; nan where a figure is not defined.
    """

    learned: int
    judged: int
    values: Mapping[str, float]


def different(
    space: SearchSpace,
    archs: Iterable[Architecture],
    known: Iterable[Architecture] = (),
) -> Iterator[Architecture]:
    """Yield architectures of which none is isomorphic to another, or to one of `known`.

    Example:
        >>> from benchsuite.spaces import NATS_TSS
        >>> cells = [(0, 0, 0, 0, 0, 0), (1, 0, 0, 0, 0, 0), (0, 0, 0, 1, 0, 0)]
        >>> list(different(NATS_TSS, cells))  # of the first two, nothing comes out
        [(0, 0, 0, 0, 0, 0), (0, 0, 0, 1, 0, 0)]
    """
    seen = {_identity(space, arch) for arch in known}
    for arch in archs:
        identity = _identity(space, arch)
        if identity not in seen:
            seen.add(identity)
            yield arch


def _identity(space: SearchSpace, arch: Architecture) -> Hashable:
    try:
        layout(space)
    except ValueError:  # no cells
        return space.canonical(arch)
    return graphs(space, arch)


def judged(
    benchmark: TabularBenchmark,
    model: str,
    learned: Sequence[Architecture],
    other: Sequence[Architecture],
    rng: np.random.Generator,
) -> Quality:
    """Fit a model to the recorded runs of some cells, and predict others.

    Args:
        benchmark: Validation errors after full training are learned and predicted.
        model: A name of `surrogates.MODELS`, perhaps with "+" and an encoding.
        learned: To learn from.
        other: To predict; none is isomorphic to one of `learned`.
        rng: Seeds the model.
    """
    estimator = find(f"model/{model}", offer(benchmark))
    known = recorded(benchmark, learned)
    errors = known.errors[:, -1:]
    told = Seen(errors, known.seconds[:, None])
    estimator.fit([learned[row] for row in known.rows], told, rng)
    said = estimator.estimate(other, Seen(np.empty((len(other), 0)), np.empty((0, 0))))
    return Quality(
        len(learned), len(other), figures(said, recorded(benchmark, other), len(other))
    )


def figures(said: Judgement, runs: Runs, cells: int) -> dict[str, float]:
    """Compare predicted accuracies with recorded runs.

    Args:
        said: Predictions of all cells, with a standard deviation.
        runs: Of these cells.
        cells: How many they are.

    Returns:
        `METRICS` of predictions against means over runs, and of each of `LEVELS` the
        share of runs that lie in the interval.
    """
    right = 1 - runs.errors[:, -1]
    count = np.bincount(runs.rows, minlength=cells)
    there = count > 0
    truth = np.bincount(runs.rows, right, cells)[there] / count[there]
    values = {
        name: metric(said.score[there], truth) for name, metric in METRICS.items()
    }
    assert said.std is not None  # models have one
    off = np.abs(right - said.score[runs.rows])
    for level in LEVELS:
        width = norm.ppf(0.5 + level / 200) * said.std[runs.rows]
        values[f"coverage_{level}"] = float((off <= width).mean())
    return values


def cross_validated(
    benchmark: TabularBenchmark,
    model: str,
    *,
    cells: int,
    folds: int,
    seed: int,
) -> Iterator[Quality]:
    """Hold out each of several parts of some cells in turn.

    Raises:
        InputError: There are not so many different cells, or fewer than two a fold.
    """
    if folds < 2 or cells < 2 * folds:
        raise InputError(f"{cells} cells cannot be shared out to {folds} folds")
    rng = np.random.default_rng(seed)
    drawn = sample(benchmark, cells, rng)
    for fold in range(folds):
        out = drawn[fold::folds]
        kept = [arch for n, arch in enumerate(drawn) if n % folds != fold]
        yield judged(benchmark, model, kept, out, rng)


def sample(
    benchmark: TabularBenchmark, count: int, rng: np.random.Generator
) -> list[Architecture]:
    """Draw different cells of a table.

    Raises:
        InputError: There are not so many.
    """
    order = rng.permutation(len(benchmark.archs))
    archs = (tuple(benchmark.archs[row].tolist()) for row in order)
    drawn = [
        arch
        for _, arch in zip(
            range(count), different(benchmark.space, archs), strict=False
        )
    ]
    if len(drawn) < count:
        raise InputError(
            f"{benchmark.name} has {len(drawn):,} different cells, not {count:,}"
        )
    return drawn


def left_out(
    benchmark: TabularBenchmark,
    model: str,
    visited: Mapping[str, Sequence[Architecture]],
    *,
    most: int,
    seed: int,
) -> Iterator[tuple[str, Quality]]:
    """Learn from what all optimisers but one visited, and predict what that one did.

    Args:
        benchmark: A table.
        model: As for `judged`.
        visited: What each optimiser trained, by its name.
        most: Cells to learn from, at most, and to predict.
        seed: Draws them if there are more, and seeds the model.

    Yields:
        Names and figures; optimisers whose cells the others all visited are left out.
    """
    space = benchmark.space
    for name, own in visited.items():
        rng = np.random.default_rng(seed)
        others = [a for other, archs in visited.items() if other != name for a in archs]
        test = _some(list(different(space, own)), most, rng)
        train = _some(list(different(space, others, known=test)), most, rng)
        if min(len(test), len(train)) > 1:
            yield name, judged(benchmark, model, train, test, rng)


def _some(
    archs: list[Architecture], most: int, rng: np.random.Generator
) -> list[Architecture]:
    """Draw without replacement, if there are more."""
    order: NDArray[np.intp] = rng.permutation(len(archs))[:most]
    return [archs[n] for n in order]
