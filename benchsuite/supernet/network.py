"""What every supernet is: weights, and the space of what can be done with them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Self

import torch
from torch import Tensor, nn

from benchsuite.spaces import Architecture, SearchSpace
from benchsuite.supernet.derive import Rule
from benchsuite.supernet.mixture import Active, Layout, Mixture, Statistics
from benchsuite.supernet.operations import draw_weights


class Alone(nn.Module, ABC):
    """A network of one architecture, which is called without a mixture."""

    @abstractmethod
    def forward(self, images: Tensor, statistics: Statistics = "batch") -> Tensor:
        """Map images [B, 3, H, W] to class logits [B, K]."""

    def with_auxiliary(
        self, images: Tensor, drop: float, generator: torch.Generator
    ) -> tuple[Tensor, Tensor | None]:
        """Train on a batch: logits, and those of an auxiliary head if there is one.

        Args:
            images: [B, 3, H, W].
            drop: Share of paths that are dropped, where the network has paths.
            generator: Draws them.
        """
        return self(images, "track"), None


class Supernet(nn.Module, ABC):
    """Every architecture of a space at once; what runs is an argument.

    Attributes:
        space: The architectures.
        layout: What of their decisions can be relaxed.
        rule: From scores to an architecture; see `derive`.
        options: What it was built with, but for the operations that it has weights for;
            none without weights.
    """

    space: SearchSpace
    layout: Layout
    rule: Rule
    options: Mapping[str, Any] = MappingProxyType({})

    @abstractmethod
    def forward(
        self, images: Tensor, mixture: Mixture, statistics: Statistics = "batch"
    ) -> Tensor:
        """Map images [B, 3, H, W] to class logits [B, K]."""

    def without(self, mixture: Mixture, active: Active) -> Mixture:
        """Execute only `active` of a mixture.

        What is left keeps its weight: the normalisation that follows makes up for it.
        """
        return replace(mixture, active=active)

    def anew(self, generator: torch.Generator, **changes: Any) -> Self:
        """Make another with new weights; without weights it stays as it is.

        Args:
            generator: Draws the weights.
            changes: Options that are not those of this one.
        """
        return self


class Network(Supernet):
    """A supernet of weights, which architectures share."""

    def _build(self, **others: Any) -> Self:
        """Build another; `options` are the same where `others` have them not."""
        return type(self)(**{**self.options, **others})

    def anew(self, generator: torch.Generator, **changes: Any) -> Self:
        """Build another, with all operations and new weights, in the same place."""
        like = next(self.parameters())
        return self._build(**changes, generator=generator).to(like)

    @abstractmethod
    def restrict(self, active: Active) -> Self:
        """Copy the network with the active options only, and their weights.

        With one option a decision it is the stand-alone network of an architecture.
        What is left keeps its name, so that weights fit in either direction.
        """

    def alone(self, arch: Architecture, generator: torch.Generator) -> Alone:
        """Make the network of one architecture, with new weights, to be trained.

        Raises:
            ValueError: `arch` is not in the space.
        """
        mixture = Mixture.one_hot(self.space, arch)
        small = self.restrict(mixture.active)
        draw_weights(small, generator)
        return Bound(small, mixture)


class Bound(Alone):
    """A network together with what it runs."""

    def __init__(self, net: Network, mixture: Mixture) -> None:
        super().__init__()
        self.net, self.mixture = net, mixture

    def forward(self, images: Tensor, statistics: Statistics = "batch") -> Tensor:
        """Map images [B, 3, H, W] to class logits [B, K]."""
        logits: Tensor = self.net(images, self.mixture, statistics)
        return logits
