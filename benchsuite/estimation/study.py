"""Many estimators on one benchmark, seed by seed.

A seed draws the architectures to test on and those to learn from, and picks which
training run of each is seen. All estimators of a seed see the same, and a smaller
training set is the beginning of a larger one, so differences are paired.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchsuite.core import Benchmark, InputError
from benchsuite.estimation.observe import (
    architectures,
    offer,
    told,
    truth,
)
from benchsuite.estimators import Estimator, MissingError, defaults, find
from benchsuite.estimators.comparison import (
    EMPTY,
    Assessment,
    Sample,
    Split,
    assess,
    split,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is compared, and how.

    Attributes:
        estimators: In the order of asking, each once.
        train_sizes: Ascending; 0 alone if no estimator learns.
        test_size: Architectures to judge.
        seeds: One draw of architectures each.
        k: How many architectures are chosen by their scores.
        notes: What is left out, and why.
    """

    estimators: tuple[Estimator, ...]
    train_sizes: tuple[int, ...]
    test_size: int
    seeds: Sequence[int]
    k: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """One estimator in one seed.

    Attributes:
        estimator: It.
        train_size: Architectures that it has learnt from; 0 if it learns nothing.
        seed: Of the draw.
        assessment: What came out.
    """

    estimator: Estimator
    train_size: int
    seed: int
    assessment: Assessment


def plan(
    benchmark: Benchmark,
    names: Sequence[str],
    train_sizes: Sequence[int],
    *,
    test_size: int,
    seeds: Sequence[int],
    k: int = 10,
) -> Plan:
    """Find the estimators, and leave out what the benchmark has nothing for.

    Args:
        benchmark: What they are compared on.
        names: Of estimators; those of `defaults` if empty.
        train_sizes: Architectures to learn from.
        test_size: Architectures to judge.
        seeds: One draw of architectures each.
        k: How many architectures are chosen by their scores.

    Raises:
        InputError: A name or a size is wrong, or nothing is left to compare.
    """
    if min(train_sizes, default=0) < 2:
        raise InputError("--train-size takes numbers of architectures from 2 on")
    if test_size <= k or k < 1:
        raise InputError(
            f"--test-size must exceed --k, which is 1 or more, not {test_size} and {k}"
        )
    there = offer(benchmark)
    found: dict[str, Estimator] = {}
    missing: dict[str, list[str]] = {}
    for name in names or defaults(there):
        try:
            estimator = find(name, there)
        except MissingError as error:
            missing.setdefault(error.reason, []).append(name)
        else:
            found.setdefault(estimator.name, estimator)
    notes = [f"{', '.join(names)}: {reason}" for reason, names in missing.items()]
    if not found:
        raise InputError("; ".join(notes) or "there is no estimator to compare")
    learns = any(estimator.learns_from for estimator in found.values())
    return Plan(
        tuple(found.values()),
        tuple(sorted(set(train_sizes))) if learns else (0,),
        test_size,
        seeds,
        k,
        tuple(notes),
    )


def study(benchmark: Benchmark, plan: Plan) -> Iterator[Result]:
    """Yield the result of each estimator, seed by seed."""
    most = plan.train_sizes[-1]
    for seed in plan.seeds:
        rng = np.random.default_rng((seed, 0))  # sizes of training sets are 2 or more
        drawn = architectures(benchmark, plan.test_size + most, rng)
        parts = split(benchmark.space, drawn, test=plan.test_size, train=most)
        true = truth(benchmark, parts.test, seed)
        for estimator in plan.estimators:
            test = Sample(
                parts.test,
                told(benchmark, estimator, parts.test, estimator.epochs, seed),
            )
            for size, train in _trainings(benchmark, estimator, plan, parts, seed):
                result = assess(
                    estimator,
                    train,
                    test,
                    true,
                    rng=np.random.default_rng((seed, size)),
                    k=plan.k,
                )
                yield Result(estimator, size, seed, result)


def _trainings(
    benchmark: Benchmark, estimator: Estimator, plan: Plan, parts: Split, seed: int
) -> Iterator[tuple[int, Sample]]:
    """Yield what an estimator learns from, by size."""
    if not estimator.learns_from:
        yield 0, EMPTY
        return
    seen = told(benchmark, estimator, parts.train, estimator.learns_from, seed)
    for size in plan.train_sizes:
        part = seen._replace(errors=seen.errors[:size], seconds=seen.seconds[:size])
        yield size, Sample(parts.train[:size], part)
