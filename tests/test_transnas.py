"""TransNAS-Bench-101, added as docs/adding_a_benchmark.md says; and that page."""

import csv
import importlib
import itertools
import json
import re
import shlex
import shutil
import sys
from functools import cache
from math import comb
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from benchsuite.benchmarks import load
from benchsuite.benchmarks.installed import data_folder
from benchsuite.cli import app, main
from benchsuite.core import Trial
from benchsuite.results import read
from benchsuite.spaces import SPACES, TRANSNAS_MACRO, TRANSNAS_MICRO
from surrogates import columns

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "adding_a_benchmark.md").read_text()
BY_PAGE, EXAMPLE = PAGE.split("## Done once")
MICRO_CELL, MACRO_NET = "64-41414-1_02_333", "64-1234-basic"  # the authors' examples


# Epochs as in the authors' configurations (num_epochs); the figure's column; what turns
# the published figure into it.
def as_it_is(figure):
    return figure


def from_similarity(figure):
    return (1 - figure) / 2


def from_negative_loss(figure):
    return -figure / (1 - figure)


TASKS = {
    "class_scene": (25, "accuracy_percent", as_it_is),
    "class_object": (25, "accuracy_percent", as_it_is),
    "room_layout": (25, "error_fraction", from_negative_loss),
    "jigsaw": (10, "accuracy_percent", as_it_is),
    "segmentsemantic": (30, "accuracy_percent", as_it_is),
    "normal": (30, "error_fraction", from_similarity),
    "autoencoder": (30, "error_fraction", from_similarity),
}
KINDS = {"micro": TRANSNAS_MICRO, "macro": TRANSNAS_MACRO}
BENCHMARKS = list(itertools.product(KINDS, TASKS))
QUICK = [  # one for each rule that makes errors of figures
    ("micro", "class_scene"), ("macro", "segmentsemantic"), ("micro", "normal"),
    ("macro", "room_layout"),
]  # fmt: skip
EVERY = [
    pytest.param(*pair, marks=() if pair in QUICK else pytest.mark.slow)
    for pair in BENCHMARKS
]


@pytest.fixture(scope="module")
def figures(shared):
    with np.load(shared / "data" / "tables" / "transnas101.npz") as file:
        return dict(file)


def write(figures, kind, task, folder):
    """Write the figures of a task as a table of a user's.

    The arrays have no times: `seconds` are the number of epochs, a placeholder.
    """
    epochs, column, convert = TASKS[task]
    zen = figures[f"{kind}_{task}_zc_zen"].tolist()
    path = folder / f"transnas_{kind}_{task}.csv"
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["arch", "epochs", "split", column, "seconds", "metric_zen"])
        table.writerows(
            (arch, epochs, "valid", convert(figure), epochs, "" if z == -1e8 else z)
            for arch, figure, z in zip(
                figures[f"{kind}_arch"].tolist(),
                figures[f"{kind}_{task}_val_final"].tolist(),
                zen,
                strict=True,
            )
        )
    return path


