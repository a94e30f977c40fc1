"""Each rule of the contract is broken by one strategy that breaks no other."""

import json
import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchsuite import catalogue
from benchsuite.contract import RULES, BrokenError, contract, play
from benchsuite.contract.game import PATIENCE, Game, Subject
from benchsuite.contract.hearing import Request, hear
from benchsuite.contract.memory_limit import memory_limit
from benchsuite.contract.registry import CHAIN, INDEPENDENT
from benchsuite.contract.smallest import breach
from benchsuite.contract.toys import KINDS, SPACE
from benchsuite.core import InputError, Trial
from benchsuite.strategies import STRATEGIES
from tests.strategies import golden

ROOT = Path(__file__).parent.parent
FILE = "tests/breaches.py"
FRESH = "same_run_in_a_fresh_process"
HANG = {"Endless", "New"}  # they are let go after half a second, not ten
BROKEN = {
    "Unbuilt": ("is_built_from_space_epochs_and_rng", 1, "IndexError"),
    "Async": ("has_ask_and_tell", 1, "tell(trial, observation) is async"),
    "NoAsk": ("has_ask_and_tell", 1, "NoAsk has no method ask()"),
    "Pairs": ("asks_for_a_trial", 4, "a tuple: Trial(arch, epochs) or None"),
    "Raises": ("asks_for_a_trial", 3, "ZeroDivisionError: division by zero"),
    "Whole": ("asks_inside_the_space", 1, "with a numpy.int64: a tuple of ints"),
    "Listed": ("asks_inside_the_space", 1, "a list: a tuple of ints is expected"),
    "Beyond": ("asks_inside_the_space", 1, "decision 0 has options 0 to 1"),
    "Halved": ("asks_only_offered_epochs", 1, "13 epochs, int: an int of (0, 1, 3,"),
    "Untold": ("takes_every_outcome", 5, "ValueError: five are enough"),
    "Endless": ("every_call_returns_in_time", 4, "ask() was still busy after 0.5 s"),
    "Global": ("touches_no_global_randomness", 1, "the constructor drew from"),
    "Entropy": ("same_seed_same_run", 1, "in one run"),
    "Leaking": ("same_seed_same_run", 1, "in the next"),
    "Shared": ("two_runs_side_by_side_do_not_meet", 3, "in one beside another"),
    "Writes": ("leaves_what_it_is_told_alone", 1, "'seen': 1.0} of {'params': 0.5}"),
    "Finite": ("survives_diverged_trials", 1, "OverflowError"),
    "Alternates": ("may_be_asked_again_before_it_is_told", 2, "AssertionError"),
    "Waits": ("may_be_asked_again_before_it_is_told", 3, "ask() gave None after 2"),
    "InOrder": ("takes_outcomes_in_any_order", 2, "tell() raised AssertionError"),
    "Second": ("runs_with_one_fidelity", 1, "IndexError"),
    "Thirds": ("runs_with_many_fidelities", 1, "AssertionError"),
    "New": ("goes_on_when_the_space_is_exhausted_or_says_so", 5, "still busy after"),
    "Two": ("runs_on_a_space_of_two", 1, "larger sample than population"),
    "Enumerates": ("runs_on_a_space_of_ten_to_the_eighteen", 1, "MemoryError"),
    "Divides": ("leaves_a_decision_without_a_choice_alone", 1, "ValueError"),
    "Free": ("runs_where_combinations_are_forbidden", 1, "(1, 1), which the space"),
}
"""What each class of `breaches` breaks, the fewest trials that show it, and how."""


@pytest.fixture(autouse=True)
def _here(monkeypatch):
    monkeypatch.chdir(ROOT)


def tried(asked, trials=0, patience=PATIENCE, left_out=(FRESH,)):
    """Try the rules in this process, which takes less time than in processes."""
    names = [rule.name for rule in CHAIN if rule.name not in left_out]
    chain = hear(Request(asked, patience, names, trials))
    assert not chain.refused
    findings = list(chain.findings)
    if findings[-1].status == "ok":
        for rule in INDEPENDENT:
            requested = Request(asked, patience, [rule.name], trials or chain.trials)
            findings += hear(requested).findings
    return findings


def broken(findings):
    """What is broken by itself: a rule that needs one of those does not count."""
    names = {f.rule for f in findings if f.status != "ok"}
    return [
        f.breach
        for f in findings
        if f.rule in names and RULES[f.rule].needs not in names
    ]


