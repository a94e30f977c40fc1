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

    Each descent starts from the best of `initial` random architectures. Of equals, it
    moves to the first in the order of `neighbors`. Waits until a neighbourhood, or the
    start, is complete; is over when the space is.

    Raises:
        ValueError: `initial` is below 1.
    """

    def __init__(
        self,
        space: SearchSpace,
        epochs: tuple[int, ...],
        rng: np.random.Generator,
        *,
        initial: int = 10,  # as in the authors' code
    ) -> None:
        if initial < 1:
            raise ValueError(f"initial must be at least 1, not {initial}")
        self._space, self._full, self._rng = space, epochs[-1], rng
        self._initial = initial
        self._size = space.size
        self._known: dict[Architecture, float] = {}  # its error
        self._restart()

    def _restart(self) -> None:
        """Plan to train newcomers, fewer if the space has no more."""
        self._error = math.inf  # of where we stand
        starts: dict[Architecture, None] = {}  # a set that keeps its order
        while len(starts) < min(self._initial, self._size - len(self._known)):
            start = self._space.sample(self._rng)
            if start not in self._known:
                starts[start] = None
        self._look_at(starts)

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
            best = min(self._candidates, key=self._known.__getitem__)
            if self._known[best] < self._error:
                self._error = self._known[best]
                self._look_at(self._space.neighbors(best))
            else:
                self._restart()
