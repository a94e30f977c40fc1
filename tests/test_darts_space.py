"""The DARTS space: two parents to every node, genotypes as published, S1 to S4."""

import itertools
import re
from collections import Counter

import numpy as np
import pytest
from scipy.stats import chisquare

from benchsuite.results import _TEXT
from benchsuite.spaces import DARTS, DARTS_S1, DARTS_S2, DARTS_S3, DARTS_S4
from benchsuite.spaces.darts import EDGES, INTO, OPERATIONS, DartsSpace
from tests.toys import rng

PARTS = (DARTS_S1, DARTS_S2, DARTS_S3, DARTS_S4)
every_space = pytest.mark.parametrize("space", [DARTS, *PARTS], ids=lambda s: s.name)

# Options of the edges of a small space, some of which are never there.
FEW = (
    (3, 2, 2, 2, 3, 1, 2, 2, 2, 2, 2, 1, 2, 3),
    (2, 2, 2, 1, 2, 1, 1, 2, 2, 1, 1, 1, 2, 2),
)
SMALL = DartsSpace(
    "small", tuple(("none", "a", "b")[:n] for cell in FEW for n in cell), True
)

# From the authors' code: `DARTS_V2`.
SECOND_ORDER = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0),"
    " ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0),"
    " ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5],"
    " reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2),"
    " ('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2),"
    " ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)
SORTED = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0),"
    " ('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1),"
    " ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=range(2, 6),"
    " reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('max_pool_3x3', 1),"
    " ('skip_connect', 2), ('max_pool_3x3', 0), ('skip_connect', 2),"
    " ('max_pool_3x3', 1), ('skip_connect', 2)], reduce_concat=range(2, 6))"
)


def fits(draw, outcomes, n):
    """Chi-square test of uniform draws; false alarm in 1 of 100,000 seeds."""
    counts = Counter(draw() for _ in range(n))
    assert set(counts) <= set(outcomes)
    return chisquare([counts[outcome] for outcome in outcomes]).pvalue > 1e-5


def two_parents(cell):
    """Tell whether just two edges enter every node of a cell."""
    bounds = itertools.pairwise((0, 2, 5, 9, 14))
    return all(sum(map(bool, cell[low:high])) == 2 for low, high in bounds)


def brute_force():
    """List both cells of all architectures of `SMALL`, from all combinations."""
    cells = [filter(two_parents, itertools.product(*map(range, few))) for few in FEW]
    return [a + b for a, b in itertools.product(*map(list, cells))]


def test_sizes_are_closed_formulas():
    parents = 1 * 3 * 6 * 10
    assert DARTS.size == len(DARTS) == (parents * 7**8) ** 2
    assert {s.size for s in PARTS} == {(parents * 2**8) ** 2}
    assert f"{DARTS.size:.2e}" == "1.08e+18"  # "about 10^18" in the paper


def test_edges_are_in_the_published_order():
    assert [len(edges) for edges in INTO] == [2, 3, 4, 5] * 2
    assert list(itertools.chain.from_iterable(INTO)) == list(range(28))
    assert list(EDGES) == [(s, node) for node in (2, 3, 4, 5) for s in range(node)]


def test_a_small_space_is_what_brute_force_finds():
    archs = brute_force()
    assert list(SMALL) == sorted(archs) == archs
    assert SMALL.size == len(archs) == len(set(archs)) > 100
    assert all(arch in SMALL for arch in archs)
    assert [SMALL.key(arch) for arch in archs] == list(range(len(archs)))
    assert SMALL.keys(np.array(archs, dtype=np.uint8)).tolist() == list(
        range(len(archs))
    )
    rest = [cell + archs[0][14:] for cell in itertools.product(*map(range, FEW[0]))]
    assert sum(arch in SMALL for arch in rest) == len({a[:14] for a in archs})


def near(one, other):
    """Tell whether one operation, or one parent, is another."""
    changed = [d for d in range(28) if one[d] != other[d]]
    if len(changed) == 1:
        return bool(one[changed[0]] and other[changed[0]])
    if len(changed) != 2 or not any(set(changed) <= set(edges) for edges in INTO):
        return False
    a, b = changed
    return (one[a], one[b]) == (other[b], other[a])


