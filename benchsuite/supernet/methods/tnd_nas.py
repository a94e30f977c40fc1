"""TND-NAS: alphas of a supernet that shrinks, moved by whatever can be measured.

Lyu & Wen, "TND-NAS: Towards Non-Differentiable Objectives in Differentiable Neural
Architecture Search", ICPRAM 2022. https://arxiv.org/abs/2111.03892
Progress: Chen, Xie, Wu & Tian, "Progressive Differentiable Architecture Search:
Bridging the Depth Gap between Search and Evaluation" (P-DARTS), ICCV 2019.
https://arxiv.org/abs/1904.12760

Weights learn with the softmax of alphas, as in DARTS. Alphas learn by REINFORCE from
architectures a that are drawn from them, without a controller:

    grad = -1/B sum over B draws of (R(a) - b) sum over d of (onehot(a_d) - softmax_d)

R is the accuracy of a on a validation batch, with the weights it inherits, times
(cost / T)^omega where an objective is set: see `Preference`. It is looked at and never
differentiated, so that the cost may be a count, or be read off a table. b is a moving
average of R. A Pareto set comes from a sweep of omega.

A search has three stages of as many epochs. In each, weights and alphas begin anew, and
the first 40 % of the epochs move weights only. Of eight operations on an edge, the five
and then the three with the largest softmax are left, and the network has 5, 11 and 17
cells instead of 8; elsewhere the same shares. A network whose depth is fixed is not
deepened, and a relaxed table has only options to lose.

No code was published. The abstract has policy gradients on alphas without a controller,
weights that learn with the relaxation, and a space that shrinks. The rest is a
reconstruction: schedule, rates and dropout are those of P-DARTS, the reward is
MnasNet's, and B and the moving average are usual. P-DARTS's limit of two skip
connections in the normal cell is left out.

Where a rule keeps two of the edges into a node, what is drawn is judged, and priced, as
what the rule makes of it: those edges stay whose operations are the likeliest; if fewer
than two were drawn to have one, the likeliest of the others.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from benchsuite.spaces import Architecture
from benchsuite.supernet import relax
from benchsuite.supernet.derive import leaves_edges_out
from benchsuite.supernet.mixture import Layout, Mixture
from benchsuite.supernet.search import (
    Alphas,
    Batch,
    Method,
    Moment,
    Search,
    Step,
    adam,
    cosine,
)
from benchsuite.supernet.steps import accumulate, train_weights

_STAGES = 3
_WARM = 0.4  # of a stage: 10 of 25 epochs


def in_stage(moment: Moment) -> tuple[int, Moment]:
    """Tell which stage it is, from 0, and where it stands in it.

    Example:
        >>> in_stage(Moment(24, 75)), in_stage(Moment(25, 75))
        ((0, Moment(epoch=24, epochs=25)), (1, Moment(epoch=0, epochs=25)))
        >>> [in_stage(Moment(epoch, 4))[0] for epoch in range(4)]
        [0, 0, 1, 2]
    """
    stage = _STAGES * moment.epoch // moment.epochs
    start, end = (-(-n * moment.epochs // _STAGES) for n in (stage, stage + 1))
    return stage, Moment(moment.epoch - start, end - start)


def warm_epochs(stage: Moment) -> int:
    """How many epochs of a stage move weights only."""
    return int(_WARM * stage.epochs)


def cosine_in_stage(moment: Moment) -> float:
    """Anneal the learning rate of the weights to 0 in every stage."""
    return cosine(in_stage(moment)[1], end=0.0)


# --- Stages ---------------------------------------------------------------------------


def begin_stage(
    search: Search,
    *,
    kept: Sequence[float] = (1, 5 / 8, 3 / 8),  # of the options: 8, 5 and 3
    depths: Sequence[float] = (5 / 8, 11 / 8, 17 / 8),  # of the cells: 5, 11 and 17
) -> None:
    """Drop the weakest options at the start of a stage, deepen, and begin anew.

    The network that a search starts with is the measure of those of the stages. Whether
    it fits into memory is checked before; a stage of DARTS takes a twentieth more at
    most.
    """
    stage, (epoch, _) = in_stage(search.moment)
    if epoch:
        return
    cells = search.memory.setdefault("cells", search.supernet.options.get("cells"))
    changes = {} if cells is None else {"cells": max(1, round(cells * depths[stage]))}
    search.memory.pop("baseline", None)  # that of weights that had learned
    search.restart(strongest_options(search, kept[stage]), **changes)


def strongest_options(search: Search, share: float) -> Layout:
    """Keep the options of every decision that have the largest softmax.

    What was dropped before stays so, and options keep their order.

    Args:
        search: Whose alphas are looked at.
        share: Of the options that the space has; at least one is kept. If it is only
            one, and the rule leaves edges out by itself, then it is not "none".
    """
    before = search.alphas.layout
    spares = leaves_edges_out(search.supernet.rule, search.layout)
    scores = search.alphas["operations"].detach().softmax(-1).tolist()

    def strongest(d: int) -> tuple[int, ...]:
        number = max(1, round(share * len(search.layout.options[d])))
        options = [c for c in before.options[d] if c or number > 1 or not spares]
        ranked = sorted(options, key=lambda c: -scores[d][c])
        return tuple(sorted(ranked[:number]))

    left = tuple(strongest(d) for d in range(len(before.options)))
    return before._replace(options=left)


# --- Alphas ---------------------------------------------------------------------------


def reinforce(
    search: Search,
    train: Batch,
    valid: Batch,
    *,
    samples: int = 4,  # B
    decay: float = 0.99,  # of the baseline
    entropy_weight: float = 0.0,
) -> None:
    """Move alphas towards what is rewarded on a validation batch.

    The baseline is that of the rewards before, so that the gradient has no bias; it
    starts with the first of them. All draws take one read from the device.
    """
    logits = search.alphas["operations"]
    p = logits.detach().softmax(-1).cpu()
    chosen = torch.multinomial(p, samples, True, generator=search.generator)
    archs = [discretised(search, each, p) for each in chosen.unbind(1)]
    accuracies = 1 - torch.stack([search.error_on(valid, arch) for arch in archs])
    rewards = accuracies * accuracies.new_tensor(list(map(worth(search), archs)))
    mean = rewards.mean()
    baseline = search.memory.get("baseline", mean)
    search.memory["baseline"] = decay * baseline + (1 - decay) * mean
    loss = surrogate(logits, chosen.to(logits.device), rewards - baseline)
    if entropy_weight:
        loss = loss - entropy_weight * entropy(logits)
    search.alpha_optimizer.zero_grad()
    accumulate(search, loss, search.alphas.values())
    search.alpha_optimizer.step()


def surrogate(logits: Tensor, chosen: Tensor, advantages: Tensor) -> Tensor:
    """-1/B sum over B of advantage * log p(a): its gradient is the one above.

    Args:
        logits: [D, C].
        chosen: int64 [D, B], options.
        advantages: [B], of rewards over the baseline.
    """
    taken = F.log_softmax(logits, -1).gather(-1, chosen)
    return -(advantages * taken.sum(0)).mean()


def entropy(logits: Tensor) -> Tensor:
    """That of the architectures that are drawn, [], in nats."""
    logp = F.log_softmax(logits, -1)
    return -(logp.exp() * logp).sum()


def discretised(search: Search, chosen: Tensor, p: Tensor) -> Architecture:
    """Apply the network's rule to what was drawn.

    Args:
        search: Whose rule it is.
        chosen: int64 [D], an option of every decision.
        p: [D, C], their probabilities: what was drawn comes before all that was not,
            and either in the order of its probability.
    """
    return search.derive(p + torch.eye(p.shape[-1])[chosen])


def worth(search: Search) -> Callable[[Architecture], float]:
    """By what the accuracy of an architecture is multiplied."""
    if search.preference is None:
        return lambda arch: 1.0
    return search.preference.factor


def after_warm_up(step: Step) -> Step:
    """Leave `step` out of the first epochs of a stage, whose weights know nothing."""

    def late(search: Search, train: Batch, valid: Batch) -> None:
        _, stage = in_stage(search.moment)
        if stage.epoch >= warm_epochs(stage):
            step(search, train, valid)

    return late


# --- Weights --------------------------------------------------------------------------


class Dropout:
    """Drops pixels of what an identity passes on; draws by itself, from a seed."""

    def __init__(self, rate: float, seed: int) -> None:
        self.rate, self._seed = rate, seed
        self._source: torch.Generator | None = None

    def __call__(self, x: Tensor) -> Tensor:
        """Set a share of x to zero, and divide the rest by what is left of it."""
        if self._source is None:
            self._source = torch.Generator(x.device).manual_seed(self._seed)
        kept = torch.empty_like(x).bernoulli_(1 - self.rate, generator=self._source)
        return x * kept / (1 - self.rate)


def softmax_with_dropout(
    alphas: Alphas,
    moment: Moment,
    generator: torch.Generator,
    *,
    rates: Sequence[float] = (0.1, 0.4, 0.7),  # by stage; (0, 0, 0) is plain softmax
) -> list[Mixture]:
    """P-DARTS: a convex mixture, in which skip connections are made worse.

    The rate of a stage decays: linearly while alphas rest, then exponentially, by
    exp(-0.2) an epoch in the published 25. The rates are those of its authors' command.
    """
    (mixture,) = relax.softmax(alphas, moment, generator)
    seed = int(torch.randint(1 << 62, (), generator=generator))
    number, stage = in_stage(moment)
    rate = rates[number] * decayed(stage)
    return [replace(mixture, identity=Dropout(rate, seed))]


def decayed(stage: Moment) -> float:
    """What is left of a stage's dropout.

    Example:
        >>> [round(decayed(Moment(e, 25)), 3) for e in (0, 9, 10, 15, 24)]
        [0.96, 0.6, 1.0, 0.368, 0.061]
    """
    late = stage.epoch - warm_epochs(stage)
    if late < 0:
        return 1 - (stage.epoch + 1) / stage.epochs
    return math.exp(-5 * late / stage.epochs)


TND_NAS = Method(
    relax=softmax_with_dropout,
    steps=(after_warm_up(reinforce), train_weights),
    on_epoch=begin_stage,
    alpha_optimizer=partial(adam, lr=6e-4),
    learning_rate=cosine_in_stage,
    epochs=75,
    batch_size=96,
    weighs_costs=True,
)
"""The record of the method."""
