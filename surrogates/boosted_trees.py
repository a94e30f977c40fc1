"""Many shallow regression trees, walked by all rows at once with the bits of a byte.

Each tree is filled up to a complete one of depth D, so that its leaf is a number of D
binary digits: the turns that a row takes. The rows that reach a node are a string of
bits, cut in two by the node's condition; the union of what turned right, over a level,
is a digit of every row's leaf. Eight rows to the byte, this is several times as fast as
to follow them. The idea of evaluating trees by bit strings is that of QuickScorer
(Lucchese et al., SIGIR 2015, https://doi.org/10.1145/2766462.2767733).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from surrogates.arrays import packed, sound, unpacked

Tree = tuple[NDArray[Any], ...]
"""A complete one: see `complete`."""
_Floats = NDArray[np.float64]
Objective = Callable[[_Floats, object], tuple[_Floats, _Floats]]
_TOGETHER = 25_000  # rows times trees at once: what fits in a core's cache
_SUM = 25  # trees added up at once: a sum must not depend on the number of rows
_ROWS = 1000  # at once
DEEPEST = 8  # the number of a leaf is one byte


@dataclass(frozen=True, eq=False)
class BoostedTrees:
    """M ensembles of trees for each of K targets, whose trees are added up.

    Attributes:
        feature: int32 [M, K, T, 2^D - 1], that a node looks at, level by level.
        threshold: float64, as `feature`: a row goes right if its feature is larger.
        value: float64 [M, K, T, 2^D], of leaves.
        start: float64 [M, K], what trees are added to.
    """

    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    value: NDArray[np.float64]
    start: NDArray[np.float64]

    def __call__(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Predict B rows, [M, B, K]."""
        members, targets, *_ = self.feature.shape
        out = np.empty((members * targets, len(X)))
        features, thresholds, number = self._conditions
        for first in range(0, len(X), _ROWS):
            rows = X[first : first + _ROWS].astype(np.float64)
            flags = np.packbits(rows.T[features] > thresholds[:, None], axis=1)
            total = _added(flags, number, self._values)[:, : len(rows)]
            out[:, first : first + _ROWS] = total
        out += self.start.reshape(-1, 1)
        return out.reshape(members, targets, len(X)).transpose(0, 2, 1)

    @cached_property
    def _values(self) -> NDArray[np.float64]:
        """`value`, ensemble by ensemble, [M K, T, 2^D]."""
        return self.value.reshape(-1, *self.value.shape[2:])

    @cached_property
    def _conditions(
        self,
    ) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.intp]]:
        """Number the different conditions "feature > threshold".

        Returns:
            Feature [C] and threshold [C] of each, and the number of that of every node,
            [M K, T, 2^D - 1].
        """
        kind = [("feature", "<i4"), ("threshold", "<f8")]
        pairs = np.empty(self.feature.shape, dtype=kind)
        pairs["feature"], pairs["threshold"] = self.feature, self.threshold
        found, number = np.unique(pairs, return_inverse=True)
        number = number.reshape(-1, *self.feature.shape[2:])
        return found["feature"].astype(np.intp), found["threshold"].copy(), number

    def files(self, name: str = "trees.npz") -> dict[str, bytes]:
        """Write the arrays."""
        names = ("feature", "threshold", "value", "start")
        return {name: packed({array: getattr(self, array) for array in names})}

    @classmethod
    def read(
        cls,
        files: Mapping[str, bytes],
        features: int,
        targets: int,
        name: str = "trees.npz",
    ) -> Self:
        """Read what `files` gave.

        Raises:
            DataError: It is damaged.
        """
        kinds = {"feature": ("<i4", 4), "threshold": ("<f8", 4), "value": ("<f8", 4)}
        trees = cls(**unpacked(files, name, {**kinds, "start": ("<f8", 2)}))
        return trees.checked(name, features, targets)

    def checked(self, name: str, features: int, targets: int) -> Self:
        """Give the trees back if they are of so many features and targets.

        Raises:
            DataError: They are not, or are not complete.
        """
        leaves = self.value.shape[-1]
        wanted = (*self.value.shape[:-1], leaves - 1)
        fits = self.feature.shape == self.threshold.shape == wanted
        fits = fits and self.start.shape == wanted[:2] and self.feature.size > 0
        fits = fits and leaves in (2**depth for depth in range(1, DEEPEST + 1))
        sound(name, "its trees are not complete", fits)
        sound(name, "it is of other targets", self.start.shape[1] == targets)
        sound(name, "its leaves are no numbers", bool(np.isfinite(self.value).all()))
        fits = bool(((self.feature >= 0) & (self.feature < features)).all())
        sound(name, "it is of other features", fits)
        return self


