"""Hyperband: successive halving from every rung, with fewer architectures the higher.

Li, Jamieson, DeSalvo, Rostamizadeh & Talwalkar, "Hyperband: A Novel Bandit-Based
Approach to Hyperparameter Optimization", JMLR 18, 2018.
https://arxiv.org/abs/1603.06560
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle

import numpy as np

from benchsuite.core import Observation, Trial
from benchsuite.spaces import Architecture, SearchSpace
from benchsuite.strategies.successive_halving import Bracket, rungs


def brackets(count: int, eta: int) -> list[list[int]]:
    """Size the rungs of each bracket of one round, the longest bracket first.

    With s = count - 1 ... 0, a bracket of s + 1 rungs starts with
    floor(count / (s + 1)) * eta^s architectures, as HpBandSter has it. Algorithm 1
    rounds the whole product, up: 81, 34, 15, 8, 5 where this has 81, 27, 9, 6, 5.

    Args:
        count: Number of rungs; s_max + 1 in the paper.
        eta: One in `eta` is promoted.

    Example:
        >>> brackets(4, eta=3)
        [[27, 9, 3, 1], [9, 3, 1], [6, 2], [4]]
    """
    return [
        [count // (s + 1) * eta ** (s - rung) for rung in range(s + 1)]
        for s in reversed(range(count))
    ]


class SideBySide:
    """Rounds of brackets; while all of them wait, the next one starts beside them.

    So HpBandSter shares them out among workers; the oldest comes first. Nobody waits.
    """

    def __init__(self, rungs: Sequence[int], eta: int) -> None:
        self._rungs, self._eta = rungs, eta
        self._sizes = cycle(brackets(len(rungs), eta))
        self._open: list[Bracket] = []
        self._running: dict[Trial, list[Bracket]] = {}

    def ask(self, draw: Callable[[], Architecture]) -> Trial:
        """Train an architecture that was promoted, or `draw` one that starts."""
        while True:
            for bracket in self._open:
                if bracket.free:
                    bracket.join(draw())
                trial = bracket.ask()
                if trial is not None:
                    self._running.setdefault(trial, []).append(bracket)
                    return trial
            sizes = next(self._sizes)
            rungs = self._rungs[-len(sizes) :]
            self._open = [bracket for bracket in self._open if bracket]
            self._open.append(Bracket((), rungs, self._eta, free=sizes[0]))

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Promote, once the rung of the trial is complete."""
        waiting = self._running[trial]
        waiting.pop(0).tell(trial, observation)
        if not waiting:
            del self._running[trial]


class Hyperband:
    """Repeats rounds of successive halving that start at every rung in turn.

    Fidelities are spaced as for successive halving: down from full training by factors
    of `eta`, rounded down to what exists, no two alike. Never waits. Where there is one
    fidelity, it is random search.

    Raises:
        ValueError: `eta` is below 2.
    """

    def __init__(
        self,
        space: SearchSpace,
        epochs: tuple[int, ...],
        rng: np.random.Generator,
        *,
        eta: int = 3,  # the paper suggests 3 or 4
    ) -> None:
        if eta < 2:
            raise ValueError(f"eta must be at least 2, not {eta}")
        self._draw = partial(space.sample, rng)
        self._brackets = SideBySide(rungs(epochs, eta), eta)

    def ask(self) -> Trial:
        """Train the next architecture of a rung, or a random one."""
        return self._brackets.ask(self._draw)

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Promote, once the rung is complete."""
        self._brackets.tell(trial, observation)
