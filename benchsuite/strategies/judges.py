"""Judges: what a strategy's cheap stage asks of a candidate before it trains it."""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from benchsuite.core import Observation, Trial
from benchsuite.spaces import Architecture, SearchSpace
from benchsuite.strategies.move_proposal import SYNFLOW, read_score


class Judge(Protocol):
    """Scores candidates by something cheaper than full training."""

    @property
    def epochs(self) -> tuple[int, ...]:
        """What must be observed of a candidate, ascending; empty for nothing at all.

        0 asks for the metrics of the untrained network.
        """

    def learn(self, trial: Trial, observation: Observation) -> None:
        """Take the outcome of a training that the search did anyway."""

    def score(self, arch: Architecture, seen: Sequence[Observation]) -> float:
        """Score a candidate by what was observed at `epochs`; higher is better.

        Nan is no opinion, -inf is one that nothing good can be expected of.

        Raises:
            ValueError: What was observed lacks what is scored by.
        """


MakeJudge = Callable[[SearchSpace, tuple[int, ...], np.random.Generator], Judge]
"""Builds a judge for one search, from what a strategy is built from."""


class ByMetric:
    """Scores by a metric of the untrained network, such as a zero-cost proxy.

    Attributes:
        epochs: 0.
    """

    epochs = (0,)

    def __init__(self, metric: str = SYNFLOW) -> None:
        self._metric = metric

    def learn(self, trial: Trial, observation: Observation) -> None:
        """Learn nothing."""

    def score(self, arch: Architecture, seen: Sequence[Observation]) -> float:
        """Read the metric; -inf if it is none."""
        return read_score(seen[-1], self._metric)


class ByShortTraining:
    """Scores by the accuracy after a share of full training, or the next less there is.

    Attributes:
        epochs: How long; empty where there is no shorter training, so no opinion.
    """

    def __init__(self, epochs: tuple[int, ...], share: float) -> None:
        """Choose how long to train.

        Raises:
            ValueError: `share` is not between 0 and 1.
        """
        if not 0 < share < 1:
            raise ValueError(f"share must be between 0 and 1, not {share}")
        place = max(bisect_right(epochs, share * epochs[-1]), 1)
        self.epochs = tuple(e for e in epochs[place - 1 : place] if e < epochs[-1])

    def learn(self, trial: Trial, observation: Observation) -> None:
        """Learn nothing."""

    def score(self, arch: Architecture, seen: Sequence[Observation]) -> float:
        """Give the accuracy; -inf if training diverged."""
        return 1 - seen[-1].error if seen else math.nan
