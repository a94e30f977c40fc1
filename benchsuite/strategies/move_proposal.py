"""Move proposal: mutate several times, and train the mutant that promises most.

Abdelfattah, Mehrotra, Dudziak & Lane, "Zero-Cost Proxies for Lightweight NAS", ICLR
2021, sec. 4 (the move proposal). https://arxiv.org/abs/2101.08134
"""

import math
from collections import deque
from collections.abc import Sequence

import numpy as np

from benchsuite.core import Metric, Observation, Trial
from benchsuite.spaces import Architecture, SearchSpace
from benchsuite.strategies.regularized_evolution import RegularizedEvolution

SYNFLOW = Metric("zc_synflow")
"""The best score in the paper."""


class MoveProposal:
    """Regularized evolution whose child is the best scored of several mutants.

    A trial of 0 epochs asks for the metrics of an untrained network, once for each; a
    higher score is better, and one that is not finite comes last. Of equals, the first
    is trained. Waits only if all the mutants of a round are being scored already.

    Reconstruction: how many mutants are scored is a choice made here.

    Raises:
        ValueError: `moves` is below 1, or there is no such score.
    """

    def __init__(
        self,
        space: SearchSpace,
        epochs: tuple[int, ...],
        rng: np.random.Generator,
        *,
        score: Metric = SYNFLOW,
        moves: int = 10,
        population_size: int = 100,
        sample_size: int = 25,
    ) -> None:
        if moves < 1:
            raise ValueError(f"moves must be at least 1, not {moves}")
        self._evolution = RegularizedEvolution(
            space,
            epochs,
            rng,
            population_size=population_size,
            sample_size=sample_size,
        )
        self._score, self._moves, self._full = score, moves, epochs[-1]
        self._scores: dict[Architecture, float] = {}
        self._unscored: deque[Architecture] = deque()
        self._asked: set[Architecture] = set()
        self._rounds: list[Sequence[Architecture]] = []  # not all scored yet
        self._chosen: deque[Architecture] = deque()

    def ask(self) -> Trial | None:
        """Draw the first population at random; then score mutants, and train winners.

        A mutant is of the winner of a tournament of its own round.
        """
        if self._evolution.drawing:
            return self._evolution.ask()
        if not (self._chosen or self._unscored):
            mutants = dict.fromkeys(self._evolution.children(self._moves))
            new = mutants.keys() - self._asked
            self._unscored += [arch for arch in mutants if arch in new]
            self._asked |= new
            self._rounds.append(list(mutants))
            self._choose()
        if self._chosen:
            return Trial(self._chosen.popleft(), self._full)
        return Trial(self._unscored.popleft(), 0) if self._unscored else None

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Note a score, or let the evolution have the outcome."""
        if trial.epochs:
            self._evolution.tell(trial, observation)
            return
        self._scores[trial.arch] = read_score(observation, self._score)
        self._choose()

    def _choose(self) -> None:
        """Choose the best of every round whose mutants are all scored."""
        waiting = []
        for mutants in self._rounds:
            if all(arch in self._scores for arch in mutants):
                self._chosen.append(max(mutants, key=self._scores.__getitem__))
            else:
                waiting.append(mutants)
        self._rounds = waiting


def read_score(observation: Observation, name: str) -> float:
    """Read a score off the metrics of an untrained network; -inf if it is none.

    Raises:
        ValueError: There is no such metric.

    Example:
        >>> read_score(Observation(math.nan, 0.0, {"zc_snip": math.nan}), "zc_snip")
        -inf
    """
    if name not in observation.metrics:
        raise ValueError(
            f"untrained networks are not scored by {name!r} here, but by"
            f" {', '.join(sorted(observation.metrics)) or 'nothing'}"
        )
    score = observation.metrics[name]
    return score if math.isfinite(score) else -math.inf
