"""`benchsuite fit`: what is learned from what, and how good it is said to be."""

import json
import math
import pickle
import re

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr
from sklearn.metrics import r2_score
from typer.testing import CliRunner

from benchsuite import fitting, load
from benchsuite.benchmarks.tabular import TabularBenchmark
from benchsuite.cli import app, main
from benchsuite.core import InputError, Trial
from benchsuite.fitting import Runs, fit, recorded, run_noise
from benchsuite.spaces import NATS_TSS, SearchSpace
from benchsuite.spaces.encodings import ENCODINGS
from surrogates import DataError
from surrogates.fitted import Fitted
from tests.toys import rng

ON = "nb201/cifar100"


@pytest.fixture(scope="module")
def fitted():
    settings = {"members": "4", "iterations": "60"}
    name = "surrogates.GradientBoosting"
    return fit(load(ON), name, train_size=600, seed=1, settings=settings)


def sides(benchmark, train, test, seed):
    chosen = fitting._split(benchmark, train, test, seed)
    return chosen.train, chosen.test


def test_no_network_is_on_both_sides():
    train, test = sides(load(ON), 2000, 1000, 3)
    classes = [NATS_TSS.canonical(arch) for arch in (*train, *test)]
    assert len(set(classes)) == len(classes) == 3000
    assert sides(load(ON), 2000, 1000, 4)[0] != train


def test_it_learns_every_run_that_a_search_may_see(monkeypatch):
    """Against the embedded figures themselves: validation accuracies, in percent."""
    benchmark = load(ON)
    archs = [tuple(row) for row in benchmark.archs[:300].tolist()]
    runs = recorded(benchmark, archs)
    for row, arch in enumerate(archs):
        mine = np.sort(runs.errors[runs.rows == row, 0])
        record = benchmark.query(arch)
        told = sorted(run.valid_error[-1] for run in record.runs)
        np.testing.assert_allclose(mine, told)
    assert not benchmark.test_errors(archs[0])  # so there is no test error to learn


def test_tests_are_never_looked_at(monkeypatch):
    """On a table that has test errors, here made-up ones."""
    benchmark = load("synthetic/curves")
    assert benchmark.test_errors(next(iter(benchmark.space)))

    def forbidden(*_):
        raise AssertionError("a test error was asked for")

    for name in ("test_errors", "reported_error", "figures", "query"):
        monkeypatch.setattr(TabularBenchmark, name, forbidden)
    train, _ = sides(benchmark, 20, 5, 0)
    recorded(benchmark, train)


def test_metrics_are_those_of_other_libraries_on_held_out_cells(fitted):
    benchmark = load(ON)
    _, test = sides(benchmark, 600, 500, 1)
    rows = ENCODINGS["one_hot"](NATS_TSS)(test)
    mean, std = fitted.predict(rows)
    errors = [
        [run.valid_error[-1] for run in benchmark.query(arch).runs] for arch in test
    ]
    truth = np.array([np.mean(runs) for runs in errors])
    metrics = fitted.origin.metrics
    assert metrics["r2"] == pytest.approx(r2_score(truth, mean))
    tau = kendalltau(truth, mean).statistic  # 1 - mean has a few more ties than mean
    assert metrics["kendall"] == pytest.approx(tau, abs=1e-4)
    assert metrics["spearman"] == pytest.approx(
        spearmanr(truth, mean).statistic, abs=1e-4
    )
    assert metrics["mae"] == pytest.approx(np.abs(truth - mean).mean())
    sparse = np.round(100 * (1 - mean), 1)
    expected = kendalltau(1 - truth, sparse).statistic
    assert metrics["sparse_kendall"] == pytest.approx(expected, abs=1e-3)
    inside = [
        abs(run - m) <= 1.96 * s
        for runs, m, s in zip(errors, mean, std, strict=True)
        for run in runs
    ]
    assert metrics["coverage"] == pytest.approx(np.mean(inside), abs=0.002)
    assert abs(metrics["coverage"] - 0.95) <= 0.05
    assert metrics["kendall"] > 0.6


def test_the_origin_tells_what_it_was_fitted_to(fitted):
    benchmark, origin = load(ON), fitted.origin
    assert (origin.table, origin.digest) == (ON, benchmark.table.digest)
    assert (origin.space, origin.encoding) == ("nats_tss", "one_hot")
    assert (origin.cells, origin.seed, origin.epochs) == (600, 1, (200,))
    assert fitted.model.settings["seed"] == 1


