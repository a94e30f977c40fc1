"""An ensemble of boosted trees by XGBoost, stored as universal binary JSON (.ubj).

Chen & Guestrin, "XGBoost: A Scalable Tree Boosting System", KDD 2016.
https://arxiv.org/abs/1603.02754

Members and targets are the outputs of one booster, as in `lightgbm_model`; and its
trees, read from XGBoost's JSON, are walked by `surrogates.boosted_trees` too.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surrogates.boosted_trees import (
    DEEPEST,
    BoostedTrees,
    complete,
    in_order,
    weighted_squares,
)
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
        max_depth: Of a tree; at most 8.
        min_child_weight: The least weight of the rows in a leaf.
    """

    members: int = 8
    iterations: int = 100
    learning_rate: float = 0.15
    max_depth: int = 6
    min_child_weight: float = 3.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_depth > DEEPEST:
            raise DataError(f"max_depth is {self.max_depth}: give at most {DEEPEST}")

    def _learn(
        self, X: NDArray[np.float32], targets: Array, rng: np.random.Generator
    ) -> Members:
        xgboost = library("xgboost", "surrogate")
        weights = rng.exponential(size=(len(X), self.members, 1))
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
        objective = weighted_squares(targets, weights)
        outputs = self.members * targets.shape[1]
        rows = xgboost.QuantileDMatrix(X, np.zeros((len(X), outputs)), nthread=1)
        booster = xgboost.train(settings, rows, self.iterations, obj=objective)
        return self._read(booster, X.shape[1], targets.shape[1])

    def _load(self, files: Mapping[str, bytes], features: int, targets: int) -> Members:
        xgboost = library("xgboost", "surrogate")
        try:
            booster = xgboost.Booster({"nthread": 1, "verbosity": 0})
            booster.load_model(bytearray(files[_FILE]))
        except KeyError as error:
            raise DataError(f"the model has no file {_FILE}") from error
        except (xgboost.core.XGBoostError, ValueError) as error:
            raise DataError(
                f"{_FILE} of the model is damaged: XGBoost refuses it"
            ) from error
        return self._read(booster, features, targets)

    def _read(self, booster: Any, features: int, targets: int) -> Members:
        """Read the trees of a booster.

        Raises:
            DataError: They are others.
        """
        model = json.loads(bytes(booster.save_raw("json")))["learner"]
        try:
            found = model["gradient_booster"]["model"]["trees"]
            trees = [complete(_nodes(tree), self.max_depth) for tree in found]
            stack = in_order(trees, self.members, targets)
        except (LookupError, ValueError) as error:
            reason = f"{_FILE} of the model is damaged: {error!s:.80}"
            raise DataError(reason) from error
        raw = bytes(booster.save_raw("ubj"))
        return _Members(raw, stack.checked(_FILE, features, targets))


@dataclass(frozen=True, eq=False)
class _Members:
    """A booster's bytes, and its trees."""

    raw: bytes
    trees: BoostedTrees

    def __call__(self, X: NDArray[np.float32]) -> Array:
        return self.trees(X)

    def files(self) -> dict[str, bytes]:
        return {_FILE: self.raw}


def _nodes(tree: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Turn a tree of XGBoost's JSON into one for `boosted_trees.complete`.

    There a row goes left if its feature is smaller than the threshold, a float32; here
    it goes right if it is larger than the float32 before it.
    """
    left = np.array(tree["left_children"])
    # What is a threshold in inner nodes is the answer in leaves.
    split = np.array(tree["split_conditions"], dtype=np.float32)
    return {
        "feature": np.array(tree["split_indices"]),
        "threshold": np.nextafter(split, np.float32(-np.inf)),
        "left": left,
        "right": np.array(tree["right_children"]),
        "value": np.where(left < 0, split, np.nan),
        "leaf": left < 0,
    }
