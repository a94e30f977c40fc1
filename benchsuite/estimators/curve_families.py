"""Parametric families of learning curves, each as a level and a gain times a shape.

Domhan, Springenberg & Hutter, "Speeding Up Automatic Hyperparameter Optimization of
Deep Neural Networks by Extrapolation of Learning Curves", IJCAI 2015, table 1.

Most of their curves are of the form c - a g(x), where g falls from 1 towards 0 and has
one or two parameters of its own. Written with the accuracy f after the last epoch E,

    y(x) = f - a h(x),    h(x) = (g(x) - g(E)) / (1 - g(E)),    h(1) = 1, h(E) = 0

all that is left to a grid are the parameters of g; f and a are linear. Six families
cover nine of their eleven curves: pow3, pow4, ilog2; exp3; exp4, Janoschek and Weibull
(one curve, spelled three ways); MMF, with Hill3 and log power, which are MMF starting
at 0. Vapor pressure and log log linear are left out: they have no level to approach.
"""

from collections.abc import Callable, Mapping
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_FLAT = 1e-9  # a gain after the first epoch that cannot be told from none


class Family(NamedTuple):
    """One form of curve.

    Attributes:
        formula: As the literature writes it.
        shape: g, from epochs [T] and parameters [G, P] to [G, T]; g(1) = 1.
        grid: Parameters [G, P] for a training of E epochs.
    """

    formula: str
    shape: Callable[[Array, Array], Array]
    grid: Callable[[float], Array]


def _power(x: Array, p: Array) -> Array:
    g: Array = x ** -p[:, :1]
    return g


def _shifted_power(x: Array, p: Array) -> Array:
    g: Array = ((x + p[:, :1]) / (1 + p[:, :1])) ** -p[:, 1:]
    return g


def _exponential(x: Array, p: Array) -> Array:
    g: Array = np.exp((1 - x) / p[:, :1])
    return g


def _weibull(x: Array, p: Array) -> Array:
    t, delta = p[:, :1], p[:, 1:]
    g: Array = np.exp((1 / t) ** delta - (x / t) ** delta)
    return g


def _mmf(x: Array, p: Array) -> Array:
    t, delta = p[:, :1], p[:, 1:]
    g: Array = (1 + (1 / t) ** delta) / (1 + (x / t) ** delta)
    return g


def _logarithm(x: Array, p: Array) -> Array:
    g: Array = np.log(2) / np.log(x + np.ones_like(p))
    return g


def _grid(*axes: Array) -> Array:
    return np.array(list(product(*(axis.tolist() for axis in axes))))


def _times(epochs: float, count: int) -> Array:
    """Moments of change, from the first epoch to far after the last."""
    return np.geomspace(1, 4 * epochs, count)


FAMILIES: Mapping[str, Family] = {
    "pow3": Family(
        "c - a x^-alpha", _power, lambda e: _grid(np.geomspace(0.02, 5, 400))
    ),
    "pow4": Family(
        "c - (a x + b)^-alpha",
        _shifted_power,
        lambda e: _grid(np.geomspace(0.5, e, 8), np.geomspace(0.05, 20, 14)),
    ),
    "exp3": Family("c - exp(-a x + b)", _exponential, lambda e: _grid(_times(e, 40))),
    "weibull": Family(
        "alpha - (alpha - beta) exp(-(kappa x)^delta)",
        _weibull,
        lambda e: _grid(_times(e, 16), np.array([0.3, 0.5, 0.7, 1.5, 2, 3])),
    ),
    "mmf": Family(
        "alpha - (alpha - beta) / (1 + (kappa x)^delta)",
        _mmf,
        lambda e: _grid(_times(e, 16), np.array([0.5, 1, 2, 3, 5])),
    ),
    "ilog2": Family("c - a / log(x + 1)", _logarithm, lambda e: np.ones((1, 1))),
}


def shapes(name: str, epochs: Array, last: float) -> Array:
    """Compute h of a family at epochs [T], for every point of its grid, [G, T].

    Args:
        name: Of `FAMILIES`.
        epochs: Ascending, from 1 on.
        last: E, the last epoch of full training, 2 or more.

    Example:
        >>> shapes("ilog2", np.array([1.0, 100.0]), 100)
        array([[1., 0.]])
    """
    family = FAMILIES[name]
    grid = family.grid(last)
    g, end = family.shape(epochs, grid), family.shape(np.array([float(last)]), grid)
    moves = 1 - end[:, 0] > _FLAT
    h: Array = ((g - end) / (1 - end))[moves]
    return h
