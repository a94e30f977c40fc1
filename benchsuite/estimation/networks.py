"""Networks and a batch of images for zero-cost proxies. Needs torch.

The protocol of Abdelfattah et al. (ICLR 2021): one batch of 64 training images, and
networks of the published size with weights as torch draws them.
"""

from typing import TYPE_CHECKING

from benchsuite.benchmarks import live
from benchsuite.core import InputError
from benchsuite.names import pick
from benchsuite.spaces import Architecture

if TYPE_CHECKING:
    from benchsuite.estimators.computed import Networks

BATCH = 64
SEED = 42  # as the authors' code has it


def networks(space: str, data: str) -> "Networks":
    """Prepare to build the networks of a space for a data set.

    Raises:
        InputError: torch is missing, the space has no network, or there are no images.
    """
    live.need_torch()
    import torch
    from torch import nn

    from benchsuite.estimators.computed import Networks
    from benchsuite.supernet.datasets import load
    from benchsuite.supernet.networks import NETWORKS
    from benchsuite.supernet.setting import network

    pick("space with a network", space, NETWORKS)
    try:
        images = load(data, live.images_folder())
    except InputError as error:
        raise InputError(
            f"{error}; here $BENCHSUITE_IMAGES names that folder"
        ) from error
    whole = network(space, images.classes, {"affine": True}, torch.Generator())
    order = torch.randperm(
        len(images.train), generator=torch.Generator().manual_seed(SEED)
    )

    def build(arch: Architecture, generator: torch.Generator) -> nn.Module:
        return whole.alone(arch, generator)

    return Networks(build, *images.train.batch(order[:BATCH]))
