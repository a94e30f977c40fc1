"""`benchsuite estimators`: its table, its figure, its errors, and what is in git."""

import csv
import importlib.util
import json
import math
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchsuite.benchmarks import load
from benchsuite.cli import app
from benchsuite.cli import main as run_main
from benchsuite.estimation.study import plan, study
from benchsuite.estimation.table import COLUMNS, FIGURES, compose, lines
from benchsuite.report import statistics
from tests.documents import estimators as document

FOLDER = Path(__file__).parents[2] / "results" / "estimators"
CHEAP = ("full_fidelity", "zero_cost/latency", "zero_cost/macs", "zero_cost/params")


def command(*words, code=0):
    done = CliRunner().invoke(app, ["estimators", *map(str, words)])
    assert done.exit_code == code, (done.output, done.exception)
    return done


def small(out, *words):
    return command(
        *("--on", "synthetic/curves", "--seeds", 2, "--test-size", 40, "--out", out),
        *("--train-size", "15,30", *words),
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    out = tmp_path_factory.mktemp("estimators")
    return out, small(out, "--json")


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_table_is_canonical_and_has_a_row_for_each_training_set(done):
    out, _ = done
    path = out / "synthetic" / "curves.csv"
    rows = read(path)
    assert tuple(rows[0]) == COLUMNS
    keys = [(row["estimator"], int(row["train_size"])) for row in rows]
    assert keys == sorted(keys)
    sizes = {name: [s for n, s in keys if n == name] for name, _ in keys}
    assert sizes["lc_net@20"] == sizes["model/RandomForest"] == [15, 30]
    assert sizes["power_law@20"] == sizes["full_fidelity"] == [0]
    assert not list(out.rglob("*.part"))


def test_the_same_command_writes_the_same_bytes(done, tmp_path):
    out, _ = done
    said = small(tmp_path)
    assert "left out: sum_of_training_losses" in said.stderr
    assert "model/RandomForest" in said.stdout
    path = Path("synthetic") / "curves.csv"
    assert (tmp_path / path).read_bytes() == (out / path).read_bytes()


def test_json_has_every_figure_with_its_interval_and_measured_seconds(done):
    out, said = done
    found = json.loads(said.stdout)
    rows = read(out / "synthetic" / "curves.csv")
    assert len(found) == len(rows)
    for facts, row in zip(found, rows, strict=True):
        assert facts["estimator"] == row["estimator"]
        assert set(facts["figures"]) == set(FIGURES)
        assert facts["fit_seconds_measured"] >= 0
        for name, ends in facts["figures"].items():
            if ends["mean"] is None:
                assert row[name] == ""
                assert name in facts["reasons"]
            else:
                assert ends["low"] <= ends["mean"] + 1e-9 <= ends["high"] + 2e-9
                assert float(row[name]) == pytest.approx(ends["mean"], rel=1e-5)


def test_measured_seconds_are_not_in_the_table():
    assert not [name for name in COLUMNS if "measured" in name or "fit" in name]


@pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None, reason="no matplotlib"
)
def test_the_figure_names_every_estimator(done):
    out, _ = done
    text = (out / "synthetic" / "curves.svg").read_text(encoding="utf-8")
    for kind in ("model-based", "learning curve", "full fidelity"):
        assert f"<!-- {kind} -->" in text
    for name in ("RandomForest", "lc_net@20", "early_stopping@20"):
        assert f"<!-- {name} -->" in text


def test_lines_average_seeds_and_bound_the_mean():
    benchmark = load("nb201/cifar10")
    asked = plan(benchmark, CHEAP, [10], test_size=60, seeds=range(6))
    results = list(study(benchmark, asked))
    (line,) = (
        x for x in lines(benchmark, asked, results) if x.facts["estimator"] == CHEAP[0]
    )
    values = [
        r.assessment.all.values["kendall"]
        for r in results
        if r.estimator.name == CHEAP[0]
    ]
    assert line.figures["kendall"] == (
        pytest.approx(sum(values) / 6),
        *map(pytest.approx, statistics.interval(values)),
    )
    assert line.facts["train_size"] == 0  # nothing is learnt here
    assert math.isnan(line.facts["coverage"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--on", "nb201/cifar11"), "unknown benchmark"),
        (("--on", ","), "--on takes names"),
        (("--on", "nb201/cifar10", "--estimators", "modl/X"), "unknown estimator"),
        (("--on", "nb201/cifar10", "--train-size", "1e3"), "takes whole numbers"),
        (("--on", "nb201/cifar10", "--train-size", "1"), "from 2 on"),
        (("--on", "nb201/cifar10", "--seeds", "0"), "--seeds takes"),
        (("--on", "nb201/cifar10", "--test-size", "9"), "must exceed"),
        (("--on", "nb201/cifar10", "--train-size", "9000"), "ask for fewer"),
        (("--on", "nb201/cifar10", "--estimators", "power_law"), "no learning curve"),
        (
            (
                *("--on", "nb201/cifar10", "--seeds", "1", "--out", "{file}"),
                *("--estimators", "full_fidelity"),
            ),
            "cannot write",
        ),
    ],
)
def test_what_a_user_can_mend_is_one_line_and_exit_code_2(
    words, message, tmp_path, monkeypatch, capsys
):
    (tmp_path / "file").write_text("")
    given = [word.format(file=tmp_path / "file") for word in words]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["benchsuite", "estimators", *given])
    with pytest.raises(SystemExit) as end:
        run_main()
    assert end.value.code == 2
    (line,) = [
        line
        for line in capsys.readouterr().err.splitlines()
        if not line.startswith(("left out", "no figure"))
    ]
    assert line.startswith("benchsuite: ")
    assert message in line
    assert not (tmp_path / "results").exists()


@pytest.fixture(params=["cifar10", "cifar100", "imagenet16_120"])
def recorded(request):
    path = FOLDER / "nb201" / f"{request.param}.csv"
    return f"nb201/{request.param}", path.read_text(encoding="utf-8")


def test_a_sample_of_the_rows_in_git_is_computed_again(recorded):
    """What learns nothing, with its 20 seeds; models have machine-dependent digits."""
    name, text = recorded
    benchmark = load(name)
    asked = plan(benchmark, CHEAP, [100], test_size=1000, seeds=range(20))
    again = compose(lines(benchmark, asked, study(benchmark, asked))).splitlines()
    assert len(again) == 1 + len(CHEAP)
    assert set(again) <= set(text.splitlines())


@pytest.mark.slow
def test_rows_of_models_in_git_are_computed_again(recorded):
    name, text = recorded
    benchmark = load(name)
    names = ("model/RandomForest", "model/GaussianProcess")
    asked = plan(benchmark, names, [100, 300, 1000], test_size=1000, seeds=range(20))
    again = list(
        csv.DictReader(
            compose(lines(benchmark, asked, study(benchmark, asked))).splitlines()
        )
    )
    known = {
        (row["estimator"], row["train_size"]): row
        for row in csv.DictReader(text.splitlines())
    }
    for row in again:
        other = known[row["estimator"], row["train_size"]]
        for column in ("spearman", "kendall", "mae", "coverage"):
            assert float(row[column]) == pytest.approx(float(other[column]), abs=5e-3)


def test_the_document_has_the_tables_in_git():
    """`make docs` writes them."""
    assert document.FILE.read_text(encoding="utf-8") == document.estimators()
