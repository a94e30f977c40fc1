"""DEHB: Hyperband in which every rung evolves, with parents from the rung below.

Awad, Mallik & Hutter, "DEHB: Evolutionary Hyperband for Scalable, Robust and Efficient
Hyperparameter Optimization", IJCAI 2021. https://arxiv.org/abs/2105.09821
"""

import math
from dataclasses import dataclass, field
from itertools import count, cycle
from operator import itemgetter, mul
from typing import NamedTuple

import numpy as np

from benchsuite.core import Observation, Trial
from benchsuite.spaces import Architecture, SearchSpace
from benchsuite.strategies.hyperband import brackets
from benchsuite.strategies.successive_halving import rungs

_TRIES = 100  # mutants for one trial, where a space has constraints


class _Member(NamedTuple):
    """A point of [0, 1]^D and the architecture that it stands for."""

    vector: list[float]
    arch: Architecture


class _Population:
    """Members of one rung, which take turns as the target that a trial may replace."""

    def __init__(self, members: list[_Member]) -> None:
        size = len(members)
        self.members, self.errors = members, [math.inf] * size
        self.turns, self.untried = cycle(range(size)), set(range(size))

    def best(self, count: int) -> list[_Member]:
        """Choose the best; of equals, those whose turn comes first."""
        order = sorted(range(len(self.errors)), key=self.errors.__getitem__)
        return [self.members[n] for n in order[:count]]

    def promote(self, count: int, above: "_Population") -> list[_Member]:
        """Choose the best that are not `above` already, worst first; none diverged."""
        known = zip(self.errors, self.members, strict=True)
        new = [(e, m) for e, m in known if e < math.inf and m not in above.members]
        return [m for _, m in sorted(new, key=itemgetter(0))[:count]][::-1]


def _three(u: float, v: float, w: float, count: int) -> tuple[int, int, int]:
    """Turn three draws from [0, 1) into different indices below `count`.

    Example:
        >>> _three(0.5, 0.0, 0.5, 4)
        (2, 3, 1)
    """
    a = int(u * count)
    b = (a + 1 + int(v * (count - 1))) % count
    low, high = (a, b) if a < b else (b, a)
    c = int(w * (count - 2))
    c += c >= low
    return a, b, c + (c >= high)


@dataclass(slots=True)
class _Bracket:
    """A rung at a time: `left` trials to start, `missing` to finish."""

    level: int
    sizes: list[int]  # of this rung and of those above
    promotes: bool
    left: int = 0
    missing: int = 0
    parents: list[_Member] = field(default_factory=list)
    climbers: list[_Member] = field(default_factory=list)


