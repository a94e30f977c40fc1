"""The size space of NATS-Bench: how wide each layer of a fixed network is.

Dong, Liu, Musial & Gabrys, "NATS-Bench: Benchmarking NAS Algorithms for Architecture
Topology and Size", TPAMI 2021. https://arxiv.org/abs/2009.00437
"""

import numpy as np
from numpy.typing import NDArray

from benchsuite.spaces.space import Architecture, SearchSpace

_LAYERS = 5
_STEP = 8
_WIDTHS = tuple(str(width) for width in range(_STEP, 65, _STEP))


class SizeSpace(SearchSpace):
    """Networks of five layers with 8 to 64 channels each: 8^5 = 32,768.

    Example:
        >>> NATS_SSS.format((0, 1, 2, 3, 7)), NATS_SSS.parse("8:8:8:16:40")
        ('8:16:24:32:64', (0, 0, 0, 1, 4))
    """

    def mutate_as_published(
        self, arch: Architecture, rng: np.random.Generator
    ) -> Architecture:
        """Draw the width of one layer anew: in one of eight cases, it stays."""
        which, draw = rng.random(2).tolist()
        layer, width = int(which * _LAYERS), int(draw * len(_WIDTHS))
        return (*arch[:layer], width, *arch[layer + 1 :])

    def format(self, arch: Architecture) -> str:
        """Spell the widths with colons between them."""
        return ":".join([_WIDTHS[a] for a in arch])

    def parse(self, text: str) -> Architecture:
        """Invert `format`, accepting nothing but the published spelling."""
        widths = text.split(":")
        if len(widths) != _LAYERS:
            raise ValueError(
                f"a network of {self.name} has {_LAYERS} widths, joined by ':', as in"
                f" 8:16:24:32:64; {text!r} has {len(widths)}"
            )
        return tuple(
            self._option(layer, f"layer {layer}", width)
            for layer, width in enumerate(widths)
        )


NATS_SSS = SizeSpace("nats_sss", (_WIDTHS,) * _LAYERS)

_IS_BLOCK = (False, True, False, True, False)
"""Layers that are residual blocks of stride 2: two 3x3 convolutions and, beside them
after pooling, a 1x1 without batch norm. The others are cells of five 3x3 convolutions,
two from the cell's input and three within, and a skip, which is a 1x1 convolution with
batch norm where the width changes."""


def parameters(archs: NDArray[np.uint8], classes: int) -> NDArray[np.float64]:
    """Count the weights of the networks.

    Args:
        archs: [N, 5], networks of `NATS_SSS`.
        classes: Outputs of the classifier: 10, 100 or 120.

    Returns:
        [N]: the sum of
            stem, of width w: 27 w + 2 w;
            cell, from v to w channels: 18 v w + 27 w^2 + 10 w, and v w + 2 w if v != w;
            block, from v to w channels: 9 v w + 9 w^2 + 4 w + v w;
            head, of width w: 2 w + (w + 1) classes.

    Example:
        >>> parameters(np.array([[0, 0, 0, 1, 4]], dtype=np.uint8), 10)
        array([67378.])
    """
    widths = _widths(archs)
    first, last = widths[:, 0], widths[:, -1]
    total = 29 * first + 2 * last + (last + 1) * classes
    for before, width, is_block in _layers(widths):
        norms = 4 if is_block else 10 + 2 * (before != width)
        total += _convolved(before, width, is_block) + norms * width
    return total


def macs(archs: NDArray[np.uint8], classes: int, side: int) -> NDArray[np.float64]:
    """Count the multiplications with addition for one image; papers call them FLOPs.

    Args:
        archs: [N, 5], networks of `NATS_SSS`.
        classes: Outputs of the classifier.
        side: Pixels along an image's side, 32 or 16.

    Returns:
        [N]: the weights of all convolutions, each times the positions where it is
        applied (batch norm and pooling count nothing), and the classifier's.

    Example:
        >>> macs(np.array([[0, 0, 0, 1, 4]], dtype=np.uint8), 10, 32)
        array([7991706.])
    """
    widths = _widths(archs)
    positions = float(side * side)
    total = 27 * widths[:, 0] * positions + (widths[:, -1] + 1) * classes
    for before, width, is_block in _layers(widths):
        if is_block:
            positions /= 4
        total += _convolved(before, width, is_block) * positions
    return total


def peak_activation_bytes(archs: NDArray[np.uint8], side: int) -> NDArray[np.float64]:
    """Say how much a network holds at most while it judges one image.

    It runs as `nats.peak_activation_bytes` says. The residual block holds its input
    until its shortcut, which comes last, has been pooled.

    Args:
        archs: [N, 5], networks of `NATS_SSS`.
        side: Pixels along an image's side, 32 or 16.

    Returns:
        [N]: the largest of
            stem, of width w: (3 + w) p;
            cell, from v to w channels: max(v + 3 w, 4 w) p;
            block, from v to w channels: v p + max(2 w, v + w) p / 4,
        with p pixels before the layer, times 4 bytes.

    Example:
        >>> peak_activation_bytes(np.array([[0, 0, 0, 1, 4]], dtype=np.uint8), 32)
        array([131072.])
    """
    widths, pixels = _widths(archs), float(side * side)
    peak: NDArray[np.float64] = (3 + widths[:, 0]) * pixels
    for before, width, is_block in _layers(widths):
        if is_block:
            holds = before * pixels + np.maximum(2 * width, before + width) * pixels / 4
            pixels /= 4
        else:
            holds = np.maximum(before + 3 * width, 4 * width) * pixels
        peak = np.maximum(peak, holds)
    return 4 * peak


_Layer = tuple[NDArray[np.float64], NDArray[np.float64], bool]


def _layers(widths: NDArray[np.float64]) -> list[_Layer]:
    """Take a network apart: channels [N] before and in each layer, and its kind."""
    before = (widths[:, 0], *widths.T[:-1])
    return list(zip(before, widths.T, _IS_BLOCK, strict=True))


def _widths(archs: NDArray[np.uint8]) -> NDArray[np.float64]:
    return _STEP * (archs.astype(np.float64) + 1)


def _convolved(
    before: NDArray[np.float64], width: NDArray[np.float64], is_block: bool
) -> NDArray[np.float64]:
    """Count the weights of a layer's convolutions, [N]."""
    across, within = before * width, width * width
    if is_block:
        return 10 * across + 9 * within
    skip = np.where(before == width, 0.0, across)
    return 18 * across + skip + 27 * within
