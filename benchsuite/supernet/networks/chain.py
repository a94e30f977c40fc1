"""The network of a chain with long-range connections: all connections, or some.

Tian et al., "Exploring Complicated Search Spaces with Interleaving-Free Sampling", IEEE
Transactions on Neural Networks and Learning Systems, 2025.
https://arxiv.org/abs/2112.02488

A node is the sum of what enters it: of a separable convolution (twice, as in DARTS) and
an identity from every source. What no output takes anything from does not run.

Stages, their widths, nodes and operations are the paper's. What is around them is
simplified (reconstruction): one convolution halves the image between two stages, where
the authors' code has a residual block in its search and two branches in its training,
and the head is a linear layer on the last stage, without their last convolution. Their
code has a node more in every stage than the published sizes of the spaces count, and
lets neighbouring nodes share convolutions by an index that advances too slowly; neither
is followed.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchsuite.spaces import CHAIN_4, CHAIN_6, CHAIN_8, ChainSpace
from benchsuite.supernet.derive import two_operations
from benchsuite.supernet.mixture import Active, Layout, Mixture, Statistics
from benchsuite.supernet.network import Network
from benchsuite.supernet.operations import (
    Conv,
    Norm,
    NormOptions,
    SeparableStack,
    draw_weights,
    linear,
    normalise,
    separate,
    total,
    transplant,
)

Operations = tuple[tuple[str, ...], ...]
Stem = Literal["cifar", "imagenet"]
STEMS: dict[Stem, tuple[int, ...]] = {"cifar": (1,), "imagenet": (2, 2, 2)}
"""Strides of the convolutions before the first stage."""
_CONV = "sep_conv_3x3"


def layout_of(space: ChainSpace) -> Layout:
    """Relax the two operations; none of them, or both, is chosen at the end only."""
    return Layout(((1, 2),) * len(space.choices), space.into, space.choices)


def names(space: ChainSpace, active: Active) -> Operations:
    """Name the active operations of every connection that the output needs."""
    used, named = space.used([any(options) for options in active]), []
    for needed, edges in zip(used, space.into, strict=True):
        for d in edges:
            parts = [space.choices[d][c].split("+") for c in active[d] if c and needed]
            named.append(tuple(name for part in parts for name in part))
    return tuple(named)


class Fan(NamedTuple):
    """An operation, the n nodes to which it leaves a node, and its weights [n]."""

    name: str
    targets: tuple[int, ...]
    weight: Tensor


class Plan(NamedTuple):
    """What a stage does with a mixture.

    Attributes:
        leaving: Of every node, the entry first.
        used: Of every node, whether the output needs it.
        residue: What is added to every node but the entry, scalars; None is nothing.
        identity: See `Mixture`.
    """

    leaving: list[list[Fan]]
    used: list[bool]
    residue: list[Tensor] | None
    identity: Callable[[Tensor], Tensor] | None


def plans(mixture: Mixture, space: ChainSpace) -> list[Plan]:
    """Sort what `mixture` executes by stage and source; the host decides."""
    used = space.used([any(options) for options in mixture.active])
    weights, residue = mixture.weights, mixture.residue
    if mixture.edges is not None:
        weights = weights * mixture.edges.unsqueeze(1)
    prepared = []
    for stage in space.stages:
        into = space.into[stage]
        decisions = [
            d for n, edges in zip(used[stage], into, strict=True) if n for d in edges
        ]
        sums = None if residue is None else [residue[list(e)].sum() for e in into]
        leaving: list[list[Fan]] = [[] for _ in range(len(into) + 1)]
        for source, fan in _fans(weights, mixture.active, decisions, space):
            leaving[source].append(fan)
        there = [True, *used[stage]]
        prepared.append(Plan(leaving, there, sums, mixture.identity))
    return prepared


def _fans(
    weights: Tensor, active: Active, decisions: list[int], space: ChainSpace
) -> list[tuple[int, Fan]]:
    """Gather the operations of a stage, each with its source."""
    found: dict[tuple[int, str], list[tuple[int, int]]] = {}
    for d in decisions:
        source, target = space.edges[d]
        for c in filter(None, active[d]):
            for name in space.choices[d][c].split("+"):
                place = d * weights.shape[1] + c
                found.setdefault((source, name), []).append((target, place))
    index = [place for fan in found.values() for _, place in fan]
    at = torch.tensor(index, dtype=torch.int64, device=weights.device)
    parts = torch.split(weights.take(at), [*map(len, found.values())])
    return [
        (source, Fan(name, tuple(target for target, _ in fan), part))
        for ((source, name), fan), part in zip(found.items(), parts, strict=True)
    ]


class Stage(nn.Module):
    """Nodes in a row, all as wide as the entry."""

    def __init__(
        self, convs: list[tuple[int, int]], channels: int, *, norm: NormOptions
    ) -> None:
        super().__init__()
        self.channels = channels
        self.convs = nn.ModuleDict(
            {
                f"{source}_{target}": SeparableStack(channels, _CONV, **norm)
                for source, target in convs
            }
        )

    def forward(self, x: Tensor, plan: Plan, statistics: Statistics) -> Tensor:
        """Map the entry [B, C, H, W] to the last node."""
        entering: list[list[Tensor]] = [[] for _ in plan.leaving]
        h = x
        for node, fans in enumerate(plan.leaving):
            if not plan.used[node]:
                continue
            if node:
                h = total(entering[node], x)
                entering[node] = []
                if plan.residue is not None:
                    h = h + plan.residue[node - 1]
            bundles: dict[tuple[int, ...], Tensor] = {}  # what goes the same ways
            for targets, y in self._leave(node, h, fans, plan.identity, statistics):
                bundles[targets] = bundles[targets] + y if targets in bundles else y
            for targets, bundle in bundles.items():
                for target, term in zip(targets, bundle.unbind(1), strict=True):
                    entering[target].append(term)
        return h

    def _leave(
        self,
        node: int,
        h: Tensor,
        fans: list[Fan],
        identity: Callable[[Tensor], Tensor] | None,
        statistics: Statistics,
    ) -> Iterator[tuple[tuple[int, ...], Tensor]]:
        """Yield n nodes and what they take from this one, [B, n, C, H, W]."""
        for name, targets, weight in fans:
            if name == _CONV:
                stacks = [self.convs[f"{node}_{target}"] for target in targets]
                groups = [[cast(SeparableStack, stack) for stack in stacks]]
                scale = weight.repeat_interleave(self.channels)
                (y,) = separate(groups, F.relu(h), statistics, scale, 1)
            else:
                y = (h if identity is None else identity(h)).unsqueeze(1)
                y = y * weight.view(-1, 1, 1, 1)
            yield targets, y


class Chain(Network):
    """Stem, stages, each twice as wide as the one before it, linear head.

    Attributes:
        space: The architectures it contains, as decisions.
        layout: What can be relaxed.
        rule: From scores to an architecture.
        operations: The operations it has weights for, on every connection.
    """

    space: ChainSpace = CHAIN_4
    layout: Layout = layout_of(CHAIN_4)
    rule = staticmethod(two_operations)

    def __init__(
        self,
        *,
        channels: int = 16,
        classes: int = 10,
        affine: bool = False,  # in the stages; what is around them always is
        running: bool = False,  # whether normalisation has buffers
        stem: Stem = "cifar",
        space: ChainSpace | None = None,  # that of the class
        operations: Operations | None = None,  # all of the space
        generator: torch.Generator | None = None,
    ) -> None:
        """Build it, with torch's usual initial weights drawn from `generator`.

        Raises:
            ValueError: No stem is so called.
        """
        super().__init__()
        if stem not in STEMS:
            raise ValueError(f"stem is {' or '.join(STEMS)}, not {stem!r}")
        space = self.space if space is None else space
        self.space, self.layout = space, layout_of(space)
        if operations is None:
            operations = names(space, self.layout.options)
        self.operations = operations
        self.options = {
            "channels": channels, "classes": classes, "affine": affine,
            "running": running, "stem": stem, "space": space,
        }  # fmt: skip
        norm = NormOptions(affine=affine, running=running)
        around = NormOptions(affine=True, running=running)
        self._strides = STEMS[stem]
        self.stem = nn.ModuleList(
            Conv(channels if n else 3, channels, 3, **around)
            for n in range(len(self._strides))
        )
        self.stages, self.halving = nn.ModuleList(), nn.ModuleList()
        width = channels
        for s, stage in enumerate(space.stages):
            if s:
                self.halving.append(Conv(width, 2 * width, 3, **around))
                width *= 2
            mine = itertools.chain.from_iterable(space.into[stage])
            convs = [space.edges[d] for d in mine if _CONV in operations[d]]
            self.stages.append(Stage(convs, width, norm=norm))
        self.last = Norm(width, **around)
        self.head = linear(width, classes)
        draw_weights(self, generator)

    def forward(
        self, images: Tensor, mixture: Mixture, statistics: Statistics = "batch"
    ) -> Tensor:
        """Map images [B, 3, H, W] to class logits [B, K]."""
        x = images
        for n, (conv, stride) in enumerate(zip(self.stem, self._strides, strict=True)):
            x = conv(F.relu(x) if n else x, statistics, stride=stride)
        prepared = plans(mixture.to(images), self.space)
        for n, (stage, plan) in enumerate(zip(self.stages, prepared, strict=True)):
            if n:
                x = self.halving[n - 1](F.relu(x), statistics, stride=2)
            x = stage(x, plan, statistics)
        x = F.relu(normalise(x, [self.last], statistics, None))
        return F.linear(x.mean((2, 3)), self.head.weight, self.head.bias)

    def restrict(self, active: Active) -> "Chain":
        """Copy the network with the active operations only, and their weights.

        With one option a connection it is the stand-alone network of an architecture,
        without what its outputs do not need. Operations keep their names, so the
        weights fit in either direction.
        """
        source = torch.Generator()  # what is drawn from it is overwritten
        small = self._build(operations=names(self.space, active), generator=source)
        transplant(small, self)
        return small


class Chain6(Chain):
    """Every node sees the six before it."""

    space, layout = CHAIN_6, layout_of(CHAIN_6)


class Chain8(Chain):
    """Every node sees the eight before it."""

    space, layout = CHAIN_8, layout_of(CHAIN_8)
