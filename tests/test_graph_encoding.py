"""Isomorphic cells are encoded alike, other cells are not, and nothing is lost."""

import itertools

import numpy as np
import pytest

from benchsuite.spaces import (
    CHAIN_4,
    DARTS,
    DARTS_S1,
    NATS_SSS,
    NATS_TSS,
    NB1SHOT1_1,
    NB1SHOT1_2,
    NB1SHOT1_3,
    NB101,
    TRANSNAS_MACRO,
    TRANSNAS_MICRO,
)
from benchsuite.spaces.darts import EDGES
from benchsuite.spaces.encodings import (
    ENCODINGS,
    adjacency,
    graph_size,
    one_hot,
    path_encoding,
)
from benchsuite.spaces.graph import Graph, canonical, graphs, layout
from benchsuite.spaces.nb101 import cell_space
from benchsuite.strategies.model_based import encodings as of_strategies
from tests.toys import rng

CELLS = (
    *(NATS_TSS, TRANSNAS_MICRO, NB101, NB1SHOT1_1, NB1SHOT1_2, NB1SHOT1_3),
    *(DARTS, DARTS_S1),
)
every_cell_space = pytest.mark.parametrize("space", CELLS, ids=lambda s: s.name)


def drawn(space, count, seed=0):
    draw = rng(seed)
    return [space.sample(draw) for _ in range(count)]


def random_graph(draw, vertices):
    """Draw a graph of two kinds of inner vertices; some may lead nowhere."""
    labels = ("in", *draw.choice(["a", "b"], vertices - 2).tolist(), "out")
    parents = [
        tuple(p for p in range(v) if draw.random() < 0.5) or ((0,) if v else ())
        for v in range(vertices)
    ]
    return Graph(labels, tuple(parents))


def relabelled(graph, order):
    """Put vertex v of a graph at place order[v]; None if a parent came later."""
    edges = [(p, v) for v, above in enumerate(graph.parents) for p in above]
    if any(order[p] > order[v] for p, v in edges):
        return None
    labels, parents = dict(zip(order, graph.labels, strict=True)), {}
    for v, above in enumerate(graph.parents):
        parents[order[v]] = tuple(sorted(order[p] for p in above))
    places = range(len(order))
    return Graph(tuple(labels[v] for v in places), tuple(parents[v] for v in places))


def orders(vertices):
    """All orders that leave the first and the last vertex where they are."""
    for inner in itertools.permutations(range(1, vertices - 1)):
        yield (0, *inner, vertices - 1)


def test_graphs_are_equal_in_canonical_order_exactly_if_some_relabelling_makes_them():
    """By brute force, on graphs of up to six vertices."""
    draw, alike = rng(1), 0
    for vertices in (3, 4, 5, 6):
        for _ in range(40):
            one = random_graph(draw, vertices)
            ways = {relabelled(one, order) for order in orders(vertices)} - {None}
            assert {canonical(way) for way in ways} == {canonical(one)}
            assert canonical(one) in ways
            other = random_graph(draw, vertices)
            alike += other in ways
            assert (canonical(other) == canonical(one)) == (other in ways)
    assert alike > 3


@pytest.mark.parametrize("size", [3, 4, 5])
def test_there_are_as_many_encodings_as_published_cells(size):
    """NAS-Bench-101 has 1 cell of two vertices, 6 of three, 84 of 4, 2,441 of 5."""
    space = cell_space("small", size, max_edges=9)
    rows = adjacency(space)(list(space))
    assert len(np.unique(rows, axis=0)) == sum((1, 6, 84, 2441)[: size - 1])


@pytest.mark.parametrize("space", [NB101, NB1SHOT1_1, NB1SHOT1_3], ids=lambda s: s.name)
def test_cells_on_vertices_are_alike_exactly_if_their_keys_are(space):
    archs = drawn(space, 1500)
    keys = [space.key(arch) for arch in archs]
    rows = [row.tobytes() for row in adjacency(space)(archs)]
    pairs = set(zip(keys, rows, strict=True))
    assert len(pairs) == len(set(keys)) == len(set(rows)) < len(archs)


@pytest.fixture(scope="module")
def tss():
    archs = list(NATS_TSS)
    return archs, adjacency(NATS_TSS)(archs), path_encoding(NATS_TSS)(archs)


def test_cells_of_nats_bench_that_compute_the_same_are_alike(tss):
    archs, rows, paths = tss
    number = {arch: n for n, arch in enumerate(archs)}
    first = [number[NATS_TSS.canonical(arch)] for arch in archs]
    assert np.array_equal(rows, rows[first])
    assert np.array_equal(paths, paths[first])
    assert len(set(first)) == 6466
    assert len(np.unique(rows, axis=0)) == 6046


def test_cells_of_nats_bench_that_are_alike_compute_the_same(tss):
    """Linear operations with random factors give equal sums, however cells are drawn.

    That is what a sum with zero changes not: 6,046 graphs, not 6,466.
    """
    factors = dict(enumerate(rng(2).random(5)))
    factors |= {0: 0.0, 1: 1.0}

    def flow(arch):
        f = [factors[op] for op in arch]
        one = f[0]
        two = f[1] + f[2] * one
        return f[3] + f[4] * one + f[5] * two

    archs, rows, _ = tss
    groups = {}
    for arch, row in zip(archs, rows, strict=True):
        groups.setdefault(row.tobytes(), []).append(flow(arch))
    assert max(np.ptp(group) for group in groups.values()) < 1e-12