@pytest.fixture(scope="module")
def imported(figures, tmp_path_factory):
    """Imports a table through the command line, into a data folder of its own."""
    folder = tmp_path_factory.mktemp("transnas")

    @cache
    def imported(kind, task):
        path, name = write(figures, kind, task, folder), f"transnas_{kind}/{task}"
        words = ["import", str(path), "--space", f"transnas_{kind}", "--name", name]
        result = CliRunner().invoke(app, [*words, "--json"])
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["new"]
        return load(name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHSUITE_DATA", str(folder / "data"))
        yield imported


def test_cells_are_the_published_ones_in_their_order(figures):
    assert [TRANSNAS_MICRO.format(a) for a in TRANSNAS_MICRO] == (
        figures["micro_arch"].tolist()
    )
    assert len(TRANSNAS_MICRO) == 4**6 == 4_096


def test_skeletons_are_the_published_ones(figures):
    spelled = [TRANSNAS_MACRO.format(arch) for arch in TRANSNAS_MACRO]
    assert sorted(spelled) == sorted(figures["macro_arch"].tolist())


def test_every_spelling_comes_back():
    for space in KINDS.values():
        spelled = {space.format(arch): arch for arch in space}
        assert len(spelled) == len(space)
        assert all(space.parse(text) == arch for text, arch in spelled.items())


def test_the_number_of_skeletons_is_that_of_two_independent_choices():
    """Which of n modules double the channels (1 to 3), and which halve (1 to 4)."""
    counts = [
        sum(comb(n, k) for k in (1, 2, 3)) * sum(comb(n, k) for k in (1, 2, 3, 4))
        for n in (4, 5, 6)
    ]
    assert counts == [210, 750, 2_296]
    assert TRANSNAS_MACRO.size == sum(counts) == 3_256
    modules = [6 - arch.count(4) for arch in TRANSNAS_MACRO]
    assert [modules.count(n) for n in (4, 5, 6)] == counts


def test_the_examples_of_the_authors_are_read_as_they_explain_them():
    """Skip into 1; none and 1x1 into 2; three 3x3 into 3. Same, x2, /2, both."""
    edges = [
        TRANSNAS_MICRO.choices[edge][option]
        for edge, option in enumerate(TRANSNAS_MICRO.parse(MICRO_CELL))
    ]
    assert edges == [
        "skip_connect", "none", "nor_conv_1x1", *["nor_conv_3x3"] * 3
    ]  # fmt: skip
    modules = [
        TRANSNAS_MACRO.choices[module][option]
        for module, option in enumerate(TRANSNAS_MACRO.parse(MACRO_NET))
    ]
    assert modules == ["1", "2", "3", "4", "absent", "absent"]


def test_a_skeleton_has_no_gap_and_its_neighbours_are_one_module_away():
    """By strings: a type changed, or a last module of five or six gone or come."""
    everything = {TRANSNAS_MACRO.format(arch) for arch in TRANSNAS_MACRO}
    assert (0, 1, 2, 3, 4, 0) not in TRANSNAS_MACRO
    for text in ("64-1234-basic", "64-12341-basic", "64-111123-basic", "64-4141-basic"):
        types = text[3:-6]
        near = {types[:-1]} | {types + kind for kind in "1234"}
        for place in range(len(types)):
            near |= {types[:place] + kind + types[place + 1 :] for kind in "1234"}
        expected = {f"64-{other}-basic" for other in near - {types}} & everything
        arch = TRANSNAS_MACRO.parse(text)
        neighbours = [TRANSNAS_MACRO.format(a) for a in TRANSNAS_MACRO.neighbors(arch)]
        assert sorted(neighbours) == sorted(expected)


def test_every_skeleton_can_be_reached_by_single_changes():
    start = TRANSNAS_MACRO.parse(MACRO_NET)
    found, edge = {start}, [start]
    while edge:
        near = {other for arch in edge for other in TRANSNAS_MACRO.neighbors(arch)}
        edge = list(near - found)
        found |= near
    assert len(found) == 3_256


@pytest.mark.parametrize(
    ("space", "text", "message"),
    [
        ("micro", MACRO_NET, "spelled 64-41414- and three nodes"),
        ("micro", "41414-1_02_333", "spelled 64-41414- and three nodes"),
        ("micro", "64-41414-1_02", "three nodes, joined by '_'"),
        ("micro", MICRO_CELL + "_0", "three nodes, joined by '_'"),
        ("micro", "64-41414-1_023_33", "node 2 .* each of 2 edges; '023' has 3"),
        ("micro", "64-41414-_02_333", "node 1 .* each of 1 edges; '' has 0"),
        ("micro", "64-41414-1_02_343", "no '4' at edge 1->3; there it has 0 none"),
        ("micro", "64-41414-1_ 2_333", "no ' ' at edge 0->2"),
        ("micro", "64-41414-1_02_33\u0663", "no '\u0663' at edge 2->3"),
        ("macro", MICRO_CELL, "spelled 64-, four to six modules and -basic"),
        ("macro", "64-123-basic", "four to six modules"),
        ("macro", "64-1234123-basic", "four to six modules"),
        ("macro", "32-1234-basic", "spelled 64-"),
        ("macro", "64-1234", "and -basic"),
        ("macro", "64-1204-basic", "no '0' at module 3; there it has 1, 2, 3, 4"),
        ("macro", "64-1113-basic", "doubles the channels .* one to three times"),
        ("macro", "64-2223-basic ", "and -basic"),
        ("macro", "64-1122-basic", "halves the resolution .* one to four times"),
        ("macro", "64-4444-basic", "doubles .* unlike '64-4444-basic'"),
        ("macro", "64-233333-basic", "halves .* one to four times, unlike"),
    ],
)  # fmt: skip
def test_wrong_spellings_name_the_place_and_what_would_be_right(space, text, message):
    with pytest.raises(ValueError, match=message) as error:
        KINDS[space].parse(text)
    assert "\n" not in str(error.value)


@given(
    st.sampled_from([MICRO_CELL, MACRO_NET, "64-224111-basic"]),
    st.sampled_from(["", "0", "1", "2", "3", "4", "-", "_", "64-", "basic", " ", "\n"]),
    st.integers(0, 17),
    st.integers(0, 17),
)
def test_whatever_parses_is_spelled_exactly_so(text, piece, start, stop):
    text = text[:start] + piece + text[stop:]
    for space in KINDS.values():
        try:
            arch = space.parse(text)
        except ValueError:
            continue
        assert space.format(arch) == text
        assert arch in space


@pytest.mark.parametrize(("kind", "task"), EVERY)
def test_every_figure_comes_back_as_an_error_of_the_same_order(
    kind, task, imported, figures
):
    """Errors are worked out from the file here, by the rules on the page."""
    benchmark, space = imported(kind, task), KINDS[kind]
    figure = figures[f"{kind}_{task}_val_final"]
    expected = {
        "room_layout": 1 - 1 / (1 - figure),
        "normal": 0.5 - figure / 2,
        "autoencoder": 0.5 - figure / 2,
    }.get(task, 1 - figure / 100)
    assert 0 < expected.min() < expected.max() < 1
    spellings = figures[f"{kind}_arch"].tolist()
    archs = np.array([space.parse(text) for text in spellings])
    epochs = TASKS[task][0]
    assert benchmark.epochs == (epochs,)
    errors, seconds = benchmark.evaluate_many(archs, epochs, 0)
    np.testing.assert_allclose(errors, expected, rtol=0, atol=1e-15)
    assert set(seconds.tolist()) == {epochs}
    best = spellings[figure.argmax()]
    assert benchmark.query(benchmark.best).arch == best
    # A rule that rounds may make figures equal, but never turns two of them round.
    assert (np.diff(errors[np.argsort(figure)]) <= 0).all()
    observation = benchmark.evaluate(Trial(space.parse(best), epochs), seed=3)
    assert (observation.error, observation.cost) == (errors.min(), epochs)


def test_the_zen_score_is_missing_exactly_in_cells_without_a_path(imported):
    """169 of 4,096 have none, by following the edges."""
    benchmark = imported("micro", "class_scene")
    cut = set()
    for a, b, c, d, e, f in TRANSNAS_MICRO:
        one, two = a > 0, b > 0 or a * c > 0
        if not (d > 0 or one * e > 0 or two * f > 0):
            cut.add((a, b, c, d, e, f))
    assert len(cut) == 169
    missing = {
        arch
        for arch in TRANSNAS_MICRO
        if np.isnan(benchmark.evaluate(Trial(arch, 25), 0).metrics["zen"])
    }
    assert missing == cut


def test_the_best_epoch_of_segmentation_is_another_figure(figures):
    """The best of a curve is at least its end, but for this task it is far below."""
    for kind, task in BENCHMARKS:
        best = figures[f"{kind}_{task}_val_best"]
        final = figures[f"{kind}_{task}_val_final"][there := ~np.isnan(best)]
        assert len(best) - there.sum() == (kind == "macro")
        if task == "segmentsemantic":
            assert best[there].max() < 30 < 91 < final.min()
        else:
            assert (best[there] >= final).all()


# The page.


def commands(text):
    return re.findall(r"^(?:    )?(benchsuite .*)$", text, re.MULTILINE)


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Runs a command; its tables go where those of the session are, and leave again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(command, code=0):
        monkeypatch.setattr(sys, "argv", shlex.split(command))
        with pytest.raises(SystemExit) as done:
            main()
        out, err = capsys.readouterr()
        assert (done.value.code or 0) == code, (out, err)
        return out if code == 0 else err

    yield call
    for name in ("my_table", "transnas_micro", "transnas_macro"):
        shutil.rmtree(data_folder() / name, ignore_errors=True)


def test_its_table_is_imported_by_its_commands(call, tmp_path):
    (table,) = re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "my_table.csv").write_text(table)
    lines = commands(BY_PAGE)
    assert [line.split()[1] for line in lines] == ["import", "tables", "query", "audit"]
    out = {line.split()[1]: call(line) for line in lines}
    assert "imported, 2 architectures" in out["import"]
    assert "there already" in call(lines[0])
    for shown in ("67,378", "0.510000", "0.613", "0.501", "12"):
        assert shown in out["query"]
    own = out["audit"].partition("my_table/cifar10 (table")[2]
    assert "valid images of my_table/cifar10" in own
    assert "test images of my_table/cifar10" in own
    run = "benchsuite run random_search --on my_table/cifar10 --seeds 1 --trials 5"
    assert "it has 2 of 32,768 architectures" in call(run, code=1)
    (tmp_path / "my_table.csv").write_text(
        table.replace("accuracy_percent", "accuracy_fraction")
    )
    before = call("benchsuite tables")
    refused = call(lines[0], code=2)
    assert "line 2" in refused
    assert "accuracy_percent" in refused
    assert call("benchsuite tables") == before


