"""The end of learning curves, from their beginnings: a Bayesian mixture of families.

For a family, a point of its grid and a standard deviation s of the noise, a curve is

    y(x) = f - a h(x) + noise,    noise ~ N(0, s^2),    f, a ~ N(PRIOR)

so the posterior of f, the accuracy at the end, is normal and in closed form, and so is
the probability of the curve. The posterior of all together is the mixture of these
normals, weighted by the probability of the curve. Domhan et al. (IJCAI 2015) sample the
same by Markov chains; on a grid a thousand curves take a second.

With a flat prior f and a would be those of least squares. The prior says no more than
that accuracies are between 0 and 1, and noise between .0005 and .03.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchsuite.estimators.curve_families import shapes

Array = NDArray[np.float64]
PRIOR = ((0.5, 0.3), (0.4, 0.4))
"""Mean and standard deviation of the accuracy at the end, and of the gain since the
first epoch."""
NOISE = (0.0005, 0.001, 0.003, 0.01, 0.03)
_CHUNK = 256  # curves at a time


class Extrapolation(NamedTuple):
    """What B curves come to.

    Attributes:
        mean: float64 [B], posterior mean of the accuracy at the end.
        std: float64 [B], of an observation there: posterior spread and noise.
        families: float64 [B, M], the means if only one family is taken at a time.
        weights: float64 [B, M], probability of each family.
    """

    mean: Array
    std: Array
    families: Array
    weights: Array


def extrapolate(
    curves: Array, epochs: Sequence[int], last: int, families: Sequence[str]
) -> Extrapolation:
    """Extrapolate accuracies.

    Args:
        curves: float64 [B, T], finite.
        epochs: [T], ascending, from 1 on.
        last: The epoch in question.
        families: Names [M], all as likely as each other beforehand.
    """
    grids = _grids(tuple(epochs), last, tuple(families))
    parts = [
        _chunk(curves[at : at + _CHUNK], grids)
        for at in range(0, max(1, len(curves)), _CHUNK)
    ]
    return Extrapolation(*map(np.concatenate, zip(*parts, strict=True)))


@lru_cache(maxsize=64)
def _grids(
    epochs: tuple[int, ...], last: int, families: tuple[str, ...]
) -> Sequence[Array]:
    """Compute the shapes of each family, [G, T]; a search asks for the same again."""
    x = np.array(epochs, dtype=np.float64)
    return [shapes(name, x, last) for name in families]


def _chunk(curves: Array, grids: Sequence[Array]) -> Extrapolation:
    """Mix the families."""
    logs, means, squares = [], [], []
    for grid in grids:
        mean, variance, log = _posteriors(curves, grid)
        top = log.max(axis=(1, 2), keepdims=True)
        weight = np.exp(log - top)
        total = weight.sum(axis=(1, 2))
        logs.append(top[:, 0, 0] + np.log(total / (len(grid) * len(NOISE))))
        means.append((weight * mean).sum(axis=(1, 2)) / total)
        squares.append((weight * (mean**2 + variance)).sum(axis=(1, 2)) / total)
    by_family, log = np.stack(means, axis=1), np.stack(logs, axis=1)
    weights = np.exp(log - log.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    mean = (weights * by_family).sum(axis=1)
    second = (weights * np.stack(squares, axis=1)).sum(axis=1)
    std = np.sqrt(np.maximum(second - mean**2, 0))
    return Extrapolation(mean, std, by_family, weights)


def _posteriors(curves: Array, h: Array) -> tuple[Array, Array, Array]:
    """Give the normals for B curves, G shapes and S levels of noise.

    Returns:
        Mean of f, variance of an observation at the end, and log probability of the
        curve but for a constant, all [B, G, S].
    """
    s = np.array(NOISE)
    precision = 1 / s**2
    (f0, f_std), (a0, a_std) = PRIOR
    p_f, p_a = 1 / f_std**2, 1 / a_std**2
    # Normal equations of y = f - a h, [G, S] or [B, G, S].
    n = h.shape[1]
    ff = p_f + n * precision
    fa = -h.sum(axis=1)[:, None] * precision
    aa = p_a + (h * h).sum(axis=1)[:, None] * precision
    det = ff * aa - fa**2
    u = p_f * f0 + curves.sum(axis=1)[:, None, None] * precision
    v = p_a * a0 - (curves @ h.T)[:, :, None] * precision
    f, a = (aa * u - fa * v) / det, (ff * v - fa * u) / det
    squares = (curves * curves).sum(axis=1)[:, None, None] * precision
    misfit = squares + p_f * f0**2 + p_a * a0**2 - (f * u + a * v)
    log = -0.5 * misfit - n * np.log(s) - 0.5 * np.log(det)
    return f, np.broadcast_to(aa / det + s**2, f.shape), log
