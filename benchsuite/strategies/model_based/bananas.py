"""BANANAS: an ensemble of networks on path encodings, and Thompson sampling.

White, Neiswanger & Savani, "BANANAS: Bayesian Optimization with Neural Architectures
for Neural Architecture Search", AAAI 2021, Algorithm 1.
https://arxiv.org/abs/1910.11858
"""

from collections.abc import Sequence

import numpy as np

from benchsuite.spaces import Architecture, SearchSpace
from benchsuite.strategies.model_based.acquisitions import independent_thompson
from benchsuite.strategies.model_based.encodings import paths_or_options
from benchsuite.strategies.model_based.loop import ModelBased, Propose
from benchsuite.strategies.model_based.mlp_ensemble import mlp_ensemble
from benchsuite.strategies.model_based.proposals import mutants, uniform


def bananas(
    space: SearchSpace,
    epochs: tuple[int, ...],
    rng: np.random.Generator,
    *,
    initial: int = 10,
    batch: int = 10,  # k in the paper
    members: int = 5,  # M in the paper
    parents: int = 5,  # the authors' code has 1 to 5
    candidates: int = 100,
    first: Sequence[Architecture] = (),  # what to train before anything else
) -> ModelBased:
    """Choose among one-decision changes of the best so far.

    Raises:
        ValueError: A count is below 1.
    """
    propose = mutants(parents, candidates)
    return _bananas(space, epochs, rng, propose, initial, batch, members, first)


def bananas_random(
    space: SearchSpace,
    epochs: tuple[int, ...],
    rng: np.random.Generator,
    *,
    initial: int = 10,
    batch: int = 10,
    members: int = 5,
    candidates: int = 100,
) -> ModelBased:
    """Choose among random architectures: what is left without the mutations.

    Raises:
        ValueError: A count is below 1.
    """
    propose = uniform(candidates)
    return _bananas(space, epochs, rng, propose, initial, batch, members, ())


def _bananas(
    space: SearchSpace,
    epochs: tuple[int, ...],
    rng: np.random.Generator,
    propose: Propose,
    initial: int,
    batch: int,
    members: int,
    first: Sequence[Architecture],
) -> ModelBased:
    if members < 1:
        raise ValueError(f"members must be at least 1, not {members}")
    return ModelBased(
        space,
        epochs,
        rng,
        fit=mlp_ensemble(paths_or_options(space), members, layers=10, width=20),
        propose=propose,
        acquire=independent_thompson,
        first=first,
        initial=initial,
        batch=batch,
    )
