"""The graph of an architecture: vertices with labels, and the parents of each."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from benchsuite.spaces import NB101, Architecture, SearchSpace
from benchsuite.spaces.nats import TopologySpace
from benchsuite.spaces.nb1shot1 import OneShotSpace
from benchsuite.spaces.nb101 import CellSpace
from benchsuite.spaces.transnas import MicroSpace

_EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))  # of cells of four nodes
_NONE = 0  # the option of an edge that carries nothing


class Graph(NamedTuple):
    """A directed acyclic graph; parents come before their children.

    Attributes:
        labels: Of the vertices. Those of a cell begin with input, end with output.
        parents: Of every vertex, in ascending order.
    """

    labels: tuple[str, ...]
    parents: tuple[tuple[int, ...], ...]


def is_cell_space(space: SearchSpace) -> bool:
    """Tell whether the architectures of a space are cells with input and output."""
    return isinstance(space, TopologySpace | MicroSpace | CellSpace | OneShotSpace)


def operations(space: SearchSpace) -> tuple[str, ...]:
    """List the labels that vertices of a cell between input and output can have."""
    if isinstance(space, OneShotSpace):
        space = NB101
    return space.choices[-1] if isinstance(space, CellSpace) else space.choices[0][1:]


def graph(space: SearchSpace, arch: Architecture) -> Graph:
    """Give what an architecture computes with, without what is on no path.

    An operation on an edge becomes a vertex, the child of those that enter the node
    where its edge begins; a `none` is left out. In a space without cells the decisions
    form a chain, labelled by their place and option.

    Example:
        >>> from benchsuite.spaces import NATS_TSS
        >>> graph(NATS_TSS, (1, 0, 0, 3, 2, 4)).labels  # nothing enters node 2
        ('input', 'skip_connect', 'nor_conv_3x3', 'nor_conv_1x1', 'output')
        >>> graph(NATS_TSS, (1, 0, 0, 3, 2, 4)).parents
        ((), (0,), (0,), (1,), (2, 3))
        >>> graph(SearchSpace("toy", (("a", "b"), ("c", "d"))), (0, 1))
        Graph(labels=('0:a', '1:d'), parents=((), (0,)))
    """
    if isinstance(space, OneShotSpace):
        return graph(NB101, space.cell(arch))
    if isinstance(space, CellSpace):
        inner = [operations(space)[op] for op in arch[len(space.edge) :]]
        edges = itertools.compress(space.edge, arch)
        return _pruned(("input", *inner, "output"), list(edges))
    if isinstance(space, TopologySpace | MicroSpace):
        return _pruned(*_line_graph(space, arch))
    labels = [f"{d}:{space.choices[d][a]}" for d, a in enumerate(arch)]
    return Graph(tuple(labels), ((), *((d,) for d in range(len(labels) - 1))))


def _line_graph(
    space: SearchSpace, arch: Architecture
) -> tuple[list[str], list[tuple[int, int]]]:
    """Turn operations on edges into vertices: labels, and edges between them."""
    places = [(0, 0), *_EDGES, (3, 3)]  # input and output, as if on loops
    ops = [space.choices[d][a] for d, a in enumerate(arch)]
    there = [True, *(a != _NONE for a in arch), True]
    live = list(itertools.compress(range(len(places)), there))
    # Numbered by where they begin, so that a parent comes before its child.
    live.sort(key=lambda v: (places[v][0], v))
    edges = [
        (n, m)
        for n, v in enumerate(live)
        for m, w in enumerate(live)
        if n < m and places[v][1] == places[w][0]
    ]
    labels = ["input", *ops, "output"]
    return [labels[v] for v in live], edges


def _pruned(labels: Sequence[str], edges: Sequence[tuple[int, int]]) -> Graph:
    """Drop every vertex that is on no path from the first to the last."""
    last = len(labels) - 1
    reached, live = {0}, {last}
    for v, w in sorted(edges):
        if v in reached:
            reached.add(w)
    for v, w in sorted(edges, reverse=True):
        if w in live:
            live.add(v)
    kept = sorted((reached & live) | {0, last})
    place = {v: n for n, v in enumerate(kept)}
    parents: list[list[int]] = [[] for _ in kept]
    for v, w in sorted(edges):
        if {v, w} <= reached & live:
            parents[place[w]].append(place[v])
    return Graph(tuple(labels[v] for v in kept), tuple(map(tuple, parents)))
