"""One estimator, judged on architectures that it has not learnt from.

No network is on both sides: of the architectures that compute the same, only the first
that comes up is taken at all. So a model cannot have seen a network under another
spelling, and no network counts twice.
"""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from benchsuite.core import InputError
from benchsuite.estimators.metrics import Figures, among_best, measure
from benchsuite.estimators.protocol import NOTHING, Array, Estimator, Judgement, Seen
from benchsuite.spaces import Architecture, SearchSpace

COVERED = 1.959963984540054
"""Standard deviations on either side that hold 95 % of a normal distribution."""


class Split(NamedTuple):
    """Architectures to test on, and others to learn from; no two isomorphic."""

    test: Sequence[Architecture]
    train: Sequence[Architecture]


class Cost(NamedTuple):
    """What an estimator takes, in seconds.

    Attributes:
        setup: Of training what it learns from, on the benchmark's clock.
        query: Of training one architecture that is judged, on the same clock.
        fit: Of learning; measured.
        estimate: Of one judgement; measured.
    """

    setup: float
    query: float
    fit: float
    estimate: float


class Assessment(NamedTuple):
    """How good and how costly an estimator was.

    Attributes:
        all: On all test architectures.
        best: On those within the truly best share.
        coverage: Share of the truth within 95 % intervals; nan if there are none.
        cost: Of it.
    """

    all: Figures
    best: Figures
    coverage: float
    cost: Cost


class Sample(NamedTuple):
    """Architectures and what an estimator may see of them."""

    archs: Sequence[Architecture]
    seen: Seen


EMPTY = Sample((), NOTHING)


def split(
    space: SearchSpace, archs: Iterable[Architecture], *, test: int, train: int
) -> Split:
    """Take the first of each isomorphism class: so many to test on, then others.

    More to learn from only adds some at the end, and leaves the test as it is.

    Raises:
        InputError: `archs` has not so many classes.
    """
    classes: dict[Architecture, Architecture] = {}
    for arch in archs:
        classes.setdefault(space.canonical(arch), arch)
        if len(classes) == test + train:
            firsts = list(classes.values())
            return Split(firsts[:test], firsts[test:])
    raise InputError(
        f"{space.name} gave {len(classes):,} different networks that can be compared,"
        f" not the {test + train:,} of --test-size and --train-size together: ask for"
        " fewer"
    )


def assess(
    estimator: Estimator,
    train: Sample,
    test: Sample,
    truth: Array,
    *,
    rng: np.random.Generator,
    k: int = 10,
    share: float = 0.1,
    clock: Callable[[], float] = time.perf_counter,
) -> Assessment:
    """Let an estimator learn and judge, and measure its judgement.

    Args:
        estimator: It is fitted here.
        train: What it learns from; `EMPTY` if it learns nothing.
        test: What it judges, B architectures.
        truth: float64 [B], accuracies to report of those.
        rng: Its source of randomness.
        k: How many architectures are chosen by their scores.
        share: Of the truly best that are looked at on their own.
        clock: Gives seconds.
    """
    start = clock()
    if estimator.learns_from:
        estimator.fit(*train, rng)
    learnt = clock()
    judged = estimator.estimate(*test)
    done = clock()
    best = among_best(truth, share)
    return Assessment(
        all=measure(judged.score, truth, k=k, predicts=estimator.predicts),
        best=measure(judged.score[best], truth[best], k=k, predicts=estimator.predicts),
        coverage=_coverage(judged, truth),
        cost=Cost(
            setup=float(_ends(train.seen).sum()) if estimator.learns_from else 0.0,
            query=float(_ends(test.seen).mean()) if estimator.epochs else 0.0,
            fit=learnt - start,
            estimate=(done - learnt) / len(truth),
        ),
    )


def _ends(seen: Seen) -> Array:
    """Seconds up to the last epochs that were asked for, [B]."""
    return seen.seconds[:, -1]


def _coverage(judged: Judgement, truth: Array) -> float:
    """Count intervals that hold the truth, of architectures that were judged."""
    if judged.std is None:
        return math.nan
    off = np.abs(judged.score - truth)
    there = np.isfinite(off) & np.isfinite(judged.std)
    if not there.any():
        return math.nan
    return float((off[there] <= COVERED * judged.std[there]).mean())
