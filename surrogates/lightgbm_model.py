"""An ensemble of boosted trees by LightGBM, stored in its text format.

Ke et al., "LightGBM: A Highly Efficient Gradient Boosting Decision Tree", NeurIPS 2017.

Members and targets are the outputs of one booster, which grows a tree for each of them
in every iteration, to gradients that carry the member's own weights of the rows. So one
call answers for all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surrogates.ensemble import Ensemble, Members
from surrogates.extras import library
from surrogates.table import DataError

_FILE = "lightgbm.txt"
Array = NDArray[np.float64]


@dataclass(kw_only=True, eq=False)
class LightGBM(Ensemble):
    """Boosted trees.

    Attributes:
        members: M, that differ by Bayesian bootstrap weights of the rows.
        iterations: Trees of a member, for each target.
        learning_rate: What share of a tree's answer is added.
        num_leaves: Of a tree.
        min_data_in_leaf: The fewest rows in a leaf.
    """

    members: int = 8
    iterations: int = 100
    learning_rate: float = 0.1
    num_leaves: int = 31
    min_data_in_leaf: int = 5

    def _learn(
        self, X: NDArray[np.float32], targets: Array, rng: np.random.Generator
    ) -> Members:
        lightgbm = library("lightgbm", "surrogate")
        weights = rng.exponential(size=(len(X), self.members, 1))

        def gradient(outputs: Array, _: Any) -> tuple[Array, Array]:
            """Differentiate weighted squares; all arrays are [N, M K]."""
            said = outputs.reshape(len(X), self.members, -1)
            first = weights * (said - targets[:, None, :])
            second = np.broadcast_to(weights, first.shape)
            return first.reshape(len(X), -1), second.reshape(len(X), -1).copy()

        settings = {
            "objective": gradient,
            "num_class": self.members * targets.shape[1],
            "learning_rate": self.learning_rate,
            "num_leaves": max(2, self.num_leaves),
            "min_data_in_leaf": self.min_data_in_leaf,
            "min_data_in_bin": 1,
            "feature_pre_filter": False,
            "seed": int(rng.integers(2**31)),
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }
        rows = lightgbm.Dataset(X, np.zeros(len(X)), params=settings)
        booster = lightgbm.train(settings, rows, self.iterations)
        return _Members(booster.model_to_string(), self.members, targets.shape[1])

    def _load(self, files: Mapping[str, bytes], features: int, targets: int) -> Members:
        try:
            text = files[_FILE].decode()
        except (KeyError, UnicodeDecodeError) as error:
            raise DataError(f"the model has no text {_FILE}") from error
        members = _Members(text, self.members, targets)
        if members.features != features:
            raise DataError(f"{_FILE} of the model is damaged: it is of other features")
        return members


class _Members:
    """A booster of M members for K targets, by its text."""

    def __init__(self, text: str, members: int, targets: int) -> None:
        """Read a booster.

        Raises:
            DataError: The text is no booster, or has another number of outputs.
        """
        lightgbm = library("lightgbm", "surrogate")
        self._text, self._shape = text, (members, targets)
        try:
            self._booster = lightgbm.Booster(
                params={"num_threads": 1, "verbosity": -1}, model_str=text
            )
        except lightgbm.basic.LightGBMError as error:
            reason = " ".join(str(error).split())
            raise DataError(f"{_FILE} of the model is damaged: {reason:.80}") from error
        self.features: int = self._booster.num_feature()
        if self._booster.num_model_per_iteration() != members * targets:
            raise DataError(f"{_FILE} of the model is damaged: it is of other targets")

    def __call__(self, X: NDArray[np.float32]) -> Array:
        said: Array = self._booster.predict(X, raw_score=True, num_threads=1)
        return said.reshape(len(X), *self._shape).transpose(1, 0, 2)

    def files(self) -> dict[str, bytes]:
        return {_FILE: self._text.encode()}