def test_seconds_are_learned():
    """Of other networks, at least twice as well as the mean of all tells them."""
    benchmark = load(ON)
    model = fit(benchmark, "ExtraTrees", train_size=400, test_size=200)
    archs = sides(benchmark, 400, 200, 0)[1]
    predicted = model.seconds(ENCODINGS["one_hot"](NATS_TSS)(archs))
    runs = recorded(benchmark, archs)
    true = np.array([runs.seconds[runs.rows == n].mean() for n in range(len(archs))])
    off = np.abs(np.log(predicted / true))
    assert 2 * np.median(off) < np.median(np.abs(np.log(true.mean() / true)))


def test_noise_between_runs_is_found():
    """Made of normal noise of .05: within 5 % of it, though one cell in 20 fails once.

    The standard error is 1.5 %, so 5 % is a false alarm once in 1,000 times.
    """
    source = rng(0)
    rows = np.repeat(np.arange(3000), source.integers(1, 4, 3000))
    scaled = source.normal(-1, 1, 3000)[rows] + 0.05 * source.normal(size=len(rows))
    failed = source.random(len(rows)) < 0.02
    errors = np.where(failed, 0.9, 1 / (1 + np.exp(-scaled)))[:, None]
    found = run_noise(Runs(rows, errors, np.ones(len(rows))))["run_noise"]
    assert found == pytest.approx(0.05 * 1.03, rel=0.05)
    alone = Runs(np.arange(50), errors[:50], np.ones(50))
    assert run_noise(alone) == {}


def test_the_scale_of_the_noise_fits_good_and_bad_cells_of_the_table():
    """Cells of errors below .3 and of .35 to .7: within a fifth of one another."""
    benchmark = load(ON)
    runs = recorded(benchmark, [tuple(a) for a in benchmark.archs[::4].tolist()])
    means = np.bincount(runs.rows, runs.errors[:, -1]) / np.bincount(runs.rows)
    noises = []
    for low, high in ((0, 0.3), (0.35, 0.7)):
        inside = ((means > low) & (means < high))[runs.rows]
        rows = np.unique(runs.rows[inside], return_inverse=True)[1]
        part = Runs(rows, runs.errors[inside], runs.seconds[inside])
        noises.append(run_noise(part)["run_noise"])
    assert max(noises) / min(noises) < 1.2


def test_curves_are_learned_as_a_whole(tmp_path, monkeypatch):
    benchmark = load("synthetic/curves")
    spaces = {**fitting.SPACES, "synthetic": benchmark.space}
    monkeypatch.setattr(fitting, "SPACES", spaces)
    monkeypatch.setattr("benchsuite.benchmarks.fitted.SPACES", spaces)
    model = fit(benchmark, "ExtraTrees", train_size=500, test_size=100)
    assert model.origin.epochs == tuple(range(1, 82))
    model.save(tmp_path / "curves.surrogate")
    opened = load(f"surrogate:{tmp_path / 'curves.surrogate'}+mean")
    assert opened.epochs == benchmark.epochs
    worst = []
    for n in range(20):
        arch = benchmark.space.sample(rng(n))
        errors, seconds = benchmark.curve(arch, 0)
        ours = np.array([opened.evaluate(Trial(arch, e), 0)[:2] for e in opened.epochs])
        worst.append(np.abs(ours[:, 0] - errors).max())
        np.testing.assert_allclose(ours[:, 1], seconds, rtol=0.1)
    assert np.median(worst) < 0.04


def test_graphs_and_paths_and_settings():
    benchmark = load(ON)
    model = fit(
        benchmark,
        "RandomForest",
        train_size=100,
        test_size=50,
        encoding="paths",
        settings={"trees": "3", "max_features": "0.9", "monotone": "False"},
    )
    assert model.origin.encoding == "paths"
    settings = model.model.settings
    assert (settings["trees"], settings["max_features"]) == (3, 0.9)
    assert settings["monotone"] is False


