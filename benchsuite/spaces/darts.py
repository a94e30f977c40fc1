"""DARTS: a normal and a reduction cell of separable convolutions and poolings.

Liu, Simonyan & Yang, "DARTS: Differentiable Architecture Search", ICLR 2019.
https://arxiv.org/abs/1806.09055
S1 to S4 are the parts of it on which differentiable search fails: Zela et al.,
"Understanding and Robustifying Differentiable Architecture Search", ICLR 2020.
https://arxiv.org/abs/1909.09656
"""

import itertools
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from benchsuite.spaces.space import Architecture, SearchSpace

CELLS = ("normal", "reduce")
OPERATIONS = (
    "none", "max_pool_3x3", "avg_pool_3x3", "skip_connect",
    "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5",
)  # fmt: skip
EDGES = tuple((source, node) for node in range(2, 6) for source in range(node))
"""Source and target of the decisions of a cell; nodes 0 and 1 are its inputs."""
INTO = tuple(
    tuple(c * len(EDGES) + d for d, (_, target) in enumerate(EDGES) if target == node)
    for c in range(len(CELLS))
    for node in range(2, 6)
)
"""The decisions into each node: of the normal cell, then of the reduction cell."""

_PLACES = tuple(
    f"node {node} of the {cell} cell" for cell in CELLS for node in (2, 3, 4, 5)
)
_SPELLING = (
    "Genotype(normal=[('op', parent), ...], normal_concat=range(2, 6),"
    " reduce=[('op', parent), ...], reduce_concat=range(2, 6))"
)
_CONCAT = r"(?:range\(2,\s*6\)|\[2,\s*3,\s*4,\s*5\])"
_GENOTYPE = re.compile(
    rf"Genotype\(normal=\[([^]]*)\],\s*normal_concat={_CONCAT},"
    rf"\s*reduce=\[([^]]*)\],\s*reduce_concat={_CONCAT}\)"
)
_PAIR = r"\('(\w+)',\s*([0-9])\)"
_PAIRS = re.compile(rf"\s*{_PAIR}(?:,\s*{_PAIR})*\s*")


