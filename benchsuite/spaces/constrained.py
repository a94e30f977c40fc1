"""A search space of which only the architectures that satisfy a constraint count."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchsuite.spaces.space import Architecture, SearchSpace


@dataclass(frozen=True)
class ConstrainedSpace(SearchSpace, ABC):
    """The valid ones of a product of categorical decisions."""

    @abstractmethod
    def valid(self, arch: Architecture) -> bool:
        """Tell whether `arch`, an option for each decision, is in the space."""

    @cached_property
    def size(self) -> int:
        """Number of valid architectures, counted one by one."""
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Architecture]:
        return filter(self.valid, super().__iter__())

    def __contains__(self, arch: object) -> bool:
        return (
            isinstance(arch, tuple) and super().__contains__(arch) and self.valid(arch)
        )

    def sample(self, rng: np.random.Generator) -> Architecture:
        """Draw uniformly from the valid architectures, by rejection of the others."""
        while not self.valid(arch := super().sample(rng)):
            pass
        return arch

    @cached_property
    def _changes(self) -> tuple[tuple[int, int], ...]:
        """Every change of one decision: which, and by how many options onwards."""
        return tuple((d, k) for d, n in enumerate(self._sizes) for k in range(1, n))

    def mutate(self, arch: Architecture, rng: np.random.Generator) -> Architecture:
        """Draw uniformly from the `neighbors`.

        A decision with more options is changed more often, unlike in a space without a
        constraint.

        Raises:
            ValueError: `arch` has no neighbour.
        """
        untried = list(self._changes)
        while untried:
            n = int(rng.random() * len(untried))
            d, step = untried[n]
            untried[n] = untried[-1]
            untried.pop()
            other = (arch[d] + step) % self._sizes[d]
            mutant = (*arch[:d], other, *arch[d + 1 :])
            if self.valid(mutant):
                return mutant
        raise ValueError(f"no one change of {arch} is valid in {self.name}")

    def crossover(
        self, a: Architecture, b: Architecture, rng: np.random.Generator
    ) -> Architecture:
        """Take every decision from `a` or `b` at random until the child is valid.

        All valid children are equally probable, `a` and `b` among them.
        """
        while not self.valid(child := super().crossover(a, b, rng)):
            pass
        return child

    def neighbors(self, arch: Architecture) -> Iterator[Architecture]:
        """Yield every valid architecture that differs from `arch` in one decision."""
        return filter(self.valid, super().neighbors(arch))
