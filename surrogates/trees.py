"""Regression trees of any depth as flat arrays, walked by many rows at once.

Several trees are walked a level at a time, by all rows; rows that have arrived are set
aside every few levels. See `boosted_trees` for many shallow trees.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from surrogates.arrays import packed, sound, unpacked

_FILE = "trees.npz"
_STEPS = 16_384  # rows times trees walked together: what fits in a core's cache
_LEVELS = 4  # between two looks at who has arrived


@dataclass(frozen=True, eq=False)
class Trees:
    """T trees of one ensemble, whose nodes stand in one list.

    Attributes:
        feature: int32 [nodes], that a node looks at; 0 in leaves.
        threshold: float64 [nodes]: a row goes right if its feature is larger. inf in
            leaves.
        left: int32 [nodes], the left child, with the right one behind it; the node
            itself in leaves.
        value: float64 [nodes, K], of leaves.
        roots: int32 [T].
    """

    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    value: NDArray[np.float64]
    roots: NDArray[np.int32]

    @classmethod
    def grown(cls, trees: Any) -> Self:
        """Copy fitted trees of scikit-learn, one `sklearn.tree._tree.Tree` each."""
        parts: list[tuple[NDArray[Any], ...]] = []
        roots = []
        start = 0
        for tree in trees:
            roots.append(start)
            parts.append(_flat(tree, start))
            start += tree.node_count
        feature, threshold, left, value = map(np.concatenate, zip(*parts, strict=True))
        return cls(feature, threshold, left, value, np.array(roots, dtype=np.int32))

    def __call__(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Predict B rows by every tree, [T, B, K]."""
        out = np.empty((len(self.roots), len(X), self.value.shape[1]))
        flat = X.ravel().astype(np.float64)
        chunk = max(1, _STEPS // len(X))
        for first in range(0, len(self.roots), chunk):
            leaves = self._leaves(flat, X.shape[1], self.roots[first : first + chunk])
            out[first : first + chunk] = self.value[leaves]
        return out

    def _leaves(
        self, flat: NDArray[np.float64], features: int, roots: NDArray[np.int32]
    ) -> NDArray[np.intp]:
        """Walk rows, one behind the other, down the trees at `roots`: [trees, B]."""
        rows = len(flat) // features
        arrived = np.repeat(roots.astype(np.intp), rows)
        row = np.tile(np.arange(rows) * features, len(roots))
        walking = np.arange(len(arrived))
        feature, left = self._indices
        node = arrived.copy()
        while len(walking):
            for _ in range(_LEVELS):
                right = flat.take(feature.take(node) + row) > self.threshold.take(node)
                node = left.take(node) + right
            arrived[walking] = node
            on = np.flatnonzero(left.take(node) != node)
            walking, node, row = walking[on], node[on], row[on]
        return arrived.reshape(len(roots), rows)

    @cached_property
    def _indices(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """`feature` and `left`, as NumPy's own type of indices."""
        return self.feature.astype(np.intp), self.left.astype(np.intp)

    def files(self) -> dict[str, bytes]:
        """Write the arrays."""
        names = ("feature", "threshold", "left", "value", "roots")
        return {_FILE: packed({name: getattr(self, name) for name in names})}

    @classmethod
    def read(cls, files: Mapping[str, bytes], features: int, targets: int) -> Self:
        """Read what `files` gave.

        Raises:
            DataError: It is damaged: it would not walk every row to a leaf.
        """
        arrays = unpacked(
            files,
            _FILE,
            {
                "feature": ("<i4", 1),
                "threshold": ("<f8", 1),
                "left": ("<i4", 1),
                "value": ("<f8", 2),
                "roots": ("<i4", 1),
            },
        )
        trees = cls(**arrays)
        nodes = len(trees.left)
        own = np.arange(nodes)
        inner = trees.left != own
        fits = nodes == len(trees.feature) == len(trees.threshold) == len(trees.value)
        sound(_FILE, "its nodes have no common number", fits and nodes > 0)
        sound(_FILE, "it is of other targets", trees.value.shape[1] == targets)
        fits = bool((trees.left >= own).all() and (trees.left[inner] < nodes - 1).all())
        fits = fits and bool((trees.threshold[~inner] == np.inf).all())
        sound(_FILE, "its nodes are no trees", fits)
        inside = [(trees.feature, features), (trees.roots, nodes)]
        fits = all(bool(((a >= 0) & (a < most)).all()) for a, most in inside)
        sound(_FILE, "it is of other features", fits and len(trees.roots) > 0)
        return trees


def _flat(tree: Any, start: int) -> tuple[NDArray[Any], ...]:
    """Put the nodes of a tree of scikit-learn in order, siblings side by side."""
    left, right = tree.children_left, tree.children_right
    order = [0]
    for level in _levels(left, right):
        order.extend(level)
    place = np.empty(tree.node_count, dtype=np.intp)
    place[order] = np.arange(tree.node_count)
    leaf = left[order] < 0
    child = np.where(leaf, np.arange(len(order)), place[left[order]]) + start
    return (
        np.where(leaf, 0, tree.feature[order]).astype(np.int32),
        np.where(leaf, np.inf, tree.threshold[order]),
        child.astype(np.int32),
        tree.value[order, :, 0].astype(np.float64),
    )


def _levels(left: NDArray[Any], right: NDArray[Any]) -> Any:
    """Yield the nodes of each level below the root, siblings side by side."""
    level = np.array([0])
    while len(inner := level[left[level] >= 0]):
        level = np.stack([left[inner], right[inner]], axis=1).ravel()
        yield level
