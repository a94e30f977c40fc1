"""Benchmarks that predict the training run instead of doing it.

Zela et al., "Surrogate NAS Benchmarks: Going Beyond the Limited Search Spaces of
Tabular NAS Benchmarks", ICLR 2022. https://arxiv.org/abs/2008.09777
"""

import math
from collections.abc import Sequence
from copy import copy
from functools import cached_property
from typing import NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from benchsuite.core import Backend, Observation, Reports, Trial
from benchsuite.spaces import Architecture, SearchSpace

MEAN = "mean"
"""What is added to a name to leave the noise out."""

_MEMO = 1 << 15  # architectures with their seed that are kept once they were asked for
_DIGITS = 6  # of an error: further ones depend on the machine's order of summation
_LISTED = 50_000  # architectures that a space has at most, if its best is looked for
_BATCH = 1_000


class Predicted(NamedTuple):
    """Trainings of B architectures at K epochs.

    Attributes:
        errors: [B, K], on the validation set, as fractions.
        seconds: [B, K], since the start.
    """

    errors: NDArray[np.float64]
    seconds: NDArray[np.float64]


class Judge(Protocol):
    """Predicts trainings."""

    @property
    def epochs(self) -> tuple[int, ...]:
        """Epochs that it predicts for, ascending."""

    @property
    def noisy(self) -> bool:
        """Whether it draws observations, beside their mean."""

    def __call__(
        self, archs: Sequence[Architecture], epochs: tuple[int, ...], seed: int | None
    ) -> Predicted:
        """Predict trainings to each of some epochs.

        Args:
            archs: B architectures of the space.
            epochs: The last of `self.epochs`, or all.
            seed: Of the noise, which depends on it and the architecture only, and is
                one draw for a whole curve. None is the mean.
        """


class SurrogateBenchmark:
    """A search space whose trainings are predicted.

    A search with seed s sees one draw of each architecture's noise, the same whenever
    it asks; another seed sees another draw. Where the judge knows no noise, and where
    `mean` was asked for, all seeds see the mean. The report is the mean, after full
    training: a prediction, and on validation images.

    Attributes:
        name: Such as "nb301/cifar10".
        data: First eight hex digits of the sha256 of the model.
        space: The architectures that may be asked for.
        epochs: Fidelities that may be asked for.
        metrics: None.
        reports: "surrogate".
        backend: "surrogate".
    """

    def __init__(self, name: str, data: str, space: SearchSpace, judge: Judge) -> None:
        """Offer what a judge predicts as a benchmark.

        Args:
            name: Name of the benchmark.
            data: Fingerprint of the model.
            space: What the judge knows.
            judge: The model.
        """
        self.name, self.data, self.space = name, data, space
        self.epochs: tuple[int, ...] = judge.epochs
        self.metrics: tuple[str, ...] = ()
        self.reports: Reports = "surrogate"
        self.backend: Backend = "surrogate"
        self._judge, self._noisy = judge, judge.noisy
        self._column = {epochs: k for k, epochs in enumerate(self.epochs)}
        self._known: dict[tuple[Architecture, int | None, bool], Predicted] = {}

    def mean(self) -> Self:
        """Leave the noise out, under a name that says so."""
        other = copy(self)
        other.name, other._noisy, other._known = f"{self.name}+{MEAN}", False, {}
        return other

    def evaluate(self, trial: Trial, seed: int) -> Observation:
        """Predict a training; see the class for the noise.

        Raises:
            KeyError: `trial` is outside the space or the epochs.
        """
        if trial.arch not in self.space:
            raise KeyError(f"{trial.arch} is not an architecture of {self.space.name}")
        if not trial.epochs:
            return Observation(math.nan, 0.0, {})
        if trial.epochs not in self._column:
            raise KeyError(
                f"{self.name} has epochs {self.epochs[0]} to {self.epochs[-1]}, not"
                f" {trial.epochs}"
            )
        full = trial.epochs == self.epochs[-1]
        said = self._ask(trial.arch, seed if self._noisy else None, full)
        column = 0 if full else self._column[trial.epochs]
        error = round(said.errors.item(0, column), _DIGITS)
        return Observation(error, said.seconds.item(0, column), {})

    def reported_error(self, arch: Architecture, seed: int) -> float:
        """Predict the mean error after full training, whatever the seed.

        Raises:
            KeyError: `arch` is outside the space.
        """
        if arch not in self.space:
            raise KeyError(f"{arch} is not an architecture of {self.space.name}")
        return round(self._ask(arch, None, True).errors.item(0, 0), _DIGITS)

    @cached_property
    def best_error(self) -> float:
        """Lowest error to report, of a space that is small enough to look; else nan."""
        if self.space.size > _LISTED:
            return math.nan
        archs = list(self.space)
        lowest = min(
            self._judge(archs[n : n + _BATCH], self.epochs[-1:], None).errors.min()
            for n in range(0, len(archs), _BATCH)
        )
        return round(float(lowest), _DIGITS)

    def _ask(self, arch: Architecture, seed: int | None, full: bool) -> Predicted:
        """Ask the judge, once, for the end of a training or its whole curve."""
        key = arch, seed, full
        if (said := self._known.get(key)) is None:
            if len(self._known) >= _MEMO:
                self._known.clear()
            said = self._judge([arch], self.epochs[-1:] if full else self.epochs, seed)
            self._known[key] = said
        return said


def stream(arch: Architecture, seed: int) -> np.random.Generator:
    """Seed the noise of an architecture, by it and a seed from 0 on."""
    return np.random.default_rng([seed, *arch])
