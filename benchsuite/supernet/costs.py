"""What an architecture costs by itself, counted on its stand-alone network."""

from collections.abc import Mapping
from functools import cache

import torch

from benchsuite.estimators.zero_cost import Proxy, flops, params
from benchsuite.spaces import Architecture
from benchsuite.supernet.alone import OPTIONS
from benchsuite.supernet.preference import Cost
from benchsuite.supernet.setting import network

COUNTS: Mapping[str, Proxy] = {"params": params, "macs": flops}


def counted(name: str, space: str, *, classes: int, side: int) -> Cost:
    """Say what an architecture costs as the network that is trained of it in the end.

    That has its published size, whatever the size of the supernet, and no auxiliary
    head, which is not there when it is used.

    Args:
        name: Of `COUNTS`.
        space: Of `NETWORKS`.
        classes: Of the data set.
        side: Of its images.
    """
    options = {"affine": True, "running": True, **OPTIONS.get(space, {})}
    options.pop("auxiliary", None)
    whole, count = network(space, classes, options, torch.Generator()), COUNTS[name]

    @cache
    def cost(arch: Architecture) -> float:
        net, nothing = whole.alone(arch, torch.Generator()), torch.zeros(2)
        return count(net, torch.zeros(2, 3, side, side), nothing, torch.Generator())

    return cost
