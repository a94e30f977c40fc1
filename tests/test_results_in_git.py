"""The tables in results/ are what the code produces, to the byte."""

from pathlib import Path
from statistics import fmean

import pytest

from benchsuite import catalogue, load, results
from benchsuite.campaign import do, plan
from benchsuite.cli import main
from benchsuite.core import Trial
from benchsuite.runner import Rules

RECORDED = (
    *("local_search", "random_search", "regularized_evolution", "reinforce"),
    "successive_halving",
)
FOLDER = Path(__file__).parent.parent / "results"
TASKS = ("cifar10", "cifar100", "imagenet16_120")
SEEDS = 240  # a multiple of six: cells have two or three runs


@pytest.fixture(scope="module")
def table():
    files = sorted(FOLDER.rglob("nb201/*/*.csv"))
    assert len(files) == len(RECORDED) * len(TASKS)
    return [row for path in files for row in results.read(path)]


def rerun(seeds):
    entries = [catalogue.find(name) for name in RECORDED]
    on = [f"nb201/{task}" for task in TASKS]
    for task in plan(entries, on, Rules(trials=200), seeds, timeout=600.0):
        yield do(task).rows[-1]


def test_a_sample_of_the_runs_gives_the_recorded_rows(table):
    seeds = (0, 1, 5, 100, 239)
    sample = sorted(row for row in table if row.seed in seeds)
    assert len(sample) == len(seeds) * len(RECORDED) * len(TASKS)
    assert sorted(rerun(seeds)) == sample


@pytest.mark.slow
def test_all_of_the_runs_give_the_recorded_rows(table):
    assert sorted(rerun(range(SEEDS))) == sorted(table)


def test_tables_are_canonical_and_the_leaderboard_follows_from_them(
    tmp_path, monkeypatch
):
    for words in (("import-results", str(FOLDER / "nb201")), ("export",)):
        monkeypatch.setattr(
            "sys.argv", ["benchsuite", *words, "--results", str(tmp_path)]
        )
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 0
    files = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*.csv"))
    assert len(files) == len(RECORDED) * len(TASKS) + 1
    for file in files:
        assert (tmp_path / file).read_bytes() == (FOLDER / file).read_bytes(), file


def test_every_run_is_there_once(table):
    keys = {(row.benchmark, row.strategy, row.seed) for row in table}
    assert len(keys) == len(table) == SEEDS * len(RECORDED) * len(TASKS)


@pytest.mark.parametrize(
    ("task", "expected"),  # accuracy in %, 200 trials, from an independent drawing
    [
        ("cifar10", (91.15, 91.47, 91.52)),
        ("cifar100", (71.8, 73.0, 73.2)),
        ("imagenet16_120", (45.6, 46.2, 46.2)),
    ],
)
def test_searches_find_what_they_are_known_to_find(task, expected, table):
    """Mean over runs of the pick; .1 is 3 to 5 standard errors of a mean."""
    benchmark, optimism = load(f"nb201/{task}"), []
    order = ("random_search", "regularized_evolution", "local_search")
    for name, accuracy in zip(order, expected, strict=True):
        rows = [
            row
            for row in table
            if (row.benchmark, row.strategy) == (f"nb201/{task}", name)
        ]
        record = [benchmark.query(row.arch).runs for row in rows]
        means = [fmean(run.valid_error[-1] for run in runs) for runs in record]
        assert 100 * (1 - fmean(means)) == pytest.approx(accuracy, abs=0.1)
        optimism.append(fmean(row.reported_error - row.error for row in rows))
    assert 0 < optimism[0] < min(optimism[1:])  # better searchers are more optimistic


def test_rows_say_what_the_table_says(table):
    for row in table[::97]:
        benchmark = load(row.benchmark)
        assert row.table == benchmark.data
        arch = benchmark.space.parse(row.arch)
        seen = benchmark.evaluate(Trial(arch, row.epochs), row.seed)
        assert row.error == results.round_to_six(seen.error)
        assert row.reported_error == results.round_to_six(
            benchmark.reported_error(arch, row.seed)
        )