class DEHB:
    """Replaces members of each rung's population by mutants that are no worse.

    Brackets are Hyperband's; the population of a rung is as large as the largest of
    them needs. In the first round the best climb as they are. Afterwards a trial is a
    mutant of three of the best members of the rung below (at a bracket's first rung, of
    its own), a + F (b - c), crossed with the target, that is the member whose turn it
    is. A member that has never been trained is trained first. An interval of [0, 1]
    stands for each option; what leaves [0, 1] is drawn anew.

    Never waits: while all brackets do, another one starts. Where there is one fidelity,
    there are too few members to make a mutant of, and it is random search.

    Reconstructed, where the paper leaves it open: parents are chosen when a rung opens;
    too few of them are filled up from all populations; a mutant that a space with
    constraints has not is made again, up to 100 times, then drawn at random.

    Raises:
        ValueError: A setting is out of its range.
    """

    def __init__(
        self,
        space: SearchSpace,
        epochs: tuple[int, ...],
        rng: np.random.Generator,
        *,
        eta: int = 3,
        mutation_factor: float = 0.5,  # F
        crossover_rate: float = 0.5,  # p
    ) -> None:
        if eta < 2:
            raise ValueError(f"eta must be at least 2, not {eta}")
        if not (mutation_factor > 0 and 0 <= crossover_rate <= 1):
            raise ValueError(
                "mutation_factor must be above 0 and crossover_rate in [0, 1], not"
                f" {mutation_factor} and {crossover_rate}"
            )
        self._space, self._rng = space, rng
        self._factor, self._rate = mutation_factor, crossover_rate
        self._sizes = [len(options) for options in space.choices]
        self._rungs = rungs(epochs, eta)
        self._round = brackets(len(self._rungs), eta)
        self._started = count()
        levels = len(self._rungs)
        largest = [
            max(sizes[n - levels] for sizes in self._round if len(sizes) >= levels - n)
            for n in range(levels)
        ]
        self._everybody = sum(largest)
        self._populations = [
            _Population([self._newcomer() for _ in range(size)]) for size in largest
        ]
        self._open: list[_Bracket] = []
        self._running: dict[Trial, list[tuple[_Bracket, int, int, _Member]]] = {}

    def _newcomer(self) -> _Member:
        """Draw an architecture, and a point of the cell that stands for it."""
        arch = self._space.sample(self._rng)
        draws = self._rng.random(len(arch)).tolist()
        cells = zip(arch, draws, self._sizes, strict=True)
        return _Member([(option + u) / n for option, u, n in cells], arch)

    def ask(self) -> Trial:
        """Train who climbs, a member that is new, or a mutant."""
        bracket = next((b for b in self._open if b.left), None) or self._start()
        bracket.left -= 1
        population = self._populations[bracket.level]
        target = next(population.turns)
        if bracket.climbers:
            member = bracket.climbers.pop()
        elif target in population.untried:
            member = population.members[target]
        else:
            member = self._offspring(population.members[target], bracket.parents)
        population.untried.discard(target)
        trial = Trial(member.arch, self._rungs[bracket.level])
        place = (bracket, bracket.level, target, member)
        self._running.setdefault(trial, []).append(place)
        return trial

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Replace the target by who is no worse; open the next rung after the last."""
        bracket, level, target, member = self._running[trial].pop(0)
        if not self._running[trial]:
            del self._running[trial]
        population = self._populations[level]
        if observation.error <= population.errors[target]:
            population.errors[target] = observation.error
            population.members[target] = member
        bracket.missing -= 1
        if not bracket.missing and len(bracket.sizes) > 1:
            del bracket.sizes[0]
            bracket.level += 1
            below, here = self._populations[level : level + 2]
            self._fill(bracket, below)
            if bracket.promotes:
                bracket.climbers = below.promote(bracket.left, here)

    def _start(self) -> _Bracket:
        """Start the next bracket of the round."""
        self._open = [b for b in self._open if b.left or len(b.sizes) > 1]
        n = next(self._started)
        sizes = list(self._round[n % len(self._round)])
        level = len(self._rungs) - len(sizes)
        bracket = _Bracket(level, sizes, promotes=n < len(self._round))
        self._fill(bracket, self._populations[level])
        self._open.append(bracket)
        return bracket

    def _fill(self, bracket: _Bracket, source: _Population) -> None:
        """Open a rung whose parents are the best of `source`."""
        bracket.left = bracket.missing = bracket.sizes[0]
        bracket.parents = source.best(bracket.left)

    def _offspring(self, target: _Member, parents: list[_Member]) -> _Member:
        """Mutate by rand/1, cross over by a coin for each decision; see `DEHB`."""
        if self._everybody < 3:
            return self._newcomer()
        while len(parents) < 3:
            parents = [*parents, self._anybody()]
        factor, rate, d = self._factor, self._rate, len(self._sizes)
        for _ in range(_TRIES):
            which, mate, other, forced, *draws = self._rng.random(4 + 2 * d).tolist()
            a, b, c = [parents[n][0] for n in _three(which, mate, other, len(parents))]
            draws[int(forced * d)] = -1.0  # one decision at least is the mutant's
            vector = target.vector.copy()
            for n in range(d):
                if draws[n] < rate:
                    value = a[n] + factor * (b[n] - c[n])
                    vector[n] = value if 0 <= value < 1 else draws[d + n]
            arch = tuple(map(int, map(mul, vector, self._sizes)))
            if arch in self._space:
                return _Member(vector, arch)
        return self._newcomer()

    def _anybody(self) -> _Member:
        """Draw a member of any population."""
        n = int(self._rng.random() * self._everybody)
        return [m for population in self._populations for m in population.members][n]
