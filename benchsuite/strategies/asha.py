"""ASHA: successive halving that promotes whenever it can, and never waits.

Li, Jamieson, Rostamizadeh, Gonina, Ben-Tzur, Hardt, Recht & Talwalkar, "A System for
Massively Parallel Hyperparameter Tuning", MLSys 2020, Algorithm 2.
https://arxiv.org/abs/1810.05934
"""

import math
from bisect import bisect_left, insort
from heapq import heappop, heappush

import numpy as np

from benchsuite.core import Observation, Trial
from benchsuite.spaces import Architecture, SearchSpace
from benchsuite.strategies.successive_halving import rungs

_Told = tuple[float, int, Architecture]  # error, place in the order of outcomes


class _Rung:
    """Outcomes at one fidelity, in order, and those that nobody promoted yet."""

    def __init__(self) -> None:
        self._ranking: list[_Told] = []
        self._waiting: list[_Told] = []  # a heap

    def add(self, error: float, arch: Architecture) -> None:
        """Rank an outcome; one that diverged counts, but never waits."""
        told = error, len(self._ranking), arch
        insort(self._ranking, told)
        if math.isfinite(error):
            heappush(self._waiting, told)

    def promote(self, eta: int) -> Architecture | None:
        """Take out the best one left, if it is among the best 1/eta of all."""
        best = len(self._ranking) // eta
        if self._waiting and bisect_left(self._ranking, self._waiting[0]) < best:
            return heappop(self._waiting)[2]
        return None


class ASHA:
    """Trains the highest architecture that can be promoted, or else a random one.

    It can be promoted if it is among the best 1/eta of the outcomes at its fidelity so
    far; of equals, the first to finish is better, and none that diverged is. All
    architectures start at the lowest fidelity: the early-stopping rate s is 0. Where
    there is one fidelity, it is random search.

    Raises:
        ValueError: `eta` is below 2.
    """

    def __init__(
        self,
        space: SearchSpace,
        epochs: tuple[int, ...],
        rng: np.random.Generator,
        *,
        eta: int = 4,  # in the paper's experiments
    ) -> None:
        if eta < 2:
            raise ValueError(f"eta must be at least 2, not {eta}")
        self._space, self._rng, self._eta = space, rng, eta
        self._first, *higher = rungs(epochs, eta)
        self._rungs = {epochs: _Rung() for epochs in (self._first, *higher[:-1])}
        self._promotions = list(zip(self._rungs.values(), higher, strict=False))[::-1]

    def ask(self) -> Trial:
        """Look for a promotion from the highest rung down."""
        for rung, epochs in self._promotions:
            if (arch := rung.promote(self._eta)) is not None:
                return Trial(arch, epochs)
        return Trial(self._space.sample(self._rng), self._first)

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Rank the outcome, except that of full training."""
        if (rung := self._rungs.get(trial.epochs)) is not None:
            rung.add(observation.error, trial.arch)
