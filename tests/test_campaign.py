"""Campaigns: who is found by what name, what a misbehaving strategy does to others."""

import math
import os
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Literal

import pytest
from scipy.stats import chi2

import benchsuite
from benchsuite import catalogue
from benchsuite.campaign import Failed, campaign, compare, do, plan, remarks
from benchsuite.core import InputError, Trial
from benchsuite.runner import Rules, search
from benchsuite.spaces import NATS_TSS
from benchsuite.store import Store
from benchsuite.strategies import ONE_FIDELITY, STRATEGIES
from benchsuite.strategies.bohb import BOHB
from benchsuite.strategies.regularized_evolution import RegularizedEvolution
from benchsuite.workers import Died, work
from tests.toys import Additive, Distinct, Watched, rng

OWN = '''
from benchsuite import Trial
{extra}

class First:
    """Trains one architecture drawn at random, and stops."""

    def __init__(self, space, epochs, rng, *, times: int = 1, note: str = "x"):
        self.left = times
        self.trial = Trial(space.sample(rng), epochs[-1])

    def ask(self):
        self.left -= 1
        return self.trial if self.left >= 0 else None

    def tell(self, trial, observation):
        pass
'''


class Plain:
    """A strategy that does what its subclasses say when it is asked."""

    def __init__(self, space, epochs, rng):
        self.space, self.epochs, self.rng = space, epochs, rng

    def ask(self):
        return Trial(self.space.sample(self.rng), self.epochs[-1])

    def tell(self, trial, observation):
        pass


class Outside(Plain):
    def ask(self):
        return Trial((99,) * 6, self.epochs[-1])


class Early(Plain):
    def ask(self):
        return Trial(self.space.sample(self.rng), 7)


class Nonsense(Plain):
    def ask(self):
        return "train something"


class Raises(Plain):
    def tell(self, trial, observation):
        raise ZeroDivisionError("told\nbadly")


class Leaves(Plain):
    def ask(self):
        sys.exit("enough")


class Hangs(Plain):
    def ask(self):
        while True:
            try:
                time.sleep(0.01)
            except Exception:
                continue


class Dies(Plain):
    def __init__(self, space, epochs, rng):
        super().__init__(space, epochs, rng)
        if rng.random() < 0.5:  # seed 2, not 0 or 1
            os._exit(3)


class Lists(Plain):
    def ask(self):
        return Trial([0] * 6, 200)


def tasks_of(*strategies, seeds=2, timeout=60.0, rules=None):
    entries = [catalogue.find(strategy) for strategy in strategies]
    rules = rules or Rules(trials=5)
    return plan(entries, ["nb201/cifar10"], rules, range(seeds), timeout=timeout)


@pytest.mark.parametrize(
    ("strategy", "reason"),
    [
        (Outside, "KeyError: (99, 99, 99, 99, 99, 99) is not an architecture"),
        (Early, "KeyError: nb201/cifar10 has epochs (200,), not 7"),
        (Nonsense, "TypeError: ask() gave 'train something', not a Trial or None"),
        (Raises, "ZeroDivisionError: told badly"),
        (Leaves, "SystemExit: enough"),
        (Hangs, "it took more than 0.2 s; --timeout allows more"),
        (Lists, "TypeError: unhashable type: 'list'"),
    ],
)
def test_a_strategy_that_misbehaves_fails_and_the_others_go_on(
    strategy, reason, tmp_path
):
    tasks = tasks_of(strategy, "random_search", seeds=1, timeout=0.2)
    with Store(tmp_path / "runs.sqlite") as store:
        bad, good = campaign(tasks, store)
        assert (bad.status, good.status) == ("failed", "recorded")
        assert bad.reason.startswith(reason)
        assert "Traceback" in bad.trace
        assert [row.strategy for row in store.rows()] == ["random_search"]
        assert [f.reason for f in store.failures()] == [bad.reason]
        again = list(campaign(tasks, store))  # what failed is tried again
        assert sorted(o.status for o in again) == ["failed", "known"]


