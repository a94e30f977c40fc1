"""Chains with long-range connections: sizes, draws, spellings, nodes nobody uses."""

import itertools
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from benchsuite.results import _TEXT
from benchsuite.spaces import CHAIN_4, CHAIN_6, CHAIN_8, ChainSpace
from tests.toys import rng

every_chain = pytest.mark.parametrize(
    "space", [CHAIN_4, CHAIN_6, CHAIN_8], ids=lambda s: s.name
)
SMALL = ChainSpace("small", (3, 1), 2)
# By hand: source and target of its decisions, and the decisions into each node.
EDGES = [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (0, 1)]
INTO = [(0,), (1, 2), (3, 4), (5,)]


def fits(draw, outcomes, n):
    """Chi-square test of uniform draws; false alarm in 1 of 100,000 seeds."""
    counts = Counter(draw() for _ in range(n))
    assert set(counts) <= set(outcomes)
    return chisquare([counts[outcome] for outcome in outcomes]).pvalue > 1e-5


def brute_force():
    """All combinations in which every node has an input."""
    everything = itertools.product(range(4), repeat=len(EDGES))
    return [a for a in everything if all(any(a[d] for d in into) for into in INTO)]


def reaches(space, arch, stage):
    """[N + 1, N + 1]: whether a path leads from a node to another, or is none long.

    Powers of the adjacency matrix of a stage.
    """
    n, first = space.lengths[stage] + 1, sum(space.lengths[:stage])
    adjacency = np.zeros((n, n), dtype=int)
    for edges in space.into[first : first + n - 1]:
        for d in edges:
            adjacency[space.edges[d]] = arch[d] > 0
    paths = sum(np.linalg.matrix_power(adjacency, power) for power in range(n))
    return paths > 0


@pytest.mark.parametrize(
    ("space", "published"),
    [(CHAIN_4, "1.8e+116"), (CHAIN_6, "7.5e+163"), (CHAIN_8, "1.6e+204")],
)
def test_sizes_are_the_published_ones(space, published):
    """A node that sees k others has 4^k - 1 ways: neither, conv, identity, both."""
    reach, size = int(space.name[-1]), 1
    for length in (17, 19, 17):
        for i in range(1, length + 1):
            size *= 4 ** min(i, reach) - 1
    assert space.size == size
    assert f"{size:.1e}" == published


def test_a_small_space_is_what_brute_force_finds():
    archs = brute_force()
    assert [*SMALL.edges] == EDGES
    assert [*SMALL.into] == INTO
    assert list(SMALL) == archs
    assert SMALL.size == len(SMALL) == len(archs) == 3 * 15 * 15 * 3
    everything = itertools.product(range(4), repeat=6)
    assert [a for a in everything if a in SMALL] == archs
    for wrong in (list(archs[0]), archs[0][1:], (*archs[0][:-1], 4), "a", 0):
        assert wrong not in SMALL
    keys = [SMALL.key(arch) for arch in archs]
    assert keys == sorted(set(keys))
    assert SMALL.keys(np.array(archs)).tolist() == keys


@pytest.mark.parametrize(
    ("row", "where"),
    [
        ((1, 0, 0, 1, 0, 1), "node 2 of stage 1"),
        ((1, 0, 1, 1, 0, 0), "node 1 of stage 2"),
    ],
)
def test_a_node_without_input_has_no_key(row, where):
    message = rf"\Arow 1 is no architecture of small: {where} has no input\Z"
    with pytest.raises(ValueError, match=message):
        SMALL.keys(np.array([(1, 0, 1, 1, 0, 1), row]))


@every_chain
def test_nodes_see_the_nearest_ones_before_them(space):
    assert list(itertools.chain(*space.into)) == list(range(len(space.choices)))
    nodes = iter(space.into)
    for length in (17, 19, 17):
        for target in range(1, length + 1):
            seen = [space.edges[d] for d in next(nodes)]
            near = [(s, target) for s in range(target) if target - s <= space.reach]
            assert seen == near


