"""ENAS: a controller draws architectures, and learns from what they are worth.

Pham, Guan, Zoph, Le & Dean, "Efficient Neural Architecture Search via Parameter
Sharing", ICML 2018. https://arxiv.org/abs/1802.03268

An LSTM decides one decision after another; what it decided is its next input. It is
trained by REINFORCE,

    grad = -(R - b) grad log p(a),   R = accuracy of a on a validation batch + w H,

with a moving average b of the rewards R, and the entropy H of the decisions on the way
to a, which counts as reward. Its weights stand in the place of alphas.

What differs here. In the paper an epoch of weights alternates with a phase of the
controller; here a step of weights alternates with a step of the controller, so that a
search can stop between any two pairs of batches. One architecture is drawn for a step
of either. The paper's controller also picks the inputs of a node; here the edges are
the space's, and all decisions share embeddings and readout: option c means the same in
each of them. Where a space keeps two edges into a node, those are kept whose operations
were the likeliest (reconstruction). w and the moving average are those of the authors'
published scripts; Adam's betas and epsilon are a reconstruction.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.optimizer import ParamsT

from benchsuite.spaces import Architecture
from benchsuite.supernet.mixture import Layout, Mixture
from benchsuite.supernet.relax import gumbel_noise
from benchsuite.supernet.search import ABSENT, Alphas, Batch, Moment, Search
from benchsuite.supernet.steps import accumulate


class Drawn(NamedTuple):
    """An architecture of a controller.

    Attributes:
        chosen: int64 [D], an option of every decision.
        log_probabilities: [D], of that option, given those before.
        entropy: [], of all the decisions on the way.
    """

    chosen: Tensor
    log_probabilities: Tensor
    entropy: Tensor


def controller(
    layout: Layout, generator: torch.Generator, *, hidden: int = 100
) -> Alphas:
    """Draw the weights of an LSTM of `hidden` units from [-0.1, 0.1]."""
    c, h = layout.width, hidden
    shapes = {
        "start": (h,),
        "embeddings": (c, h),
        "input": (4 * h, h),
        "recurrence": (4 * h, h),
        "readout": (c, h),
    }
    drawn = {
        name: 0.2 * torch.rand(shape, generator=generator) - 0.1
        for name, shape in shapes.items()
    }
    return Alphas(drawn, layout)


def draw(alphas: Alphas, generator: torch.Generator) -> Drawn:
    """Draw every decision from the controller's distribution: Gumbel-max."""
    shape = len(alphas.layout.options), alphas.layout.width
    noise = gumbel_noise(alphas["readout"].new_empty(shape), generator)
    return unroll(alphas, lambda d, logp: (logp + noise[d]).argmax(0, keepdim=True))


def unroll(
    alphas: Alphas,
    choose: Callable[[int, Tensor], Tensor],
    *,
    temperature: float = 5.0,
    bound: float = 2.5,  # the tanh constant
) -> Drawn:
    """Run the controller over all decisions.

    Args:
        alphas: Its weights.
        choose: From a decision and log probabilities [C] to an option, int64 [1].
        temperature: Divides logits.
        bound: Logits are in [-bound, bound].
    """
    layout, x = alphas.layout, alphas["start"]
    absent = _absent(layout).to(x)
    h = cell = torch.zeros_like(x)
    chosen, terms, entropies = [], [], []
    for d in range(len(layout.options)):
        gates = alphas["input"] @ x + alphas["recurrence"] @ h
        enter, forget, leave, new = gates.chunk(4)
        cell = forget.sigmoid() * cell + enter.sigmoid() * new.tanh()
        h = leave.sigmoid() * cell.tanh()
        logits = bound * (alphas["readout"] @ h / temperature).tanh() + absent[d]
        logp = F.log_softmax(logits, -1)
        c = choose(d, logp.detach())
        x = alphas["embeddings"].index_select(0, c).squeeze(0)
        chosen.append(c)
        terms.append(logp.gather(0, c))
        entropies.append(-(logp.exp() * logp).sum())
    return Drawn(torch.cat(chosen), torch.cat(terms), torch.stack(entropies).sum())


def _absent(layout: Layout) -> Tensor:
    """[D, C], `ABSENT` for what is no option and 0 elsewhere."""
    mask = torch.full((len(layout.options), layout.width), ABSENT)
    for d, options in enumerate(layout.options):
        mask[d, list(options)] = 0.0
    return mask


def sampled(
    alphas: Alphas, moment: Moment, generator: torch.Generator
) -> list[Mixture]:
    """Run the single path that the controller draws."""
    with torch.no_grad():
        return [_path(draw(alphas, generator), alphas)]


def _path(drawn: Drawn, alphas: Alphas) -> Mixture:
    like = alphas["readout"].new_empty(len(drawn.chosen), alphas.layout.width)
    return Mixture.path(tuple(drawn.chosen.tolist()), like=like)


def reinforce(
    search: Search,
    train: Batch,
    valid: Batch,
    *,
    entropy_weight: float = 1e-4,
    decay: float = 0.99,  # of the baseline
) -> None:
    """Move the controller towards what is accurate on a validation batch.

    The baseline is that of the rewards before, so that the gradient has no bias; it
    starts with the first of them.
    """
    drawn = draw(search.alphas, search.generator)
    with torch.no_grad():
        error = search.loss(valid, _path(drawn, search.alphas), objective=search.error)
        reward = 1 - error + entropy_weight * drawn.entropy
    baseline = search.memory.get("baseline", reward)
    loss = (baseline - reward) * drawn.log_probabilities.sum()
    search.memory["baseline"] = decay * baseline + (1 - decay) * reward
    search.alpha_optimizer.zero_grad()
    accumulate(search, loss, search.alphas.values())
    search.alpha_optimizer.step()


@torch.no_grad()
def by_controller(search: Search) -> Architecture:
    """Draw an architecture; see `best_of`."""
    drawn = draw(search.alphas, search.generator)
    likely = drawn.log_probabilities.exp()
    hot = F.one_hot(drawn.chosen, search.layout.width)
    return search.derive(hot * likely.unsqueeze(1))


def controller_adam(params: ParamsT) -> torch.optim.Optimizer:
    """What trains the controller."""
    return torch.optim.Adam(params, lr=3.5e-4, betas=(0.0, 0.999), eps=1e-3, fused=True)


def restarts(
    moment: Moment,
    *,
    start: float = 0.05,
    end: float = 0.001,
    period: int = 10,  # T_0
    factor: int = 2,  # T_mul
) -> float:
    """Cosine annealing with warm restarts. Loshchilov & Hutter, "SGDR", ICLR 2017.

    Example:
        >>> [round(restarts(Moment(e, 310)), 3) for e in (0, 5, 10, 20, 30)]
        [0.05, 0.026, 0.05, 0.026, 0.05]
    """
    epoch = moment.epoch
    while epoch >= period:
        epoch, period = epoch - period, period * factor
    return end + (start - end) * (1 + math.cos(math.pi * epoch / period)) / 2
