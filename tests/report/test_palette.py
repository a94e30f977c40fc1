"""Colours that everybody can tell apart, one style a strategy."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from benchsuite.report.leaderboard import contests
from benchsuite.report.palette import BASELINE, COLOURS, MARKERS, Style, styles
from tests.report.test_leaderboard import runs

VISIONS = {  # Machado et al. 2009, table 1, severity 1, on linear RGB
    "full": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
XYZ = np.array(  # IEC 61966-2-1, of linear sRGB
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
OKABE_ITO = [
    "#000000",
    "#e69f00",
    "#56b4e9",
    "#009e73",
    "#0072b2",
    "#d55e00",
    "#cc79a7",
]


def linear(colour):
    values = np.array([int(colour[n : n + 2], 16) for n in (1, 3, 5)]) / 255
    return np.where(
        values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4
    )


def lab(rgb):
    """CIELAB under D65."""
    share = XYZ @ rgb / (XYZ @ np.ones(3))
    f = np.where(
        share > (6 / 29) ** 3, np.cbrt(share), share / (3 * (6 / 29) ** 2) + 4 / 29
    )
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast_on_white(colour):
    """WCAG 2.1."""
    return 1.05 / (XYZ[1] @ linear(colour) + 0.05)


def least_distance(colours, vision):
    seen = [lab(np.clip(VISIONS[vision] @ linear(c), 0, 1)) for c in colours]
    return min(np.linalg.norm(a - b) for a, b in combinations(seen, 2))


def used():
    """The eight colours of a report."""
    table = [*runs(BASELINE, [0.9])]
    for n in range(7):
        table += runs(f"s{n}", [0.1 * n + 0.1])
    return [style.colour for style in styles(contests(table)).values()]


def test_the_ruler_measures_what_is_known():
    np.testing.assert_allclose(lab(linear("#ff0000")), [53.24, 80.09, 67.2], atol=0.02)
    assert contrast_on_white("#000000") == pytest.approx(21)
    assert contrast_on_white("#777777") == pytest.approx(4.48, abs=0.005)
    for matrix in VISIONS.values():  # white stays white
        np.testing.assert_allclose(np.sum(matrix, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("vision", VISIONS)
def test_every_two_colours_can_be_told_apart(vision):
    colours = used()
    assert len(set(colours)) == len(colours) == len(COLOURS) + 1
    least = least_distance(colours, vision)
    assert least > (38 if vision == "full" else 26.9)
    assert least > least_distance(OKABE_ITO, vision)


def test_every_colour_stands_out_on_white():
    assert all(3 <= contrast_on_white(colour) <= 10 for colour in used())
    assert min(map(contrast_on_white, OKABE_ITO)) < 2.3


def many(count):
    return [row for n in range(count) for row in runs(f"s{n:03}", [n / 1000 + 0.001])]


def test_the_first_differ_in_grey_too_and_all_differ():
    found = list(styles(contests([*many(195), *runs(BASELINE, [0.9])])).values())
    first = [found[-1], *found[:7]]
    assert len({(dash, marker) for _, dash, marker in first}) == 8
    assert len({colour for colour, _, _ in first}) == 8
    assert len(set(found)) == 196
    assert {style.marker for style in found} == {*MARKERS, "X"}


def test_the_best_on_average_come_first_whatever_the_order():
    one = [*runs("a", [0.1]), *runs("b", [0.2]), *runs("c", [0.3])]
    other = [
        replace(row, benchmark="toy/other")
        for row in [*runs("a", [0.9]), *runs("b", [0.1]), *runs("d", [0.2])]
    ]  # average ranks: a 2, b 1.5, c 3, d 2
    found = styles(contests(one + other))
    assert list(found) == ["b", "a", "d", "c"]
    assert [style.colour for style in found.values()] == list(COLOURS[:4])
    assert found == styles(contests(one + other)[::-1])


def test_settings_make_another_style_and_the_baseline_is_always_grey():
    table = [*runs("a", [0.1]), *runs("a", [0.2], settings="n=2")]
    found = styles(contests([*table, *runs(BASELINE, [0.05])]))
    assert found["a"] != found["a[n=2]"]
    assert found[BASELINE] == styles(contests(runs(BASELINE, [0.5])))[BASELINE]
    assert found["a"].colour == COLOURS[0]


def test_others_come_after_those_that_are_ranked():
    found = styles(contests(runs("b", [0.1])), ["a", "b", BASELINE])
    assert list(found) == ["b", "a", BASELINE]
    assert found["b"] == Style(COLOURS[0], (), MARKERS[0])