@pytest.fixture(scope="module")
def breaches():
    """What is found of every class, each tried once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return {
            name: broken(tried(f"{FILE}:{name}", 60, 0.5 if name in HANG else PATIENCE))
            for name in BROKEN
        }


def test_a_strategy_that_keeps_the_contract_breaks_no_rule():
    findings = tried(f"{FILE}:Kept", 120)
    assert {f.status for f in findings} == {"ok"}
    assert [f.rule for f in findings] == [name for name in RULES if name != FRESH]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_strategy_breaks_one_rule_and_no_other(breaches, name):
    rule, _, what = BROKEN[name]
    (breach,) = breaches[name]
    assert breach.rule == rule
    assert what in breach.what
    assert "\n" not in breach.what


def test_every_rule_is_broken_by_somebody():
    elsewhere = {FRESH}  # see below
    assert {rule for rule, _, _ in BROKEN.values()} | elsewhere == set(RULES)


def found(call):
    """Read the game off a printed call."""
    words = dict(re.findall(r"(\w+)=(\(.*?\)|[^,)]+)", call))
    return Game(
        int(words["trials"]),
        words["on"].strip('"'),
        tuple(map(int, words["space"].strip("()").split(","))),
        int(words["workers"]),
        int(words["seed"]),
    )


@pytest.mark.parametrize("name", BROKEN)
def test_the_call_has_as_few_trials_as_can_be(breaches, name):
    """How few is worked out from the code of the class, by hand."""
    (breach,) = breaches[name]
    game = found(breach.call)
    assert game.trials == BROKEN[name][1]
    assert game.workers == (
        2 if "may_be" in breach.rule or "order" in breach.rule else 1
    )


SEARCHED = ["Unbuilt", "Pairs", "Halved", "Untold", "Alternates", "InOrder", "Free"]


@pytest.mark.parametrize("name", SEARCHED)
def test_no_smaller_game_shows_the_breach(breaches, name):
    """Brute force over spaces, workers and trials, in that order."""
    rule = RULES[BROKEN[name][0]]
    subject = Subject(catalogue.find(f"{FILE}:{name}"))
    first = next(
        game
        for space in rule.spaces
        for workers in range(rule.workers[0], rule.workers[-1] + 1)
        for trials in range(1, 7)
        if breach(rule, subject, game := Game(trials, rule.on[0], space, workers))
    )
    assert found(breaches[name][0].call) == first


REPLAY = """
import json, sys
for name, call in json.load(sys.stdin).items():
    try:
        exec(call)
    except Exception as error:
        print(json.dumps([name, type(error).__name__, error.what, error.where]))
