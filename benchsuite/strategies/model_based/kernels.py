"""Similarity of architectures: by decisions that differ, and by shared subtrees.

Shervashidze, Schweitzer, van Leeuwen, Mehlhorn & Borgwardt, "Weisfeiler-Lehman Graph
Kernels", JMLR 12, 2011.
Ru, Wan, Dong & Osborne, "Interpretable Neural Architecture Search via Bayesian
Optimisation with Weisfeiler-Lehman Kernels", ICLR 2021.
https://arxiv.org/abs/2006.07556
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from benchsuite.spaces import Architecture, SearchSpace
from benchsuite.strategies.model_based.cells import Graph, graph

Kernel = Callable[[Sequence[Architecture], Sequence[Architecture]], NDArray[np.float64]]
"""From A and B architectures to their similarities, [A, B]; 1 with oneself."""


def hamming(length_scale: float) -> Kernel:
    """Make the kernel exp(-d / length_scale), where d decisions differ.

    Example:
        >>> hamming(2.0)([(0, 0, 1)], [(0, 0, 1), (0, 1, 0)]).round(6)
        array([[1.      , 0.367879]])
    """

    def kernel(
        a: Sequence[Architecture], b: Sequence[Architecture]
    ) -> NDArray[np.float64]:
        distance = np.zeros((len(a), len(b)))
        for x, y in zip(np.array(a).T, np.array(b).T, strict=True):
            distance += x[:, None] != y
        similarity: NDArray[np.float64] = np.exp(-distance / length_scale)
        return similarity

    return kernel


class WeisfeilerLehman:
    """Counts the subtrees of the graphs of a space; remembers whom it has seen.

    A vertex is described by its label, then again and again by its description and
    those of its parents in any order. Graphs are similar if they share descriptions.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._numbers: dict[object, int] = {}  # of descriptions
        self._seen: dict[tuple[Architecture, int], Counter[int]] = {}

    def counts(self, cell: Graph, depth: int) -> Counter[int]:
        """Count the descriptions of a graph after 0, 1, ..., `depth` rounds."""
        now = [self._number(label) for label in cell.labels]
        counts = Counter(now)
        for _ in range(depth):
            now = [
                self._number((n, *sorted(now[p] for p in parents)))
                for n, parents in zip(now, cell.parents, strict=True)
            ]
            counts.update(now)
        return counts

    def _number(self, description: object) -> int:
        return self._numbers.setdefault(description, len(self._numbers))

    def _features(self, arch: Architecture, depth: int) -> Counter[int]:
        key = (arch, depth)
        if key not in self._seen:
            self._seen[key] = self.counts(graph(self._space, arch), depth)
        return self._seen[key]

    def kernel(self, depth: int) -> Kernel:
        """Make the kernel of subtrees of up to `depth` levels below their root.

        It is the product of the counts, summed up, divided by their norms.
        """

        def kernel(
            a: Sequence[Architecture], b: Sequence[Architecture]
        ) -> NDArray[np.float64]:
            rows = [self._features(arch, depth) for arch in a]
            columns = [self._features(arch, depth) for arch in b]
            place: dict[int, int] = {}
            for counts in rows:
                for number in counts:
                    place.setdefault(number, len(place))
            # What only the columns have cannot be shared, but counts in their norms.
            return _unit(rows, place) @ _unit(columns, place).T

        return kernel


def _unit(
    features: Sequence[Counter[int]], place: dict[int, int]
) -> NDArray[np.float64]:
    """Lay counts out at their places, [B, number of places], divided by their norms."""
    array = np.zeros((len(features), len(place)))
    for row, counts in zip(array, features, strict=True):
        norm = sum(count * count for count in counts.values()) ** 0.5
        for number, count in counts.items():
            if number in place:
                row[place[number]] = count / norm
    return array
