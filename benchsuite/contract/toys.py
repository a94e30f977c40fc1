"""Benchmarks by formula, small enough that a person can follow a search on them.

No network was ever trained: they show whether a strategy keeps the contract, and say
nothing about how good it is.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchsuite.core import Backend, Observation, Reports, Trial
from benchsuite.spaces import Architecture, ConstrainedSpace, SearchSpace

FULL = 27  # epochs of full training, but for `many_fidelities`
SPACE = (5, 4)  # decisions, options
Figure = Callable[[Architecture], float]
Dice = Callable[[int], bool]


class Toy:
    """Every option adds its penalty to the error; curves fall, runs differ a little.

    error(arch, e, seed) = .05 + .4 * mean penalty + .5 exp(-4 e / E) + .001 (seed mod
    3), where option c of decision d, which has C options, has the penalty
    ((7 c + 3 d) mod C) / C. Every metric is 1 less the mean penalty.

    Attributes:
        name: "toy".
        data: Eight zeros: there is no table.
        space: What may be asked for.
        epochs: Fidelities.
        metrics: Names of the metrics, told in a dictionary that is new every time.
        reports: "test".
        backend: "table".
        best_error: Not worked out: nan.
    """

    name, data, best_error = "toy", "0" * 8, math.nan
    reports: Reports = "test"
    backend: Backend = "table"

    def __init__(
        self,
        space: SearchSpace,
        metrics: Sequence[str] = (),
        *,
        epochs: tuple[int, ...] = (1, 3, 9, FULL),
        pace: Figure = lambda arch: 1.0 + sum(arch) / len(arch),
        diverges: Dice = lambda count: False,
    ) -> None:
        """Take what varies from toy to toy.

        Args:
            space: What may be asked for.
            metrics: Names of metrics beside "params".
            epochs: Fidelities.
            pace: Seconds of an epoch.
            diverges: Whether the n-th evaluation does, n from 1.
        """
        self.space, self.epochs = space, epochs
        self.metrics = tuple(dict.fromkeys(("params", *metrics)))
        self._pace, self._diverges, self._count = pace, diverges, 0

    def evaluate(self, trial: Trial, seed: int) -> Observation:
        """Work the outcome of a trial out.

        Raises:
            KeyError: It is outside the space or the epochs.
        """
        arch, epochs = trial
        if arch not in self.space or epochs not in (0, *self.epochs):
            raise KeyError(f"{trial} is outside")
        self._count += 1
        metrics = dict.fromkeys(self.metrics, 1 - self._penalty(arch))
        if not epochs:
            return Observation(math.nan, 0.0, metrics)
        error = self._error(trial) + 0.001 * (seed % 3)
        if self._diverges(self._count):
            error = math.inf
        return Observation(error, epochs * self._pace(arch), metrics)

    def reported_error(self, arch: Architecture, seed: int) -> float:
        """Give the error after full training, without what runs differ by."""
        return self._error(Trial(arch, self.epochs[-1]))

    def _error(self, trial: Trial) -> float:
        curve = 0.5 * math.exp(-4 * trial.epochs / self.epochs[-1])
        return 0.05 + 0.4 * self._penalty(trial.arch) + curve

    def _penalty(self, arch: Architecture) -> float:
        """Mean penalty of the options, in [0, 1)."""
        sizes = map(len, self.space.choices)
        penalties = [
            (7 * c + 3 * d) % n / n
            for d, (c, n) in enumerate(zip(arch, sizes, strict=True))
        ]
        return math.fsum(penalties) / len(arch)  # sum() differs between Pythons


@dataclass(frozen=True)
class Unlike(ConstrainedSpace):
    """Architectures whose first two decisions differ, as option numbers."""

    def valid(self, arch: Architecture) -> bool:
        """Compare the first two."""
        return len(arch) < 2 or arch[0] != arch[1]


def choices(decisions: int, options: int) -> tuple[tuple[str, ...], ...]:
    """Name the options o0, o1, ... of each decision."""
    return (tuple(f"o{c}" for c in range(options)),) * decisions


KINDS: Mapping[str, Callable[[int, int, Sequence[str]], Toy]] = {
    "plain": lambda d, c, metrics: Toy(SearchSpace("toy", choices(d, c)), metrics),
    "even": lambda d, c, metrics: Toy(
        SearchSpace("toy", choices(d, c)), metrics, pace=lambda arch: 1.0
    ),
    "one_fidelity": lambda d, c, metrics: Toy(
        SearchSpace("toy", choices(d, c)), metrics, epochs=(FULL,)
    ),
    "many_fidelities": lambda d, c, metrics: Toy(
        SearchSpace("toy", choices(d, c)),
        metrics,
        epochs=(2, 3, 5, 8, 13, 21, 34, 55, 89),
    ),
    "fixed_decision": lambda d, c, metrics: Toy(
        SearchSpace("toy", (("o0",), *choices(d, c)[1:])), metrics
    ),
    "forbidden": lambda d, c, metrics: Toy(Unlike("toy", choices(d, c)), metrics),
    "half_diverge": lambda d, c, metrics: Toy(
        SearchSpace("toy", choices(d, c)), metrics, diverges=lambda n: n % 2 == 1
    ),
    "all_diverge": lambda d, c, metrics: Toy(
        SearchSpace("toy", choices(d, c)), metrics, diverges=lambda n: True
    ),
}
"""Toys by name; each is built of a number of decisions, a number of options, and names
of metrics. `even`: each epoch of each architecture takes one second. `forbidden`: the
first two decisions must differ. `half_diverge`: the first evaluation, the third, and so
on."""
