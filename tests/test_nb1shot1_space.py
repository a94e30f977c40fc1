"""NAS-Bench-1Shot1's spaces, against their published sizes and rows of NB101."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchsuite.spaces import NB1SHOT1_1, NB1SHOT1_2, NB1SHOT1_3, NB101
from tests.test_nb101_space import encodings
from tests.toys import rng

# Parents of vertices 1, 2, ... with the output's last; sets of parents; all; distinct.
PUBLISHED = [
    (NB1SHOT1_1, (1, 2, 2, 2, 2), 180, 14_580, 2_685),
    (NB1SHOT1_2, (1, 1, 2, 2, 3), 360, 29_160, 7_773),
    (NB1SHOT1_3, (1, 1, 1, 2, 2, 2), 5_400, 1_312_200, 55_854),
]
each = pytest.mark.parametrize("space", [NB1SHOT1_1, NB1SHOT1_2, NB1SHOT1_3])


def everything(space):
    """All architectures, uint8 [N, D], in order."""
    sizes = [len(options) for options in space.choices]
    return np.indices(sizes, dtype=np.uint8).reshape(len(sizes), -1).T


def parents(cell):
    """Sources of the edges into each vertex of an encoded cell of seven."""
    into = {w: [] for w in range(1, 7)}
    for (v, w), there in zip(itertools.combinations(range(7), 2), cell, strict=False):
        if there:
            into[w].append(v)
    return into


@pytest.mark.parametrize(("space", "counts", "sets", "total", "distinct"), PUBLISHED)
def test_spaces_have_the_published_sizes(space, counts, sets, total, distinct):
    inner = len(counts) - 1
    assert len(space) == total == sets * 3**inner
    assert np.prod([len(options) for options in space.choices[inner:]]) == sets
    source = rng(1)
    for _ in range(50):
        into = parents(space.cell(space.sample(source)))
        targets = [*range(1, inner + 1), 6]
        assert tuple(len(into.pop(v)) for v in targets) == counts
        assert not any(into.values())


@pytest.mark.parametrize(
    ("space", "row"), [(NB1SHOT1_1, "ss1"), (NB1SHOT1_2, "ss2"), (NB1SHOT1_3, "ss3")]
)
def test_distinct_cells_are_the_published_rows(space, row, shared):
    tables = shared / "data" / "tables"
    with np.load(tables / "nb101.npz") as table:
        cells = encodings(table)
    with np.load(tables / "nb1shot1_rows.npz") as rows:
        theirs = NB101.keys(cells[rows[row]])
    ours = np.unique(space.keys(everything(space)))
    (distinct,) = (numbers[-1] for numbers in PUBLISHED if numbers[0] is space)
    assert len(ours) == distinct
    np.testing.assert_array_equal(ours, np.sort(theirs))


@each
def test_many_cells_and_keys_are_those_of_one_by_one(space):
    source = rng(2)
    archs = [space.sample(source) for _ in range(300)]
    batch = np.array(archs, dtype=np.uint8)
    assert space.cells(batch).tolist() == [list(space.cell(arch)) for arch in archs]
    assert space.keys(batch).tolist() == [space.key(arch) for arch in archs]
    assert all(space.cell(arch) in NB101 for arch in archs)


@each
def test_options_say_what_the_cell_has(space):
    source, inner = rng(3), len(space.parents) - 1
    for _ in range(100):
        arch = space.sample(source)
        names = [c[a] for c, a in zip(space.choices, arch, strict=True)]
        cell = space.cell(arch)
        ops = NB101.choices[-1]
        assert [ops[op] for op in cell[21 : 21 + inner]] == names[:inner]
        into = parents(cell)
        chosen = [set(map(int, name.split(","))) for name in names[inner:]]
        targets = [*range(1, inner + 1), 6]
        free = [  # all earlier vertices are parents where there is no choice
            v
            for v, count in zip(targets, space.parents, strict=True)
            if count < min(v, inner + 1)
        ]
        assert [set(into[v]) for v in free] == chosen


def test_canonical_is_the_first_with_an_isomorphic_cell():
    first, archs = {}, list(NB1SHOT1_1)
    for arch in archs:
        first.setdefault(NB101.canonical(NB1SHOT1_1.cell(arch)), arch)
    assert len(first) == 2_685
    for arch in archs[::7]:
        expected = first[NB101.canonical(NB1SHOT1_1.cell(arch))]
        assert NB1SHOT1_1.canonical(arch) == expected


@each
def test_spelling_is_that_of_the_cell_and_comes_back(space):
    source = rng(4)
    archs = [space.sample(source) for _ in range(300)]
    assert len(set(map(space.format, archs))) == len(set(archs))
    for arch in archs:
        assert space.parse(space.format(arch)) == arch
        assert NB101.parse(space.format(arch)) == space.cell(arch)


SPELLED = NB1SHOT1_1.format((0, 1, 2, 0, 0, 0, 9))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("011110", "011100", "vertex 4 of a cell of nb1shot1_1 has 2 parents, not 1"),
        ("011110", "011111", "vertex 5 of a cell of nb1shot1_1 has 2 parents, not 3"),
        ("maxpool3x3", "skip", "nb1shot1_1 has no 'skip' at vertex 3; there it has"),
        (",maxpool3x3", "", "a cell of nb1shot1_1 has 6 vertices, .* has 5"),
        (";", "", "spelled 'adjacency;labels'"),
    ],
)
def test_wrong_cells_name_the_place_and_what_would_be_right(old, new, message):
    assert old in SPELLED
    with pytest.raises(ValueError, match=message):
        NB1SHOT1_1.parse(SPELLED.replace(old, new, 1))


@given(st.integers(0, 60), st.sampled_from("01;,x"))
def test_whatever_parses_is_spelled_exactly_so(place, character):
    text = SPELLED[:place] + character + SPELLED[place + 1 :]
    try:
        arch = NB1SHOT1_1.parse(text)
    except ValueError:
        return
    assert NB1SHOT1_1.format(arch) == text


def test_mutation_may_change_any_decision():
    source, arch = rng(5), NB1SHOT1_3.sample(rng(6))
    changed = Counter()
    for _ in range(300):
        mutant = NB1SHOT1_3.mutate(arch, source)
        (decision,) = [d for d, a in enumerate(arch) if mutant[d] != a]
        changed[decision] += 1
        assert mutant in NB1SHOT1_3
    assert set(changed) == set(range(len(NB1SHOT1_3.choices)))
