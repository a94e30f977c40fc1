"""Genetic algorithm: tournaments, uniform crossover, mutation, generations, an elite.

Holland, "Adaptation in Natural and Artificial Systems", 1975; in the textbook form of
Eiben & Smith, "Introduction to Evolutionary Computing", 2003, ch. 3, with the uniform
crossover of Syswerda, ICGA 1989. The first to search for networks with one were
Xie & Yuille, "Genetic CNN", ICCV 2017. https://arxiv.org/abs/1703.01513
"""

from operator import itemgetter

import numpy as np

from benchsuite.core import Observation, Trial
from benchsuite.spaces import Architecture, SearchSpace

_TRIES = 1000  # mutations of one child, where a space has constraints

Member = tuple[float, Architecture]  # with its error


class GeneticAlgorithm:
    """Breeds one generation from the one before; the best survive as they are.

    A child has two parents, each the winner of a tournament, and takes every decision
    from either; or it is one of them, with probability 1 - `crossover_rate`. Then every
    decision changes with probability 1 / (decisions that leave a choice). A child that
    equals its parent is trained again. Waits until a generation is complete, so the
    number of workers changes nothing.

    Raises:
        ValueError: A size is below 1, the elite no smaller than the population, or the
            rate not in [0, 1].
    """

    def __init__(
        self,
        space: SearchSpace,
        epochs: tuple[int, ...],
        rng: np.random.Generator,
        *,
        population_size: int = 20,  # N in Genetic CNN
        tournament_size: int = 2,
        crossover_rate: float = 0.9,
        elite_size: int = 1,
    ) -> None:
        if not 0 <= elite_size < population_size or tournament_size < 1:
            raise ValueError(
                "population_size must be above elite_size, which is at least 0, and"
                f" tournament_size at least 1, not {population_size}, {elite_size} and"
                f" {tournament_size}"
            )
        if not 0 <= crossover_rate <= 1:
            raise ValueError(f"crossover_rate must be in [0, 1], not {crossover_rate}")
        self._space, self._full, self._rng = space, epochs[-1], rng
        self._tournament_size, self._elite_size = tournament_size, elite_size
        self._crossover_rate = crossover_rate
        self._population_size = population_size
        self._sizes = [len(options) for options in space.choices]
        self._mutation_rate = 1 / max(1, sum(size > 1 for size in self._sizes))
        self._generation: list[Member] = []  # as far as it is known
        self._queue = [space.sample(rng) for _ in range(population_size)]

    def ask(self) -> Trial | None:
        """Train the next child; None while others finish the generation."""
        return Trial(self._queue.pop(), self._full) if self._queue else None

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Breed once the generation is complete."""
        self._generation.append((observation.error, trial.arch))
        if len(self._generation) == self._population_size:
            self._generation.sort()  # so that the order of completion changes nothing
            children = self._population_size - self._elite_size
            self._queue = [self._child() for _ in range(children)]
            del self._generation[self._elite_size :]

    def _child(self) -> Architecture:
        """Select, cross and mutate."""
        child = self._winner()
        if self._rng.random() < self._crossover_rate:
            child = self._space.crossover(child, self._winner(), self._rng)
        for _ in range(_TRIES):
            mutant = self._mutant(child)
            if mutant in self._space:
                return mutant
        return child

    def _winner(self) -> Architecture:
        """Draw a sample with replacement; of its best, the first drawn wins."""
        draws = self._rng.random(self._tournament_size).tolist()
        sample = [self._generation[int(u * len(self._generation))] for u in draws]
        return min(sample, key=itemgetter(0))[1]

    def _mutant(self, arch: Architecture) -> Architecture:
        """Change every decision, with the mutation rate, to another of its options."""
        mutant = list(arch)
        for d, u in enumerate(self._rng.random(len(arch)).tolist()):
            if u < self._mutation_rate:  # and then u / rate is uniform again
                step = 1 + int(u / self._mutation_rate * (self._sizes[d] - 1))
                mutant[d] = (arch[d] + step) % self._sizes[d]
        return tuple(mutant)
