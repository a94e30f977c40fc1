"""The DARTS network: every pair of cells at once, or one of them alone.

Liu, Simonyan & Yang, "DARTS: Differentiable Architecture Search", ICLR 2019.
https://arxiv.org/abs/1806.09055
Partial channels: Xu et al., "PC-DARTS", ICLR 2020. https://arxiv.org/abs/1907.05737
Noise: Zela et al., ICLR 2020. https://arxiv.org/abs/1909.09656

As in the other networks, what runs and how it is mixed are arguments of `forward`, and
an operation is applied once for all the edges along which it leaves a node.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial as bind
from typing import Any, Literal, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchsuite.spaces import (
    DARTS,
    DARTS_S1,
    DARTS_S2,
    DARTS_S3,
    DARTS_S4,
    Architecture,
)
from benchsuite.spaces.darts import EDGES, INTO, DartsSpace
from benchsuite.supernet.derive import two_parents
from benchsuite.supernet.mixture import Active, Layout, Mixture, Statistics
from benchsuite.supernet.network import Bound, Network
from benchsuite.supernet.operations import (
    POOLS,
    SEPARABLE,
    Conv,
    FactorizedReduce,
    Norm,
    NormOptions,
    SeparableStack,
    draw_weights,
    halve,
    linear,
    normalise,
    separate,
    total,
    transplant,
)

Edges = tuple[int, ...]
Operations = tuple[tuple[str, ...], ...]
Stem = Literal["cifar", "imagenet"]
_LEAVING = [[d for d, (s, _) in enumerate(EDGES) if s == source] for source in range(5)]


def layout_of(space: DartsSpace) -> Layout:
    """Relax the operations; `none` where the one-shot model has it as one."""
    first = 0 if space.mixes_none else 1
    options = tuple(tuple(range(first, len(o))) for o in space.choices)
    return Layout(options, INTO, space.choices)


def names(space: DartsSpace, active: Active) -> Operations:
    """Name the active operations of every edge."""
    edges = zip(space.choices, active, strict=True)
    return tuple(tuple(choices[c] for c in options) for choices, options in edges)


class Fan(NamedTuple):
    """An operation, the n edges along which it leaves a node, their weights [n]."""

    name: str
    edges: Edges
    weight: Tensor


class Plan(NamedTuple):
    """What every cell of a kind does with a mixture.

    Attributes:
        leaving: Of nodes 0 to 4.
        kept: Of every edge, whether anything but `none` is active on it.
        edges: The weight of every edge, scalars; None is one.
        residue: What is added to nodes 2 to 5, scalars; None is nothing.
        identity: See `Mixture`.
    """

    leaving: list[list[Fan]]
    kept: list[bool]
    edges: tuple[Tensor, ...] | None
    residue: list[Tensor] | None
    identity: Callable[[Tensor], Tensor] | None


def plan(mixture: Mixture, space: DartsSpace, *, reduces: bool) -> Plan:
    """Sort what `mixture` executes in a cell by source node; the host decides."""
    mine = slice(len(EDGES), None) if reduces else slice(0, len(EDGES))
    weights, edges, residue = mixture.weights[mine], mixture.edges, mixture.residue
    edges = None if edges is None else edges[mine]
    if edges is not None:
        weights = weights * edges.unsqueeze(1)
    running = [
        {choices[c]: w for c, w in enumerate(row.unbind()) if c in active}
        for choices, active, row in zip(
            space.choices[mine], mixture.active[mine], weights.unbind(), strict=True
        )
    ]
    kept = [any(name != "none" for name in active) for active in running]
    leaving = []
    for source in _LEAVING:
        fans = {
            name: tuple(d for d in source if name in running[d])
            for name in (*SEPARABLE, "skip_connect", *POOLS, "noise")
        }
        leaving.append(
            [
                Fan(name, fan, torch.stack([running[d][name] for d in fan]))
                for name, fan in fans.items()
                if fan
            ]
        )
    return Plan(
        leaving,
        kept,
        None if edges is None else edges.unbind(),
        None
        if residue is None
        else [r.sum() for r in torch.split(residue[mine], [2, 3, 4, 5])],
        mixture.identity,
    )


class Noise(nn.Module):
    """Standard normal images, from a generator that its state holds.

    Attributes:
        generator: On the device of the images drawn last.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)

    def forward(self, shape: Sequence[int], like: Tensor) -> Tensor:
        """Draw an image of the type and on the device of `like`."""
        if self.generator.device != like.device:  # then it starts anew from its seed
            seed = self.generator.initial_seed()
            self.generator = torch.Generator(like.device).manual_seed(seed)
        return torch.randn(
            shape, generator=self.generator, dtype=like.dtype, device=like.device
        )

    def get_extra_state(self) -> dict[str, Any]:
        """Return where the generator is."""
        device = str(self.generator.device)
        return {"device": device, "state": self.generator.get_state()}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Go there."""
        self.generator = torch.Generator(state["device"])
        self.generator.set_state(state["state"].cpu())


class Cell(nn.Module):
    """Two inputs, four nodes, fourteen edges; a reduction cell halves the image.

    With `partial` = K, edges transform the first 1/K of the channels and pass the
    others by; a node shuffles the two (PC-DARTS).
    """

    def __init__(
        self,
        operations: Operations,
        inputs: tuple[int, int],
        channels: int,
        *,
        reduces: bool,
        after_reduction: bool,
        partial: int,
        pool_norm: bool,
        norm: NormOptions,
    ) -> None:
        super().__init__()
        self.stride = 2 if reduces else 1
        self.partial, self.working = partial, channels // partial
        first = FactorizedReduce if after_reduction else bind(Conv, kernel=1)
        self.before = nn.ModuleList(
            [
                first(inputs[0], channels, **norm),
                Conv(inputs[1], channels, 1, **norm),
            ]
        )
        self.convs, self.pools = nn.ModuleDict(), nn.ModuleDict()
        for d, (source, _) in enumerate(EDGES):
            for name in operations[d]:
                if name in SEPARABLE:
                    conv: nn.Module = SeparableStack(self.working, name, **norm)
                    self.convs[f"{d}_{name}"] = conv
                elif name == "skip_connect" and self._stride(source) > 1:
                    conv = FactorizedReduce(self.working, self.working, **norm)
                    self.convs[f"{d}_{name}"] = conv
                elif name in POOLS and pool_norm:  # the same for all that leaves
                    plain = Norm(self.working, affine=False, running=norm["running"])
                    self.pools[f"{source}_{name}"] = plain

    def _stride(self, source: int) -> int:
        """The stride of what leaves a node; only the inputs have large images."""
        return self.stride if source < 2 else 1

    def forward(
        self,
        inputs: tuple[Tensor, Tensor],
        plan: Plan,
        statistics: Statistics,
        noise: Noise | None,
        keep: Tensor | None,
    ) -> Tensor:
        """Map the outputs of the two cells before, after a ReLU, to an output.

        Args:
            inputs: [B, C0, H0, W0] and [B, C1, H, W].
            plan: What runs.
            statistics: See `Statistics`.
            noise: Where images of noise come from.
            keep: [14, B], what an edge is multiplied by, unless it is an identity.
        """
        nodes, by = [], []  # what edges transform, and what goes by
        pooled = self.stride > 1 and self.partial > 1
        for source, x in enumerate(inputs):
            x = self._prepare(source, x, statistics)
            nodes.append(x[:, : self.working])
            x = x[:, self.working :]
            by.append(F.max_pool2d(x, 2) if pooled else x)
        like = nodes[0][:, :, :: self.stride, :: self.stride]
        entering: list[list[Tensor]] = [[] for _ in range(6)]
        outputs = []
        for target in range(2, 6):
            for source in (0, 1) if target == 2 else (target - 1,):
                bundles: dict[Edges, Tensor] = {}  # what goes the same ways is added
                fans = self._leave(source, nodes[source], plan, statistics, noise)
                for edges, y, identity in fans:
                    if keep is not None and not identity:
                        y = y * _columns(keep, edges)
                    bundles[edges] = bundles[edges] + y if edges in bundles else y
                for edges, bundle in bundles.items():
                    for d, term in zip(edges, bundle.unbind(1), strict=True):
                        entering[EDGES[d][1]].append(term)
            node = total(entering[target], like)
            if plan.residue is not None:
                node = node + plan.residue[target - 2]
            if self.partial > 1:
                node = self._shuffle(node, self._bypass(by, plan))
            outputs.append(node)
            nodes.append(node[:, : self.working])
            by.append(node[:, self.working :])
        return torch.cat(outputs, 1)

    def _prepare(self, n: int, x: Tensor, statistics: Statistics) -> Tensor:
        """Bring an input to the width, and the size, of the cell."""
        layer = self.before[n]
        if isinstance(layer, FactorizedReduce):
            return halve([layer], x, statistics).squeeze(1)
        return cast(Tensor, layer(x, statistics))

    def _leave(
        self,
        source: int,
        h: Tensor,
        plan: Plan,
        statistics: Statistics,
        noise: Noise | None,
    ) -> Iterator[tuple[Edges, Tensor, bool]]:
        """Yield what leaves a node: n edges, [B, n, C, H, W], if it is an identity."""
        stride = self._stride(source)
        fans = plan.leaving[source]
        deep = [fan for fan in fans if fan.name in SEPARABLE]
        learned = any(_learns(fan.name, stride) for fan in fans)
        rectified = F.relu(h) if learned else h
        if deep:
            stacks = [[cast(SeparableStack, c) for c in self._layers(f)] for f in deep]
            weight = torch.cat([fan.weight for fan in deep])
            weight = weight.repeat_interleave(self.working)
            parts = separate(stacks, rectified, statistics, weight, stride)
            for fan, y in zip(deep, parts, strict=True):
                yield fan.edges, y, False
        for fan in fans[len(deep) :]:
            if _learns(fan.name, stride):
                weight = fan.weight.repeat_interleave(self.working)
                layers = [cast(FactorizedReduce, c) for c in self._layers(fan)]
                yield fan.edges, halve(layers, rectified, statistics, weight), False
                continue
            if fan.name in POOLS:
                y = self._pool(source, fan.name, h, statistics).unsqueeze(1)
            elif fan.name == "noise":
                assert noise is not None
                small = h[:, :, ::stride, ::stride]
                y = noise((len(h), len(fan.edges), *small.shape[1:]), h)
            else:
                y = (h if plan.identity is None else plan.identity(h)).unsqueeze(1)
            weighed = y * fan.weight.view(-1, 1, 1, 1)
            yield fan.edges, weighed, fan.name == "skip_connect"

    def _layers(self, fan: Fan) -> list[nn.Module]:
        """Find the weights of an operation on all its edges."""
        return [self.convs[f"{d}_{fan.name}"] for d in fan.edges]

    def _pool(
        self, source: int, name: str, h: Tensor, statistics: Statistics
    ) -> Tensor:
        """Pool, and normalise if the network has norms for that."""
        y = POOLS[name](h, stride=self._stride(source))
        if f"{source}_{name}" not in self.pools:
            return y
        norm = cast(Norm, self.pools[f"{source}_{name}"])
        return normalise(y, [norm], statistics, None)

    def _bypass(self, by: list[Tensor], plan: Plan) -> Tensor:
        """Sum the channels that no operation touches over the edges into a new node."""
        terms = []
        for d, (source, target) in enumerate(EDGES):
            if target == len(by) and plan.kept[d]:
                term = by[source]
                terms.append(term if plan.edges is None else plan.edges[d] * term)
        return total(terms, by[0])

    def _shuffle(self, touched: Tensor, untouched: Tensor) -> Tensor:
        """Interleave: what was touched lands in channels 0, K, 2K, ..."""
        x = torch.cat([touched, untouched], 1)
        return torch.unflatten(x, 1, (self.partial, -1)).transpose(1, 2).flatten(1, 2)


def _learns(name: str, stride: int) -> bool:
    """Tell whether an operation has weights, and a ReLU before them."""
    return name in SEPARABLE or (name == "skip_connect" and stride > 1)


def _columns(keep: Tensor, edges: Edges) -> Tensor:
    """Take the factors of n edges from [14, B], as [B, n, 1, 1, 1]."""
    return torch.stack([keep[d] for d in edges], 1)[:, :, None, None, None]


class CifarStem(nn.Module):
    """One convolution, of which both inputs of the first cell are the output."""

    def __init__(self, channels: int, *, running: bool) -> None:
        super().__init__()
        self.conv = Conv(3, 3 * channels, 3, affine=True, running=running)
        self.outputs = (3 * channels, 3 * channels)
        self.halves = False

    def forward(self, images: Tensor, statistics: Statistics) -> tuple[Tensor, Tensor]:
        """Map [B, 3, H, W] to the inputs of the first cell."""
        x = self.conv(images, statistics)
        return x, x


class ImagenetStem(nn.Module):
    """Three convolutions that halve; of the last two come the first cell's inputs."""

    def __init__(self, channels: int, *, running: bool) -> None:
        super().__init__()
        norm = NormOptions(affine=True, running=running)
        self.first = Conv(3, channels // 2, 3, **norm)
        self.second = Conv(channels // 2, channels, 3, **norm)
        self.third = Conv(channels, channels, 3, **norm)
        self.outputs = (channels, channels)
        self.halves = True

    def forward(self, images: Tensor, statistics: Statistics) -> tuple[Tensor, Tensor]:
        """Map [B, 3, H, W] to a quarter of the size, and to an eighth."""
        x = self.first(images, statistics, stride=2)
        x = self.second(F.relu(x), statistics, stride=2)
        return x, self.third(F.relu(x), statistics, stride=2)


STEMS: dict[Stem, type[CifarStem] | type[ImagenetStem]] = {
    "cifar": CifarStem,
    "imagenet": ImagenetStem,
}


class Auxiliary(nn.Module):
    """A classifier on top of the second reduction cell, whose images are of 7 or 8.

    On ImageNet its pooling has stride 2, and the last normalisation is missing, as in
    the experiments of the paper.
    """

    def __init__(self, inputs: int, classes: int, stem: Stem, *, running: bool) -> None:
        super().__init__()
        norm = NormOptions(affine=True, running=running)
        self.stride = 3 if stem == "cifar" else 2
        self.narrow = Conv(inputs, 128, 1, **norm)
        self.wide = nn.Parameter(torch.empty(768, 128, 2, 2))
        self.norm = Norm(768, **norm) if stem == "cifar" else None
        self.head = linear(768, classes)

    def forward(self, x: Tensor, statistics: Statistics) -> Tensor:
        """Map x [B, C, 7 or 8, 7 or 8], after a ReLU, to class logits."""
        x = F.avg_pool2d(x, 5, self.stride)
        x = F.conv2d(F.relu(self.narrow(x, statistics)), self.wide)
        if self.norm is not None:
            x = normalise(x, [self.norm], statistics, None)
        return F.linear(F.relu(x).flatten(1), self.head.weight, self.head.bias)


class Darts(Network):
    """Stem, cells, of which two reduce, linear head.

    The cells at one and at two thirds of the depth are reduction cells. Defaults are
    those of the search on CIFAR-10. The network that is trained in the end has C = 36
    and 20 cells (ImageNet: 48 and 14), `affine`, `running`, `auxiliary`, one operation
    on 16 of 28 edges, and no `pool_norm`.

    Attributes:
        space: The architectures it contains, as decisions.
        layout: What can be relaxed.
        rule: From scores to an architecture.
        operations: The operations it has weights for, on every edge.
    """

    space: DartsSpace = DARTS
    layout: Layout = layout_of(DARTS)
    rule = staticmethod(two_parents)

    def __init__(
        self,
        *,
        channels: int = 16,
        cells: int = 8,
        classes: int = 10,
        affine: bool = False,  # in the cells; stem and auxiliary head always are
        running: bool = False,  # whether normalisation has buffers
        partial: int = 1,  # K in PC-DARTS
        stem: Stem = "cifar",
        auxiliary: bool = False,  # whether there is a second head
        pool_norm: bool = True,  # whether poolings are normalised
        space: DartsSpace | None = None,  # that of the class
        operations: Operations | None = None,  # all of the space
        generator: torch.Generator | None = None,
    ) -> None:
        """Build it, with torch's usual initial weights drawn from `generator`.

        Raises:
            ValueError: `channels` is no multiple of `partial`, or no stem is so called.
        """
        super().__init__()
        if channels % partial:
            raise ValueError(f"{channels} channels do not divide by partial={partial}")
        if stem not in STEMS:
            raise ValueError(f"stem is {' or '.join(STEMS)}, not {stem!r}")
        space = space or self.space
        self.space, self.layout = space, layout_of(space)
        self.operations = space.choices if operations is None else operations
        self.channels, self.classes = channels, classes
        self.options = {
            "channels": channels, "cells": cells, "classes": classes, "affine": affine,
            "running": running, "partial": partial, "stem": stem,
            "auxiliary": auxiliary, "pool_norm": pool_norm, "space": space,
        }  # fmt: skip
        norm = NormOptions(affine=affine, running=running)
        half, width = len(EDGES), channels
        self.stem = STEMS[stem](channels, running=running)
        inputs, halved = self.stem.outputs, self.stem.halves
        self.cells = nn.ModuleList()
        for n in range(cells):
            reduces = n in (cells // 3, 2 * cells // 3)
            width *= 2 if reduces else 1
            cell = Cell(
                self.operations[half:] if reduces else self.operations[:half],
                inputs, width, reduces=reduces, after_reduction=halved,
                partial=partial, pool_norm=pool_norm, norm=norm,
            )  # fmt: skip
            self.cells.append(cell)
            inputs, halved = (inputs[1], 4 * width), reduces
        self.auxiliary = None
        if auxiliary:
            self.auxiliary = Auxiliary(16 * channels, classes, stem, running=running)
        self.head = linear(inputs[1], classes)
        draw_weights(self, generator)
        self.noise = None
        if any("noise" in edge for edge in self.operations):
            seed = torch.randint(1 << 62, (), generator=generator)
            self.noise = Noise(int(seed))

    def forward(
        self, images: Tensor, mixture: Mixture, statistics: Statistics = "batch"
    ) -> Tensor:
        """Map images [B, 3, H, W] to class logits [B, K]."""
        *_, x = self._outputs(images, mixture, statistics, None)
        return self._classify(x)

    def forward_with_auxiliary(
        self,
        images: Tensor,
        mixture: Mixture,
        statistics: Statistics = "batch",
        drop: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Map images to logits, and to those of the auxiliary head if there is one.

        Args:
            images: [B, 3, H, W].
            mixture: What runs.
            statistics: See `Statistics`.
            drop: With this probability an edge is zero for an image, unless it is an
                identity; otherwise it is divided by the probability that it is not.
                Larsson, Maire & Shakhnarovich, "FractalNet", ICLR 2017.
            generator: On the host; what is dropped is drawn from it.

        Raises:
            ValueError: `drop` is not in [0, 1), or there is nothing to draw it from.
        """
        if not 0 <= drop < 1:
            raise ValueError(f"drop must be in [0, 1), not {drop}")
        if drop and generator is None:
            raise ValueError("drop needs a generator")
        keep = None
        if drop:
            shape = (len(self.cells), len(EDGES), len(images))
            kept = torch.rand(shape, generator=generator) >= drop
            keep = kept.to(images) / (1 - drop)
        auxiliary = None
        for n, x in enumerate(self._outputs(images, mixture, statistics, keep)):
            if self.auxiliary is not None and n == 2 * len(self.cells) // 3:
                auxiliary = self.auxiliary(F.relu(x), statistics)
        return self._classify(x), auxiliary

    def _outputs(
        self,
        images: Tensor,
        mixture: Mixture,
        statistics: Statistics,
        keep: Tensor | None,
    ) -> Iterator[Tensor]:
        """Yield the output of every cell."""
        mixture = mixture.to(images)
        plans = [plan(mixture, self.space, reduces=r) for r in (False, True)]
        first, second = self.stem(images, statistics)
        inputs = F.relu(first), F.relu(second)
        for n, cell in enumerate(self.cells):
            drop = None if keep is None else keep[n]
            prepared = plans[cast(Cell, cell).stride > 1]
            x = cell(inputs, prepared, statistics, self.noise, drop)
            yield x
            inputs = inputs[1], F.relu(x)

    def _classify(self, x: Tensor) -> Tensor:
        """Map the output of the last cell to class logits."""
        return F.linear(x.mean((2, 3)), self.head.weight, self.head.bias)

    def restrict(self, active: Active) -> "Darts":
        """Copy the network with the active operations only, and their weights.

        With one operation an edge it is the stand-alone network of an architecture.
        Operations keep their names, so the weights fit in either direction.
        """
        source = torch.Generator()  # what is drawn from it is overwritten
        small = self._build(operations=names(self.space, active), generator=source)
        transplant(small, self)
        return small

    def alone(self, arch: Architecture, generator: torch.Generator) -> "DartsAlone":
        """Make the network of one architecture, with new weights, to be trained.

        Raises:
            ValueError: `arch` is not in the space.
        """
        mixture = Mixture.one_hot(self.space, arch)
        operations = names(self.space, mixture.active)
        small = self._build(operations=operations, generator=generator)
        return DartsAlone(small, mixture)


class DartsAlone(Bound):
    """The network of one architecture, whose paths can be dropped in training."""

    net: Darts

    def with_auxiliary(
        self, images: Tensor, drop: float, generator: torch.Generator
    ) -> tuple[Tensor, Tensor | None]:
        """Train on a batch; see `Darts.forward_with_auxiliary`."""
        return self.net.forward_with_auxiliary(
            images, self.mixture, "track", drop, generator
        )


class DartsS1(Darts):
    """Another pair of operations on every edge."""

    space, layout = DARTS_S1, layout_of(DARTS_S1)


class DartsS2(Darts):
    """Identity or separable convolution."""

    space, layout = DARTS_S2, layout_of(DARTS_S2)


class DartsS3(Darts):
    """As `DartsS2`, and `none` among the operations."""

    space, layout = DARTS_S3, layout_of(DARTS_S3)


class DartsS4(Darts):
    """Noise or separable convolution."""

    space, layout = DARTS_S4, layout_of(DARTS_S4)
