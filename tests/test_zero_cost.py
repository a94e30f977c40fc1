"""NAS-Bench-Suite-Zero's file, written from gathered scores, and what comes of it."""

import json
import math
from statistics import median

import numpy as np
import pytest
from scipy.stats import spearmanr

from benchsuite import catalogue
from benchsuite.benchmarks import load
from benchsuite.core import Trial
from benchsuite.runner import Rules, search
from benchsuite.spaces import NATS_TSS
from benchsuite.strategies import STRATEGIES
from surrogates import DataError, zero_cost
from tests import development
from tests.development import DATA_SETS, answer, command
from tests.toys import Watched, rng

# What the file calls an operation, and the place of 0>1, 0>2, 0>3, 1>2, 1>3, 2>3 in the
# published spelling.
NUMBERS = {
    *(("skip_connect", 0), ("none", 1), ("nor_conv_3x3", 2)),
    *(("nor_conv_1x1", 3), ("avg_pool_3x3", 4)),
}
PLACES = (0, 1, 3, 2, 4, 5)
CELL = "(4, 0, 3, 1, 4, 3)"
SPELLING = (
    "|avg_pool_3x3~0|+|skip_connect~0|none~1|"
    "+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_1x1~2|"
)


@pytest.fixture(scope="module")
def arrays(shared):
    with np.load(shared / "data" / "tables" / "nb201.npz") as file:
        wanted = ("arch", "ops", "zc_", "e200_c10_test", "e200_in16_test")
        return {name: file[name] for name in file if name.startswith(wanted)}


@pytest.fixture(scope="module")
def published(arrays, tmp_path_factory):
    """The file, of all scores that were gathered."""
    numbers, names = dict(NUMBERS), NATS_TSS.choices[0]
    keys = []
    for arch in arrays["ops"].tolist():
        words = [names[arch[place]] for place in PLACES]
        keys.append(f"({', '.join(str(numbers[word]) for word in words)})")
    content = {}
    for data_set in DATA_SETS.values():
        ending, cells = f"_{data_set}", [{} for _ in keys]
        for name in (n for n in arrays if n.startswith("zc_") and n.endswith(ending)):
            proxy = name.removeprefix("zc_").removesuffix(ending)
            for cell, score in zip(cells, arrays[name].tolist(), strict=True):
                if score == score:
                    cell[proxy] = {"score": score, "time": 0.5}
        for n, cell in enumerate(cells):
            cell |= {"id": n, "val_accuracy": 93.0}
        content[data_set] = dict(zip(keys, cells, strict=True))
    path = tmp_path_factory.mktemp("zero") / "zc_nasbench201.json"
    path.write_text(json.dumps(content))
    return path


@pytest.fixture(scope="module")
def installed(published, shared, tmp_path_factory):
    """Imported by the command, beside the table of full size."""
    folder = tmp_path_factory.mktemp("scored")
    with development.full_size(shared, tmp_path_factory) as full_size:
        (folder / "nats_tss").symlink_to(full_size / "nats_tss")
    with development.data_folder(folder):
        command("import", published)
        yield folder


def figures(name, *metrics):
    benchmark = load(name)
    return benchmark.figures(list(metrics)).T


