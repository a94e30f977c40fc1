"""A Gaussian process on features of unit variance, fitted by scikit-learn.

Rasmussen & Williams, "Gaussian Processes for Machine Learning", 2006, algorithm 2.1.
The kernel is Matern's with nu = 3/2. Its cost grows with the cube of the rows, so of
more than `most` rows a random part is taken. The kernel's parameters are found on
`tuned` of them, and the variance is that given `anchors` of them: an upper bound of the
variance given all, which calibration scales.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import ndtri

from surrogates.arrays import packed, sound, unpacked
from surrogates.ensemble import Ensemble, Members
from surrogates.threads import one_thread

_FILE = "gaussian_process.npz"
Array = NDArray[np.float64]
_BLOCK = 16  # rows


@dataclass(kw_only=True, eq=False)
class GaussianProcess(Ensemble):
    """A posterior, whose members are its quantiles.

    Attributes:
        members: M, the number of quantiles; it is no matter of accuracy.
        most: Rows that are taken.
        tuned: Rows to find the kernel's length and the noise on.
        anchors: Rows that the variance is given.
    """

    members: int = 10
    most: int = 800
    tuned: int = 300
    anchors: int = 400

    def _learn(
        self, X: NDArray[np.float32], targets: Array, rng: np.random.Generator
    ) -> Members:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

        order = rng.permutation(len(X))[: self.most]
        size = np.where(X.std(axis=0) > 0, X.std(axis=0), 1).astype(np.float64)
        rows, seen = X[order] / size, targets[order]
        length = np.sqrt(X.shape[1])
        kernel = ConstantKernel(1.0, (1e-2, 1e2)) * Matern(
            length, (length / 10, length * 10), nu=1.5
        ) + WhiteKernel(0.1, (1e-4, 1e1))
        with one_thread(), warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", ConvergenceWarning
            )  # a parameter at a bound
            process = GaussianProcessRegressor(kernel).fit(
                rows[: self.tuned], seen[: self.tuned]
            )
            process = GaussianProcessRegressor(process.kernel_, optimizer=None)
            process.fit(rows, seen)
            anchors = np.eye(len(rows))[:, : self.anchors]
            inverse = solve_triangular(process.L_, anchors, lower=True)[: self.anchors]
        return _Members(
            rows=rows,
            size=size,
            kernel=np.exp(process.kernel_.theta),
            weights=process.alpha_.reshape(len(rows), -1),
            inverse=inverse.astype(np.float32),
            members=self.members,
        )

    def _load(self, files: Mapping[str, bytes], features: int, targets: int) -> Members:
        kinds = {"rows": ("<f8", 2), "size": ("<f8", 1), "kernel": ("<f8", 1)}
        kinds |= {"weights": ("<f8", 2), "inverse": ("<f4", 2)}
        arrays: dict[str, Any] = unpacked(files, _FILE, kinds)
        n = len(arrays["rows"])
        shapes = [arrays[name].shape for name in kinds]
        known = min(n, self.anchors)
        wanted = [(n, features), (features,), (3,), (n, targets), (known, known)]
        sound(_FILE, "it is of other features or targets", shapes == wanted)
        return _Members(**arrays, members=self.members)


@dataclass(frozen=True, eq=False)
class _Members:
    """A posterior.

    Attributes:
        rows: float64 [N, F], over `size`.
        size: float64 [F], the standard deviation of each feature.
        kernel: Variance, length and noise.
        weights: float64 [N, K], of the mean.
        inverse: float32 [A, A], of the Cholesky factor of the kernel of the first rows.
        members: M.
    """

    rows: Array
    size: Array
    kernel: Array
    weights: Array
    inverse: NDArray[np.float32]
    members: int

    def __call__(self, X: NDArray[np.float32]) -> Array:
        rows = X / self.size
        # Products of one row and of several end in other digits, which weights of a
        # kernel that is nearly singular make large: so they always have whole blocks.
        whole = np.pad(rows, ((0, -len(rows) % _BLOCK), (0, 0)))
        with one_thread():
            mean, std = (found[: len(rows)] for found in self._posterior(whole))
        quantiles = ndtri((np.arange(self.members) + 0.5) / self.members)
        quantiles = quantiles / max(quantiles.std(), 1e-9)
        members: Array = mean + quantiles[:, None, None] * std[:, None]
        return members

    def _posterior(self, rows: Array) -> tuple[Array, Array]:
        """Tell the mean [B, K], and the standard deviation [B] with noise."""
        variance, length, noise = self.kernel
        far = (rows**2).sum(axis=1)[:, None] + (self.rows**2).sum(axis=1)
        far -= 2 * rows @ self.rows.T
        far = np.sqrt(3 * np.maximum(far, 0, out=far)) / length
        near = variance * (1 + far) * np.exp(-far)
        known = near[:, : len(self.inverse)].astype(np.float32) @ self.inverse.T
        left = variance + noise - np.einsum("bn,bn->b", known, known)
        return near @ self.weights, np.sqrt(np.maximum(left, noise))

    def files(self) -> dict[str, bytes]:
        names = ("rows", "size", "kernel", "weights", "inverse")
        return {_FILE: packed({name: getattr(self, name) for name in names})}
