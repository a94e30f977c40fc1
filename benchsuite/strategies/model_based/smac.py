"""SMAC: a random forest, and local search for the highest expected improvement.

Hutter, Hoos & Leyton-Brown, "Sequential Model-Based Optimization for General Algorithm
Configuration", LION 2011; settings of NAS-Bench-1Shot1's comparison.
https://arxiv.org/abs/2001.10422
"""

import numpy as np

from benchsuite.spaces import SearchSpace
from benchsuite.strategies.model_based.acquisitions import expected_improvement
from benchsuite.strategies.model_based.encodings import one_hot
from benchsuite.strategies.model_based.loop import ModelBased
from benchsuite.strategies.model_based.proposals import climbs
from benchsuite.strategies.model_based.random_forest import random_forest


def smac(
    space: SearchSpace,
    epochs: tuple[int, ...],
    rng: np.random.Generator,
    *,
    trees: int = 10,
    random_fraction: float = 0.33,
    starts: int = 10,
    candidates: int = 10_000,
    initial: int = 10,
    batch: int = 10,
) -> ModelBased:
    """Train the most promising configurations of a round, random ones between them.

    As there is one training run to an architecture, nothing is intensified. How many
    start the model, and share one, is a reconstruction.

    Raises:
        ValueError: A count is below 1, or the fraction outside [0, 1].
    """
    if trees < 1:
        raise ValueError(f"trees must be at least 1, not {trees}")
    return ModelBased(
        space,
        epochs,
        rng,
        fit=random_forest(one_hot(space), trees),
        propose=climbs(starts, candidates),
        acquire=expected_improvement,
        initial=initial,
        batch=batch,
        random_fraction=random_fraction,
    )