def test_its_columns_are_those_that_the_reader_knows():
    rows = re.findall(r"^\| (`\w+`|one of .*?|`metric_<name>`) \|", BY_PAGE, re.M)
    named = {name for row in rows for name in re.findall(r"`(.*?)`", row)}
    known = {*columns.FIGURES, "arch", "epochs", "seed", "split", "seconds"}
    assert named == known | {"metric_<name>"}
    splits = next(line for line in BY_PAGE.splitlines() if line.startswith("| `split`"))
    assert set(re.findall(r"`(\w+)`", splits)) == {"split", *columns.SPLITS}


def test_its_space_is_one():
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    scope = {}
    exec(block, scope)
    space = scope["MY_SPACE"]
    assert [space.parse(space.format(arch)) for arch in space] == list(space)
    assert space.parse("skip,gelu") == (1, 1)
    assert len(space) == 6


def test_what_it_points_at_is_there():
    """Files, dotted names, and single words that are names in the code."""
    spelled = set(re.findall(r"`([^`\n]+)`", PAGE))
    paths = {name for name in spelled if re.fullmatch(r"(\w+/)+\w+\.(py|md)", name)}
    assert len(paths) > 8
    assert all((ROOT / path).is_file() for path in paths)
    dotted = {
        name
        for name in spelled
        if re.fullmatch(r"(benchsuite|surrogates)(\.\w+)+", name)
    }
    assert len(dotted) == 2
    for name in dotted:
        module, _, attribute = name.rpartition(".")
        found = importlib.import_module(module)
        assert hasattr(found, attribute) or importlib.import_module(name)
    for name, module in {
        "Request": "benchsuite.importer.plan",
        "Plan": "benchsuite.importer.plan",
        "_KINDS": "benchsuite.importer.kinds",
        "BENCHMARKS": "benchsuite.benchmarks",
        "TabularBenchmark": "benchsuite.benchmarks.tabular",
        "Figure": "benchsuite.benchmarks.tabular",
        "Table": "surrogates",
        "Training": "surrogates",
        "Split": "surrogates",
        "SPACES": "benchsuite.spaces",
        "ConstrainedSpace": "benchsuite.spaces",
    }.items():
        assert name in spelled
        assert hasattr(importlib.import_module(module), name)
    assert {"transnas_micro", "transnas_macro"} <= spelled & set(SPACES)


