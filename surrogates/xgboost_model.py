"""An ensemble of boosted trees by XGBoost, stored as universal binary JSON (.ubj).

Chen & Guestrin, "XGBoost: A Scalable Tree Boosting System", KDD 2016.
https://arxiv.org/abs/1603.02754

Members and targets are the outputs of one booster, as in `lightgbm_model`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surrogates.ensemble import Ensemble, Members
from surrogates.extras import library
from surrogates.table import DataError

_FILE = "xgboost.ubj"
Array = NDArray[np.float64]


@dataclass(kw_only=True, eq=False)
class XGBoost(Ensemble):
    """Boosted trees.

    Attributes:
        members: M, that differ by Bayesian bootstrap weights of the rows.
        iterations: Trees of a member, for each target.
        learning_rate: What share of a tree's answer is added.
        max_depth: Of a tree.
        min_child_weight: The least weight of the rows in a leaf.
    """

    members: int = 8
    iterations: int = 100
    learning_rate: float = 0.15
    max_depth: int = 6
    min_child_weight: float = 3.0

    def _learn(
        self, X: NDArray[np.float32], targets: Array, rng: np.random.Generator
    ) -> Members:
        xgboost = library("xgboost", "surrogate")
        weights = rng.exponential(size=(len(X), self.members, 1))

        def gradient(outputs: Array, _: Any) -> tuple[Array, Array]:
            """Differentiate weighted squares; all arrays are [N, M K]."""
            said = outputs.reshape(len(X), self.members, -1)
            first = weights * (said - targets[:, None, :])
            second = np.broadcast_to(weights, first.shape)
            return first.reshape(len(X), -1), second.reshape(len(X), -1).copy()

        settings = {
            "learning_rate": self.learning_rate,
            "max_depth": self.max_depth,
            "min_child_weight": self.min_child_weight,
            "tree_method": "hist",
            "base_score": 0.0,
            "seed": int(rng.integers(2**31)),
            "nthread": 1,
            "verbosity": 0,
        }
        outputs = self.members * targets.shape[1]
        rows = xgboost.QuantileDMatrix(X, np.zeros((len(X), outputs)), nthread=1)
        booster = xgboost.train(settings, rows, self.iterations, obj=gradient)
        return _Members(bytes(booster.save_raw("ubj")), self.members, targets.shape[1])

    def _load(self, files: Mapping[str, bytes], features: int, targets: int) -> Members:
        if _FILE not in files:
            raise DataError(f"the model has no file {_FILE}")
        members = _Members(files[_FILE], self.members, targets)
        if members.features != features:
            raise DataError(f"{_FILE} of the model is damaged: it is of other features")
        return members


class _Members:
    """A booster of M members for K targets, by its bytes."""

    def __init__(self, raw: bytes, members: int, targets: int) -> None:
        """Read a booster.

        Raises:
            DataError: The bytes are no booster.
        """
        xgboost = library("xgboost", "surrogate")
        self._raw, self._shape = raw, (members, targets)
        try:
            self._booster = xgboost.Booster({"nthread": 1, "verbosity": 0})
            self._booster.load_model(bytearray(raw))
        except (xgboost.core.XGBoostError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise DataError(f"{_FILE} of the model is damaged: {reason:.80}") from error
        self.features: int = self._booster.num_features()

    def __call__(self, X: NDArray[np.float32]) -> Array:
        said = self._booster.inplace_predict(X, predict_type="margin")
        outputs = said.astype(np.float64).reshape(len(X), *self._shape)
        members: Array = outputs.transpose(1, 0, 2)
        return members

    def files(self) -> dict[str, bytes]:
        return {_FILE: self._raw}
