"""Zero-cost proxies that were recorded: a figure of the untrained network.

Krishnakumar et al., "NAS-Bench-Suite-Zero: Accelerating Research on Zero Cost Proxies",
NeurIPS 2022. https://arxiv.org/abs/2210.03230
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Self

import numpy as np

from benchsuite.estimators.protocol import Judgement, Seen
from benchsuite.spaces import Architecture


@dataclass(frozen=True)
class Recorded:
    """Takes a metric for a score: more of it is better, so `params` and `latency` too.

    Attributes:
        name: As typed.
        metric: Its name.
    """

    name: str
    metric: str
    kind: Literal["zero-cost recorded"] = field(
        default="zero-cost recorded", init=False
    )
    epochs: tuple[int, ...] = field(default=(0,), init=False)
    learns_from: tuple[int, ...] = field(default=(), init=False)
    source: str = field(default="", init=False)
    predicts: bool = field(default=False, init=False)

    def fit(
        self, archs: Sequence[Architecture], seen: Seen, rng: np.random.Generator
    ) -> Self:
        """Learn nothing."""
        return self

    def estimate(self, archs: Sequence[Architecture], seen: Seen) -> Judgement:
        """Look the metric up; nan where it was not recorded."""
        return Judgement(seen.metrics[self.metric])
