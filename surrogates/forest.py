"""Random forests and extremely randomised trees, as scikit-learn grows them.

Breiman, "Random Forests", Machine Learning 2001.
Geurts, Ernst & Wehenkel, "Extremely Randomized Trees", Machine Learning 2006.
Trees are stored as arrays and walked by `surrogates.trees`, so prediction does without
scikit-learn. A member is the mean of a few trees.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surrogates.ensemble import Ensemble, Members
from surrogates.threads import one_thread
from surrogates.trees import Trees


@dataclass(kw_only=True, eq=False)
class _Forest(Ensemble):
    """Trees, grown one by one.

    Attributes:
        members: M.
        trees: Of each member.
        max_features: The share of features that a split chooses from.
        min_samples_leaf: The fewest rows in a leaf.
    """

    members: int = 10
    trees: int = 5
    max_features: float = 0.5
    min_samples_leaf: int = 1

    def _learn(
        self,
        X: NDArray[np.float32],
        targets: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> Members:
        with one_thread():
            forest = self._grower()(
                n_estimators=self.members * self.trees,
                max_features=min(self.max_features, 1.0),
                min_samples_leaf=self.min_samples_leaf,
                random_state=int(rng.integers(2**31)),
                n_jobs=1,
            ).fit(X, targets if targets.shape[1] > 1 else targets[:, 0])
        grown = Trees.grown(tree.tree_ for tree in forest.estimators_)
        return _Members(grown, self.trees)

    def _load(self, files: Mapping[str, bytes], features: int, targets: int) -> Members:
        return _Members(Trees.read(files, features, targets), self.trees)

    @abstractmethod
    def _grower(self) -> Any:
        """Give the class of scikit-learn."""


class RandomForest(_Forest):
    """Trees that each see a bootstrap sample of the rows."""

    def _grower(self) -> Any:
        from sklearn.ensemble import RandomForestRegressor

        return RandomForestRegressor


class ExtraTrees(_Forest):
    """Trees that each see all rows, and split where chance says."""

    def _grower(self) -> Any:
        from sklearn.ensemble import ExtraTreesRegressor

        return ExtraTreesRegressor


@dataclass(frozen=True, eq=False)
class _Members:
    """Means of so many trees in a row."""

    trees: Trees
    each: int

    def __call__(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        said = self.trees(X)
        members = said.reshape(-1, self.each, *said.shape[1:])
        means: NDArray[np.float64] = np.add.reduce(members, axis=1) / self.each
        return means

    def files(self) -> dict[str, bytes]:
        return self.trees.files()