@dataclass(frozen=True)
class DartsSpace(SearchSpace):
    """Pairs of cells in which every node has two parents.

    Decisions: what is on every edge, cell after cell, in the order of `EDGES`. Option 0
    is `none`: the edge is not there. Of the edges into a node, two are.

    A neighbour has another operation on one edge, or one edge that comes from another
    parent, with the same number of its option.

    Attributes:
        mixes_none: Whether one-shot models have `none` as an operation, too.

    Example:
        >>> DARTS.size == (1 * 3 * 6 * 10 * 7**8) ** 2
        True
        >>> arch = DARTS_S2.sample(np.random.default_rng(0))
        >>> DARTS_S2.format(arch)[:58]
        "Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1),"
    """

    mixes_none: bool

    @cached_property
    def _ways(self) -> tuple[tuple[Architecture, ...], ...]:
        """What the edges into each node can be, in ascending order."""
        return tuple(_ways(tuple(self._sizes[d] for d in edges)) for edges in INTO)

    @cached_property
    def _numbers(self) -> tuple[dict[Architecture, int], ...]:
        """The place of each way among those into its node."""
        return tuple({way: n for n, way in enumerate(ways)} for ways in self._ways)

    @cached_property
    def size(self) -> int:
        """Number of architectures: the product of the ways into each node."""
        return math.prod(map(len, self._ways))

    def __iter__(self) -> Iterator[Architecture]:
        return map(_join, itertools.product(*self._ways))

    def __contains__(self, arch: object) -> bool:
        return (
            isinstance(arch, tuple)
            and super().__contains__(arch)
            and all(
                way in known
                for way, known in zip(_split(arch), self._numbers, strict=True)
            )
        )

    def sample(self, rng: np.random.Generator) -> Architecture:
        """Draw an architecture uniformly."""
        draws = rng.random(len(INTO)).tolist()
        return _join(
            [
                ways[int(u * len(ways))]
                for u, ways in zip(draws, self._ways, strict=True)
            ]
        )

    def _changes(self, arch: Architecture) -> list[tuple[Architecture, ...]]:
        """What the edges into each node can be changed to."""
        return [
            _changes(way, tuple(self._sizes[d] for d in edges))
            for way, edges in zip(_split(arch), INTO, strict=True)
        ]

    def mutate(self, arch: Architecture, rng: np.random.Generator) -> Architecture:
        """Draw uniformly from the `neighbors`.

        Raises:
            ValueError: `arch` has no neighbour.
        """
        changes = self._changes(arch)
        n = int(rng.random() * sum(map(len, changes)))
        for edges, ways in zip(INTO, changes, strict=True):
            if n < len(ways):
                return (*arch[: edges[0]], *ways[n], *arch[edges[-1] + 1 :])
            n -= len(ways)
        raise ValueError(f"no one change of {arch} is valid in {self.name}")

    def crossover(
        self, a: Architecture, b: Architecture, rng: np.random.Generator
    ) -> Architecture:
        """Take the edges into every node from `a` or `b`, each with probability 1/2."""
        coins = (rng.random(len(INTO)) < 0.5).tolist()
        both = zip(_split(a), _split(b), coins, strict=True)
        return _join([x if heads else y for x, y, heads in both])

    def neighbors(self, arch: Architecture) -> Iterator[Architecture]:
        """Yield what one other operation, or one other parent, makes of `arch`."""
        for edges, ways in zip(INTO, self._changes(arch), strict=True):
            for way in ways:
                yield (*arch[: edges[0]], *way, *arch[edges[-1] + 1 :])

    @cached_property
    def _steps(self) -> tuple[int, ...]:
        """What one way onwards into each node adds to the key."""
        if self.size > 1 << 64:
            raise ValueError(f"{self.name} has more architectures than 64 bits number")
        sizes = [len(ways) for ways in self._ways]
        return tuple(math.prod(sizes[n + 1 :]) for n in range(len(sizes)))

    def key(self, arch: Architecture) -> int:
        """Number `arch`, below 2^64: mixed radix, a digit a node.

        Architectures in ascending order have ascending numbers from 0.

        Raises:
            ValueError: `arch` is no architecture, or 64 bits do not suffice.
        """
        try:
            digits = [
                known[way]
                for way, known in zip(_split(arch), self._numbers, strict=True)
            ]
        except KeyError:
            raise ValueError(f"no architecture of {self.name}: {arch}") from None
        return sum(n * step for n, step in zip(digits, self._steps, strict=True))

    def keys(self, archs: NDArray[np.integer]) -> NDArray[np.uint64]:
        """Number many architectures at once, as `key` does one; see `SearchSpace`."""
        self._check(archs)
        numbers = np.zeros(len(archs), dtype=np.uint64)
        valid = np.ones(len(archs), dtype=np.bool_)
        for edges, ways, step in zip(INTO, self._ways, self._steps, strict=True):
            sizes = [self._sizes[d] for d in edges]
            digit = np.full(math.prod(sizes), -1)
            digit[np.ravel_multi_index(np.array(ways).T.tolist(), sizes)] = range(
                len(ways)
            )
            columns = archs[:, list(edges)].T.astype(np.int64)
            digits = digit[np.ravel_multi_index(tuple(columns), sizes)]
            valid &= digits >= 0
            numbers += np.maximum(digits, 0).astype(np.uint64) * np.uint64(step)
        if not valid.all():
            row = int(valid.argmin())
            raise ValueError(
                f"row {row} is no architecture of {self.name}:"
                f" {tuple(archs[row].tolist())}"
            )
        return numbers

    def format(self, arch: Architecture) -> str:
        """Spell `arch` as the authors' code does, the smaller parent first."""
        half = len(EDGES)
        cells = []
        for cell, first in zip(CELLS, (0, half), strict=True):
            pairs = [
                f"({self.choices[first + d][arch[first + d]]!r}, {source})"
                for d, (source, _) in enumerate(EDGES)
                if arch[first + d]
            ]
            cells.append(f"{cell}=[{', '.join(pairs)}], {cell}_concat=range(2, 6)")
        return f"Genotype({', '.join(cells)})"

    def parse(self, text: str) -> Architecture:
        """Invert `format`.

        The two edges into a node may be in either order, and the nodes that make the
        output may be listed, as in the authors' code: [2, 3, 4, 5].

        Raises:
            ValueError: `text` does not spell an architecture of this space; the message
                names the first place that is wrong and what would be right there.
        """
        found = _GENOTYPE.fullmatch(text)
        if not found:
            raise ValueError(f"{self.name} is spelled {_SPELLING}, not {text!r}")
        arch = [0] * len(self.choices)
        pairs: list[tuple[str, int]] = []
        for cell, listed in zip(CELLS, found.groups(), strict=True):
            spelled = re.findall(_PAIR, listed) if _PAIRS.fullmatch(listed) else []
            if len(spelled) != 8:
                raise ValueError(
                    f"the {cell} cell of {self.name} has 8 edges, spelled ('op',"
                    f" parent), joined by commas, not [{listed!r}]"
                )
            pairs += [(word, int(parent)) for word, parent in spelled]
        for n, (place, edges) in enumerate(zip(_PLACES, INTO, strict=True)):
            two = pairs[2 * n : 2 * n + 2]
            parents = [parent for _, parent in two]
            if parents[0] == parents[1] or max(parents) >= len(edges):
                raise ValueError(
                    f"{place} has two different parents below {len(edges)}, not"
                    f" {parents[0]} and {parents[1]}"
                )
            for word, parent in two:
                arch[edges[parent]] = self._kept(edges[parent], parent, place, word)
        return tuple(arch)

    def _kept(self, decision: int, parent: int, place: str, word: str) -> int:
        """Find the option of an edge that is there."""
        options = self.choices[decision][1:]
        if word not in options:
            raise ValueError(
                f"{self.name} has no {word!r} from {parent} to {place}; there it has"
                f" {', '.join(options)}"
            )
        return 1 + options.index(word)


