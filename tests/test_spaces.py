"""Spaces: spellings, neighbourhoods, draws, isomorphic cells, closed formulas."""

import itertools
import pickle
import re
from collections import Counter
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from benchsuite.spaces import (
    NATS_SSS,
    NATS_TSS,
    SPACES,
    ConstrainedSpace,
    SearchSpace,
    nats,
    nats_sss,
)
from benchsuite.spaces.darts import DartsSpace
from tests.toys import rng

UNEVEN = SearchSpace("uneven", (("a",), ("b", "c"), ("d", "e", "f")))
CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|avg_pool_3x3~1|nor_conv_1x1~2|"


def test_spelling_round_trip_over_every_cell():
    spellings = {NATS_TSS.format(arch): arch for arch in NATS_TSS}
    assert len(spellings) == len(NATS_TSS) == 15_625
    assert all(NATS_TSS.parse(text) == arch for text, arch in spellings.items())


def test_spelling_is_the_published_one(shared):
    table = np.load(shared / "data" / "tables" / "nb201.npz")
    for text, ops in zip(table["arch"].tolist(), table["ops"].tolist(), strict=True):
        assert NATS_TSS.format(tuple(ops)) == text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("avg_pool_3x3", "max_pool_3x3", "no 'max_pool_3x3' at edge 1->3; there it has"
         " none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3"),
        ("none~0|skip", "None~0|skip", "no 'None' at edge 0->2"),
        ("skip_connect~1", "skip_connect~0", "edge 1->2 .* op~1, not 'skip_connect~0'"),
        ("skip_connect~1", "skip_connect", "edge 1->2 .* op~1, not 'skip_connect'"),
        ("|nor_conv_3x3~0|", "nor_conv_3x3~0", r"node 1 .* spelled \|op~0\|"),
        ("|nor_conv_3x3~0|", " |nor_conv_3x3~0|", r"node 1 .* spelled \|op~0\|"),
        ("none~0|skip_connect~1", "none~0", r"node 2 .* spelled \|op~0\|op~1\|"),
        ("+", "", "has 3 nodes, joined by '[+]'"),
        (CELL, "", "has 3 nodes"),
    ],
)  # fmt: skip
def test_wrong_spelling_names_the_place_and_what_would_be_right(old, new, message):
    with pytest.raises(ValueError, match=message):
        NATS_TSS.parse(CELL.replace(old, new))


PIECES = [
    "|",
    "+",
    "~",
    "0",
    "1",
    "2",
    "3",
    "",
    " ",
    "\n",
    "None",
    *NATS_TSS.choices[0],
]


@given(
    st.sampled_from(list(NATS_TSS)),
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from(PIECES)), max_size=3),
)
def test_whatever_parses_is_spelled_exactly_so(arch, patches):
    pieces = re.findall(r"[|+~]|[^|+~]+", NATS_TSS.format(arch))
    for place, piece in patches:
        pieces[place % len(pieces)] = piece
    text = "".join(pieces)
    try:
        arch = NATS_TSS.parse(text)
    except ValueError:
        return
    assert NATS_TSS.format(arch) == text


def test_plain_spaces_spell_their_options():
    assert UNEVEN.parse("a,c,f") == (0, 1, 2)
    with pytest.raises(ValueError, match="no 'g' at 2; there it has d, e, f"):
        UNEVEN.parse("a,c,g")
    with pytest.raises(ValueError, match="has 3 decisions"):
        UNEVEN.parse("a,c")


@pytest.mark.parametrize(
    "arch",
    [(0, 2, 0), (0, -1, 0), (0, 0), (0, 0, 0, 0), [0, 0, 0], (0.0, 0, 0), "a", 0],
)
def test_what_is_no_architecture_is_not_in_the_space(arch):
    assert arch not in UNEVEN
    assert (0, 1, 2) in UNEVEN