def test_a_process_that_dies_takes_no_other_run_along(tmp_path):
    seeds = [seed for seed in range(8) if rng(seed).random() < 0.5]
    assert 0 < len(seeds) < 8
    with Store(tmp_path / "runs.sqlite") as store:
        outcomes = list(campaign(tasks_of(Dies, seeds=8), store, jobs=2))
        assert sorted(o.run.seed for o in outcomes) == list(range(8))
        failed = [o for o in outcomes if o.status == "failed"]
        assert sorted(o.run.seed for o in failed) == seeds
        assert {o.reason for o in failed} == {"its process died with exit code 3"}


def sleep(seconds):
    time.sleep(seconds)
    return seconds


def test_a_task_that_cannot_be_interrupted_is_killed():
    done = dict(work(sleep, [0.0, 60.0, 0.01], jobs=2, limit=15.0))
    assert (done[0.0], done[0.01]) == (0.0, 0.01)
    assert done[60.0] == Died(
        "it was still busy after 15 s, and its process was killed"
    )


def test_results_do_not_depend_on_jobs(tmp_path):
    tasks = tasks_of("regularized_evolution", "reinforce", seeds=6)
    tables = []
    for jobs in (1, 3):
        with Store(tmp_path / f"{jobs}.sqlite") as store:
            assert {o.status for o in campaign(tasks, store, jobs=jobs)} == {"recorded"}
            tables.append(list(store.rows(curves=True)))
    assert tables[0] == tables[1]


def test_running_again_is_a_no_op_and_force_is_not(tmp_path):
    tasks = tasks_of("random_search")
    with Store(tmp_path / "runs.sqlite") as store:
        assert [o.status for o in campaign(tasks, store)] == ["recorded"] * 2
        assert [o.status for o in campaign(tasks, store)] == ["known"] * 2
        assert [o.status for o in campaign(tasks, store, force=True)] == [
            "recorded"
        ] * 2
        assert len(list(store.rows())) == 2


def test_compare_takes_names_and_classes_and_gives_the_rows():
    frame = benchsuite.compare(
        ["random_search", Plain], on=["nb201/cifar10"], seeds=3, rules=Rules(trials=4)
    )
    assert list(frame["strategy"]) == ["Plain"] * 3 + ["random_search"] * 3
    assert set(frame["reports"]) == {"held_out_runs"}
    benchmark = benchsuite.load("nb201/cifar10")
    for row in frame.itertuples():
        arch = benchmark.space.parse(row.arch)
        seen = benchmark.evaluate(Trial(arch, 200), row.seed)
        assert row.error == pytest.approx(seen.error, rel=1e-5)
        reported = benchmark.reported_error(arch, row.seed)
        assert row.reported_error == pytest.approx(reported, rel=1e-5)
        assert row.regret == pytest.approx(reported - benchmark.best_error, abs=1e-6)
    curves = compare([Plain], on=[benchmark], seeds=[2], curves=True)
    assert list(curves["step"]) == list(range(len(curves)))
    assert curves["error"].is_monotonic_decreasing


def test_compare_hands_benchmarks_and_classes_to_other_processes():
    benchmark = benchsuite.load("nb201/cifar100")
    here, there = (
        compare([Plain, "local_search"], on=[benchmark], seeds=4, jobs=jobs)
        for jobs in (1, 2)
    )
    assert here.equals(there)


class Chatty(Plain):
    def ask(self):
        print("asked")
        return super().ask()


def test_what_a_strategy_prints_is_kept_off_stdout(capsys):
    compare([Chatty], on=["nb201/cifar10"], seeds=1, rules=Rules(trials=3))
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "asked\n" * 3)


def test_compare_tells_what_failed():
    with pytest.raises(RuntimeError, match="Raises on nb201/cifar10, seed 0: ZeroDiv"):
        compare([Raises], on=["nb201/cifar10"], seeds=1)


def test_a_search_needs_a_limit():
    with pytest.raises(InputError, match="needs a budget in seconds"):
        compare(["random_search"], on=["nb201/cifar10"], rules=Rules())


