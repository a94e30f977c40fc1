"""The NAS-Bench-201 network: every architecture at once, or one of them alone.

Dong & Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture
Search", ICLR 2020. https://arxiv.org/abs/2001.00326

The network holds weights and nothing else: which operations run, how they are mixed
and which statistics normalise are arguments of `forward`.

An operation is applied once for all the edges along which it leaves a node: see
`operations`. Pooling and identity are computed once and scaled n times.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchsuite.spaces import NATS_TSS
from benchsuite.supernet.derive import strongest
from benchsuite.supernet.mixture import Active, Layout, Mixture, Statistics
from benchsuite.supernet.network import Network
from benchsuite.supernet.operations import (
    FREE,
    KERNEL,
    Conv,
    Norm,
    NormOptions,
    convolve,
    draw_weights,
    linear,
    normalise,
    total,
    transplant,
)

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))  # decision: source, target
_OPTIONS = NATS_TSS.choices[0]
_LEAVING = [[d for d, (s, _) in enumerate(EDGES) if s == source] for source in range(3)]
Operations = tuple[tuple[str, ...], ...]


Edges = tuple[int, ...]


class Leaving(NamedTuple):
    """What leaves a node: operations, each with the n edges along which it does.

    Attributes:
        convs: Names and edges of the convolutions.
        scale: [number of (convolution, edge)], their weights; None without any. Once
            there are channels, the weight of every channel.
        free: Names, edges and weights [n, 1, 1, 1] of the other operations.
    """

    convs: list[tuple[str, Edges]]
    scale: Tensor | None
    free: list[tuple[str, Edges, Tensor]]


class Plan(NamedTuple):
    """What every cell does with a mixture.

    Attributes:
        leaving: Of nodes 0, 1 and 2.
        edges: The weight of every edge, scalars; None is one.
        residue: What is added to nodes 1, 2 and 3, scalars; None is nothing.
        identity: See `Mixture`.
    """

    leaving: list[Leaving]
    edges: tuple[Tensor, ...] | None
    residue: list[Tensor] | None
    identity: Callable[[Tensor], Tensor] | None

    def at(self, channels: int) -> "Plan":
        """Give every channel of a convolution its weight."""
        return self._replace(
            leaving=[
                each
                if each.scale is None
                else each._replace(scale=each.scale.repeat_interleave(channels))
                for each in self.leaving
            ]
        )


def plan(mixture: Mixture) -> Plan:
    """Sort what `mixture` executes by source node; the host decides, tensors follow."""
    weights, edges, residue = mixture.weights, mixture.edges, mixture.residue
    if edges is not None:
        weights = weights * edges.unsqueeze(1)
    scalars = [row.unbind() for row in weights.unbind()]

    def active(source: int, name: str) -> Edges:
        c = _OPTIONS.index(name)
        return tuple(d for d in _LEAVING[source] if c in mixture.active[d])

    def gather(name: str, fan: Edges) -> list[Tensor]:
        return [scalars[d][_OPTIONS.index(name)] for d in fan]

    leaving = []
    for source in range(3):
        convs = [(name, fan) for name in KERNEL if (fan := active(source, name))]
        free = [(name, fan) for name in FREE if (fan := active(source, name))]
        each = [w for name, fan in convs for w in gather(name, fan)]
        leaving.append(
            Leaving(
                convs,
                torch.stack(each) if each else None,
                [(n, f, torch.stack(gather(n, f)).view(-1, 1, 1, 1)) for n, f in free],
            )
        )
    return Plan(
        leaving,
        None if edges is None else edges.unbind(),
        None if residue is None else [r.sum() for r in torch.split(residue, [1, 2, 3])],
        mixture.identity,
    )


class Cell(nn.Module):
    """Four nodes, six edges.

    With `partial` = K, edges transform the first 1/K of the channels and pass the
    others by; a node shuffles the two (PC-DARTS).
    """

    def __init__(
        self, operations: Operations, channels: int, *, partial: int, norm: NormOptions
    ) -> None:
        super().__init__()
        self.partial, self.working = partial, channels // partial
        self.convs = nn.ModuleDict(
            {
                f"{d}_{name}": Conv(self.working, self.working, KERNEL[name], **norm)
                for d, names in enumerate(operations)
                for name in names
                if name in KERNEL
            }
        )

    def forward(self, x: Tensor, plan: Plan, statistics: Statistics) -> Tensor:
        """Map x [B, C, H, W] to the last node."""
        nodes = [x]
        entering: list[list[Tensor]] = [[], [], [], []]
        for source, leaving in enumerate(plan.leaving):
            h = nodes[source]
            h = h if self.partial == 1 else h[:, : self.working]
            bundles: dict[Edges, Tensor] = {}  # what goes the same ways is added first
            for edges, y in self._leave(leaving, h, statistics, plan.identity):
                bundles[edges] = bundles[edges] + y if edges in bundles else y
            for edges, bundle in bundles.items():
                for d, term in zip(edges, bundle.unbind(1), strict=True):
                    entering[EDGES[d][1]].append(term)
            node = total(entering[source + 1], h)
            if plan.residue is not None:
                node = node + plan.residue[source]
            if self.partial > 1:
                node = self._shuffle(node, self._bypass(nodes, plan.edges))
            nodes.append(node)
        return nodes[-1]

    def _leave(
        self,
        leaving: Leaving,
        h: Tensor,
        statistics: Statistics,
        identity: Callable[[Tensor], Tensor] | None,
    ) -> Iterator[tuple[Edges, Tensor]]:
        """Yield n edges and what leaves a node along them, [B, n, C, H, W]."""
        if leaving.scale is not None:
            groups = [
                [cast(Conv, self.convs[f"{d}_{name}"]) for d in edges]
                for name, edges in leaving.convs
            ]
            outputs = convolve(groups, F.relu(h), statistics, leaving.scale)
            for (_, edges), y in zip(leaving.convs, outputs, strict=True):
                yield edges, y
        for name, edges, weight in leaving.free:
            y = FREE[name](h)
            if identity is not None and name == "skip_connect":
                y = identity(y)
            yield edges, y.unsqueeze(1) * weight

    def _bypass(self, nodes: list[Tensor], edges: tuple[Tensor, ...] | None) -> Tensor:
        """Sum the channels that no operation touches over the edges into a new node."""
        untouched = [node[:, self.working :] for node in nodes]
        if edges is not None:
            into = [d for d, (_, target) in enumerate(EDGES) if target == len(nodes)]
            untouched = [edges[d] * x for d, x in zip(into, untouched, strict=True)]
        return total(untouched, nodes[0])

    def _shuffle(self, touched: Tensor, untouched: Tensor) -> Tensor:
        """Interleave: what was touched lands in channels 0, K, 2K, ..."""
        x = torch.cat([touched, untouched], 1)
        return torch.unflatten(x, 1, (self.partial, -1)).transpose(1, 2).flatten(1, 2)


class Stage(nn.ModuleList):
    """Cells of one width."""

    def __init__(
        self,
        cells: int,
        operations: Operations,
        channels: int,
        *,
        partial: int,
        norm: NormOptions,
    ) -> None:
        super().__init__(
            Cell(operations, channels, partial=partial, norm=norm) for _ in range(cells)
        )
        self.working = channels // partial

    def forward(self, x: Tensor, plan: Plan, statistics: Statistics) -> Tensor:
        """Map x [B, C, H, W] to the output of the last cell."""
        prepared = plan.at(self.working)
        for cell in self:
            x = cell(x, prepared, statistics)
        return x


class Residual(nn.Module):
    """Halve the image and double the channels."""

    def __init__(self, channels: int, *, running: bool) -> None:
        super().__init__()
        wide, norm = 2 * channels, NormOptions(affine=True, running=running)
        self.first = Conv(channels, wide, 3, **norm)
        self.second = Conv(wide, wide, 3, **norm)
        self.shortcut = nn.Parameter(torch.empty(wide, channels, 1, 1))

    def forward(self, x: Tensor, statistics: Statistics) -> Tensor:
        """Map [B, C, H, W] to [B, 2C, H/2, W/2]."""
        y: Tensor = self.first(F.relu(x), statistics, stride=2)
        y = self.second(F.relu(y), statistics)
        return y + F.conv2d(F.avg_pool2d(x, 2), self.shortcut)


class NatsTss(Network):
    """Stem, three stages of cells with a residual block between them, linear head.

    Attributes:
        space: The architectures it contains, as decisions.
        layout: What can be relaxed.
        rule: From scores to an architecture.
        operations: The operations it has weights for, on every edge.
    """

    space = NATS_TSS
    layout = Layout.whole(NATS_TSS, into=((0,), (1, 2), (3, 4, 5)))
    rule = staticmethod(strongest)

    def __init__(
        self,
        *,
        channels: int = 16,
        cells: int = 5,  # N, in each stage
        classes: int = 10,
        affine: bool = False,  # in the cells; stem, blocks and head always are
        running: bool = False,  # whether normalisation has buffers
        partial: int = 1,  # K in PC-DARTS
        operations: Operations = NATS_TSS.choices,
        generator: torch.Generator | None = None,
    ) -> None:
        """Build it, with torch's usual initial weights drawn from `generator`.

        Raises:
            ValueError: `channels` is no multiple of `partial`.
        """
        super().__init__()
        if channels % partial:
            raise ValueError(f"{channels} channels do not divide by partial={partial}")
        self.operations = operations
        self.channels, self.cells, self.classes = channels, cells, classes
        self.options = {
            "channels": channels, "cells": cells, "classes": classes,
            "affine": affine, "running": running, "partial": partial,
        }  # fmt: skip
        norm = NormOptions(affine=affine, running=running)
        widths = [channels, 2 * channels, 4 * channels]
        self.stem = Conv(3, channels, 3, affine=True, running=running)
        self.stages = nn.ModuleList(
            Stage(cells, operations, width, partial=partial, norm=norm)
            for width in widths
        )
        self.blocks = nn.ModuleList(Residual(w, running=running) for w in widths[:-1])
        self.last = Norm(widths[-1], affine=True, running=running)
        self.head = linear(widths[-1], classes)
        draw_weights(self, generator)

    def forward(
        self, images: Tensor, mixture: Mixture, statistics: Statistics = "batch"
    ) -> Tensor:
        """Map images [B, 3, H, W] to class logits [B, K]."""
        x, prepared = self.stem(images, statistics), plan(mixture.to(images))
        for stage, block in zip(self.stages, (*self.blocks, None), strict=True):
            x = stage(x, prepared, statistics)
            if block is not None:
                x = block(x, statistics)
        x = F.relu(normalise(x, [self.last], statistics, None))
        return F.linear(x.mean((2, 3)), self.head.weight, self.head.bias)

    def restrict(self, active: Active) -> "NatsTss":
        """Copy the network with the active operations only, and their weights.

        With one operation an edge it is the stand-alone network of an architecture.
        Operations keep their names, so the weights fit in either direction.
        """
        names = tuple(
            tuple(NATS_TSS.choices[d][c] for c in options)
            for d, options in enumerate(active)
        )
        small = self._build(operations=names, generator=torch.Generator())
        transplant(small, self)
        return small
