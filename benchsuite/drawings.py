"""Architectures as pictures: the cells of every space, as vertices and arrows."""

from collections.abc import Iterator, Sequence

from benchsuite.report.facts import Drawing
from benchsuite.spaces import NB101, Architecture, ProductSpace, SearchSpace, darts
from benchsuite.spaces.chain import ChainSpace
from benchsuite.spaces.nats import TopologySpace
from benchsuite.spaces.nb1shot1 import OneShotSpace
from benchsuite.spaces.nb101 import CellSpace
from benchsuite.spaces.transnas import MicroSpace

_EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))  # of cells of four nodes
_NONE = 0  # the option of an edge that carries nothing


def drawings(space: SearchSpace, arch: Architecture) -> list[Drawing]:
    """Draw an architecture, cell by cell.

    Operations stand on arrows where the space has them there, and in vertices where it
    has them there; `none` is left out. What has no cells is drawn as a chain.

    Example:
        >>> from benchsuite.spaces import NATS_TSS
        >>> drawings(NATS_TSS, (1, 0, 0, 3, 2, 4))[0].edges[0]
        (0, 1, 'skip_connect')
    """
    if isinstance(space, ProductSpace):
        pairs = zip(space.parts, space.split(arch), strict=True)
        return [drawing for part, own in pairs for drawing in drawings(part, own)]
    if isinstance(space, OneShotSpace):
        return drawings(NB101, space.cell(arch))
    if isinstance(space, CellSpace):
        return [_vertices(space, arch)]
    if isinstance(space, TopologySpace | MicroSpace):
        names = ("input", "1", "2", "output")
        return [Drawing("", names, _edges(space, arch, _EDGES, 0))]
    if isinstance(space, darts.DartsSpace):
        return list(_darts(space, arch))
    if isinstance(space, ChainSpace):
        return list(_stages(space, arch))
    options = [choice[a] for choice, a in zip(space.choices, arch, strict=True)]
    links = [(n, n + 1, "") for n in range(len(options) - 1)]
    return [Drawing("", options, links)]


def _edges(
    space: SearchSpace,
    arch: Architecture,
    places: Sequence[tuple[int, int]],
    first: int,
) -> list[tuple[int, int, str]]:
    """Name the operations on edges, whose decisions begin with `first`."""
    own = zip(places, arch[first:], space.choices[first:], strict=False)
    return [(v, w, names[a]) for (v, w), a, names in own if a != _NONE]


def _vertices(space: CellSpace, arch: Architecture) -> Drawing:
    """Draw a cell of NAS-Bench-101: operations are vertices."""
    edges = list(space.edge)
    inner = [space.choices[d][arch[d]] for d in range(len(edges), len(arch))]
    links = [(v, w, "") for (v, w), there in zip(edges, arch, strict=False) if there]
    return Drawing("", ("input", *inner, "output"), links)


def _darts(space: SearchSpace, arch: Architecture) -> Iterator[Drawing]:
    """Draw the cells of DARTS; its four nodes are concatenated."""
    names = ("c_{k-2}", "c_{k-1}", "0", "1", "2", "3", "c_{k}")
    for n, cell in enumerate(darts.CELLS):
        edges = _edges(space, arch, darts.EDGES, n * len(darts.EDGES))
        joined = [(v, len(names) - 1, "") for v in range(2, len(names) - 1)]
        yield Drawing(f"{cell} cell", names, [*edges, *joined])


def _stages(space: ChainSpace, arch: Architecture) -> Iterator[Drawing]:
    """Draw the stages of a chain."""
    first = 0
    for stage, nodes in enumerate(space.stages, 1):
        into = space.into[nodes]
        places = [space.edges[d] for edges in into for d in edges]
        names = [str(node) for node in range(len(into) + 1)]
        edges = _edges(space, arch, places, first)
        yield Drawing(f"stage {stage}", names, edges)
        first += len(places)
