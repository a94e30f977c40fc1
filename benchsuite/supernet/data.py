"""Images that live on the device, and streams of batches that know where they are.

Nothing here is a worker, a loader or a transform of one image: a batch is gathered,
cropped and flipped by a handful of operators on tensors.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, Self

import torch
from torch import Tensor

from benchsuite.supernet.search import Batch

Augment = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Split:
    """Part of a data set.

    Attributes:
        images: uint8 or float [N, 3, H, W]; uint8 becomes float in [0, 1] in a batch.
        labels: int64 [N].
        mean: [3], subtracted from the float images.
        std: [3], divides what is left.

    Raises:
        ValueError: There are not as many labels as images.
    """

    images: Tensor
    labels: Tensor
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise ValueError(f"{len(self.images)} images, {len(self.labels)} labels")

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device | str) -> Self:
        """Move to a device."""
        images, labels = self.images.to(device), self.labels.to(device)
        return type(self)(images, labels, self.mean, self.std)

    def part(self, index: Tensor) -> Self:
        """Keep some of the images, in the order of `index`."""
        images, labels = self.images[index], self.labels[index]
        return type(self)(images, labels, self.mean, self.std)

    def batch(self, index: Tensor, augment: Augment | None = None) -> Batch:
        """Gather, change the images as they were taken, and normalise."""
        images = self.images[index]
        if images.dtype == torch.uint8:
            images = images.float().div_(255)
        if augment is not None:
            images = augment(images)
        mean, std = (images.new_tensor(x).view(3, 1, 1) for x in (self.mean, self.std))
        return (images - mean) / std, self.labels[index]


class RandomAugment(Protocol):
    """Changes images [B, 3, H, W] at random."""

    def __call__(self, images: Tensor, /, generator: torch.Generator) -> Tensor:
        """Return as many images of the same shape."""


def crop_and_flip(images: Tensor, generator: torch.Generator, pad: int = 4) -> Tensor:
    """Shift every image by up to `pad` pixels, and mirror every other, at random.

    What comes in at the border is black. Draws are made on the host: a trajectory does
    not depend on the device.
    """
    b, _, h, w = images.shape
    shift = torch.randint(2 * pad + 1, (2, b, 1), generator=generator)
    mirror = torch.randint(2, (b, 1), generator=generator).bool()
    rows, columns = torch.arange(h) + shift[0], torch.arange(w) + shift[1]
    columns = torch.where(mirror, columns.flip(1), columns)
    which = torch.arange(b)[:, None, None]
    index = (x.to(images.device) for x in (which, rows[:, :, None], columns[:, None]))
    which, rows, columns = index
    padded = torch.nn.functional.pad(images, (pad, pad, pad, pad))
    cropped = padded.permute(0, 2, 3, 1)[which, rows, columns].permute(0, 3, 1, 2)
    return cropped.contiguous()  # else every layer falls back to strided kernels


def cutout(images: Tensor, generator: torch.Generator, length: int = 16) -> Tensor:
    """Set a square of every image to zero, its centre drawn uniformly.

    DeVries & Taylor, "Improved Regularization of Convolutional Neural Networks with
    Cutout", 2017. What of the square lies outside the image is lost.
    """
    b, _, h, w = images.shape
    centre = (
        torch.rand((2, b, 1), generator=generator) * torch.tensor([h, w])[:, None, None]
    )
    centre = centre.floor().to(images.device)

    def inside(side: int, at: Tensor) -> Tensor:
        places = torch.arange(side, device=images.device)
        return (places >= at - length // 2) & (places < at + length // 2)

    rows, columns = inside(h, centre[0]), inside(w, centre[1])
    hole = rows[:, None, :, None] & columns[:, None, None, :]
    return images.masked_fill(hole, 0.0)


class Shuffled:
    """Draws full batches from a split in an order that is reshuffled when used up.

    The order goes on from epoch to epoch, so that two streams of different lengths
    stay independent.
    """

    def __init__(
        self,
        split: Split,
        size: int,
        generator: torch.Generator,
        augment: RandomAugment | None = None,
        erase: RandomAugment | None = None,
    ) -> None:
        """Make a stream.

        Args:
            split: What it draws from.
            size: Of a batch.
            generator: Of the order and of what is done to images.
            augment: What is done to images as they were taken.
            erase: What is done to normalised images.

        Raises:
            ValueError: The split is smaller than a batch.
        """
        if not 0 < size <= len(split):
            raise ValueError(f"batches of {size} from {len(split)} images")
        self._split, self._size = split, size
        self._augment, self._erase = augment, erase
        self._generator, self._device = generator, split.labels.device
        self._order, self._next = torch.empty(0, dtype=torch.int64), 0

    def __len__(self) -> int:
        return len(self._split) // self._size

    def draw(self) -> Batch:
        """Return the next batch, on the device of the split."""
        if self._next + self._size > len(self._order):
            self._order = torch.randperm(len(self._split), generator=self._generator)
            self._next = 0
        index = self._order[self._next : self._next + self._size]
        self._next += self._size
        augment = None
        if self._augment is not None:
            augment = partial(self._augment, generator=self._generator)
        images, labels = self._split.batch(index.to(self._device), augment)
        if self._erase is not None:
            images = self._erase(images, generator=self._generator)
        return images, labels

    def whole(self) -> Iterator[Batch]:
        """Pass over the split once, in order and not augmented."""
        for start in range(0, len(self._split), self._size):
            end = min(start + self._size, len(self._split))
            yield self._split.batch(torch.arange(start, end, device=self._device))

    def state_dict(self) -> dict[str, Any]:
        """Return where the stream is."""
        return {
            "order": self._order,
            "next": self._next,
            "generator": self._generator.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go there."""
        self._order, self._next = state["order"], state["next"]
        self._generator.set_state(state["generator"])


class Blank:
    """Batches of nothing, for what needs no data: a relaxed table."""

    def __init__(self, steps: int) -> None:
        self._steps = steps

    def __len__(self) -> int:
        return self._steps

    def draw(self) -> Batch:
        """Return nothing, once."""
        return torch.empty(1, 0), torch.empty(1)

    def whole(self) -> Iterator[Batch]:
        """Pass over it once."""
        yield self.draw()

    def state_dict(self) -> dict[str, Any]:
        """There is nothing to know."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """There is nowhere to go."""
