"""ParEGO: expected improvement on one random scalarization of objectives after another.

Knowles, "ParEGO: A Hybrid Algorithm with On-line Landscape Approximation for Expensive
Multiobjective Optimization Problems", IEEE Transactions on Evolutionary Computation
10(1), 2006.
"""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchsuite.core import Observation
from benchsuite.spaces import SearchSpace
from benchsuite.strategies.model_based.acquisitions import expected_improvement
from benchsuite.strategies.model_based.gaussian_process import gaussian_process
from benchsuite.strategies.model_based.kernels import hamming
from benchsuite.strategies.model_based.loop import ModelBased, Target, standardised
from benchsuite.strategies.model_based.proposals import half_mutants
from benchsuite.strategies.pareto import figures, violation
from benchsuite.strategies.random_scalarization import RHO, normalized, tchebycheff

_LENGTHS = (1.0, 3.0, 9.0)  # of exp(-d / length), as in `gp_bo`
_CANDIDATES = 200


def lattice(steps: int, objectives: int) -> NDArray[np.float64]:
    """List the weights that are whole multiples of 1 / steps and add up to 1 (eq. 1).

    Returns:
        [C(steps + objectives - 1, objectives - 1), objectives].

    Example:
        >>> lattice(2, 2).tolist()
        [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]
    """
    walls = itertools.combinations(range(steps + objectives - 1), objectives - 1)
    ends = [(-1, *inner, steps + objectives - 1) for inner in walls]
    weights: NDArray[np.float64] = (np.diff(np.array(ends), axis=1) - 1) / steps
    return weights


def scalarized(
    objectives: Sequence[str], constraints: Mapping[str, float], steps: int
) -> Target:
    """Take the augmented Tchebycheff function under weights that are drawn each time.

    Objectives are scaled to [0, 1] by those outcomes that meet the constraints. What
    breaks them has more than any that does not: 1 + RHO, and up to 1 more the more it
    breaks.
    """
    weights = lattice(steps, len(objectives))

    def target(
        observations: Sequence[Observation], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        drawn = weights[int(rng.random() * len(weights))]
        values = np.array([figures(seen, objectives) for seen in observations])
        excess = np.array([violation(seen, constraints) for seen in observations])
        feasible = excess == 0
        excess[~np.isfinite(excess)] = 1e9
        targets: NDArray[np.float64] = 1 + RHO + excess / (1 + excess)
        if feasible.any():
            targets[feasible] = tchebycheff(normalized(values[feasible]), drawn)
        return targets

    return target


def parego(
    space: SearchSpace,
    epochs: tuple[int, ...],
    rng: np.random.Generator,
    *,
    steps: int = 10,  # s in the paper, for two objectives
    initial: int | None = None,  # 11 d - 1 with d decisions
    objectives: tuple[str, ...] = ("error",),
    constraints: Mapping[str, float] = {},
) -> ModelBased:
    """Learn the scalarized objectives, under new weights for every architecture.

    The paper searches continuous spaces, with the DACE model, a genetic algorithm to
    maximise the expected improvement, and a Latin hypercube to begin with. Here, a
    reconstruction for discrete ones: the model, the candidates and the mutants of
    `gp_bo`, and uniform draws.

    Raises:
        ValueError: `steps` or `initial` is below 1.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, not {steps}")
    return ModelBased(
        space,
        epochs,
        rng,
        fit=gaussian_process([hamming(n) for n in _LENGTHS], scale=standardised),
        propose=half_mutants(parents=10, candidates=_CANDIDATES),
        acquire=expected_improvement,
        target=scalarized(objectives, constraints, steps),
        initial=11 * len(space.choices) - 1 if initial is None else initial,
        batch=1,
    )
