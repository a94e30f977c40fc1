"""Rung promotion: a halving strategy goes by how a training is expected to end.

Baker, Gupta, Raskar & Naik, "Accelerating Neural Architecture Search using Performance
Prediction", 2017 (Fast Hyperband). https://arxiv.org/abs/1705.10823
Klein, Falkner, Springenberg & Hutter, "Learning Curve Prediction with Bayesian Neural
Networks", ICLR 2017, sec. 4.3. https://openreview.net/forum?id=S11KBYclx
"""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from benchsuite.core import Observation, Strategy, Trial
from benchsuite.spaces import Architecture, SearchSpace
from benchsuite.strategies.by_estimator import extrapolated
from benchsuite.strategies.early_rejection import named


def way(epochs: Sequence[int], had: int, target: int, looks: int) -> list[int]:
    """Choose epochs at which to look on the way to `target`, which is the last.

    They go up from the lowest fidelity, or from what a training has had, which is not
    looked at again. Their logarithms are as evenly spaced as the fidelities allow.

    Example:
        >>> way(range(1, 100), had=0, target=9, looks=2), way((1, 3, 9), 3, 9, 2)
        ([1, 3, 9], [9])
    """
    between = [e for e in epochs if had < e < target]
    if not between:
        return [target]
    start, steps = (had, looks + 1) if had else (epochs[0], looks)
    wanted = [start * (target / start) ** (n / steps) for n in range(had > 0, steps)]
    near = {min(between, key=lambda e: abs(e - w)) for w in wanted}
    return [*sorted(near), target]


class RungPromotion:
    """Tells another strategy the error that a training is expected to end with.

    On the way to what the other strategy asks for, a training is looked at `looks`
    times more: shorter trials of the same architecture, which together cost what the
    last one does if promotions resume. The learning curve so far is extrapolated; full
    training is told as it is. A curve of fewer than three points is not extrapolated.
    Where there is one fidelity, nothing is changed. Waits if the other strategy does.

    How the curve is extrapolated is `benchsuite.estimators`'; looks are a choice made
    here, since papers see every epoch of a training.

    Raises:
        ValueError: `looks` is below 0.
    """

    def __init__(
        self,
        space: SearchSpace,
        epochs: tuple[int, ...],
        rng: np.random.Generator,
        *,
        strategy: str = "asha",
        estimator: Literal["power_law", "curve_mixture"] = "power_law",
        looks: int = 3,
    ) -> None:
        if looks < 0:
            raise ValueError(f"looks must be at least 0, not {looks}")
        self._strategy: Strategy = named(strategy)(space, epochs, rng)
        self._space, self._epochs, self._looks = space, epochs, looks
        self._estimator = estimator
        self._curves: dict[Architecture, dict[int, Observation]] = {}
        self._walking: dict[Trial, list[tuple[Trial, list[int]]]] = {}
        self._ready: list[Trial] = []

    def ask(self) -> Trial | None:
        """Look once more at a training, or begin with what the other strategy asks."""
        if self._ready:
            return self._ready.pop()
        trial = self._strategy.ask()
        if trial is None or not trial.epochs:
            return trial
        had = max(self._curves.get(trial.arch, ()), default=0)
        if trial.epochs == self._epochs[-1]:
            return self._step(trial, [trial.epochs])
        return self._step(
            trial, way(self._epochs, min(had, trial.epochs), trial.epochs, self._looks)
        )

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Go on with a training, or let the other strategy have what is expected."""
        if trial not in self._walking:
            self._strategy.tell(trial, observation)
            return
        goal, rest = self._walking[trial].pop(0)
        if not self._walking[trial]:
            del self._walking[trial]
        self._curves.setdefault(trial.arch, {})[trial.epochs] = observation
        if rest and math.isfinite(observation.error):
            self._ready.append(self._step(goal, rest))
        else:
            self._strategy.tell(goal, self._expected(goal, observation))

    def _step(self, goal: Trial, rest: list[int]) -> Trial:
        """Make the next trial on the way to a goal."""
        trial = Trial(goal.arch, rest[0])
        self._walking.setdefault(trial, []).append((goal, rest[1:]))
        return trial

    def _expected(self, goal: Trial, observation: Observation) -> Observation:
        """Replace the error by the one that is expected after full training."""
        last = self._epochs[-1]
        if goal.epochs == last or not math.isfinite(observation.error):
            return observation
        curve = sorted(self._curves[goal.arch].items())
        curve = [(e, seen) for e, seen in curve if e <= goal.epochs]
        error = extrapolated(self._estimator, self._space, curve, last)
        return observation._replace(error=error)