@pytest.mark.parametrize("space", [UNEVEN, NATS_TSS])
def test_neighbours_are_those_at_hamming_distance_one(space):
    for arch in itertools.islice(space, 0, None, 521):
        near = Counter(space.neighbors(arch))
        distance = {
            other: sum(x != y for x, y in zip(arch, other, strict=True))
            for other in space
        }
        assert near == Counter(a for a, d in distance.items() if d == 1)


def shares(draw, n=60_000):
    counts = Counter(draw() for _ in range(n))
    return {outcome: count / n for outcome, count in counts.items()}


def test_sampling_mutation_and_crossover_are_uniform():
    """All 13 shares within 5 sigma: fewer than 1 seed in 100,000 would fail."""
    source = rng()
    sampled = shares(lambda: UNEVEN.sample(source))
    assert sampled == pytest.approx(dict.fromkeys(UNEVEN, 1 / 6), abs=0.008)
    mutants = shares(lambda: UNEVEN.mutate((0, 0, 0), source))
    expected = {(0, 1, 0): 1 / 2, (0, 0, 1): 1 / 4, (0, 0, 2): 1 / 4}
    assert mutants == pytest.approx(expected, abs=0.011)
    children = shares(lambda: UNEVEN.crossover((0, 0, 0), (0, 1, 2), source))
    mixed = [(0, 0, 0), (0, 0, 2), (0, 1, 0), (0, 1, 2)]
    assert children == pytest.approx(dict.fromkeys(mixed, 1 / 4), abs=0.009)


def test_mutation_changes_one_decision_and_each_edge_alike():
    """Six edges, 60,000 draws: 5 sigma is .0076."""
    source, arch = rng(1), (0, 1, 2, 3, 4, 0)
    changed = Counter()
    for _ in range(60_000):
        mutant = NATS_TSS.mutate(arch, source)
        (edge,) = [d for d in range(6) if mutant[d] != arch[d]]
        changed[edge] += 1
    assert {d: n / 60_000 for d, n in changed.items()} == pytest.approx(
        dict.fromkeys(range(6), 1 / 6), abs=0.0076
    )


def test_a_space_without_a_choice_has_no_mutant():
    with pytest.raises(ValueError, match="no decision of fixed leaves a choice"):
        SearchSpace("fixed", (("a",), ("b",))).mutate((0, 0), rng())


def test_one_hot_has_a_one_for_each_decision():
    for arch in UNEVEN:
        code = UNEVEN.one_hot(arch)
        assert code.shape == (6,)
        assert np.flatnonzero(code).tolist() == [0, 1 + arch[1], 3 + arch[2]]


def test_canonical_is_the_published_partition(shared):
    table = np.load(shared / "data" / "tables" / "nb201.npz")
    ours = [NATS_TSS.canonical(tuple(ops)) for ops in table["ops"].tolist()]
    pairs = set(zip(ours, table["isomorph"].tolist(), strict=True))
    classes = set(table["isomorph"].tolist())
    assert len(set(ours)) == len(classes) == len(pairs) == 6_466


def test_canonical_represents_its_class():
    classes = {arch: NATS_TSS.canonical(arch) for arch in NATS_TSS}
    assert len(set(classes.values())) == 6_466  # NAS-Bench-201, section 2
    for arch, representative in classes.items():
        assert classes[representative] == representative <= arch


