"""`benchsuite validate` through its real entry point, with good and with bad input."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from benchsuite.cli import app
from benchsuite.contract import RULES, Contract, Finding, contract
from benchsuite.contract.hearing import Request, hear
from benchsuite.core import InputError
from benchsuite.verdict import BASELINES, TRAININGS
from tests.test_cli import call, start

__all__ = ["call", "start"]  # fixtures

MINE = """
from benchsuite import Trial

print("at import")

class Mine:
    def __init__(self, space, epochs, rng, *, size: int = 3):
        if size < 1:
            raise ValueError("size is at least 1")
        print("built")
        self.space, self.full, self.rng = space, epochs[-1], rng
    def ask(self):
        return Trial(self.space.sample(self.rng), self.full)
    def tell(self, trial, observation):
        print("told")

class Picky(Mine):  # keeps the contract, and fails on a real space
    def tell(self, trial, observation):
        if self.space.name == "nats_tss":
            raise RuntimeError("only toys")

class Plain(Mine):
    def ask(self):
        return (self.space.sample(self.rng), self.full)

class Needy:
    def __init__(self, space, epochs, rng, more):
        pass

number = 3
"""
ON = ("--on", "nb201/cifar10", "--seeds", 6)


@pytest.fixture
def mine(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)


def parsed(text):
    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_a_strategy_that_keeps_the_contract_gets_a_verdict(call, mine, tmp_path):
    out, err = call("validate", "mine.py:Mine[size=4]", *ON, "--json")
    found = parsed(out)  # what the strategy prints is not in between
    assert "told" in err
    assert found["strategy"] == "Mine[size=4]"
    tried = found["contract"]
    assert tried["holds"]
    assert tried["deterministic"]
    assert [rule["rule"] for rule in tried["rules"]] == list(RULES)
    assert {rule["status"] for rule in tried["rules"]} == {"ok"}
    verdict = found["verdict"]
    assert verdict["trainings"] == list(TRAININGS)
    assert verdict["seconds"]["nb201/cifar10"][-1] == 370_000
    assert [a["baseline"] for a in verdict["against"]] == list(BASELINES)
    assert len(verdict["against"][0]["overall"]) == len(TRAININGS)
    gap = verdict["against"][1]["benchmarks"]["nb201/cifar10"][-1]
    errors = verdict["errors"]["nb201/cifar10"]
    apart = errors["Mine[size=4]"][-1] - errors["regularized_evolution"][-1]
    assert gap["mean"] == pytest.approx(apart, abs=1e-9)
    # It draws what random search draws from the same seeds.
    assert verdict["against"][0]["overall"][-1]["mean"] == 0
    assert any("cannot be told from random_search" in w for w in verdict["words"])
    assert not (tmp_path / "results").exists()


@pytest.fixture
def trusted(mine, tmp_path, monkeypatch):
    """Call `validate` in this process, as if the contract held."""
    monkeypatch.chdir(tmp_path)
    kept = [Finding(rule.name, rule.text, "ok") for rule in RULES.values()]
    tried = Contract("Mine", kept, ["it waits"])
    monkeypatch.setattr("benchsuite.contract.contract", lambda *_, **__: tried)
    return lambda *words: CliRunner().invoke(app, list(map(str, ("validate", *words))))


def test_people_are_told_in_words(trusted):
    answer = trusted("mine.py:Mine", *ON, "--jobs", 1)
    assert answer.exit_code == 0
    assert f"{len(RULES)} of {len(RULES)} rules are kept" in answer.stdout
    assert "note: it waits" in answer.stdout
    assert "cannot be told from random_search: 0.00 points" in answer.stdout
    assert "It is deterministic" in answer.stdout
    assert "370,000 s" in answer.stdout
    assert "told\n" not in answer.stdout


def test_a_run_that_fails_is_no_verdict(trusted):
    answer = trusted("mine.py:Picky", *ON, "--json", "--jobs", 1)
    assert answer.exit_code == 1
    found = parsed(answer.stdout)
    assert found["contract"]["holds"]
    assert found["verdict"] is None
    assert [f["reason"] for f in found["failures"]] == ["RuntimeError: only toys"] * 3
    where = "failed: Picky on nb201/cifar10, seed 0: RuntimeError: only toys"
    assert where in answer.stderr


def test_a_breach_is_told_with_the_call_that_shows_it(call, mine, tmp_path):
    out, _ = call("validate", "mine.py:Plain", code=1)
    assert "asks_for_a_trial is broken: ask() gave ((" in out
    assert "(mine.py:" in out
    assert "verdict" not in out
    pasted = "\n".join(line for line in out.splitlines() if line.startswith("    "))
    again = subprocess.run(
        [sys.executable, "-c", "if True:\n" + pasted],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "BrokenError: ask() gave ((" in again.stderr
    words = ("validate", "mine.py:Plain", "--contract-only", "--json")
    found = parsed(call(*words, code=1)[0])
    assert found["verdict"] is None
    assert not found["contract"]["holds"]
    rules = {rule["rule"]: rule for rule in found["contract"]["rules"]}
    assert rules["asks_for_a_trial"]["status"] == "broken"
    assert rules["asks_for_a_trial"]["where"].startswith("mine.py:")
    last = rules["takes_every_outcome"]
    assert last["status"] == "not tried"
    assert last["reason"] == "asks_for_a_trial is broken"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("mine.py:Mine", "--on", "nb201/cifar01"), "did you mean nb201/cifar10"),
        (("mine.py:Mine", "--seeds", 5), "6 or more"),
        (("mine.py:Mine", "--timeout", 0), "--timeout must be seconds above 0"),
        (("nothing.py:Mine",), "no such Python file: nothing.py"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(call, mine, words, said):
    out, err = call("validate", *words, code=2)
    assert not out
    assert said in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("randm_search", "did you mean random_search"),
        ("mine.py:Min", "did you mean Mine"),
        ("mine.py:number", "unknown class 'number'"),
        ("mine.py:Needy", "must be built from space, epochs and rng"),
        ("mine.py:Mine[size=0]", "size is at least 1"),
        ("mine.py:Mine[size=many]", "size takes int, not 'many'"),
        ("mine.py:Mine[sise=1]", "did you mean size"),
        ("mine.py:Mine[size=1", "settings end with ']'"),
        ("raises.py:Mine", "raises.py cannot be loaded: RuntimeError: not today"),
        ("leaves.py:Mine", "leaves.py cannot be loaded: SystemExit: 3"),
        ("syntax.py:Mine", "syntax.py cannot be loaded: SyntaxError"),
        ("text.txt:Mine", "no such Python file: text.txt"),
        (".:Mine", "no such Python file: ."),
        ("no\nsuch.py:Mine", "no such Python file"),
        ("../../etc/passwd", "unknown strategy"),
        ("", "unknown strategy ''"),
    ],
)
def test_what_is_no_strategy_is_refused(target, said, mine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raises.py").write_text("raise RuntimeError('not today')")
    (tmp_path / "leaves.py").write_text("import sys; sys.exit(3)")
    (tmp_path / "syntax.py").write_text("class Mine(:")
    (tmp_path / "text.txt").write_text(MINE)
    answer = hear(Request(target, 10.0))
    assert said in answer.refused
    assert not answer.strategy


def test_a_file_that_ends_its_process_is_refused(tmp_path):
    (tmp_path / "ends.py").write_text("import os; os._exit(3)")
    with pytest.raises(
        InputError, match=r"cannot be loaded: its process died with .* 3"
    ):
        contract(f"{tmp_path / 'ends.py'}:Mine")


def test_a_file_with_a_strange_name_can_be_tried(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = 'it\'s "mine" & <b>.py'
    (tmp_path / name).write_text(MINE)
    (finding,) = hear(Request(f"{name}:Plain", 10.0, ["asks_for_a_trial"], 30)).findings
    again = subprocess.run(
        [sys.executable, "-c", finding.breach.call],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finding.breach.what in again.stderr
