"""NPENAS: the best parents have many children; a predictor says which to train.

Wei, Niu, Tang, Wang, Hu & Liang, "NPENAS: Neural Predictor Guided Evolution for Neural
Architecture Search", TNNLS 2022. https://arxiv.org/abs/2003.12857
"""

import numpy as np

from benchsuite.spaces import SearchSpace
from benchsuite.strategies.model_based.acquisitions import expected
from benchsuite.strategies.model_based.encodings import paths_or_options
from benchsuite.strategies.model_based.loop import ModelBased
from benchsuite.strategies.model_based.mlp_ensemble import mlp_ensemble
from benchsuite.strategies.model_based.proposals import mutants


def npenas(
    space: SearchSpace,
    epochs: tuple[int, ...],
    rng: np.random.Generator,
    *,
    initial: int = 10,
    batch: int = 10,
    parents: int = 10,
    candidates: int = 100,
) -> ModelBased:
    """Train the children that one network expects to be the best.

    A reconstruction: the paper's network works on the graph of a cell, ours, three
    layers of 32 units, on its paths.

    Raises:
        ValueError: A count is below 1.
    """
    return ModelBased(
        space,
        epochs,
        rng,
        fit=mlp_ensemble(paths_or_options(space), members=1, layers=3, width=32),
        propose=mutants(parents, candidates),
        acquire=expected,
        initial=initial,
        batch=batch,
    )