def test_neighbours_are_one_operation_or_one_parent_away():
    archs = brute_force()
    for arch in archs[:: len(archs) // 40]:
        found = list(SMALL.neighbors(arch))
        assert sorted(found) == [other for other in archs if near(arch, other)]
        assert all(arch in SMALL.neighbors(other) for other in found)


@every_space
def test_every_architecture_has_as_many_neighbours(space):
    """16 edges with other operations; at nodes of k parents, 2 (k - 2) other places."""
    operations = len(space.choices[0]) - 1
    expected = 16 * (operations - 1) + 2 * 2 * (0 + 1 + 2 + 3)
    source = rng(1)
    for arch in (space.sample(source) for _ in range(20)):
        found = set(space.neighbors(arch))
        assert len(found) == expected
        assert all(arch in space.neighbors(other) for other in found)


def test_draws_are_uniform():
    """Five tests at 1e-5: fewer than 1 seed in 20,000 fails one."""
    archs, source = list(SMALL), rng(2)
    assert fits(lambda: SMALL.sample(source), archs, 40_000)
    for arch in archs[:: len(archs) // 2]:
        mutants = list(SMALL.neighbors(arch))
        assert fits(lambda a=arch: SMALL.mutate(a, source), mutants, 6_000)
    low, high = DARTS.sample(source), DARTS.sample(source)
    halves = [{one[edges[0] : edges[-1] + 1] for one in (low, high)} for edges in INTO]
    children = [sum(ways, ()) for ways in itertools.product(*halves)]
    assert len(children) == 256
    assert fits(lambda: DARTS.crossover(low, high, source), children, 20_000)


def test_each_operation_and_each_pair_of_parents_is_drawn_alike():
    """7 operations on 16 edges, and 10 pairs of parents: two tests at 1e-5."""
    source = rng(3)
    archs = [DARTS.sample(source) for _ in range(5_000)]
    operations = Counter(itertools.chain.from_iterable(archs))
    assert operations.pop(0) == 12 * len(archs)
    assert chisquare([operations[op] for op in range(1, 8)]).pvalue > 1e-5
    last = Counter(tuple(np.flatnonzero(arch[9:14]).tolist()) for arch in archs)
    assert len(last) == 10
    assert chisquare(list(last.values())).pvalue > 1e-5


@every_space
def test_keys_are_different_and_in_order(space):
    source = rng(4)
    archs = sorted({space.sample(source) for _ in range(2_000)})
    keys = [space.key(arch) for arch in archs]
    assert keys == sorted(set(keys))
    assert space.keys(np.array(archs)).tolist() == keys
    assert 0 <= keys[0] <= keys[-1] < space.size < 1 << 64


def test_the_first_and_the_last_key():
    last = (7, 7, *(7, 7, 0), *(7, 7, 0, 0), *(7, 7, 0, 0, 0)) * 2
    first = (1, 1, *(0, 1, 1), *(0, 0, 1, 1), *(0, 0, 0, 1, 1)) * 2
    assert (DARTS.key(first), DARTS.key(last)) == (0, DARTS.size - 1)
    assert next(iter(DARTS)) == first


WRONG = (1, 1, *(1, 1, 1), *(0, 0, 1, 1), *(0, 0, 0, 1, 1)) * 2


def test_what_has_other_than_two_parents_is_no_architecture():
    few = (1, 0, *WRONG[1:])
    right = DARTS.sample(rng(5))
    for wrong in (WRONG, few, right[:-1], list(right), (*right[:-1], 8), "a", 0):
        assert wrong not in DARTS
    assert tuple(map(float, right)) not in DARTS
    with pytest.raises(ValueError, match=r"\Ano architecture of darts: \(1, 1, 1"):
        DARTS.key(WRONG)
    with pytest.raises(ValueError, match=r"\Arow 1 is no architecture of darts: \(1"):
        DARTS.keys(np.array([right, WRONG]))


def test_a_space_without_a_choice_has_no_mutant():
    choices = [("none", "a") if source < 2 else ("none",) for source, _ in EDGES] * 2
    fixed = DartsSpace("fixed", tuple(choices), True)
    (only,) = fixed
    with pytest.raises(ValueError, match=r"no one change of .* is valid in fixed"):
        fixed.mutate(only, rng())


def test_published_genotypes_are_read_and_spelled_in_order():
    arch = DARTS.parse(SECOND_ORDER)
    assert DARTS.format(arch) == SORTED
    assert DARTS.parse(SORTED) == arch
    assert [OPERATIONS[op] for op in arch[9:14]] == [
        "skip_connect", "none", "dil_conv_3x3", "none", "none",
    ]  # fmt: skip
    lines = SECOND_ORDER.replace(", ", ",\n  ")
    assert DARTS.parse(lines) == arch


def test_a_genotype_is_what_python_reads_as_one():
    """Evaluated by Python itself, with a function that takes it apart."""

    def genotype(normal, normal_concat, reduce, reduce_concat):
        assert list(normal_concat) == list(reduce_concat) == [2, 3, 4, 5]
        arch = [0] * 28
        for first, cell in ((0, normal), (14, reduce)):
            for n, (op, parent) in enumerate(cell):
                node = 2 + n // 2
                arch[first + EDGES.index((parent, node))] = OPERATIONS.index(op)
        return tuple(arch)

    source = rng(6)
    for arch in [DARTS.sample(source) for _ in range(50)]:
        text = DARTS.format(arch)
        assert eval(text, {"Genotype": genotype}) == arch == DARTS.parse(text)
        assert _TEXT.fullmatch(text)


@every_space
def test_spellings_are_inverted(space):
    source = rng(7)
    for arch in [space.sample(source) for _ in range(200)]:
        assert space.parse(space.format(arch)) == arch


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Genotype(", "genotype(", "darts is spelled Genotype"),
        ("[2, 3, 4, 5], reduce=", "[2, 3, 4], reduce=", "darts is spelled Genotype"),
        ("reduce=[", "reduced=[", "darts is spelled Genotype"),
        ("[('sep_conv_3x3', 0), ", "[", "the normal cell of darts has 8 edges"),
        ("('dil_conv_3x3', 2)", "('dil_conv_3x3', 2), ('dil_conv_3x3', 2)",
         "the normal cell of darts has 8 edges"),
        ("('dil_conv_3x3', 2)", "'dil_conv_3x3', 2", "the normal cell .* 8 edges"),
        ("('dil_conv_3x3', 2)", "('dil_conv_3x3', 22)", "the normal cell .* 8 edges"),
        ("('dil_conv_3x3', 2)", "('dil_conv_3x3', 0)",
         "node 5 of the normal cell has two different parents below 5, not 0 and 0"),
        ("('dil_conv_3x3', 2)", "('dil_conv_3x3', 5)", "two different parents below 5"),
        ("('dil_conv_3x3', 2)", "('dil_conv_7x7', 2)",
         "darts has no 'dil_conv_7x7' from 2 to node 5 of the normal cell; there it"
         " has max_pool_3x3, avg_pool_3x3, skip_connect, sep_conv_3x3"),
        ("('dil_conv_3x3', 2)", "('none', 2)", "no 'none' from 2 to node 5"),
        (SECOND_ORDER, "\n", "darts is spelled Genotype"),
    ],
)  # fmt: skip
def test_wrong_spelling_names_the_place_and_what_would_be_right(old, new, message):
    assert old in SECOND_ORDER
    with pytest.raises(ValueError, match=rf"\A[^\n]*{message}[^\n]*\Z"):
        DARTS.parse(SECOND_ORDER.replace(old, new, 1))


def test_parts_offer_what_was_published():
    pairs = [set(options[1:]) for options in DARTS_S1.choices]
    assert Counter(op for pair in pairs[:14] for op in pair) == {
        "skip_connect": 12, "dil_conv_3x3": 6, "dil_conv_5x5": 4, "sep_conv_3x3": 4,
        "max_pool_3x3": 2,
    }  # fmt: skip
    assert pairs[14:16] == [
        {"max_pool_3x3", "avg_pool_3x3"}, {"max_pool_3x3", "dil_conv_3x3"},
    ]  # fmt: skip
    assert set(DARTS_S2.choices) == set(DARTS_S3.choices)
    assert DARTS_S2.choices[0] == ("none", "skip_connect", "sep_conv_3x3")
    assert DARTS_S4.choices[0] == ("none", "noise", "sep_conv_3x3")
    assert [s.mixes_none for s in PARTS] == [False, False, True, False]
    assert all(re.fullmatch("none", o[0]) for s in PARTS for o in s.choices)
