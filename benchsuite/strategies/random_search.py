"""Random search: the baseline that every other strategy must beat.

Li & Talwalkar, "Random Search and Reproducibility for Neural Architecture Search",
UAI 2019. https://arxiv.org/abs/1902.07638
"""

import numpy as np

from benchsuite.core import Observation, Trial
from benchsuite.spaces import SearchSpace


class RandomSearch:
    """Trains uniformly drawn architectures to the end; may draw one again."""

    def __init__(
        self, space: SearchSpace, epochs: tuple[int, ...], rng: np.random.Generator
    ) -> None:
        self._space, self._full, self._rng = space, epochs[-1], rng

    def ask(self) -> Trial:
        """Draw."""
        return Trial(self._space.sample(self._rng), self._full)

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Learn nothing."""
