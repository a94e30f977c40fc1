"""Early rejection: judge every candidate by something cheap, and train the better half.

Reconstruction, in the spirit of two: networks that score badly before training are
skipped, as in Abdelfattah, Mehrotra, Dudziak & Lane, "Zero-Cost Proxies for Lightweight
NAS", ICLR 2021, sec. 4, https://arxiv.org/abs/2101.08134; trainings whose beginning is
bad are ended, as in Baker, Gupta, Raskar & Naik, "Accelerating Neural Architecture
Search using Performance Prediction", 2017, https://arxiv.org/abs/1705.10823
"""

import math
from collections import deque
from collections.abc import Mapping

import numpy as np

from benchsuite.core import (
    InputError,
    MakeStrategy,
    Metric,
    Observation,
    Strategy,
    Trial,
)
from benchsuite.spaces import Architecture, SearchSpace
from benchsuite.strategies.by_estimator import by_estimator
from benchsuite.strategies.judges import ByMetric, ByShortTraining, Judge
from benchsuite.strategies.move_proposal import SYNFLOW
from benchsuite.strategies.regularized_evolution import RegularizedEvolution

_OLD = 10  # scores to compare with, before anything is rejected
_PATIENCE = 100  # rejections in a row


class EarlyRejection:
    """Passes on what another strategy asks for, if a judge finds it good enough.

    Of a candidate that was never trained, what the judge needs is observed first. If
    its score is below a quantile of the latest scores, it is rejected: the strategy is
    told that its training diverged, which every strategy can bear, and is asked again.
    The first ten candidates are trained whatever their scores, and so is one after a
    hundred rejections in a row, and one that the judge has no opinion of. What was
    trained once, or is to be trained no longer than the judge asks for, is not judged.
    Waits if the other strategy does.

    Raises:
        ValueError: `quantile` is not from 0 to below 1, or `window` is below 1.
    """

    def __init__(
        self,
        strategy: Strategy,
        judge: Judge,
        *,
        quantile: float = 0.5,
        window: int = 100,
    ) -> None:
        if not 0 <= quantile < 1 or window < 1:
            raise ValueError(
                "quantile must be from 0 to below 1 and window at least 1, not"
                f" {quantile} and {window}"
            )
        self._strategy, self._judge, self._quantile = strategy, judge, quantile
        self._scores: deque[float] = deque(maxlen=window)
        self._rejected = 0  # in a row
        self._trained: set[Architecture] = set()
        self._seen: dict[Architecture, dict[int, Observation]] = {}
        self._judging: dict[Trial, list[Trial]] = {}  # asked for, and what it is for
        self._ready: deque[Trial] = deque()

    def ask(self) -> Trial | None:
        """Train what was found good, or observe what the judge needs of a candidate."""
        while not self._ready:
            trial = self._strategy.ask()
            if trial is None:
                return None
            self._consider(trial)
        return self._ready.popleft()

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Judge a candidate, or let the strategy have the outcome."""
        if waiting := self._judging.get(trial):
            candidate = waiting.pop()
            if not waiting:
                del self._judging[trial]
            self._seen.setdefault(trial.arch, {})[trial.epochs] = observation
            self._consider(candidate)
        else:
            self._judge.learn(trial, observation)
            self._strategy.tell(trial, observation)

    def _consider(self, trial: Trial) -> None:
        """Make ready the training of a candidate, or what is to be observed before."""
        needed, known = self._judge.epochs, self._seen.get(trial.arch, {})
        if trial.arch in self._trained or trial.epochs <= max(needed, default=0):
            self._ready.append(trial)
            return
        if missing := [epochs for epochs in needed if epochs not in known]:
            first = Trial(trial.arch, missing[0])
            self._judging.setdefault(first, []).append(trial)
            self._ready.append(first)
            return
        seen = [known[epochs] for epochs in needed]
        if self._accepts(self._judge.score(trial.arch, seen)):
            self._trained.add(trial.arch)
            self._ready.append(trial)
        else:
            metrics: Mapping[str, float] = seen[-1].metrics if seen else {}
            self._strategy.tell(trial, Observation(math.inf, 0.0, metrics))

    def _accepts(self, score: float) -> bool:
        """Compare a score with the latest ones, and add it to them."""
        if math.isnan(score):
            return True
        ranking = sorted(self._scores)
        self._scores.append(score)
        least = ranking[int(self._quantile * len(ranking))] if ranking else -math.inf
        good = len(ranking) < _OLD or score >= least
        self._rejected = (
            0 if good or self._rejected >= _PATIENCE else self._rejected + 1
        )
        return self._rejected == 0


def regularized_evolution_early_rejection(
    space: SearchSpace,
    epochs: tuple[int, ...],
    rng: np.random.Generator,
    *,
    score: Metric = SYNFLOW,
    quantile: float = 0.5,
    window: int = 100,
) -> EarlyRejection:
    """Regularized evolution of what a metric of untrained networks lets through."""
    strategy = RegularizedEvolution(space, epochs, rng)
    return EarlyRejection(strategy, ByMetric(score), quantile=quantile, window=window)


def regularized_evolution_low_fidelity(
    space: SearchSpace,
    epochs: tuple[int, ...],
    rng: np.random.Generator,
    *,
    share: float = 0.1,
    quantile: float = 0.5,
    window: int = 100,
) -> EarlyRejection:
    """Regularized evolution of what a short training lets through.

    Where there is one fidelity, it is regularized evolution.
    """
    strategy = RegularizedEvolution(space, epochs, rng)
    judge = ByShortTraining(epochs, share)
    return EarlyRejection(strategy, judge, quantile=quantile, window=window)


def early_rejection(
    space: SearchSpace,
    epochs: tuple[int, ...],
    rng: np.random.Generator,
    *,
    strategy: str = "regularized_evolution",
    estimator: str = "model/ExtraTrees",
    quantile: float = 0.5,
    window: int = 100,
) -> EarlyRejection:
    """Any strategy by name, of what any estimator by name lets through.

    Raises:
        InputError: There is no such strategy, or no such estimator for a search.
    """
    judge = by_estimator(estimator)(space, epochs, rng)
    return EarlyRejection(
        named(strategy)(space, epochs, rng), judge, quantile=quantile, window=window
    )


def named(strategy: str) -> MakeStrategy:
    """Find a strategy of the registry.

    Raises:
        InputError: There is none.
    """
    from benchsuite.strategies import STRATEGIES

    if strategy not in STRATEGIES:
        raise InputError(
            f"no strategy {strategy!r} to build on: it is one of"
            f" {', '.join(sorted(STRATEGIES))}"
        )
    return STRATEGIES[strategy]
