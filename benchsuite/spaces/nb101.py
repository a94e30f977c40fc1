"""NAS-Bench-101: cells are small directed acyclic graphs of operations.

Ying, Klein, Real, Christiansen, Murphy & Hutter, "NAS-Bench-101: Towards Reproducible
Neural Architecture Search", ICML 2019. https://arxiv.org/abs/1902.09635
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from benchsuite.spaces.cell_hash import cell_hash, cell_hashes
from benchsuite.spaces.cell_spelling import read, spell
from benchsuite.spaces.constrained import ConstrainedSpace
from benchsuite.spaces.space import Architecture

OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
_CHUNK = 1 << 14  # cells hashed at once: their vertices fit a cache


@dataclass(frozen=True)
class CellSpace(ConstrainedSpace):
    """Cells with a path from input to output and few edges on such paths.

    Decisions: whether there is an edge, for the strict upper triangle of the adjacency
    matrix, row by row; then the operation of every vertex between input, the first, and
    output, the last. What is on no path from input to output is *pruned*: it neither
    computes nor counts. So most cells are encoded many times, and the draws are uniform
    over encodings, not over cells.

    Attributes:
        vertices: Of a cell, input and output included; at most 7.
        max_edges: Edges at most, after pruning.

    Example:
        >>> cell = NB101.parse("010001000;input,maxpool3x3,output")
        >>> cell[:6], cell[6:11], cell[21:]
        ((1, 0, 0, 0, 0, 0), (0, 0, 0, 0, 1), (2, 0, 0, 0, 0))
    """

    vertices: int
    max_edges: int

    @cached_property
    def edge(self) -> dict[tuple[int, int], int]:
        """The decision about the edge from one vertex to another."""
        pairs = itertools.combinations(range(self.vertices), 2)
        return {pair: e for e, pair in enumerate(pairs)}

    @cached_property
    def _row_slices(self) -> tuple[slice, ...]:
        """Where the edges from each vertex but the last are decided."""
        lengths = range(self.vertices - 1, 0, -1)
        stops = itertools.accumulate(lengths)
        return tuple(slice(b - n, b) for b, n in zip(stops, lengths, strict=True))

    @cached_property
    def _row_masks(self) -> dict[Architecture, int]:
        """Decisions about the edges from a vertex, to a bit mask of their targets."""
        return {
            row: sum(bit << self.vertices - n + w for w, bit in enumerate(row))
            for n in range(1, self.vertices)
            for row in itertools.product((0, 1), repeat=n)
        }

    def _rows(self, arch: Architecture) -> list[int]:
        """Give the targets of the edges from each vertex but the last, as bit masks."""
        masks = self._row_masks
        return [masks[arch[row]] for row in self._row_slices]

    def _pruned(self, arch: Architecture) -> list[int]:
        """Give `_rows` without what is on no path; all 0 if there is no path."""
        rows = self._rows(arch)
        reached = 1
        for v, row in enumerate(rows):
            if reached >> v & 1:
                reached |= row
        live = 1 << len(rows)
        for v in range(len(rows) - 1, -1, -1):
            rows[v] = rows[v] & live if reached >> v & 1 else 0
            if rows[v]:
                live |= 1 << v
        return rows

    def valid(self, arch: Architecture) -> bool:
        """Tell whether there is a path, and few enough edges are on one."""
        rows = self._pruned(arch)
        return rows[0] > 0 and sum(map(int.bit_count, rows)) <= self.max_edges

    @cached_property
    def size(self) -> int:
        """Number of valid encodings; 373,754,169 for `NB101`."""
        n = self.vertices
        matrices = np.arange(1 << len(self.edge), dtype=np.uint32)
        edge = {pair: (matrices >> e & 1) == 1 for pair, e in self.edge.items()}
        reached = [np.ones(len(matrices), dtype=np.bool_)]
        for w in range(1, n):
            entering = [reached[u] & edge[u, w] for u in range(w)]
            reached.append(np.logical_or.reduce(entering))
        live = {n - 1: reached[-1]}
        for v in range(n - 2, -1, -1):
            leaving = [edge[v, w] & live[w] for w in range(v + 1, n)]
            live[v] = reached[v] & np.logical_or.reduce(leaving)
        count = np.zeros(len(matrices), dtype=np.uint8)
        for (u, w), there in edge.items():
            count += there & live[u] & live[w]
        valid = np.count_nonzero(live[0] & (count <= self.max_edges))
        return int(valid) * math.prod(self._sizes[len(self.edge) :])

    def __iter__(self) -> Iterator[Architecture]:
        operations = list(
            itertools.product(range(len(OPERATIONS)), repeat=self.vertices - 2)
        )
        for edges in itertools.product((0, 1), repeat=len(self.edge)):
            if self.valid(edges):
                for ops in operations:
                    yield edges + ops

    def key(self, arch: Architecture) -> int:
        """Number the pruned cell, whatever the order of its vertices.

        Raises:
            ValueError: No path leads from input to output.
        """
        number = cell_hash(self._rows(arch), arch[len(self.edge) :])
        if not number:
            raise ValueError(f"no path leads from input to output in {arch}")
        return number

    def keys(self, archs: NDArray[np.integer]) -> NDArray[np.uint64]:
        """Number many pruned cells at once, as `key` does one.

        Args:
            archs: [B, D] option indices.

        Returns:
            [B].

        Raises:
            ValueError: A row is no encoding, or no path leads from input to output.
        """
        self._check(archs)
        edges = len(self.edge)
        numbers = np.empty(len(archs), dtype=np.uint64)
        for start in range(0, len(archs), _CHUNK):
            part = archs[start : start + _CHUNK]
            numbers[start : start + _CHUNK] = cell_hashes(
                part[:, :edges], part[:, edges:]
            )
        if not numbers.all():
            row = int((numbers == 0).argmax())
            raise ValueError(f"no path leads from input to output in row {row}")
        return numbers

    def canonical(self, arch: Architecture) -> Architecture:
        """Represent the encodings of an isomorphic pruned cell: the first in order."""
        rows, edges = self._pruned(arch), len(self.edge)
        last = self.vertices - 1
        inner = [v for v in range(1, last) if rows[v]]
        pairs = [
            (v, w) for v in (0, *inner) for w in range(last + 1) if rows[v] >> w & 1
        ]
        encodings = []
        for places in itertools.permutations(range(1, last), len(inner)):
            place = {0: 0, last: last, **dict(zip(inner, places, strict=True))}
            if all(place[v] < place[w] for v, w in pairs):
                encoding = [0] * len(self.choices)
                for v, w in pairs:
                    encoding[self.edge[place[v], place[w]]] = 1
                for v in inner:
                    encoding[edges + place[v] - 1] = arch[edges + v - 1]
                encodings.append(encoding)
        return tuple(min(encodings))

    def format(self, arch: Architecture) -> str:
        """Spell the cell as encoded, not pruned, as 'adjacency;labels'."""
        edges = len(self.edge)
        return spell(arch[:edges], [OPERATIONS[op] for op in arch[edges:]])

    def parse(self, text: str) -> Architecture:
        """Invert `format`, and read cells of fewer vertices.

        The missing vertices come before the output, without edges and with the first
        operation.
        """
        cell = read(text, self.name, 2, self.vertices)
        last = len(cell.labels) + 1
        place = [*range(last), self.vertices - 1]
        edges, arch = len(self.edge), [0] * len(self.choices)
        for (v, w), there in zip(
            itertools.combinations(range(last + 1), 2), cell.edges, strict=True
        ):
            arch[self.edge[place[v], place[w]]] = there
        for v, label in enumerate(cell.labels, 1):
            arch[edges + v - 1] = self._option(edges + v - 1, f"vertex {v}", label)
        rows = self._pruned(tuple(arch))
        if not rows[0]:
            raise ValueError(f"no path leads from input to output in {text!r}")
        if (count := sum(map(int.bit_count, rows))) > self.max_edges:
            raise ValueError(
                f"a cell of {self.name} has at most {self.max_edges} edges on paths"
                f" from input to output; {text!r} has {count}"
            )
        return tuple(arch)


def cell_space(name: str, vertices: int, max_edges: int) -> CellSpace:
    """Make the space of cells of 3 to 7 vertices with the published operations."""
    edges = vertices * (vertices - 1) // 2
    choices = (("0", "1"),) * edges + (OPERATIONS,) * (vertices - 2)
    return CellSpace(name, choices, vertices, max_edges)


NB101 = cell_space("nb101", vertices=7, max_edges=9)
