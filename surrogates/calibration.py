"""Intervals that cover what they say, by errors on rows that were held out.

An ensemble's spread tells where it is unsure, but not by how much: with few members it
is too small, and it knows nothing of noise in the targets. So the standard deviation is

    std^2 = factor^2 (spread^2 + (noise slope(mean))^2)

where the factor makes 95 % of held-out errors lie within 1.96 std, as in split
conformal prediction (Lei et al. 2018, https://arxiv.org/abs/1604.04173), and the noise
is the one, of a few, with the narrowest intervals that do.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from surrogates.arrays import packed, sound, unpacked

COVERED = 0.95
WIDTH = 1.959963984540054  # of a normal distribution's central 95 %
_NOISES = (0.03, 0.1, 0.3, 1.0, 3.0)  # as shares of the usual error
FOLDS = 5  # of the rows, that can be held out one after the other
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Calibration:
    """From the spread of an ensemble to a standard deviation.

    Attributes:
        factor: float64 [E], by epoch.
        noise: float64 [E], on the scale of the errors (see `curves.Scale`).
    """

    factor: Array
    noise: Array

    @classmethod
    def none(cls, epochs: int) -> Self:
        """Leave the spread as it is."""
        return cls(np.ones(epochs), np.zeros(epochs))

    @classmethod
    def fit(cls, errors: Array, spread: Array, slope: Array) -> Self:
        """Calibrate on held-out predictions.

        Args:
            errors: float64 [N, E], what was observed minus the predicted mean.
            spread: float64 [N, E], standard deviation over members.
            slope: float64 [N, E], of the scale at the predicted mean.
        """
        usual = np.sqrt(np.mean((errors / np.maximum(slope, 1e-12)) ** 2, axis=0))
        noises = np.array(_NOISES)[:, None] * usual  # [n, E]
        bare = np.sqrt(spread**2 + (noises[:, None] * slope) ** 2)  # [n, N, E]
        ratio = np.divide(np.abs(errors), bare, out=np.zeros_like(bare), where=bare > 0)
        share = min(1.0, np.ceil(COVERED * (len(errors) + 1)) / len(errors))
        factor = np.quantile(ratio, share, axis=1, method="higher") / WIDTH
        best = (factor * bare.mean(axis=1)).argmin(axis=0)
        epochs = np.arange(errors.shape[1])
        return cls(factor[best, epochs], noises[best, epochs])

    def std(self, spread: Array, slope: Array) -> Array:
        """Tell the standard deviation [B, E]."""
        std: Array = self.factor * np.sqrt(spread**2 + (self.noise * slope) ** 2)
        return std

    def residual(self, member: Array, slope: Array, normal: Array) -> Array:
        """Tell by how much an observation differs from the mean, [B, E].

        Args:
            member: float64 [B, E], a random member minus the mean.
            slope: float64 [B, E], of the scale at the mean.
            normal: float64 [B, 1], standard normal; noise moves a curve as a whole.
        """
        residual: Array = self.factor * (member + self.noise * slope * normal)
        return residual

    def file(self) -> bytes:
        """Write factor and noise."""
        return packed({"factor": self.factor, "noise": self.noise})

    @classmethod
    def read(cls, files: Mapping[str, bytes], epochs: int) -> Self:
        """Read what `file` wrote as calibration.npz.

        Raises:
            DataError: It is damaged.
        """
        kinds = {"factor": ("<f8", 1), "noise": ("<f8", 1)}
        arrays = unpacked(files, "calibration.npz", kinds)
        for array in arrays.values():
            fits = array.shape == (epochs,) and bool((array >= 0).all())
            sound("calibration.npz", f"there are not {epochs} factors", fits)
        return cls(arrays["factor"], arrays["noise"])


def held_out(
    groups: NDArray[np.int64], splits: int, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield rows to fit to and rows to calibrate on, never with a group in common.

    Groups are dealt out to five folds, by size, because a few large ones can hold many
    of the rows: among the cells of NAS-Bench-201 ten of 6,466 classes hold a tenth. So
    many folds as there shall be splits are held out, one after the other.
    """
    sizes = np.bincount(groups)
    folds = min(FOLDS, len(sizes))
    order = rng.permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    fold = np.empty(len(sizes), dtype=np.intp)
    for first in range(0, len(sizes), folds):
        dealt = order[first : first + folds]
        fold[dealt] = rng.permutation(folds)[: len(dealt)]
    for number in range(min(splits, folds)):
        out = fold[groups] == number
        yield np.flatnonzero(~out), np.flatnonzero(out)
