"""Bayesian optimisation with a Gaussian process: the expected improvement decides.

Jones, Schonlau & Welch, "Efficient Global Optimization of Expensive Black-Box
Functions", Journal of Global Optimization 13, 1998; as in the comparisons of White,
Neiswanger & Savani, https://arxiv.org/abs/1910.11858, and of Ru, Wan, Dong & Osborne,
"Interpretable Neural Architecture Search via Bayesian Optimisation with
Weisfeiler-Lehman Kernels", ICLR 2021. https://arxiv.org/abs/2006.07556
"""

from collections.abc import Sequence

import numpy as np

from benchsuite.spaces import SearchSpace
from benchsuite.strategies.model_based.acquisitions import expected_improvement
from benchsuite.strategies.model_based.gaussian_process import gaussian_process
from benchsuite.strategies.model_based.kernels import Kernel, WeisfeilerLehman, hamming
from benchsuite.strategies.model_based.loop import ModelBased
from benchsuite.strategies.model_based.proposals import half_mutants


def gp_bo(
    space: SearchSpace,
    epochs: tuple[int, ...],
    rng: np.random.Generator,
    *,
    length_scale: float = 3.0,  # of exp(-d / length_scale), in the authors' code
    initial: int = 10,
    batch: int = 1,
    parents: int = 10,
    candidates: int = 200,
) -> ModelBased:
    """Model with the number of decisions that differ.

    A third of the length scale and three times as much are tried as well (a
    reconstruction); the likeliest counts.

    Raises:
        ValueError: `length_scale` is not positive, or a count is below 1.
    """
    if not length_scale > 0:
        raise ValueError(f"length_scale must be above 0, not {length_scale}")
    kernels = [hamming(length_scale * factor) for factor in (1 / 3, 1, 3)]
    return _bo(space, epochs, rng, kernels, initial, batch, parents, candidates)


def gp_bo_wl(
    space: SearchSpace,
    epochs: tuple[int, ...],
    rng: np.random.Generator,
    *,
    depth: int = 3,
    initial: int = 10,
    batch: int = 5,
    parents: int = 10,
    candidates: int = 200,
) -> ModelBased:
    """Model with the subtrees of the cells' graphs, of 0 to `depth` levels.

    Raises:
        ValueError: `depth` is below 0, or a count below 1.
    """
    if depth < 0:
        raise ValueError(f"depth must be at least 0, not {depth}")
    subtrees = WeisfeilerLehman(space)
    kernels = [subtrees.kernel(h) for h in range(depth + 1)]
    return _bo(space, epochs, rng, kernels, initial, batch, parents, candidates)


def _bo(
    space: SearchSpace,
    epochs: tuple[int, ...],
    rng: np.random.Generator,
    kernels: Sequence[Kernel],
    initial: int,
    batch: int,
    parents: int,
    candidates: int,
) -> ModelBased:
    return ModelBased(
        space,
        epochs,
        rng,
        fit=gaussian_process(kernels),
        propose=half_mutants(parents, candidates),
        acquire=expected_improvement,
        initial=initial,
        batch=batch,
    )
