"""Regularized evolution: tournament selection in a population that ages.

Real, Aggarwal, Huang & Le, "Regularized Evolution for Image Classifier Architecture
Search", AAAI 2019, Algorithm 1. https://arxiv.org/abs/1802.01548
"""

from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from benchsuite.core import Observation, Trial
from benchsuite.spaces import Architecture, SearchSpace

Mutate = Callable[[SearchSpace, Architecture, np.random.Generator], Architecture]


def one_decision(
    space: SearchSpace, arch: Architecture, rng: np.random.Generator
) -> Architecture:
    """Change one decision, the same in every space."""
    return space.mutate(arch, rng)


def as_published(
    space: SearchSpace, arch: Architecture, rng: np.random.Generator
) -> Architecture:
    """Mutate as the benchmark's own code does."""
    return space.mutate_as_published(arch, rng)


class RegularizedEvolution:
    """Mutates the best of a random sample; the oldest member dies. Never waits.

    With several workers, a member is as old as its outcome, and the first
    `population_size` trials are random whether or not their outcomes are known.

    Raises:
        ValueError: A size is below 1.
    """

    def __init__(
        self,
        space: SearchSpace,
        epochs: tuple[int, ...],
        rng: np.random.Generator,
        *,
        population_size: int = 100,  # P in the paper
        sample_size: int = 25,  # S in the paper
        mutate: Mutate = one_decision,
        first: Sequence[Architecture] = (),  # members to start from, before random ones
    ) -> None:
        if min(population_size, sample_size) < 1:
            raise ValueError(
                "population_size and sample_size must be at least 1, not"
                f" {population_size} and {sample_size}"
            )
        self._space, self._full, self._rng = space, epochs[-1], rng
        self._sample_size, self._newcomers = sample_size, population_size
        self._mutate, self._first = mutate, list(reversed(first))
        self._errors: deque[float] = deque(maxlen=population_size)
        self._archs: deque[Architecture] = deque(maxlen=population_size)

    def ask(self) -> Trial:
        """Draw the first population at random, then mutate winners."""
        if self.drawing:
            self._newcomers -= 1
            arch = self._first.pop() if self._first else self._space.sample(self._rng)
            return Trial(arch, self._full)
        (child,) = self.children(1)
        return Trial(child, self._full)

    @property
    def drawing(self) -> bool:
        """Whether the next trial is of the first population."""
        return self._newcomers > 0 or not self._archs

    def children(self, count: int) -> list[Architecture]:
        """Mutate the winner of a tournament `count` times."""
        # The paper adds one random member after the other to the sample, so that a
        # member may stand in it twice. Of equals, the one drawn first wins.
        draws = len(self._archs) * self._rng.random(self._sample_size)
        winner = min(draws.astype(np.int64).tolist(), key=self._errors.__getitem__)
        parent = self._archs[winner]
        return [self._mutate(self._space, parent, self._rng) for _ in range(count)]

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Append the newcomer; a full population drops its oldest member."""
        self._errors.append(observation.error)
        self._archs.append(trial.arch)
