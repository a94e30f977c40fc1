"""What an architecture costs by itself, counted on its stand-alone network."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from benchsuite.spaces import Architecture
from benchsuite.supernet.alone import OPTIONS
from benchsuite.supernet.network import Alone
from benchsuite.supernet.preference import Cost
from benchsuite.supernet.setting import network


def params(net: Alone, side: int) -> float:
    """Count the weights of a network; images have no part in that."""
    return float(sum(weight.numel() for weight in net.parameters()))


@torch.no_grad()
def macs(net: Alone, side: int) -> float:
    """Count the multiplications of convolutions and classifier for one image.

    Args:
        net: Is run.
        side: Pixels along the side of an image.
    """
    with _Multiplications() as seen:
        net(torch.zeros(1, 3, side, side), "running")
    return float(seen.count)


COUNTS: Mapping[str, Callable[[Alone, int], float]] = {"params": params, "macs": macs}


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
        return count(whole.alone(arch, torch.Generator()), side)

    return cost


class _Multiplications(TorchFunctionMode):
    """Counts what convolutions and linear maps multiply: outputs times fan-in."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Do what was asked for, and count it."""
        output = func(*args, **(kwargs or {}))
        if func in (F.conv2d, F.linear):
            self.count += output.numel() * args[1][0].numel()
        return output
