"""An ensemble of boosted trees by LightGBM, stored in its text format.

Ke et al., "LightGBM: A Highly Efficient Gradient Boosting Decision Tree", NeurIPS 2017.

Members and targets are the outputs of one booster, which grows a tree for each of them
in every iteration, to gradients that carry the member's own weights of the rows. The
trees are read from the text and walked by `surrogates.boosted_trees`, which is four
times as fast as LightGBM and needs no LightGBM.
"""

import re
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

_FILE = "lightgbm.txt"
Array = NDArray[np.float64]


@dataclass(kw_only=True, eq=False)
class LightGBM(Ensemble):
    """Boosted trees.

    Attributes:
        members: M, that differ by Bayesian bootstrap weights of the rows.
        iterations: Trees of a member, for each target.
        learning_rate: What share of a tree's answer is added.
        max_depth: Of a tree; at most 8.
        num_leaves: Of a tree, two or more.
        min_data_in_leaf: The fewest rows in a leaf.
    """

    members: int = 8
    iterations: int = 100
    learning_rate: float = 0.1
    max_depth: int = 6
    num_leaves: int = 31
    min_data_in_leaf: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_depth > DEEPEST or self.num_leaves < 2:
            raise DataError(
                f"max_depth is {self.max_depth} and num_leaves {self.num_leaves}:"
                f" give at most {DEEPEST}, and 2 or more"
            )

    def _learn(
        self, X: NDArray[np.float32], targets: Array, rng: np.random.Generator
    ) -> Members:
        lightgbm = library("lightgbm", "surrogate")
        weights = rng.exponential(size=(len(X), self.members, 1))
        settings = {
            "objective": weighted_squares(targets, weights),
            "num_class": self.members * targets.shape[1],
            "learning_rate": self.learning_rate,
            "max_depth": self.max_depth,
            "num_leaves": self.num_leaves,
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
        text: str = booster.model_to_string()
        return self._read(text, X.shape[1], targets.shape[1])

    def _load(self, files: Mapping[str, bytes], features: int, targets: int) -> Members:
        try:
            text = files[_FILE].decode()
        except (KeyError, UnicodeDecodeError) as error:
            raise DataError(f"the model has no text {_FILE}") from error
        return self._read(text, features, targets)

    def _read(self, text: str, features: int, targets: int) -> Members:
        """Read the trees of a text.

        Raises:
            DataError: They are damaged, or others.
        """
        body = text.partition("\nend of trees")[0]
        blocks = re.split(r"^Tree=\d+$", body, flags=re.MULTILINE)[1:]
        try:
            trees = [complete(_nodes(block), self.max_depth) for block in blocks]
            stack = in_order(trees, self.members, targets)
        except (LookupError, ValueError) as error:
            reason = f"{_FILE} of the model is damaged: {error!s:.80}"
            raise DataError(reason) from error
        return _Members(text, stack.checked(_FILE, features, targets))


@dataclass(frozen=True, eq=False)
class _Members:
    """A booster's text, and its trees."""

    text: str
    trees: BoostedTrees

    def __call__(self, X: NDArray[np.float32]) -> Array:
        return self.trees(X)

    def files(self) -> dict[str, bytes]:
        return {_FILE: self.text.encode()}


def _nodes(block: str) -> dict[str, NDArray[Any]]:
    """Read one tree for `boosted_trees.complete`: inner nodes, then leaves.

    A child is the number of an inner node, or -1 minus that of a leaf.

    Raises:
        LookupError: A line lacks.
        ValueError: A value is no number.
    """
    lines = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    values = np.array(lines["leaf_value"].split(), dtype=np.float64)
    if len(values) == 1:
        leaf = np.zeros(1)
        names = ("feature", "threshold", "left", "right")
        return {**dict.fromkeys(names, leaf), "value": values, "leaf": leaf + 1}
    split = np.array(lines["split_feature"].split(), dtype=np.int32)
    none = np.zeros(len(values))
    nodes = {
        "feature": np.append(split, none),
        "threshold": np.append(np.array(lines["threshold"].split(), np.float64), none),
        "value": np.append(np.full(len(split), np.nan), values),
        "leaf": np.append(np.zeros(len(split)), none + 1),
    }
    for side in ("left", "right"):
        child = np.array(lines[f"{side}_child"].split(), dtype=np.int32)
        nodes[side] = np.append(
            np.where(child < 0, len(split) - 1 - child, child), none
        )
    return nodes