def test_time_limit_leaves_nothing_behind():
    (task,) = tasks_of(Hangs, seeds=1, timeout=0.1)
    assert isinstance(do(task), Failed)
    time.sleep(1.2)  # a timer that still ran would ring here


def write(folder, extra="", name="own.py"):
    path = folder / name
    path.write_text(OWN.format(extra=extra))
    return path


def test_a_file_is_a_strategy_and_an_edited_file_is_another(tmp_path):
    path = write(tmp_path)
    entry = catalogue.find(f"{path}:First")
    assert (entry.name, entry.settings) == ("First", "")
    first = catalogue.fingerprint(entry.make)
    path.write_text(path.read_text() + "# edited\n")
    assert catalogue.fingerprint(entry.make) != first == entry.source


def test_a_file_may_have_variants(tmp_path):
    path = write(tmp_path, "from functools import partial", "variants.py")
    path.write_text(path.read_text() + "\nThrice = partial(First, times=3)\n")
    one, other = (catalogue.find(f"{path}:{name}") for name in ("First", "Thrice"))
    assert (other.name, other.settings, other.source) == ("Thrice", "", one.source)
    assert other.make(NATS_TSS, (200,), rng()).left == 3
    assert catalogue.find(f"{path}:Thrice[times=1]").settings == "times=1"


def test_an_edited_file_runs_as_edited_in_the_same_process(tmp_path):
    path = write(tmp_path, name="edited.py")
    frames = []
    for times in (1, 3):
        path.write_text(
            OWN.format(extra="").replace("times: int = 1", f"times={times}")
        )
        frames.append(compare([f"{path}:First"], on=["nb201/cifar10"], seeds=1))
    assert frames[0].source.item() != frames[1].source.item()
    tasks = tasks_of(f"{path}:First", seeds=1)
    path.write_text(path.read_text() + "# edited while the campaign runs\n")
    (result,) = (do(task) for task in tasks)
    assert not isinstance(result, Failed)  # this process has the version it began with
    ((_, result),) = work(do, tasks, jobs=1)  # another process has not
    assert isinstance(result, Failed)
    assert "the source of First has changed since the start" in result.reason


def test_a_file_may_import_its_neighbours_which_are_part_of_its_source(tmp_path):
    (tmp_path / "beside_it.py").write_text("N = 1\n")
    path = write(tmp_path, "from beside_it import N", "with_neighbour.py")
    entry = catalogue.find(f"{path}:First")
    (tmp_path / "beside_it.py").write_text("N = 2\n")
    assert catalogue.fingerprint(entry.make) != entry.source
    (tmp_path / "beside_it.py").write_bytes(b"N = 1\r\n")  # as git may write it
    assert catalogue.fingerprint(entry.make) == entry.source


