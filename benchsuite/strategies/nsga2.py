"""NSGA-II: evolve a population towards the whole front, spread out along it.

Deb, Pratap, Agarwal & Meyarivan, "A Fast and Elitist Multiobjective Genetic Algorithm:
NSGA-II", IEEE Transactions on Evolutionary Computation 6(2), 2002.
"""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from benchsuite.core import Observation, Trial
from benchsuite.spaces import Architecture, SearchSpace
from benchsuite.strategies.pareto import crowding, figures, ranks, violation

_TRIES = 100  # children that are known already, one after the other: there is no more


class NSGA2:
    """Keeps the best fronts of parents and children; the last by crowding.

    Parents win binary tournaments by front, then by crowding. Children take each
    decision from either parent, with probability `crossover`, and then change each with
    probability 1 / decisions. No two of what was asked for are isomorphic, as long as
    the space has more. Waits for a generation to be complete.

    Args:
        space: What is searched.
        epochs: The last is used.
        rng: Draws everything.
        population_size: Architectures that are kept, N in the paper.
        crossover: Probability that a child has two parents.
        objectives: Given by the rules.
        constraints: Given by the rules; see `pareto.ranks`.

    Raises:
        ValueError: The population has fewer than two members.
    """

    def __init__(
        self,
        space: SearchSpace,
        epochs: tuple[int, ...],
        rng: np.random.Generator,
        *,
        population_size: int = 100,
        crossover: float = 0.9,
        objectives: tuple[str, ...] = ("error",),
        constraints: Mapping[str, float] = {},
    ) -> None:
        if population_size < 2:
            raise ValueError(
                f"population_size must be at least 2, not {population_size}"
            )
        self._space, self._full, self._rng = space, epochs[-1], rng
        self._size = min(population_size, space.size)
        self._crossover = crossover
        self._objectives, self._constraints = objectives, constraints
        self._known: set[Architecture] = set()  # representatives of what was asked for
        self._tries = _TRIES
        self._queue = self._newcomers()
        self._running = 0
        self._population: list[tuple[Architecture, list[float], float]] = []
        self._rank, self._apart = np.zeros(0, dtype=np.int64), np.zeros(0)

    def ask(self) -> Trial | None:
        """Train the next of this generation; wait for the last ones of it."""
        if not self._queue and not self._running:
            self._select()
            self._queue = self._children()
        if not self._queue:
            return None
        self._running += 1
        return Trial(self._queue.pop(), self._full)

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Join the population, until the generation is complete."""
        self._running -= 1
        values = figures(observation, self._objectives)
        excess = violation(observation, self._constraints)
        self._population.append((trial.arch, values, excess))

    def _select(self) -> None:
        """Keep the best fronts, the last of them by crowding, best first."""
        values = np.array([values for _, values, _ in self._population])
        excess = np.array([excess for *_, excess in self._population])
        rank, apart = ranks(values, excess), np.zeros(len(values))
        for front in range(rank.max() + 1):
            apart[rank == front] = crowding(values[rank == front])
        order = np.lexsort((-apart, rank))[: self._size]
        self._population = [self._population[n] for n in order.tolist()]
        self._rank, self._apart = rank[order], apart[order]

    def _children(self) -> list[Architecture]:
        """Breed as many as there are parents."""
        return [self._new(self._child) for _ in range(self._size)]

    def _newcomers(self) -> list[Architecture]:
        sample = partial(self._space.sample, self._rng)
        return [self._new(sample) for _ in range(self._size)]

    def _new(self, draw: Callable[[], Architecture]) -> Architecture:
        """Draw until what comes has not been asked for, as long as there is more."""
        for _ in range(self._tries):
            if (first := self._space.canonical(arch := draw())) not in self._known:
                self._known.add(first)
                return arch
        self._tries = 1  # the space, or what can be bred, is exhausted
        return draw()

    def _child(self) -> Architecture:
        one, rng = self._parent(), self._rng
        if rng.random() < self._crossover:
            one = self._space.crossover(one, self._parent(), rng)
        changes = rng.random(len(one)) < 1 / len(one)
        child = list(one)
        for d in np.flatnonzero(changes).tolist():
            options = len(self._space.choices[d])
            child[d] = (child[d] + int(rng.integers(1, max(options, 2)))) % options
        return tuple(child) if tuple(child) in self._space else one

    def _parent(self) -> Architecture:
        """Hold a tournament of two: the lower front wins, then the less crowded."""
        m, n = self._rng.integers(len(self._population), size=2)
        better = (self._rank[m], -self._apart[m]) <= (self._rank[n], -self._apart[n])
        winner: Architecture = self._population[m if better else n][0]
        return winner