def test_other_operations_and_other_edges_make_other_encodings(tss):
    archs, rows, _ = tss
    number = {arch: n for n, arch in enumerate(archs)}
    ends = (3, 2, 4, 2, 3, 4)  # every edge matters
    other = [number[n] for n in NATS_TSS.neighbors(ends)]
    assert (rows[other] != rows[number[ends]]).any(axis=1).all()


def swapped(arch, cell, one, two):
    """Swap two nodes of a cell of DARTS; None if one takes from the other."""
    place = {one: two, two: one}
    half = len(EDGES)
    new = list(arch)
    new[cell * half : (cell + 1) * half] = [0] * half
    for n, (source, target) in enumerate(EDGES):
        if op := arch[cell * half + n]:
            moved = place.get(source, source), place.get(target, target)
            if moved not in EDGES:
                return None
            new[cell * half + EDGES.index(moved)] = op
    return tuple(new)


def test_nodes_of_darts_can_be_numbered_in_any_order():
    archs, encode, tried = drawn(DARTS, 100), adjacency(DARTS), 0
    for arch in archs:
        for cell in (0, 1):
            for one, two in itertools.combinations(range(2, 6), 2):
                other = swapped(arch, cell, one, two)
                if other is not None and other != arch:
                    assert other in DARTS
                    tried += 1
                    assert np.array_equal(*encode([arch, other]))
    assert tried > 100
    assert len(np.unique(encode(archs), axis=0)) == len(archs)


def test_the_two_cells_of_darts_are_told_apart():
    (arch,) = drawn(DARTS, 1)
    exchanged = (*arch[len(EDGES) :], *arch[: len(EDGES)])
    for name in ENCODINGS:
        assert not np.array_equal(*ENCODINGS[name](DARTS)([arch, exchanged]))


@every_cell_space
def test_a_graph_can_be_read_off_its_encoding(space):
    cells, room, labels = layout(space)
    n, kinds = graph_size(space)
    archs = drawn(space, 50, seed=3)
    for arch, row in zip(archs, adjacency(space)(archs), strict=True):
        edges, names = row[: n * n].reshape(n, n), row[n * n :].reshape(n, kinds)
        assert not np.tril(edges).any()
        for c, cell in enumerate(graphs(space, arch)):
            block = slice(c * room, (c + 1) * room)
            mine = names[block, c * len(labels) : (c + 1) * len(labels)]
            there = np.flatnonzero(mine.any(axis=1))
            assert tuple(labels[k] for k in mine[there].argmax(axis=1)) == cell.labels
            inside = edges[block, block][np.ix_(there, there)]
            above = tuple(tuple(np.flatnonzero(column).tolist()) for column in inside.T)
            assert above == cell.parents
        assert names.sum() == sum(len(cell.labels) for cell in graphs(space, arch))
    assert cells * room == n


@every_cell_space
@pytest.mark.parametrize("name", ENCODINGS)
def test_rows_do_not_depend_on_each_other(name, space):
    archs = drawn(space, 20, seed=4)
    rows = ENCODINGS[name](space)(archs)
    assert rows.dtype == np.float32
    assert set(np.unique(rows)) == {0, 1}
    again = ENCODINGS[name](space)
    alone = np.concatenate([again([arch]) for arch in reversed(archs)])
    assert np.array_equal(rows, alone[::-1])
    assert again([]).shape == (0, rows.shape[1])


@pytest.mark.parametrize("space", [TRANSNAS_MICRO, NB101], ids=lambda s: s.name)
def test_paths_are_those_of_bananas(space):
    """As the strategies encode them, which keep the shortest ones."""
    archs = drawn(space, 300)
    known = of_strategies.path_encoding(space)(archs)
    ours = path_encoding(space)(archs)[:, : known.shape[1]]
    assert np.array_equal(ours, known)


def test_paths_of_a_cell_of_darts_by_hand():
    genotype = (
        "Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1),"
        " ('sep_conv_3x3', 2), ('max_pool_3x3', 1), ('skip_connect', 0),"
        " ('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1)],"
        " normal_concat=range(2, 6), reduce=[('skip_connect', 0), ('skip_connect', 1),"
        " ('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0),"
        " ('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1)],"
        " reduce_concat=range(2, 6))"
    )
    (row,) = path_encoding(DARTS)([DARTS.parse(genotype)])
    # normal: 3 of one operation from input 0 and 1, 2 through node 2
    normal = {"0 sep3", "0 skip", "1 skip", "1 max", "0 sep3 sep3", "1 skip sep3"}
    assert row[:112].sum() == len(normal)
    assert row[112:].sum() == 2


@pytest.mark.parametrize(
    "space", [NATS_SSS, TRANSNAS_MACRO, CHAIN_4], ids=lambda s: s.name
)
def test_spaces_without_cells_are_encoded_by_their_options_only(space):
    archs = drawn(space, 5)
    rows = one_hot(space)(archs)
    assert np.array_equal(rows, [space.one_hot(arch) for arch in archs])
    for name in ("adjacency", "paths"):
        with pytest.raises(ValueError, match=f"{space.name} are no cells.* one_hot"):
            ENCODINGS[name](space)
