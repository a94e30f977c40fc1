"""What a search wants of an architecture beside its accuracy, as one reward.

Tan et al., "MnasNet: Platform-Aware Neural Architecture Search for Mobile", CVPR 2019,
eq. 2 and 3. https://arxiv.org/abs/1807.11626
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np

from benchsuite.core import InputError
from benchsuite.spaces import Architecture, SearchSpace

Cost = Callable[[Architecture], float]
"""Weights, seconds, or whatever else is better the less it is; nan where unknown."""

STRONGEST = 10.0
"""Exponents are smaller than that, so that no reward overflows."""


@dataclass(frozen=True)
class Preference:
    """Rewards accuracy (cost / T)^omega.

    It needs no derivative of the cost. With omega below 0 less is better; the further
    below, the more accuracy is given for it. With 0 the accuracy alone counts.

    Attributes:
        name: Of the cost, such as "params".
        cost: Of an architecture.
        reference: T, in the unit of the cost; see `typical`.
        exponent: omega.
    """

    name: str
    cost: Cost
    reference: float
    exponent: float = -0.07

    def factor(self, arch: Architecture) -> float:
        """(cost / T)^omega; 0, the least there is, where no cost above 0 is known.

        Example:
            >>> Preference("params", lambda arch: 4e6, 1e6, -0.5).factor((0,))
            0.5
            >>> Preference("latency", lambda arch: math.nan, 1e6).factor((0,))
            0.0
        """
        if not self.exponent:
            return 1.0
        cost = self.cost(arch)
        return (cost / self.reference) ** self.exponent if cost > 0 else 0.0


def typical(name: str, cost: Cost, space: SearchSpace, *, samples: int = 100) -> float:
    """Return the median cost of random architectures, always of the same ones.

    Raises:
        InputError: Of none of them it is known, or it is not above 0.
    """
    rng = np.random.default_rng(0)
    drawn = [cost(space.sample(rng)) for _ in range(samples)]
    known = [figure for figure in drawn if not math.isnan(figure)]
    if not known or min(known) <= 0:
        found = f"{min(known):.6g}" if known else "unknown"
        raise InputError(
            f"an objective is above 0, and {name} of architectures of {space.name} is"
            f" {found}: choose another"
        )
    return median(known)