def test_its_rules_of_transnas_are_those_of_the_writer():
    """A row a kind of task: epochs and column."""
    rows = re.findall(
        r"^\| (`.*?`) \| (\d+) \| .* \| `(\w+)`.* \|$", EXAMPLE, re.MULTILINE
    )
    written = {
        task: (int(epochs), column)
        for tasks, epochs, column in rows
        for task in re.findall(r"`(\w+)`", tasks)
    }
    assert written == {task: about[:2] for task, about in TASKS.items()}


def test_its_commands_search_query_and_audit_transnas(call, tmp_path, figures):
    """Incumbents are checked against the arrays; a trial costs 25 epochs."""
    lines = commands(EXAMPLE)
    assert {line.split()[1] for line in lines} == {
        "import", "run", "query", "audit", "leaderboard"
    }  # fmt: skip
    for kind, task in (("micro", "class_scene"), ("macro", "room_layout")):
        write(figures, kind, task, tmp_path)
    shown = [call(line) for line in lines]
    assert "24 recorded, 0 there already, 0 failed" in shown[2]
    best = figures["micro_class_scene_val_final"].max()
    assert f"{1 - best / 100:.6g}" in shown[3]
    assert "64-214313-basic" in shown[4]
    assert shown[5].count("none, as it must be") >= 2
    call("benchsuite export")
    folder = tmp_path / "results" / "transnas_micro" / "class_scene"
    accuracy = dict(
        zip(
            figures["micro_arch"].tolist(),
            figures["micro_class_scene_val_final"].tolist(),
            strict=True,
        )
    )
    for name in ("random_search", "regularized_evolution"):
        rows = list(read(folder / f"{name}.csv"))
        assert len({row.seed for row in rows}) == 6
        for row in rows:
            assert row.error == pytest.approx(1 - accuracy[row.arch] / 100, abs=1e-6)
            assert row.cost % 25 == 0
            assert 25 <= row.cost <= 50 * 25
            assert np.isnan(row.reported_error)  # one run, no test figures
