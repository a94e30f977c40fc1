"""IF-NAS: search node by node, so that no kept connection crosses another.

Tian et al., "Exploring Complicated Search Spaces with Interleaving-Free Sampling", IEEE
Transactions on Neural Networks and Learning Systems, 2025.
https://arxiv.org/abs/2112.02488

Two connections (a, b) and (c, d) with a < c < b < d interleave: what a node learns
about its far sources is then distorted by what passes them on another way. From epoch
to epoch, another class of nodes has all its inputs, by learned gates; every other node
has the connection from its nearest predecessor, by constants. With a period of L + 1,
where a node sees at most L others, no two connections that run interleave.

    node = 2/k sum over its k sources j of e_j sum over operations o of g_jo o(h_j)

Gates e and g are sigmoids. One level: they descend the same loss on the same training
batch as the weights, from half of the epochs on, with two terms that drive the gates
of a node, and the operations of a connection, apart (`discretisation`). In the end the
inputs stay whose gate is wider than 0.1, and the widest always.

From the authors' code, which is for the chain spaces: all numbers; that the factor 2/k
is there for the constants, too; that gates keep their momentum while they rest. What
differs here:

- gates of operations are trained along with those of connections; the authors' code
  has them, and leaves them out of its optimisers;
- gates move first, and weights after, where the authors' code moves both at once;
- they train on all training images, where a search here has one half;
- epochs count in hundredths of the search; theirs has a hundred;
- turns in which every node would rest are left out, which no chain has;
- spaces of cells (reconstruction): "none" has no gate, a connection that runs by
  constants has 2/n for each of n operations, which for the two of a chain is the
  published 1, and stages are told apart by where the number of sources falls. Where a
  space has no connection of several operations, the widest stays; where its
  architectures need two inputs a node, its own rule takes those that stay first.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from benchsuite.spaces import Architecture
from benchsuite.supernet.methods.pc_darts import with_edge_logits
from benchsuite.supernet.mixture import Active, Layout, Mixture
from benchsuite.supernet.search import (
    ABSENT,
    Alphas,
    Batch,
    Method,
    Moment,
    Search,
    sgd,
)
from benchsuite.supernet.steps import (
    after,
    first_order,
    on_training_batch,
    train_weights,
)


def period_of(layout: Layout) -> int:
    """Say after how many turns it is a node's again: L + 1, or the longest stage."""
    reach = max(map(len, layout.into))
    return min(reach + 1, 1 + max(layout.places))


class Turn(NamedTuple):
    """What runs while one class of nodes has all its inputs.

    Attributes:
        active: Operations that run.
        learned: bool [D], connections into a node whose turn it is.
        constant: [D, C], weights of what else runs, and zeros.
        passed: [D], 1 for connections that run by constants.
        scale: [D], 2/k for the k connections into a node.
        node: int64 [D], which node a connection leads into.
        gates: bool [D, C], what has a gate.
    """

    active: Active
    learned: Tensor
    constant: Tensor
    passed: Tensor
    scale: Tensor
    node: Tensor
    gates: Tensor

    def to(self, like: Tensor) -> "Turn":
        """Move to the device of `like`, and numbers to its type."""
        return Turn(
            self.active, self.learned.to(like.device), self.constant.to(like),
            self.passed.to(like), self.scale.to(like), self.node.to(like.device),
            self.gates.to(like.device),
        )  # fmt: skip


def turn_at(layout: Layout, epoch: int, period: int | None = None) -> Turn:
    """Say what runs in an epoch; see `interleaving_free`."""
    period = period or period_of(layout)
    return _turn(layout, epoch % period, period)


@lru_cache(maxsize=32)
def _turn(layout: Layout, turn: int, period: int) -> Turn:
    options = [tuple(filter(None, each)) for each in layout.options]  # 0 is "none"
    decisions = len(options)
    gates = torch.zeros(decisions, layout.width, dtype=torch.bool)
    constant, passed, scale = torch.zeros(gates.shape), *torch.zeros(2, decisions)
    learned, node = (torch.zeros(decisions, dtype=t) for t in (torch.bool, torch.long))
    active: list[tuple[int, ...]] = [()] * decisions
    for n, (edges, place) in enumerate(zip(layout.into, layout.places, strict=True)):
        whole = place % period == turn
        for d in edges:
            node[d], scale[d], learned[d] = n, 2 / len(edges), whole
            gates[d, list(options[d])] = True
        for d in edges if whole else edges[-1:]:
            active[d] = options[d]
        if not whole:
            passed[edges[-1]] = 1.0
            constant[edges[-1]] = 2 / len(options[edges[-1]]) * gates[edges[-1]]
    return Turn(tuple(active), learned, constant, passed, scale, node, gates)


def gates_of(alphas: Alphas) -> tuple[Tensor, Tensor]:
    """Open the gates of connections, [D], and of operations, [D, C]."""
    logits = [alphas[f"edges into {n}"] for n, _ in enumerate(alphas.layout.into, 1)]
    return torch.cat(logits).sigmoid(), alphas["operations"].sigmoid()


def interleaving_free(
    alphas: Alphas,
    moment: Moment,
    generator: torch.Generator,
    *,
    period: int | None = None,  # L + 1
) -> list[Mixture]:
    """Run the sub-network of an epoch: every `period`-th node of a stage is whole.

    The k-th node of a stage, from 0, is so in epochs that leave the same remainder as k
    when divided by the period. L, too, is a period without crossings; with L - 1 there
    are some.
    """
    edges, operations = gates_of(alphas)
    turn = turn_at(alphas.layout, moment.epoch, period).to(operations)
    learned = operations * turn.gates
    weights = torch.where(turn.learned.unsqueeze(1), learned, turn.constant)
    strength = turn.scale * torch.where(turn.learned, edges, turn.passed)
    return [Mixture(weights, turn.active, strength)]


