"""Verdicts against hand-made runs, closed forms, SciPy, and simulated ones."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from benchsuite import benchmarks
from benchsuite.campaign import Done, perform
from benchsuite.core import InputError
from benchsuite.report.statistics import holm_adjusted
from benchsuite.results import Effort, Row
from benchsuite.verdict import (
    BASELINES,
    TRAININGS,
    Against,
    Gap,
    Thinking,
    Verdict,
    judge,
    plan,
    points,
    sentences,
)
from benchsuite.verdict.figures import paired, stratified, stratified_p
from tests.toys import rng

OWN = "tests/breaches.py:Kept"
ON = ["nb201/cifar10", "nb201/cifar100"]


def with_moments(size, mean, deviation, seed=0):
    """Draw a sample that has exactly this mean and standard deviation (ddof 1)."""
    drawn = rng(seed).standard_normal(size)
    return mean + deviation * (drawn - drawn.mean()) / drawn.std(ddof=1)


# What is run.


def test_the_budget_is_that_of_200_full_trainings():
    """81 epochs of 10 (1 + s) s, of mean s = 1/2; and the mean over all of a table."""
    made_up = plan(OWN, ["synthetic/curves"], 6).clocks["synthetic/curves"]
    assert 200 * 81 * 15 == 243_000
    assert made_up == [30_000, 60_000, 120_000, 240_000]
    table = benchmarks.load("nb201/cifar100")
    archs = np.array(list(table.space))
    exact = 200 * table.evaluate_many(archs, table.epochs[-1], 0)[1].mean()
    budget = plan(OWN, ["nb201/cifar100"], 6).clocks["nb201/cifar100"][-1]
    assert budget == pytest.approx(exact, rel=0.03)
    assert budget == float(f"{budget:.2g}")


def test_everybody_has_the_same_seeds_benchmarks_and_rules():
    planned = plan(OWN, ON, 7)
    keys = {(t.run.strategy, t.run.benchmark, t.run.seed) for t in planned.tasks}
    assert len(planned.tasks) == len(keys) == 4 * 2 * 7
    for task in planned.tasks:
        assert task.rules.budget == planned.clocks[task.run.benchmark][-1]
        assert task.rules.trials == math.inf


def test_a_baseline_is_not_compared_with_itself():
    names = [entry.name for entry in plan("local_search", ON, 6).entries]
    assert names == ["local_search", "random_search", "regularized_evolution"]
    changed = plan("local_search[initial=5]", ON, 6).entries
    assert [entry.name for entry in changed] == ["local_search", *BASELINES]


def test_without_a_choice_it_is_about_what_is_installed_and_no_formula():
    names = sorted(plan(OWN, [], 6).clocks)
    assert names == ["nb201/cifar10", "nb201/cifar100", "nb201/imagenet16_120"]
    with pytest.raises(
        InputError, match=r"no installed benchmark has zc_synflow.*macs"
    ):
        plan("regularized_evolution_warm_start", [], 6)


def test_too_few_seeds_are_refused():
    with pytest.raises(InputError, match="6 or more"):
        plan(OWN, ON, 5)


# How far two are apart.


def test_with_one_benchmark_it_is_the_paired_t_test():
    sample = rng().exponential(size=30) - 0.7
    expected = stats.ttest_1samp(sample, 0).pvalue
    assert stratified_p([sample]) == pytest.approx(expected, rel=1e-9)


def test_with_two_benchmarks_it_is_welchs_test():
    """The mean of two means is half the difference of one and the negative other."""
    one, other = rng(1).standard_normal(12) + 0.4, 3 * rng(2).standard_normal(31)
    expected = stats.ttest_ind(one, -other, equal_var=False).pvalue
    assert stratified_p([one, other]) == pytest.approx(expected, rel=1e-9)


def test_no_difference_at_all_is_no_evidence_and_a_constant_one_is():
    assert stratified_p([np.zeros(6), np.zeros(6)]) == 1.0
    assert stratified_p([np.zeros(6), np.full(6, 0.125)]) == 0.0


def test_benchmarks_weigh_the_same():
    mine = [np.full(8, 0.2), np.full(8, 0.5)]
    theirs = [np.full(8, 0.1), np.full(8, 0.7)]
    found = stratified(mine, theirs)
    assert found.mean == pytest.approx((0.1 - 0.2) / 2)
    assert (found.low, found.high) == pytest.approx((-0.05, -0.05))
    assert found.p == 0.0


def test_an_interval_is_that_of_the_test():
    """For normal differences the bootstrap's ends are near those of the t test."""
    parts = [with_moments(120, 0.003, 0.02), with_moments(120, -0.001, 0.03, seed=1)]
    found = stratified(parts, [np.zeros(120)] * 2)
    error = math.sqrt(0.02**2 / 120 + 0.03**2 / 120) / 2
    assert found.mean == pytest.approx(0.001)
    assert found.low == pytest.approx(0.001 - 1.97 * error, abs=0.1 * error)
    assert found.high == pytest.approx(0.001 + 1.97 * error, abs=0.1 * error)


