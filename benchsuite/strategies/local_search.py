"""Local search: move to the best neighbour until none is better, then restart.

White, Nolen & Savani, "Exploring the Loss Landscape in Neural Architecture Search",
UAI 2021, Algorithm 1. https://arxiv.org/abs/2005.02960
"""

import math
from collections.abc import Iterable

import numpy as np

from benchsuite.core import Observation, Trial
from benchsuite.spaces import Architecture, SearchSpace


class LocalSearch:
    """Hill climbing in the graph of one-decision changes; trains nothing twice.

    Waits until a neighbourhood is complete, and is over when the space is.
    """

    def __init__(
        self, space: SearchSpace, epochs: tuple[int, ...], rng: np.random.Generator
    ) -> None:
        self._space, self._full, self._rng = space, epochs[-1], rng
        self._size = math.prod(map(len, space.choices))  # may exceed what len() can say
        self._known: dict[Architecture, float] = {}  # its error
        self._restart()

    def _restart(self) -> None:
        self._error = math.inf  # of where we stand
        while (start := self._space.sample(self._rng)) in self._known:
            pass
        self._look_at([start])

    def _look_at(self, candidates: Iterable[Architecture]) -> None:
        """Plan to train the unknown candidates, in random order."""
        self._candidates = list(candidates)
        unknown = [a for a in self._candidates if a not in self._known]
        order = self._rng.random(len(unknown)).argsort().tolist()
        self._queue = [unknown[n] for n in order]
        self._missing = len(self._queue)

    def ask(self) -> Trial | None:
        """Train the next candidate that nobody is training yet."""
        return Trial(self._queue.pop(), self._full) if self._queue else None

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Move, or restart, once every candidate is known."""
        self._known[trial.arch] = observation.error
        self._missing -= 1
        while not self._missing and len(self._known) < self._size:
            best = min(self._candidates, key=self._known.__getitem__, default=None)
            if best is not None and self._known[best] < self._error:
                self._error = self._known[best]
                self._look_at(self._space.neighbors(best))
            else:
                self._restart()
