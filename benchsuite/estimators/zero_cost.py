"""Zero-cost proxies: scores of a network that was never trained, by name.

A proxy takes a network, images [B, 3, H, W], labels [B] and a generator, and leaves all
of them as they are, but for what it draws from the generator. `net(images)` gives
logits [B, K]; the network may be any module: for one of this project's, that of an
architecture or a whole supernet, see `supernet.network.Bound`. Only scores from the
same batch and the same initialisation can be compared.

Higher is better, but for those in `LOWER_IS_BETTER`.
"""

import math
from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from benchsuite.estimators.expressivity import (
    epe_nas,
    jacob_cov,
    linear_regions,
    naswot,
    ntk,
    zen,
)
from benchsuite.estimators.functional import (
    LAYERS,
    Copy,
    Function,
    Instead,
    without_normalisation,
)
from benchsuite.estimators.saliency import (
    fisher,
    grad_norm,
    grasp,
    l2_norm,
    plain,
    snip,
    synflow,
)

__all__ = [
    "LOWER_IS_BETTER",
    "PROXIES",
    "Proxy",
    "flops",
    "merit",
    "params",
    "without_normalisation",
]


class Proxy(Protocol):
    """Scores a network without training it."""

    def __call__(
        self,
        net: nn.Module,
        images: Tensor,
        labels: Tensor,
        generator: torch.Generator,
        /,
    ) -> float:
        """Return the score; it may be infinite, or nan where there is none."""


def params(
    net: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
) -> float:
    """Count the parameters, those of a supernet that are not used among them."""
    return float(sum(p.numel() for p in net.parameters()))


def flops(
    net: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
) -> float:
    """Count multiplications by weights in convolutions and linear layers, for an image.

    They are multiply-accumulates, which the literature calls FLOPs as a rule.
    """
    counts: list[int] = []

    def count(function: Function, x: Tensor, weight: Tensor, *a: Any, **k: Any) -> Any:
        result = function(x, weight, *a, **k)
        counts.append(result.numel() * weight[0].numel())
        return result

    few = images[:2]  # one alone cannot be normalised where it has a single pixel
    with torch.no_grad(), Instead(dict.fromkeys(LAYERS, count)):
        Copy(net)(few)
    return sum(counts) / len(few)


PROXIES: Mapping[str, Proxy] = {
    "epe_nas": epe_nas,
    "fisher": fisher,
    "flops": flops,
    "grad_norm": grad_norm,
    "grasp": grasp,
    "jacob_cov": jacob_cov,
    "l2_norm": l2_norm,
    "linear_regions": linear_regions,
    "naswot": naswot,
    "ntk": ntk,
    "params": params,
    "plain": plain,
    "snip": snip,
    "synflow": synflow,
    "zen": zen,
}
LOWER_IS_BETTER = frozenset({"ntk"})


def merit(name: str, score: float) -> float:
    """Turn the score of a proxy into what is higher for a better network.

    A score that is nan or infinite says that the network could not be judged, and
    comes last.

    Example:
        >>> merit("snip", 3.0), merit("ntk", 3.0), merit("snip", math.nan)
        (3.0, -3.0, -inf)
    """
    if not math.isfinite(score):
        return -math.inf
    return -score if name in LOWER_IS_BETTER else score