def test_a_sum_that_a_skip_carries_on_is_one_term():
    """As published; with nested sums dissolved and zeros dropped, 4,930 are left."""

    @cache
    def computed(arch, node):
        first = node * (node - 1) // 2
        terms = []
        for source, op in enumerate(arch[first : first + node]):
            below = computed(arch, source) if source else ("input",)
            if op == 1:
                terms.extend(below)
            elif op and below:
                terms.append(f"{op}{below}")
        return tuple(sorted(terms))

    assert NATS_TSS.canonical((3, 0, 0, 0, 1, 0)) != NATS_TSS.canonical(
        (0, 3, 0, 0, 0, 1)
    )
    dissolved = {arch: computed(arch, 3) for arch in NATS_TSS}
    assert len(set(dissolved.values())) == 4_930
    assert all(
        dissolved[NATS_TSS.canonical(arch)] == meaning
        for arch, meaning in dissolved.items()
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((0, 3, 2, 3, 4, 0), (0, 3, 3, 3, 1, 0)),  # nothing enters node 1
        ((1, 3, 0, 0, 0, 1), (1, 0, 3, 0, 0, 1)),  # node 1 is the input
        ((1, 2, 1, 0, 0, 3), (1, 1, 2, 0, 0, 3)),  # a sum in another order
    ],
)
def test_cells_that_plainly_compute_the_same_are_one(one, other):
    assert NATS_TSS.canonical(one) == NATS_TSS.canonical(other)


def test_closed_formulas_are_the_published_counts(shared):
    table = np.load(shared / "data" / "tables" / "nb201.npz")
    ops = table["ops"]
    np.testing.assert_array_equal(nats.parameters(ops, 10), table["params_c10"])
    for key, classes, side in (("c10", 10, 32), ("c100", 100, 32), ("in16", 120, 16)):
        millions = nats.macs(ops, classes, side) / 1e6
        np.testing.assert_allclose(millions, table[f"mflops_{key}"], rtol=1e-12)
    cell = ops[:1]
    extra = nats.parameters(cell, 100) - nats.parameters(cell, 10)
    assert extra.item() == 5_850
    assert (nats.parameters(cell, 120) - nats.parameters(cell, 10)).item() == 7_150


def test_keys_count_architectures_in_order():
    for space in (UNEVEN, NATS_TSS, NATS_SSS):
        archs = np.array(list(space), dtype=np.uint8)
        numbers = np.arange(len(space), dtype=np.uint64)
        np.testing.assert_array_equal(space.keys(archs), numbers)
        assert space.keys(archs).dtype == np.uint64
        assert [space.key(arch) for arch in space] == list(range(len(space)))


def test_keys_fill_64_bits_and_no_more():
    bits = SearchSpace("bits", (("0", "1"),) * 64)
    last = (1,) * 64
    assert bits.key(last) == 2**64 - 1
    assert bits.keys(np.array([last, (0,) * 63 + (1,)])).tolist() == [2**64 - 1, 1]
    more = SearchSpace("more", (*bits.choices, ("0", "1")))
    assert more.size == 2**65
    for number in (
        lambda: more.key((0,) * 65),
        lambda: more.keys(np.zeros((1, 65), dtype=int)),
    ):
        with pytest.raises(ValueError, match=r"more .* in 64 bits"):
            number()


@pytest.mark.parametrize(
    ("archs", "message"),
    [
        ([[0, 1, 2], [0, 2, 0]], r"row 1 is no architecture of uneven: \(0, 2, 0\)"),
        ([[0, -1, 0]], "row 0 is no architecture"),
        ([[0, 0]], r"an array \[B, 3\], not \[1, 2\]"),
        ([0, 0, 0], r"an array \[B, 3\], not \[3\]"),
    ],
)
def test_what_is_no_architecture_has_no_key(archs, message):
    with pytest.raises(ValueError, match=message):
        UNEVEN.keys(np.array(archs))


def test_sizes_are_spelled_as_widths_in_the_published_order():
    widths = itertools.product(range(8, 65, 8), repeat=5)
    spellings = [":".join(map(str, sizes)) for sizes in widths]
    assert [NATS_SSS.format(arch) for arch in NATS_SSS] == spellings
    assert [NATS_SSS.parse(text) for text in spellings] == list(NATS_SSS)
    assert len(NATS_SSS) == 32_768


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("8:16:24:32", "has 5 widths, joined by ':', .* has 4"),
        ("8:16:24:32:64:8", "has 5 widths, .* has 6"),
        ("", "has 5 widths, .* has 1"),
        ("8:16:20:32:64", "no '20' at layer 2; there it has 8, 16, 24, 32, 40, 48, 56"),
        ("8:16:24:32:072", "no '072' at layer 4"),
        ("08:16:24:32:64", "no '08' at layer 0"),
        ("8: 16:24:32:64", "no ' 16' at layer 1"),
    ],
)
def test_wrong_sizes_name_the_layer_and_what_would_be_right(text, message):
    with pytest.raises(ValueError, match=message):
        NATS_SSS.parse(text)


