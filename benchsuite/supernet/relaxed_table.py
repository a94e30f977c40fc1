"""A table as a supernet: its multilinear extension.

    f(P) = sum over architectures a of prod_d P[d, a_d] * (value(a) - baseline)

At a one-hot mixture f is the table's entry, less the baseline. There is no weight
sharing: this tests relaxations, steps and rules, and replicates no one-shot result.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchsuite.spaces import SearchSpace
from benchsuite.supernet.derive import strongest
from benchsuite.supernet.mixture import Active, Layout, Mixture, Statistics
from benchsuite.supernet.network import Supernet


class RelaxedTable(Supernet):
    """The expected error of an architecture drawn from a mixture.

    The weights of a decision are divided by their sum (their gradient is not). An
    operation that has a weight and is not active is lost: what would be drawn with it
    counts as an error of 1. Where nothing is active option 0 stands in.

    "track" moves the baseline towards the mixture's error, "running" leaves it out.
    A single path has the gradient of its own error, so that where zero lies matters.

    Attributes:
        space: The architectures.
        values: float64 [C_1, ..., C_D], errors in [0, 1].
        baseline: What is subtracted from them, unless "running".
    """

    values: Tensor
    baseline: Tensor
    rule = staticmethod(strongest)

    def __init__(
        self,
        space: SearchSpace,
        errors: Mapping[tuple[int, ...], float] | NDArray[np.float64],
        *,
        rate: float = 0.01,  # of the running mean; 0 leaves the baseline at 0
    ) -> None:
        super().__init__()
        self.space, self.layout, self.rate = space, Layout.whole(space), rate
        shape = [*map(len, space.choices)]
        values = [errors[a] for a in space] if isinstance(errors, Mapping) else errors
        table = torch.as_tensor(values, dtype=torch.float64).reshape(shape)
        self.register_buffer("values", table)
        self.register_buffer("baseline", table.mean() * (rate > 0))

    def forward(
        self, images: Any, mixture: Mixture, statistics: Statistics = "batch"
    ) -> Tensor:
        """Expected error [], less the baseline; there are no images."""
        p = mixture.weights.double()
        active = _mask(mixture.active, p.shape[1]).to(p)
        whole = p.detach().sum(-1, keepdim=True)
        left = (p.detach() * active).sum(-1, keepdim=True)
        p = torch.where(left > 0, p * active / whole, active)
        rows = zip(p, self.layout.options, strict=True)
        f = self.values
        for row, options in rows:
            f = torch.tensordot(row[: len(options)], f, 1)
        f = f + (1 - p.detach().sum(-1).prod())
        if statistics == "running":
            return f
        if statistics == "track":
            self.baseline = self.baseline + self.rate * (f.detach() - self.baseline)
        return f - self.baseline * p.sum(-1).prod()

    def without(self, mixture: Mixture, active: Active) -> Mixture:
        """Execute only `active`, with the whole weight: here nothing normalises."""
        return mixture.rescaled(active)


@cache
def _mask(active: Active, options: int) -> Tensor:
    """1 where an option is active, [D, C]; option 0 where none is."""
    rows = [[c in (chosen or (0,)) for c in range(options)] for chosen in active]
    return torch.tensor(rows, dtype=torch.float64)
