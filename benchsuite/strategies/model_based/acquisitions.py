"""How much a candidate promises: expected improvement, Thompson sampling, the mean.

Jones, Schonlau & Welch, "Efficient Global Optimization of Expensive Black-Box
Functions", Journal of Global Optimization 13, 1998, eq. 15.
White, Neiswanger & Savani, "BANANAS", AAAI 2021, sec. 4: independent Thompson sampling.
https://arxiv.org/abs/1910.11858
"""

import math

import numpy as np
from numpy.typing import NDArray

from benchsuite.strategies.model_based.loop import Belief


def expected_improvement(
    belief: Belief, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Give (best - mean) Phi(z) + std phi(z) with z = (best - mean) / std, [B].

    Without uncertainty it is how far the mean lies below the best, or 0.

    Example:
        >>> belief = Belief(np.array([0.0, 2.0]), np.array([1.0, 0.0]), best=0.0)
        >>> expected_improvement(belief, np.random.default_rng()).round(6)
        array([0.398942, 0.      ])
    """
    gain = belief.best - belief.mean
    uncertain = belief.std > 0
    std = np.where(uncertain, belief.std, 1.0)
    z = gain / std
    below = [0.5 * math.erfc(-x / math.sqrt(2)) for x in z.tolist()]
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return np.where(uncertain, gain * below + std * density, np.maximum(gain, 0.0))


def independent_thompson(
    belief: Belief, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw every candidate's value from its own normal distribution, [B]."""
    return -(belief.mean + belief.std * rng.standard_normal(len(belief.mean)))


def expected(belief: Belief, rng: np.random.Generator) -> NDArray[np.float64]:
    """Trust the mean, [B]."""
    return -belief.mean


def best_and_most_uncertain(
    scores: NDArray[np.float64], belief: Belief
) -> NDArray[np.intp]:
    """Order candidates by turns: the best, the most uncertain, the second best, ...

    Example:
        >>> std = np.array([0.1, 0.2, 0.3])
        >>> scores = np.array([3.0, 2.0, 1.0])
        >>> best_and_most_uncertain(scores, Belief(-scores, std, best=-3.0))
        array([0, 2, 1])
    """
    orders = np.argsort(-np.stack([scores, belief.std]), axis=1, kind="stable")
    by_turns = orders.T.ravel()
    _, first = np.unique(by_turns, return_index=True)
    return by_turns[np.sort(first)]