def test_what_a_variant_is_built_from_is_part_of_its_source(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    plug = tmp_path / "plugs" / "plug.py"
    plug.parent.mkdir()
    plug.write_text("def plug(): ...\n")
    extra = "from functools import partial\nfrom plugs.plug import plug"
    path = write(tmp_path, extra, "variant.py")
    before = catalogue.fingerprint(catalogue.find(f"{path}:First").make)
    plug.write_text("def plug(): return 1\n")
    assert catalogue.fingerprint(catalogue.find(f"{path}:First").make) != before
    one, other = (partial(Plain, over=over) for over in (RegularizedEvolution, BOHB))
    assert len({catalogue.fingerprint(make) for make in (Plain, one, other)}) == 3


def test_files_in_other_folders_of_the_registry_are_part_of_the_source(monkeypatch):
    """The one of all files that `anasod_bo` fits is in a folder below."""
    read, loop = Path.read_bytes, catalogue._FOLDER / "model_based" / "loop.py"
    for name, uses in (("anasod_bo", True), ("bananas", True), ("dehb", False)):
        before = catalogue.fingerprint(STRATEGIES[name])
        with monkeypatch.context() as patch:
            patch.setattr(
                Path, "read_bytes", lambda p: read(p) + b"# edited" * (p == loop)
            )
            assert (catalogue.fingerprint(STRATEGIES[name]) != before) == uses


def test_files_of_one_name_in_two_folders_are_two_strategies(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, f"WHERE = {folder!r}", "same.py")
    one, other = (catalogue.find(f"{tmp_path / f / 'same.py'}:First") for f in "ab")
    assert one.source != other.source
    assert one.make is not other.make


def test_settings_are_typed_by_the_signature_and_canonical():
    class Strategy(Plain):
        def __init__(
            self,
            space,
            epochs,
            rng,
            *,
            n: int = 1,
            x: float = 0.5,
            flag: bool = False,
            kind: Literal["a", "b"] = "a",
            limit: int | None = None,
            bare=3,
        ):
            self.got = (n, x, flag, kind, limit, bare)

    def made(text):
        defaults = catalogue.hyper_parameters("Strategy", Strategy)
        pairs = dict(map(catalogue._pair, text.split(",")))
        entry = catalogue._entry("Strategy", Strategy, pairs, text)
        assert list(defaults) == ["n", "x", "flag", "kind", "limit", "bare"]
        return entry.settings, entry.make(NATS_TSS, (200,), rng()).got

    assert made("x=1e-3,n=4") == ("n=4 x=0.001", (4, 0.001, False, "a", None, 3))
    assert made("flag=True,kind=b") == (
        "flag=True kind=b",
        (1, 0.5, True, "b", None, 3),
    )
    assert made("limit=7,bare=4") == ("bare=4 limit=7", (1, 0.5, False, "a", 7, 4))
    assert made("limit=None,n=1,x=0.50") == ("", (1, 0.5, False, "a", None, 3))
    for text, message in (
        ("n=1.5", "n takes int, not '1.5'"),
        ("flag=1", "flag is True or False, not '1'"),
        ("kind=c", "kind is a or b, not 'c'"),
        ("limt=1", "unknown setting 'limt'; did you mean limit"),
        ("n", "a setting is name=value"),
        ("n==1", "a setting is name=value"),
    ):
        with pytest.raises(InputError, match=message):
            made(text)


def test_a_partial_is_its_class_with_settings():
    typed = catalogue.find("regularized_evolution[sample_size=10]")
    made = catalogue.find(partial(RegularizedEvolution, sample_size=10))
    assert made.name == "RegularizedEvolution"
    assert (made.settings, made.source) == (typed.settings, typed.source)
    assert made.make(NATS_TSS, (200,), rng())._sample_size == 10
    with pytest.raises(InputError, match="unknown setting 'size'"):
        catalogue.find(partial(RegularizedEvolution, size=10))


def test_settings_reach_the_strategy_and_stand_in_its_rows(tmp_path):
    path = write(tmp_path, name="settings.py")
    frame = compare([f"{path}:First[times=3]"], on=["nb201/cifar10"], seeds=1)
    assert list(frame["settings"]) == ["times=3"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("regularised_evolution", "did you mean regularized_evolution"),
        ("regularized_evolution[sample=5]", "did you mean sample_size"),
        ("regularized_evolution[sample_size=5", "settings end with ']'"),
        ("regularized_evolution[sample_size=many]", "sample_size takes int"),
        ("gone.py:First", "no such Python file: gone.py"),
        ("{own}:Furst", "unknown class 'Furst'; did you mean First"),
        ("{own}:Trial", "unknown class 'Trial'"),  # imported, not defined there
        ("{broken}:First", "cannot be loaded: ZeroDivisionError: division by zero"),
        ("{syntax}:First", "cannot be loaded: SyntaxError"),
        ("{shy}:shy", "shy must be built from space, epochs and rng"),
    ],
)
def test_what_cannot_be_found_is_told_in_one_line(asked, message, tmp_path):
    files = {
        "own": write(tmp_path, name="one.py"),
        "broken": write(tmp_path, "1 / 0", "two.py"),
        "syntax": write(tmp_path, "def", "three.py"),
        "shy": write(tmp_path, "def shy(space): ...", "four.py"),
    }
    with pytest.raises(InputError, match=message.replace("(", r"\(")) as caught:
        catalogue.find(asked.format(**files))
    assert "\n" not in str(caught.value)


