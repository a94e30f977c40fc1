"""A network as a function of its parameters, and a look at what happens inside it.

A module is run with copies of its parameters and buffers, so that nothing done to it
changes it. What it computes on the way is seen where it calls torch: this serves
modules of `torch.nn` as well as networks that call `torch.nn.functional` themselves,
and do several layers in one call.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

Function = Callable[..., Any]

RELUS: tuple[Function, ...] = (
    *(F.relu, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_),
)
"""What a rectifier is called; all are positive where their argument is."""
LAYERS: tuple[Function, ...] = (F.conv2d, F.linear)
"""What multiplies by weights."""
POOLS: tuple[Function, ...] = (
    *(torch.mean, Tensor.mean, F.adaptive_avg_pool2d, F.avg_pool2d),
)
"""What may average a feature map over its pixels."""
FLATTEN: tuple[Function, ...] = (
    *(torch.flatten, Tensor.flatten, torch.reshape, Tensor.reshape, Tensor.view),
)
"""What may make a feature map a vector."""


class Copy:
    """Computes what a network computes, with parameters of its own.

    The network is run in the mode, training or evaluation, that it is in. What it draws
    itself, for dropout, comes from torch's global state, which is put back.

    Attributes:
        parameters: By name; they are leaves that want gradients.
        buffers: By name.
    """

    def __init__(
        self, net: nn.Module, change: Callable[[Tensor], Tensor] = torch.clone
    ) -> None:
        """Copy a network's state.

        Args:
            net: Is not changed.
            change: What the copies are of each floating-point tensor; must be new.
        """

        def copied(x: Tensor) -> Tensor:
            x = x.detach()
            return change(x) if x.is_floating_point() else x.clone()

        self._net = net
        self.parameters = {
            name: copied(p).requires_grad_() for name, p in net.named_parameters()
        }
        self.buffers = {name: copied(b) for name, b in net.named_buffers()}

    @property
    def weights(self) -> dict[str, Tensor]:
        """Parameters of convolutions and linear layers, without biases."""
        return {name: p for name, p in self.parameters.items() if p.dim() > 1}

    def __call__(self, images: Tensor) -> Tensor:
        """Map images [B, 3, H, W] to class logits [B, K]."""
        state = {**self.parameters, **self.buffers}
        devices = [images.device] if images.is_cuda else []
        with torch.random.fork_rng(devices):
            logits: Tensor = torch.func.functional_call(self._net, state, (images,))
        return logits


def differentiate(
    value: Tensor,
    tensors: Sequence[Tensor],
    *,
    create_graph: bool = False,
    retain_graph: bool = False,
) -> tuple[Tensor, ...]:
    """Differentiate a scalar; what it does not depend on has gradient zero."""
    if not value.requires_grad:
        return tuple(torch.zeros_like(x) for x in tensors)
    return torch.autograd.grad(
        value,
        tensors,
        create_graph=create_graph,
        retain_graph=create_graph or retain_graph,
        materialize_grads=True,
    )


class Instead(TorchFunctionMode):
    """While it lasts, some functions of torch are replaced.

    In place of `f(*args, **kwargs)` stands `instead[f](f, *args, **kwargs)`, which may
    itself call f, or anything else that is replaced.
    """

    def __init__(self, instead: Mapping[Function, Function]) -> None:
        super().__init__()
        self._instead = instead

    def __torch_function__(
        self,
        func: Function,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Call a function, or what stands in its place."""
        if func in self._instead:
            return self._instead[func](func, *args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def watching(
    functions: tuple[Function, ...], see: Callable[[Tensor], Tensor]
) -> Instead:
    """Have `see` look at what some functions return, while the context lasts.

    Args:
        functions: Of torch, each returning a tensor.
        see: Takes a result, and returns what is passed on.
    """

    def watched(function: Function, *args: Any, **kwargs: Any) -> Tensor:
        return see(function(*args, **kwargs))

    return Instead(dict.fromkeys(functions, watched))


def without_normalisation() -> Instead:
    """Have networks run without their batch normalisations, while the context lasts.

    Nothing is centred and nothing divided by a deviation, no shift is added and no
    running statistic moves. What is left of a normalisation is its scale, because a
    supernet's mixture may be in it. A scale at its initial one multiplies by one, so
    that a network that was just built is run as if it had no normalisation: the form
    that is published for synflow.

    Example:
        >>> norm, x = nn.BatchNorm2d(3), torch.arange(24.0).view(2, 3, 2, 2)
        >>> with without_normalisation():
        ...     torch.equal(norm(x), x)
        True
    """
    return Instead({F.batch_norm: _only_scale})


def _only_scale(
    function: Function,
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    *args: Any,
    **kwargs: Any,
) -> Tensor:
    """Take the arguments of `F.batch_norm`; scale the channels, the second axis."""
    if weight is None:
        return input
    return input * weight.view(-1, *(1,) * (input.dim() - 2))
