"""A product of search spaces, such as a topology and the widths of its stages."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchsuite.spaces.space import Architecture, SearchSpace

_AND = " & "


@dataclass(frozen=True)
class ProductSpace(SearchSpace):
    """The decisions of several spaces, one space after the other; see `product`.

    What a part says of its own decisions holds: which are valid together, which compute
    the same, how they are changed and spelled. Two architectures compute the same if
    all their parts do.

    Attributes:
        parts: The spaces.
    """

    parts: tuple[SearchSpace, ...]

    @cached_property
    def size(self) -> int:
        """Number of architectures: the product of the parts' numbers."""
        return math.prod(part.size for part in self.parts)

    @cached_property
    def _slices(self) -> tuple[slice, ...]:
        ends = itertools.accumulate(len(part.choices) for part in self.parts)
        return tuple(itertools.starmap(slice, itertools.pairwise((0, *ends))))

    def split(self, arch: Architecture) -> tuple[Architecture, ...]:
        """Give each part's own decisions.

        Example:
            >>> one = SearchSpace("one", (("a", "b"),))
            >>> product(one, one).split((0, 1))
            ((0,), (1,))
        """
        return tuple(arch[where] for where in self._slices)

    def __iter__(self) -> Iterator[Architecture]:
        for archs in itertools.product(*self.parts):
            yield tuple(itertools.chain.from_iterable(archs))

    def __contains__(self, arch: object) -> bool:
        return (
            isinstance(arch, tuple)
            and len(arch) == len(self.choices)
            and all(a in part for part, a in self._pairs(arch))
        )

    def _pairs(self, arch: Architecture) -> Iterator[tuple[SearchSpace, Architecture]]:
        return zip(self.parts, self.split(arch), strict=True)

    def sample(self, rng: np.random.Generator) -> Architecture:
        """Draw each part from its space."""
        drawn = (part.sample(rng) for part in self.parts)
        return tuple(itertools.chain.from_iterable(drawn))

    def mutate(self, arch: Architecture, rng: np.random.Generator) -> Architecture:
        """Change one part as its space does, drawn in proportion to its open decisions.

        Raises:
            ValueError: No part can be changed.
        """
        weights = [len(part._open) for part in self.parts]
        while total := sum(weights):
            mark, n = rng.random() * total, 0
            while mark >= weights[n]:
                mark -= weights[n]
                n += 1
            parts = list(self.split(arch))
            try:
                parts[n] = self.parts[n].mutate(parts[n], rng)
            except ValueError:  # a constrained part without a neighbour
                weights[n] = 0
                continue
            return tuple(itertools.chain.from_iterable(parts))
        raise ValueError(f"no part of {self.name} can be changed")

    def crossover(
        self, a: Architecture, b: Architecture, rng: np.random.Generator
    ) -> Architecture:
        """Cross each part as its space does."""
        children = (
            part.crossover(x, y, rng)
            for (part, x), y in zip(self._pairs(a), self.split(b), strict=True)
        )
        return tuple(itertools.chain.from_iterable(children))

    def neighbors(self, arch: Architecture) -> Iterator[Architecture]:
        """Yield every architecture that differs in one decision of one part."""
        for part, where in zip(self.parts, self._slices, strict=True):
            for other in part.neighbors(arch[where]):
                yield (*arch[: where.start], *other, *arch[where.stop :])

    def canonical(self, arch: Architecture) -> Architecture:
        """Represent each part's class by its own representative."""
        firsts = (part.canonical(a) for part, a in self._pairs(arch))
        return tuple(itertools.chain.from_iterable(firsts))

    def format(self, arch: Architecture) -> str:
        """Spell each part as its benchmark does, joined by " & "."""
        return _AND.join(part.format(a) for part, a in self._pairs(arch))

    def parse(self, text: str) -> Architecture:
        """Invert `format`.

        Raises:
            ValueError: `text` does not spell an architecture of this space.
        """
        words = text.split(_AND)
        if len(words) != len(self.parts):
            raise ValueError(
                f"{self.name} has {len(self.parts)} parts, joined by {_AND!r};"
                f" {text!r} has {len(words)}"
            )
        parsed = (p.parse(word) for p, word in zip(self.parts, words, strict=True))
        return tuple(itertools.chain.from_iterable(parsed))


def product(*parts: SearchSpace) -> ProductSpace:
    """Join spaces to one; a product among them counts as its parts.

    Architectures are numbered as long as 64 bits suffice for all options of all
    decisions; beyond, `key` and `keys` raise ValueError, and all else works.

    Raises:
        ValueError: There are no parts, or the options of one have " & " in their names.

    Example:
        >>> depth = SearchSpace("depth", (("2", "4"),))
        >>> width = SearchSpace("width", (("16", "32", "64"),))
        >>> space = product(depth, width)
        >>> space.name, space.size, space.format((1, 2)), space.parse("2 & 32")
        ('depth*width', 6, '4 & 64', (0, 1))
    """
    flat: list[SearchSpace] = []
    for part in parts:
        flat += part.parts if isinstance(part, ProductSpace) else [part]
    if not flat:
        raise ValueError("a product has at least one part")
    choices = tuple(itertools.chain.from_iterable(part.choices for part in flat))
    if any(_AND in option for options in choices for option in options):
        raise ValueError(f"the parts of a product have no {_AND!r} in their options")
    return ProductSpace("*".join(part.name for part in flat), choices, tuple(flat))