def test_a_graph_network_gets_graphs_of_its_space():
    pytest.importorskip("torch")
    model = fit(
        load(ON),
        "GraphNetwork",
        train_size=40,
        test_size=20,
        settings={"epochs": "2", "splits": "0"},
    )
    assert model.origin.encoding == "adjacency"
    settings = model.model.settings
    assert (settings["vertices"], settings["labels"]) == (8, 6)
    with pytest.raises(InputError, match="reads graphs, --encoding adjacency"):
        fit(load(ON), "GraphNetwork", train_size=40, encoding="one_hot")


def test_constant_errors_are_predicted_as_they_are(monkeypatch):
    def constant(benchmark, archs):
        count = len(archs)
        return Runs(np.arange(count), np.full((count, 1), 0.25), np.ones(count))

    monkeypatch.setattr(fitting, "recorded", constant)
    model = fit(load(ON), "ExtraTrees", train_size=20, test_size=10)
    assert model.predict(np.zeros((1, 30))) == (0.25, 0)
    assert model.origin.metrics["mae"] == 0
    assert "kendall" not in model.origin.metrics  # there is none of constants


def test_the_command_writes_a_file_and_a_table(tmp_path):
    out = tmp_path / "my.surrogate"
    command = ["fit", "surrogates.ExtraTrees", "--on", ON, "--train-size", "100"]
    done = CliRunner().invoke(app, [*command, "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert f"--on surrogate:{out}" in done.output
    assert f"{Fitted.load(out).origin.metrics['kendall']:.4f}" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["my.surrogate"]
    first = out.read_bytes()
    more = ["--out", str(out), "--json", "--set", "trees=5", "--seed", "0"]
    done = CliRunner().invoke(app, [*command, *more])
    facts = json.loads(done.output)
    assert (facts["model"], facts["table"]) == ("ExtraTrees", ON)
    assert facts["settings"]["trees"] == 5
    assert out.read_bytes() == first  # 5 is the default: equal files of equal fits


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"MODEL": "surrogates.Oracle"}, "unknown model 'Oracle'"),
        ({"--on": "nb201/cifar1"}, "unknown benchmark 'nb201/cifar1'; did you mean"),
        ({"--on": "synthetic/curves"}, "a surrogate of synthetic could not be opened"),
        ({"--train-size": "1"}, "learns from 2 architectures or more"),
        ({"--train-size": "7000"}, "gave 6,4.* different networks"),
        ({"--encoding": "hot"}, "unknown encoding 'hot'"),
        ({"--set": "trees"}, "--set takes name=value, not 'trees'"),
        ({"--set": "leaves=3"}, "unknown setting 'leaves'"),
        ({"--set": "trees=x"}, "trees takes int, not 'x'"),
        ({"--set": "trees=0"}, "trees is 0, not 1 or more"),
        ({"--set": "monotone=yes"}, "unknown value 'yes'"),
        ({"--out": "gone/my.surrogate"}, "there is no folder gone"),
    ],
)
def test_what_a_user_can_mend_is_one_line(
    change, message, monkeypatch, capsys, tmp_path
):
    monkeypatch.chdir(tmp_path)
    options = {
        "--on": ON,
        "--train-size": "50",
        "--out": "my.surrogate",
        **change,
    }
    model = options.pop("MODEL", "ExtraTrees")
    words = [word for pair in options.items() for word in pair]
    monkeypatch.setattr("sys.argv", ["benchsuite", "fit", model, *words])
    with pytest.raises(SystemExit) as caught:
        main()
    error = capsys.readouterr().err
    assert caught.value.code == 2
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())
    assert re.search(message, error), error


def test_a_surrogate_is_no_table_to_fit_to(fitted, tmp_path):
    fitted.save(tmp_path / "a.surrogate")
    with pytest.raises(InputError, match="is no table: a surrogate is fitted to"):
        fit(load(f"surrogate:{tmp_path / 'a.surrogate'}"), "ExtraTrees", train_size=9)


def test_spaces_without_cells_have_one_hot_rows_only():
    space = SearchSpace("toy", (("a", "b"),) * 3)
    with pytest.raises(InputError, match="--encoding one_hot is for any space"):
        fitting._encoder("paths", space)
    assert math.isfinite(fitting._encoder("one_hot", space)([(0, 1, 0)]).sum())


def test_a_file_that_is_a_pickle_is_not_opened(tmp_path):
    path = tmp_path / "x.surrogate"
    path.write_bytes(pickle.dumps(print))
    with pytest.raises(DataError):
        Fitted.load(path)
