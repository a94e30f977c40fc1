"""Proxies that sum over weights how much the loss, or a flow, depends on each.

Abdelfattah, Mehrotra, Dudziak & Lane, "Zero-Cost Proxies for Lightweight NAS", ICLR
2021, which made scores of networks of criteria by which weights are pruned.
https://arxiv.org/abs/2101.08134

Weights w are those of convolutions and linear layers, without biases and
normalisation; one that the network does not use adds nothing. g is the gradient of the
loss L on one batch, with the network as it was initialised: the authors take 64 images
and the training mode.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchsuite.estimators.functional import (
    LAYERS,
    Copy,
    differentiate,
    watching,
    without_normalisation,
)

Loss = Callable[[Tensor, Tensor], Tensor]
"""From logits [B, K] and labels [B] to a scalar."""


def l2_norm(
    net: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
) -> float:
    """Add the norms of the weights, layer by layer; no image is looked at.

    In a supernet all weights count, and not only those that a mixture uses.
    """
    return _total([w.norm() for w in Copy(net).weights.values()])


def plain(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    generator: torch.Generator,
    *,
    loss: Loss = F.cross_entropy,
) -> float:
    """Add w g over all weights, sign and all."""
    return _total([(w * g).sum() for w, g in _gradients(net, images, labels, loss)])


def grad_norm(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    generator: torch.Generator,
    *,
    loss: Loss = F.cross_entropy,
) -> float:
    """Add the norms of the gradients, layer by layer."""
    return _total([g.norm() for _, g in _gradients(net, images, labels, loss)])


def snip(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    generator: torch.Generator,
    *,
    loss: Loss = F.cross_entropy,
) -> float:
    """Add |w g| over all weights: what masks on them would change at first order.

    Lee, Ajanthan & Torr, "SNIP", ICLR 2019. https://arxiv.org/abs/1810.02340
    """
    pairs = _gradients(net, images, labels, loss)
    return _total([(w * g).abs().sum() for w, g in pairs])


@torch.enable_grad()
def grasp(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    generator: torch.Generator,
    *,
    loss: Loss = F.cross_entropy,
) -> float:
    """Add -w (H g) over all weights, H the Hessian of the loss.

    Wang, Zhang & Grosse, "Picking Winning Tickets Before Training by Preserving
    Gradient Flow", ICLR 2020. https://arxiv.org/abs/2002.07376 The sign is that of
    Abdelfattah et al.: a weight whose removal lets the gradient grow counts against
    the network.
    """
    copy = Copy(net)
    weights = list(copy.weights.values())
    g = differentiate(loss(copy(images), labels), weights, create_graph=True)
    slope = torch.stack([(each * each.detach()).sum() for each in g]).sum()
    product = differentiate(slope, weights)
    return _total([-(w * h).sum() for w, h in zip(weights, product, strict=True)])


@torch.enable_grad()
def synflow(
    net: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
) -> float:
    """Add |w dR/dw| over all weights of the network of absolute values.

    Tanaka, Kunin, Yamins & Ganguli, "Pruning Neural Networks without any Data by
    Iteratively Conserving Synaptic Flow", NeurIPS 2020.
    https://arxiv.org/abs/2006.05467

    R is the sum of its logits for one image of ones of the size of `images`, without
    normalisation, in double precision: deep networks exceed single.
    """
    copy = Copy(net, lambda x: x.double().abs())
    weights = list(copy.weights.values())
    ones = torch.ones_like(images[:1], dtype=torch.double)
    with without_normalisation():
        flow = copy(ones).sum()
    slopes = differentiate(flow, weights)
    return _total([(w * s).abs().sum() for w, s in zip(weights, slopes, strict=True)])


@torch.enable_grad()
def fisher(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    generator: torch.Generator,
    *,
    loss: Loss = F.cross_entropy,
) -> float:
    """Add, over channels, half the mean square of a dL/da, a being what it puts out.

    Theis, Korshunova, Tejani & Huszar, "Faster gaze prediction with dense networks and
    Fisher pruning", 2018. https://arxiv.org/abs/1801.05787 Channels are those of every
    convolution and every linear layer; a dL/da is summed over pixels before it is
    squared, and the mean is over images.
    """
    outputs: list[Tensor] = []

    def keep(result: Tensor) -> Tensor:
        outputs.append(result)
        return result.clone()  # what follows may overwrite it

    with watching(LAYERS, keep):
        value = loss(Copy(net)(images), labels)
    gradients = differentiate(value, outputs)
    terms = []
    for a, g in zip(outputs, gradients, strict=True):
        product = (a * g).flatten(2).sum(2) if a.dim() > 2 else a * g  # [B, C]
        terms.append(product.square().mean(0).sum() / 2)
    return _total(terms)


@torch.enable_grad()
def _gradients(
    net: nn.Module, images: Tensor, labels: Tensor, loss: Loss
) -> list[tuple[Tensor, Tensor]]:
    """Pair every weight with the gradient of the loss."""
    copy = Copy(net)
    weights = list(copy.weights.values())
    gradients = differentiate(loss(copy(images), labels), weights)
    return list(zip(weights, gradients, strict=True))


def _total(terms: list[Tensor]) -> float:
    """Add scalars, in double precision."""
    return math.fsum(term.item() for term in terms)
