"""Cells as labelled graphs, and one order of vertices for all that are isomorphic.

Colours are refined by those of parents and children (Weisfeiler & Leman, 1968); where
that leaves vertices alike, each of them in turn is told apart, and the least outcome is
taken: McKay & Piperno, "Practical Graph Isomorphism, II", Journal of Symbolic
Computation 60, 2014. https://arxiv.org/abs/1301.1493
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from benchsuite.spaces.darts import CELLS, EDGES, DartsSpace
from benchsuite.spaces.nats import TopologySpace
from benchsuite.spaces.nb1shot1 import OneShotSpace
from benchsuite.spaces.nb101 import NB101, CellSpace
from benchsuite.spaces.space import Architecture, SearchSpace
from benchsuite.spaces.transnas import MicroSpace

_PLACES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))  # edges of cells of 4 nodes
_NODES = range(2, 6)  # of a cell of DARTS, after its two inputs


class Graph(NamedTuple):
    """A directed acyclic graph; parents come before their children.

    Attributes:
        labels: Of the vertices, of which the last is the output.
        parents: Of every vertex, in ascending order.
    """

    labels: tuple[str, ...]
    parents: tuple[tuple[int, ...], ...]


class Layout(NamedTuple):
    """What the graphs of a space have room for.

    Attributes:
        cells: Graphs of an architecture.
        vertices: Most vertices of a graph.
        labels: That vertices can have.
    """

    cells: int
    vertices: int
    labels: tuple[str, ...]


def layout(space: SearchSpace) -> Layout:
    """Tell how large the graphs of a space can be.

    Raises:
        ValueError: Its architectures are no cells.

    Example:
        >>> from benchsuite.spaces import NATS_TSS
        >>> layout(NATS_TSS)[:2], layout(NATS_TSS).labels[:3]
        ((1, 8), ('input', 'skip_connect', 'nor_conv_1x1'))
    """
    if isinstance(space, DartsSpace):
        ops = dict.fromkeys(itertools.chain(*(c[1:] for c in space.choices)))
        labels = ("input 0", "input 1", *ops, "node", "output")
        return Layout(len(CELLS), 2 + 2 * len(_NODES) + len(_NODES) + 1, labels)
    if isinstance(space, CellSpace | OneShotSpace):
        on = space.vertices if isinstance(space, CellSpace) else len(space.parents) + 1
        return Layout(1, on, ("input", *NB101.choices[-1], "output"))
    if isinstance(space, TopologySpace | MicroSpace):
        labels = ("input", *space.choices[0][1:], "output")
        return Layout(1, len(_PLACES) + 2, labels)
    raise _no_cells(space)


def graphs(space: SearchSpace, arch: Architecture) -> tuple[Graph, ...]:
    """Give what each cell of an architecture computes with, in canonical order.

    What is on no path from input to output is left out. Where operations are on edges,
    each becomes a vertex, the child of those that enter the node where its edge begins.
    In cells of DARTS, whose output keeps nodes apart, nodes are vertices too. Of cells
    of NATS-Bench that compute the same, by `canonical`, the representative is taken.

    Two cells have equal graphs if and only if theirs are isomorphic, labels included.
    The 6,466 published classes of NATS-Bench have 6,046: `canonical` keeps a sum with
    zero apart from the same sum without.

    Raises:
        ValueError: Architectures of the space are no cells.

    Example:
        >>> from benchsuite.spaces import NATS_TSS
        >>> graphs(NATS_TSS, (1, 0, 0, 3, 2, 4))[0].labels  # nothing enters node 2
        ('input', 'nor_conv_1x1', 'skip_connect', 'nor_conv_3x3', 'output')
        >>> graphs(NATS_TSS, (1, 0, 0, 3, 2, 4))[0].parents
        ((), (0,), (0,), (2,), (1, 3))
    """
    if isinstance(space, DartsSpace):
        ops = [names[a] for names, a in zip(space.choices, arch, strict=True)]
        raw = [_darts_cell(ops[: len(EDGES)]), _darts_cell(ops[len(EDGES) :])]
    elif isinstance(space, TopologySpace | MicroSpace):
        raw = [_summing_cell(space.choices[0], space.canonical(arch))]
    elif isinstance(space, CellSpace):
        raw = [_vertex_cell(space, arch)]
    elif isinstance(space, OneShotSpace):
        raw = [_vertex_cell(NB101, space.cell(arch))]
    else:
        raise _no_cells(space)
    return tuple(map(canonical, raw))


def canonical(graph: Graph) -> Graph:
    """Order the vertices so that isomorphic graphs become equal.

    The order is by depth, the longest way from an input, so that parents still come
    first, and by label.

    Example:
        >>> one = Graph(("in", "b", "a", "out"), ((), (0,), (0,), (1, 2)))
        >>> other = Graph(("in", "a", "b", "out"), ((), (0,), (0,), (1, 2)))
        >>> canonical(one) == canonical(other) == other
        True
    """
    children: list[list[int]] = [[] for _ in graph.labels]
    depth = [0] * len(graph.labels)
    for v, parents in enumerate(graph.parents):
        depth[v] = 1 + max((depth[p] for p in parents), default=-1)
        for parent in parents:
            children[parent].append(v)
    near = [(list(p), c) for p, c in zip(graph.parents, children, strict=True)]
    # The output is last even where no way leads to it.
    depth[-1] = len(depth)
    start = _ranks(list(zip(depth, graph.labels, strict=True)))
    return min(_placed(graph, places) for places in _orders(start, near))


_Near = Sequence[tuple[Sequence[int], Sequence[int]]]
"""Parents and children of every vertex."""


def _ranks(signs: Sequence[tuple[Any, ...]]) -> list[int]:
    """Number different signs in ascending order, and give each its number."""
    known = {sign: n for n, sign in enumerate(sorted(set(signs)))}
    return [known[sign] for sign in signs]


def _refined(colours: list[int], near: _Near) -> list[int]:
    """Split colours by those of parents and children until nothing changes."""
    count = len(set(colours))
    while count < len(colours):
        signs = [
            (
                colours[v],
                sorted([colours[p] for p in parents]),
                sorted([colours[c] for c in children]),
            )
            for v, (parents, children) in enumerate(near)
        ]
        colours = _ranks([(c, tuple(up), tuple(down)) for c, up, down in signs])
        if (now := max(colours) + 1) == count:
            break
        count = now
    return colours


def _orders(colours: list[int], near: _Near) -> Iterator[list[int]]:
    """Yield the places of vertices: one order, or one for each way to break a tie."""
    colours = _refined(colours, near)
    tied = [c for c in set(colours) if colours.count(c) > 1]
    if not tied:
        yield colours
        return
    first = min(tied)
    for v in [v for v, c in enumerate(colours) if c == first]:
        split = [(c, c == first and w != v) for w, c in enumerate(colours)]
        yield from _orders(_ranks(split), near)


def _placed(graph: Graph, places: Sequence[int]) -> Graph:
    """Put every vertex where `places` says."""
    labels = dict(zip(places, graph.labels, strict=True))
    parents = {
        place: tuple(sorted([places[p] for p in above]))
        for place, above in zip(places, graph.parents, strict=True)
    }
    order = range(len(places))
    return Graph(tuple(labels[v] for v in order), tuple(parents[v] for v in order))


def _vertex_cell(space: CellSpace, arch: Architecture) -> Graph:
    """Take a cell whose operations are on vertices."""
    inner = [space.choices[-1][op] for op in arch[len(space.edge) :]]
    edges = itertools.compress(space.edge, arch)
    return _pruned(("input", *inner, "output"), list(edges))


def _summing_cell(names: Sequence[str], arch: Architecture) -> Graph:
    """Take a cell of four nodes that sum up what operations on edges give them."""
    there = sorted((edge, op) for edge, op in zip(_PLACES, arch, strict=True) if op)
    places = [(0, 0), *(edge for edge, _ in there), (3, 3)]  # ends as if on loops
    edges = [
        (v, w)
        for v, w in itertools.combinations(range(len(places)), 2)
        if places[v][1] == places[w][0]
    ]
    return _pruned(("input", *(names[op] for _, op in there), "output"), edges)


def _darts_cell(ops: Sequence[str]) -> Graph:
    """Take a cell of DARTS: operations in the order of `EDGES`, "none" if absent."""
    labels = ["input 0", "input 1"]
    parents: list[tuple[int, ...]] = [(), ()]
    node_at = [0, 1]  # the vertex of each node
    for node in _NODES:
        into = [
            (op, node_at[source])
            for (source, target), op in zip(EDGES, ops, strict=True)
            if target == node and op != "none"
        ]
        first = len(labels)
        labels += [*(op for op, _ in into), "node"]
        parents += [(source,) for _, source in into]
        parents.append(tuple(range(first, first + len(into))))
        node_at.append(len(labels) - 1)
    return Graph((*labels, "output"), (*parents, tuple(node_at[2:])))


def _pruned(labels: Sequence[str], edges: Iterable[tuple[int, int]]) -> Graph:
    """Drop every vertex that is on no path from the first to the last."""
    last, ordered = len(labels) - 1, sorted(edges)
    reached, live = {0}, {last}
    for v, w in ordered:
        if v in reached:
            reached.add(w)
    for v, w in reversed(ordered):
        if w in live:
            live.add(v)
    on_paths = reached & live
    kept = sorted(on_paths | {0, last})
    place = {v: n for n, v in enumerate(kept)}
    parents: list[list[int]] = [[] for _ in kept]
    for v, w in ordered:
        if {v, w} <= on_paths:
            parents[place[w]].append(place[v])
    return Graph(tuple(labels[v] for v in kept), tuple(map(tuple, parents)))


def _no_cells(space: SearchSpace) -> ValueError:
    return ValueError(
        f"architectures of {space.name} are no cells, and have no graph: encode them"
        " by one_hot"
    )
