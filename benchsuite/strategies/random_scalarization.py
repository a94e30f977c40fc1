"""Random scalarization: evolve towards one weighted sum of objectives after another.

The augmented Tchebycheff function of Knowles, "ParEGO: A Hybrid Algorithm with On-line
Landscape Approximation for Expensive Multiobjective Optimization Problems", IEEE
Transactions on Evolutionary Computation 10(1), 2006, eq. 2; weights as in Paria,
Kandasamy & Poczos, "A Flexible Framework for Multi-Objective Bayesian Optimization
using Random Scalarizations", UAI 2019. Mutating the best architecture under each is a
choice made here.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from benchsuite.core import Observation, Trial
from benchsuite.spaces import Architecture, SearchSpace
from benchsuite.strategies.pareto import figures, violation

RHO = 0.05  # weight of the sum in the augmented function, as in ParEGO


def tchebycheff(
    values: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Scalarize: the largest weighted objective, and a little of their sum.

    Args:
        values: [N, M] in [0, 1], minimised.
        weights: [M], not negative, of sum 1.

    Returns:
        [N].

    Example:
        >>> tchebycheff(np.array([[0.5, 1.0]]), np.array([0.8, 0.2])).round(6)
        array([0.43])
    """
    weighted = values * weights
    largest: NDArray[np.float64] = weighted.max(axis=1)
    total: NDArray[np.float64] = weighted.sum(axis=1)
    return largest + RHO * total


def normalized(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale each objective to [0, 1] by what has been seen; inf becomes 1, [N, M]."""
    finite = np.where(np.isfinite(values), values, np.nan)
    if np.isnan(finite).all(axis=0).any():
        return np.ones_like(values)
    low, high = np.nanmin(finite, axis=0), np.nanmax(finite, axis=0)
    scaled = (finite - low) / np.where(high > low, high - low, 1)
    return np.where(np.isnan(scaled), 1.0, scaled)


class RandomScalarization:
    """Mutates, each time, the architecture that is best under newly drawn weights.

    What breaks constraints is never a parent unless everything does, and then what
    breaks them least. Never waits.

    Raises:
        ValueError: `initial` is below 1.
    """

    def __init__(
        self,
        space: SearchSpace,
        epochs: tuple[int, ...],
        rng: np.random.Generator,
        *,
        initial: int = 20,
        objectives: tuple[str, ...] = ("error",),
        constraints: Mapping[str, float] = {},
    ) -> None:
        if initial < 1:
            raise ValueError(f"initial must be at least 1, not {initial}")
        self._space, self._full, self._rng = space, epochs[-1], rng
        self._newcomers = initial
        self._objectives, self._constraints = objectives, constraints
        self._archs: list[Architecture] = []
        self._values: list[list[float]] = []
        self._excess: list[float] = []

    def ask(self) -> Trial:
        """Mutate the best under weights that are uniform on the simplex."""
        if self._newcomers > 0 or not self._archs:
            self._newcomers -= 1
            return Trial(self._space.sample(self._rng), self._full)
        weights = self._rng.dirichlet(np.ones(len(self._objectives)))
        excess = np.array(self._excess)
        allowed = np.flatnonzero(excess <= excess.min())
        values = normalized(np.array(self._values)[allowed])
        parent = self._archs[allowed[tchebycheff(values, weights).argmin()]]
        return Trial(self._space.mutate(parent, self._rng), self._full)

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Remember what came of it."""
        self._archs.append(trial.arch)
        self._values.append(figures(observation, self._objectives))
        self._excess.append(violation(observation, self._constraints))
