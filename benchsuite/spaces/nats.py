"""The topology space of NATS-Bench, which is that of NAS-Bench-201.

Dong & Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture
Search", ICLR 2020. https://arxiv.org/abs/2001.00326
Dong, Liu, Musial & Gabrys, "NATS-Bench: Benchmarking NAS Algorithms for Architecture
Topology and Size", TPAMI 2021. https://arxiv.org/abs/2009.00437
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from benchsuite.spaces.space import Architecture, SearchSpace

_OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
_NONE, _SKIP, _CONV_1X1, _CONV_3X3, _ = range(5)
_NODES = ((0,), (0, 1), (0, 1, 2))  # sources of the edges into nodes 1, 2 and 3


class TopologySpace(SearchSpace):
    """Cells of four nodes and six edges with five operations: 5^6 = 15,625.

    Decisions are the edges 0->1, 0->2, 1->2, 0->3, 1->3, 2->3, in published order.

    Example:
        >>> text = NATS_TSS.format((3, 0, 1, 0, 2, 4))
        >>> text.partition("+")[0], NATS_TSS.parse(text)
        ('|nor_conv_3x3~0|', (3, 0, 1, 0, 2, 4))
    """

    def format(self, arch: Architecture) -> str:
        """Spell the cell as |op~0|+|op~0|op~1|+|op~0|op~1|op~2|."""
        a, b, c, d, e, f = (_OPS[op] for op in arch)
        return f"|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|"

    def parse(self, text: str) -> Architecture:
        """Invert `format`, accepting nothing but the published spelling."""
        nodes = text.split("+")
        if len(nodes) != len(_NODES):
            raise ValueError(
                f"a cell of {self.name} has {len(_NODES)} nodes, joined by '+':"
                f" |op~0|+|op~0|op~1|+|op~0|op~1|op~2|; {text!r} has {len(nodes)}"
            )
        arch: list[int] = []
        for node, (sources, spelling) in enumerate(zip(_NODES, nodes, strict=True), 1):
            edges = spelling.split("|")
            if edges[0] or edges[-1] or len(edges) != len(sources) + 2:
                shape = "|" + "".join(f"op~{source}|" for source in sources)
                raise ValueError(
                    f"node {node} of a cell of {self.name} is spelled {shape},"
                    f" not {spelling!r}"
                )
            for source, edge in zip(sources, edges[1:-1], strict=True):
                op, tilde, origin = edge.partition("~")
                if (tilde, origin) != ("~", str(source)):
                    raise ValueError(
                        f"edge {source}->{node} of a cell of {self.name} is spelled"
                        f" op~{source}, not {edge!r}"
                    )
                arch.append(self._option(len(arch), f"edge {source}->{node}", op))
        return tuple(arch)

    def mutate_as_published(
        self, arch: Architecture, rng: np.random.Generator
    ) -> Architecture:
        """Change one edge: a node is drawn first, and then one of the edges into it.

        So the edge into node 1 is changed with probability 1/3, each into node 2 with
        1/6, each into node 3 with 1/9. The new operation is another one.
        """
        node, source, step = rng.random(3).tolist()
        sources = _NODES[int(node * len(_NODES))]
        edge = sum(sources) + int(source * len(sources))  # those before: 0, 1, 1 + 2
        other = (arch[edge] + 1 + int(step * (len(_OPS) - 1))) % len(_OPS)
        return (*arch[:edge], other, *arch[edge + 1 :])

    def canonical(self, arch: Architecture) -> Architecture:
        """Represent the cells that compute the same: the first of them in order.

        As published, a `none` edge carries zero, a `skip_connect` edge its source, and
        a node adds what enters it in any order: 6,466 classes (NAS-Bench-201, sec. 2).
        A sum that a skip carries on is kept together as one term, so a few cells that
        compute the same stay apart; adding everything up at once would leave 4,930.
        """
        return self._representatives[arch]

    @cached_property
    def _representatives(self) -> dict[Architecture, Architecture]:
        first: dict[str, Architecture] = {}
        return {arch: first.setdefault(_meaning(arch), arch) for arch in self}


def _meaning(arch: Architecture) -> str:
    """Spell what a cell computes, equal for isomorphic cells."""
    nodes, ops = ["0"], iter(arch)
    for sources in _NODES:
        terms = []
        for source in sources:
            op, origin = next(ops), nodes[source]
            if op == _NONE or origin == "#":
                terms.append("#")
            elif op == _SKIP:
                terms.append(origin)
            else:
                terms.append(f"({origin})@{_OPS[op]}")
        nodes.append("+".join(sorted(terms)))
    return nodes[-1]


NATS_TSS = TopologySpace("nats_tss", (_OPS,) * 6)


def parameters(archs: NDArray[np.uint8], classes: int) -> NDArray[np.float64]:
    """Count the weights of the published networks (16 channels, 5 cells a stage).

    Args:
        archs: [N, 6], cells of `NATS_TSS`.
        classes: Outputs of the classifier: 10, 100 or 120.

    Returns:
        [N]: 73,306 + 28,000 n_1x1 + 243,040 n_3x3 for ten classes, and 65 for every
        further class (64 weights and a bias).

    Example:
        >>> parameters(np.array([[3, 3, 3, 3, 3, 3]], dtype=np.uint8), 10)
        array([1531546.])
    """
    n_1x1, n_3x3 = _convolutions(archs)
    return 73_306.0 + 65 * (classes - 10) + 28_000 * n_1x1 + 243_040 * n_3x3


def macs(archs: NDArray[np.uint8], classes: int, side: int) -> NDArray[np.float64]:
    """Count the multiplications with addition for one image; papers call them FLOPs.

    Args:
        archs: [N, 6], cells of `NATS_TSS`.
        classes: Outputs of the classifier.
        side: Pixels along an image's side, 32 or 16: a quarter of the positions.

    Returns:
        [N]: 7,782,400 + 3,932,160 n_1x1 + 35,389,440 n_3x3 at 32 pixels, and 65 for
        every class.

    Example:
        >>> macs(np.array([[0, 0, 0, 0, 0, 3]], dtype=np.uint8), 10, 32)
        array([43172490.])
    """
    n_1x1, n_3x3 = _convolutions(archs)
    body = 7_782_400.0 + 3_932_160 * n_1x1 + 35_389_440 * n_3x3
    return body * (side / 32) ** 2 + 65 * classes


def peak_activation_bytes(archs: NDArray[np.uint8], side: int) -> NDArray[np.float64]:
    """Say how much a network holds at most while it judges one image.

    The network runs layer by layer, and edge by edge in the order of the spelling. An
    operation holds what it reads and what it writes, in float32; normalisation and
    activation are in place. A node adds up its edges in place as they come: the first
    becomes its sum (a skip by a copy), a skip that comes later is added without a copy,
    and a node without any is zeros. `none` does nothing. What nothing later reads is
    let go.

    Args:
        archs: [N, 6], cells of `NATS_TSS`.
        side: Pixels along an image's side, 32 or 16.

    Returns:
        [N]: the peak of the first stage's cells, in feature maps of 16 channels. The
        stem and the other stages hold less, the first residual block two such maps.

    Example:
        >>> peak_activation_bytes(np.array([[3, 0, 0, 0, 0, 3]], dtype=np.uint8), 32)
        array([131072.])
    """
    done = archs != _NONE
    edges = [(source, node) for node, into in enumerate(_NODES, 1) for source in into]
    peak = np.full(len(archs), 2)  # the residual block
    begun = np.zeros((len(archs), len(_NODES) + 1), dtype=bool)
    for n, (_, node) in enumerate(edges):
        live = np.zeros(len(archs), dtype=np.int64)
        for earlier in range(node):
            later = [m for m, (s, _) in enumerate(edges) if s == earlier and m >= n]
            live += done[:, later].any(axis=1)
        written = done[:, n] & ((archs[:, n] != _SKIP) | ~begun[:, node])
        holds = live + begun[:, node] + written
        peak = np.maximum(peak, np.where(done[:, n], holds, 0))
        begun[:, node] |= done[:, n]
    return peak * 4.0 * 16 * side * side


def _convolutions(archs: NDArray[np.uint8]) -> tuple[NDArray[np.float64], ...]:
    """Count the edges with a 1x1 and with a 3x3 convolution, [N] each."""
    return tuple(
        (archs == op).sum(axis=1).astype(np.float64) for op in (_CONV_1X1, _CONV_3X3)
    )
