"""Boosted trees grown on histograms of the features by scikit-learn, as arrays.

The way of Ke et al., "LightGBM", NeurIPS 2017, which scikit-learn follows.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surrogates.boosted_trees import BoostedTrees, complete, stacked
from surrogates.threads import one_thread


def boosted(
    X: NDArray[np.float32],
    targets: NDArray[np.float64],
    weights: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    iterations: int = 100,
    learning_rate: float = 0.1,
    max_depth: int = 6,
    max_leaf_nodes: int = 31,
    min_samples_leaf: int = 5,
) -> BoostedTrees:
    """Boost one ensemble for each member and target.

    Args:
        X: [N, F].
        targets: [N, K].
        weights: [M, N], of rows, for each member.
        rng: Of the seeds.
        iterations: Trees of an ensemble.
        learning_rate: What share of a tree's answer is added.
        max_depth: Of a tree; at most 8.
        max_leaf_nodes: Of a tree, two or more.
        min_samples_leaf: The fewest rows in a leaf.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    # No more bins than values, which saves time where features are zeros and ones.
    values = max(len(np.unique(column)) for column in X.T)
    start = np.empty((len(weights), targets.shape[1]))
    trees: list[tuple[NDArray[Any], ...]] = []
    with one_thread():
        for member, target in np.ndindex(*start.shape):
            booster = HistGradientBoostingRegressor(
                max_iter=iterations,
                learning_rate=learning_rate,
                max_depth=max_depth,
                max_leaf_nodes=max_leaf_nodes,
                min_samples_leaf=min_samples_leaf,
                max_bins=min(255, max(2, values)),
                early_stopping=False,
                random_state=int(rng.integers(2**31)),
            ).fit(X, targets[:, target], sample_weight=weights[member])
            trees += _trees(booster, iterations, max_depth)
            start[member, target] = booster._baseline_prediction.item()
    return stacked(trees, start)


def _trees(
    booster: Any, iterations: int, depth: int
) -> Iterator[tuple[NDArray[Any], ...]]:
    """Yield the trees of a booster, which has no public way to them.

    Boosting stops where nothing is left to learn; empty trees take the other places.
    """
    names = ("left", "right", "value")
    for (tree,) in booster._predictors:
        nodes = {name: tree.nodes[name] for name in names}
        nodes["feature"] = tree.nodes["feature_idx"]
        nodes["threshold"] = tree.nodes["num_threshold"]
        nodes["leaf"] = tree.nodes["is_leaf"]
        yield complete(nodes, depth)
    empty = {name: np.zeros(1) for name in (*names, "feature", "threshold")}
    for _ in range(iterations - len(booster._predictors)):
        yield complete({**empty, "leaf": np.ones(1)}, depth)
