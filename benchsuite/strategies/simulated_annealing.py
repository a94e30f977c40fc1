"""Simulated annealing: move to worse neighbours as well, less and less often.

Kirkpatrick, Gelatt & Vecchi, "Optimization by Simulated Annealing", Science 220, 1983.
The initial temperature is the scale of White, "Concepts of Scale in Simulated
Annealing", ICCD 1984.
"""

import math

import numpy as np

from benchsuite.core import Observation, Trial
from benchsuite.spaces import Architecture, SearchSpace


class SimulatedAnnealing:
    """Accepts a one-decision change with probability exp(-increase of error / T).

    It starts from the best of `initial` random architectures, at the standard deviation
    of their errors, and T falls by the factor `cooling` with every outcome. A
    reconstruction in this: the paper stays at each T for many moves, of which a search
    for networks has too few. When it is frozen, since as many changes in a row were
    rejected as an architecture has, it starts again.

    Never waits: with several workers, an outcome is judged against the architecture and
    the T of the time when it is told.

    Raises:
        ValueError: `initial` is below 1, or `cooling` not in (0, 1].
    """

    def __init__(
        self,
        space: SearchSpace,
        epochs: tuple[int, ...],
        rng: np.random.Generator,
        *,
        initial: int = 10,  # as local search has
        cooling: float = 0.9,  # the paper's ratio
    ) -> None:
        if initial < 1 or not 0 < cooling <= 1:
            raise ValueError(
                f"initial must be at least 1 and cooling in (0, 1], not {initial} and"
                f" {cooling}"
            )
        self._space, self._full, self._rng = space, epochs[-1], rng
        self._initial, self._cooling = initial, cooling
        self._changes = sum(len(options) - 1 for options in space.choices)
        self._restart()

    def _restart(self) -> None:
        self._newcomers = self._initial  # still to be asked for
        self._first: list[float] = []  # errors of the newcomers
        self._arch: Architecture | None = None  # where we stand
        self._error = math.inf
        self._temperature = 0.0
        self._rejected = 0  # in a row

    def ask(self) -> Trial:
        """Draw newcomers, then change one decision of the architecture we stand at."""
        if self._newcomers > 0 or self._arch is None:
            self._newcomers -= 1
            return Trial(self._space.sample(self._rng), self._full)
        return Trial(self._space.mutate(self._arch, self._rng), self._full)

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Keep the best newcomer; afterwards accept or reject, and cool down."""
        if self._accepts(observation.error):
            self._arch, self._error = trial.arch, observation.error
            self._rejected = 0
        else:
            self._rejected += 1
        if len(self._first) < self._initial:
            self._first.append(observation.error)
            if len(self._first) == self._initial:
                finite = [error for error in self._first if math.isfinite(error)]
                self._temperature = float(np.std(finite)) if finite else 0.0
                self._rejected = 0
            return
        self._temperature *= self._cooling
        if self._rejected >= self._changes:
            self._restart()

    def _accepts(self, error: float) -> bool:
        """Apply the rule of Metropolis; at T = 0, accept what is not worse."""
        if error <= self._error:
            return True
        if not self._temperature:
            return False
        return self._rng.random() < math.exp((self._error - error) / self._temperature)
