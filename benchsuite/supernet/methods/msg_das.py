"""MSG-DAS: K paths that share no operation, and the whole supernet as their teacher.

Tan et al., "Mutually-aware Sub-Graphs Differentiable Architecture Search".
https://arxiv.org/abs/2107.04324

Between DARTS, which runs everything, and GDAS, which runs one path: the K largest of
one Gumbel draw on every edge, the k-th of all edges making the k-th path. Paths run one
after another, and their gradients are accumulated, so that memory is that of one.

Reconstruction: there is no public code, and no published number is certain; all but the
three ideas of the abstract (exclusive paths, distillation, DropBlock on identities) was
filled in here: K = 2, weight and temperature of the distillation, blocks of three, of
which up to a tenth is dropped. All else is as in GDAS.
"""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from benchsuite.supernet import relax
from benchsuite.supernet.mixture import Mixture
from benchsuite.supernet.search import Alphas, Batch, Moment, Objective, Search


def exclusive(
    alphas: Alphas,
    moment: Moment,
    generator: torch.Generator,
    *,
    paths: int = 2,  # K
    hottest: float = 10.0,  # tau, linear
    coldest: float = 0.1,
    dropped: float = 0.1,  # of what identities pass on, at the end; from 0, linear
    block: int = 3,
) -> list[Mixture]:
    """Draw K paths without replacement: ordered picks are Plackett-Luce.

    The k-th path has the gradient of a softmax over what was not picked before. A
    decision with fewer than K options begins anew when all of them were picked. With
    K = 1 and nothing dropped it is `relax.gumbel`.
    """
    tau = hottest + (coldest - hottest) * moment.progress
    logits, options = alphas["operations"], alphas.layout.options
    noisy = logits + relax.gumbel_noise(logits, generator)
    order = noisy.argsort(-1, descending=True).tolist()  # the one read
    share = dropped * moment.progress
    identity = partial(drop_block, share=share, block=block, generator=generator)
    mixtures = []
    for k in range(paths):
        picked = torch.zeros(noisy.shape, dtype=torch.bool)
        for d, allowed in enumerate(options):
            n = len(allowed)
            picked[d, order[d][: k % n]] = True
        chosen = tuple(order[d][k % len(options[d])] for d in range(len(options)))
        hidden = noisy.masked_fill(picked.to(noisy.device), -torch.inf)
        index = torch.tensor(chosen, device=noisy.device)
        weights = relax.straight_through(index, (hidden / tau).softmax(-1))
        active = tuple((c,) for c in chosen)
        mixtures.append(Mixture(weights, active, identity=identity if share else None))
    return mixtures


def distilled(
    search: Search, batch: Batch, *, weight: float = 1.0, temperature: float = 4.0
) -> Objective:
    """Add weight T^2 KL(softmax(z/T) | softmax(f/T)), with the supernet's logits z.

    The teacher is the mixture of everything by softmax(alpha); it runs once for all
    paths of a step, keeps nothing for a backward pass, and changes no buffer.
    """
    if not search.weights:  # a table
        return search.objective
    with torch.no_grad():
        (whole,) = relax.softmax(search.alphas, search.moment, search.generator)
        teacher = search.loss(batch, whole, objective=_logits) / temperature

    def objective(network: Callable[[Tensor], Tensor], batch: Batch) -> Tensor:
        student = network(batch[0])
        loss = search.objective(lambda images: student, batch)
        apart = divergence(teacher, student / temperature)
        return loss + weight * temperature**2 * apart

    return objective


def divergence(teacher: Tensor, student: Tensor) -> Tensor:
    """Average KL(softmax(teacher) | softmax(student)); both are logits [B, K]."""
    return F.kl_div(
        student.log_softmax(-1),
        teacher.log_softmax(-1),
        reduction="batchmean",
        log_target=True,
    )


def drop_block(
    x: Tensor, *, share: float, block: int, generator: torch.Generator
) -> Tensor:
    """Drop squares of x [B, C, H, W], and scale what is left up to the same sum.

    Ghiasi, Lin & Le, "DropBlock: A Regularization Method for Convolutional Networks",
    NeurIPS 2018, algorithm 1. Squares are the same for all channels of an image
    (reconstruction), and overlap, so that less than `share` is dropped.

    Args:
        x: Images.
        share: p, which would be dropped if squares did not overlap.
        block: The side of a square; at most that of the image.
        generator: On the host.
    """
    batch, _, height, width = x.shape
    side = min(block, height, width)
    places = (height - side + 1) * (width - side + 1)
    gamma = share / side**2 * height * width / places
    corners = torch.rand(
        (batch, 1, height - side + 1, width - side + 1), generator=generator
    )
    hit = (corners < gamma).to(x)
    hit = F.pad(hit, (side - 1,) * 4)
    kept = 1 - F.max_pool2d(hit, side, stride=1)
    return x * (kept / kept.mean().clamp_min(1e-6))


def _logits(network: Callable[[Tensor], Tensor], batch: Batch) -> Tensor:
    return network(batch[0])
