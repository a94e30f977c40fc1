"""BaLeNAS: alphas are Gaussian, and their distribution is learned.

Zhang et al., "BaLeNAS: Differentiable Architecture Search via the Bayesian Learning
Rule", CVPR 2022. https://arxiv.org/abs/2111.13204
Khan et al., "Fast and Scalable Bayesian Deep Learning by Weight-Perturbation in Adam",
ICML 2018. https://arxiv.org/abs/1806.04854

Alphas have the distribution q = N(mu, 1 / (N s + delta)), the prior N(0, 1 / delta),
and N data of mean loss f. Natural-gradient descent on N E_q[f] + KL(q || prior) is
(VON, here `von`)

    s  <- (1 - rho) s + rho E_q[second derivative of f],
    mu <- mu - rho (E_q[gradient of f] + delta mu / N) / (s + delta / N);

with g^2 in the place of the second derivative, the moving averages of Adam, and one
sample theta ~ q in the place of the expectations, Vadam (`vadam`).

There is no public code of BaLeNAS. Vadam is as its authors published it. How it
meets DARTS is a reconstruction: the architect takes a step of Vadam on the validation
loss of the mixture softmax(theta); a weight step draws a theta of its own. N and delta
are such that the prior's pull delta / N is the weight decay of DARTS, 1e-3, for the
25,000 images that move alphas there; the first standard deviation is the prior's, 0.2.

`BALENAS` returns the strongest options of mu. `BALENAS_TF` draws architectures from q
and keeps the one that a zero-cost proxy likes best; how many, and which proxy, are a
reconstruction.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, Protocol, cast

import torch
from torch import Tensor

from benchsuite.estimators.zero_cost import PROXIES, Proxy
from benchsuite.spaces import Architecture
from benchsuite.supernet.mixture import Layout, Mixture
from benchsuite.supernet.network import Network
from benchsuite.supernet.search import (
    ABSENT,
    Alphas,
    Batch,
    Method,
    Moment,
    Search,
    by_softmax,
    in_the_end,
    small_normal,
)
from benchsuite.supernet.steps import train_weights


class Belief(NamedTuple):
    """A Gaussian under way, entry by entry.

    Attributes:
        mean: mu.
        curvature: s; the precision is N s + delta.
        momentum: m, the moving average of gradients.
        steps: t, how many were taken.
    """

    mean: Tensor
    curvature: Tensor
    momentum: Tensor
    steps: int = 0


class Update(Protocol):
    """A rule by which a belief moves."""

    def __call__(
        self,
        belief: Belief,
        gradient: Tensor,
        *,
        rate: float,
        data: float,
        decay: float,
    ) -> Belief:
        """Take a step.

        Args:
            belief: Is not changed.
            gradient: Of the mean loss, at a sample.
            rate: How far to go.
            data: N, how many data the loss is a mean of.
            decay: delta, the precision of the prior.
        """


def vadam(
    belief: Belief,
    gradient: Tensor,
    *,
    rate: float,
    data: float,
    decay: float,
    betas: tuple[float, float] = (0.5, 0.999),  # those of DARTS
) -> Belief:
    """Variational Adam; Khan et al., 2018, figure 1.

    Adam, but for the pull of the prior, which is in the gradients' average and not in
    that of their squares, and for delta / N, which is added to the root.
    """
    first, second = betas
    steps = belief.steps + 1
    pulled = gradient + decay / data * belief.mean
    momentum = first * belief.momentum + (1 - first) * pulled
    curvature = second * belief.curvature + (1 - second) * gradient.square()
    root = (curvature / (1 - second**steps)).sqrt()
    ahead = momentum / (1 - first**steps) / (root + decay / data)
    return Belief(belief.mean - rate * ahead, curvature, momentum, steps)


def von(
    belief: Belief,
    gradient: Tensor,
    second: Tensor | None = None,
    *,
    rate: float,  # rho
    data: float,
    decay: float,
) -> Belief:
    """Variational online Newton; Khan et al., 2018, eq. 8 and 9.

    `second` is the second derivative; without it the squared gradient stands in.
    """
    second = gradient.square() if second is None else second
    curvature = (1 - rate) * belief.curvature + rate * second
    pulled = gradient + decay / data * belief.mean
    mean = belief.mean - rate * pulled / (curvature + decay / data)
    return Belief(mean, curvature, belief.momentum, belief.steps + 1)


def gaussian(
    layout: Layout, generator: torch.Generator, *, precision: float = 25.0
) -> Alphas:
    """Begin with means "operations" and "precisions", [D, C] each."""
    means = small_normal(layout, generator)["operations"]
    precisions = torch.full_like(means, precision)
    return Alphas({"operations": means, "precisions": precisions}, layout)


def perturbed(
    alphas: Alphas, moment: Moment, generator: torch.Generator
) -> list[Mixture]:
    """Mix by the softmax of a sample; its gradient by the means is that by the sample.

    theta = mu + epsilon / sqrt(precision), epsilon ~ N(0, 1), drawn on the host.
    """
    means, precisions = alphas["operations"], alphas["precisions"].detach()
    noise = torch.randn(means.shape, generator=generator, dtype=means.dtype)
    theta = means + noise.to(means.device) / precisions.sqrt()
    return [Mixture(theta.softmax(-1), alphas.layout.options)]


def natural_gradient(
    search: Search,
    train: Batch,
    valid: Batch,
    *,
    update: Update = vadam,
    data: float = 25_000,  # N
    decay: float = 25.0,  # delta
) -> None:
    """Move the distribution of alphas by the validation loss at a sample of theirs.

    The rate is that of the alpha optimizer, which itself does nothing.
    """
    means, precisions = search.alphas["operations"], search.alphas["precisions"]
    (mixture,) = search.relax()
    (gradient,) = search.gradient(search.loss(valid, mixture), [means])
    with torch.no_grad():
        before = search.memory.get("belief") or {
            "curvature": (precisions - decay) / data,
            "momentum": torch.zeros_like(means),
            "steps": 0,
        }
        belief = Belief(
            means.detach(),
            before["curvature"].to(means),
            before["momentum"].to(means),
            before["steps"],
        )
        (group,) = search.alpha_optimizer.param_groups
        after = update(belief, gradient, rate=group["lr"], data=data, decay=decay)
        there = means > ABSENT / 2
        means.copy_(after.mean.where(there, means))
        precisions.copy_(data * after.curvature + decay)
    search.memory["belief"] = {
        "curvature": after.curvature,
        "momentum": after.momentum.where(there, 0.0),
        "steps": after.steps,
    }


def by_proxy(
    proxy: Proxy = PROXIES["synflow"], *, samples: int = 100
) -> Callable[[Search], Architecture]:
    """Draw architectures in the last epoch, and take what a proxy scores highest.

    Before, and of equal scores, it is what the means are strongest in. A single sample
    is taken as it is. Networks are scored alone and untrained, with the same random
    numbers and the first batch of the validation images.
    """
    return in_the_end(lambda search: _select(search, proxy, samples))


def _select(search: Search, proxy: Proxy, samples: int) -> Architecture:
    """Draw, judge every architecture once, and take the best, the first of equals."""
    drawn = [search.derive(search.relax()[0].weights.detach()) for _ in range(samples)]
    if samples == 1:
        return drawn[0]
    net = cast(Network, search.supernet)
    images, labels = next(iter(search.valid.whole()))
    seed = int(torch.randint(1 << 62, (), generator=search.generator))

    def score(arch: Architecture) -> float:
        source = torch.Generator().manual_seed(seed)
        alone = net.alone(arch, source).to(images)
        found = proxy(alone, images, labels, source)
        return -math.inf if math.isnan(found) else found

    return max(dict.fromkeys([by_softmax(search), *drawn]), key=score)


BALENAS = Method(
    relax=perturbed, steps=(natural_gradient, train_weights), alphas=gaussian
)
BALENAS_TF = replace(BALENAS, derive=by_proxy(), needs=frozenset({"weights"}))
