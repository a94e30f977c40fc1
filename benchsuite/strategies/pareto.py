"""Pareto dominance: non-dominated fronts, crowding, and what breaks constraints.

Deb, Pratap, Agarwal & Meyarivan, "A Fast and Elitist Multiobjective Genetic Algorithm:
NSGA-II", IEEE Transactions on Evolutionary Computation 6(2), 2002.
Deb, "An Efficient Constraint Handling Method for Genetic Algorithms", Computer Methods
in Applied Mechanics and Engineering 186, 2000.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchsuite.core import Observation


def figures(observation: Observation, names: Sequence[str]) -> list[float]:
    """Read objectives off an observation; what is not a number counts as inf.

    Raises:
        KeyError: There is no such metric.

    Example:
        >>> figures(Observation(0.25, 9.0, {"latency": 3.0}), ("error", "latency"))
        [0.25, 3.0]
    """
    values = [
        observation.error if name == "error" else observation.metrics[name]
        for name in names
    ]
    return [value if value == value else math.inf for value in values]


def violation(observation: Observation, constraints: Mapping[str, float]) -> float:
    """Add up by how much constraints are broken, each relative to its limit.

    0 if all are met; a figure that is missing counts as inf.

    Example:
        >>> violation(Observation(0.25, 9.0, {"latency": 3.0}), {"latency": 2.0})
        0.5
    """
    total = 0.0
    for name, most in constraints.items():
        excess = observation.metrics[name] - most
        total += max(0.0, excess / (abs(most) or 1.0)) if excess == excess else math.inf
    return total


def ranks(
    values: NDArray[np.float64], violations: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Sort into fronts: 0 is dominated by nobody, 1 by members of front 0 only, ...

    What meets the constraints dominates what does not, and of two that do not, the one
    that breaks them less dominates.

    Args:
        values: [N, M], minimised.
        violations: [N], 0 where all constraints are met.

    Returns:
        [N].

    Example:
        >>> points = np.array([[1, 5], [2, 3], [4, 1], [3, 4], [5, 5.0]])
        >>> ranks(points, np.zeros(5))
        array([0, 0, 0, 1, 2])
    """
    no_worse = (values[:, None] <= values).all(axis=2)
    better = no_worse & ~no_worse.T
    one, other = violations[:, None], violations
    dominates = np.where(one == other, better, one < other)
    found = np.full(len(values), -1)
    left = np.ones(len(values), dtype=bool)
    front = 0
    while left.any():
        members = left & ~dominates[left].any(axis=0)
        found[members] = front
        left &= ~members
        front += 1
    return found


def crowding(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tell how far apart the neighbours of each point are, summed over objectives.

    The ends of each objective are infinitely far; others have the distance between
    their neighbours, relative to that between the ends.

    Args:
        values: [N, M] of one front.

    Returns:
        [N].

    Example:
        >>> crowding(np.array([[0, 4], [1, 2], [3, 1], [4, 0.0]])).tolist()
        [inf, 1.5, 1.25, inf]
    """
    distance = np.zeros(len(values))
    for column in values.T:
        order = np.argsort(column, kind="stable")
        ordered = column[order]
        distance[order[[0, -1]]] = np.inf
        low, high = ordered[0], ordered[-1]
        if len(column) > 2 and low < high < np.inf:
            distance[order[1:-1]] += (ordered[2:] - ordered[:-2]) / (high - low)
    return distance
