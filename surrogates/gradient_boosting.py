"""An ensemble of boosted ensembles of trees, on histograms, grown by scikit-learn.

Members differ by the weights of rows: the Bayesian bootstrap (Rubin, Annals of
Statistics 1981), which leaves no row out. Trees are stored as arrays and walked by
`surrogates.boosted_trees`, so prediction does without scikit-learn.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surrogates.boosted_trees import DEEPEST, BoostedTrees
from surrogates.ensemble import Ensemble, Members
from surrogates.histogram_boosting import boosted
from surrogates.table import DataError


@dataclass(kw_only=True, eq=False)
class GradientBoosting(Ensemble):
    """Boosted trees.

    Attributes:
        members: M.
        iterations: Trees of a member, for each target.
        learning_rate: What share of a tree's answer is added.
        max_depth: Of a tree; at most 8.
        max_leaf_nodes: Of a tree, two or more.
        min_samples_leaf: The fewest rows in a leaf.
    """

    members: int = 8
    iterations: int = 100
    learning_rate: float = 0.1
    max_depth: int = 6
    max_leaf_nodes: int = 31
    min_samples_leaf: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_depth > DEEPEST or self.max_leaf_nodes < 2:
            raise DataError(
                f"max_depth is {self.max_depth} and max_leaf_nodes"
                f" {self.max_leaf_nodes}: give at most {DEEPEST}, and 2 or more"
            )

    def _learn(
        self,
        X: NDArray[np.float32],
        targets: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> Members:
        return boosted(
            X,
            targets,
            rng.exponential(size=(self.members, len(X))),
            rng,
            iterations=self.iterations,
            learning_rate=self.learning_rate,
            max_depth=self.max_depth,
            max_leaf_nodes=self.max_leaf_nodes,
            min_samples_leaf=self.min_samples_leaf,
        )

    def _load(self, files: Mapping[str, bytes], features: int, targets: int) -> Members:
        return BoostedTrees.read(files, features, targets)
