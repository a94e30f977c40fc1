"""Architectures of every space are drawn with all of their operations, forward."""

import re

import pytest

from benchsuite.drawings import drawings
from benchsuite.spaces import DARTS, NATS_TSS, NB1SHOT1_1, NB101, SPACES
from tests.toys import rng


@pytest.mark.parametrize("name", SPACES)
def test_arrows_go_forward_and_between_vertices(name):
    space, source = SPACES[name], rng()
    for _ in range(20):
        for cell in drawings(space, space.sample(source)):
            assert cell.vertices
            assert all(0 <= v < w < len(cell.vertices) for v, w, _ in cell.edges)


def test_a_cell_of_nas_bench_201_has_what_its_spelling_has():
    source = rng(1)
    for _ in range(50):
        arch = NATS_TSS.sample(source)
        (cell,) = drawings(NATS_TSS, arch)
        nodes = NATS_TSS.format(arch).split("+")
        spelled = {
            (int(parent), node, op)
            for node, text in enumerate(nodes, 1)
            for op, parent in re.findall(r"(\w+)~(\d)", text)
            if op != "none"
        }
        assert set(cell.edges) == spelled


def test_a_cell_of_nas_bench_101_has_the_ones_of_its_matrix():
    source = rng(2)
    for _ in range(50):
        arch = NB101.sample(source)
        (cell,) = drawings(NB101, arch)
        matrix, labels = NB101.format(arch).split(";")
        n = len(labels.split(","))
        ones = {(i // n, i % n) for i, digit in enumerate(matrix) if digit == "1"}
        whole = {(v, w) for v, w, _ in cell.edges}
        if n == len(cell.vertices):  # else vertices on no path are not spelled
            assert whole == ones
        assert len(whole) >= len(ones)


def test_one_shot_cells_are_cells_of_nas_bench_101():
    arch = NB1SHOT1_1.sample(rng(3))
    assert drawings(NB1SHOT1_1, arch) == drawings(NB101, NB1SHOT1_1.cell(arch))


def test_cells_of_darts_have_two_inputs_a_node_and_one_output():
    arch = DARTS.sample(rng(4))
    normal, reduction = drawings(DARTS, arch)
    assert (normal.title, reduction.title) == ("normal cell", "reduce cell")
    for cell in (normal, reduction):
        for node in range(2, 6):
            assert sum(w == node for _, w, _ in cell.edges) == 2
        assert sum(w == 6 for _, w, _ in cell.edges) == 4
    genotype = DARTS.format(arch)
    for cell, name in ((normal, "normal"), (reduction, "reduce")):
        pairs = re.search(rf"{name}=\[(.*?)\]", genotype).group(1)
        named = re.findall(r"\('(\w+)', (\d)\)", pairs)
        drawn = [(op, str(v)) for v, w, op in cell.edges if w < 6]
        assert sorted(drawn) == sorted(named)
