"""Chains with long-range connections: every node sees the L nodes before it.

Tian et al., "Exploring Complicated Search Spaces with Interleaving-Free Sampling", IEEE
Transactions on Neural Networks and Learning Systems, 2025.
https://arxiv.org/abs/2112.02488
"""

import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from benchsuite.spaces.constrained import ConstrainedSpace
from benchsuite.spaces.space import Architecture, SearchSpace

OPERATIONS = ("sep_conv_3x3", "skip_connect")
OPTIONS = ("none", *OPERATIONS, "+".join(OPERATIONS))
"""Of every connection. Read as a binary number, an option says which operations run."""

_LETTERS = ("", "c", "s", "cs")
_LINK = re.compile(r"(cs|c|s)(0|[1-9][0-9]*)")


@dataclass(frozen=True)
class ChainSpace(ConstrainedSpace):
    """Stages of nodes in a row, and what every node takes from those before it.

    A stage has an entry, node 0, and nodes 1 to N; the last is its output. Node i may
    take from the nearest L nodes before it, by either operation or by both. Decisions:
    what is on every connection, stage by stage, node by node, the farthest source
    first. Every node keeps an input.

    The spelling lists, for every node, its sources: `c` is the convolution, `s` the
    identity, `cs` both.

    Attributes:
        lengths: N of every stage.
        reach: L.

    Example:
        >>> space = ChainSpace("small", (3, 1), 2)
        >>> space.edges
        ((0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (0, 1))
        >>> space.format((1, 0, 3, 2, 1, 2))
        '(c0 cs1 s1,c2)(s0)'
        >>> space.size == 3 * 15 * 15 * 3
        True
    """

    choices: tuple[tuple[str, ...], ...] = field(init=False)
    lengths: tuple[int, ...]
    reach: int

    def __post_init__(self) -> None:
        """Raises: ValueError: There is no stage, a stage without nodes, or no reach."""
        if not self.lengths or min(*self.lengths, self.reach) < 1:
            raise ValueError(
                f"{self.name} has stages of one node or more and a reach of one or"
                f" more, not {self.lengths} and {self.reach}"
            )
        object.__setattr__(self, "choices", (OPTIONS,) * len(self.edges))

    @cached_property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """Source and target of every decision, numbered within their stage."""
        return tuple(
            (source, target)
            for length in self.lengths
            for target in range(1, length + 1)
            for source in range(max(0, target - self.reach), target)
        )

    @cached_property
    def into(self) -> tuple[tuple[int, ...], ...]:
        """The decisions into each node but the entries, stage by stage, in order."""
        decisions = itertools.count()
        return tuple(
            tuple(itertools.islice(decisions, min(target, self.reach)))
            for length in self.lengths
            for target in range(1, length + 1)
        )

    @cached_property
    def stages(self) -> tuple[slice, ...]:
        """The nodes of every stage, among those of `into`."""
        ends = itertools.accumulate(self.lengths, initial=0)
        return tuple(slice(i, j) for i, j in itertools.pairwise(ends))

    @cached_property
    def _bounds(self) -> tuple[tuple[int, int], ...]:
        """The first decision into each node, and the first one that no longer is."""
        return tuple((edges[0], edges[-1] + 1) for edges in self.into)

    @cached_property
    def size(self) -> int:
        """Number of architectures: 4^k - 1 for every node that sees k others."""
        return math.prod(len(OPTIONS) ** len(edges) - 1 for edges in self.into)

    def valid(self, arch: Architecture) -> bool:
        """Tell whether every node has an input."""
        return all([any(arch[low:high]) for low, high in self._bounds])

    def __iter__(self) -> Iterator[Architecture]:
        inputs = itertools.product(*(_ways(len(edges)) for edges in self.into))
        return (tuple(itertools.chain.from_iterable(nodes)) for nodes in inputs)

    def sample(self, rng: np.random.Generator) -> Architecture:
        """Draw an architecture uniformly."""
        return self._by_nodes(lambda: SearchSpace.sample(self, rng))

    def crossover(
        self, a: Architecture, b: Architecture, rng: np.random.Generator
    ) -> Architecture:
        """Take every decision from `a` or `b`, until the child is valid.

        All valid children are equally probable, `a` and `b` among them.
        """
        return self._by_nodes(lambda: SearchSpace.crossover(self, a, b, rng))

    def _by_nodes(self, draw: Callable[[], Architecture]) -> Architecture:
        """Draw until all nodes have an input, each as it was when it first had one.

        As nodes are drawn independently, that is to draw until the whole is valid.
        """
        arch = list(draw())
        while empty := [(i, j) for i, j in self._bounds if not any(arch[i:j])]:
            other = draw()
            for i, j in empty:
                arch[i:j] = other[i:j]
        return tuple(arch)

    def used(self, there: Sequence[object]) -> tuple[bool, ...]:
        """Tell which nodes the output of their stage takes anything from.

        Args:
            there: Of every decision, whether the connection is there.

        Returns:
            For every node, in the order of `into`; the last of a stage always is.
        """
        last = {stage.stop - 1 for stage in self.stages}
        needed = [n in last for n in range(len(self.into))]
        for n in reversed(range(len(self.into))):
            for d in self.into[n] if needed[n] else ():
                source, target = self.edges[d]
                if there[d] and source:
                    needed[n - target + source] = True
        return tuple(needed)

    def canonical(self, arch: Architecture) -> Architecture:
        """Give nodes that nobody uses the least of what a node can have."""
        plain = list(arch)
        for (i, j), needed in zip(self._bounds, self.used(arch), strict=True):
            if not needed:
                plain[i:j] = [0] * (j - i - 1) + [1]
        return tuple(plain)

    @cached_property
    def _places(self) -> tuple[int, ...]:
        if self.size > 1 << 64:
            raise ValueError(f"{self.name} has more architectures than 64 bits number")
        return super()._places

    def keys(self, archs: NDArray[np.integer]) -> NDArray[np.uint64]:
        """Number many architectures at once, as `key` does one; see `SearchSpace`."""
        numbers = super().keys(archs)
        for n, (i, j) in enumerate(self._bounds):
            wrong = ~archs[:, i:j].any(axis=1)
            if wrong.any():
                raise ValueError(
                    f"row {int(wrong.argmax())} is no architecture of {self.name}:"
                    f" node {self.edges[i][1]} of stage {self._stage(n)} has no input"
                )
        return numbers

    def _stage(self, node: int) -> int:
        """Number the stage of a node of `into`, from 1."""
        return 1 + sum(end <= node for end in itertools.accumulate(self.lengths))

    def format(self, arch: Architecture) -> str:
        """Spell the sources of every node, stage by stage."""
        nodes = iter(
            ",".join(f"{_LETTERS[arch[d]]}{self.edges[d][0]}" for d in edges if arch[d])
            for edges in self.into
        )
        return "".join(
            f"({' '.join(itertools.islice(nodes, length))})" for length in self.lengths
        )

    def parse(self, text: str) -> Architecture:
        """Invert `format`.

        Raises:
            ValueError: `text` does not spell an architecture of this space; the message
                names the first place that is wrong and what would be right there.
        """
        found = re.fullmatch(r"\(([^()]*)\)" * len(self.lengths), text)
        if not found:
            raise ValueError(
                f"{self.name} has {len(self.lengths)} stages, each spelled (node ...),"
                f" with nothing between them, not {text!r}"
            )
        words: list[str] = []
        stages = zip(self.lengths, found.groups(), strict=True)
        for s, (length, stage) in enumerate(stages, 1):
            nodes = stage.split(" ")
            if len(nodes) != length:
                raise ValueError(
                    f"stage {s} of {self.name} has {length} nodes, with a blank between"
                    f" them, not {len(nodes)}"
                )
            words += nodes
        arch = [0] * len(self.choices)
        for n, word in enumerate(words):
            for d, option in self._links(n, word):
                arch[d] = option
        return tuple(arch)

    def _links(self, node: int, word: str) -> list[tuple[int, int]]:
        """Read the connections into a node: decisions, and an option of each."""
        edges = self.into[node]
        first, target = self.edges[edges[0]]
        links = [_LINK.fullmatch(link) for link in word.split(",")]
        read = [
            (edges[0] + int(link[2]) - first, _LETTERS.index(link[1]))
            for link in links
            if link
        ]
        places = [d for d, _ in read]
        if len(read) < len(links) or places != sorted(set(places) & set(edges)):
            raise ValueError(
                f"node {target} of stage {self._stage(node)} of {self.name} lists some"
                f" of its sources {first} to {target - 1}, upwards, each after c, s or"
                f" cs, with commas between them, not {word!r}"
            )
        return read


@cache
def _ways(sources: int) -> tuple[Architecture, ...]:
    """List what a node can take from its sources, in ascending order: not nothing."""
    ways = itertools.product(range(len(OPTIONS)), repeat=sources)
    return tuple(itertools.islice(ways, 1, None))


CHAIN_4 = ChainSpace("chain_4", (17, 19, 17), 4)
CHAIN_6 = ChainSpace("chain_6", (17, 19, 17), 6)
CHAIN_8 = ChainSpace("chain_8", (17, 19, 17), 8)