def test_a_cell_is_read_in_naslib_s_order(tmp_path):
    path = tmp_path / "zc.json"
    scored = {"snip": {"score": 7.5, "time": 1.0}, "val_accuracy": 90.0}
    path.write_text(json.dumps({"cifar10": {CELL: scored}}))
    scores = zero_cost.read(path)["cifar10"]
    assert scores.cells.tolist() == [[4, 0, 3, 1, 4, 3]]
    assert {n: v.tolist() for n, v in scores.metrics.items()} == {"zc_snip": [7.5]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHSUITE_DATA", str(tmp_path))
        command("import", path)
        benchmark = load("nb201/cifar10")
        seen = benchmark.evaluate(Trial(NATS_TSS.parse(SPELLING), 0), 0)
        other = benchmark.evaluate(Trial((0,) * 6, 0), 0)
    assert (seen.cost, seen.metrics["zc_snip"]) == (0, 7.5)
    assert math.isnan(other.metrics["zc_snip"])


def test_scores_are_those_of_the_cells(installed, arrays):
    """The card's rank correlations with test accuracy, over the 9,445 cells."""
    card = {
        "cifar10": {"nwot": 0.811, "jacov": 0.799, "synflow": 0.778, "snip": 0.603},
        "imagenet16_120": {"nwot": 0.797, "synflow": 0.728, "plain": -0.341},
    }
    for task, expected in card.items():
        benchmark = load(f"nats_tss/{task}")
        for proxy, correlation in expected.items():
            scores, errors = [], []
            for arch in benchmark.table.archs.tolist():
                row = benchmark.evaluate(Trial(tuple(arch), 0), 0)
                score = row.metrics[f"zc_{proxy}"]
                if not math.isnan(score):
                    scores.append(score)
                    errors.append(benchmark.reported_error(tuple(arch), 0))
            found = spearmanr(scores, -np.array(errors)).statistic
            assert found == pytest.approx(correlation, abs=0.002), (task, proxy)


def test_query_shows_them_and_a_search_goes_by_them(installed, tmp_path):
    record = answer("query", "nb201/cifar10", SPELLING)
    assert record["units"]["zc_zen"] == zero_cost.UNIT
    words = ("--on", "nb201/cifar10", "--trials", 20, "--seeds", 2)
    name = "regularized_evolution_warm_start[candidates=300]"
    out, _ = command("run", name, *words, "--results", tmp_path)
    assert out.startswith("2 runs: 2 recorded")
    assert command("tables")[0].count("zero_cost") == 1


def test_a_warm_start_saves_trials_on_the_table(installed):
    """Trials to a validation error within 1 % of the lowest, median of 30 seeds.

    By synflow, warm-started evolution needs fewer than plain evolution.
    """
    benchmark = load("nats_tss/cifar10")
    errors = benchmark.evaluate_many(benchmark.table.archs, 200, 0)[0]
    bar = errors.min() + 0.01

    def needed(name, seed):
        entry = catalogue.find(name)
        rules = {"objectives": ("error",), "constraints": {}}
        strategy = entry.build(benchmark.space, (200,), rng(seed), rules)
        watched = Watched(strategy)
        for incumbent in search(watched, benchmark, Rules(trials=500), seed=0):
            if incumbent.error <= bar:
                return len(watched.trained)
        return 500

    plain = median(needed("regularized_evolution", seed) for seed in range(30))
    warm = median(
        needed("regularized_evolution_warm_start[score=zc_synflow]", seed)
        for seed in range(30)
    )
    assert warm < plain


GOOD = {"snip": {"score": 1.0}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "no JSON"),
        ("[]", "there is none of cifar10"),
        ("{}", "there is none of cifar10"),
        (json.dumps({"cifar10": {}}), "cifar10 has no cells"),
        (json.dumps({"cifar10": {"(0, 0)": GOOD}}), "is no cell; one is written"),
        (json.dumps({"cifar10": {CELL.replace("4", "5"): GOOD}}), "is no cell"),
        (json.dumps({"cifar10": {CELL: []}}), "has no scores by name"),
        (json.dumps({"cifar10": {CELL: {"id": 3}}}), "cifar10 has no scores"),
        (json.dumps({"cifar10": {CELL: {"snip": {"score": "1"}}}}), "not a number"),
        (json.dumps({"cifar10": {CELL: {"snip": {"score": True}}}}), "not a number"),
        (json.dumps({"cifar10": {CELL: {"s/p": {"score": 1}}}}), "a proxy called"),
        ('{"cifar10": 1, "cifar10": 2}', "stands there twice"),
        ("[" * 100_000, "zc.json"),
    ],
)
def test_what_is_no_such_file_is_refused_in_one_line(content, message, tmp_path):
    path = tmp_path / "zc.json"
    path.write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        zero_cost.read(path)
    assert "\n" not in str(caught.value)


def test_without_the_scores_it_is_said_before_the_run(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHSUITE_DATA", str(tmp_path))
    name, on = "regularized_evolution_move_proposal", "nb201/cifar10"
    assert "zc_synflow" in catalogue.find(name).metrics
    assert name in STRATEGIES
    words = ("--trials", 5, "--results", tmp_path)
    _, error = command("run", name, "--on", on, *words, code=2)
    assert "nb201/cifar10 has no zc_synflow, it has latency, macs, params" in error
    assert error.count("\n") == 1
