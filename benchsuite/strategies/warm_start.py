"""Warm start: judge many untrained networks, and start to train from the best.

Abdelfattah, Mehrotra, Dudziak & Lane, "Zero-Cost Proxies for Lightweight NAS", ICLR
2021, sec. 4 (the warm-up). https://arxiv.org/abs/2101.08134
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from benchsuite.core import Metric, Observation, Strategy, Trial
from benchsuite.spaces import Architecture, SearchSpace
from benchsuite.strategies.move_proposal import SYNFLOW, read_score
from benchsuite.strategies.regularized_evolution import RegularizedEvolution

_DRAWS = 10  # for one candidate, where most of a small space has been drawn


class Startable(Protocol):
    """Builds a strategy that can be given what to train first."""

    def __call__(
        self,
        space: SearchSpace,
        epochs: tuple[int, ...],
        rng: np.random.Generator,
        /,
        *,
        first: Sequence[Architecture],
    ) -> Strategy:
        """Return a strategy that trains some of `first`, in order, before others."""


class WarmStart:
    """Scores random candidates, then lets another strategy start from the best.

    A trial of 0 epochs asks for the metrics of the untrained network; a higher score is
    better, and one that is not finite comes last. Waits until all scores are known.

    Raises:
        ValueError: `candidates` is below 1 or 10,000 or more, which a search takes for
            standing still; or, in `tell`, there is no such score.
    """

    def __init__(
        self,
        space: SearchSpace,
        epochs: tuple[int, ...],
        rng: np.random.Generator,
        *,
        score: Metric = SYNFLOW,
        candidates: int = 3000,  # as in its largest warm-up
        strategy: Startable = RegularizedEvolution,
    ) -> None:
        if not 1 <= candidates < 10_000:
            raise ValueError(f"candidates must be 1 to 9,999, not {candidates}")
        self._space, self._epochs, self._rng = space, epochs, rng
        self._score, self._make = score, strategy
        draws = (space.sample(rng) for _ in range(_DRAWS * candidates))
        distinct: dict[Architecture, None] = {}
        while len(distinct) < candidates and (arch := next(draws, None)) is not None:
            distinct[arch] = None
        self._queue = list(distinct)
        self._candidates = tuple(distinct)
        self._scores: dict[Architecture, float] = {}
        self._strategy: Strategy | None = None

    def ask(self) -> Trial | None:
        """Score the next candidate; once all are scored, train."""
        if self._queue:
            return Trial(self._queue.pop(), 0)
        return self._strategy.ask() if self._strategy else None

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Note a score, and start the other strategy after the last; or pass on."""
        if self._strategy:
            self._strategy.tell(trial, observation)
            return
        self._scores[trial.arch] = read_score(observation, self._score)
        if len(self._scores) == len(self._candidates):
            best = sorted(self._candidates, key=self._scores.__getitem__, reverse=True)
            self._strategy = self._make(
                self._space, self._epochs, self._rng, first=best
            )
