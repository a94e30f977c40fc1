"""Architectures as rows of zeros and ones, by name: for models that know rows only.

Adjacency and labels after Ying et al., "NAS-Bench-101", ICML 2019, sec. 2, who encode
cells so; paths after White, Neiswanger & Savani, "BANANAS", AAAI 2021, sec. 4.
https://arxiv.org/abs/1902.09635 https://arxiv.org/abs/1910.11858

`one_hot` tells any two architectures apart. `adjacency` and `paths` are of graphs (see
`graph.graphs`), so they are equal for isomorphic cells; `adjacency` is different for
all others, `paths` not always.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchsuite.spaces.darts import DartsSpace
from benchsuite.spaces.graph import Graph, graphs, layout
from benchsuite.spaces.nb1shot1 import OneShotSpace
from benchsuite.spaces.nb101 import CellSpace
from benchsuite.spaces.space import Architecture, SearchSpace

Encode = Callable[[Sequence[Architecture]], NDArray[np.float32]]
"""Encodes B architectures, [B, F]; a row does not depend on the other rows."""

_MEMO = 1 << 15  # rows that are kept once they were asked for
_DARTS_LENGTH = 2  # operations on a path, at most; all would make 11,200


def one_hot(space: SearchSpace) -> Encode:
    """Encode the option of every decision, [B, number of options]."""
    sizes = [len(options) for options in space.choices]
    starts = np.array([0, *itertools.accumulate(sizes)])

    def encode(archs: Sequence[Architecture]) -> NDArray[np.float32]:
        codes = np.zeros((len(archs), starts[-1]), dtype=np.float32)
        options = np.array(archs, dtype=np.intp).reshape(len(archs), len(sizes))
        codes[np.arange(len(archs))[:, None], starts[:-1] + options] = 1
        return codes

    return encode


def graph_size(space: SearchSpace) -> tuple[int, int]:
    """Tell V, the vertices, and L, the labels, of rows of `adjacency`.

    Raises:
        ValueError: Architectures of the space are no cells.

    Example:
        >>> from benchsuite.spaces import DARTS, NATS_TSS
        >>> graph_size(NATS_TSS), graph_size(DARTS)
        ((8, 6), (30, 22))
    """
    cells, vertices, labels = layout(space)
    return cells * vertices, cells * len(labels)


def adjacency(space: SearchSpace) -> Encode:
    """Encode graphs: from which vertex an edge leads to which, and their labels.

    A row is [V * V + V * L], V and L as `graph_size` says: element V p + v is 1 if p is
    a parent of v, and element V * V + L v + l if vertex v has label l. Vertices are in
    canonical order, the output is the last of its cell, and vertices that a cell has
    not have no label. Of an architecture of two cells, the second has vertices and
    labels of its own, behind those of the first.

    Raises:
        ValueError: Architectures of the space are no cells.
    """
    _, vertices, labels = layout(space)
    n, kinds = graph_size(space)
    number = {label: place for place, label in enumerate(labels)}

    def ones(arch: Architecture) -> Iterator[int]:
        for c, (names, parents) in enumerate(graphs(space, arch)):
            last = len(names) - 1
            place = [c * vertices + v for v in (*range(last), vertices - 1)]
            for v, name in enumerate(names):
                yield n * n + place[v] * kinds + c * len(labels) + number[name]
                yield from (place[p] * n + place[v] for p in parents[v])

    return _sparse(n * n + n * kinds, ones)


def paths(cell: Graph) -> set[tuple[str, ...]]:
    """List what the ways from inputs to the output pass, inputs included.

    Vertices that are no operation, those of sums, are left out.

    Example:
        >>> cell = Graph(("input", "a", "b", "output"), ((), (0,), (1,), (1, 2)))
        >>> sorted(paths(cell))
        [('input', 'a'), ('input', 'a', 'b')]
    """
    ways: list[set[tuple[str, ...]]] = []
    for v, (label, parents) in enumerate(zip(*cell, strict=True)):
        here = () if label in ("node", "output") else (label,)
        above = {way for p in parents for way in ways[p]}
        starts = not parents and v < len(cell.labels) - 1
        ways.append(
            {way + here for way in (above or {()})} if above or starts else set()
        )
    return ways[-1]


def path_vocabulary(space: SearchSpace) -> list[tuple[str, ...]]:
    """List the paths that are encoded, of one cell: the shortest first.

    These are all there can be; in DARTS, those of one and two operations.

    Raises:
        ValueError: Architectures of the space are no cells.
    """
    labels = layout(space).labels
    inputs = [label for label in labels if label.startswith("input")]
    ops = [label for label in labels if label not in {*inputs, "node", "output"}]
    if isinstance(space, DartsSpace):
        lengths = range(1, _DARTS_LENGTH + 1)
    elif isinstance(space, CellSpace | OneShotSpace):
        lengths = range(layout(space).vertices - 1)
    else:
        lengths = range(1, 4)
    return [
        (start, *way)
        for length in lengths
        for start in inputs
        for way in itertools.product(ops, repeat=length)
    ]


def path_encoding(space: SearchSpace) -> Encode:
    """Encode which paths cells have, [B, cells * number of `path_vocabulary`].

    Raises:
        ValueError: Architectures of the space are no cells.
    """
    place = {path: n for n, path in enumerate(path_vocabulary(space))}

    def ones(arch: Architecture) -> Iterator[int]:
        for c, cell in enumerate(graphs(space, arch)):
            yield from (c * len(place) + place[p] for p in paths(cell) if p in place)

    return _sparse(layout(space).cells * len(place), ones)


def _sparse(width: int, ones: Callable[[Architecture], Iterator[int]]) -> Encode:
    """Make rows of `width` from where the ones are, which is remembered."""
    known: dict[Architecture, NDArray[np.intp]] = {}

    def find(arch: Architecture) -> NDArray[np.intp]:
        if arch not in known:
            if len(known) >= _MEMO:
                known.clear()
            known[arch] = np.fromiter(ones(arch), dtype=np.intp)
        return known[arch]

    def encode(archs: Sequence[Architecture]) -> NDArray[np.float32]:
        codes = np.zeros((len(archs), width), dtype=np.float32)
        for row, arch in zip(codes, archs, strict=True):
            row[find(arch)] = 1
        return codes

    return encode


ENCODINGS: Mapping[str, Callable[[SearchSpace], Encode]] = {
    "one_hot": one_hot,
    "adjacency": adjacency,
    "paths": path_encoding,
}
"""Ways to encode the architectures of a space; all but `one_hot` want cells."""
