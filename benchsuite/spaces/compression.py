"""Compression as search: how many channels a network keeps, and in how many bits.

Keep ratios as in He et al., "AMC: AutoML for Model Compression and Acceleration on
Mobile Devices", ECCV 2018, https://arxiv.org/abs/1802.03494; bit widths as in Wang et
al., "HAQ: Hardware-Aware Automated Quantization with Mixed Precision", CVPR 2019,
https://arxiv.org/abs/1811.08886. A reconstruction: AMC's ratios are continuous, and
chosen layer by layer by an agent; here they are options of a space that any strategy
may search.

Networks are chains of convolutions, each of which reads what the one before has
written. NATS-Bench's size space (`nats_sss`) is such a space with branches.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchsuite.spaces.space import SearchSpace

RATIOS = (0.25, 0.5, 0.75, 1.0)
BITS = (2, 4, 6, 8)  # as in HAQ, which has all from 2 to 8
_FLOAT = 4  # bytes of a weight, an activation or a scale that is not quantised


class Layer(NamedTuple):
    """A convolution without bias, or with kernel and side 1 a linear layer.

    Attributes:
        kernel: Pixels along a side of the kernel.
        inputs: Channels that it reads, uncompressed.
        outputs: Channels that it writes, uncompressed.
        side: Pixels along a side of what it writes.
    """

    kernel: int
    inputs: int
    outputs: int
    side: int


def conv_macs(
    kernel: int, inputs: float, outputs: float, side: int, groups: int = 1
) -> float:
    """Count multiplications with addition of a convolution for one image.

    Example:
        >>> conv_macs(3, 16, 32, 8), conv_macs(3, 16, 16, 8, groups=16)
        (294912.0, 9216.0)
    """
    return side * side * kernel * kernel * inputs * outputs / groups


def keep_ratios(
    layers: Sequence[Layer], ratios: Sequence[float] = RATIOS
) -> SearchSpace:
    """Let every layer but the last keep a part of its outputs.

    The last one's outputs are the classes. See `kept` for what a ratio comes to.

    Raises:
        ValueError: A ratio is not in (0, 1], or layers do not follow one another.
    """
    _check(layers)
    if not ratios or not all(0 < ratio <= 1 for ratio in ratios):
        raise ValueError(f"ratios are above 0 and at most 1, not {tuple(ratios)}")
    options = tuple(f"{ratio:g}" for ratio in ratios)
    return SearchSpace("keep_ratios", (options,) * (len(layers) - 1))


def bit_widths(layers: Sequence[Layer], bits: Sequence[int] = BITS) -> SearchSpace:
    """Let every layer have its weights in some number of bits.

    Raises:
        ValueError: A number of bits is below 1, or layers do not follow one another.
    """
    _check(layers)
    if not bits or min(bits) < 1:
        raise ValueError(f"bits are at least 1, not {tuple(bits)}")
    return SearchSpace("bit_widths", (tuple(map(str, bits)),) * len(layers))


def _check(layers: Sequence[Layer]) -> None:
    for n, (one, next_one) in enumerate(itertools.pairwise(layers)):
        if one.outputs != next_one.inputs:
            raise ValueError(
                f"layer {n + 1} reads {next_one.inputs} channels, but layer {n} writes"
                f" {one.outputs}"
            )


def kept(
    layers: Sequence[Layer],
    archs: NDArray[np.integer],
    ratios: Sequence[float] = RATIOS,
    multiple: int = 1,
) -> NDArray[np.int64]:
    """Say how many outputs each layer keeps.

    Args:
        layers: The chain.
        archs: [N, L - 1], of `keep_ratios(layers, ratios)`.
        ratios: As there.
        multiple: Channels come in multiples of this; at least one multiple is kept, and
            never more than there are.

    Returns:
        [N, L]; the last layer keeps all.

    Example:
        >>> chain = [Layer(3, 3, 64, 32), Layer(1, 64, 10, 1)]
        >>> kept(chain, np.array([[0], [3]]), multiple=8).tolist()
        [[16, 10], [64, 10]]
    """
    outputs = np.array([layer.outputs for layer in layers[:-1]])
    wanted = np.array(ratios)[archs] * outputs / multiple
    rounded = multiple * np.maximum(np.floor(wanted + 0.5), 1)
    last = np.full((len(archs), 1), layers[-1].outputs)
    return np.hstack([np.minimum(rounded, outputs), last]).astype(np.int64)


def weights(
    layers: Sequence[Layer], channels: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Count the weights of each layer, [N, L], that has so many outputs, [N, L]."""
    first = np.full((len(channels), 1), layers[0].inputs)
    inputs = np.hstack([first, channels[:, :-1]])
    areas = np.array([float(layer.kernel**2) for layer in layers])
    counts: NDArray[np.float64] = areas * inputs * channels
    return counts


def macs(layers: Sequence[Layer], channels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Count multiplications with addition for one image, [N]."""
    positions = np.array([float(layer.side**2) for layer in layers])
    total: NDArray[np.float64] = (weights(layers, channels) * positions).sum(axis=1)
    return total


def size_bytes(
    layers: Sequence[Layer],
    channels: NDArray[np.int64],
    bits: NDArray[np.integer] | None = None,
) -> NDArray[np.float64]:
    """Say how large the weights are, [N].

    Args:
        layers: The chain.
        channels: [N, L], outputs of each layer.
        bits: [N, L] of a weight; a layer then has a scale, in float32, for each output.
            None is float32, without scales.
    """
    counts = weights(layers, channels)
    total: NDArray[np.float64] = (
        _FLOAT * counts if bits is None else counts * bits / 8 + _FLOAT * channels
    ).sum(axis=1)
    return total


def peak_activation_bytes(
    layers: Sequence[Layer], channels: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Say how much a network holds at most for one image, [N].

    A layer holds what it reads and what it writes, in float32; normalisation and
    activation are in place. What the first layer reads has as many pixels as what it
    writes.
    """
    areas = np.array([float(layer.side**2) for layer in layers])
    written = channels * areas
    first = np.full((len(channels), 1), layers[0].inputs * areas[0])
    read = np.hstack([first, written[:, :-1]])
    peak: NDArray[np.float64] = _FLOAT * (read + written).max(axis=1)
    return peak