# From NATS-Bench's records (90 epochs) and its documentation: classes, pixels along a
# side, parameters and MACs, both in millions.
PUBLISHED_SIZES = [
    ("8:8:8:8:8", 10, 32, 0.011714, 4.481114),
    ("8:8:8:8:8", 100, 32, 0.012524, 4.481924),
    ("8:8:8:8:8", 120, 16, 0.012704, 1.121336),
    ("8:8:8:16:32", 10, 32, 0.049202, 6.84065),
    ("8:8:8:16:32", 100, 32, 0.052172, 6.84362),
    ("8:8:8:16:32", 120, 16, 0.052832, 1.71404),
    ("8:8:8:16:40", 10, 32, 0.067378, 7.991706),
    ("8:8:40:32:40", 10, 32, 0.144834, 21.827994),
]


@pytest.mark.parametrize(("text", "classes", "side", "params", "flop"), PUBLISHED_SIZES)
def test_closed_formulas_of_sizes_are_the_published_counts(
    text, classes, side, params, flop
):
    archs = np.array([NATS_SSS.parse(text)], dtype=np.uint8)
    assert nats_sss.parameters(archs, classes).item() / 1e6 == params
    assert nats_sss.macs(archs, classes, side).item() / 1e6 == flop


def test_closed_formulas_of_sizes_are_those_of_the_topology_in_the_common_network():
    """Widths 16:32:32:64:64 with one cell a stage are also a network of NATS-tss.

    Its formula counts 15 cells; of 15 alike, a stage has 5. Weights of a convolution
    of width w: 9 w^2 + 2 w with batch norm; here each of the three stages has five.
    """
    archs = np.array([NATS_SSS.parse("16:32:32:64:64")], dtype=np.uint8)
    cell = np.array([[3, 3, 3, 1, 3, 3]], dtype=np.uint8)
    fixed = nats.parameters(np.zeros((1, 6), dtype=np.uint8), 10)
    stages = (nats.parameters(cell, 10) - fixed) / 5
    assert nats_sss.parameters(archs, 10) == fixed + stages
    fixed = nats.macs(np.zeros((1, 6), dtype=np.uint8), 100, 16)
    stages = (nats.macs(cell, 100, 16) - fixed) / 5
    assert nats_sss.macs(archs, 100, 16) == fixed + stages


@given(st.lists(st.sampled_from(["8", "16", "64", "0", ":", " ", "+8"]), max_size=12))
def test_whatever_parses_as_sizes_is_spelled_exactly_so(pieces):
    text = "".join(pieces)
    try:
        arch = NATS_SSS.parse(text)
    except ValueError:
        return
    assert NATS_SSS.format(arch) == text


class Ascending(ConstrainedSpace):
    """No decision takes a lower option than the one before it."""

    def valid(self, arch):
        return list(arch) == sorted(arch)


STAIRS = Ascending("stairs", (("a", "b"), ("a", "b", "c"), ("a", "b", "c", "d")))
# All of them, by hand.
VALID = [(0, 0, c) for c in range(4)]
VALID += [(b, 1, c) for b in (0, 1) for c in (1, 2, 3)]
VALID += [(b, 2, c) for b in (0, 1) for c in (2, 3)]