def test_settings_that_the_constructor_refuses_are_told_before_any_run():
    with pytest.raises(InputError, match=r"regularized_evolution\[sample_size=0\]: "):
        tasks_of("regularized_evolution[sample_size=0]")


def test_a_metric_that_a_strategy_needs_is_missed_before_any_run():
    with pytest.raises(InputError, match="nb201/cifar10 has no zc_synflow, it has "):
        tasks_of("regularized_evolution_warm_start")
    with pytest.raises(InputError, match="with parms: none that is installed"):
        tasks_of("regularized_evolution_warm_start[score=parms]")
    (task,) = tasks_of(
        "regularized_evolution_warm_start[score=params,candidates=50]", seeds=1
    )
    done = do(task)
    assert (done.effort.trials, done.rows[-1].epochs) == (5, 200)
    assert done.effort.thought > 0


def test_what_halves_says_that_there_is_nothing_to_halve():
    entries = [catalogue.find(name) for name in ("asha", "random_search")]
    (remark,) = remarks(entries, ["nb201/cifar10", "synthetic/curves"])
    assert remark.startswith("asha amounts to random search on nb201/cifar10, ")
    assert "synthetic/curves" in remark
    assert not list(remarks(entries, ["synthetic/curves"]))
    assert not list(remarks(entries[1:], ["nb201/cifar10"]))


def test_all_that_halve_are_known_to():
    """They alone train for less than all epochs where there are curves."""
    halving = set()
    for name in STRATEGIES:
        asked = Watched(STRATEGIES[name](Distinct().space, (1, 3, 9, 27), rng()))
        list(search(asked, Distinct(), Rules(trials=5, workers=5), seed=0))
        if any(0 < trial.epochs < 27 for trial in asked.asked):
            halving.add(name)
    assert halving == ONE_FIDELITY.keys()


@pytest.mark.parametrize("name", ["asha", "dehb", "hyperband", "successive_halving"])
def test_with_one_fidelity_they_are_random_search(name):
    """All 3,000 are drawn evenly; a chi-square so large has a chance of 1e-6."""
    assert ONE_FIDELITY[name] == "random search"
    toy = Additive(decisions=2, options=4, epochs=1)
    asked = Watched(STRATEGIES[name](toy.space, (1,), rng(5)))
    list(search(asked, toy, Rules(trials=3000), seed=0))
    counts = Counter(trial.arch for trial in asked.asked)
    expected = 3000 / 16
    square = sum((counts[a] - expected) ** 2 / expected for a in toy.space)
    assert square < chi2.isf(1e-6, 15)


def test_an_installed_distribution_brings_strategies(tmp_path, monkeypatch):
    (tmp_path / "theirs.py").write_text(OWN.format(extra=""))
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n"
    )
    (info / "entry_points.txt").write_text(
        "[benchsuite.strategies]\nfirst = theirs:First\nlost = theirs:Lost\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    entry = catalogue.find("first[times=2]")
    assert (entry.name, entry.settings) == ("first", "times=2")
    assert len(entry.source) == 8
    with pytest.raises(InputError, match="'lost' cannot be loaded"):
        catalogue.find("lost")
    with pytest.raises(InputError, match="did you mean first"):
        catalogue.find("firts")


def test_a_budget_in_trials_and_seconds_ends_with_whichever_comes_first():
    def last(rules):
        frame = compare([Plain], on=["nb201/cifar10"], seeds=20, rules=rules)
        return frame["cost"].max()

    assert last(Rules(trials=3, budget=1e9)) < 40_000
    assert last(Rules(trials=1e6, budget=9000)) <= 9000
    assert math.isfinite(last(Rules(trials=3)))
