"""Operations by their published names, applied to many edges at once.

What leaves a node along n edges is computed together: n convolutions of one image are
one convolution with n times the outputs, followed by one batch normalisation whose
scale is the mixture. No product is computed, and none is kept for the backward pass.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial as bind
from functools import reduce
from typing import TypedDict, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchsuite.supernet.mixture import Statistics

KERNEL = {"nor_conv_3x3": 3, "nor_conv_1x1": 1}
FREE: dict[str, Callable[[Tensor], Tensor]] = {
    "skip_connect": lambda x: x,
    "avg_pool_3x3": bind(
        F.avg_pool2d, kernel_size=3, stride=1, padding=1, count_include_pad=False
    ),
}  # operations without weights; "none" is in neither table and never runs


class NormOptions(TypedDict):
    """How a network normalises; it decides rankings on NAS-Bench-201."""

    affine: bool
    running: bool


class Norm(nn.Module):
    """The parameters and buffers of a batch normalisation; see `normalise`."""

    mean: Tensor | None
    var: Tensor | None

    def __init__(self, channels: int, *, affine: bool, running: bool) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels)) if affine else None
        self.shift = nn.Parameter(torch.zeros(channels)) if affine else None
        self.register_buffer("mean", torch.zeros(channels) if running else None)
        self.register_buffer("var", torch.ones(channels) if running else None)


def normalise(
    x: Tensor, norms: Sequence[Norm], statistics: Statistics, weight: Tensor | None
) -> Tensor:
    """Normalise n layers of c channels side by side, and weigh them.

    Args:
        x: [B, n * c, H, W].
        norms: n layers.
        statistics: See `Statistics`.
        weight: [n * c], multiplies the outputs; None is one.
    """
    scale, shift = (_field(norms, name) for name in ("scale", "shift"))
    if weight is not None:
        scale = weight if scale is None else weight * scale
        shift = None if shift is None else weight * shift
    if statistics == "batch" or norms[0].mean is None:
        return F.batch_norm(x, None, None, scale, shift, True)
    mean, var = (_field(norms, name) for name in ("mean", "var"))
    x = F.batch_norm(x, mean, var, scale, shift, statistics == "track")
    if statistics == "track" and len(norms) > 1:  # a single one was updated in place
        for name, joined in (("mean", mean), ("var", var)):
            assert joined is not None
            for norm, part in zip(norms, joined.chunk(len(norms)), strict=True):
                norm.get_buffer(name).copy_(part)
    return x


def _field(norms: Sequence[Norm], name: str) -> Tensor | None:
    """A parameter or buffer of all layers, end to end; None if they have none."""
    if getattr(norms[0], name) is None:
        return None
    return join([getattr(norm, name) for norm in norms])


class Conv(nn.Module):
    """A convolution and its batch normalisation; the ReLU before it is the caller's."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, affine: bool, running: bool
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        self.norm = Norm(outputs, affine=affine, running=running)

    def forward(self, x: Tensor, statistics: Statistics, stride: int = 1) -> Tensor:
        """Convolve and normalise x [B, inputs, H, W]."""
        x = F.conv2d(x, self.weight, None, stride, self.weight.shape[-1] // 2)
        return normalise(x, [self.norm], statistics, None)


def convolve(
    groups: Sequence[Sequence[Conv]], x: Tensor, statistics: Statistics, weight: Tensor
) -> Iterator[Tensor]:
    """Apply many convolutions to one x: one call a group, one normalisation for all.

    Args:
        groups: Convolutions with the same kernel size stand together.
        x: [B, C, H, W].
        statistics: See `Statistics`.
        weight: [channels of all outputs].

    Yields:
        For a group of n convolutions, [B, n, C, H, W].
    """
    outputs = []
    for convs in groups:
        kernel = join([conv.weight for conv in convs])
        outputs.append(F.conv2d(x, kernel, None, 1, kernel.shape[-1] // 2))
    norms = [conv.norm for convs in groups for conv in convs]
    y = normalise(join(outputs, 1), norms, statistics, weight)
    parts = torch.split(y, [output.shape[1] for output in outputs], 1)
    for convs, part in zip(groups, parts, strict=True):
        yield torch.unflatten(part, 1, (len(convs), -1))


def total(terms: Sequence[Tensor], like: Tensor) -> Tensor:
    """Add; a single term is copied, lest it keep the bundle that it is a view of."""
    if len(terms) < 2:
        return terms[0].contiguous() if terms else torch.zeros_like(like)
    return reduce(torch.add, terms)


def join(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Put end to end; a single tensor is not copied."""
    return tensors[0] if len(tensors) == 1 else torch.cat(list(tensors), dim)


def draw_weights(net: nn.Module, generator: torch.Generator | None) -> None:
    """Fill a network with torch's usual initial weights, drawn from `generator`."""
    for parameter in net.parameters():
        if parameter.dim() > 1:
            nn.init.kaiming_uniform_(parameter, a=5**0.5, generator=generator)
    for module in net.modules():
        if isinstance(module, nn.Linear):
            bound = module.in_features**-0.5
            nn.init.uniform_(module.bias, -bound, bound, generator=generator)


def linear(inputs: int, outputs: int) -> nn.Linear:
    """Make a classifier whose weights are yet to be drawn; draws nothing itself."""
    return nn.Linear(inputs, outputs, device="meta").to_empty(device="cpu")


def transplant(small: nn.Module, large: nn.Module) -> None:
    """Copy into `small` the weights and buffers that it shares names with `large`."""
    small.to(next(large.parameters()))
    weights = large.state_dict()
    small.load_state_dict({name: weights[name] for name in small.state_dict()})


SEPARABLE = {
    "sep_conv_3x3": (3, 1, 2),
    "sep_conv_5x5": (5, 1, 2),
    "dil_conv_3x3": (3, 2, 1),
    "dil_conv_5x5": (5, 2, 1),
}
"""Kernel, dilation, and how many times one after the other; twice comes first."""
POOLS: dict[str, Callable[..., Tensor]] = {
    "max_pool_3x3": bind(F.max_pool2d, kernel_size=3, padding=1),
    "avg_pool_3x3": bind(
        F.avg_pool2d, kernel_size=3, padding=1, count_include_pad=False
    ),
}


class Separable(nn.Module):
    """A depthwise and a pointwise convolution, and their batch normalisation."""

    def __init__(
        self, channels: int, kernel: int, dilation: int, *, affine: bool, running: bool
    ) -> None:
        super().__init__()
        self.dilation = dilation
        self.depth = nn.Parameter(torch.empty(channels, 1, kernel, kernel))
        self.point = nn.Parameter(torch.empty(channels, channels, 1, 1))
        self.norm = Norm(channels, affine=affine, running=running)


class SeparableStack(nn.ModuleList):
    """One of `SEPARABLE`; a ReLU comes before each of its convolutions."""

    def __init__(
        self, channels: int, name: str, *, affine: bool, running: bool
    ) -> None:
        kernel, dilation, times = SEPARABLE[name]
        super().__init__(
            Separable(channels, kernel, dilation, affine=affine, running=running)
            for _ in range(times)
        )


def separate(
    groups: Sequence[Sequence[SeparableStack]],
    x: Tensor,
    statistics: Statistics,
    weight: Tensor,
    stride: int,
) -> Iterator[Tensor]:
    """Apply many stacks of separable convolutions to one x.

    The depthwise convolutions of a group are one with n times the outputs. The
    pointwise ones of all groups are one in as many parts, and so is what normalises.

    Args:
        groups: Stacks of one name stand together, in the order of `SEPARABLE`.
        x: [B, C, H, W], after the first ReLU.
        statistics: See `Statistics`.
        weight: [C * number of stacks].
        stride: Of the first convolution.

    Yields:
        For a group of n stacks, [B, n, C, H / stride, W / stride].
    """
    first, second = (
        [
            [cast(Separable, s[k]) for s in group]
            for group in groups
            if len(group[0]) > k
        ]
        for k in (0, 1)
    )
    deep = x.shape[1] * sum(map(len, second))  # channels that are convolved once more
    y = join([_fan_out(layers, x, stride) for layers in first], 1).flatten(1, 2)
    scale = None  # those that are not are done, and weighed
    if deep < len(weight):
        scale = torch.cat([torch.ones_like(weight[:deep]), weight[deep:]])
    parts = _pointwise(first, y, statistics, scale)
    if second:
        y = join([_depthwise(*pair) for pair in zip(second, parts, strict=False)], 1)
        parts[: len(second)] = _pointwise(second, y, statistics, weight[:deep])
    for group, part in zip(groups, parts, strict=True):
        yield torch.unflatten(part, 1, (len(group), -1))


def _fan_out(layers: Sequence[Separable], x: Tensor, stride: int) -> Tensor:
    """Convolve every channel of x [B, C, H, W] with n kernels, to [B, n, C, H, W]."""
    kernel = torch.stack([layer.depth for layer in layers], 1).flatten(0, 1)
    dilation, channels = layers[0].dilation, x.shape[1]
    padding = dilation * (kernel.shape[-1] // 2)
    y = F.conv2d(x, kernel, None, stride, padding, dilation, channels)
    return torch.unflatten(y, 1, (channels, -1)).transpose(1, 2)


def _depthwise(layers: Sequence[Separable], x: Tensor) -> Tensor:
    """Convolve x [B, n * C, H, W], after a ReLU, each channel with its own kernel."""
    kernel = join([layer.depth for layer in layers])
    dilation = layers[0].dilation
    padding = dilation * (kernel.shape[-1] // 2)
    return F.conv2d(F.relu(x), kernel, None, 1, padding, dilation, x.shape[1])


def _pointwise(
    groups: Sequence[Sequence[Separable]],
    x: Tensor,
    statistics: Statistics,
    weight: Tensor | None,
) -> list[Tensor]:
    """Mix the channels of each layer, normalise them and weigh them; by groups."""
    layers = [layer for group in groups for layer in group]
    y = F.conv2d(x, join([layer.point for layer in layers]), groups=len(layers))
    y = normalise(y, [layer.norm for layer in layers], statistics, weight)
    channels = y.shape[1] // len(layers)
    return list(torch.split(y, [len(group) * channels for group in groups], 1))


class FactorizedReduce(nn.Module):
    """Halves an image by two pointwise convolutions, one on the even pixels."""

    def __init__(
        self, inputs: int, outputs: int, *, affine: bool, running: bool
    ) -> None:
        super().__init__()
        half = outputs // 2
        self.even = nn.Parameter(torch.empty(half, inputs, 1, 1))
        self.odd = nn.Parameter(torch.empty(outputs - half, inputs, 1, 1))
        self.norm = Norm(outputs, affine=affine, running=running)


def halve(
    layers: Sequence[FactorizedReduce],
    x: Tensor,
    statistics: Statistics,
    weight: Tensor | None = None,
) -> Tensor:
    """Apply n reductions to one x [B, C, H, W], after a ReLU; H and W are even.

    Returns:
        [B, n, outputs, H / 2, W / 2].
    """
    even = F.conv2d(x, join([layer.even for layer in layers]), stride=2)
    odd = F.conv2d(x[:, :, 1:, 1:], join([layer.odd for layer in layers]), stride=2)
    n = len(layers)
    y = torch.cat([torch.unflatten(side, 1, (n, -1)) for side in (even, odd)], 2)
    y = normalise(y.flatten(1, 2), [layer.norm for layer in layers], statistics, weight)
    return torch.unflatten(y, 1, (n, -1))
