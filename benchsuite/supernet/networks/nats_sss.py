"""The network of NATS-Bench's size space: every width at once, or one network alone.

Dong, Liu, Musial & Gabrys, "NATS-Bench: Benchmarking NAS Algorithms for Architecture
Topology and Size", TPAMI 2021. https://arxiv.org/abs/2009.00437
Channel masks: Wan et al., "FBNetV2: Differentiable Neural Architecture Search for
Spatial and Channel Dimensions", CVPR 2020. https://arxiv.org/abs/2004.05565
Narrow networks within a wide one: Yu et al., "Slimmable Neural Networks", ICLR 2019.
https://arxiv.org/abs/1812.08928

A network takes the first channels of the widest one. A mixture of widths weighs every
channel by the widths that contain it, and only the channels of the widest active one
are computed:

    factor of channel i of layer d = sum of weights[d, c] over active c wider than i

The factor of a layer multiplies whatever it normalises and its skip, so that weights
that are one for a width and zero for others make that width's network, whichever are
active. The authors' search mask the layers' outputs only, and the last normalisation,
which follows, undoes a factor; here it has the factor of the last layer.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchsuite.spaces import NATS_SSS
from benchsuite.supernet.derive import strongest
from benchsuite.supernet.mixture import Active, Layout, Mixture, Statistics
from benchsuite.supernet.network import Network
from benchsuite.supernet.operations import (
    Conv,
    Norm,
    NormOptions,
    draw_weights,
    linear,
)

_EDGES = ("0_1", "0_2", "1_2", "1_3", "2_3")  # 3x3 convolutions; 0 to 3 is the skip
_BLOCKS = (1, 3)  # layers that halve the image


class Layer(NamedTuple):
    """What a mixture makes of a layer.

    Attributes:
        factor: [channels that are computed].
        keeps: Whether its width is for certain that of the layer before it.
        residue: Added to its output, a scalar; None is nothing.
    """

    factor: Tensor
    keeps: bool
    residue: Tensor | None


def plan(mixture: Mixture, channels: int) -> list[Layer]:
    """Turn widths, multiples of `channels`, into factors of channels.

    Raises:
        ValueError: A layer has no active width.
    """
    weights = mixture.weights
    if mixture.edges is not None:
        weights = weights * mixture.edges.unsqueeze(1)
    layers = []
    for d, keeps in enumerate(_keeps(mixture.active)):
        scalars, options = weights[d].unbind(), mixture.active[d]
        sums = [scalars[max(options)]]  # from the last channels to the first
        for c in range(max(options) - 1, -1, -1):
            sums.append(sums[-1] + scalars[c] if c in options else sums[-1])
        factor = torch.stack(sums[::-1]).repeat_interleave(channels)
        residue = None if mixture.residue is None else mixture.residue[d]
        layers.append(Layer(factor, keeps, residue))
    return layers


def _keeps(active: Active) -> list[bool]:
    """Tell of which layers the width is for certain that of the layer before.

    The stem's width is the first layer's. Otherwise both have the same single width.

    Raises:
        ValueError: A layer has no active width.
    """
    if not all(active):
        raise ValueError(f"a layer has no active width: {active}")
    return [True, *(a == b and len(a) == 1 for a, b in pairwise(active))]


def slim(
    layer: Conv, x: Tensor, factor: Tensor, statistics: Statistics, stride: int = 1
) -> Tensor:
    """Convolve and normalise with the channels there are of x and of `factor`."""
    kernel = layer.weight[: len(factor), : x.shape[1]]
    y = F.conv2d(x, kernel, None, stride, kernel.shape[-1] // 2)
    return slim_normalise(layer.norm, y, factor, statistics)


def slim_normalise(
    norm: Norm, x: Tensor, factor: Tensor, statistics: Statistics
) -> Tensor:
    """Normalise x [B, n, H, W] by the first n channels of `norm`; factor [n]."""
    scale, shift, mean, var = (
        None if whole is None else whole[: len(factor)]
        for whole in (norm.scale, norm.shift, norm.mean, norm.var)
    )
    scale = factor if scale is None else factor * scale
    shift = None if shift is None else factor * shift
    if statistics == "batch" or mean is None:
        return F.batch_norm(x, None, None, scale, shift, True)
    return F.batch_norm(x, mean, var, scale, shift, statistics == "track")


class Cell(nn.Module):
    """Four nodes: five 3x3 convolutions, and a skip from the first to the last.

    The skip is the identity, scaled, where the width is for certain that of the layer
    before, and a pointwise convolution with normalisation otherwise: networks that do
    not change the width then share a weight that none of them has alone.
    """

    def __init__(
        self, before: int, width: int, *, keeps: bool, norm: NormOptions
    ) -> None:
        super().__init__()
        self.convs = nn.ModuleDict(
            {
                edge: Conv(before if edge[0] == "0" else width, width, 3, **norm)
                for edge in _EDGES
            }
        )
        self.skip = None if keeps else Conv(before, width, 1, **norm)

    def forward(self, x: Tensor, layer: Layer, statistics: Statistics) -> Tensor:
        """Map x [B, channels before, H, W] to [B, channels, H, W]."""
        factor, h = layer.factor, F.relu(x)

        def conv(edge: str, x: Tensor) -> Tensor:
            part = self.convs[edge]
            assert isinstance(part, Conv)
            return slim(part, x, factor, statistics)

        first = conv("0_1", h)
        second = conv("0_2", h) + conv("1_2", F.relu(first))
        if layer.keeps:
            skip = x * factor.view(-1, 1, 1)
        else:
            assert self.skip is not None
            skip = slim(self.skip, x, factor, statistics)
        return skip + conv("1_3", F.relu(first)) + conv("2_3", F.relu(second))


class Residual(nn.Module):
    """Halve the image."""

    def __init__(self, before: int, width: int, *, running: bool) -> None:
        super().__init__()
        norm = NormOptions(affine=True, running=running)
        self.first = Conv(before, width, 3, **norm)
        self.second = Conv(width, width, 3, **norm)
        self.shortcut = nn.Parameter(torch.empty(width, before, 1, 1))

    def forward(self, x: Tensor, layer: Layer, statistics: Statistics) -> Tensor:
        """Map x [B, channels before, H, W] to [B, channels, H/2, W/2]."""
        factor = layer.factor
        y = slim(self.first, F.relu(x), factor, statistics, stride=2)
        y = slim(self.second, F.relu(y), factor, statistics)
        kernel = self.shortcut[: len(factor), : x.shape[1]]
        shortcut = F.conv2d(F.avg_pool2d(x, 2), kernel)
        return y + shortcut * factor.view(-1, 1, 1)


class NatsSss(Network):
    """Stem, cell, residual block, cell, residual block, cell, linear head.

    Attributes:
        space: The architectures it contains, as decisions.
        layout: What can be relaxed.
        rule: From scores to an architecture.
        channels: Of the narrowest width; width c has c + 1 times as many.
        active: The widths it was built for; it has the channels of the widest.
    """

    space = NATS_SSS
    layout = Layout.whole(NATS_SSS)
    rule = staticmethod(strongest)

    def __init__(
        self,
        *,
        channels: int = 8,
        classes: int = 10,
        affine: bool = False,  # in the cells; stem, blocks and head always are
        running: bool = False,  # whether normalisation has buffers
        active: Active = layout.options,
        generator: torch.Generator | None = None,
    ) -> None:
        """Build it, with torch's usual initial weights drawn from `generator`.

        Raises:
            ValueError: A layer has no active width.
        """
        super().__init__()
        self.channels, self.classes, self.active = channels, classes, active
        self.options = {
            "channels": channels, "classes": classes,
            "affine": affine, "running": running,
        }  # fmt: skip
        norm, keeps = NormOptions(affine=affine, running=running), _keeps(active)
        widths = [channels * (max(options) + 1) for options in active]
        self.stem = Conv(3, widths[0], 3, affine=True, running=running)
        self.layers = nn.ModuleList(
            Residual(before, width, running=running)
            if d in _BLOCKS
            else Cell(before, width, keeps=keeps[d], norm=norm)
            for d, (before, width) in enumerate(pairwise([widths[0], *widths]))
        )
        self.last = Norm(widths[-1], affine=True, running=running)
        self.head = linear(widths[-1], classes)
        draw_weights(self, generator)

    def forward(
        self, images: Tensor, mixture: Mixture, statistics: Statistics = "batch"
    ) -> Tensor:
        """Map images [B, 3, H, W] to class logits [B, K]."""
        prepared = plan(mixture.to(images), self.channels)
        x = slim(self.stem, images, prepared[0].factor, statistics)
        for part, layer in zip(self.layers, prepared, strict=True):
            x = part(x, layer, statistics)
            if layer.residue is not None:
                x = x + layer.residue
        factor = prepared[-1].factor
        x = F.relu(slim_normalise(self.last, x, factor, statistics))
        kernel = self.head.weight[:, : len(factor)]
        return F.linear(x.mean((2, 3)), kernel, self.head.bias)

    def restrict(self, active: Active) -> "NatsSss":
        """Copy the network with the channels of the active widths only.

        With one width a layer it is the stand-alone network of an architecture. What
        it has keeps its name, and is the first channels of what is here. Weights that
        were drawn for wide layers are smaller than those that a narrow network draws.
        """
        source = torch.Generator()  # the initial weights are overwritten
        small = self._build(active=active, generator=source).to(self.stem.weight)
        whole = self.state_dict()
        small.load_state_dict(
            {
                name: whole[name][tuple(slice(size) for size in part.shape)]
                for name, part in small.state_dict().items()
            }
        )
        return small
