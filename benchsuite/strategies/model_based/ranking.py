"""Search by ranking: a model of which architecture is the better, not by how much.

Burges et al., "Learning to Rank using Gradient Descent", ICML 2005, for the model; Xu
et al., "ReNAS: Relativistic Evaluation of Neural Architecture Search", CVPR 2021, for
its use. https://arxiv.org/abs/1910.01523. The linear score is a reconstruction.
"""

import numpy as np

from benchsuite.spaces import SearchSpace
from benchsuite.strategies.model_based.acquisitions import expected
from benchsuite.strategies.model_based.encodings import paths_or_options
from benchsuite.strategies.model_based.loop import ModelBased
from benchsuite.strategies.model_based.pairwise import pairwise_ranker
from benchsuite.strategies.model_based.proposals import half_mutants


def ranking(
    space: SearchSpace,
    epochs: tuple[int, ...],
    rng: np.random.Generator,
    *,
    ridge: float = 1e-3,
    initial: int = 20,
    batch: int = 10,
    parents: int = 10,
    candidates: int = 200,
) -> ModelBased:
    """Train the candidates that are ranked first.

    Raises:
        ValueError: `ridge` is not positive, or a count is below 1.
    """
    if not ridge > 0:
        raise ValueError(f"ridge must be above 0, not {ridge}")
    return ModelBased(
        space,
        epochs,
        rng,
        fit=pairwise_ranker(paths_or_options(space), ridge),
        propose=half_mutants(parents, candidates),
        acquire=expected,
        initial=initial,
        batch=batch,
    )