def test_with_the_seeds_that_are_needed_it_is_found_four_times_in_five():
    """2,000 simulations: .8 with a standard error of .009, and 4 of those aside."""
    deviations = 0.02, 0.04
    parts = [with_moments(60, 0.01, sd, seed) for seed, sd in enumerate(deviations)]
    n = stratified(parts, [np.zeros(60)] * 2).needed
    source = rng(3)
    found = [
        stratified_p([source.normal(0.01, sd, n) for sd in deviations]) <= 0.05
        for _ in range(2000)
    ]
    assert np.mean(found) == pytest.approx(0.8, abs=0.036)


def test_one_without_an_error_to_report_is_compared_with_nobody():
    mine = np.array([0.1, 0.2, np.nan, 0.1, 0.2, 0.3])
    for found in (paired(mine, np.zeros(6)), stratified([mine], [np.zeros(6)])):
        assert math.isnan(found.mean)
        assert found.p == 1.0
        assert found.needed is None


def test_equal_strategies_are_called_different_in_one_verdict_of_twenty_at_most():
    """600 verdicts, whose budgets are as alike as those of one run are.

    Three benchmarks with errors of different sizes, skewed as regret is; 24 seeds. At a
    rate of 5 % one of more than 7.7 % would come with a chance of .2 %; the rate is
    lower, since Holm's correction does not know that budgets are alike.
    """
    source, alarms = rng(4), 0
    for _ in range(600):
        runs = source.exponential(size=(4, 3, 24, 4))
        runs *= np.array([1, 2, 5])[:, None, None]
        runs = np.minimum.accumulate(runs, axis=-1)  # incumbents only improve
        p = [
            stratified_p(list(runs[0, :, :, n] - runs[k, :, :, n]))
            for k in (1, 2, 3)
            for n in range(4)
        ]
        alarms += min(holm_adjusted(p)) <= 0.05
    assert alarms / 600 <= 0.077


# From runs to a verdict.


def made(planned, error):
    """Make up what came of every task: `error(run, n)` from the n-th moment on.

    A run finds it just when the clock is there, to the second; the first moment is a
    quarter of an hour early, which counts as well.
    """
    for task in planned.tasks:
        clock = planned.clocks[task.run.benchmark]
        rows = [
            Row(
                *[getattr(task.run, name) for name in KEY],
                reports="test",
                backend="table",
                step=n,
                cost=seconds - 900 * (n == 0),
                arch=f"{n}",
                epochs=200,
                error=0.5,
                reported_error=error(task.run, n),
                regret=0.0,
                metrics="",
            )
            for n, seconds in enumerate(clock)
        ]
        yield (
            task,
            Done(rows, Effort(10, 0.02 if task.run.strategy == "Kept" else 0.01)),
        )


KEY = ("benchmark", "table", "strategy", "settings", "rules", "seed", "source")


def bias(run, n):
    """Kept is .01 better than random search from the third moment on, on CIFAR-10.

    It is .02 worse than evolution throughout, and the same as local search but for
    noise that sums to zero over seeds.
    """
    base = 0.3 + 0.01 * (run.seed % 3) - 0.01 * n
    if run.strategy == "random_search":
        apart = n > 1 and run.benchmark == "nb201/cifar10"
        return base + (0.01 + 0.001 * (run.seed % 2) if apart else 0.0)
    if run.strategy == "regularized_evolution":
        return base - 0.02
    if run.strategy == "local_search":
        return base + (0.001 if run.seed % 2 else -0.001)
    return base


@pytest.fixture(scope="module")
def planned():
    return plan(OWN, ON, 12)


def test_a_verdict_is_what_the_runs_say(planned):
    verdict = judge(planned, made(planned, bias))
    assert verdict.strategy == "Kept"
    assert verdict.seeds == 12
    own = verdict.errors["nb201/cifar10"]["Kept"]
    assert own == pytest.approx([0.31, 0.30, 0.29, 0.28])
    drawing, evolution, local = verdict.against
    assert [a.baseline for a in verdict.against] == list(BASELINES)
    assert [gap.trainings for gap in drawing.overall] == list(TRAININGS)
    told = ["not distinguishable"] * 2 + ["better"] * 2
    assert [gap.seen for gap in drawing.overall] == told
    assert drawing.overall[-1].mean == pytest.approx(-0.0105 / 2)
    assert [gap.seen for gap in drawing.benchmarks["nb201/cifar10"]] == told
    other = drawing.benchmarks["nb201/cifar100"]
    assert {gap.seen for gap in other} == {"not distinguishable"}
    assert {gap.mean for gap in other} == {0.0}
    assert {gap.seen for gap in evolution.overall} == {"worse"}
    assert [gap.mean for gap in evolution.overall] == pytest.approx([0.02] * 4)
    assert {gap.seen for gap in local.overall} == {"not distinguishable"}
    assert local.overall[-1].needed is None
    assert verdict.thinking["Kept"] == Thinking(0.002, 0.002)
    assert verdict.thinking["local_search"].median == pytest.approx(0.001)


def test_a_verdict_does_not_depend_on_the_order_of_runs(planned):
    done = list(made(planned, bias))
    assert judge(planned, done) == judge(planned, done[::-1])


