"""Architectures as rows of zeros and ones: options, or paths through a cell.

White, Neiswanger & Savani, "BANANAS: Bayesian Optimization with Neural Architectures
for Neural Architecture Search", AAAI 2021, sec. 4. https://arxiv.org/abs/1910.11858
"""

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from benchsuite.spaces import Architecture, SearchSpace
from benchsuite.spaces.nb1shot1 import OneShotSpace
from benchsuite.spaces.nb101 import CellSpace
from benchsuite.strategies.model_based.cells import (
    Graph,
    graph,
    is_cell_space,
    operations,
)

_KEPT = 30  # of the 364 paths of NAS-Bench-101, in the authors' code

Encode = Callable[[Sequence[Architecture]], NDArray[np.float64]]


def one_hot(space: SearchSpace) -> Encode:
    """Encode the options of B architectures, [B, number of options], all at once."""
    sizes = [len(options) for options in space.choices]
    starts = np.array([0, *itertools.accumulate(sizes)])

    def encode(archs: Sequence[Architecture]) -> NDArray[np.float64]:
        codes = np.zeros((len(archs), starts[-1]))
        codes[np.arange(len(archs))[:, None], starts[:-1] + np.array(archs)] = 1
        return codes

    return encode


def paths(cell: Graph) -> set[tuple[str, ...]]:
    """List what the ways from a cell's input to its output pass.

    Example:
        >>> cell = Graph(("input", "a", "b", "output"), ((), (0,), (1,), (1, 2)))
        >>> sorted(paths(cell))
        [('a',), ('a', 'b')]
    """

    def ways(vertex: int) -> Iterator[tuple[str, ...]]:
        if vertex == 0:
            yield ()
        for parent in cell.parents[vertex]:
            label = (cell.labels[parent],) if parent else ()
            yield from (way + label for way in ways(parent))

    return set(ways(len(cell.labels) - 1))


def path_vocabulary(space: SearchSpace) -> list[tuple[str, ...]]:
    """List the paths that are encoded, the shortest first, as the likeliest.

    Of operations on vertices, the first 30; of operations on edges, where there are
    84 or 39, all. Cells with a `none` have no path across it.
    """
    on_vertices = isinstance(space, CellSpace | OneShotSpace)
    lengths = range(6) if on_vertices else range(1, 4)
    every = itertools.chain.from_iterable(
        itertools.product(operations(space), repeat=n) for n in lengths
    )
    return list(itertools.islice(every, _KEPT if on_vertices else None))


def path_encoding(space: SearchSpace) -> Encode:
    """Encode which paths B cells have, [B, number of `path_vocabulary`]."""
    place = {path: n for n, path in enumerate(path_vocabulary(space))}
    known: dict[Architecture, list[int]] = {}

    def features(arch: Architecture) -> list[int]:
        if arch not in known:
            found = paths(graph(space, arch))
            known[arch] = [place[path] for path in found if path in place]
        return known[arch]

    def encode(archs: Sequence[Architecture]) -> NDArray[np.float64]:
        codes = np.zeros((len(archs), len(place)))
        for row, arch in zip(codes, archs, strict=True):
            row[features(arch)] = 1
        return codes

    return encode


def paths_or_options(space: SearchSpace) -> Encode:
    """Encode the paths where a space has cells, and the options elsewhere."""
    return path_encoding(space) if is_cell_space(space) else one_hot(space)
