"""Figures of networks, joined to benchmarks: the right ones, and only where seen."""

import numpy as np
import pytest

from benchsuite.benchmarks import load
from benchsuite.core import InputError, Trial
from benchsuite.spaces import NATS_TSS
from tests import development
from tests.development import DATA_SETS, answer, command
from tests.toys import rng

TASKS = tuple(DATA_SETS)
TOPOLOGY = [
    *(f"nb201/{task}" for task in TASKS),
    *(f"nats_tss/{task}{end}" for task in TASKS for end in ("", "@12")),
]
OTHERS = ["nats_sss/cifar10", "nats_sss/cifar100@12", "nb101/cifar10"]
OTHERS += ["nb1shot1_1/cifar10"]
UNITS = {"latency": "ms", "energy": "mJ", "intensity": "ops/byte"}
each_topology = pytest.mark.parametrize("name", TOPOLOGY)
each_judged = pytest.mark.parametrize("task", ["cifar10", "cifar100"])


@pytest.fixture(scope="module")
def arrays(shared):
    with np.load(shared / "data" / "tables" / "nb201.npz") as file:
        wanted = ("arch", "hw_", "isomorph")
        return {name: file[name] for name in file if name.startswith(wanted)}


@pytest.fixture(scope="module")
def cells(arrays):
    """All cells, in published order."""
    return [NATS_TSS.parse(arch) for arch in arrays["arch"].tolist()]


@pytest.fixture(scope="module")
def robust(shared):
    with np.load(shared / "data" / "tables" / "nb201_robust.npz") as file:
        return dict(file)


@pytest.fixture(scope="module", autouse=True)
def folder(shared, arrays, tmp_path_factory):
    """Tables of every space, with hardware figures and robustness results."""
    folder = tmp_path_factory.mktemp("joined")
    with development.full_size(shared, tmp_path_factory) as full_size:
        for name in ("nats_tss", "nb101"):
            (folder / name).symlink_to(full_size / name)
    with development.genuine(shared, tmp_path_factory) as genuine:
        (folder / "nats_sss").symlink_to(genuine / "nats_sss")
    with development.data_folder(folder):
        path = tmp_path_factory.mktemp("published") / "HW-NAS-Bench-v1_0.pickle"
        development.write_hw_nas_bench(arrays, path)
        command("import", path, shared / "data" / "tables" / "nb201_robust.npz")
        yield folder


def published(arrays, name):
    """The ten metrics of a benchmark's data set, by our names, in published order."""
    data_set = DATA_SETS[name.partition("/")[2].partition("@")[0]]
    metrics = {}
    for device in development.DEVICES:
        maker, _, what = device.partition("_")
        values = arrays[f"hw_{data_set}_{device}"].astype(np.float64)
        metrics[f"{what.removeprefix('arithmetic_')}_{maker}"] = values
    return metrics


def hardware_of(metrics):
    """NATS-Bench's own `latency` names no device."""
    return {name for name in metrics if name.startswith(tuple(f"{u}_" for u in UNITS))}


def judgements(metrics):
    return {k: v for k, v in metrics.items() if k.startswith("robust_error_")}


@each_topology
def test_a_strategy_sees_the_published_figures_of_a_cell(name, arrays, cells):
    benchmark = load(name)
    expected = published(arrays, name)
    assert len(expected) == 10
    for cell in range(0, 15_625, 101):
        trial = Trial(cells[cell], benchmark.epochs[-1])
        seen = benchmark.evaluate(trial, 0).metrics
        assert hardware_of(seen) == set(expected)
        for metric, values in expected.items():
            value = np.nan if values[cell] == -1 else values[cell]
            np.testing.assert_equal(seen[metric], value)


@pytest.mark.parametrize("task", TASKS)
def test_what_the_edge_tpu_refused_is_missing_and_not_fast(task, arrays, cells):
    benchmark = load(f"nb201/{task}")
    seen = [benchmark.evaluate(Trial(cell, 200), 0).metrics for cell in cells]
    latencies = np.array([metrics["latency_edgetpu"] for metrics in seen])
    refused = published(arrays, f"nb201/{task}")["latency_edgetpu"] == -1
    np.testing.assert_array_equal(np.isnan(latencies), refused)
    assert refused.sum() == 4_699
    assert np.nanmin(latencies) > 0


