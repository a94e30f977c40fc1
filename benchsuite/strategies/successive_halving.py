"""Successive halving: keep the best 1/eta at each rung, train them eta times longer.

Jamieson & Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter
Optimization", AISTATS 2016. https://arxiv.org/abs/1502.07943
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from operator import itemgetter

import numpy as np

from benchsuite.core import Observation, Trial
from benchsuite.spaces import Architecture, SearchSpace


def rungs(epochs: tuple[int, ...], eta: int) -> list[int]:
    """Space fidelities by factors of `eta`, down from full training.

    A rung that is no whole number, or was not recorded, becomes the next lower fidelity
    that exists; two that fall together become one.

    Example:
        >>> rungs(tuple(range(1, 13)), eta=3)  # 12, 4, 1.33
        [1, 4, 12]
    """
    found, target = set(), epochs[-1]
    while target >= epochs[0]:
        found.add(epochs[bisect_right(epochs, target) - 1])
        target //= eta
    return sorted(found)


class Bracket:
    """Architectures that start together; fewer and fewer of them climb `rungs`.

    The last rung promotes nobody, so nothing waits for its outcomes. Of the first rung,
    `free` places can be taken later, by `join`.
    """

    def __init__(
        self,
        archs: Sequence[Architecture],
        rungs: Sequence[int],
        eta: int,
        *,
        free: int = 0,
    ) -> None:
        self._rungs, self._eta, self._quota = list(rungs), eta, len(archs) + free
        self._fill(list(archs), free)

    def _fill(self, queue: list[Architecture], free: int) -> None:
        self._queue, self.free = queue, free
        self._missing = len(queue) + free if len(self._rungs) > 1 else 0
        self._told: list[tuple[float, Architecture]] = []

    def join(self, arch: Architecture) -> None:
        """Take a free place of the first rung."""
        self._queue.append(arch)
        self.free -= 1

    def __bool__(self) -> bool:
        """Whether anything is left to train or to promote."""
        return bool(self._queue) or self.free > 0 or self._missing > 0

    def ask(self) -> Trial | None:
        """Train the next architecture of the rung; None while others finish it."""
        return Trial(self._queue.pop(), self._rungs[0]) if self._queue else None

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Promote the best once the rung is complete, but none that diverged."""
        if trial.epochs == self._rungs[-1]:  # may even be of the bracket before
            return
        self._told.append((observation.error, trial.arch))
        self._missing -= 1
        if not self._missing:
            del self._rungs[0]
            self._quota //= self._eta
            finite = [told for told in self._told if math.isfinite(told[0])]
            best = sorted(finite, key=itemgetter(0))[: self._quota]
            self._fill([arch for _, arch in reversed(best)], free=0)


class SuccessiveHalving:
    """Repeats brackets of eta^k random architectures until stopped.

    Waits while others finish a rung, but not for the last one: the next bracket starts
    beside it. Of equals, the first to finish is promoted. Where there is one fidelity,
    it is random search.

    Raises:
        ValueError: `eta` is below 2.
    """

    def __init__(
        self,
        space: SearchSpace,
        epochs: tuple[int, ...],
        rng: np.random.Generator,
        *,
        eta: int = 3,  # 2 in the paper; 3 since Hyperband, arXiv 1603.06560
    ) -> None:
        if eta < 2:
            raise ValueError(f"eta must be at least 2, not {eta}")
        self._space, self._rng, self._eta = space, rng, eta
        self._rungs = rungs(epochs, eta)
        self._start_bracket()

    def _start_bracket(self) -> None:
        n = self._eta ** (len(self._rungs) - 1)
        archs = [self._space.sample(self._rng) for _ in range(n)]
        self._bracket = Bracket(archs, self._rungs, self._eta)

    def ask(self) -> Trial | None:
        """Train the next architecture of the rung, or the first of a new bracket."""
        if not self._bracket:
            self._start_bracket()
        return self._bracket.ask()

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Promote, once the rung is complete."""
        self._bracket.tell(trial, observation)