def test_before_every_run_has_an_incumbent_nothing_is_known(planned):
    def late(task, result):
        if task.run.strategy == "Kept" and task.run.seed == 3:
            return Done(result.rows[1:], result.effort)
        return result

    done = [(task, late(task, result)) for task, result in made(planned, bias)]
    verdict = judge(planned, done)
    first, *later = verdict.against[1].overall
    assert math.isnan(first.mean)
    assert (first.seen, first.p) == ("not distinguishable", 1.0)
    assert {gap.seen for gap in later} == {"worse"}
    assert math.isnan(verdict.errors["nb201/cifar10"]["Kept"][0])


def test_what_is_recorded_of_evolution_comes_out():
    """Real runs: evolution draws its first 100 at random, and is ahead at 200."""
    done = plan("regularized_evolution", ["nb201/cifar10"], 60)
    verdict = judge(done, perform(done.tasks, 1))
    drawing, local = verdict.against
    assert [gap.mean for gap in drawing.overall[:2]] == [0.0, 0.0]
    assert drawing.overall[-1].seen == "better"
    assert -0.006 < drawing.overall[-1].mean < -0.002
    assert local.overall[1].seen == "worse"


# In words.


def gaps(*seen, mean=-0.0032, low=-0.0035, high=-0.0029, needed=40):
    return [
        Gap(trainings, told, mean, low, high, 0.01, needed)
        for trainings, told in zip(TRAININGS, seen, strict=True)
    ]


NOT = "not distinguishable"


def words(*against, thinking=None):
    seconds = [1.0, 2.0, 4.0, 8.0]
    names = dict.fromkeys(name for a in against for name in a.benchmarks)
    clocks = dict.fromkeys(names or ["one"], seconds)
    return sentences(Verdict("My", 240, clocks, {}, against, thinking or {}))


def test_better_says_by_how_much_and_since_when():
    drawing = Against("random_search", gaps(NOT, "better", "better", "better"), {})
    assert words(drawing)[1] == (
        "My is better than random_search: by 0.32 points of error (95 %: 0.29 to 0.35)"
        " after the time of 200 trainings, and from that of 50 on."
    )


def test_worse_says_when_it_was_better_and_where_else_it_is():
    there = {
        "a/x": gaps(NOT, NOT, NOT, "better"),
        "a/y": gaps("worse", "worse", "worse", "worse"),
        "a/z": gaps(NOT, NOT, NOT, NOT),
    }
    figures = {"mean": 0.004, "low": 0.001, "high": 0.02}
    local = Against(
        "local_search", gaps("better", "better", NOT, "worse", **figures), there
    )
    said = words(local)
    assert "On 3 benchmarks, with 240 seeds." in said[0]
    assert said[1] == (
        "My is worse than local_search: by 0.40 points of error (95 %: 0.10 to 2.00)"
        " after the time of 200 trainings; better after that of 25 and 50; better on"
        " a/x; not to be told apart on a/z."
    )


def test_what_cannot_be_told_says_how_many_seeds_would_do():
    figures = {"mean": 0.0001, "low": -0.0002, "high": 0.0004, "needed": 1900}
    near = Against("local_search", gaps(NOT, NOT, NOT, NOT, **figures), {})
    far = Against("random_search", gaps(*["better"] * 4), {})
    _, *said = words(far, near)
    assert said[1] == (
        "My cannot be told from local_search: 0.010 points of error apart (95 %: -0.020"
        " to 0.040) after the time of 200 trainings, and from that of 25 on."
    )
    assert said[2] == (
        "It would take 1,900 seeds to tell it from the nearest, local_search, four"
        " times in five, if the difference is what it seems."
    )
    same = Against(
        "local_search", [replace(g, mean=0.0, needed=None) for g in near.overall], {}
    )
    assert words(same)[2] == (
        "No number of seeds tells it from local_search: there is no difference."
    )
    assert words(far)[2] == (
        "It can be told from all of them; from the nearest, random_search, 40 seeds"
        " would do four times in five."
    )


def test_what_is_not_known_is_not_told():
    nothing = {"mean": math.nan, "low": math.nan, "high": math.nan, "needed": None}
    said = words(Against("random_search", gaps(NOT, NOT, NOT, NOT, **nothing), {}))
    assert said[1].startswith("My cannot be compared with random_search")
    assert "cannot be said" in said[2]
    assert "nan" not in " ".join(said)


def test_thinking_is_told_in_milliseconds_and_beside_evolution():
    drawing = Against("random_search", gaps(*["better"] * 4), {})
    times = {
        "My": Thinking(0.003, 0.0045),
        "regularized_evolution": Thinking(0.002, 1.0),
    }
    assert words(drawing, thinking=times)[-1] == (
        "To propose a trial, and to be told, takes it 3 ms (median of runs; mean 4.5"
        " ms), 1.5 times what regularized_evolution takes."
    )


def test_points_have_the_digits_that_can_be_told():
    spelled = [points(e) for e in (0.0123, -0.0032, 0.00083, -0.000012, 0.0)]
    assert spelled == ["1.23", "-0.32", "0.083", "-0.0012", "0.00"]