def discretisation(
    alphas: Alphas,
    moment: Moment,
    *,
    start: float = 0.65,  # of the epochs
    stretch: float = 0.6,
    nodes: float = 40.0,
    connections: float = 30.0,
    period: int | None = None,
) -> Tensor:
    """D = r/40 sum log(e/mean e + 1) + r/30 sum log(g/mean g + 1).

    The first mean is over the sources of a node, the second over the operations of a
    connection. Sums are over nodes whose turn it is, the first over those with several
    sources. r grows from 0, at 65 of 100 epochs, by 1/60 an epoch. Every summand is
    concave, so that descent drives gates away from their mean: some close.
    """
    edges, operations = gates_of(alphas)
    turn = turn_at(alphas.layout, moment.epoch, period).to(operations)
    r = max(0.0, moment.epoch / moment.epochs - start) / stretch
    sums = edges.new_zeros(len(alphas.layout.into)).index_add(0, turn.node, edges)
    means = sums[turn.node] * turn.scale / 2
    contested = turn.learned & (turn.scale < 2)
    first = ((edges / means).log1p() * contested).sum()
    gates = turn.gates & turn.learned.unsqueeze(1)
    mean = (operations * turn.gates).sum(-1) / turn.gates.sum(-1)
    ratios = operations / mean.unsqueeze(-1)
    second = (ratios.log1p() * gates).sum()
    return r / nodes * first + r / connections * second


def move_gates(
    search: Search, train: Batch, valid: Batch, *, period: int | None = None
) -> None:
    """Descend the loss of a batch and the `discretisation`; see `first_order`."""
    penalty = partial(discretisation, moment=search.moment, period=period)
    first_order(search, train, valid, penalty=penalty)


def open_gates(
    edges: Tensor, operations: Tensor, layout: Layout, *, threshold: float
) -> Architecture:
    """Keep what has a gate wider than `threshold`, or the widest into a node.

    An edge that is kept takes the option that has all the operations that are so wide,
    if there is one, and else its widest operation.

    Args:
        edges: [D].
        operations: [D, C]; column 0, "none", is left aside.
        layout: What is relaxed.
        threshold: In [0, 1].

    Example:
        >>> names = (("none", "a", "b", "a+b"),) * 3
        >>> layout = Layout(((1, 2),) * 3, ((0, 1, 2),), names)
        >>> gates = torch.tensor([[0.0, 0.3, 0.2], [0.0, 0.9, 0.1], [0.0, 0.1, 0.0]])
        >>> kept = torch.tensor([0.5, 0.05, 0.2])
        >>> open_gates(kept, gates, layout, threshold=0.1)
        (3, 0, 1)
    """
    width, table, arch = edges.tolist(), operations.tolist(), [0] * len(layout.options)
    for into in layout.into:
        widest = max(into, key=width.__getitem__)
        for d in (d for d in into if width[d] > threshold or d == widest):
            options = [c for c in layout.options[d] if c]
            best = max(options, key=table[d].__getitem__)
            wide = [c for c in options if table[d][c] > threshold or c == best]
            known = layout.names[d]
            joined = "+".join(known[c] for c in wide)
            arch[d] = known.index(joined) if joined in known else best
    return tuple(arch)


def by_gates(threshold: float = 0.1) -> Callable[[Search], Architecture]:
    """Derive by `open_gates`; by the network's rule where that has other inputs."""

    def derive(search: Search) -> Architecture:
        edges, operations = (g.detach() for g in gates_of(search.alphas))
        arch = open_gates(edges, operations, search.layout, threshold=threshold)
        if arch in search.space:
            return arch
        kept = torch.tensor([[float(c > 0)] for c in arch]).to(operations)
        return search.derive(kept + edges.unsqueeze(1) * operations)

    return derive


def small_gates(layout: Layout, generator: torch.Generator) -> Alphas:
    """Draw logits of operations and of edges from 1e-5 N(0, 1)."""
    alphas = with_edge_logits(layout, generator)
    for name, logits in alphas.items():
        alphas[name] = torch.where(logits > ABSENT / 2, 0.01 * logits, logits)
    return alphas


def sgd_of_gates(params: ParamsT) -> torch.optim.Optimizer:
    """What trains gates: as weights, without a schedule."""
    return sgd(params, 0.1, weight_decay=3e-5)


def linear(moment: Moment, *, start: float = 0.1) -> float:
    """Let the learning rate of the weights fall to 0, a function of the epoch.

    Example:
        >>> [round(linear(Moment(e, 4)), 3) for e in range(4)]
        [0.1, 0.075, 0.05, 0.025]
    """
    return start * (1 - moment.epoch / moment.epochs)


IF_NAS = Method(
    relax=interleaving_free,
    steps=(after(0.5, on_training_batch(move_gates)), train_weights),
    derive=by_gates(),
    alphas=small_gates,
    weight_optimizer=partial(sgd, weight_decay=3e-5),
    alpha_optimizer=sgd_of_gates,
    learning_rate=linear,
    epochs=100,
    batch_size=256,
    needs=frozenset({"weights", "edges"}),
)
