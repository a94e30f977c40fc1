"""Surrogate models as estimators: learn errors from trained architectures, and predict.

White, Zela, Ru, Liu & Hutter, "How Powerful are Performance Predictors in Neural
Architecture Search?", NeurIPS 2021. https://arxiv.org/abs/2104.01177
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Self

import numpy as np

from benchsuite.estimators.protocol import Judgement, Seen
from benchsuite.spaces import Architecture, SearchSpace
from benchsuite.spaces.encodings import Encode
from surrogates import MODELS, Model


def build(model: str, rng: np.random.Generator, **settings: int) -> Model:
    """Make a model of `surrogates.MODELS`, its seed drawn from a generator.

    Its uncertainty is calibrated on one fifth of what it learns from, not on all five
    in turn, which would take three times as long.
    """
    make: Callable[..., Model] = MODELS[model]
    return make(seed=int(rng.integers(2**31)), splits=1, **settings)


@dataclass
class ModelBased:
    """A model of `surrogates.MODELS`, fitted to validation errors after full training.

    Attributes:
        name: As typed.
        model: Name of a model.
        space: Says which architectures are isomorphic.
        encode: Makes its features.
        last: Epochs of full training.
        settings: Of the model, that do not follow from the features.
    """

    name: str
    model: str
    space: SearchSpace
    encode: Encode
    last: int
    settings: Mapping[str, int] = field(default_factory=dict)
    kind: Literal["model-based"] = field(default="model-based", init=False)
    epochs: tuple[int, ...] = field(default=(), init=False)
    source: str = field(default="", init=False)
    predicts: bool = field(default=True, init=False)
    _fitted: Model | None = field(default=None, init=False, repr=False)

    @property
    def learns_from(self) -> tuple[int, ...]:
        """Full training."""
        return (self.last,)

    def fit(
        self, archs: Sequence[Architecture], seen: Seen, rng: np.random.Generator
    ) -> Self:
        """Fit; a training that diverged counts as an error of 1."""
        errors = np.where(np.isinf(seen.errors[:, -1]), 1.0, seen.errors[:, -1])
        classes: dict[Architecture, int] = {}
        groups = [
            classes.setdefault(self.space.canonical(arch), len(classes))
            for arch in archs
        ]
        model = build(self.model, rng, **self.settings)
        self._fitted = model.fit(self.encode(archs), errors, groups=groups)
        return self

    def estimate(self, archs: Sequence[Architecture], seen: Seen) -> Judgement:
        """Predict accuracies."""
        if self._fitted is None:
            raise ValueError(f"{self.name} has learnt nothing yet: call fit first")
        mean, std = self._fitted.predict(self.encode(archs))
        return Judgement(1 - mean, std)
