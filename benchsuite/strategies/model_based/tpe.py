"""TPE: draw where good architectures are denser than the others.

Bergstra, Bardenet, Bengio & Kegl, "Algorithms for Hyper-Parameter Optimization",
NeurIPS 2011; split, prior and numbers of draws as in its package hyperopt.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchsuite.spaces import Architecture, SearchSpace
from benchsuite.strategies.model_based.acquisitions import expected
from benchsuite.strategies.model_based.loop import Belief, ModelBased, Predict, Score

_ROUNDS = 10  # of draws, where a space has constraints


def below(observations: int, gamma: float) -> int:
    """Count the good ones: gamma times the root of all, rounded up, at most 25.

    Example:
        >>> [below(n, 0.25) for n in (1, 20, 200, 40_000)]
        [1, 2, 4, 25]
    """
    return min(math.ceil(gamma * math.sqrt(observations)), 25)


class Densities:
    """A categorical distribution for each decision, of the good and of the others.

    An option has the probability (count + prior_weight) / (sum over options). It is
    the model, with the log ratio of the densities as its mean, and the proposal, which
    draws from the good.

    Args:
        space: What is searched.
        gamma: Share of the good, as `below` takes it.
        prior_weight: What every option counts without an observation.
        candidates: How many are drawn at a time.
    """

    def __init__(
        self, space: SearchSpace, gamma: float, prior_weight: float, candidates: int
    ) -> None:
        sizes = np.array([len(options) for options in space.choices])
        exists = np.arange(sizes.max()) < sizes[:, None]
        self._prior = np.where(exists, prior_weight, 0.0)  # [D, C]
        self._decisions = np.arange(len(sizes))
        self._starts = self._decisions * sizes.max()
        self._gamma, self._candidates = gamma, candidates
        self.good = self._density(np.zeros((0, len(sizes)), dtype=np.int64))

    def _density(self, archs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Estimate the probabilities, [D, C], from architectures, [N, D]."""
        places = (self._starts + archs).ravel()
        counts = np.bincount(places, minlength=self._prior.size)
        weights = counts.reshape(self._prior.shape) + self._prior
        density: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
        return density

    def fit(
        self,
        archs: Sequence[Architecture],
        errors: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> Predict:
        """Split the observations, the earlier first of equals."""
        ordered = np.array(archs)[errors.argsort(kind="stable")]
        split = below(len(archs), self._gamma)
        self.good = self._density(ordered[:split])
        others = self._density(ordered[split:])
        with np.errstate(divide="ignore", invalid="ignore"):  # of absent options
            ratio = np.log(others) - np.log(self.good)  # [D, C]

        def predict(archs: Sequence[Architecture]) -> Belief:
            mean = ratio[self._decisions, np.array(archs)].sum(axis=1)
            return Belief(mean, np.zeros(len(mean)), 0.0)

        return predict

    def draw(
        self,
        space: SearchSpace,
        ranked: Sequence[Architecture],
        score: Score,
        rng: np.random.Generator,
    ) -> list[Architecture]:
        """Draw from the good, each decision for itself."""
        thresholds = self.good.cumsum(axis=1)
        found: list[Architecture] = []
        for _ in range(_ROUNDS):
            draws = rng.random((self._candidates, len(thresholds), 1))
            draws *= thresholds[:, -1:]
            options = (thresholds <= draws).sum(axis=2)
            found += [arch for arch in map(tuple, options.tolist()) if arch in space]
            if len(found) >= self._candidates:
                break
        return found[: self._candidates]


def tpe(
    space: SearchSpace,
    epochs: tuple[int, ...],
    rng: np.random.Generator,
    *,
    gamma: float = 0.25,
    prior_weight: float = 1.0,
    candidates: int = 24,
    initial: int = 20,
) -> ModelBased:
    """Train the candidate for which the ratio of the densities is the highest.

    As in the paper, candidates are whole architectures; hyperopt chooses decision by
    decision.

    Raises:
        ValueError: A count is below 1, or a weight not positive.
    """
    if not min(gamma, prior_weight) > 0 or candidates < 1:
        raise ValueError(
            "gamma and prior_weight must be above 0 and candidates at least 1, not"
            f" {gamma}, {prior_weight} and {candidates}"
        )
    densities = Densities(space, gamma, prior_weight, candidates)
    return ModelBased(
        space,
        epochs,
        rng,
        fit=densities.fit,
        propose=densities.draw,
        acquire=expected,
        initial=initial,
        batch=1,
    )
