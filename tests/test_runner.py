"""What the clock charges, against numbers worked out by hand."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchsuite.core import InputError, Observation, Trial
from benchsuite.runner import RULES, Rules, Timed, search
from benchsuite.strategies import STRATEGIES
from tests.toys import Priced, Script, Watched, rng

A, B, C, D = ((n,) for n in range(4))


def costs(script, benchmark, rules):
    return [i.cost for i in search(script, benchmark, rules, seed=0)]


@pytest.mark.parametrize(("promotion", "total"), [("resume", 40), ("restart", 60)])
def test_promotion_pays_the_difference_or_everything(promotion, total):
    script = Script(Trial(A, 2), Trial(A, 4))
    assert costs(script, Priced(10), Rules(promotion=promotion)) == [20, total]


@pytest.mark.parametrize(("repeat", "at"), [("pay", 5), ("free", 4)])
def test_repeat_pays_everything_or_nothing(repeat, at):
    script = Script(Trial(A, 1), Trial(A, 1), Trial(B, 1))
    assert costs(script, Priced(1, 3), Rules(repeat=repeat)) == [1, at]


@pytest.mark.parametrize(("repeat", "at"), [("pay", 10), ("free", 8)])
def test_less_of_the_same_training_is_a_repeat(repeat, at):
    script = Script(Trial(A, 4), Trial(A, 2), Trial(B, 4))
    assert costs(script, Priced(1, 1), Rules(repeat=repeat)) == [4, at]


def test_promotion_after_a_promotion_pays_what_is_missing_only():
    script = Script(Trial(A, 1), Trial(A, 2), Trial(A, 4))
    assert costs(script, Priced(10), Rules()) == [10, 20, 40]
    script = Script(Trial(A, 1), Trial(A, 2), Trial(A, 4))
    assert costs(script, Priced(10), Rules(promotion="restart")) == [10, 30, 70]


@pytest.mark.parametrize(("overrun", "told"), [("drop", [A]), ("keep", [A, B])])
def test_overrunning_trial_is_dropped_or_kept(overrun, told):
    script = Script(Trial(A, 1), Trial(B, 1), Trial(C, 1))
    found = list(
        search(script, Priced(6, 6, 6), Rules(budget=10, overrun=overrun), seed=0)
    )
    assert [t.arch for t in script.told] == told
    assert [i.cost for i in found] == [6, 12][: len(told)]


@pytest.mark.parametrize("overrun", ["drop", "keep"])
def test_trial_that_ends_on_the_budget_counts_and_none_follows(overrun):
    script = Script(Trial(A, 1), Trial(B, 1))
    assert costs(script, Priced(10, 10), Rules(budget=10, overrun=overrun)) == [10]
    assert script.told == [Trial(A, 1)]


def test_workers_are_told_in_order_of_completion():
    # worker 1: A 0-5, D 5-7; worker 2: B 0-2, C 2-6
    script = Script(*(Trial(arch, 1) for arch in (A, B, C, D)))
    found = list(search(script, Priced(5, 2, 4, 2), Rules(workers=2), seed=0))
    assert [t.arch for t in script.told] == [B, A, C, D]
    assert [(i.cost, i.arch) for i in found] == [(2, B), (6, C), (7, D)]


def test_of_those_that_finish_together_the_first_started_is_told_first():
    script = Script(*(Trial(arch, 1) for arch in (C, A, B)))
    list(search(script, Priced(2, 2, 2), Rules(workers=3), seed=0))
    assert [t.arch for t in script.told] == [C, A, B]


def test_workers_share_one_clock_and_one_budget():
    script = Script(*(Trial(arch, 1) for arch in (A, B, C, D)))
    list(search(script, Priced(6, 6, 6, 6), Rules(budget=10, workers=3), seed=0))
    assert [t.arch for t in script.told] == [A, B, C]
    script = Script(*(Trial(arch, 1) for arch in (A, B, C, D)))
    rules = Rules(budget=10, workers=3, overrun="keep")  # D starts at 6, below 10
    list(search(script, Priced(6, 6, 6, 6), rules, seed=0))
    assert [t.arch for t in script.told] == [A, B, C, D]


def test_none_waits_for_a_running_trial():
    # B could run beside A, but the strategy has nothing to try before A is told
    script = Script(Trial(A, 1), None, Trial(B, 1))
    assert costs(script, Priced(5, 2), Rules(workers=2)) == [5, 7]


def test_none_ends_the_search_when_nothing_runs():
    assert costs(Script(None, Trial(A, 1)), Priced(1), Rules()) == []


def test_checkpoint_of_a_running_trial_is_not_there_yet():
    # both start at 0, and the second takes its whole 4 s, under either promotion
    script = Script(Trial(A, 2), Trial(A, 4))
    assert costs(script, Priced(1), Rules(workers=2)) == [2, 4]


def test_trials_are_counted_when_they_start():
    script = Script(*(Trial(arch, 1) for arch in (A, B, C, D)))
    list(search(script, Priced(1, 1, 1, 1), Rules(trials=3, workers=2), seed=0))
    assert len(script.told) == 3


def test_budget_and_trials_together_end_with_whichever_comes_first():
    for rules, told in (
        (Rules(budget=25, trials=3), 2),
        (Rules(budget=99, trials=3), 3),
    ):
        script = Script(*(Trial(arch, 1) for arch in (A, B, C, D)))
        list(search(script, Priced(10, 10, 10, 10), rules, seed=0))
        assert len(script.told) == told


def test_longest_training_wins_over_lowest_error():
    script = Script(Trial(D, 1), Trial(A, 2), Trial(C, 1), Trial(B, 2))
    found = search(script, Priced(1, 1, 1, 1), Rules(), seed=0)
    assert [i.arch for i in found] == [D, A, B]


def test_an_equal_error_does_not_replace_the_incumbent():
    script = Script(Trial(A, 1), Trial(A, 1))
    assert costs(script, Priced(1), Rules()) == [1]


@pytest.mark.parametrize("error", [math.inf, math.nan])
def test_diverged_trial_is_paid_and_told_and_never_incumbent(error):
    class Diverged(Priced):
        def evaluate(self, trial, seed):
            seen = super().evaluate(trial, seed)
            return seen._replace(error=error) if trial.arch == A else seen

    script = Watched(Script(Trial(A, 4), Trial(B, 1)))
    found = list(search(script, Diverged(1, 1), Rules(), seed=0))
    assert [(i.cost, i.arch, i.epochs) for i in found] == [(5, B, 1)]
    told = [(trial, observation.error) for trial, observation in script.told]
    assert told == [(Trial(A, 4), math.inf), (Trial(B, 1), 1 / 3)]


def test_search_on_a_stopped_clock_ends():
    endless = Script(*itertools.repeat(Trial(A, 1), 20_000))
    list(search(endless, Priced(1), Rules(budget=5, repeat="free"), seed=0))
    assert len(endless.told) == 10_001


def test_only_free_trials_in_a_row_stop_a_search():
    repeats = [Trial(A, 1)] * 9_000
    script = Script(Trial(A, 1), *repeats, Trial(B, 1), *repeats, Trial(C, 1))
    list(search(script, Priced(1, 1, 1), Rules(repeat="free"), seed=0))
    assert len(script.told) == 18_003


@pytest.mark.parametrize("trial", [Trial((9,), 1), Trial(A, 3)])
def test_a_trial_outside_the_space_or_the_epochs_is_refused(trial, toy):
    with pytest.raises(KeyError):
        list(search(Script(trial), toy, Rules(), seed=0))


def test_incumbent_has_what_was_observed():
    class Measured(Priced):
        def evaluate(self, trial, seed):
            return Observation(0.25, 3.0 + seed, {"params": 7.0})

    (found,) = search(Script(Trial(A, 2)), Measured(1), Rules(), seed=4)
    assert found == (7.0, A, 2, 0.25, {"params": 7.0})


class Judged(Priced):
    """Priced; the metrics of an untrained network cost 3 s and say its number."""

    metrics = ("zc_number",)

    def evaluate(self, trial, seed):
        if trial.epochs:
            return super().evaluate(trial, seed)
        return Observation(math.nan, 3.0, {"zc_number": trial.arch[0]})


@pytest.mark.parametrize("objectives", [("error",), ("error", "zc_number")])
def test_untrained_networks_are_charged_and_told_but_no_trials_nor_incumbents(
    objectives,
):
    rules = Rules(trials=2, objectives=objectives)
    script = Watched(Script(Trial(A, 0), Trial(A, 1), Trial(B, 0), Trial(B, 1)))
    benchmark = Judged(1, 1)
    benchmark.metrics = ()
    if len(objectives) == 2:
        benchmark.evaluate = lambda trial, seed: Judged.evaluate(
            benchmark, trial, seed
        )._replace(metrics={"zc_number": -trial.arch[0]})
    found = list(search(script, benchmark, rules, seed=0))
    assert [(i.arch, i.epochs, i.cost) for i in found] == [(A, 1, 4), (B, 1, 8)]
    assert [(t.epochs, o.error) for t, o in script.told] == [
        *((0, math.inf), (1, 1 / 2), (0, math.inf), (1, 1 / 3)),
    ]


def test_what_a_score_costs_is_no_training_to_resume():
    script = Script(Trial(A, 0), Trial(A, 1), Trial(A, 0), Trial(A, 2))
    assert costs(script, Judged(2), Rules()) == [5, 10]


def test_scores_that_cost_nothing_end_a_search_some_time():
    class Free(Judged):
        def evaluate(self, trial, seed):
            return super().evaluate(trial, seed)._replace(cost=0.0)

    script = Script(*[Trial(A, 0)] * 10_001)
    assert not list(search(script, Free(1), Rules(trials=1), seed=0))
    assert len(script.told) == 10_000


class Slow(Script):
    """Takes 5 s to say what to train first, then `pause`; 1 s to take an outcome."""

    now, pause = 0.0, 5.0

    def ask(self):
        self.now += self.pause if self.now else 5
        return super().ask()

    def tell(self, trial, observation):
        self.now += 1
        super().tell(trial, observation)


@pytest.mark.parametrize(
    ("workers", "thinking", "finished"),
    [
        (1, "free", [10, 20, 30]),
        # asked at 0, 16 and 32, started 5 s later
        (1, "charge", [15, 31, 47]),
        (2, "free", [10, 10, 20]),
        # asked at 0, 5 and 16: B ends at 20, while it is thought about C until 21
        (2, "charge", [15, 20, 31]),
    ],
)
def test_thinking_is_measured_and_charged_on_request(
    workers, thinking, finished, monkeypatch
):
    slow = Slow(Trial(A, 1), Trial(B, 1), Trial(C, 1))
    monkeypatch.setattr("benchsuite.runner.perf_counter", lambda: slow.now)
    timed, rules = Timed(slow), Rules(workers=workers, thinking=thinking, trials=3)
    found = search(timed, Priced(10, 10, 10), rules, seed=0)
    assert [incumbent.cost for incumbent in found] == finished
    assert (timed.trials, timed.seconds) == (3, 18)


@pytest.mark.parametrize(("overrun", "told"), [("drop", [A]), ("keep", [A, B])])
def test_a_training_that_ends_in_the_budget_counts_though_it_is_told_later(
    overrun, told, monkeypatch
):
    """A ends at 15, while it is thought about B until 25; B ends at 35."""
    slow = Slow(Trial(A, 1), Trial(B, 1))
    monkeypatch.setattr("benchsuite.runner.perf_counter", lambda: slow.now)
    monkeypatch.setattr(Slow, "pause", 20.0)
    rules = Rules(workers=2, thinking="charge", budget=16.0, overrun=overrun)
    found = list(search(slow, Priced(10, 10), rules, seed=0))
    assert [trial.arch for trial in slow.told] == told
    assert [i.cost for i in found] == [15.0, 35.0][: len(told)]


def test_of_scores_that_come_together_the_first_asked_is_told_first():
    script = Script(*(Trial(arch, 0) for arch in (C, A, B, A)))
    list(search(script, Judged(1, 1, 1), Rules(workers=4), seed=0))
    assert [trial.arch for trial in script.told] == [C, A, B, A]


def test_nothing_but_trials_may_be_asked():
    for nonsense in ("A", (A, 1), 7):
        with pytest.raises(TypeError, match="not a Trial or None"):
            list(search(Script(nonsense), Priced(1), Rules(), seed=0))


@pytest.mark.parametrize("name", STRATEGIES)
def test_one_worker_is_the_plain_loop(name, toy):
    def plain(strategy, budget):
        clock, trained, told = 0.0, {}, []
        while (trial := strategy.ask()) is not None:
            seen = toy.evaluate(trial, 3)
            had = trained.get(trial.arch, 0.0)
            clock += seen.cost - had if seen.cost > had else seen.cost
            if clock > budget:
                break
            trained[trial.arch] = max(had, seen.cost)
            strategy.tell(trial, seen)
            told.append(trial)
        return told

    make = STRATEGIES[name]
    watched = Watched(make(toy.space, toy.epochs, rng()))
    list(search(watched, toy, Rules(budget=4000), seed=3))
    by_hand = plain(make(toy.space, toy.epochs, rng()), 4000)
    assert len(by_hand) > 40
    assert [trial for trial, _ in watched.told] == by_hand


def test_more_workers_finish_the_same_trials_sooner(toy):
    def last(workers):
        trials = [Trial(arch, 27) for arch in itertools.islice(toy.space, 64)]
        *_, end = search(Script(*trials), toy, Rules(workers=workers), seed=0)
        return end

    alone, crew = last(1), last(8)
    assert (alone.arch, alone.error) == (crew.arch, crew.error)
    assert crew.cost < alone.cost / 4


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"budget": 0}, "budget must be seconds above 0, not 0"),
        ({"budget": math.nan}, "budget must be seconds above 0, not nan"),
        ({"workers": 0}, "workers must be a whole number above 0, not 0"),
        ({"workers": math.inf}, "workers must be a whole number above 0, not inf"),
        ({"trials": math.nan}, "trials must be a whole number above 0, not nan"),
        ({"trials": 1.5}, "trials must be a whole number above 0, not 1.5"),
        ({"repeat": "sometimes"}, "repeat is pay or free, not 'sometimes'"),
    ],
)
def test_impossible_rules_are_refused(bad, message):
    with pytest.raises(InputError, match=message):
        Rules(**bad)


def test_presets_are_the_published_protocols():
    assert RULES["iclr20"] == Rules(
        budget=12_000, overrun="drop", repeat="pay", promotion="restart"
    )
    assert RULES["nats"] == Rules(overrun="keep", repeat="pay", promotion="restart")
    assert RULES["default"] == Rules()


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("", Rules()),
        ("default", Rules()),
        ("nats", RULES["nats"]),
        ("nats,repeat=free", Rules(overrun="keep", repeat="free", promotion="restart")),
        ("budget=2e4 workers=4", Rules(budget=20_000, workers=4)),
        ("trials=200", Rules(trials=200)),
    ],
)
def test_rules_are_read_and_spelled_by_what_differs(text, rules):
    assert Rules.parse(text) == rules
    assert Rules.parse(str(rules)) == rules


@given(
    st.builds(
        Rules,
        budget=st.decimals("1e-6", "1e9", places=6).map(float) | st.just(math.inf),
        trials=st.integers(1, 10**9) | st.just(math.inf),
        workers=st.integers(1, 10**6),
        overrun=st.sampled_from(["drop", "keep"]),
        repeat=st.sampled_from(["pay", "free"]),
        promotion=st.sampled_from(["resume", "restart"]),
    )
)
def test_rules_read_what_they_spell(rules):
    assert Rules.parse(str(rules)) == rules
    assert Rules.parse(str(rules).replace(" ", ",")) == rules


def test_rules_are_bounded_by_a_budget_or_a_number_of_trials():
    assert not Rules(workers=4).bounded
    assert Rules(budget=1e9).bounded
    assert Rules(trials=9).bounded


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("repeat=free,nats", "unknown rule 'nats'"),
        ("nets", "unknown rule 'nets'; did you mean nats"),
        ("nats,repet=free", "unknown rule 'repet'; did you mean repeat"),
        ("nats,repeat", "repeat needs a value"),
        ("nats,repeat=fee", "repeat is pay or free, not 'fee'"),
        ("workers=two", "workers takes a number, not 'two'"),
        ("budget=", "budget takes a number, not ''"),
    ],
)
def test_rules_that_cannot_be_read_are_told(text, message):
    with pytest.raises(InputError, match=message):
        Rules.parse(text)


def test_observation_cannot_hold_a_test_figure():
    assert Observation._fields == ("error", "cost", "metrics")
