"""How long a training takes: boosted trees on the logarithm of its seconds.

Zela et al., "Surrogate NAS Benchmarks", ICLR 2022, section 4: a model of the runtime
stands beside the one of the error. https://arxiv.org/abs/2008.09777
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from surrogates.boosted_trees import BoostedTrees
from surrogates.histogram_boosting import boosted

_FILE = "runtime.npz"


@dataclass(frozen=True, eq=False)
class Runtime:
    """Trees of the logarithm of seconds."""

    trees: BoostedTrees

    @classmethod
    def fit(cls, X: NDArray[np.float32], seconds: NDArray[np.float64]) -> Self:
        """Fit to rows [N, F] and their seconds [N]."""
        targets = np.log(seconds)[:, None]
        return cls(boosted(X, targets, np.ones((1, len(X))), np.random.default_rng(0)))

    def __call__(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Predict the seconds of B rows, [B]."""
        seconds: NDArray[np.float64] = np.exp(self.trees(X)[0, :, 0])
        return seconds

    def files(self) -> dict[str, bytes]:
        """Write the trees."""
        return self.trees.files(_FILE)

    @classmethod
    def read(cls, files: Mapping[str, bytes], features: int) -> Self | None:
        """Read what `files` gave, if there is something.

        Raises:
            DataError: It is damaged.
        """
        if _FILE not in files:
            return None
        return cls(BoostedTrees.read(files, features, 1, _FILE))
