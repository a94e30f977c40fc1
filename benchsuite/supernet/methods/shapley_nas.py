"""Shapley-NAS: alphas follow what operations contribute to the accuracy.

Xiao et al., "Shapley-NAS: Discovering Operation Contribution for Neural Architecture
Search", CVPR 2022. https://arxiv.org/abs/2206.09811

Every operation of every decision is a player of a game whose value is the accuracy of
the supernet with only a coalition's operations. Shapley values,

    phi_i = sum over S without i of |S|! (n - |S| - 1)! / n! (v(S and i) - v(S)),

are estimated over random orders in which the players leave. Weights train alone for
half of the epochs; then, at every epoch's start,

    s <- momentum s + (1 - momentum) z(mean phi - std phi),   alpha <- alpha + step s,

with z = (x - mean) / std over the cells of a kind. No optimiser moves alphas.

In `SHAPLEY_NAS`, as in the authors' code, what is left of a mixture keeps its weights
and is not normalised again: the batch normalisation that follows makes up for it. On a
relaxed table nothing does, and removing an operation removes the probability that it
is drawn. `SHAPLEY_NAS_RENORMALISED` gives what is left of a decision its whole weight.

What differs here. Coalitions are always normalised by the batch, and change no buffer;
the authors' code runs them in the mode that the epoch before has left. Alphas are in no
gradient's norm. The published network has partial channels (K = 4), without weights of
edges. Networks here are whole, as only some have partial channels
(`replace(SHAPLEY_NAS, network={"partial": 4})` is a search with them).

The published network has no operation "none". Where mixtures have it, it is a player as
any other (reconstruction). In a network it contributes nothing, and that for certain: z
ranks it above all operations whose contributions are less than their deviation. On
NAS-Bench-201, where an edge may end as "none", that can be all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from benchsuite.supernet import relax
from benchsuite.supernet.mixture import Active, Layout, Mixture, Statistics
from benchsuite.supernet.search import Batch, Method, Search, cosine
from benchsuite.supernet.steps import train_weights

Coalition = frozenset[int]
"""Players by their number."""
Value = Callable[[int, Coalition], Tensor]
"""(number of an order, players that are left) -> what they are worth, []."""
Restriction = Callable[[Mixture, Active], Mixture]
"""(mixture, what is left of it) -> what runs."""


def by_shapley(
    restrict: Restriction,
    *,
    pretraining: float = 0.5,  # of the epochs
    samples: int = 10,  # M, orders
    batches: int = 4,  # of an order; of 256 images, the paper's 1,024
    truncation: float = 0.5,
    caution: float = 1.0,  # standard deviations that are taken off the mean
    momentum: float = 0.8,
    step: float = 0.1,
) -> Callable[[Search], None]:
    """Make what moves alphas at the start of an epoch.

    `search.memory["shapley"]` has the smoothed values, the mean and the standard
    deviation of the last estimates, each [D, C], and how many coalitions were evaluated
    in all.
    """

    @torch.no_grad()
    def on_epoch(search: Search) -> None:
        if search.moment.epoch < pretraining * search.moment.epochs:
            return
        alphas, there = search.alphas["operations"], search.layout.there
        before = search.memory.get("shapley")
        if before is None:
            noise = 1e-3 * torch.randn(there.shape, generator=search.generator)
            before = {"smoothed": noise * there, "evaluated": 0}
        phi, evaluated = estimate(search, restrict, samples, batches, truncation)
        mean, std = phi.mean(0), phi.std(0, correction=0)
        z = standardised(mean - caution * std, search.layout)
        smoothed = before["smoothed"].lerp(z.float(), 1 - momentum)
        alphas.add_(smoothed.to(alphas), alpha=step)
        search.memory["shapley"] = {
            "smoothed": smoothed,
            "mean": mean,
            "std": std,
            "evaluated": before["evaluated"] + evaluated,
        }

    return on_epoch


def estimate(
    search: Search, restrict: Restriction, samples: int, batches: int, truncation: float
) -> tuple[Tensor, int]:
    """Let all operations leave the supernet, in random orders.

    Args:
        search: Its softmax, and its validation batches.
        restrict: From the mixture and what is left of it to what runs.
        samples: M, the number of orders; each has images of its own.
        batches: How many batches they are.
        truncation: See `marginals`.

    Returns:
        Marginal accuracies, float64 [M, D, C], zero for what is no option; and the
        number of coalitions that were evaluated.
    """
    options, there = search.layout.options, search.layout.there
    players = [(d, c) for d, each in enumerate(options) for c in each]
    orders = [
        torch.randperm(len(players), generator=search.generator) for _ in range(samples)
    ]
    seen = [_joined([search.valid.draw() for _ in range(batches)]) for _ in orders]
    (mixture,) = search.relax()

    def value(m: int, left: Coalition) -> Tensor:
        active: list[list[int]] = [[] for _ in options]
        for i in sorted(left):
            d, c = players[i]
            active[d].append(c)
        kept = tuple(map(tuple, active))
        return accuracy(search, seen[m], coalition(mixture, kept, restrict))

    taken, evaluated = marginals(
        value, torch.stack(orders).tolist(), truncation=truncation
    )
    phi = torch.zeros(samples, *there.shape, dtype=taken.dtype)
    phi[:, there] = taken
    return phi, evaluated


def marginals(
    value: Value, orders: Sequence[Sequence[int]], *, truncation: float = 0.5
) -> tuple[Tensor, int]:
    """Find what players take with them as they leave one by one.

    Orders advance together, by one player a round; the values of a round are read from
    the device at once. An order ends where what is left is worth less than a part of
    the whole: players behind take nothing with them.

    Args:
        value: What a coalition is worth.
        orders: M permutations of the n players.
        truncation: The part; 0 goes on to the end if no value is negative.

    Returns:
        float64 [M, n], by player; and the number of coalitions that were evaluated.

    Example:
        >>> def largest(m, left):
        ...     return torch.tensor(float(max(left, default=0)))
        >>> marginals(largest, [(1, 2, 0), (2, 0, 1)], truncation=0.0)[0].tolist()
        [[0.0, 0.0, 2.0], [0.0, 1.0, 1.0]]
    """
    left = [frozenset(order) for order in orders]
    taken = torch.zeros(len(orders), len(left[0]), dtype=torch.float64)
    running = list(range(len(orders)))
    worth = _read(value, left, running)
    ends = {m: truncation * whole for m, whole in worth.items()}
    evaluated = len(running)
    for leaving in zip(*orders, strict=True):
        left = [players - {i} for players, i in zip(left, leaving, strict=True)]
        now = _read(value, left, running)
        evaluated += len(running)
        for m in running:
            taken[m, leaving[m]] = worth[m] - now[m]
        worth, running = now, [m for m in running if now[m] >= ends[m]]
        if not running:
            break
    return taken, evaluated


def _read(
    value: Value, left: Sequence[Coalition], running: Sequence[int]
) -> dict[int, float]:
    """Value the coalitions of the orders that are running: one transfer to the host."""
    values = torch.stack([value(m, left[m]) for m in running]).tolist()
    return dict(zip(running, values, strict=True))


def accuracy(search: Search, batch: Batch, mixture: Mixture) -> Tensor:
    """One less the error of a mixture on a batch, []; nothing changes.

    Statistics are those of the batch. What a relaxed table gives with "batch" is an
    error less a baseline; "running" leaves that out.
    """
    statistics: Statistics = "batch" if search.weights else "running"

    def network(images: Tensor) -> Tensor:
        search.ledger.note(len(images), mixture)
        output: Tensor = search.supernet(images, mixture, statistics)
        return output

    return 1 - search.error(network, batch)


def coalition(mixture: Mixture, active: Active, restrict: Restriction) -> Mixture:
    """Run only `active`.

    Of a decision that is left without options the first one runs, with weight zero:
    there are networks that cannot do without.
    """
    smaller = restrict(mixture, active)
    if all(active):
        return smaller
    weights = smaller.weights.clone()
    for d, options in enumerate(active):
        if not options:
            weights[d] = 0.0
    first = [options[:1] for options in mixture.active]
    filled = tuple(a or f for a, f in zip(active, first, strict=True))
    return replace(smaller, weights=weights, active=filled)


def masked(mixture: Mixture, active: Active) -> Mixture:
    """Leave the rest as it is: weights do not add up to one any more."""
    return replace(mixture, active=active)


def standardised(values: Tensor, layout: Layout) -> Tensor:
    """Subtract the mean and divide by the standard deviation, kind by kind of cells.

    Both are taken over what is an option; the rest of [D, C] is zero. Values that are
    all the same are zero, too.
    """
    z, there = torch.zeros_like(values), layout.there
    for decisions in cells(layout):
        own = torch.zeros_like(there)
        own[decisions] = there[decisions]
        x = values[own]
        z[own] = (x - x.mean()) / x.std().clamp_min(1e-12)
    return z


def cells(layout: Layout) -> list[list[int]]:
    """Group the decisions by the kind of cell that they are made for.

    Decisions that are no edges are one group.

    Example:
        >>> darts = ((0, 1), (2, 3, 4), (5, 6), (7, 8, 9))  # two nodes a cell
        >>> cells(Layout(((0, 1),) * 10, darts))
        [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
        >>> cells(Layout(((0, 1),) * 3))
        [[0, 1, 2]]
    """
    if not layout.into:
        return [list(range(len(layout.options)))]
    groups: list[list[int]] = []
    for place, edges in zip(layout.places, layout.into, strict=True):
        if not place:
            groups.append([])
        groups[-1] += edges
    return groups


def _joined(batches: Sequence[Batch]) -> Batch:
    """Make one batch of several."""
    images, labels = zip(*batches, strict=True)
    return torch.cat(images), torch.cat(labels)


SHAPLEY_NAS = Method(
    relax=relax.softmax,
    steps=(train_weights,),
    on_epoch=by_shapley(masked),
    learning_rate=partial(cosine, start=0.1, end=0.0),
    batch_size=256,
)
SHAPLEY_NAS_RENORMALISED = replace(SHAPLEY_NAS, on_epoch=by_shapley(Mixture.rescaled))
