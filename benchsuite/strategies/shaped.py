"""Shaped rewards: a single-objective strategy that heeds constraints.

Deb, "An Efficient Constraint Handling Method for Genetic Algorithms", Computer Methods
in Applied Mechanics and Engineering 186, 2000.
Tan et al., "MnasNet: Platform-Aware Neural Architecture Search for Mobile", CVPR 2019,
eq. 2 and 3. https://arxiv.org/abs/1807.11626
Bender et al., "Can Weight Sharing Outperform Random Architecture Search? An
Investigation with TuNAS", CVPR 2020, sec. 4. https://arxiv.org/abs/2008.06120
"""

import math
from collections.abc import Callable, Mapping

import numpy as np

from benchsuite.core import Observation, Strategy, Trial
from benchsuite.spaces import SearchSpace
from benchsuite.strategies.pareto import violation
from benchsuite.strategies.regularized_evolution import RegularizedEvolution
from benchsuite.strategies.reinforce import Reinforce

Shape = Callable[[Observation, Mapping[str, float]], float]
"""The error to tell a strategy instead of the one that was observed."""


def deb(observation: Observation, constraints: Mapping[str, float]) -> float:
    """Tell what breaks constraints as worse than everything that does not.

    Of two that do, the one that breaks them less is better: 1 + violation.

    Example:
        >>> deb(Observation(0.25, 9.0, {"latency": 3.0}), {"latency": 2.0})
        1.5
    """
    excess = violation(observation, constraints)
    return 1 + excess if excess else observation.error


def mnasnet(observation: Observation, constraints: Mapping[str, float]) -> float:
    """1 - accuracy times (figure / limit)^-0.07 for each constraint: the soft form.

    Example:
        >>> mnasnet(Observation(0.25, 9.0, {"latency": 2.0}), {"latency": 2.0})
        0.25
    """
    reward = 1 - observation.error
    for name, most in constraints.items():
        figure = observation.metrics[name]
        reward *= (figure / most) ** -0.07 if figure == figure else 0.0
    return 1 - reward if reward == reward else math.inf


def tunas(observation: Observation, constraints: Mapping[str, float]) -> float:
    """Error + 0.07 |figure / limit - 1| for each constraint: the absolute reward.

    Example:
        >>> round(tunas(Observation(0.25, 9.0, {"latency": 1.0}), {"latency": 2.0}), 6)
        0.285
    """
    error = observation.error
    for name, most in constraints.items():
        figure = observation.metrics[name]
        error += 0.07 * abs(figure / most - 1) if figure == figure else math.inf
    return error


class Shaped:
    """Tells another strategy shaped errors; asks what that one asks.

    Args:
        strategy: The other strategy.
        shape: Turns an observation into the error that is told.
        constraints: Given by the rules; without any, nothing is shaped.
    """

    def __init__(
        self, strategy: Strategy, shape: Shape, constraints: Mapping[str, float]
    ) -> None:
        self._strategy, self._shape = strategy, shape
        self._constraints = constraints

    def ask(self) -> Trial | None:
        """Ask the other strategy."""
        return self._strategy.ask()

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Shape the error, unless training diverged."""
        if self._constraints and math.isfinite(observation.error):
            error = self._shape(observation, self._constraints)
            observation = observation._replace(error=error)
        self._strategy.tell(trial, observation)


def regularized_evolution_deb(
    space: SearchSpace,
    epochs: tuple[int, ...],
    rng: np.random.Generator,
    *,
    constraints: Mapping[str, float] = {},
) -> Shaped:
    """Regularized evolution by Deb's rule."""
    return Shaped(RegularizedEvolution(space, epochs, rng), deb, constraints)


def regularized_evolution_mnasnet(
    space: SearchSpace,
    epochs: tuple[int, ...],
    rng: np.random.Generator,
    *,
    constraints: Mapping[str, float] = {},
) -> Shaped:
    """Regularized evolution by MnasNet's soft reward."""
    return Shaped(RegularizedEvolution(space, epochs, rng), mnasnet, constraints)


def reinforce_tunas(
    space: SearchSpace,
    epochs: tuple[int, ...],
    rng: np.random.Generator,
    *,
    constraints: Mapping[str, float] = {},
) -> Shaped:
    """REINFORCE by TuNAS's absolute reward."""
    return Shaped(Reinforce(space, epochs, rng), tunas, constraints)
