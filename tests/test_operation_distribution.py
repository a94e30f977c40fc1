"""How often a cell takes each operation: the encoding of ANASOD."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest

from benchsuite.spaces import NATS_SSS, NATS_TSS, NB101, SPACES, SearchSpace
from benchsuite.spaces.operation_distribution import operation_distributions
from tests.toys import Additive, rng

TSS = operation_distributions(NATS_TSS)
MACRO = operation_distributions(SPACES["transnas_macro"])
DARTS = operation_distributions(
    SearchSpace("darts", (tuple("abcdefg"),) * 8)  # eight slots, seven operations
)


@pytest.mark.parametrize(
    ("space", "encodings"), [(TSS, 210), (DARTS, 3003)], ids=["nats_tss", "darts"]
)
def test_there_are_as_many_encodings_as_the_card_says(space, encodings):
    listed = list(space)
    assert len(listed) == len(set(listed)) == len(space) == encodings
    assert listed == sorted(listed)
    assert all(arch in space for arch in listed)


def test_the_encodings_are_those_whose_counts_make_the_slots():
    everything = itertools.product(range(7), repeat=5)
    assert list(TSS) == [counts for counts in everything if sum(counts) == 6]
    assert (6, 1, 0, 0, 0) not in TSS
    assert (6, 0, 0, 0, 0) in TSS


def test_the_classes_are_as_large_as_counting_all_cells_finds():
    found = Counter(map(TSS.encode, NATS_TSS))
    assert {p: TSS.members(p) for p in TSS} == found
    assert sum(found.values()) == 15_625
    assert max(found.values()) == 360
    sizes = operation_distributions(NATS_SSS)
    assert sum(map(sizes.members, sizes)) == 32_768


def test_a_lifted_cell_has_the_encoding_it_was_lifted_from():
    source = rng(1)
    for p in TSS:
        cell = TSS.lift(p, source)
        assert cell in NATS_TSS
        assert TSS.encode(cell) == p


def test_every_cell_of_a_class_is_lifted_equally_often():
    """30 cells, 15,000 draws: chi-square within 5 sigma of its mean."""
    source = rng(2)
    counts = Counter(TSS.lift((0, 4, 1, 1, 0), source) for _ in range(15_000))
    chi_square = sum((n - 500) ** 2 / 500 for n in counts.values())
    assert len(counts) == 30
    assert abs(chi_square - 29) < 5 * math.sqrt(2 * 29)


def test_snapping_takes_a_nearest_encoding_and_moves_no_share_by_a_slot():
    """Against all 210, for 500 draws of the Dirichlet distribution."""
    every = np.array(list(TSS))
    for p in rng(3).dirichlet(np.ones(5), size=500):
        counts = np.array(TSS.snap(p))
        assert counts.sum() == 6
        assert np.abs(counts - 6 * p).max() < 1
        nearest = np.square(every - 6 * p).sum(axis=1).min()
        assert np.square(counts - 6 * p).sum() == pytest.approx(nearest)


def test_snapping_leaves_an_encoding_as_it_is():
    assert all(TSS.snap(np.array(p) / 6) == p for p in TSS)


def test_sampling_is_snapped_dirichlet_of_ones():
    """With all weights 1 it is uniform on the simplex: as gaps of sorted uniforms.

    Two samples of 40,000: every frequency within 5.5 sigma of the difference. All 210
    hold in 99.999 % of seeds.
    """
    n, source = 40_000, rng(4)
    cuts = np.sort(source.random((n, 4)), axis=1)
    gaps = np.diff(cuts, axis=1, prepend=0.0, append=1.0)
    expected = Counter(map(TSS.snap, gaps))
    found = Counter(TSS.sample(source) for _ in range(n))
    for p in TSS:
        sigma = math.sqrt(expected[p] + found[p] + 1)
        assert abs(expected[p] - found[p]) < 5.5 * sigma


@pytest.mark.parametrize("space", [TSS, MACRO], ids=["nats_tss", "transnas_macro"])
def test_neighbours_have_one_slot_moved(space):
    for p in space:
        near = [q for q in space if sum(abs(a - b) for a, b in zip(p, q)) == 2]  # noqa: B905
        assert sorted(space.neighbors(p)) == near
    assert max(len(list(TSS.neighbors(p))) for p in TSS) == 5 * 4


def test_mutation_draws_every_neighbour_equally_often():
    """12 neighbours, 6,000 draws: chi-square within 5 sigma of its mean."""
    source, p = rng(5), (3, 0, 2, 1, 0)
    counts = Counter(TSS.mutate(p, source) for _ in range(6_000))
    assert set(counts) == set(TSS.neighbors(p))
    chi_square = sum((n - 500) ** 2 / 500 for n in counts.values())
    assert abs(chi_square - 11) < 5 * math.sqrt(2 * 11)


def test_one_operation_leaves_nothing_to_move():
    single = operation_distributions(SearchSpace("single", (("conv",),) * 3))
    assert list(single) == [(3,)]
    assert list(single.neighbors((3,))) == []
    with pytest.raises(ValueError, match="nothing to move"):
        single.mutate((3,), rng())


def test_crossover_stays_among_the_encodings():
    source = rng(6)
    for _ in range(500):
        a, b = TSS.sample(source), TSS.sample(source)
        child = TSS.crossover(a, b, source)
        assert child in TSS
        assert all(c in pair for c, *pair in zip(child, a, b, strict=True))


def test_spellings_come_back_and_others_are_refused():
    assert [TSS.parse(TSS.format(p)) for p in TSS] == list(TSS)
    with pytest.raises(ValueError, match="add up to 6"):
        TSS.parse("1,1,1,1,1")
    with pytest.raises(ValueError, match="5 decisions"):
        TSS.parse("6,0,0,0")


@pytest.mark.parametrize(
    ("name", "slots", "operations"),
    [
        ("nats_tss", range(6), 5),
        ("nats_sss", range(5), 8),
        ("nb101", range(21, 26), 3),  # and not the 21 edges
        ("nb1shot1_1", range(4), 3),
        ("nb1shot1_3", range(5), 3),
        ("transnas_micro", range(6), 4),
        ("transnas_macro", range(4), 4),
    ],
)
def test_slots_are_the_decisions_about_operations(name, slots, operations):
    found = operation_distributions(SPACES[name])
    assert found.slots == tuple(slots)
    assert len(found.choices) == operations


def test_decisions_between_two_options_are_slots_where_there_are_no_others():
    binary = operation_distributions(Additive(decisions=9, options=2).space)
    assert len(binary) == 10
    with_a_fixed_one = SearchSpace("fixed", (("o",),) * 4 + (("a", "b"),) * 3)
    assert operation_distributions(with_a_fixed_one).slots == (4, 5, 6)


def test_on_nb101_the_edges_of_a_lifted_cell_are_drawn_anew():
    space, source = operation_distributions(NB101), rng(7)
    for p in space:
        cells = [space.lift(p, source) for _ in range(3)]
        assert all(cell in NB101 and space.encode(cell) == p for cell in cells)
        assert len({cell[:21] for cell in cells}) == 3


def test_what_a_constraint_rules_out_is_not_lifted():
    """Against all 3,256 networks.

    Where there is one, a draw is valid with probability .175 or more (all of them
    counted), so 100 draws miss it with probability .825^100 < 10^-8.
    """
    there = set(map(MACRO.encode, SPACES["transnas_macro"]))
    assert 0 < len(there) < len(MACRO)
    source = rng(8)
    for p in MACRO:
        cell = MACRO.lift(p, source)
        assert (cell is not None) == (p in there)
        assert cell is None or (cell in MACRO.base and MACRO.encode(cell) == p)


def alive(ops):
    """Find the cells, [N, 6], all of whose operations lie on a way to the output.

    A cell of `none` alone has no operation, so none that is dead.
    """
    a, b, c, d, e, f = (ops != 0).T
    node_2 = b | (a & c)  # reached from the input
    used = (a & (e | (c & f)), b & f, a & c & f, d, a & e, node_2 & f)
    return np.all([u | ~there for u, there in zip(used, (a, b, c, d, e, f))], axis=0)  # noqa: B905


@pytest.mark.parametrize(
    ("task", "of_all", "of_alive"),
    [("c10", 0.440, 0.928), ("c100", 0.555, 0.903), ("in16", 0.622, 0.812)],
)
def test_class_means_explain_as_much_as_was_recomputed(task, of_all, of_alive, shared):
    """R2 of NATS's mean test accuracies after 200 epochs; see the card of ANASOD."""
    with np.load(shared / "data" / "tables" / "nb201.npz") as arrays:
        ops, accuracy = arrays["ops"], arrays[f"e200_{task}_test"]
    assert NATS_TSS.choices[0][0] == "none"
    keep = alive(ops)
    assert keep.sum() == 9_445
    for rows, expected in ((np.ones(len(ops), bool), of_all), (keep, of_alive)):
        y = accuracy[rows]
        codes = [TSS.key(TSS.encode(cell)) for cell in map(tuple, ops[rows].tolist())]
        _, group = np.unique(codes, return_inverse=True)
        mean = np.bincount(group, y) / np.bincount(group)
        unexplained = np.square(y - mean[group]).sum()
        r2 = 1 - unexplained / np.square(y - y.mean()).sum()
        assert r2 == pytest.approx(expected, abs=0.002)


@pytest.mark.parametrize(("name", "operations"), [("darts", 7), ("darts_s2", 2)])
def test_of_darts_the_edges_that_are_there_are_counted(name, operations):
    """Sixteen of 28; the members of all encodings together are the whole space."""
    space, source = operation_distributions(SPACES[name]), rng(3)
    assert len(space) == math.comb(16 + operations - 1, 16)
    assert sum(map(space.members, space)) == SPACES[name].size
    for _ in range(50):
        p = space.sample(source)
        cell = space.lift(p, source)
        assert cell in SPACES[name]
        assert space.encode(cell) == p
