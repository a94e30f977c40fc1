"""Estimators that see the beginning of a training and say how it will end.

`PowerLaw` and `CurveMixture` look at one curve alone, after Domhan et al. (IJCAI 2015);
`LcNet` learns from complete curves of other architectures, after Klein, Falkner,
Springenberg & Hutter, "Learning Curve Prediction with Bayesian Neural Networks", ICLR
2017; `TrainingLosses` adds losses up, after Ru, Lyle, Schut, Fil, van der Wilk & Gal,
"Speedy Performance Estimation for Neural Architecture Search", NeurIPS 2021.
https://arxiv.org/abs/2006.04492
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from benchsuite.estimators.curve_families import FAMILIES
from benchsuite.estimators.extrapolation import extrapolate
from benchsuite.estimators.model_based import build
from benchsuite.estimators.protocol import Array, Judgement, Seen
from benchsuite.spaces import Architecture
from surrogates import Model

FEWEST = 3
"""Points of a curve that say anything about its bend."""


@dataclass
class CurveMixture:
    """The mixture of all families, curve by curve.

    Attributes:
        name: As typed.
        epochs: What is seen of a curve.
        last: The epoch in question.
        families: Names of `FAMILIES`.
    """

    name: str
    epochs: tuple[int, ...]
    last: int
    families: tuple[str, ...] = tuple(FAMILIES)
    kind: Literal["learning curve"] = field(default="learning curve", init=False)
    learns_from: tuple[int, ...] = field(default=(), init=False)
    source: str = field(default="", init=False)
    predicts: bool = field(default=True, init=False)

    def fit(
        self, archs: Sequence[Architecture], seen: Seen, rng: np.random.Generator
    ) -> Self:
        """Learn nothing."""
        return self

    def estimate(self, archs: Sequence[Architecture], seen: Seen) -> Judgement:
        """Extrapolate; a training that diverged is not judged."""
        curves, there = _whole(seen)
        found = extrapolate(curves, self.epochs, self.last, self.families)
        return Judgement(_spread(found.mean, there), _spread(found.std, there))


@dataclass
class PowerLaw(CurveMixture):
    """Power laws only: accuracy(x) = c - a x^-alpha."""

    families: tuple[str, ...] = ("pow3",)


@dataclass
class LcNet:
    """A regression on what each family extrapolates, learnt from complete curves.

    LCNet is a Bayesian neural network whose last layer are parametric curves. This is a
    reconstruction of the idea, not of the network: what the families of a mixture say
    of a curve are the features, and a Gaussian process takes the network's place. So
    where curves of a task bend as no family does - under a cosine schedule accuracy
    rises once more at the end - the regression learns by how much.

    Attributes:
        name: As typed.
        epochs: What is seen of a curve that is judged.
        last: The epoch in question.
        families: Names of `FAMILIES`.
    """

    name: str
    epochs: tuple[int, ...]
    last: int
    families: tuple[str, ...] = tuple(FAMILIES)
    kind: Literal["learning curve"] = field(default="learning curve", init=False)
    source: str = field(default="", init=False)
    predicts: bool = field(default=True, init=False)
    _model: Model | None = field(default=None, init=False, repr=False)

    @property
    def learns_from(self) -> tuple[int, ...]:
        """The same epochs, and the end."""
        return (*self.epochs, self.last)

    def fit(
        self, archs: Sequence[Architecture], seen: Seen, rng: np.random.Generator
    ) -> Self:
        """Learn from complete curves; those that diverged are left out."""
        curves = _whole(seen)[0]
        model = build("GaussianProcess", rng)
        self._model = model.fit(self._features(curves[:, :-1]), 1 - curves[:, -1])
        return self

    def estimate(self, archs: Sequence[Architecture], seen: Seen) -> Judgement:
        """Extrapolate; a training that diverged is not judged."""
        if self._model is None:
            raise ValueError(f"{self.name} has learnt nothing yet: call fit first")
        curves, there = _whole(seen)
        if not there.any():
            nothing = np.full(len(there), np.nan)
            return Judgement(nothing, nothing)
        mean, std = self._model.predict(self._features(curves))
        return Judgement(_spread(1 - mean, there), _spread(std, there))

    def _features(self, curves: Array) -> Array:
        """What each family says, and the last value, [B, M + 1]."""
        found = extrapolate(curves, self.epochs, self.last, self.families)
        return np.column_stack([found.families, curves[:, -1]])


@dataclass
class TrainingLosses:
    """The sum of training losses, of which a lower one is better (SoTL, also TSE).

    Attributes:
        name: As typed.
        epochs: Up to the last of them losses are added up.
        latest: How many of the last losses are added; 0 is all. (SoTL-E; also TSE-E)
    """

    name: str
    epochs: tuple[int, ...]
    latest: int = 0
    kind: Literal["learning curve"] = field(default="learning curve", init=False)
    learns_from: tuple[int, ...] = field(default=(), init=False)
    source: str = field(default="", init=False)
    predicts: bool = field(default=False, init=False)

    def fit(
        self, archs: Sequence[Architecture], seen: Seen, rng: np.random.Generator
    ) -> Self:
        """Learn nothing."""
        return self

    def estimate(self, archs: Sequence[Architecture], seen: Seen) -> Judgement:
        """Add up; the score is the negative sum.

        Raises:
            ValueError: No losses are there.
        """
        if seen.losses is None:
            raise ValueError(f"{self.name} needs training losses: none are recorded")
        return Judgement(-seen.losses[:, -self.latest :].sum(axis=1))


def _whole(seen: Seen) -> tuple[Array, NDArray[np.bool_]]:
    """Give the accuracies [C, F] of complete curves, and which of the B those are."""
    there = np.asarray(np.isfinite(seen.errors).all(axis=1))
    return 1 - seen.errors[there], there


def _spread(values: Array, there: NDArray[np.bool_]) -> Array:
    """Give each of the B its value, [B]; nan where there is none."""
    wide = np.full(len(there), np.nan)
    wide[there] = values
    return wide
