"""Errors, or learning curves of them, as a few standardised targets, and back.

Errors spread over two orders of magnitude: on a logarithmic or logistic scale a model
that minimises squares attends to good architectures too. A curve is written in the
principal components of the training curves (Gargiani et al. 2019 and Yan et al.,
NAS-Bench-x11, 2021, https://arxiv.org/abs/2111.03602, compress curves by an SVD too).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from surrogates.arrays import packed, sound, unpacked

_NEAREST = 1e-4  # to 0 and 1; half an image of 5,000
_TOLD = 0.999  # share of the variance of curves that components must tell
Array = NDArray[np.float64]


class Scale(NamedTuple):
    """A scale for errors.

    Attributes:
        forth: From errors.
        back: To errors.
        slope: How fast errors change with the scale, at an error.
    """

    forth: Callable[[Array], Array]
    back: Callable[[Array], Array]
    slope: Callable[[Array], Array]


SCALES: Mapping[str, Scale] = {
    "logit": Scale(lambda e: np.log(e / (1 - e)), expit, lambda e: e * (1 - e)),
    "log": Scale(np.log, lambda z: np.exp(np.minimum(z, 0)), lambda e: e),
    "error": Scale(lambda e: e, lambda z: np.clip(z, 0, 1), np.ones_like),
}


@dataclass(frozen=True, eq=False)
class Curves:
    """The straight line between errors [N, E] and targets [N, K], through a scale.

    Attributes:
        scale: A name of `SCALES`.
        center: float64 [E], the mean on that scale.
        basis: float64 [K, E], a curve for each unit of a target. There is none where
            all training rows were alike.
        monotone: Whether errors never rise with the epoch: the best so far.
    """

    scale: str
    center: Array
    basis: Array
    monotone: bool

    @classmethod
    def fit(cls, errors: Array, scale: str, components: int, monotone: bool) -> Self:
        """Find the components of errors [N, E].

        At most `components`, and no more than tell 99.9 % of the variance. Targets have
        the variance 1 in all.
        """
        scaled = _forth(scale, errors)
        center = scaled.mean(axis=0)
        if (errors == errors[0]).all():
            return cls(
                scale, _forth(scale, errors[0]), np.empty((0, len(center))), monotone
            )
        sizes, axes = np.linalg.svd(scaled - center, full_matrices=False)[1:]
        told = np.cumsum(sizes**2) / np.sum(sizes**2)
        k = min(components, int(np.searchsorted(told, _TOLD)) + 1)
        size = np.sqrt(np.sum(sizes**2) / len(errors))
        signs = np.where(axes[:k].sum(axis=1, keepdims=True) < 0, -1.0, 1.0)
        return cls(scale, center, signs * axes[:k] * size, monotone)

    def forth(self, errors: Array) -> Array:
        """Turn errors [N, E] into targets [N, K]."""
        lengths = np.sum(self.basis**2, axis=1)
        targets: Array = (_forth(self.scale, errors) - self.center) @ self.basis.T
        targets /= lengths
        return targets

    def back(self, targets: Array) -> Array:
        """Turn targets [..., K] into errors [..., E]."""
        if len(self.basis) == 1:  # the same without a product of matrices
            curves = targets * self.basis[0] + self.center
        else:
            curves = targets @ self.basis + self.center
        return self.falling(SCALES[self.scale].back(curves))

    def slope(self, errors: Array) -> Array:
        """Tell how fast errors change with the scale."""
        slope: Array = SCALES[self.scale].slope(errors)
        return slope

    def falling(self, errors: Array) -> Array:
        """Take the least error so far, if errors never rise."""
        if not self.monotone:
            return errors
        falling: Array = np.minimum.accumulate(errors, axis=-1)
        return falling

    def file(self) -> bytes:
        """Write center and basis."""
        return packed({"center": self.center, "basis": self.basis})

    @classmethod
    def read(cls, files: Mapping[str, bytes], scale: str, monotone: bool) -> Self:
        """Read what `file` wrote as curves.npz.

        Raises:
            DataError: It is damaged.
        """
        kinds = {"center": ("<f8", 1), "basis": ("<f8", 2)}
        arrays: dict[str, NDArray[Any]] = unpacked(files, "curves.npz", kinds)
        center, basis = arrays["center"], arrays["basis"]
        fits = bool(np.isfinite(center).all() and np.isfinite(basis).all())
        fits = fits and basis.shape[1] == len(center) > 0
        sound("curves.npz", "its curves have no common length", fits)
        return cls(scale, center, basis, monotone)


def _forth(scale: str, errors: Array) -> Array:
    """Put errors on a scale, none of them nearer to 0 or 1 than it can tell."""
    if scale == "error":
        return errors
    return SCALES[scale].forth(np.clip(errors, _NEAREST, 1 - _NEAREST))
