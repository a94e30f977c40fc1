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


def sigmoid(
    alphas: Alphas, moment: Moment, generator: torch.Generator
) -> list[Mixture]:
    """FairDARTS: every operation has a gate of its own. Chu et al., ECCV 2020, eq. 2.

    Weights of an edge do not sum to one: operations do not compete.
    """
    return [Mixture(alphas["operations"].sigmoid(), alphas.layout.options)]


def dirichlet(
    alphas: Alphas, moment: Moment, generator: torch.Generator
) -> list[Mixture]:
    """DrNAS: a random mixture, Dir(elu(alpha) + 1). Chen et al., ICLR 2021."""
    logits = alphas["operations"]
    there = logits > ABSENT / 2
    concentration = F.elu(logits.where(there, 0.0)) + 1
    gamma = torch._standard_gamma(concentration.cpu(), generator).to(logits) * there
    weights = gamma / gamma.sum(-1, keepdim=True)
    return [Mixture(weights, alphas.layout.options)]


def concrete(
    alphas: Alphas,
    moment: Moment,
    generator: torch.Generator,
    *,
    hottest: float = 1.0,  # tau, lambda in the paper; linear
    coldest: float = 0.03,
) -> list[Mixture]:
    """SNAS: a random mixture, softmax((alpha + Gumbel noise) / tau). Xie et al., 2019.

    "SNAS: Stochastic Neural Architecture Search", ICLR 2019, eq. 4. Everything runs;
    the sample tends to one-hot as tau falls. The paper anneals tau and does not say
    from where to where. 1 and 0.03 are the authors' published code's; that the first
    and the last epoch have them is a reconstruction.
    """
    tau = hottest + (coldest - hottest) * moment.progress
    noisy = alphas["operations"] + gumbel_noise(alphas["operations"], generator)
    return [Mixture((noisy / tau).softmax(-1), alphas.layout.options)]


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


def strictly_fair(
    alphas: Alphas, moment: Moment, generator: torch.Generator
) -> list[Mixture]:
    """FairNAS: C single paths that use every operation of a decision exactly once.

    Chu, Zhang & Xu, "FairNAS", ICCV 2021, algorithm 1: path k takes the k-th entry of a
    permutation that every decision draws for itself.

    The paper's decisions have as many options each. Reconstruction: where a decision
    has fewer than the widest, further permutations follow its first; an option is then
    used once more than another at most, and equally often on average.
    """
    options = alphas.layout.options
    paths = max(map(len, options))
    noise = torch.rand((paths, len(options), paths), generator=generator).tolist()

    def order(d: int) -> list[int]:
        entries: list[int] = []
        for row in noise:
            if len(entries) < paths:
                keys = dict(zip(options[d], row[d], strict=False))
                entries += sorted(options[d], key=keys.__getitem__)
        return entries[:paths]

    columns = map(order, range(len(options)))
    return [
        Mixture.path(chosen, like=alphas["operations"])
        for chosen in zip(*columns, strict=True)
    ]


def straight_through(chosen: Tensor, p: Tensor) -> Tensor:
    """One-hot [D, C] in value, exactly; the gradient is that of p [D, C]."""
    hot = torch.zeros_like(p).scatter(-1, chosen.unsqueeze(-1), 1.0)
    return hot + (p - p.detach())


def gumbel_noise(like: Tensor, generator: torch.Generator) -> Tensor:
    """Draw -log Exp(1), which is standard Gumbel, on the host; shaped as `like`."""
    draws = torch.empty(like.shape, dtype=like.dtype)
    return -draws.exponential_(generator=generator).log().to(like.device)


def _one_each(chosen: Tensor) -> tuple[tuple[int, ...], ...]:
    """Tell the host what was drawn; chosen [D]."""
    return tuple((c,) for c in chosen.tolist())
