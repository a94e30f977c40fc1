"""Proxies that ask how differently a network treats different images."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchsuite.core import InputError
from benchsuite.estimators.functional import (
    FLATTEN,
    POOLS,
    RELUS,
    Copy,
    Function,
    Instead,
    differentiate,
    watching,
)

_SMALL = 1e-5  # k of jacob_cov and epe_nas


def naswot(
    net: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
) -> float:
    """Tell how far apart the images' codes are: log det K.

    Mellor, Turner, Storkey & Crowley, "Neural Architecture Search without Training",
    ICML 2021. https://arxiv.org/abs/2006.04647

    The code of an image says which units of which rectifiers it makes positive. K [B,
    B] counts the units in which two images agree. Two images of one code make it
    singular, and the score -inf. The authors take 128 images, and count only
    rectifiers on the way to the loss; here all count, as in NAS-Bench-Suite-Zero.

    A network that applies one rectifier for all convolutions that leave a node, as
    ours do, counts its units once; the published one of NAS-Bench-201 has a rectifier
    in front of each.
    """
    codes = _codes(net, images)
    kernel = images.new_zeros(len(images), len(images), dtype=torch.double)
    for code in codes:
        signs = 2 * code.double() - 1
        kernel += (signs @ signs.T + signs.shape[1]) / 2
    if (kernel == kernel.diagonal()).sum() > len(kernel):
        return -math.inf
    return float(torch.linalg.slogdet(kernel).logabsdet)


def linear_regions(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    generator: torch.Generator,
    *,
    samples: int = 1000,
    size: int = 4,
) -> float:
    """Count the codes that Gaussian images have: the linear regions they lie in.

    Chen, Gong & Wang, "Neural Architecture Search on ImageNet in Four GPU Hours: A
    Theoretically Inspired Perspective" (TE-NAS), ICLR 2021.
    https://arxiv.org/abs/2102.11535

    Codes are those of `naswot`. Of `images` only the number of channels is used. With
    many units every image has a code of its own, so that the network should be thin:
    the authors take a single channel.

    Args:
        net: See above.
        images: [B, 3, H, W].
        labels: Not used.
        generator: Draws the images.
        samples: How many, in one batch.
        size: Height and width in pixels; 3 in the paper, whose thin network halves
            images nowhere. Networks that halve them twice need 4.
    """
    shape = (samples, images.shape[1], size, size)
    noise = torch.randn(shape, generator=generator).to(images)
    codes = _codes(net, noise)
    if not codes:
        return 1.0
    return float(len({row.numpy().tobytes() for row in torch.cat(codes, 1).cpu()}))


@torch.no_grad()
def _codes(net: nn.Module, images: Tensor) -> list[Tensor]:
    """Tell which units are positive, bool [B, units], of every rectifier."""
    codes: list[Tensor] = []

    def see(result: Tensor) -> Tensor:
        codes.append(result.flatten(1) > 0)
        return result

    with watching(RELUS, see):
        Copy(net)(images)
    return codes


def jacob_cov(
    net: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
) -> float:
    """Tell how little the images' gradients correlate.

    Mellor, Turner, Storkey & Crowley, "Neural Architecture Search without Training",
    first version, 2020. https://arxiv.org/abs/2006.04647v1

    With v the eigenvalues of the correlations [B, B] of the gradients of the sum of all
    logits with respect to each image, -sum of log(v + k) + 1/(v + k); nan if an image
    has a constant gradient. A network that normalises by the batch couples the images.
    """
    correlations = _correlations(_image_gradients(net, images)[0])
    if not correlations.isfinite().all():
        return math.nan
    v = torch.linalg.eigvalsh(correlations).clamp_min(0) + _SMALL
    return -float((v.log() + 1 / v).sum())


def epe_nas(
    net: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
) -> float:
    """Tell how little gradients correlate among the images of a class.

    Lopes, Alirezazadeh & Alexandre, "EPE-NAS: Efficient Performance Estimation Without
    Training for Neural Architecture Search", ICANN 2021.
    https://arxiv.org/abs/2102.08099

    Gradients are those of `jacob_cov`. A class c of the batch has s_c, the sum of
    log(|r| + k) over the correlations r of its images. The score is the sum of |s_c|;
    with more than 100 logits s_c is divided by the images of the class, and the score
    is the sum of |s_c - s_d| over all pairs, divided by the number of classes.
    """
    gradients, classes = _image_gradients(net, images)
    sums = []
    for label in sorted(set(labels.tolist())):
        correlations = _correlations(gradients[labels == label])
        total = (correlations.abs() + _SMALL).log().sum()
        sums.append(total / len(correlations) if classes > 100 else total)
    s = torch.stack(sums)
    if classes > 100:
        return float((s[:, None] - s).abs().sum() / len(s))
    return float(s.abs().sum())


@torch.enable_grad()
def _image_gradients(net: nn.Module, images: Tensor) -> tuple[Tensor, int]:
    """Differentiate the sum of all logits.

    Returns:
        One row an image, double [B, 3 * H * W]; and the number of classes.
    """
    x = images.detach().clone().requires_grad_()
    logits = Copy(net)(x)
    (gradient,) = differentiate(logits.sum(), [x])
    return gradient.flatten(1).double(), logits.shape[1]


def _correlations(rows: Tensor) -> Tensor:
    """Correlate rows [n, m] with one another, [n, n]; nan for a constant row."""
    centred = rows - rows.mean(1, keepdim=True)
    scaled = F.normalize(centred, dim=1, eps=0.0)
    return (scaled @ scaled.T).clamp(-1, 1)


@torch.enable_grad()
def ntk(
    net: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
) -> float:
    """Condition number of the neural tangent kernel: LOWER is better.

    Chen, Gong & Wang, TE-NAS (see `linear_regions`).

    The kernel [B, B] is J J^T, where a row of J is the gradient of the sum of an
    image's logits with respect to all parameters (the authors leave out biases). The
    smallest eigenvalue is taken to be no smaller than rounding lets one tell, relative
    to the largest. nan if nothing depends on any parameter.

    It takes as many backward passes as there are images.
    """
    copy = Copy(net)
    parameters = list(copy.parameters.values())
    rows = []
    for value in copy(images).sum(1):
        gradients = differentiate(value, parameters, retain_graph=True)
        rows.append(torch.cat([g.flatten() for g in gradients]))
    jacobian = torch.stack(rows).double()
    kernel = jacobian @ jacobian.T
    if not kernel.isfinite().all() or not kernel.any():
        return math.nan
    v = torch.linalg.eigvalsh(kernel)
    return float(v[-1] / v[0].clamp_min(v[-1] * torch.finfo(images.dtype).eps))


def zen(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    generator: torch.Generator,
    *,
    repeats: int = 32,
    batch: int = 16,
    distance: float = 1e-2,  # gamma
) -> float:
    """Zen-score: how much features change with the image, had nothing been normalised.

    Lin, Wang, Sun, Chen, Sun, Qian, Li & Jin, "Zen-NAS: A Zero-Shot NAS for
    High-Performance Image Recognition", ICCV 2021. https://arxiv.org/abs/2102.01063

    Weights are drawn anew, Gaussian. Of Gaussian images x, and x' = x + gamma e, the
    score is log of the mean over images of sum |f(x) - f(x')|, and for every
    normalisation log of the root of the mean variance that it divided by. f is the last
    feature map, before it is averaged over its pixels. The mean over `repeats`.

    Biases and normalisations are used as they are, and a network that normalises n
    layers side by side, as ours do, counts them as one. Made for plain chains of
    convolutions.

    Raises:
        InputError: The network has no feature map that it averages or flattens.
    """
    copy, scores = Copy(net), []
    shape = (batch, *images.shape[1:])
    for _ in range(repeats):
        with torch.no_grad():
            for weight in copy.weights.values():
                weight.copy_(torch.randn(weight.shape, generator=generator))
        x = torch.randn(shape, generator=generator).to(images)
        other = x + distance * torch.randn(shape, generator=generator).to(images)
        features, logarithm = _features(copy, x)
        change = (features - _features(copy, other)[0]).abs().sum((1, 2, 3)).mean()
        scores.append(float(change.log() + logarithm))
    return sum(scores) / len(scores)


@torch.no_grad()
def _features(copy: Copy, images: Tensor) -> tuple[Tensor, Tensor]:
    """Find the last feature map [B, C, H, W], and log of what was divided by."""
    maps: list[Tensor] = []
    logarithms: list[Tensor] = [images.new_zeros(())]

    def keep(function: Function, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        result = function(x, *args, **kwargs)
        if x.dim() == 4 and (function in POOLS or _loses_pixels(x, result)):
            maps[:] = [x]
        return result

    def divide(
        function: Function,
        input: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        axes = [d for d in range(input.dim()) if d != 1]
        logarithms.append(input.var(axes).mean().sqrt().log())
        return function(input, running_mean, running_var, *args, **kwargs)

    with Instead({F.batch_norm: divide, **dict.fromkeys((*POOLS, *FLATTEN), keep)}):
        copy(images)
    if not maps:
        raise InputError(
            "zen needs a network that averages a feature map over its pixels, or"
            " flattens one; this network does neither"
        )
    return maps[0], torch.stack(logarithms).sum()


def _loses_pixels(x: Tensor, result: Tensor) -> bool:
    return result.dim() == 2 and x.shape[2:] != (1, 1)
