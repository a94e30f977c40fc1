"""From alphas to mixtures: where one-shot methods differ most.

Every function maps (alphas, moment, generator) to the mixtures of one step. Those that
sample read what they drew once, so that the host knows what to run.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from benchsuite.supernet.mixture import Mixture
from benchsuite.supernet.search import ABSENT, Alphas, Moment, edge_softmax


def softmax(
    alphas: Alphas, moment: Moment, generator: torch.Generator
) -> list[Mixture]:
    """DARTS: a convex mixture of everything. Liu et al., ICLR 2019, eq. 2.

    With logits of edges, PC-DARTS: edges into a node are mixed too. Xu et al., ICLR
    2020, eq. 4.
    """
    weights = alphas["operations"].softmax(-1)
    return [Mixture(weights, alphas.layout.options, edge_softmax(alphas))]


def dirichlet(
    alphas: Alphas, moment: Moment, generator: torch.Generator
) -> list[Mixture]:
    """DrNAS: a random mixture, Dir(elu(alpha) + 1). Chen et al., ICLR 2021."""
    logits = alphas["operations"]
    there = logits > ABSENT / 2
    gamma = torch._standard_gamma(F.elu(logits.where(there, 0.0)) + 1, generator)
    gamma = gamma * there
    weights = gamma / gamma.sum(-1, keepdim=True)
    return [Mixture(weights, alphas.layout.options)]


def gumbel(
    alphas: Alphas,
    moment: Moment,
    generator: torch.Generator,
    *,
    hottest: float = 10.0,  # tau, linear
    coldest: float = 0.1,
    unselected_gradient: bool = False,
) -> list[Mixture]:
    """GDAS: one operation an edge, drawn with softmax(alpha). Dong & Yang, CVPR 2019.

    With p = softmax((alpha + Gumbel noise) / tau) and c = argmax p, the weights are
    one_hot(c) in value and have the gradient of p. Only c runs. As published for
    NAS-Bench-201, with `unselected_gradient`, the weights of the others are added to
    the edge's output: zero, but for the gradient.
    """
    tau = hottest + (coldest - hottest) * moment.progress
    noisy = alphas["operations"] + gumbel_noise(alphas["operations"], generator)
    p = (noisy / tau).softmax(-1)
    chosen = p.argmax(-1)
    weights = straight_through(chosen, p)
    residue = None
    if unselected_gradient:
        residue = weights.sum(-1) - weights.gather(-1, chosen.unsqueeze(-1)).squeeze(-1)
    return [Mixture(weights, _one_each(chosen), residue=residue)]


def uniform(
    alphas: Alphas, moment: Moment, generator: torch.Generator
) -> list[Mixture]:
    """SPOS: one operation an edge, drawn uniformly. Guo et al., ECCV 2020."""
    draws = torch.rand(len(alphas.layout.options), generator=generator).tolist()
    chosen = tuple(
        options[int(u * len(options))]
        for u, options in zip(draws, alphas.layout.options, strict=True)
    )
    return [Mixture.path(chosen, like=alphas["operations"])]


def straight_through(chosen: Tensor, p: Tensor) -> Tensor:
    """One-hot [D, C] in value, exactly; the gradient is that of p [D, C]."""
    hot = torch.zeros_like(p).scatter(-1, chosen.unsqueeze(-1), 1.0)
    return hot + (p - p.detach())


def gumbel_noise(like: Tensor, generator: torch.Generator) -> Tensor:
    """Draw -log Exp(1), which is standard Gumbel."""
    return -torch.empty_like(like).exponential_(generator=generator).log()


def _one_each(chosen: Tensor) -> tuple[tuple[int, ...], ...]:
    """Tell the host what was drawn; chosen [D]."""
    return tuple((c,) for c in chosen.tolist())
