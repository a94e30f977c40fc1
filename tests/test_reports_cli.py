"""report, compare, reproduce and what leaderboard prints, through the entry point."""

import csv
import io
import json
import re
import shutil
from pathlib import Path

import pytest

from tests.test_cli import call, start

__all__ = ["call", "start"]  # fixtures

RUN = ("run", "random_search", "own.py:Own", "--on", "nb201/cifar10")
SOME = ("--seeds", 7, "--trials", 12)


@pytest.fixture
def board(call):
    call(*RUN, *SOME)
    return json.loads(call("leaderboard", "--json")[0])


def test_leaderboards_are_printed_to_be_pasted(call, board, tmp_path):
    markdown = call("leaderboard", "--markdown")[0]
    assert "| random\\_search |" in markdown
    latex = call("leaderboard", "--latex")[0]
    assert latex.count(r"\midrule") == 1
    best = min(line["error_mean"] for line in board)
    assert f"{100 * best:.2f}" in re.search(r"\\textbf\{(.*?)\}", latex).group(1)
    text = call("leaderboard", "--csv", "--parquet", "board.parquet")[0]
    assert (tmp_path / "board.parquet").stat().st_size
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["row"] for row in rows] == [line["row"] for line in board]
    err = call("leaderboard", "--parquet", "none/x.parquet", code=2)[1]
    assert "cannot write none/x.parquet" in err


def test_compare_runs_what_is_missing_and_nothing_else(call, tmp_path):
    words = ("compare", "random_search", "own.py:Own", "--on", "nb201/cifar10", *SOME)
    shown = call(*words)[0]
    assert "less random_search" in shown
    assert re.search(r"Own .*%", shown)
    (found,) = json.loads(call(*words, "--json")[0])
    first, own = found["lines"]
    assert (first["strategy"], own["strategy"]) == ("random_search", "Own")
    assert first["difference"] is None
    gap = own["error_mean"] - first["error_mean"]
    assert own["difference"]["mean"] == pytest.approx(gap, abs=1e-6)
    assert own["difference"]["pairs"] == own["seeds"] == 7
    assert len(found["seconds"]) == len(own["curve"])
    assert "all 14 runs are recorded" in call(*RUN, *SOME)[0]


def test_compare_takes_names_that_only_the_results_have(call, tmp_path):
    folder = Path(__file__).parent.parent / "results" / "relaxed_table"
    shutil.copytree(folder, tmp_path / "relaxed")
    words = ("--on", "nb201/cifar10", "--results", "relaxed", "--json")
    (found,) = json.loads(call("compare", "gdas", "enas", *words)[0])
    assert [line["strategy"] for line in found["lines"]] == ["gdas", "enas"]
    assert found["lines"][0]["curve"] == []
    err = call("compare", "gdas", "nobody", *words, code=2)[1]
    assert "'nobody'" in err
    err = call("compare", "gdas", *words, code=2)[1]
    assert "no two of gdas have results on nb201/cifar10" in err
    assert not (tmp_path / "relaxed" / "runs.sqlite").exists()


def test_reproduce_says_whether_every_figure_is_the_same(call, board, tmp_path):
    rows = {line["strategy"]: line["row"] for line in board}
    for strategy, asked in (("random_search", "random_search"), ("Own", "own.py:Own")):
        shown = call("reproduce", rows[strategy])[0]
        assert f"benchsuite run {asked} --on nb201/cifar10 --seeds 7" in shown
        assert "7 of 7 runs came out the same in every figure" in shown
    own = tmp_path / "own.py"
    own.write_text(own.read_text().replace("epochs[-1]), nap", "epochs[0]), nap") + "#")
    out, err = call("reproduce", rows["Own"])
    assert "the source is" in err
    own.write_text(own.read_text().replace("sample(rng)", "parse(CELL)"))
    out, _ = call("reproduce", rows["Own"], code=1)
    assert "0 of 7 runs came out the same" in out
    assert "NameError" in out
    own.rename(tmp_path / "moved.py")
    assert "no such Python file" in call("reproduce", rows["Own"], code=2)[1]
    assert "no line of the leaderboard" in call("reproduce", "zzz", code=2)[1]


def test_a_strategy_whose_file_was_moved_is_named_anew(call, board, tmp_path):
    (tmp_path / "own.py").rename(tmp_path / "moved.py")
    (row,) = [line["row"] for line in board if line["strategy"] == "Own"]
    words = ("reproduce", row, "--strategy", "moved.py:Own", "--json")
    facts = json.loads(call(*words)[0])
    assert (facts["runs"], facts["differing"]) == (7, {})


def test_a_report_is_a_page_figures_and_tables(call, board, tmp_path):
    pytest.importorskip("matplotlib")
    out = call("report", "--out", "out")[0]
    assert "2 lines, 1 contest, " in out
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "random_search" in page
    files = {path.suffix for path in (tmp_path / "out" / "figures").iterdir()}
    assert files == {".svg", ".png", ".md"}  # captions
    text = (tmp_path / "out" / "tables" / "leaderboard.csv").read_text()
    assert text == call("leaderboard", "--csv")[0]
    before = sorted((tmp_path / "out").rglob("*"))
    facts = json.loads(call("report", "--out", "out", "--json")[0])
    assert sorted((tmp_path / "out").rglob("*")) == before
    assert sorted(facts["files"]) == sorted(
        str(path.relative_to(tmp_path)) for path in before if path.is_file()
    )
    assert not [path for path in before if path.name.startswith(".")]


def test_a_report_without_results_is_one_line(call, tmp_path):
    assert "no results in results" in call("report", "--out", "out", code=2)[1]
    assert not (tmp_path / "out").exists()
    call(*RUN, *SOME)
    words = ("report", "--out", "out", "--on", "nb201/cifar100")
    assert "no run in results on nb201/cifar100" in call(*words, code=2)[1]
    (tmp_path / "file").write_text("")
    assert "cannot write file" in call("report", "--out", "file", code=2)[1]
    assert (tmp_path / "file").read_text() == ""
