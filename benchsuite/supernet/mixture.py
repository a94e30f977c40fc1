"""What one forward runs: the weight of every operation, and which are executed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Self

import torch
from torch import Tensor

from benchsuite.spaces import Architecture, SearchSpace

Active = tuple[tuple[int, ...], ...]
"""The options of every decision that are executed."""

Statistics = Literal["batch", "track", "running"]
"""Normalise by the batch; by the batch, and remember; or by what was remembered.

Only "track" changes a buffer. A network without buffers always uses the batch."""


class Layout(NamedTuple):
    """Which choices of a space a network can relax, and how they hang together.

    Attributes:
        options: Of each decision, those that mixtures are made of. What a decision has
            beyond them (an edge that is not kept) is chosen at the end only.
        into: Decisions that are edges into the same node, node by node, in order; empty
            where decisions are no edges.
        names: What the space calls the options of every decision, those that mixtures
            are not made of included.
    """

    options: Active
    into: tuple[tuple[int, ...], ...] = ()
    names: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def whole(
        cls, space: SearchSpace, into: tuple[tuple[int, ...], ...] = ()
    ) -> "Layout":
        """Relax every option of every decision."""
        options = tuple(tuple(range(len(o))) for o in space.choices)
        return cls(options, into, space.choices)

    @property
    def width(self) -> int:
        """C, the number of columns that logits and weights have."""
        return 1 + max(max(options) for options in self.options)

    @property
    def there(self) -> Tensor:
        """What is an option, bool [D, C]."""
        columns = range(self.width)
        return torch.tensor(
            [[c in options for c in columns] for options in self.options]
        )

    @property
    def places(self) -> tuple[int, ...]:
        """Number nodes within the cell, or the stage, that they are of.

        Within one a later node has no fewer edges into it: where there are fewer, the
        next begins.

        Example:
            >>> Layout((), ((0,), (1, 2), (3, 4), (5,), (6, 7))).places
            (0, 1, 2, 0, 1)
        """
        found: list[int] = []
        for n, edges in enumerate(self.into):
            goes_on = n and len(edges) >= len(self.into[n - 1])
            found.append(found[-1] + 1 if goes_on else 0)
        return tuple(found)


@dataclass(frozen=True, eq=False)
class Mixture:
    """An architecture, or a superposition of several, as the argument of a forward.

    Edge d computes `edges[d] * sum of weights[d, c] * op_c(x) over active c +
    residue[d]`. What is active is known on the host, so that choosing what to run
    reads nothing from the device; what is not active costs nothing and learns nothing.

    Attributes:
        weights: [D, C], may carry gradient.
        active: D tuples of options.
        edges: [D], the weight of a whole edge (PC-DARTS); None is one.
        residue: [D], zero in value, added to the edge's output for the gradient it
            carries (GDAS); None is nothing.
        identity: What becomes of the images [B, C, H, W] that an identity passes on,
            once for all edges along which they leave a node (MSG-DAS, P-DARTS); None is
            nothing.
    """

    weights: Tensor
    active: Active
    edges: Tensor | None = None
    residue: Tensor | None = None
    identity: Callable[[Tensor], Tensor] | None = None

    @classmethod
    def one_hot(cls, space: SearchSpace, arch: Architecture) -> Self:
        """Execute `arch` and nothing else.

        Raises:
            ValueError: `arch` is not in `space`.
        """
        if arch not in space:
            raise ValueError(f"not an architecture of {space.name}: {arch}")
        return cls.path(arch, like=torch.empty(len(arch), max(map(len, space.choices))))

    @classmethod
    def path(cls, chosen: Architecture, *, like: Tensor) -> Self:
        """Execute one option of every decision; weights are shaped as `like` [D, C]."""
        eye = torch.eye(like.shape[-1])
        return cls(eye[list(chosen)].to(like), tuple((c,) for c in chosen))

    def rescaled(self, active: Active) -> Self:
        """Execute only `active`, and give it the whole weight of its decision.

        A decision of which nothing is left, or nothing with a weight, has no weight.
        """
        rows = [
            [c in options for c in range(self.weights.shape[1])] for options in active
        ]
        weights = self.weights * torch.tensor(rows).to(self.weights)
        whole = self.weights.sum(-1, keepdim=True)
        left = weights.sum(-1, keepdim=True)
        scale = torch.where(
            left > 0, whole / left.clamp_min(torch.finfo(left.dtype).tiny), 0.0
        )
        return replace(self, weights=weights * scale, active=active)

    def to(self, like: Tensor) -> Self:
        """Move to the device and type of `like`."""
        edges = None if self.edges is None else self.edges.to(like)
        residue = None if self.residue is None else self.residue.to(like)
        return replace(
            self, weights=self.weights.to(like), edges=edges, residue=residue
        )
