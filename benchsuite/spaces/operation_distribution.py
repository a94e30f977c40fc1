"""Operation distributions: how often a cell takes each operation, not where.

Wan, Ru, Esperança & Carlucci, "Approximate Neural Architecture Search via Operation
Distribution Learning", WACV 2022. https://arxiv.org/abs/2111.04670
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from benchsuite.spaces.constrained import ConstrainedSpace
from benchsuite.spaces.darts import INTO, DartsSpace
from benchsuite.spaces.space import Architecture, SearchSpace

_TRIES = 100  # placements for one encoding, where the base has a constraint


@dataclass(frozen=True)
class OperationDistributionSpace(ConstrainedSpace):
    """The ways to share out the slots of a cell among its operations.

    An encoding is a count for each operation; together they make the number of slots.
    Divided by it, they are the paper's distribution p. A neighbour has one slot moved
    from one operation to another. Build it by `operation_distributions`.

    Attributes:
        base: The space of the cells.
        slots: Decisions of `base` that take an operation, all with the same options.
        taken: How many of them do, in every cell; where that is not all, option 0 is
            to take none, and is not counted.

    Example:
        >>> base = SearchSpace("toy", (("conv", "skip", "pool"),) * 4)
        >>> space = operation_distributions(base)
        >>> len(space), space.encode((0, 1, 0, 2)), space.members((2, 1, 1))
        (15, (2, 1, 1), 12)
    """

    base: SearchSpace
    slots: tuple[int, ...]
    taken: int

    @property
    def first(self) -> int:
        """The option that is counted first."""
        return 0 if self.taken == len(self.slots) else 1

    def valid(self, arch: Architecture) -> bool:
        """Tell whether the counts make the number of slots."""
        return sum(arch) == self.taken

    @cached_property
    def size(self) -> int:
        """Number of encodings: of ways to put bars between the slots."""
        bars = len(self.choices) - 1
        return math.comb(self.taken + bars, bars)

    def __iter__(self) -> Iterator[Architecture]:
        places = self.taken + len(self.choices) - 1
        for bars in itertools.combinations(range(places), len(self.choices) - 1):
            ends = itertools.pairwise((-1, *bars, places))
            yield tuple([right - left - 1 for left, right in ends])

    def sample(self, rng: np.random.Generator) -> Architecture:
        """Draw p ~ Dirichlet(1, ..., 1) and `snap` it; not uniform over encodings."""
        return self.snap(rng.dirichlet(np.ones(len(self.choices))))

    def snap(self, p: NDArray[np.float64]) -> Architecture:
        """Round a distribution, [number of operations], to counts.

        Every share is rounded down, and the slots that remain go to the largest
        remainders; of equals, to the first. So no share moves by a slot or more.

        Example:
            >>> base = SearchSpace("toy", (("conv", "skip", "pool"),) * 4)
            >>> operation_distributions(base).snap(np.array([0.4, 0.5, 0.1]))
            (2, 2, 0)
        """
        share = self.taken * p
        counts = np.floor(share).astype(np.int64)
        remain = self.taken - int(counts.sum())
        counts[np.argsort(counts - share, kind="stable")[:remain]] += 1
        return tuple(counts.tolist())

    def mutate(self, arch: Architecture, rng: np.random.Generator) -> Architecture:
        """Draw uniformly from the `neighbors`.

        Raises:
            ValueError: There is one operation only.
        """
        if len(self.choices) < 2:
            raise ValueError(f"{self.name} has one operation, so nothing to move")
        moves = list(self._moves(arch))
        return _moved(arch, *moves[int(rng.random() * len(moves))])

    def neighbors(self, arch: Architecture) -> Iterator[Architecture]:
        """Yield every encoding in which one slot has another operation."""
        for source, target in self._moves(arch):
            yield _moved(arch, source, target)

    def _moves(self, arch: Architecture) -> Iterator[tuple[int, int]]:
        """Yield which operation can give a slot to which."""
        operations = range(len(arch))
        return ((i, j) for i in operations if arch[i] for j in operations if i != j)

    def parse(self, text: str) -> Architecture:
        """Invert `format`."""
        arch = super().parse(text)
        if not self.valid(arch):
            raise ValueError(
                f"the counts of {self.name} add up to {self.taken}, unlike {text}"
            )
        return arch

    def encode(self, arch: Architecture) -> Architecture:
        """Count the operations of a cell of `base`."""
        operations = [arch[slot] for slot in self.slots]
        return tuple(
            [operations.count(self.first + o) for o in range(len(self.choices))]
        )

    def lift(self, arch: Architecture, rng: np.random.Generator) -> Architecture | None:
        """Draw a cell of `base` with the counts `arch`.

        The operations are put into the slots in random order; what else there is to
        decide, such as edges, is as in `base.sample`.

        Returns:
            None if 100 draws gave no cell that `base` allows.
        """
        operations = [
            self.first + o for o, count in enumerate(arch) for _ in range(count)
        ]
        for _ in range(_TRIES):
            cell = list(self.base.sample(rng))
            order = rng.random(len(operations)).argsort().tolist()
            taken = [slot for slot in self.slots if cell[slot] >= self.first]
            for slot, n in zip(taken, order, strict=True):
                cell[slot] = operations[n]
            if tuple(cell) in self.base:
                return tuple(cell)
        return None

    def members(self, arch: Architecture) -> int:
        """Count the cells with the counts `arch`, those that `base` forbids included.

        That is a multinomial coefficient, times the options of the other decisions.
        """
        orders = math.factorial(self.taken) // math.prod(map(math.factorial, arch))
        if self.first:  # the ways to choose the slots
            operations: int = len(self.choices) ** self.taken
            return orders * (self.base.size // operations)
        others = set(range(len(self.base.choices))) - set(self.slots)
        return orders * math.prod(len(self.base.choices[d]) for d in others)


def _moved(arch: Architecture, source: int, target: int) -> Architecture:
    """Take one slot from the operation `source` and give it to `target`."""
    counts = list(arch)
    counts[source] -= 1
    counts[target] += 1
    return tuple(counts)


def operation_distributions(base: SearchSpace) -> OperationDistributionSpace:
    """Find the slots of a space of cells: the decisions among the same operations.

    Those are the options that most decisions share. Decisions between two options, as
    whether there is an edge, are slots only where there are no others. Several cells
    share one distribution.
    """
    shared = Counter(base.choices)
    operations = max(
        shared, key=lambda o: (len(o) > 2, len(o) > 1, shared[o])
    )  # of equals, the first
    slots = tuple(d for d, options in enumerate(base.choices) if options == operations)
    taken = len(slots)
    if isinstance(base, DartsSpace) and len(slots) == len(base.choices):
        taken, operations = 2 * len(INTO), operations[1:]  # two to a node
    counts = tuple(map(str, range(taken + 1)))
    return OperationDistributionSpace(
        name=f"{base.name}_operations",
        choices=(counts,) * len(operations),
        base=base,
        slots=slots,
        taken=taken,
    )
