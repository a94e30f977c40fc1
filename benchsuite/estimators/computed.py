"""Zero-cost proxies that are computed, on networks made for the purpose. Needs torch.

Abdelfattah, Mehrotra, Dudziak & Lane, "Zero-Cost Proxies for Lightweight NAS", ICLR
2021. https://arxiv.org/abs/2101.08134
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn

from benchsuite.estimators.protocol import Judgement, Seen
from benchsuite.estimators.zero_cost import PROXIES, merit
from benchsuite.spaces import Architecture


class Networks(NamedTuple):
    """What proxies are computed on.

    Attributes:
        build: Makes the network of an architecture, its weights drawn from a generator.
        images: [N, 3, H, W], one batch.
        labels: [N].
    """

    build: Callable[[Architecture, torch.Generator], nn.Module]
    images: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Computed:
    """Computes a proxy of each architecture; all networks start from one seed.

    Attributes:
        name: As typed.
        proxy: Name of `PROXIES`.
        networks: What it is computed on.
        seed: Of weights, and of what a proxy draws.
    """

    name: str
    proxy: str
    networks: Networks
    seed: int = 0
    kind: Literal["zero-cost computed"] = field(
        default="zero-cost computed", init=False
    )
    epochs: tuple[int, ...] = field(default=(), init=False)
    learns_from: tuple[int, ...] = field(default=(), init=False)
    source: str = field(default="", init=False)
    predicts: bool = field(default=False, init=False)

    def fit(
        self, archs: Sequence[Architecture], seen: Seen, rng: np.random.Generator
    ) -> Self:
        """Learn nothing."""
        return self

    def estimate(self, archs: Sequence[Architecture], seen: Seen) -> Judgement:
        """Compute; -inf where the proxy has no finite score."""
        return Judgement(np.array([self._score(arch) for arch in archs], dtype=float))

    def _score(self, arch: Architecture) -> float:
        generator = torch.Generator().manual_seed(self.seed)
        net = self.networks.build(arch, generator)
        score = PROXIES[self.proxy](
            net, self.networks.images, self.networks.labels, generator
        )
        return merit(self.proxy, score)
