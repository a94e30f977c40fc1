"""Whether strategies rank on a surrogate as they do on the table it was fitted to.

Searches of the same strategies on both; each seed ranks the strategies by the error to
report of what they found, and Kendall's tau-b compares the mean ranks. Its interval is
by the bootstrap over seeds, of both sides independently. The table agrees with itself,
searched with other seeds, only so far: that is the most to be asked of a surrogate.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchsuite import catalogue
from benchsuite.core import Benchmark, Observation, Strategy, Trial
from benchsuite.runner import Rules, search
from benchsuite.spaces import Architecture

_RESAMPLES = 2000
Array = NDArray[np.float64]


class Searches(NamedTuple):
    """What S strategies found with R seeds each.

    Attributes:
        errors: float64 [S, R], to report, by the benchmark that was searched.
        found: [S][R], the architectures.
        visited: [S], what was trained in full, each once.
    """

    errors: Array
    found: Sequence[Sequence[Architecture]]
    visited: Sequence[Sequence[Architecture]]


class Agreement(NamedTuple):
    """Kendall's tau of mean ranks.

    Attributes:
        tau: Of all seeds.
        low: Of its 95 % interval.
        high: Of it.
    """

    tau: float
    low: float
    high: float


class _Noted:
    """A strategy that notes what it was told of full training."""

    def __init__(self, strategy: Strategy, last: int) -> None:
        self._strategy, self._last = strategy, last
        self.visited: list[Architecture] = []

    def ask(self) -> Trial | None:
        """Ask the strategy."""
        return self._strategy.ask()

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Tell the strategy, and note what was trained."""
        if trial.epochs == self._last:
            self.visited.append(trial.arch)
        self._strategy.tell(trial, observation)


def searches(
    benchmark: Benchmark, strategies: Sequence[str], seeds: Sequence[int], trials: int
) -> Searches:
    """Search with every strategy and seed.

    Args:
        benchmark: What is searched.
        strategies: As `catalogue.find` takes them.
        seeds: Of the searches, and of what the benchmark answers.
        trials: That each may take.

    Raises:
        InputError: There is no such strategy.
    """
    rules = Rules(trials=trials)
    told = {name: getattr(rules, name) for name in catalogue.RULES}
    errors, found, visited = [], [], []
    for name in strategies:
        entry = catalogue.find(name)
        picks, seen = [], dict[Architecture, None]()
        for seed in seeds:
            rng = np.random.default_rng(seed)
            built = entry.build(benchmark.space, benchmark.epochs, rng, told)
            strategy = _Noted(built, benchmark.epochs[-1])
            *_, last = search(strategy, benchmark, rules, seed=seed)
            picks.append(last.arch)
            seen.update(dict.fromkeys(strategy.visited))
        pairs = zip(picks, seeds, strict=True)
        errors.append([benchmark.reported_error(arch, seed) for arch, seed in pairs])
        found.append(picks)
        visited.append(list(seen))
    return Searches(np.array(errors), found, visited)


def mean_ranks(errors: Array) -> Array:
    """Rank S strategies in each of R seeds, and average, [S]; 1 is the best.

    Example:
        >>> mean_ranks(np.array([[0.1, 0.2], [0.3, 0.2], [0.4, 0.5]])).tolist()
        [1.25, 1.75, 3.0]
    """
    ranks: Array = rankdata(errors, axis=0).mean(axis=1)
    return ranks


def agreement(one: Array, other: Array, rng: np.random.Generator) -> Agreement:
    """Compare the mean ranks of strategies on two benchmarks.

    Args:
        one: float64 [S, R], errors to report.
        other: float64 [S, Q], of the same strategies.
        rng: Draws the seeds of the bootstrap.

    Returns:
        Tau, and the 2.5 % and 97.5 % quantiles of its bootstrap distribution; nan where
        all strategies rank alike.

    Example:
        >>> one = np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])
        >>> agreement(one, 1 - one, np.random.default_rng(0))
        Agreement(tau=-1.0, low=-1.0, high=-1.0)
    """
    drawn = []
    for errors in (one, other):
        ranks, seeds = rankdata(errors, axis=0), errors.shape[1]
        drawn.append(ranks[:, rng.integers(seeds, size=(_RESAMPLES, seeds))].mean(-1).T)
    (tau,) = _taus(mean_ranks(one)[None], mean_ranks(other)[None])
    taus = _taus(*drawn)
    known = taus[~np.isnan(taus)]
    if not len(known):
        return Agreement(math.nan, math.nan, math.nan)
    return Agreement(float(tau), *np.quantile(known, (0.025, 0.975)).tolist())


def _taus(one: Array, other: Array) -> Array:
    """Compute Kendall's tau-b of N pairs of S figures, [N, S] each; nan if constant.

    Differences in the last digits, as sums of ranks can have, are ties.
    """
    a, b = np.triu_indices(one.shape[1], k=1)
    signs = [np.sign((ranks[:, a] - ranks[:, b]).round(9)) for ranks in (one, other)]
    untied = np.prod([np.abs(sign).sum(axis=1) for sign in signs], axis=0)
    total = (signs[0] * signs[1]).sum(axis=1)
    taus = np.full(len(total), np.nan)
    np.divide(total, np.sqrt(untied), out=taus, where=untied > 0)
    return taus