def test_only_the_valid_count():
    assert sorted(STAIRS) == sorted(VALID)
    assert len(STAIRS) == STAIRS.size == len(VALID) == 14
    everything = list(SearchSpace("all", STAIRS.choices))
    assert [arch for arch in everything if arch in STAIRS] == sorted(VALID)
    assert all(arch not in STAIRS for arch in ([0, 0, 0], (0, 0), (0, 0, 4), "a"))
    for arch in VALID:
        near = [
            other
            for other in VALID
            if sum(x != y for x, y in zip(arch, other, strict=True)) == 1
        ]
        assert sorted(STAIRS.neighbors(arch)) == sorted(near)


def fits(draw, outcomes, n=20_000):
    """Chi-square test of uniform draws; false alarm in 1 of 100,000 seeds."""
    counts = Counter(draw() for _ in range(n))
    assert set(counts) <= set(outcomes)
    return chisquare([counts[outcome] for outcome in outcomes]).pvalue > 1e-5


def test_draws_are_uniform_over_the_valid():
    """16 tests at 1e-5: fewer than 1 seed in 5,000 fails one."""
    source = rng(4)
    assert fits(lambda: STAIRS.sample(source), VALID)
    for arch in VALID:
        near = list(STAIRS.neighbors(arch))
        assert fits(lambda a=arch: STAIRS.mutate(a, source), near, 4_000)
    low, high = (0, 1, 1), (1, 2, 3)
    mixed = [a for a in VALID if a[0] <= 1 and a[1] in (1, 2) and a[2] in (1, 3)]
    assert len(mixed) == 6  # of 8: (., 2, 1) goes down
    assert fits(lambda: STAIRS.crossover(low, high, source), mixed)


def test_an_architecture_may_have_no_valid_neighbour():
    class Equal(ConstrainedSpace):
        def valid(self, arch):
            return len(set(arch)) == 1

    with pytest.raises(ValueError, match=r"no one change of \(1, 1\) is valid in pair"):
        Equal("pair", (("a", "b"),) * 2).mutate((1, 1), rng())


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_every_space_is_what_strategies_and_tables_rely_on(space):
    """100 draws of each, fewer of the long ones; one rule for all that will be."""
    source = rng(7)
    archs = [space.sample(source) for _ in range(min(100, 2_000 // len(space.choices)))]
    for arch, other in pairwise(archs):
        near = list(space.neighbors(arch))
        mutant, child = space.mutate(arch, source), space.crossover(arch, other, source)
        assert all(one in space for one in (arch, mutant, child, *near))
        assert len({arch, *near}) == 1 + len(near)
        assert mutant in near
        far = 2 if isinstance(space, DartsSpace) else 1  # an edge from another parent
        changed = {sum(x != y for x, y in zip(arch, o, strict=True)) for o in near}
        assert changed == set(range(1, far + 1))
        parents = zip(arch, other, strict=True)
        assert all(c in pair for c, pair in zip(child, parents, strict=True))
        first = space.canonical(arch)
        assert first in space
        assert space.canonical(first) == first
        text = space.format(arch)
        assert space.canonical(space.parse(text)) == first
        assert space.format(space.parse(text)) == text
        for wrong in (f"{text}0", f" {text}", f"{text}\n", text[:-1], ""):
            with pytest.raises(ValueError, match=r"\A[^\n]+\Z"):
                space.parse(wrong)
    assert sum(space.one_hot(archs[0])) == len(space.choices)
    assert max(map(len, space.choices)) <= 256  # options are stored as uint8
    again = pickle.loads(pickle.dumps(space))
    assert [again.format(arch) for arch in archs] == [*map(space.format, archs)]
    rows = np.array(archs)
    if space.size > 1 << 64:
        for number in (lambda: space.key(archs[0]), lambda: space.keys(rows)):
            with pytest.raises(ValueError, match=r"more architectures than 64 bits"):
                number()
        return
    keys = [space.key(arch) for arch in archs]
    assert space.keys(rows).tolist() == keys
    assert all(0 <= key < 1 << 64 for key in keys)
    assert [again.key(arch) for arch in archs] == keys
