"""BOHB: Hyperband whose newcomers come from a density of what was good.

Falkner, Klein & Hutter, "BOHB: Robust and Efficient Hyperparameter Optimization at
Scale", ICML 2018, Algorithm 2. https://arxiv.org/abs/1807.01774
"""

from itertools import chain

import numpy as np
from numpy.typing import NDArray

from benchsuite.core import Observation, Trial
from benchsuite.spaces import Architecture, SearchSpace
from benchsuite.strategies.hyperband import SideBySide
from benchsuite.strategies.successive_halving import rungs

_TRIES = 10  # sets of candidates for one trial, where a space has constraints
_FLOOR = 1e-32  # of a density, in HpBandSter


def split(count: int, decisions: int) -> tuple[int, int]:
    """Say how many outcomes are good, and how many of the next ones are bad.

    They are 15 % and 85 % of all, but at least one more than there are decisions.

    Example:
        >>> split(20, decisions=6), split(100, decisions=6)
        ((7, 17), (15, 85))
    """
    least = decisions + 1
    return max(least, 15 * count // 100), max(least, 85 * count // 100)


class Density:
    """Aitchison-Aitken kernels around architectures, a product over the decisions.

    A kernel leaves an option with the probability of its bandwidth h, for any of the
    other C - 1 alike. The bandwidths come from the rule of thumb for a normal
    distribution, on option indices as in HpBandSter; at least `narrowest`, and at most
    (C - 1) / C, where the kernel is uniform. (HpBandSter has no such limit, and so
    negative densities.)

    Attributes:
        archs: int64 [n, D].
        bandwidths: [D].
    """

    def __init__(
        self, archs: NDArray[np.int64], sizes: NDArray[np.int64], narrowest: float
    ) -> None:
        self.archs, self._sizes = archs, sizes
        n, decisions = archs.shape
        thumb = 1.06 * archs.std(axis=0) * n ** (-1 / (4 + decisions))
        self.bandwidths = np.minimum(np.maximum(thumb, narrowest), 1 - 1 / sizes)
        self._starts = sizes.cumsum() - sizes
        free = sizes > 1  # elsewhere a kernel is 1
        alike = np.log(np.where(free, 1 - self.bandwidths, 1))
        unlike = np.log(np.where(free, self.bandwidths / np.maximum(sizes - 1, 1), 1))
        self._unlike = unlike.sum()
        self._centres = (
            np.repeat(alike - unlike, sizes)[:, None] * self._one_hot(archs).T
        )

    def _one_hot(self, archs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Encode [B, D] as [B, total number of options]."""
        code = np.zeros((len(archs), self._sizes.sum()))
        code[np.arange(len(archs))[:, None], self._starts + archs] = 1
        return code

    def __call__(self, archs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Give the density at each of `archs` [B, D], as [B]."""
        kernels = self._one_hot(archs) @ self._centres  # [B, n], logarithms
        kernels += self._unlike
        means: NDArray[np.float64] = np.exp(kernels, out=kernels).mean(axis=1)
        return means

    def sample(
        self, count: int, widen: float, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Draw from the density with all bandwidths multiplied by `widen`.

        Returns:
            [count, D].
        """
        bandwidths = np.minimum(widen * self.bandwidths, 1 - 1 / self._sizes)
        draws = rng.random((count, 1 + 2 * len(bandwidths)))
        which, leaves, others = np.split(draws, [1, 1 + len(bandwidths)], axis=1)
        centres = self.archs[(which[:, 0] * len(self.archs)).astype(np.int64)]
        steps = 1 + (others * (self._sizes - 1)).astype(np.int64)
        archs: NDArray[np.int64] = centres + steps * (leaves < bandwidths)
        return archs % self._sizes


class BOHB:
    """Hyperband that draws newcomers where good outcomes are dense and bad ones not.

    The density is that of the highest fidelity with enough outcomes: one more than
    there are decisions in either part of the `split`. Errors of inf are the worst, and
    in equal ones the first to finish is better. Never waits.

    Where there is one fidelity, nothing is halved: it is random search at first, then
    a draw from the density at every trial.

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
        num_samples: int = 64,  # N_s in the paper
        random_fraction: float = 1 / 3,  # rho
        bandwidth_factor: float = 3.0,  # b_w; HpBandSter widens no categorical one
        min_bandwidth: float = 1e-3,  # in HpBandSter
    ) -> None:
        if eta < 2 or num_samples < 1:
            raise ValueError(
                "eta must be at least 2 and num_samples at least 1, not"
                f" {eta} and {num_samples}"
            )
        if not 0 <= random_fraction <= 1:
            raise ValueError(
                f"random_fraction must be in [0, 1], not {random_fraction}"
            )
        if not (bandwidth_factor > 0 and min_bandwidth > 0):
            raise ValueError(
                "bandwidth_factor and min_bandwidth must be above 0, not"
                f" {bandwidth_factor} and {min_bandwidth}"
            )
        self._space, self._rng = space, rng
        self._num_samples, self._random = num_samples, random_fraction
        self._widen, self._narrowest = bandwidth_factor, min_bandwidth
        self._sizes = np.array([len(options) for options in space.choices])
        self._brackets = SideBySide(rungs(epochs, eta), eta)
        self._archs: dict[int, list[Architecture]] = {}  # by epochs
        self._errors: dict[int, list[float]] = {}
        self._modelled = 0  # epochs of the model; 0 is none
        self._model: tuple[Density, Density] | None = None  # None if out of date

    def ask(self) -> Trial:
        """Train the next architecture of a rung, or a newcomer."""
        return self._brackets.ask(self._draw)

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Promote, once the rung is complete; take the outcome into the model."""
        self._brackets.tell(trial, observation)
        if trial.epochs < self._modelled:
            return
        archs = self._archs.setdefault(trial.epochs, [])
        archs.append(trial.arch)
        self._errors.setdefault(trial.epochs, []).append(observation.error)
        decisions = len(self._sizes)
        if len(archs) > decisions + split(len(archs), decisions)[0]:
            self._modelled, self._model = trial.epochs, None

    def _draw(self) -> Architecture:
        """Draw at random, or the best of some candidates from the good density."""
        if self._modelled and self._rng.random() >= self._random:
            if self._model is None:
                self._model = self._fit()
            good, bad = self._model
            for _ in range(_TRIES):
                archs = good.sample(self._num_samples, self._widen, self._rng)
                ratios = np.log(
                    np.maximum(bad(archs), _FLOOR) / np.maximum(good(archs), _FLOOR)
                )
                # Last digits differ between processors: a tie is one on all of them.
                for n in ratios.round(9).argsort(kind="stable"):
                    arch = tuple(archs[n].tolist())
                    if arch in self._space:
                        return arch
        return self._space.sample(self._rng)

    def _fit(self) -> tuple[Density, Density]:
        options = chain.from_iterable(self._archs[self._modelled])
        archs = np.fromiter(options, dtype=np.int64).reshape(-1, len(self._sizes))
        order = np.argsort(self._errors[self._modelled], kind="stable")
        some, others = split(len(archs), len(self._sizes))
        good, bad = archs[order[:some]], archs[order[some : some + others]]
        return (
            Density(good, self._sizes, self._narrowest),
            Density(bad, self._sizes, self._narrowest),
        )
