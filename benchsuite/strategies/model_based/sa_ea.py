"""Surrogate-assisted evolution: generations live on a model, a few are trained.

Jin, "Surrogate-assisted Evolutionary Computation: Recent Advances and Future
Challenges", Swarm and Evolutionary Computation 1, 2011, for individual- and
generation-based management; Sun, Wang, Xue, Jin, Yen & Zhang, "Surrogate-Assisted
Evolutionary Deep Learning Using an End-to-End Random Forest-Based Performance
Predictor", TEVC 2020, for the random forest. The numbers are a reconstruction.
"""

import numpy as np

from benchsuite.spaces import SearchSpace
from benchsuite.strategies.model_based.acquisitions import (
    best_and_most_uncertain,
    expected,
)
from benchsuite.strategies.model_based.encodings import one_hot
from benchsuite.strategies.model_based.loop import ModelBased, Select, best_first
from benchsuite.strategies.model_based.proposals import evolved
from benchsuite.strategies.model_based.random_forest import random_forest


def sa_ea_individual(
    space: SearchSpace,
    epochs: tuple[int, ...],
    rng: np.random.Generator,
    *,
    population: int = 20,
    generations: int = 10,
    batch: int = 2,
) -> ModelBased:
    """Train by turns the best and the most uncertain of the evolved population.

    Raises:
        ValueError: A count is below 1.
    """
    select = best_and_most_uncertain
    return _sa_ea(space, epochs, rng, select, population, generations, batch)


def sa_ea_generation(
    space: SearchSpace,
    epochs: tuple[int, ...],
    rng: np.random.Generator,
    *,
    population: int = 20,
    generations: int = 10,
) -> ModelBased:
    """Train the whole population after so many generations.

    Raises:
        ValueError: A count is below 1.
    """
    return _sa_ea(space, epochs, rng, best_first, population, generations, population)


def _sa_ea(
    space: SearchSpace,
    epochs: tuple[int, ...],
    rng: np.random.Generator,
    select: Select,
    population: int,
    generations: int,
    batch: int,
) -> ModelBased:
    if generations < 1:
        raise ValueError(f"generations must be at least 1, not {generations}")
    return ModelBased(
        space,
        epochs,
        rng,
        fit=random_forest(one_hot(space), trees=10),
        propose=evolved(population, generations),
        acquire=expected,
        select=select,
        initial=population,
        batch=batch,
    )