def test_neighbours_differ_in_one_connection():
    archs = brute_force()
    for arch in archs[:: len(archs) // 30]:
        near = [o for o in archs if sum(x != y for x, y in zip(arch, o)) == 1]  # noqa: B905
        assert sorted(SMALL.neighbors(arch)) == near


def test_draws_are_uniform():
    """Six tests at 1e-5: fewer than 1 seed in 15,000 fails one."""
    tiny, source = ChainSpace("tiny", (2,), 2), rng(1)
    archs = list(tiny)
    assert len(archs) == 45
    assert fits(lambda: tiny.sample(source), archs, 9_000)
    for arch in ((1, 0, 1), (3, 2, 2)):
        near = list(tiny.neighbors(arch))
        assert fits(lambda a=arch, n=near: tiny.mutate(a, source), near, 3_000)
    for a, b in [
        ((1, 0, 1), (2, 1, 0)),
        ((1, 2, 3), (2, 0, 1)),
        ((1, 1, 1), (1, 2, 0)),
    ]:
        mixed = sorted(set(itertools.product(*zip(a, b, strict=True))) & set(archs))
        assert fits(lambda a=a, b=b: tiny.crossover(a, b, source), mixed, 3_000)


def test_parents_that_share_no_connection_have_children_at_once():
    """Of what their decisions give, 1 in 10 million is an architecture."""
    one, other = ([0] * len(CHAIN_8.choices) for _ in range(2))
    for edges in CHAIN_8.into:
        one[edges[0]], other[edges[-1]] = 1, 2
    source = rng(2)
    children = {CHAIN_8.crossover(tuple(one), tuple(other), source) for _ in range(50)}
    assert len(children) == 50
    assert all(child in CHAIN_8 for child in children)


def test_used_nodes_are_those_with_a_path_to_the_output():
    """And a path leads to each of them from the entry."""
    source, space = rng(3), ChainSpace("some", (6, 1, 4), 3)
    unused = 0
    for arch in (space.sample(source) for _ in range(300)):
        sparse = [*arch]
        for edges in space.into:  # most nodes keep one input
            for d in edges[:-1] if arch[edges[-1]] else ():
                sparse[d] *= source.random() < 0.2
        assert tuple(sparse) in space
        found = iter(space.used(sparse))
        for stage, length in enumerate(space.lengths):
            paths = reaches(space, sparse, stage)
            used = [next(found) for _ in range(length)]
            assert used == paths[1:, length].tolist()
            assert used[-1]
            assert all(paths[0, n] for n, needed in enumerate(used, 1) if needed)
            unused += used.count(False)
    assert unused > 200


def test_nodes_are_used_even_where_they_have_no_input():
    """As in a mixture of which something was taken away."""
    assert SMALL.used([0, 0, 0, 0, 1, 1]) == (False, True, True, True)
    assert SMALL.used([0] * 6) == (False, False, True, True)


def test_canonical_is_the_same_for_what_computes_the_same():
    """Groups by the connections into used nodes, which brute force tells."""
    groups, space = {}, ChainSpace("three", (3,), 3)
    for arch in space:
        used = reaches(space, arch, 0)[1:, 3]
        kept = tuple(
            (d, arch[d]) for n, edges in enumerate(space.into) if used[n] for d in edges
        )
        first = space.canonical(arch)
        assert first in space
        assert space.canonical(first) == first
        assert first <= arch
        assert {d: first[d] for d, _ in kept} == dict(kept)
        groups.setdefault(kept, set()).add(first)
    assert {len(group) for group in groups.values()} == {1}
    firsts = [first for group in groups.values() for first in group]
    assert len(set(firsts)) == len(firsts) < space.size


def test_a_spelling_lists_the_sources_of_every_node():
    space = ChainSpace("two", (4, 2), 3)
    arch = (3, 0, 2, 1, 2, 0, 0, 3, 2, 1, 1, 2)
    assert space.format(arch) == "(cs0 s1 c0,s1 cs2,s3)(c0 c0,s1)"
    assert space.parse("(cs0 s1 c0,s1 cs2,s3)(c0 c0,s1)") == arch


@every_chain
def test_spellings_are_inverted(space):
    source = rng(4)
    for arch in [space.sample(source) for _ in range(20)]:
        text = space.format(arch)
        assert space.parse(text) == arch
        assert _TEXT.fullmatch(text)


RIGHT = "(c0 c0,cs1 s1,s2)(cs0)"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("(cs0)", "", "small has 2 stages, each spelled"),
        (")(", ") (", "small has 2 stages"),
        ("(cs0)", "(cs0)(cs0)", "small has 2 stages"),
        ("(cs0)", "(cs0))", "small has 2 stages"),
        (" s1,s2", "", "stage 1 of small has 3 nodes, .* not 2"),
        ("c0,cs1", "c0 cs1", "stage 1 of small has 3 nodes, .* not 4"),
        ("c0 c0", "c0  c0", "stage 1 of small has 3 nodes, .* not 4"),
        ("s1,s2", "s0,s2", "node 3 of stage 1 of small lists some of its sources 1"),
        ("s1,s2", "s2,s3", "node 3 of stage 1"),
        ("s1,s2", "s2,s1", "node 3 of stage 1 .* upwards"),
        ("s1,s2", "s1,s1", "node 3 of stage 1"),
        ("s1,s2", "s1,", "node 3 of stage 1"),
        ("s1,s2", "s1, s2", "stage 1 of small has 3 nodes"),
        ("s1,s2", "s01", "node 3 of stage 1"),
        ("s1,s2", "sc1", "node 3 of stage 1 .* c, s or cs, .* not 'sc1'"),
        ("(cs0)", "(cs0\n)", "node 1 of stage 2 of small lists some of its sources 0"),
        ("(cs0)", "()", "node 1 of stage 2 .* not ''"),
    ],
)  # fmt: skip
def test_wrong_spelling_names_the_place_and_what_would_be_right(old, new, message):
    assert SMALL.parse(RIGHT) in SMALL
    assert RIGHT.count(old) == 1 or old == ")("
    with pytest.raises(ValueError, match=rf"\A[^\n]*{message}[^\n]*\Z"):
        SMALL.parse(RIGHT.replace(old, new))


PIECES = ["(", ")", " ", ",", "\n", "c", "s", "cs", *"0123", "00", ""]


@given(
    st.sampled_from(brute_force()),
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from(PIECES)), max_size=3),
)
def test_whatever_parses_is_spelled_exactly_so(arch, patches):
    pieces = re.findall(r"[(), ]|cs|[cs]|[0-9]+", SMALL.format(arch))
    for place, piece in patches:
        pieces[place % len(pieces)] = piece
    text = "".join(pieces)
    try:
        arch = SMALL.parse(text)
    except ValueError:
        return
    assert arch in SMALL
    assert SMALL.format(arch) == text


@pytest.mark.parametrize(("lengths", "reach"), [((), 2), ((3, 0), 2), ((3,), 0)])
def test_a_chain_has_nodes_and_a_reach(lengths, reach):
    with pytest.raises(ValueError, match=r"\Awrong has stages of one node or more"):
        ChainSpace("wrong", lengths, reach)


def test_the_first_architectures_of_a_huge_space_come_at_once():
    first, second = itertools.islice(CHAIN_8, 2)
    assert first in CHAIN_8
    assert CHAIN_8.canonical(first) == first
    assert sum(first) == len(CHAIN_8.into)
    assert second == (*first[:-1], 2)
