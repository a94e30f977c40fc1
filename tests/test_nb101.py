"""NAS-Bench-101 and 1Shot1 at full size: every row found, by anybody's spelling."""

import tracemalloc

import numpy as np
import pytest

from benchsuite.benchmarks import load
from benchsuite.core import Trial
from benchsuite.spaces import NB101, SPACES
from tests import development
from tests.development import answer, command, scored, spellings_of_nb101
from tests.strategies.golden import NAMES
from tests.test_nb101_space import encodings
from tests.toys import rng

ONE_SHOT = {"nb1shot1_1": "ss1", "nb1shot1_2": "ss2", "nb1shot1_3": "ss3"}
IMAGES = 29_952  # of three runs: what the test figures are counts of
# Lowest test error of one run, published: a mean of three runs cannot be lower.
SINGLE_RUN = {
    "nb1shot1_1": 0.0544872,
    "nb1shot1_2": 0.0575922,
    "nb1shot1_3": 0.0533854,
}
EDGES = "011010000111000101000000000001000000"
CELL = f"{EDGES};input,{','.join(['maxpool3x3'] * 4)},output"  # of nb1shot1_2
each_space = pytest.mark.parametrize("space", ["nb101", *ONE_SHOT])
each_one_shot = pytest.mark.parametrize("space", ONE_SHOT)


@pytest.fixture(scope="module", autouse=True)
def folder(shared, tmp_path_factory):
    with development.full_size(shared, tmp_path_factory) as folder:
        yield folder


@pytest.fixture(scope="module")
def arrays(shared):
    with np.load(shared / "data" / "tables" / "nb101.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def published(arrays, shared):
    """Mean test errors of each space's rows: by space, by key of the cell."""
    keys = NB101.keys(encodings(arrays)).tolist()
    errors = (1 - arrays["test_correct_of_29952"] / IMAGES).tolist()
    with np.load(shared / "data" / "tables" / "nb1shot1_rows.npz") as rows:
        found = {space: rows[name].tolist() for space, name in ONE_SHOT.items()}
    found["nb101"] = range(len(keys))
    return {space: {keys[r]: errors[r] for r in rows} for space, rows in found.items()}


def test_published_spellings_find_their_rows(arrays):
    """Cells of every number of vertices; figures of the shared arrays."""
    rows = rng(1).choice(len(arrays["params"]), 200, replace=False).tolist()
    rows += [np.flatnonzero(arrays["n_vertices"] == n)[0] for n in range(2, 8)]
    benchmark = load("nb101/cifar10")
    for row, text in zip(rows, spellings_of_nb101(arrays, rows), strict=True):
        record = benchmark.query(text)
        correct = arrays["test_correct_of_29952"][row]
        assert record.test_error == (pytest.approx(1 - correct / IMAGES),)
        assert record.metrics["params"] == arrays["params"][row]


def test_what_is_made_up_says_so():
    record = answer("query", "nb101/cifar10", "--best")
    assert "SYNTHETIC validation" in record["source"]
    assert "for tests only" in command("query", "nb1shot1_2/cifar10", CELL)[0]


@each_space
def test_whatever_is_sampled_is_found(space, published):
    """And is a row of the space, with the test error of that row."""
    benchmark, source = load(f"{space}/cifar10"), rng(2)
    for _ in range(1_000):
        arch = benchmark.space.sample(source)
        seen = benchmark.evaluate(Trial(arch, 108), 0)
        expected = published[space][benchmark.space.key(arch)]
        assert benchmark.reported_error(arch, 0) == pytest.approx(expected)
        # 10,000 draws at that probability: 7 deviations, never by chance
        deviation = np.sqrt(expected * (1 - expected) / 10_000)
        assert abs(seen.error - expected) < 7 * deviation
        assert seen.cost > 0


@each_space
def test_only_what_was_recorded_may_be_asked_for(space):
    benchmark = load(f"{space}/cifar10")
    with pytest.raises(KeyError, match=r"has epochs \(108,\), not 36: each number of"):
        benchmark.evaluate(Trial(benchmark.space.sample(rng(3)), 36), 0)


def test_the_best_cell_is_that_of_the_published_rows(published):
    _best_is_published("nb101", published)


@each_one_shot
def test_the_best_cell_of_a_part_is_that_of_its_rows(space, published):
    """By the mean of three runs, so above the lowest single run that was published."""
    assert min(published[space].values()) >= SINGLE_RUN[space]
    _best_is_published(space, published)


def _best_is_published(space, published):
    benchmark, best = load(f"{space}/cifar10"), min(published[space].values())
    assert benchmark.best_error == pytest.approx(best)
    arch = benchmark.space.parse(answer("query", benchmark.name, "--best")["arch"])
    assert published[space][benchmark.space.key(arch)] == best


@each_space
def test_no_row_becomes_an_object_before_it_is_asked_for(space, folder):
    """The arrays have over 20 MB; opening them and a query allocate under 2."""
    size = sum(file.stat().st_size for file in (folder / "nb101").rglob("*.npy"))
    assert size > 20_000_000
    arch = SPACES[space].sample(rng(4))
    load(f"{space}/cifar10").evaluate(Trial(arch, 108), 0)  # imports and caches
    tracemalloc.start()
    benchmark = load(f"{space}/cifar10")
    benchmark.evaluate(Trial(arch, 108), 0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def test_every_strategy_runs_on_every_space(tmp_path, published):
    names = [f"{space}/cifar10" for space in ("nb101", *ONE_SHOT)]
    words = ("--trials", 40, "--seeds", 2, "--results", tmp_path)
    out, _ = command("run", *scored(NAMES, "params"), "--on", ",".join(names), *words)
    count = 2 * len(NAMES) * len(names)
    assert out == f"{count} runs: {count} recorded, 0 there already, 0 failed\n"
    board = answer("leaderboard", "--results", tmp_path)
    assert {(line["benchmark"], line["strategy"]) for line in board} == {
        (name, strategy) for name in names for strategy in NAMES
    }
    for line in board:
        errors = published[line["benchmark"].partition("/")[0]].values()
        assert min(errors) - 1e-6 <= line["error_mean"] < np.median(list(errors)) + 0.01
