"""What every estimator of an architecture's worth can do.

Classes after Song et al., "Efficient Evaluation Methods for Neural Architecture Search:
A Survey", IEEE Transactions on Artificial Intelligence 2024, who order them by how much
is trained for each candidate. https://arxiv.org/abs/2301.05919

An estimator holds no benchmark: it says what must be observed of an architecture, and
is given that. What it is given are validation figures, as `Observation` has them, so no
estimator can see what it is measured against.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from benchsuite.core import InputError
from benchsuite.spaces import Architecture

Kind = Literal[
    "full fidelity",
    "low fidelity",
    "early stopping",
    "learning curve",
    "zero-cost recorded",
    "zero-cost computed",
    "model-based",
    "inherited weights",
]
Array = NDArray[np.float64]


class MissingError(InputError):
    """A benchmark has not what an estimator needs; the message is one line.

    Attributes:
        reason: The message without the estimator's name.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.reason = reason


class Seen(NamedTuple):
    """What was observed of B architectures after each of F numbers of epochs.

    Attributes:
        errors: float64 [B, F], validation errors; inf if training diverged, nan after
            0 epochs.
        seconds: float64 [B, F], of training from scratch up to there.
        metrics: float64 [B] by name, figures of the networks; nan where not recorded.
        losses: float64 [B, E], mean training loss of every epoch from the first on, up
            to the last of the F; None where they are not recorded.
    """

    errors: Array
    seconds: Array
    metrics: Mapping[str, Array] = MappingProxyType({})
    losses: Array | None = None


NOTHING = Seen(np.empty((0, 0)), np.empty((0, 0)))


class Judgement(NamedTuple):
    """What an estimator says of B architectures.

    Attributes:
        score: float64 [B], higher is better; an accuracy in [0, 1] if the estimator
            `predicts`. Nan and -inf are architectures that could not be judged.
        std: float64 [B], standard deviation of what would be observed around an
            accuracy; None if the estimator knows of no uncertainty.
    """

    score: Array
    std: Array | None = None


class Estimator(Protocol):
    """Judges architectures more cheaply than by training them to the end."""

    @property
    def name(self) -> str:
        """What a user types, such as "low_fidelity@12"."""

    @property
    def kind(self) -> Kind:
        """How it saves training."""

    @property
    def epochs(self) -> tuple[int, ...]:
        """What must be observed of an architecture that is judged, ascending.

        0 asks for what is known of the untrained network; empty for nothing at all.
        """

    @property
    def learns_from(self) -> tuple[int, ...]:
        """What must be observed of architectures to learn from; empty: learns nothing.

        The last is full training.
        """

    @property
    def source(self) -> str:
        """What answers.

        "" for the benchmark itself, "@12" for its schedule of 12 epochs,
        "inherited/spos" for the weights of that supernet.
        """

    @property
    def predicts(self) -> bool:
        """Whether scores are accuracies, so that R2 and the like mean something."""

    def fit(
        self, archs: Sequence[Architecture], seen: Seen, rng: np.random.Generator
    ) -> Self:
        """Learn from N trained architectures; those of `learns_from` are in `seen`.

        Raises:
            ValueError: They are too few, or nothing can be learnt from them.
        """

    def estimate(self, archs: Sequence[Architecture], seen: Seen) -> Judgement:
        """Judge B architectures by what `epochs` asked for.

        An architecture's judgement does not depend on which others are judged.
        """