def complete(
    nodes: Mapping[str, NDArray[Any]], depth: int
) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
    """Fill a tree up to a complete one, whose added nodes let no row turn right.

    Args:
        nodes: By name, [nodes]: feature, threshold, left, right, value, leaf.
        depth: D, at least that of the tree.

    Returns:
        Feature [2^D - 1], threshold [2^D - 1] and value [2^D].
    """
    level = np.zeros(1, dtype=np.intp)
    features, thresholds = [], []
    for _ in range(depth):
        leaf = nodes["leaf"][level].astype(bool)
        features.append(np.where(leaf, 0, nodes["feature"][level]))
        thresholds.append(np.where(leaf, np.inf, nodes["threshold"][level]))
        children = [
            np.where(leaf, level, nodes[side][level]) for side in ("left", "right")
        ]
        level = np.stack(children, axis=1).ravel().astype(np.intp)
    return (
        np.concatenate(features).astype(np.int32),
        np.concatenate(thresholds),
        nodes["value"][level].astype(np.float64),
    )


def stacked(trees: Sequence[Tree], start: NDArray[np.float64]) -> BoostedTrees:
    """Put complete trees together, those of an ensemble and a target side by side.

    Args:
        trees: Of `complete`, M K T of them.
        start: float64 [M, K].

    Raises:
        ValueError: Their number is no multiple of M K.
    """
    feature, threshold, value = map(np.stack, zip(*trees, strict=True))
    shape = (*start.shape, len(trees) // start.size, -1)
    return BoostedTrees(
        feature.reshape(shape), threshold.reshape(shape), value.reshape(shape), start
    )


def in_order(trees: Sequence[Tree], members: int, targets: int) -> BoostedTrees:
    """Stack trees that a library grew round by round, one of each output in a round.

    Args:
        trees: Complete ones.
        members: How many models there are.
        targets: Outputs of each.
    """
    outputs = members * targets
    grown = [tree for output in range(outputs) for tree in trees[output::outputs]]
    return stacked(grown, np.zeros((members, targets)))


def weighted_squares(targets: _Floats, weights: _Floats) -> Objective:
    """Give what libraries ask of an objective: here, of half the weighted squares.

    Args:
        targets: [N, K].
        weights: [N, M, 1] of each of M models.

    Returns:
        A function of outputs [N, M K] to their first and second derivatives, alike.
    """

    def differentiate(outputs: _Floats, _: object) -> tuple[_Floats, _Floats]:
        said = outputs.reshape(*weights.shape[:2], -1)
        first = weights * (said - targets[:, None, :])
        second = np.broadcast_to(weights, first.shape)
        return first.reshape(len(said), -1), second.reshape(len(said), -1).copy()

    return differentiate


def _added(
    flags: NDArray[np.uint8], places: NDArray[np.intp], value: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Add up the trees of every ensemble, for all rows.

    Args:
        flags: uint8 [C, W], whether rows fulfil a condition, eight to the byte.
        places: intp [M K, T, 2^D - 1], the number of each node's condition.
        value: float64 [M K, T, 2^D].

    Returns:
        [M K, 8 W].
    """
    ensembles, trees, nodes = places.shape
    rows = 8 * flags.shape[1]
    total = np.zeros((ensembles, rows))
    many = max(1, _TOGETHER // (rows * _SUM))
    for one in range(0, ensembles, many):
        for first in range(0, trees, _SUM):
            some = slice(one, one + many), slice(first, first + _SUM)
            leaf = _leaves(flags, places[some].reshape(-1, nodes))
            offset = np.arange(len(leaf))[:, None] * (nodes + 1)
            answers = value[some].ravel().take(leaf + offset)
            parts = answers.reshape(*places[some].shape[:2], rows)
            total[some[0]] += np.add.reduce(parts, axis=1)
    return total


def _leaves(flags: NDArray[np.uint8], places: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Number the leaf of every tree and row, [T, 8 W]."""
    trees, words = len(places), flags.shape[1]
    here = np.full((trees, 1, words), 255, dtype=np.uint8)
    leaf = np.zeros((trees, 8 * words), dtype=np.uint8)
    first, nodes = 0, 1
    while first < places.shape[1]:
        below = np.empty((trees, nodes, 2, words), dtype=np.uint8)
        fulfilled = flags.take(places[:, first : first + nodes], axis=0)
        right = np.bitwise_and(here, fulfilled, out=below[:, :, 1])
        np.bitwise_xor(here, right, out=below[:, :, 0])
        digit = np.unpackbits(np.bitwise_or.reduce(right, axis=1), axis=1)
        leaf = leaf << 1 | digit
        here = below.reshape(trees, 2 * nodes, words)
        first, nodes = first + nodes, 2 * nodes
    return leaf
