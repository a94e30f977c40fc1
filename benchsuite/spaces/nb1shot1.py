"""NAS-Bench-1Shot1: three spaces for one-shot search within NAS-Bench-101.

Zela, Siems & Hutter, "NAS-Bench-1Shot1: Benchmarking and Dissecting One-shot Neural
Architecture Search", ICLR 2020. https://arxiv.org/abs/2001.10422
"""

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from benchsuite.spaces.cell_spelling import read, spell
from benchsuite.spaces.nb101 import NB101, OPERATIONS
from benchsuite.spaces.space import Architecture, SearchSpace


@dataclass(frozen=True)
class OneShotSpace(SearchSpace):
    """Cells of NAS-Bench-101 in which every vertex has a given number of parents.

    Decisions: the operation of every vertex between input (0) and output (the last);
    then, for every vertex that can choose, the set of its parents, e.g. "0,2".

    Attributes:
        parents: Number of parents of every vertex after the input, the output's last.

    Example:
        >>> NB1SHOT1_1.choices[4]
        ('0,1', '0,2', '1,2')
        >>> digits, _, labels = NB1SHOT1_1.format((0, 1, 2, 2, 0, 0, 9)).partition(";")
        >>> [digits[n : n + 6] for n in range(0, 36, 6)]
        ['011110', '001110', '000000', '000001', '000001', '000000']
    """

    parents: tuple[int, ...]

    @cached_property
    def _parts(self) -> tuple[tuple[int, ...], ...]:
        """What each option of each decision adds to the number of a cell."""
        first = len(NB101.edge)
        ops = [
            tuple(_weight(first + v) * op for op in range(len(OPERATIONS)))
            for v in range(len(self.parents) - 1)
        ]
        return (*ops, *(part for part in self._parent_parts if len(part) > 1))

    @cached_property
    def _parent_parts(self) -> list[tuple[int, ...]]:
        """What each set of parents of each vertex adds to the number of a cell."""
        last = len(self.parents)
        return [
            tuple(
                sum(_weight(NB101.edge[u, _place(v, last)]) for u in sources)
                for sources in _parent_sets(v, count)
            )
            for v, count in enumerate(self.parents, 1)
        ]

    @cached_property
    def _fixed(self) -> int:
        """What the vertices that cannot choose add to the number of a cell."""
        return sum(part[0] for part in self._parent_parts if len(part) == 1)

    def cell(self, arch: Architecture) -> Architecture:
        """Encode as a cell of `NB101`, with what does not lead to the output.

        Cells of six vertices get a seventh without edges, before the output.
        """
        parts = zip(self._parts, arch, strict=True)
        return _cell(self._fixed + sum([part[option] for part, option in parts]))

    def cells(self, archs: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Encode many as cells of `NB101`, as `cell` does one.

        Args:
            archs: [B, D] option indices.

        Returns:
            [B, 26].

        Raises:
            ValueError: A row is no architecture.
        """
        self._check(archs)
        cells = np.tile(np.array(_cell(self._fixed), dtype=np.uint8), (len(archs), 1))
        for part, options in zip(self._parts, archs.T, strict=True):
            cells += np.array([_cell(number) for number in part], np.uint8)[options]
        return cells

    def key(self, arch: Architecture) -> int:
        """Number the cell as `NB101` does, equally for isomorphic ones."""
        return NB101.key(self.cell(arch))

    def keys(self, archs: NDArray[np.integer]) -> NDArray[np.uint64]:
        """Number many cells at once, as `key` does one; see `cells`."""
        return NB101.keys(self.cells(archs))

    def canonical(self, arch: Architecture) -> Architecture:
        """Represent the architectures with an isomorphic cell: the first in order."""
        keys, first = self.classes
        row = np.searchsorted(keys, np.uint64(self.key(arch)))
        return tuple(first[row].tolist())

    @cached_property
    def classes(self) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
        """The keys there are, [K] ascending, and the first of each class, [K, D]."""
        archs = np.indices(self._sizes, dtype=np.uint8).reshape(len(self._sizes), -1).T
        keys, first = np.unique(self.keys(archs), return_index=True)
        return keys, archs[first]

    def format(self, arch: Architecture) -> str:
        """Spell the cell as NAS-Bench-101 does, 'adjacency;labels', not pruned."""
        inner = len(self.parents) - 1
        cell, last = self.cell(arch), inner + 1
        pairs = itertools.combinations(range(last + 1), 2)
        edges = [cell[NB101.edge[u, _place(w, last)]] for u, w in pairs]
        return spell(edges, [OPERATIONS[op] for op in arch[:inner]])

    def parse(self, text: str) -> Architecture:
        """Invert `format`, accepting nothing but cells with the numbers of parents."""
        vertices = len(self.parents) + 1
        cell = read(text, self.name, vertices, vertices)
        arch = [
            self._option(d, f"vertex {d + 1}", label)
            for d, label in enumerate(cell.labels)
        ]
        pairs = list(itertools.combinations(range(vertices), 2))
        there = list(itertools.compress(pairs, cell.edges))
        for v, count in enumerate(self.parents, 1):
            sources = [u for u, w in there if w == v]
            if len(sources) != count:
                raise ValueError(
                    f"vertex {v} of a cell of {self.name} has {count} parents, not"
                    f" {len(sources)}"
                )
            options = _parent_sets(v, count)
            if len(options) > 1:
                arch.append(options.index(tuple(sources)))
        return tuple(arch)


def _parent_sets(vertex: int, count: int) -> list[tuple[int, ...]]:
    """List the sets of parents that a vertex can have, in order."""
    return list(itertools.combinations(range(vertex), count))


def _place(vertex: int, last: int) -> int:
    """Find the vertex of an `NB101` cell that stands for one of a cell up to `last`."""
    return vertex if vertex < last else NB101.vertices - 1


def _weight(decision: int) -> int:
    """What an option of a decision of `NB101` counts in the number of a cell.

    That number has a byte for each decision, so numbers of parts can be added up.
    """
    return 1 << 8 * (len(NB101.choices) - 1 - decision)


def _cell(number: int) -> Architecture:
    """Turn the number of a cell into its encoding."""
    return tuple(number.to_bytes(len(NB101.choices), "big"))


def _space(name: str, *parents: int) -> OneShotSpace:
    sets = [_parent_sets(v, count) for v, count in enumerate(parents, 1)]
    options = [tuple(",".join(map(str, s)) for s in o) for o in sets if len(o) > 1]
    return OneShotSpace(name, (*(OPERATIONS,) * (len(parents) - 1), *options), parents)


# Parents of vertices 1, 2, ... and of the output; from the authors' code.
NB1SHOT1_1 = _space("nb1shot1_1", 1, 2, 2, 2, 2)
NB1SHOT1_2 = _space("nb1shot1_2", 1, 1, 2, 2, 3)
NB1SHOT1_3 = _space("nb1shot1_3", 1, 1, 1, 2, 2, 2)
