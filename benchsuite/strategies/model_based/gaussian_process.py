"""Gaussian process regression, its kernel and noise chosen by marginal likelihood.

Rasmussen & Williams, "Gaussian Processes for Machine Learning", MIT Press 2006,
Algorithm 2.1. https://gaussianprocess.org/gpml/
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from benchsuite.spaces import Architecture
from benchsuite.strategies.model_based.kernels import Kernel
from benchsuite.strategies.model_based.loop import Belief, Fit, Predict, log_errors

# Variances of the noise, where that of the values is 1; a reconstruction.
NOISES = (1e-4, 1e-2, 1e-1)

Scale = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Targets to values of mean 0 and variance 1."""


class Posterior:
    """What a Gaussian process of mean 0 knows after N noisy values.

    Args:
        kernel: Similarity, 1 with oneself.
        gram: Of the architectures, [N, N]; it is `kernel(archs, archs)`.
        noise: Variance of the noise.
        archs: Where it was observed, N.
        values: What, [N].
    """

    def __init__(
        self,
        kernel: Kernel,
        gram: NDArray[np.float64],
        noise: float,
        archs: Sequence[Architecture],
        values: NDArray[np.float64],
    ) -> None:
        self._kernel, self._archs, self._values = kernel, archs, values
        n = len(values)
        # With K in its corner and y at its side, the factor of the whole has L in its
        # corner and L^-1 y below it. The last element has only to be large enough.
        bordered = np.empty((n + 1, n + 1))
        bordered[:n, :n] = gram
        bordered[range(n), range(n)] += noise
        bordered[n, :n] = bordered[:n, n] = values
        bordered[n, n] = 2 * (values @ values) / noise + 1
        factor = np.linalg.cholesky(bordered)
        self._factor, self._whitened = factor[:n, :n], factor[n, :n]

    @property
    def log_likelihood(self) -> float:
        """Log marginal likelihood: -y' K^-1 y / 2 - log|K| / 2 - N log(2 pi) / 2."""
        n = len(self._values)
        fit = float(self._whitened @ self._whitened)
        log_root = float(np.log(self._factor.diagonal()).sum())
        return -0.5 * fit - log_root - 0.5 * n * float(np.log(2 * np.pi))

    def __call__(self, archs: Sequence[Architecture]) -> Belief:
        """Predict, without the noise, the value of B architectures."""
        cross = np.linalg.solve(self._factor, self._kernel(self._archs, archs))
        variance = 1 - (cross * cross).sum(axis=0)
        return Belief(
            mean=np.asarray(self._whitened @ cross, dtype=np.float64),
            std=np.sqrt(np.maximum(variance, 0.0)),
            best=float(self._values.min()),
        )


def gaussian_process(kernels: Sequence[Kernel], scale: Scale = log_errors) -> Fit:
    """Model targets on a scale with the likeliest of the kernels and noises."""

    def fit(
        archs: Sequence[Architecture],
        targets: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> Predict:
        known, values = list(archs), scale(targets)
        posteriors = [
            Posterior(kernel, gram, noise, known, values)
            for kernel in kernels
            for gram in [kernel(known, known)]
            for noise in NOISES
        ]
        return max(posteriors, key=lambda posterior: posterior.log_likelihood)

    return fit