def _split(arch: Architecture) -> list[Architecture]:
    """Give each node the options of its edges."""
    return [arch[edges[0] : edges[-1] + 1] for edges in INTO]


def _join(ways: Iterable[Architecture]) -> Architecture:
    """Put the options of the edges into all nodes end to end."""
    return tuple(itertools.chain.from_iterable(ways))


@cache
def _ways(sizes: tuple[int, ...]) -> tuple[Architecture, ...]:
    """List the options of edges, of which just two are above 0, in ascending order.

    Example:
        >>> _ways((2, 3, 2))
        ((0, 1, 1), (0, 2, 1), (1, 0, 1), (1, 1, 0), (1, 2, 0))
    """
    ways: list[Architecture] = []
    for two in itertools.combinations(range(len(sizes)), 2):
        options = [range(1, n) if d in two else (0,) for d, n in enumerate(sizes)]
        ways += itertools.product(*options)
    return tuple(sorted(ways))


@cache
def _changes(way: Architecture, sizes: tuple[int, ...]) -> tuple[Architecture, ...]:
    """List what one other option, or one other place of it, makes of a way.

    Example:
        >>> _changes((1, 2, 0), (3, 3, 3))
        ((2, 2, 0), (0, 2, 1), (1, 1, 0), (1, 0, 2))
    """
    changes = []
    for i, option in enumerate(way):
        if option:
            changes += [
                (*way[:i], c, *way[i + 1 :]) for c in range(1, sizes[i]) if c != option
            ]
            gone = (*way[:i], 0, *way[i + 1 :])
            changes += [
                (*gone[:j], option, *gone[j + 1 :])
                for j, taken in enumerate(way)
                if not taken and option < sizes[j]
            ]
    return tuple(changes)


def _alike(name: str, *operations: str, mixes_none: bool) -> DartsSpace:
    """Offer the same operations on all edges."""
    return DartsSpace(name, (("none", *operations),) * 28, mixes_none)


# The two operations that pruning left on each edge, as numbers of `OPERATIONS`; from
# the authors' code. Their S2 is the same for all edges, S3 and S4 as well.
_S1 = (
    (3, 6), (3, 7), (3, 7), (3, 4), (3, 6), (1, 3), (3, 4), (3, 4), (3, 6), (3, 4),
    (1, 3), (3, 6), (6, 7), (6, 7),
    (1, 2), (1, 6), (1, 2), (1, 2), (3, 7), (1, 2), (1, 4), (3, 6), (3, 7), (1, 2),
    (1, 2), (3, 7), (3, 7), (3, 7),
)  # fmt: skip

DARTS = _alike("darts", *OPERATIONS[1:], mixes_none=True)
DARTS_S1 = DartsSpace(
    "darts_s1", tuple(("none", OPERATIONS[a], OPERATIONS[b]) for a, b in _S1), False
)
DARTS_S2 = _alike("darts_s2", "skip_connect", "sep_conv_3x3", mixes_none=False)
DARTS_S3 = _alike("darts_s3", "skip_connect", "sep_conv_3x3", mixes_none=True)
DARTS_S4 = _alike("darts_s4", "noise", "sep_conv_3x3", mixes_none=False)
