"""Estimators as judges, by name: what `benchsuite estimators` compares, in a search.

An estimator holds no benchmark and is told validation figures only, so a strategy that
asks one sees nothing that it may not. Models are fitted anew as trainings come in,
whenever they have doubled.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from benchsuite.core import InputError, Observation, Trial
from benchsuite.spaces import Architecture, SearchSpace
from benchsuite.strategies.judges import MakeJudge

if TYPE_CHECKING:
    from benchsuite.estimators import Estimator
    from benchsuite.estimators.protocol import Seen

_FIRST = 20  # trainings to learn from, at least
_GROWTH = 2  # until the next fit


class ByEstimator:
    """Scores by an estimator, which learns from what the search has trained in full.

    Attributes:
        epochs: What it must be told of a candidate.
    """

    def __init__(self, estimator: "Estimator", rng: np.random.Generator) -> None:
        self.epochs = estimator.epochs
        self._estimator, self._rng = estimator, rng
        self._archs: list[Architecture] = []
        self._outcomes: list[Observation] = []
        self._enough, self._ready = _FIRST, not estimator.learns_from

    def learn(self, trial: Trial, observation: Observation) -> None:
        """Remember full training, if the estimator learns from that."""
        learns_from = self._estimator.learns_from
        if learns_from and trial.epochs == learns_from[-1]:
            self._archs.append(trial.arch)
            self._outcomes.append(observation)

    def score(self, arch: Architecture, seen: Sequence[Observation]) -> float:
        """Ask the estimator; no opinion before it has learnt.

        Raises:
            InputError: The benchmark has no such metric.
        """
        if not self._estimator.learns_from:
            return _score(self._estimator, arch, seen)
        if len(self._archs) >= self._enough:
            told = _seen([[outcome] for outcome in self._outcomes])
            self._estimator.fit(self._archs, told, self._rng)
            self._ready, self._enough = True, _GROWTH * len(self._archs)
        return _score(self._estimator, arch, seen) if self._ready else math.nan


def find(name: str, space: SearchSpace, epochs: tuple[int, ...]) -> "Estimator":
    """Find an estimator that a search can ask.

    Whether a benchmark has the metric that it scores by is seen when that is told.

    Args:
        name: Such as "model/RandomForest", "zero_cost/params", "power_law@20".
        space: What is searched.
        epochs: The fidelities.

    Raises:
        InputError: There is none, or it needs what a search cannot tell it.
    """
    from benchsuite import estimators

    def unknown(*_: object) -> NoReturn:
        raise InputError(f"a search cannot tell {name} what it needs")

    offer = estimators.Offer(
        name="the search",
        space=space,
        epochs=epochs,
        metrics=(name.partition("/")[2],),
        losses=False,
        schedules=(),
        inherited=unknown,
        networks=unknown,
    )
    found = estimators.find(name, offer)
    if len(found.learns_from) > 1:
        raise InputError(f"{name} learns from whole curves, which a search has not")
    return found


def extrapolated(
    name: str, space: SearchSpace, curve: Sequence[tuple[int, Observation]], last: int
) -> float:
    """Let an estimator of learning curves say how a training will end.

    Args:
        name: Of a family that sees beginnings of curves, such as "power_law".
        space: What is searched.
        curve: Epochs, ascending, and what was observed after each.
        last: The epoch in question.

    Returns:
        The error then; the last error where the curve is too short to say anything.
    """
    from benchsuite.estimators import MissingError

    epochs = tuple(e for e, _ in curve)
    try:
        estimator = find(f"{name}@{epochs[-1]}", space, (*epochs, last))
    except MissingError:
        return curve[-1][1].error
    return 1 - _score(estimator, (), [observation for _, observation in curve])


def by_estimator(name: str) -> MakeJudge:
    """Make an estimator's name a judge; see `find`."""

    def make(
        space: SearchSpace, epochs: tuple[int, ...], rng: np.random.Generator
    ) -> ByEstimator:
        return ByEstimator(find(name, space, epochs), rng)

    return make


def _score(
    estimator: "Estimator", arch: Architecture, seen: Sequence[Observation]
) -> float:
    """Ask an estimator of one architecture; what cannot be judged is -inf.

    Raises:
        InputError: The benchmark has no such metric.
    """
    metrics = seen[0].metrics if seen else {}
    given = {name: np.array([value]) for name, value in metrics.items()}
    told = _seen([seen])._replace(metrics=given)
    try:
        score = estimator.estimate([arch], told).score.item(0)
    except KeyError as error:
        raise InputError(
            f"{estimator.name} scores by a metric that the benchmark has not; it has"
            f" {', '.join(sorted(metrics)) or 'none'}"
        ) from error
    return -math.inf if math.isnan(score) else score


def _seen(told: Sequence[Sequence[Observation]]) -> "Seen":
    """Arrange what was observed of B architectures after the same F epochs."""
    from benchsuite.estimators.protocol import Seen

    shape = len(told), len(told[0])
    errors = np.array([[o.error for o in row] for row in told]).reshape(shape)
    seconds = np.array([[o.cost for o in row] for row in told]).reshape(shape)
    return Seen(errors, seconds)
