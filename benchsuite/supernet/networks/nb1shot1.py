"""Networks of NAS-Bench-1Shot1: all cells of a space at once, or one of them alone.

Zela, Siems & Hutter, "NAS-Bench-1Shot1: Benchmarking and Dissecting One-shot Neural
Architecture Search", ICLR 2020. https://arxiv.org/abs/2001.10422
Ying et al., "NAS-Bench-101: Towards Reproducible Neural Architecture Search", ICML
2019. https://arxiv.org/abs/1902.09635

There are two kinds, and no weights pass from one to the other:

`NB101Network` is the network that NAS-Bench-101 trained for a cell. How wide a vertex
is depends on the cell, as those that feed the output share its channels.

`NB1Shot1` shares weights between cells, so that widths cannot depend on them. As in the
authors' one-shot model, every vertex has C channels, the output is what feeds it end to
end, and the next cell projects that to C. Its `restrict` is one cell of *that* network.
It differs from theirs in that

- their decisions are single parents, mixed by a softmax, of which as many as a vertex
  has are kept in the end. Ours are the sets of parents that the space has: an edge
  weighs the sum of the weights of the active sets that contain it;
- the output has a block for every vertex that feeds it in an active set, and theirs one
  for every vertex; what comes straight from the input is added to the blocks there are;
- what leads nowhere does not run;
- between stacks images are halved as in NAS-Bench-101, without a margin.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchsuite.spaces import NB1SHOT1_1, NB1SHOT1_2, NB1SHOT1_3, NB101
from benchsuite.spaces.nb1shot1 import OneShotSpace
from benchsuite.spaces.nb101 import OPERATIONS
from benchsuite.spaces.space import Architecture
from benchsuite.supernet.derive import strongest
from benchsuite.supernet.mixture import Active, Layout, Mixture, Statistics
from benchsuite.supernet.network import Alone, Network
from benchsuite.supernet.operations import (
    Conv,
    Norm,
    NormOptions,
    draw_weights,
    join,
    linear,
    normalise,
    total,
    transplant,
)

_KERNEL = {"conv3x3-bn-relu": 3, "conv1x1-bn-relu": 1}  # the third operation has none
_STACKS = 3

Parents = dict[int, tuple[int, ...]]
"""Of every vertex but the input, 0, in order; the output is the last."""


def on_paths(parents: Mapping[int, Sequence[int]]) -> Parents:
    """Drop vertices and edges that are on no path from the input to the output.

    Raises:
        ValueError: There is no such path.

    Example:
        >>> on_paths({1: [0], 2: [], 3: [1], 4: [0, 1, 2]})
        {1: (0,), 4: (0, 1)}
    """
    kept: Parents = {}
    for v, sources in sorted(parents.items()):
        if there := tuple(u for u in sources if u == 0 or u in kept):
            kept[v] = there
    last = max(parents)
    if last not in kept:
        raise ValueError(f"no path leads from input to output in {dict(parents)}")
    live = {last}
    for v in sorted(kept, reverse=True):
        if v in live:
            live.update(kept[v])
    return {v: sources for v, sources in kept.items() if v in live}


def vertex_channels(parents: Parents, channels: int) -> dict[int, int]:
    """Say how wide the vertices of a pruned cell of NAS-Bench-101 are.

    Those that feed the output share its channels, the first ones having one more where
    that does not divide. Any other is as wide as the widest that it feeds.

    Example:
        >>> vertex_channels({1: (0,), 2: (0,), 3: (1,), 4: (0, 2, 3)}, 9)
        {4: 9, 2: 5, 3: 4, 1: 4}
    """
    last = max(parents)
    feeding = [u for u in parents[last] if u]
    widths = {last: channels}
    for n, v in enumerate(feeding):
        widths[v] = channels // len(feeding) + (n < channels % len(feeding))
    for v in sorted(parents, reverse=True):
        if v not in widths:
            widths[v] = max(widths[w] for w, sources in parents.items() if v in sources)
    return widths


def halved(x: Tensor) -> Tensor:
    """Take the largest of 2 x 2 pixels; an odd side is padded."""
    return F.max_pool2d(x, 2, ceil_mode=True)


def apply(op: str, conv: Conv | None, x: Tensor, statistics: Statistics) -> Tensor:
    """Apply an operation of a vertex; `conv` is None for the pooling."""
    if conv is None:
        return F.max_pool2d(x, 3, stride=1, padding=1)
    return F.relu(conv(x, statistics))


class Module(nn.Module):
    """A cell of NAS-Bench-101: vertices add up what enters, the output joins it.

    What comes from the input is projected to the width of a vertex; other edges drop
    the channels by which a vertex is wider than the next.
    """

    def __init__(
        self,
        parents: Parents,
        ops: Mapping[int, str],
        before: int,
        channels: int,
        norm: NormOptions,
    ) -> None:
        super().__init__()
        self._parents, self._ops = parents, {v: ops[v] for v in list(parents)[:-1]}
        self._widths = vertex_channels(parents, channels)
        self.projections = nn.ModuleDict(
            {
                str(v): Conv(before, self._widths[v], 1, **norm)
                for v, sources in parents.items()
                if 0 in sources
            }
        )
        self.convs = nn.ModuleDict(
            {
                str(v): Conv(self._widths[v], self._widths[v], _KERNEL[op], **norm)
                for v, op in self._ops.items()
                if op in _KERNEL
            }
        )

    def forward(self, x: Tensor, statistics: Statistics) -> Tensor:
        """Map x [B, channels before, H, W] to [B, channels, H, W]."""

        def projected(v: int) -> list[Tensor]:
            if 0 not in self._parents[v]:
                return []
            return [F.relu(self.projections[str(v)](x, statistics))]

        values: dict[int, Tensor] = {}
        for v, op in self._ops.items():
            inner = [values[u][:, : self._widths[v]] for u in self._parents[v] if u]
            entering = reduce(torch.add, inner + projected(v))
            conv = cast(Conv, self.convs[str(v)]) if op in _KERNEL else None
            values[v] = apply(op, conv, entering, statistics)
        last = max(self._parents)
        feeding = [values[u] for u in self._parents[last] if u]
        joined = [join(feeding, 1)] if feeding else []
        return reduce(torch.add, joined + projected(last))


class NB101Network(Alone):
    """The network of one cell as NAS-Bench-101 trained it.

    Isomorphic cells can differ by a few weights: where three vertices share the output,
    the first ones, in the order of the encoding, have a channel more. The published
    figures are those of one encoding of each.

    Its normalisation remembers statistics as torch does by default, with a momentum of
    0.1, and NAS-Bench-101 with 0.003; its initial weights are torch's.

    Attributes:
        cell: Of `NB101`; see `OneShotSpace.cell`.
    """

    def __init__(
        self,
        cell: Architecture,
        *,
        channels: int = 128,  # of the first stack
        cells: int = 3,  # in each stack
        classes: int = 10,
        running: bool = True,  # whether normalisation has buffers
        generator: torch.Generator | None = None,
    ) -> None:
        """Build it, with torch's usual initial weights drawn from `generator`.

        Raises:
            ValueError: `cell` is not in `NB101`.
        """
        super().__init__()
        if cell not in NB101:
            raise ValueError(f"not a cell of {NB101.name}: {cell}")
        self.cell, norm = cell, NormOptions(affine=True, running=running)
        into = range(1, NB101.vertices)
        there = {pair for pair, e in NB101.edge.items() if cell[e]}
        parents = on_paths({v: [u for u in range(v) if (u, v) in there] for v in into})
        ops = {v: OPERATIONS[op] for v, op in enumerate(cell[len(NB101.edge) :], 1)}
        self.stem = Conv(3, channels, 3, **norm)
        widths = [channels << stack for stack in range(_STACKS)]
        self.stacks = nn.ModuleList(
            nn.ModuleList(
                Module(parents, ops, width if n else before, width, norm)
                for n in range(cells)
            )
            for before, width in zip([channels, *widths], widths, strict=False)
        )
        self.head = linear(widths[-1], classes)
        draw_weights(self, generator)

    def forward(self, images: Tensor, statistics: Statistics = "batch") -> Tensor:
        """Map images [B, 3, H, W] to class logits [B, K]."""
        x = F.relu(self.stem(images, statistics))
        for n, stack in enumerate(self.stacks):
            x = halved(x) if n else x
            for module in cast(nn.ModuleList, stack):
                x = module(x, statistics)
        return F.linear(x.mean((2, 3)), self.head.weight, self.head.bias)


def parent_sets(space: OneShotSpace) -> dict[int, tuple[int, list[tuple[int, ...]]]]:
    """Of every vertex that can choose its parents: the decision, and its options."""
    choosing = [v for v, count in enumerate(space.parents, 1) if count < v]
    first = len(space.choices) - len(choosing)
    return {
        v: (d, [tuple(map(int, option.split(","))) for option in space.choices[d]])
        for d, v in enumerate(choosing, first)
    }


def wiring(space: OneShotSpace, active: Active) -> Parents:
    """Find the edges that are in an active set of parents and on a path.

    Raises:
        ValueError: No active operation is on a path of active edges to the output.
    """
    sets, parents = parent_sets(space), {}
    last = len(space.parents)
    for v in range(1, last + 1):
        parents[v] = list(range(v))
        if v in sets:
            d, options = sets[v]
            union = {u for c in active[d] for u in options[c]}
            parents[v] = sorted(union)
        if v < last and not active[v - 1]:
            parents[v] = []
    wired = on_paths(parents)
    if not any(wired[last]):
        raise ValueError(f"no active vertex of {space.name} leads to the output")
    return wired


class Vertex(NamedTuple):
    """What a mixture makes of a vertex.

    Attributes:
        parents: With the weights of the edges from them; None is one.
        ops: With their weights; the output has none.
        before: Added to the sum of what enters, or to the output's blocks.
        after: Added to the value. None is nothing.
    """

    parents: dict[int, Tensor | None]
    ops: dict[str, Tensor]
    before: Tensor | None
    after: Tensor | None


def plan(space: OneShotSpace, mixture: Mixture) -> dict[int, Vertex]:
    """Sort what `mixture` executes by vertex; the host decides, tensors follow.

    Raises:
        ValueError: No active operation is on a path of active edges to the output.
    """
    weights, active, residue = mixture.weights, mixture.active, mixture.residue
    if mixture.edges is not None:
        weights = weights * mixture.edges.unsqueeze(1)
    scalars = [row.unbind() for row in weights.unbind()]
    sets, last = parent_sets(space), len(space.parents)

    def edge(u: int, v: int) -> Tensor | None:
        if v not in sets:
            return None
        d, options = sets[v]
        return reduce(torch.add, [scalars[d][c] for c in active[d] if u in options[c]])

    prepared = {}
    for v, sources in wiring(space, active).items():
        d = v - 1
        prepared[v] = Vertex(
            {u: edge(u, v) for u in sources},
            {} if v == last else {OPERATIONS[c]: scalars[d][c] for c in active[d]},
            None if residue is None or v not in sets else residue[sets[v][0]],
            None if residue is None or v == last else residue[d],
        )
    return prepared


def weighed(x: Tensor, weight: Tensor | None) -> Tensor:
    """Multiply; None is one."""
    return x if weight is None else x * weight


class Blocks(NamedTuple):
    """Channels by where they come from.

    Attributes:
        names: Of the blocks: vertices, or the stem.
        x: [B, channels of all blocks, H, W].
    """

    names: tuple[str, ...]
    x: Tensor


class Projection(nn.Module):
    """A pointwise convolution of whichever blocks there are, and its normalisation."""

    def __init__(
        self, reads: Mapping[str, int], channels: int, norm: NormOptions
    ) -> None:
        super().__init__()
        self.kernels = nn.ParameterDict(
            {
                name: nn.Parameter(torch.empty(channels, width, 1, 1))
                for name, width in reads.items()
            }
        )
        self.norm = Norm(channels, **norm)


def project(
    layers: Sequence[Projection], blocks: Blocks, statistics: Statistics
) -> Tensor:
    """Apply n projections of C channels to the same blocks, [B, n, C, H, W]."""
    rows = [join([layer.kernels[b] for b in blocks.names], 1) for layer in layers]
    y = F.conv2d(blocks.x, join(rows))
    y = normalise(y, [layer.norm for layer in layers], statistics, None)
    return torch.unflatten(y, 1, (len(layers), -1))


class Cell(nn.Module):
    """Vertices of C channels each, one block of the output for each that feeds it."""

    def __init__(
        self,
        parents: Parents,
        ops: Mapping[int, Sequence[str]],
        reads: Mapping[str, int],
        channels: int,
        norm: NormOptions,
    ) -> None:
        super().__init__()
        *inner, last = parents
        names = [str(v) for v in inner if 0 in parents[v]]
        if 0 in parents[last]:
            names += [f"output_{v}" for v in parents[last] if v]
        self.projections = nn.ModuleDict(
            {name: Projection(reads, channels, norm) for name in names}
        )
        self.convs = nn.ModuleDict(
            {
                f"{v}_{op}": Conv(channels, channels, _KERNEL[op], **norm)
                for v in inner
                for op in ops[v]
                if op in _KERNEL
            }
        )

    def forward(
        self, x: Blocks, plan: Mapping[int, Vertex], statistics: Statistics
    ) -> Blocks:
        """Map the blocks of the cell before to those of this one."""
        *inner, last = plan
        feeding = tuple(v for v in plan[last].parents if v)
        names = [str(v) for v in inner if 0 in plan[v].parents]
        if 0 in plan[last].parents:
            names += [f"output_{v}" for v in feeding]
        layers = [cast(Projection, self.projections[name]) for name in names]
        images = F.relu(project(layers, x, statistics)).unbind(1)
        projected = dict(zip(names, images, strict=True))

        values: dict[int, Tensor] = {}
        for v in inner:
            terms = [
                weighed(values[u] if u else projected[str(v)], weight)
                for u, weight in plan[v].parents.items()
            ]
            values[v] = self._vertex(v, terms, plan[v], statistics)
        outputs = []
        for v in feeding:
            block = weighed(values[v], plan[last].parents[v])
            if 0 in plan[last].parents:
                passed = projected[f"output_{v}"]
                block = block + weighed(passed, plan[last].parents[0])
            outputs.append(block)
        joined = join(outputs, 1)
        if (residue := plan[last].before) is not None:
            joined = joined + residue
        return Blocks(tuple(map(str, feeding)), joined)

    def _vertex(
        self, v: int, terms: list[Tensor], vertex: Vertex, statistics: Statistics
    ) -> Tensor:
        """Add up what enters, and mix what the operations make of it."""
        h = total(terms, terms[0])
        if vertex.before is not None:
            h = h + vertex.before
        mixed = []
        for op, weight in vertex.ops.items():
            conv = cast(Conv, self.convs[f"{v}_{op}"]) if op in _KERNEL else None
            mixed.append(weight * apply(op, conv, h, statistics))
        value = total(mixed, h)
        return value if vertex.after is None else value + vertex.after


class NB1Shot1(Network):
    """Stem, three stacks of cells with pooling between them, a projection, a head.

    The spaces differ in `space`, which the classes below set.

    Attributes:
        space: The architectures it contains, as decisions.
        layout: What can be relaxed.
        rule: From scores to an architecture.
        active: The options that it has weights for.
    """

    space = NB1SHOT1_1
    layout = Layout.whole(NB1SHOT1_1)
    rule = staticmethod(strongest)

    def __init__(
        self,
        *,
        channels: int = 16,  # C, of every vertex in the first stack
        cells: int = 3,  # in each stack
        classes: int = 10,
        affine: bool = False,  # in all but the stem
        running: bool = False,  # whether normalisation has buffers
        active: Active | None = None,  # None is all options
        generator: torch.Generator | None = None,
    ) -> None:
        """Build it, with torch's usual initial weights drawn from `generator`.

        Raises:
            ValueError: No active operation is on a path of active edges to the output.
        """
        super().__init__()
        self.active = self.layout.options if active is None else active
        self.channels, self.cells, self.classes = channels, cells, classes
        self.options = {
            "channels": channels, "cells": cells, "classes": classes,
            "affine": affine, "running": running,
        }  # fmt: skip
        norm = NormOptions(affine=affine, running=running)
        parents = wiring(self.space, self.active)
        *inner, last = parents
        ops = {v: [OPERATIONS[c] for c in self.active[v - 1]] for v in inner}
        self.stem = Conv(3, channels, 3, affine=True, running=running)
        reads, self.stacks = {"stem": channels}, nn.ModuleList()
        for width in (channels << stack for stack in range(_STACKS)):
            stack = nn.ModuleList()
            for _ in range(cells):
                stack.append(Cell(parents, ops, reads, width, norm))
                reads = {str(v): width for v in parents[last] if v}
            self.stacks.append(stack)
        self.gather = Projection(reads, width, norm)
        self.head = linear(width, classes)
        draw_weights(self, generator)

    def forward(
        self, images: Tensor, mixture: Mixture, statistics: Statistics = "batch"
    ) -> Tensor:
        """Map images [B, 3, H, W] to class logits [B, K]."""
        prepared = plan(self.space, mixture.to(images))
        x = Blocks(("stem",), F.relu(self.stem(images, statistics)))
        for n, stack in enumerate(self.stacks):
            x = x._replace(x=halved(x.x)) if n else x
            for cell in cast(nn.ModuleList, stack):
                x = cell(x, prepared, statistics)
        y = project([self.gather], x._replace(x=F.relu(x.x)), statistics)
        return F.linear(y.mean((1, 3, 4)), self.head.weight, self.head.bias)

    def restrict(self, active: Active) -> "NB1Shot1":
        """Copy the network with the active operations and edges only.

        With one option a decision it is the stand-alone network of an architecture
        among those that share weights; see `NB101Network` for the published one. What
        it has keeps its name, so the weights fit in either direction.
        """
        source = torch.Generator()  # the initial weights are overwritten
        small = self._build(active=active, generator=source)
        transplant(small, self)
        return small

    def alone(self, arch: Architecture, generator: torch.Generator) -> NB101Network:
        """Make the published network of the cell, as wide and deep as this one.

        Raises:
            ValueError: `arch` is not in the space.
        """
        if arch not in self.space:
            raise ValueError(f"not an architecture of {self.space.name}: {arch}")
        return NB101Network(
            self.space.cell(arch), channels=self.channels, cells=self.cells,
            classes=self.classes, generator=generator,
        )  # fmt: skip


class NB1Shot1_1(NB1Shot1):
    """Four vertices with 1, 2, 2 and 2 parents; 2 feed the output."""


class NB1Shot1_2(NB1Shot1):
    """Four vertices with 1, 1, 2 and 2 parents; 3 feed the output."""

    space = NB1SHOT1_2
    layout = Layout.whole(NB1SHOT1_2)


class NB1Shot1_3(NB1Shot1):
    """Five vertices with 1, 1, 1, 2 and 2 parents; 2 feed the output."""

    space = NB1SHOT1_3
    layout = Layout.whole(NB1SHOT1_3)
