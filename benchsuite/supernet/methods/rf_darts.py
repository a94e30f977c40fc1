"""RF-DARTS: weights stay as they were drawn, and only normalisation is trained.

Zhang et al., "Differentiable Architecture Search with Random
Features", CVPR 2023. https://arxiv.org/abs/2208.08835

Random features make skip connections less of a highway for gradients, so that alphas
compare operations. RF-PCDARTS is the same on PC-DARTS.

Reconstruction: there is no public code. That scale and shift are trained with the
weights' recipe of the base method, and that the classifier stays as it was drawn, are
choices made here. Operations without normalisation have nothing to train.
"""

from torch import nn

from benchsuite.supernet.search import Weights


def batch_norms(supernet: nn.Module) -> Weights:
    """Train the scale and shift of every normalisation, and nothing else."""
    return {
        name: weight
        for name, weight in supernet.named_parameters()
        if name.endswith((".scale", ".shift"))
    }
