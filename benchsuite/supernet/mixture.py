"""What one forward runs: the weight of every operation, and which are executed."""

from dataclasses import dataclass, replace
from typing import Literal, Self

import torch
from torch import Tensor

from benchsuite.spaces import Architecture, SearchSpace

Active = tuple[tuple[int, ...], ...]
"""The options of every decision that are executed."""

Statistics = Literal["batch", "track", "running"]
"""Normalise by the batch; by the batch, and remember; or by what was remembered.

Only "track" changes a buffer. A network without buffers always uses the batch."""


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
    """

    weights: Tensor
    active: Active
    edges: Tensor | None = None
    residue: Tensor | None = None

    @classmethod
    def dense(cls, weights: Tensor, edges: Tensor | None = None) -> Self:
        """Execute everything."""
        d, c = weights.shape
        return cls(weights, (tuple(range(c)),) * d, edges)

    @classmethod
    def one_hot(cls, space: SearchSpace, arch: Architecture) -> Self:
        """Execute `arch` and nothing else.

        Raises:
            ValueError: `arch` is not in `space`.
        """
        if arch not in space:
            raise ValueError(f"not an architecture of {space.name}: {arch}")
        eye = torch.eye(max(map(len, space.choices)))
        return cls(eye[list(arch)], tuple((c,) for c in arch))

    def to(self, like: Tensor) -> Self:
        """Move to the device and type of `like`."""
        edges = None if self.edges is None else self.edges.to(like)
        residue = None if self.residue is None else self.residue.to(like)
        return replace(
            self, weights=self.weights.to(like), edges=edges, residue=residue
        )