@each_topology
def test_query_gives_them_with_units(name, arrays):
    cell = 1462  # 3x3 convolutions everywhere
    record = answer("query", name, arrays["arch"][cell])
    for metric, values in published(arrays, name).items():
        assert record["metrics"][metric] == values[cell] > 0
        unit = UNITS[metric.split("_")[0]]
        assert record["units"][metric] == f"{unit} for one image"


@pytest.mark.parametrize("name", OTHERS)
def test_networks_of_other_spaces_have_none(name):
    benchmark = load(name)
    archs = benchmark.table.archs[:2].tolist()
    if name.startswith("nb1shot1"):
        archs = [benchmark.space.sample(rng(6))]
    for arch in map(tuple, archs):
        trial = Trial(arch, benchmark.epochs[-1])
        assert not hardware_of(benchmark.evaluate(trial, 0).metrics)
        metrics = benchmark.query(arch).metrics
        assert not hardware_of(metrics)
        assert not judgements(metrics)


def test_none_are_seen_before_they_are_imported(shared, tmp_path_factory):
    with development.full_size(shared, tmp_path_factory):
        metrics = load("nats_tss/cifar10").query((3,) * 6).metrics
    assert set(metrics) == {
        *("macs", "params", "peak_activation_bytes", "size_bytes", "zc_naswot")
    }


@each_judged
def test_robustness_is_recorded_and_seen_only_under_a_name_that_says_so(task):
    name = f"nats_tss/{task}"
    plain, shown = load(name), load(f"{name}+robustness")
    assert (shown.name, shown.data) == (f"{name}+robustness", plain.data)
    trial = Trial(NATS_TSS.sample(rng(7)), 200)
    seen = plain.evaluate(trial, 0)
    told = shown.evaluate(trial, 0)
    recorded = answer("query", name, NATS_TSS.format(trial.arch))
    assert not judgements(seen.metrics)
    # 7 strengths of three attacks and 11 of a fourth; 15 corruptions in 5 severities
    assert len(judgements(told.metrics)) == 3 * 7 + 11 + 15 * 5
    assert judgements(told.metrics) == judgements(recorded["metrics"])
    assert {recorded["units"][metric] for metric in judgements(told.metrics)} == {
        "fraction"
    }
    assert (seen.error, seen.cost) == (told.error, told.cost)


@each_judged
def test_isomorphic_cells_share_what_their_representative_has(
    task, arrays, cells, robust
):
    """The classes are the published ones, and so are the accuracies."""
    shown = load(f"nats_tss/{task}+robustness")
    seen = [shown.evaluate(Trial(cell, 200), 0).metrics for cell in cells]
    row = np.searchsorted(robust["index"], arrays["isomorph"])
    np.testing.assert_array_equal(robust["index"][row], arrays["isomorph"])
    for metric, key, column in (
        ("robust_error_pgd@8", "pgd@Linf", 6),
        ("robust_error_aa_square@0.5", "aa_square@Linf", 1),
        ("robust_error_fgsm@255", "fgsm@Linf", 10),
        ("robust_error_fog@3", "fog", 2),
        ("robust_error_zoom_blur@5", "zoom_blur", 4),
    ):
        accuracy = robust[f"{task}|{key}"][row, column].astype(np.float64)
        np.testing.assert_array_equal([told[metric] for told in seen], 1 - accuracy)


@pytest.mark.parametrize("name", ["nats_tss/imagenet16_120", "nb101/cifar10"])
def test_what_has_no_robustness_results_says_so(name):
    with pytest.raises(InputError, match=f"^{name} has no robustness results: import"):
        load(f"{name}+robustness")


def test_a_search_that_saw_robustness_stands_apart(tmp_path):
    on = "nats_tss/cifar10@12,nats_tss/cifar10@12+robustness"
    words = ("--on", on, "--trials", 5, "--seeds", 2, "--results", tmp_path)
    command("run", "random_search", *words)
    board = answer("leaderboard", "--results", tmp_path)
    assert ",".join(line["benchmark"] for line in board) == on
    assert board[0]["error_mean"] == board[1]["error_mean"]  # the same draws
