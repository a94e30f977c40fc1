"""Keep ratios and bit widths: what they cost, against torch's count and by hand."""

import numpy as np
import pytest

from benchsuite.spaces.compression import (
    Layer,
    bit_widths,
    conv_macs,
    keep_ratios,
    kept,
    macs,
    peak_activation_bytes,
    size_bytes,
    weights,
)

CHAIN = (Layer(3, 3, 64, 32), Layer(3, 64, 64, 16), Layer(1, 64, 10, 1))
EIGHTHS = tuple(n / 8 for n in range(1, 9))


def test_a_space_has_a_decision_for_each_layer_that_may_change():
    assert keep_ratios(CHAIN).size == 4**2
    assert bit_widths(CHAIN).size == 4**3
    assert keep_ratios(CHAIN).format((0, 3)) == "0.25,1"
    assert bit_widths(CHAIN).parse("2,8,4") == (0, 3, 1)


def test_eighths_of_64_channels_are_the_widths_of_nats_sss():
    archs = np.array([[n, 7 - n] for n in range(8)])
    found = kept(CHAIN, archs, EIGHTHS)
    assert found[:, 0].tolist() == [8, 16, 24, 32, 40, 48, 56, 64]
    assert found[:, 1].tolist() == [64, 56, 48, 40, 32, 24, 16, 8]
    assert set(found[:, 2].tolist()) == {10}


def test_channels_come_in_multiples_at_least_one_and_never_more_than_there_are():
    layers = (Layer(1, 1, 30, 1), Layer(1, 30, 2, 1))
    archs = np.array([[0], [1], [2], [3]])
    ratios = (0.01, 0.3, 0.5, 1.0)
    assert kept(layers, archs, ratios)[:, 0].tolist() == [1, 9, 15, 30]
    assert kept(layers, archs, ratios, 8)[:, 0].tolist() == [8, 8, 16, 30]


def test_costs_by_hand():
    channels = kept(CHAIN, np.array([[1, 0]]))  # 32 and 16 of 64
    assert weights(CHAIN, channels).tolist() == [[27 * 32, 9 * 32 * 16, 16 * 10]]
    expected = 27 * 32 * 32**2 + 9 * 32 * 16 * 16**2 + 160
    assert macs(CHAIN, channels).tolist() == [expected]
    total = 27 * 32 + 9 * 32 * 16 + 160
    assert size_bytes(CHAIN, channels).tolist() == [4 * total]
    # the second layer reads 32 maps of 32 x 32 and writes 16 of 16 x 16
    expected = 4 * (32 * 32**2 + 16 * 16**2)
    assert peak_activation_bytes(CHAIN, channels).tolist() == [expected]


def test_uncompressed_costs_are_torchs():
    torch = pytest.importorskip("torch")
    convs = [torch.nn.Conv2d(c.inputs, c.outputs, c.kernel, bias=False) for c in CHAIN]
    everything = kept(CHAIN, np.array([[3, 3]]))
    assert weights(CHAIN, everything).tolist() == [[c.weight.numel() for c in convs]]


def test_eight_bits_are_a_quarter_of_float_and_a_scale_for_each_output():
    channels = kept(CHAIN, np.array([[3, 3]] * 2))
    float32 = size_bytes(CHAIN, channels)
    eight, four = size_bytes(CHAIN, channels, np.array([[8] * 3, [4] * 3]))
    scales = 4 * (64 + 64 + 10)
    assert eight == float32[0] / 4 + scales
    assert four == float32[0] / 8 + scales


def test_macs_of_a_convolution_are_the_card_s_formula():
    """h w k^2 c_in c_out / g."""
    assert conv_macs(3, 16, 32, 8) == 8 * 8 * 9 * 16 * 32
    assert conv_macs(3, 16, 16, 8, groups=16) == 8 * 8 * 9 * 16


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: keep_ratios(CHAIN, (0.0, 1.0)), "above 0 and at most 1"),
        (lambda: keep_ratios(CHAIN, ()), "above 0 and at most 1"),
        (lambda: bit_widths(CHAIN, (0, 8)), "at least 1"),
        (lambda: bit_widths((CHAIN[0], CHAIN[0])), "layer 1 reads 3 channels, but"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
