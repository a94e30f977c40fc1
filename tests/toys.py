"""Benchmarks and strategies whose every figure can be worked out by hand."""

import itertools
import math
from types import MappingProxyType

import numpy as np

from benchsuite.core import Observation
from benchsuite.spaces import SearchSpace

NOTHING = MappingProxyType({})


def rng(seed=0):
    return np.random.default_rng(seed)


class Additive:
    """Every option adds its penalty to the error; curves fall, runs differ a little.

    error(arch, e, run) = (.05 + .4 * mean penalty) + .5 * exp(-4 e / E) + .001 * run,
    where option c of decision d has the penalty ((7 c + 3 d) mod C) / C: the best is
    the option whose remainder is 0. An epoch of option 0 everywhere takes 1 s.

    An untrained network is free; its score is 1 less the mean penalty of all decisions
    but the first.
    """

    name, data, reports, metrics = "toy/additive", "0" * 8, "test", ("zc_synflow",)
    backend = "table"

    def __init__(self, decisions=5, options=4, epochs=27, runs=3):
        names = tuple(f"o{c}" for c in range(options))
        self.space = SearchSpace("additive", (names,) * decisions)
        self.epochs = tuple(range(1, epochs + 1))
        self.runs = runs
        self.penalties = [
            [(7 * c + 3 * d) % options / options for c in range(options)]
            for d in range(decisions)
        ]
        self.best = tuple(penalty.index(0.0) for penalty in self.penalties)
        self.best_error = self._error(self.best, epochs)

    def _error(self, arch, epochs):
        chosen = (p[a] for p, a in zip(self.penalties, arch, strict=True))
        total = math.fsum(chosen) / len(arch)  # sum() differs between Pythons
        return 0.05 + 0.4 * total + 0.5 * math.exp(-4 * epochs / self.epochs[-1])

    def score(self, arch):
        pairs = zip(self.penalties[1:], arch[1:], strict=True)
        return 1 - math.fsum(penalty[option] for penalty, option in pairs) / len(arch)

    def evaluate(self, trial, seed):
        if trial.arch not in self.space or trial.epochs not in (0, *self.epochs):
            raise KeyError(f"{trial} is outside")
        if not trial.epochs:
            return Observation(math.nan, 0.0, {"zc_synflow": self.score(trial.arch)})
        error = self._error(*trial) + 0.001 * (seed % self.runs)
        cost = trial.epochs * (1 + sum(trial.arch) / len(trial.arch))
        return Observation(error, cost, NOTHING)

    def reported_error(self, arch, seed):
        return self._error(arch, self.epochs[-1])


class Distinct(Additive):
    """Additive, and uneven enough that no two errors are equal.

    The n-th architecture of the space errs by .3 * (m(e) n mod 1,024) / 1,024 more. All
    m(e) = 613 + 2 e are odd, so each e shuffles the architectures differently; sums of
    penalties are .02 apart, no multiple of .3 / 1,024 that could make up for it.
    """

    def __init__(self):
        super().__init__()
        self.ranks = {arch: n for n, arch in enumerate(self.space)}

    def evaluate(self, trial, seed):
        seen = super().evaluate(trial, seed)
        if not trial.epochs:
            return seen
        more = (613 + 2 * trial.epochs) * self.ranks[trial.arch] % 1024 / 1024
        return seen._replace(error=seen.error + 0.3 * more)


class Priced:
    """Architecture (n,) takes `costs[n]` seconds an epoch and errs by 1 / (2 + n)."""

    name, data, reports, epochs = "priced", "0" * 8, "test", (1, 2, 4)
    best_error, metrics, backend = math.nan, (), "table"

    def __init__(self, *costs):
        self.costs = costs
        self.space = SearchSpace("priced", (tuple(map(str, range(len(costs)))),))

    def evaluate(self, trial, seed):
        (n,) = trial.arch
        return Observation(1 / (2 + n), self.costs[n] * trial.epochs, NOTHING)

    def reported_error(self, arch, seed):
        return 1 / (2 + arch[0])


class Diverging:
    """A benchmark on which every `period`-th evaluation diverges."""

    def __init__(self, benchmark, period):
        self.benchmark, self.count, self.period = benchmark, itertools.count(), period

    def __getattr__(self, name):
        return getattr(self.benchmark, name)

    def evaluate(self, trial, seed):
        seen = self.benchmark.evaluate(trial, seed)
        diverged = next(self.count) % self.period == 0
        return seen._replace(error=math.inf) if diverged else seen


class Script:
    """Asks for what it is given, None included, and notes what it is told."""

    def __init__(self, *trials):
        self.trials, self.told = itertools.chain(trials, itertools.repeat(None)), []

    def ask(self):
        return next(self.trials)

    def tell(self, trial, observation):
        self.told.append(trial)


class Watched:
    """A strategy that writes down what it asks, is told and waits for."""

    def __init__(self, strategy):
        self.strategy = strategy
        self.asked, self.told, self.waits = [], [], 0

    @property
    def trained(self):
        return [trial for trial, _ in self.told if trial.epochs]

    def ask(self):
        trial = self.strategy.ask()
        if trial is None:
            self.waits += 1
        else:
            self.asked.append(trial)
        return trial

    def tell(self, trial, observation):
        self.told.append((trial, observation))
        self.strategy.tell(trial, observation)
