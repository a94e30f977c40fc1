"""The last validation accuracy that was observed, taken as it is.

What makes it an estimate is what was observed: a shorter training (low fidelity), the
beginning of a full one (early stopping), or the weights of a supernet (inherited). Full
training is the yardstick: it differs from the truth by what one run and the validation
images leave open.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from benchsuite.estimators.protocol import Judgement, Kind, Seen
from benchsuite.spaces import Architecture


@dataclass(frozen=True)
class Observed:
    """Believes what it sees last.

    Attributes:
        name: As typed.
        kind: What it sees.
        epochs: One number.
        source: What answers; see `Estimator`.
    """

    name: str
    kind: Kind
    epochs: tuple[int, ...]
    source: str = ""
    learns_from: tuple[int, ...] = field(default=(), init=False)
    predicts: bool = field(default=True, init=False)

    def fit(
        self, archs: Sequence[Architecture], seen: Seen, rng: np.random.Generator
    ) -> Self:
        """Learn nothing."""
        return self

    def estimate(self, archs: Sequence[Architecture], seen: Seen) -> Judgement:
        """Give accuracies; -inf where training diverged."""
        return Judgement(1 - seen.errors[:, -1])