"""


def test_the_printed_calls_show_the_same_in_a_fresh_process(breaches):
    calls = {name: found[0].call for name, found in breaches.items()}
    again = subprocess.run(
        [sys.executable, "-c", REPLAY],
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        check=True,
    )
    shown = dict(
        (name, rest) for name, *rest in map(json.loads, again.stdout.split("\n")[:-1])
    )
    assert shown.keys() == calls.keys()
    for name, (error, what, where) in shown.items():
        (breach,) = breaches[name]
        assert error == "BrokenError"
        if name not in ("Entropy", "Leaking"):  # which do the same only once
            assert what == breach.what
        if "still busy" not in what:  # which may be interrupted anywhere
            assert where == breach.where


def test_a_breach_says_where_in_the_users_code(breaches):
    lines = Path(FILE).read_text().splitlines()
    for name in ("Raises", "Untold", "Finite", "Divides", "Two", "Second"):
        file, _, line = breaches[name][0].where.partition(":")
        assert file == FILE
        assert re.search(
            r"1 / 0|raise ValueError|round|integers|choice|epochs\[-2\]",
            lines[int(line) - 1],
        )


def test_hashes_are_noticed_by_two_fresh_processes():
    (finding,) = hear(Request(f"{FILE}:Hashed", PATIENCE, [FRESH], 30)).findings
    assert finding.status == "broken"
    assert "PYTHONHASHSEED=1" in finding.breach.what
    assert found(finding.breach.call).trials == 1
    again = subprocess.run(
        [sys.executable, "-c", finding.breach.call],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finding.breach.what in again.stderr


def test_a_strategy_that_ends_its_process_does_not_end_this_one():
    tried = contract(f"{FILE}:Deadly", patience=5.0)
    assert not tried.holds
    (breach,) = [f.breach for f in tried.findings if f.breach]
    assert breach.rule == "every_call_returns_in_time"
    assert "exit code 7" in breach.what
    assert found(breach.call) == Game(4, space=(1, 2))
    again = subprocess.run([sys.executable, "-c", breach.call], check=False)
    assert again.returncode == 7
    assert {f.status for f in tried.findings if not f.breach} == {"not tried"}


@pytest.mark.slow
def test_a_call_that_answers_no_signal_is_ended_too():
    tried = contract(f"{FILE}:Stubborn", patience=0.5)
    (breach,) = [f.breach for f in tried.findings if f.breach]
    assert breach.rule == "every_call_returns_in_time"
    assert found(breach.call) == Game(2, space=(1, 2))


def test_after_a_breach_of_the_chain_nothing_further_is_tried():
    tried = contract(f"{FILE}:Entropy")
    names = list(RULES)
    place = names.index("same_seed_same_run")
    assert [f.status for f in tried.findings[:place]] == ["ok"] * place
    assert {f.reason for f in tried.findings[place + 1 :]} == {
        "same_seed_same_run is broken"
    }
    assert not tried.deterministic


def test_a_rule_that_needs_a_broken_one_is_not_tried():
    tried = contract(f"{FILE}:Alternates", jobs=2)
    by_rule = {f.rule: f for f in tried.findings}
    assert [f.rule for f in tried.findings if f.status == "broken"] == [
        "may_be_asked_again_before_it_is_told"
    ]
    waiting = by_rule["takes_outcomes_in_any_order"]
    assert waiting.status == "not tried"
    assert waiting.reason == "may_be_asked_again_before_it_is_told is broken"
    assert tried.deterministic


COSTLY = {*golden.ALGEBRA, "regularized_evolution_warm_start", "tpe"}


@pytest.mark.parametrize("name", sorted(STRATEGIES.keys() - COSTLY))
def test_every_strategy_of_the_registry_keeps_the_contract(name):
    """Of fresh processes, the golden trajectories have a test for all of them."""
    assert {finding.status for finding in tried(name, 60)} == {"ok"}


@pytest.mark.slow
@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_of_the_registry_keeps_the_contract_in_full(name):
    """In processes of its own, as `validate` does it."""
    assert {finding.status for finding in contract(name, jobs=2).findings} == {"ok"}


def test_notes_tell_what_no_rule_forbids():
    names = [rule.name for rule in CHAIN if rule.name != FRESH]

    def notes(asked):
        return " / ".join(hear(Request(asked, PATIENCE, names)).notes)

    assert notes("random_search") == ""
    assert "it waits for outcomes" in notes("local_search")
    move = notes("regularized_evolution_move_proposal")
    assert "asks for metrics of untrained networks" in move
    assert "needs a benchmark that has zc_synflow" in move
    assert "its rng changes nothing" in notes(f"{FILE}:Grid")
    assert "ends a search by itself, after 12 trials" in notes(f"{FILE}:Twelve")
    assert "never trains in full" in notes(f"{FILE}:Brief")


def test_play_raises_what_the_strategy_raised_and_else_nothing():
    play("random_search", "takes_every_outcome", trials=5)
    with pytest.raises(BrokenError, match="five are enough") as caught:
        play(f"{FILE}:Untold", "takes_every_outcome", trials=5)
    assert isinstance(caught.value.__cause__, ValueError)
    play(f"{FILE}:Untold", "takes_every_outcome", trials=4)
    with pytest.raises(InputError, match="did you mean takes_every_outcome"):
        play("random_search", "takes_every_outcom", trials=5)


def test_global_randomness_is_left_where_it_was_by_the_search_itself():
    before = random.getstate(), np.random.get_state()[2]  # noqa: NPY002
    tried("random_search", 30, left_out=(FRESH, "touches_no_global_randomness"))
    assert before == (random.getstate(), np.random.get_state()[2])  # noqa: NPY002


def test_toys_are_what_their_formula_says():
    toy = KINDS["plain"](1, 2, ("zc_synflow",))
    seen = toy.evaluate(Trial((1,), 27), seed=4)
    assert seen.error == pytest.approx(0.05 + 0.4 * 0.5 + 0.5 * np.exp(-4) + 0.001)
    assert seen.cost == 27 * 2
    assert seen.metrics == {"params": 0.5, "zc_synflow": 0.5}
    untrained = toy.evaluate(Trial((0,), 0), seed=0)
    assert np.isnan(untrained.error)
    assert untrained.cost == 0
    with pytest.raises(KeyError, match="outside"):
        toy.evaluate(Trial((2,), 27), seed=0)


def test_toys_vary_in_what_their_name_says():
    def outcomes(kind):
        toy = KINDS[kind](*SPACE, ())
        trial = Trial((0, 1, 2, 3, 0), toy.epochs[-1])
        return [toy.evaluate(trial, 0) for _ in range(4)]

    assert {seen.cost for seen in outcomes("even")} == {27.0}
    assert {seen.cost for seen in outcomes("plain")} == {27 * (1 + 6 / 5)}
    assert [np.isinf(s.error) for s in outcomes("half_diverge")] == [True, False] * 2
    assert [np.isinf(s.error) for s in outcomes("all_diverge")] == [True] * 4
    assert sum(1 for _ in KINDS["forbidden"](3, 3, ()).space) == 3 * 2 * 3
    assert KINDS["fixed_decision"](3, 3, ()).space.size == 9
    assert len(KINDS["one_fidelity"](3, 3, ()).epochs) == 1


def test_memory_is_limited_in_the_block_only():
    with memory_limit(64 << 20), pytest.raises(MemoryError):
        bytearray(256 << 20)
    assert len(bytearray(256 << 20))


def test_rules_in_words_are_one_sentence_each():
    for rule in RULES.values():
        assert rule.text.endswith(".")
        assert rule.text.count(". ") == 0
    assert len({rule.text for rule in RULES.values()}) == len(RULES)


def test_the_document_has_the_rules_as_the_code_has_them():
    text = Path("docs/contract.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\d+\. \*\*(\w+)\*\*: (.*(?:\n   .*)*)", text, re.MULTILINE)
    assert [(name, " ".join(words.split())) for name, words in listed] == [
        (rule.name, rule.text) for rule in RULES.values()
    ]
