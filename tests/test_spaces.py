"""Spaces: spellings, neighbourhoods, draws, isomorphic cells, closed formulas."""

import itertools
import re
from collections import Counter
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchsuite.spaces import NATS_TSS, SearchSpace, nats
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
