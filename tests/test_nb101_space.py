"""NAS-Bench-101's cells, against brute force, the published hash and all its rows."""

import hashlib
import itertools
import pickle
import random
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from benchsuite.spaces import NB101
from benchsuite.spaces.nb101 import OPERATIONS, cell_space
from tests.toys import rng

SMALL = cell_space("small", vertices=4, max_edges=4)  # of 6: the constraint bites
MIDDLE = cell_space("middle", vertices=5, max_edges=6)


def matrix(arch, n):
    """Adjacency, a list of rows, of an encoded cell."""
    digits = iter(arch)
    return [[next(digits) if v < w else 0 for w in range(n)] for v in range(n)]


def pruned_edges(adjacency):
    """Every edge on some path from the first vertex to the last, path by path."""
    last, edges, paths = len(adjacency) - 1, set(), [(0,)]
    while paths:
        path = paths.pop()
        if path[-1] == last:
            edges.update(itertools.pairwise(path))
        paths += [(*path, w) for w, there in enumerate(adjacency[path[-1]]) if there]
    return edges


def by_brute_force(space, n):
    """Encodings with a path, and at most so many edges on paths."""
    triangle = n * (n - 1) // 2
    for edges in itertools.product((0, 1), repeat=triangle):
        if 0 < len(pruned_edges(matrix(edges, n))) <= space.max_edges:
            for ops in itertools.product(range(3), repeat=n - 2):
                yield edges + ops


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def published_hash(arch, n):
    """The module hash of NAS-Bench-101: appendix of the paper, digits of its code.

    Vertices start as out-degree, in-degree and label, and take in the sorted digests of
    their sources and targets, once for every vertex of the pruned cell.
    """
    edges = pruned_edges(matrix(arch, n))
    ops = (-1, *arch[n * (n - 1) // 2 :], -2)
    into, out_of = defaultdict(list), defaultdict(list)
    for v, w in edges:
        into[w].append(v)
        out_of[v].append(w)
    live = sorted({v for edge in edges for v in edge})
    digest = {v: md5(str((len(out_of[v]), len(into[v]), ops[v]))) for v in live}
    for _ in live:
        digest = {
            v: md5(
                "|".join(
                    (
                        "".join(sorted(digest[u] for u in into[v])),
                        "".join(sorted(digest[w] for w in out_of[v])),
                        digest[v],
                    )
                )
            )
            for v in live
        }
    return md5(str(sorted(digest.values())))


def encodings(table):
    """Encode the rows of the shared table, uint8 [N, 26]; missing vertices last."""
    sizes, bits = table["n_vertices"], table["adj_upper_bits"]
    archs = np.zeros((len(sizes), 26), dtype=np.uint8)
    place = {pair: e for e, pair in enumerate(itertools.combinations(range(7), 2))}
    for n in range(2, 8):
        rows = np.flatnonzero(sizes == n)
        pairs = list(itertools.combinations(range(n), 2))
        for e, (v, w) in enumerate(pairs):
            column = place[v, 6 if w == n - 1 else w]
            archs[rows, column] = bits[rows] >> (len(pairs) - 1 - e) & 1
        archs[rows, 21 : 21 + n - 2] = table["ops"][rows, : n - 2] - 1
    return archs


@pytest.fixture(scope="module")
def published(shared):
    """Every cell of NAS-Bench-101, in the order of the published hash."""
    with np.load(shared / "data" / "tables" / "nb101.npz") as table:
        return encodings(table)


@pytest.mark.parametrize(("space", "n"), [(SMALL, 4), (MIDDLE, 5)])
def test_only_cells_with_a_path_and_few_edges_are_in_the_space(space, n):
    expected = list(by_brute_force(space, n))
    assert list(space) == expected
    assert len(space) == len(expected)
    valid = set(expected)
    product = itertools.product(*map(range, map(len, space.choices)))
    assert all((arch in space) == (arch in valid) for arch in product)
    for arch in expected[:: max(1, len(expected) // 50)]:
        near = [
            other
            for other in expected
            if sum(x != y for x, y in zip(arch, other, strict=True)) == 1
        ]
        assert sorted(space.neighbors(arch)) == near


@pytest.mark.slow
def test_the_number_of_encodings_is_that_of_brute_force():
    count = sum(
        0 < len(pruned_edges(matrix(edges, 7))) <= 9
        for edges in itertools.product((0, 1), repeat=21)
    )
    assert len(NB101) == 3**5 * count == 373_754_169


def fits(draw, outcomes, n):
    """Chi-square test of uniform draws; false alarm in 1 of 100,000 seeds."""
    counts = Counter(draw() for _ in range(n))
    assert set(counts) <= set(outcomes)
    return chisquare([counts[outcome] for outcome in outcomes]).pvalue > 1e-5


def test_draws_are_uniform_over_valid_encodings():
    """Eleven tests at 1e-5: 1 seed in 9,000 fails one."""
    source, valid = rng(101), list(by_brute_force(SMALL, 4))
    assert fits(lambda: SMALL.sample(source), valid, 40_000)
    for arch in valid[::45]:
        near = list(SMALL.neighbors(arch))
        assert fits(lambda a=arch: SMALL.mutate(a, source), near, 3_000)
    a, b = (1, 0, 0, 1, 0, 1, 0, 1), (0, 1, 1, 1, 1, 0, 0, 2)
    mixed = [
        arch
        for arch in valid
        if all(x in parents for x, *parents in zip(arch, a, b, strict=True))
    ]
    assert 1 < len(mixed) < 2**6  # six decisions differ
    assert fits(lambda: SMALL.crossover(a, b, source), mixed, 10_000)


def test_draws_from_the_full_space_are_valid():
    source = rng(7)
    arch = NB101.sample(source)
    for _ in range(300):
        mutant, other = NB101.mutate(arch, source), NB101.sample(source)
        child = NB101.crossover(mutant, other, source)
        for drawn in (mutant, other, child):
            assert drawn in NB101
            assert 0 < len(pruned_edges(matrix(drawn, 7))) <= 9
        assert sum(x != y for x, y in zip(arch, mutant, strict=True)) == 1
        arch = child


def test_keys_partition_small_cells_as_the_published_hash_does():
    for space, n, step in ((SMALL, 4, 1), (MIDDLE, 5, 7)):
        archs = list(itertools.islice(space, 0, None, step))
        theirs = [published_hash(arch, n) for arch in archs]
        pairs = set(zip(map(space.key, archs), theirs, strict=True))
        assert len(pairs) == len(set(theirs)) == len({ours for ours, _ in pairs})
        assert len(pairs) < len(archs) / 2


def test_every_published_cell_has_its_own_key(published):
    keys = NB101.keys(published)
    assert len(np.unique(keys)) == len(published) == 423_624
    for row in range(0, len(published), 997):
        assert NB101.key(tuple(published[row].tolist())) == keys[row]


def test_published_cells_are_valid_and_in_the_order_of_the_published_hash(published):
    """So the operations, and the hash that tests compare with, are the official."""
    archs = [tuple(arch) for arch in published[::499].tolist()]
    assert all(arch in NB101 for arch in archs)
    hashes = [published_hash(arch, 7) for arch in archs]
    assert hashes == sorted(set(hashes))
    assert hashes[0] == "00005c142e6f48ac74fdcf73e3439874"  # the file's first record


def test_the_example_of_the_authors_has_its_published_parameters(published, shared):
    (row,) = np.flatnonzero(
        NB101.keys(published) == np.uint64(NB101.key(NB101.parse(INCEPTION)))
    )
    with np.load(shared / "data" / "tables" / "nb101.npz") as table:
        assert table["params"][row] == 2_694_282


def test_a_random_encoding_has_the_key_of_its_published_cell(published):
    source, keys = rng(3), NB101.keys(published)
    row_of = {int(key): row for row, key in enumerate(keys)}
    for _ in range(300):
        arch = NB101.sample(source)
        row = row_of[NB101.key(arch)]
        found = tuple(published[row].tolist())
        assert published_hash(found, 7) == published_hash(arch, 7)


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_vertices_does_not_change_the_key(seed):
    arch = NB101.sample(rng(seed))
    shuffled = random.Random(seed)
    while True:
        new = [0, *shuffled.sample(range(1, 6), 5), 6]
        old = matrix(arch, 7)
        moved = [(new[v], new[w]) for v in range(7) for w in range(7) if old[v][w]]
        if all(v < w for v, w in moved):
            break
    pairs = itertools.combinations(range(7), 2)
    ops = dict(zip(new[1:6], arch[21:], strict=True))
    other = (
        *(int(pair in moved) for pair in pairs),
        *(ops[v] for v in range(1, 6)),
    )
    assert NB101.key(other) == NB101.key(arch)
    assert NB101.canonical(other) == NB101.canonical(arch)


def test_one_change_changes_the_key_exactly_if_it_changes_the_published_hash():
    source, outcomes = rng(13), Counter()
    for _ in range(40):
        arch = NB101.sample(source)
        key, name = NB101.key(arch), published_hash(arch, 7)
        for other in NB101.neighbors(arch):
            same = published_hash(other, 7) == name
            assert (NB101.key(other) == key) == same
            outcomes[same] += 1
    assert min(outcomes.values()) > 100


def test_many_keys_are_those_of_one_by_one():
    source = rng(5)
    for space, n in ((NB101, 400), (MIDDLE, 400), (SMALL, 100)):
        archs = [space.sample(source) for _ in range(n)]
        keys = space.keys(np.array(archs, dtype=np.uint8))
        assert keys.tolist() == [space.key(arch) for arch in archs]
    archs = np.array([NB101.sample(source)] * 40_000, dtype=np.uint8)  # several chunks
    archs[20_000] = np.array(NB101.sample(source))
    keys = NB101.keys(archs)
    assert keys[0] == keys[-1] != keys[20_000]
    assert len(np.unique(keys)) == 2


def test_without_a_path_there_is_no_key():
    cut = (1, *(0,) * 25)
    with pytest.raises(ValueError, match="no path leads from input to output"):
        NB101.key(cut)
    whole = NB101.sample(rng())
    with pytest.raises(ValueError, match="from input to output in row 1"):
        NB101.keys(np.array([whole, cut], dtype=np.uint8))
    with pytest.raises(ValueError, match="row 0 is no architecture of nb101"):
        NB101.keys(np.full((1, 26), 2, dtype=np.uint8))


@pytest.mark.parametrize("space", [SMALL, MIDDLE])
def test_canonical_is_the_first_of_its_class(space):
    first = {}
    for arch in space:
        first.setdefault(space.key(arch), arch)
    for arch in itertools.islice(space, 0, None, 13):
        assert space.canonical(arch) == first[space.key(arch)]


def test_canonical_cells_of_the_full_space_represent_them():
    source = rng(11)
    for _ in range(100):
        arch = NB101.sample(source)
        representative = NB101.canonical(arch)
        assert representative in NB101
        assert representative <= arch
        assert published_hash(representative, 7) == published_hash(arch, 7)
        assert NB101.canonical(representative) == representative


# The example in the authors' README: vertices 1, 2, 3 -> 4 and 5 side by side.
INCEPTION = (
    "0111010" + "0000001" + "0000001" + "0000100" + "0000001" + "0000001" + "0000000"
    ";input,conv1x1-bn-relu,conv3x3-bn-relu,conv3x3-bn-relu,conv3x3-bn-relu,maxpool3x3"
    ",output"
)


def test_cells_are_spelled_row_by_row_as_encoded():
    arch = NB101.parse(INCEPTION)
    rows = [INCEPTION[n : n + 7] for n in range(0, 49, 7)]
    assert matrix(arch, 7) == [[int(digit) for digit in row] for row in rows]
    assert [OPERATIONS[op] for op in arch[21:]] == INCEPTION.split(",")[1:-1]
    source = rng(2)
    for _ in range(500):
        arch = NB101.sample(source)
        assert NB101.parse(NB101.format(arch)) == arch


def test_smaller_cells_get_vertices_without_edges_before_the_output():
    triangle = "010" + "001" + "000"
    arch = NB101.parse(f"{triangle};input,maxpool3x3,output")
    assert NB101.format(arch) == (
        "0100000" + "0000001" + "0000000" * 5 + ";input,maxpool3x3,"
        "conv3x3-bn-relu,conv3x3-bn-relu,conv3x3-bn-relu,conv3x3-bn-relu,output"
    )
    direct = NB101.parse("0100;input,output")
    assert pruned_edges(matrix(direct, 7)) == {(0, 6)}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (";", ",", "spelled 'adjacency;labels'"),
        (",maxpool3x3", "", "with 6 vertices has 36 digits .* has 49"),
        ("maxpool3x3", "maxpool3x3,maxpool3x3", "has 2 to 7 vertices.* has 8"),
        ("input,", "Input,", "vertex 0 of .* is 'input', not 'Input'"),
        ("output", "out", "vertex 6 of .* is 'output', not 'out'"),
        ("maxpool3x3", "maxpool", "nb101 has no 'maxpool' at vertex 5; there it has"),
        ("conv1x1", " conv1x1", "no ' conv1x1-bn-relu' at vertex 1"),
        ("0111010", "0121010", "edge 0->2 of a cell of nb101 is 0 or 1, not '2'"),
        ("0111010", "1111010", "edge 0->0 of a cell of nb101 is 0, not '1'"),
        ("0000000;", "0001000;", "edge 6->3 of a cell of nb101 is 0, not '1'"),
        ("0111010", "011101", "49 digits of adjacency, .* has 48"),
        ("0111010", "0000000", "no path leads from input to output"),
        ("01110100000001", "01111100010001", "at most 9 edges .* has 11"),
    ],
)
def test_wrong_cells_name_the_place_and_what_would_be_right(old, new, message):
    assert old in INCEPTION
    with pytest.raises(ValueError, match=message) as refusal:
        NB101.parse(INCEPTION.replace(old, new, 1))
    assert "\n" not in str(refusal.value)


@given(st.text("01;,2x ", max_size=30), st.integers(0, 60), st.integers(0, 60))
def test_whatever_parses_is_spelled_exactly_so(piece, start, stop):
    text = INCEPTION[:start] + piece + INCEPTION[stop:]
    try:
        arch = NB101.parse(text)
    except ValueError:
        return
    if text.count(",") == 6:
        assert NB101.format(arch) == text


def test_the_space_goes_to_other_processes():
    again = pickle.loads(pickle.dumps(NB101))
    assert again == NB101
    assert again.sample(rng()) == NB101.sample(rng())
