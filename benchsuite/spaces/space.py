"""A search space is a tuple of decisions; an architecture is a tuple of choices."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from operator import mul

import numpy as np
from numpy.typing import NDArray

Architecture = tuple[int, ...]
"""One option index per decision, e.g. (3, 0, 1): hashable, ordered, printable."""


@dataclass(frozen=True)
class SearchSpace:
    """A product of categorical decisions.

    Attributes:
        name: Identifier, e.g. "nats_tss".
        choices: `choices[d]` names the options of decision `d`.

    Example:
        >>> space = SearchSpace("toy", (("conv", "skip"), ("relu", "gelu", "silu")))
        >>> len(space), space.format((1, 2)), (1, 3) in space
        (6, 'skip,silu', False)
    """

    name: str
    choices: tuple[tuple[str, ...], ...]

    @cached_property
    def _sizes(self) -> tuple[int, ...]:
        return tuple(map(len, self.choices))

    @cached_property
    def _open(self) -> tuple[int, ...]:
        """Decisions that leave a choice."""
        return tuple(d for d, n in enumerate(self._sizes) if n > 1)

    @cached_property
    def size(self) -> int:
        """Number of architectures; it may exceed what `len` can say."""
        return math.prod(self._sizes)

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[Architecture]:
        return itertools.product(*map(range, self._sizes))

    def __contains__(self, arch: object) -> bool:
        return (
            isinstance(arch, tuple)
            and len(arch) == len(self.choices)
            and all(
                isinstance(a, int) and 0 <= a < n
                for a, n in zip(arch, self._sizes, strict=True)
            )
        )

    def sample(self, rng: np.random.Generator) -> Architecture:
        """Draw an architecture uniformly."""
        draws = rng.random(len(self._sizes)).tolist()  # a fifth of rng.integers' time
        return tuple(map(int, map(mul, draws, self._sizes)))

    def mutate(self, arch: Architecture, rng: np.random.Generator) -> Architecture:
        """Change one decision, drawn uniformly, to a different option.

        Raises:
            ValueError: No decision leaves a choice.
        """
        if not self._open:
            raise ValueError(f"no decision of {self.name} leaves a choice")
        which, step = rng.random(2).tolist()
        d = self._open[int(which * len(self._open))]
        n = self._sizes[d]
        other = (arch[d] + 1 + int(step * (n - 1))) % n
        return (*arch[:d], other, *arch[d + 1 :])

    def mutate_as_published(
        self, arch: Architecture, rng: np.random.Generator
    ) -> Architecture:
        """Mutate as the evolution in the benchmark's own code; here, as `mutate`."""
        return self.mutate(arch, rng)

    def crossover(
        self, a: Architecture, b: Architecture, rng: np.random.Generator
    ) -> Architecture:
        """Take every decision from `a` or from `b`, each with probability 1/2."""
        coins = (rng.random(len(a)) < 0.5).tolist()
        return tuple(
            [x if heads else y for x, y, heads in zip(a, b, coins, strict=True)]
        )

    def neighbors(self, arch: Architecture) -> Iterator[Architecture]:
        """Yield every architecture that differs from `arch` in one decision."""
        for d, options in enumerate(self.choices):
            for c in range(len(options)):
                if c != arch[d]:
                    yield (*arch[:d], c, *arch[d + 1 :])

    def one_hot(self, arch: Architecture) -> NDArray[np.float64]:
        """Encode as zeros and ones, float64 [total number of options].

        Example:
            >>> SearchSpace("toy", (("a", "b"), ("c", "d", "e"))).one_hot((1, 0))
            array([0., 1., 1., 0., 0.])
        """
        code = np.zeros(sum(self._sizes))
        starts = itertools.accumulate(self._sizes, initial=0)
        code[[start + a for start, a in zip(starts, arch, strict=False)]] = 1
        return code

    @cached_property
    def _places(self) -> tuple[int, ...]:
        """What one step of each decision adds to the key."""
        size = math.prod(self._sizes)
        if size > 1 << 64:
            raise ValueError(
                f"{self.name} numbers its architectures in 64 bits, at most"
                f" {1 << 64:,}; it has {size:,}"
            )
        return tuple(itertools.accumulate(self._sizes[:0:-1], mul, initial=1))[::-1]

    def key(self, arch: Architecture) -> int:
        """Number `arch`, below 2^64, as a table does to find its row.

        Here architectures in ascending order have ascending numbers from 0: mixed
        radix, a digit a decision. What is no architecture is not noticed.

        Raises:
            ValueError: 64 bits do not suffice.

        Example:
            >>> space = SearchSpace("toy", (("a", "b"), ("c", "d", "e")))
            >>> [space.key(arch) for arch in space]
            [0, 1, 2, 3, 4, 5]
        """
        return sum(map(mul, arch, self._places))

    def keys(self, archs: NDArray[np.integer]) -> NDArray[np.uint64]:
        """Number many architectures at once, as `key` does one.

        Args:
            archs: [B, D] option indices.

        Returns:
            [B].

        Raises:
            ValueError: A row is no architecture, or 64 bits do not suffice.
        """
        self._check(archs)
        numbers: NDArray[np.uint64] = archs.astype(np.uint64) @ np.array(
            self._places, dtype=np.uint64
        )
        return numbers

    def _check(self, archs: NDArray[np.integer]) -> None:
        """Refuse an array with a row that has other than an option a decision."""
        if archs.ndim != 2 or archs.shape[1] != len(self._sizes):
            raise ValueError(
                f"architectures of {self.name} are an array [B, {len(self._sizes)}],"
                f" not {list(archs.shape)}"
            )
        wrong = ((archs < 0) | (archs >= np.array(self._sizes))).any(axis=1)
        if wrong.any():
            row = int(wrong.argmax())
            raise ValueError(
                f"row {row} is no architecture of {self.name}:"
                f" {tuple(archs[row].tolist())}"
            )

    def canonical(self, arch: Architecture) -> Architecture:
        """Represent the networks that compute the same as `arch`; here, only itself."""
        return arch

    def format(self, arch: Architecture) -> str:
        """Spell `arch` as its benchmark publishes it."""
        return ",".join(c[a] for c, a in zip(self.choices, arch, strict=True))

    def parse(self, text: str) -> Architecture:
        """Invert `format`.

        Raises:
            ValueError: `text` does not spell an architecture of this space; the message
                names the first place that is wrong and what would be right there.
        """
        words = text.split(",")
        if len(words) != len(self.choices):
            raise ValueError(
                f"{self.name} has {len(self.choices)} decisions, separated by commas;"
                f" {text!r} has {len(words)}"
            )
        return tuple(self._option(d, f"{d}", word) for d, word in enumerate(words))

    def _option(self, decision: int, place: str, word: str) -> int:
        """Find the option of a decision that a spelling names at `place`."""
        options = self.choices[decision]
        if word not in options:
            raise ValueError(
                f"{self.name} has no {word!r} at {place}; there it has"
                f" {', '.join(options)}"
            )
        return options.index(word)
