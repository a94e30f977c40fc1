"""Several objectives and constraints: dominance, fronts, rewards, incumbents."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchsuite import load
from benchsuite.core import InputError, Observation, Trial
from benchsuite.runner import Front, Rules, search
from benchsuite.strategies import STRATEGIES
from benchsuite.strategies.nsga2 import NSGA2
from benchsuite.strategies.pareto import crowding, figures, ranks, violation
from benchsuite.strategies.random_scalarization import normalized, tchebycheff
from benchsuite.strategies.shaped import deb, mnasnet, tunas
from tests.toys import Additive, Script, Watched, rng

points = st.lists(
    st.tuples(*[st.integers(0, 5)] * 3, st.sampled_from([0, 0, 1, 2, math.inf])),
    min_size=1,
    max_size=25,
)


def seen(error, **metrics):
    return Observation(error, 1.0, metrics)


def dominates(one, other):
    """Deb's rule, by its words."""
    (*a, excess), (*b, more) = one, other
    if excess != more:
        return excess < more
    return all(x <= y for x, y in zip(a, b, strict=True)) and a != b


@given(points)
def test_fronts_are_those_of_peeling_off_what_nobody_dominates(rows):
    """Brute force over all pairs."""
    left, front, expected = set(range(len(rows))), 0, {}
    while left:
        best = {n for n in left if not any(dominates(rows[m], rows[n]) for m in left)}
        expected.update(dict.fromkeys(best, front))
        left, front = left - best, front + 1
    table = np.array(rows, dtype=float)
    found = ranks(table[:, :3], table[:, 3])
    assert found.tolist() == [expected[n] for n in range(len(rows))]


def test_fronts_and_crowding_equal_pymoos():
    nds = pytest.importorskip("pymoo.util.nds.non_dominated_sorting")
    metrics = pytest.importorskip("pymoo.operators.survival.rank_and_crowding.metrics")
    values = rng(0).random((200, 3))
    found = ranks(values, np.zeros(200))
    fronts = nds.NonDominatedSorting().do(values)
    assert [sorted(front.tolist()) for front in fronts] == [
        np.flatnonzero(found == n).tolist() for n in range(found.max() + 1)
    ]
    for front in fronts:
        theirs = metrics.get_crowding_function("cd").do(values[front])
        np.testing.assert_allclose(crowding(values[front]) / 3, theirs)


def test_crowding_of_equals_and_of_few_is_not_nan():
    assert crowding(np.ones((5, 2))).tolist() == [math.inf, 0, 0, 0, math.inf]
    assert crowding(np.array([[1.0, math.inf]])).tolist() == [math.inf]
    assert not np.isnan(crowding(np.array([[0, math.inf], [1, 2], [2, 1.0]]))).any()


def test_what_is_missing_counts_as_the_worst():
    assert figures(seen(0.5, latency=math.nan), ("latency", "error")) == [math.inf, 0.5]
    assert violation(seen(0.5, latency=math.nan), {"latency": 3.0}) == math.inf
    assert violation(seen(0.5, latency=2.0), {"latency": 3.0}) == 0
    assert violation(seen(0.5, a=6.0, b=3.0), {"a": 3.0, "b": 2.0}) == 1.5


@given(points)
def test_the_front_of_a_search_is_what_nobody_dominates(rows):
    """Of all that meets the constraint; each new member is told when it comes."""
    front = Front(("error", "a", "b"), {"c": 1.0})
    taken = [
        front.takes(9, seen(float(x), a=float(y), b=float(z), c=float(c)))
        for x, y, z, c in rows
    ]
    allowed = [row[:3] for row in rows if row[3] <= 1]
    best = {
        row
        for row in allowed
        if not any(dominates((*other, 0), (*row, 0)) for other in allowed)
    }
    assert {row[:3] for row, new in zip(rows, taken, strict=True) if new} >= best
    for n, (row, new) in enumerate(zip(rows, taken, strict=True)):
        earlier = [r[:3] for r in rows[:n] if r[3] <= 1]
        covered = any(all(np.less_equal(e, row[:3])) for e in earlier)
        assert new == (row[3] <= 1 and not covered)


def test_longer_training_starts_a_front_of_its_own():
    front = Front(("error", "a"), {})
    assert front.takes(1, seen(0.1, a=1.0))
    assert front.takes(3, seen(0.5, a=5.0))
    assert not front.takes(1, seen(0.0, a=0.0))
    assert front.takes(3, seen(0.5, a=4.0))
    assert not front.takes(3, seen(math.inf, a=0.0))
    assert not front.takes(3, seen(math.nan, a=0.0))


class Metered(Additive):
    """Additive, with two metrics: the sum of the options, and how many are not 0."""

    metrics = ("size", "used")

    def evaluate(self, trial, seed):
        observation = super().evaluate(trial, seed)
        size, used = float(sum(trial.arch)), float(np.count_nonzero(trial.arch))
        return observation._replace(metrics={"size": size, "used": used})


def test_rules_name_objectives_and_constraints():
    rules = Rules(objectives=("error", "size"), constraints={"used": 3.0}, trials=9)
    assert str(rules) == "trials=9 objectives=error&size constraints=used<3"
    assert Rules.parse(str(rules).replace(" ", ",")) == rules
    for wrong in (
        {"objectives": ()},
        {"objectives": ("error", "error")},
        {"constraints": {"used": math.nan}},
        {"constraints": {"used": math.inf}},
    ):
        with pytest.raises(InputError, match=r"are different names|by a number"):
            Rules(**wrong)
    with pytest.raises(InputError, match=r"limits, metric<number, not 'used>3'"):
        Rules.parse("constraints=used>3")


def test_a_search_yields_only_what_meets_the_constraints():
    toy = Metered()
    archs = [(3, 3, 3, 3, 3), (0, 0, 0, 0, 0), (1, 0, 0, 0, 0), (1, 1, 0, 0, 0)]
    script = Script(*(Trial(arch, 27) for arch in archs))
    rules = Rules(trials=4, constraints={"size": 2.0})
    found = [i.arch for i in search(script, toy, rules, seed=0)]
    everything = [toy.evaluate(Trial(arch, 27), 0).error for arch in archs[1:]]
    assert found[0] == archs[1]
    assert found[-1] == archs[1:][int(np.argmin(everything))]
    assert len(script.told) == 4  # what breaks a constraint is paid for and told


@pytest.mark.parametrize("name", ["nsga2", "random_scalarization"])
def test_the_whole_front_of_a_small_space_is_found(name):
    """Brute force over all 256 architectures; 1,500 trials, five seeds."""
    toy = Metered(decisions=4, epochs=1)
    exact = Front(("error", "size"), {})
    archs = list(toy.space)
    for arch in archs:
        exact.takes(1, toy.evaluate(Trial(arch, 1), 0))
    best = {tuple(member) for member in exact._members}
    for seed in range(5):
        strategy = STRATEGIES[name](
            toy.space, toy.epochs, rng(seed), objectives=("error", "size")
        )
        rules = Rules(trials=1500, objectives=("error", "size"))
        found = search(strategy, toy, rules, seed=0)
        members = {(i.error, i.metrics["size"]) for i in found}
        assert len(best & members) >= 0.9 * len(best)


def test_nsga2_finds_the_exact_front_of_nas_bench_201_by_error_and_latency():
    """At least nine tenths of the volume that the brute-force front dominates."""
    from benchsuite.report.fronts import Scale

    benchmark = load("nb201/cifar10")
    scale = Scale(benchmark.figures(["error", "latency"]))
    strategy = NSGA2(
        benchmark.space, benchmark.epochs, rng(1), objectives=("error", "latency")
    )
    rules = Rules(trials=2000, objectives=("error", "latency"))
    found = [
        (benchmark.reported_error(i.arch, 0), i.metrics["latency"])
        for i in search(strategy, benchmark, rules, seed=0)
    ]
    volume, distance, members = scale.judge(np.array(found))
    assert volume > 0.9
    assert distance < 0.05
    assert members > 5


def test_nsga2_asks_for_no_two_isomorphic_architectures():
    benchmark = load("nb201/cifar10")
    watched = Watched(NSGA2(benchmark.space, benchmark.epochs, rng(0)))
    list(search(watched, benchmark, Rules(trials=1000), seed=0))
    classes = [benchmark.space.canonical(trial.arch) for trial in watched.asked]
    assert len(set(classes)) == 1000


def test_nsga2_keeps_the_feasible_first_and_then_the_least_infeasible():
    toy = Metered()
    strategy = NSGA2(
        toy.space, (1,), rng(0), population_size=4, constraints={"size": 6.0}
    )
    rules = Rules(trials=400, constraints={"size": 6.0})
    list(search(strategy, toy, rules, seed=0))
    strategy._select()
    sizes = [sum(arch) for arch, *_ in strategy._population]
    assert all(size <= 6 for size in sizes)


def test_a_population_larger_than_the_space_is_cut_to_it():
    toy = Metered(decisions=2, options=2, epochs=1)
    watched = Watched(NSGA2(toy.space, toy.epochs, rng(0)))
    list(search(watched, toy, Rules(trials=30), seed=0))
    assert {trial.arch for trial in watched.asked[:4]} == set(toy.space)
    assert len(watched.asked) == 30


def test_scalarization_by_hand():
    values = np.array([[0.0, 1.0], [1.0, 0.0], [0.4, 0.4]])
    assert tchebycheff(values, np.array([0.5, 0.5])).argmin() == 2
    assert tchebycheff(values, np.array([1.0, 0.0])).argmin() == 0
    scaled = normalized(np.array([[2.0, 5.0], [4.0, math.inf], [3.0, 7.0]]))
    np.testing.assert_array_equal(scaled, [[0, 0], [1, 1], [0.5, 1]])
    assert (normalized(np.full((3, 2), math.inf)) == 1).all()


def test_deb_orders_feasible_before_infeasible():
    limits = {"latency": 2.0}
    told = [
        deb(seen(0.1, latency=2.0), limits),
        deb(seen(0.9, latency=1.0), limits),
        deb(seen(0.0, latency=2.5), limits),
        deb(seen(0.0, latency=6.0), limits),
    ]
    assert told == [0.1, 0.9, 1.25, 3.0]


def test_mnasnet_and_tunas_by_hand():
    """acc (c/b)^w with w = -.07; error + .07 |c/b - 1|."""
    limits = {"latency": 10.0}
    assert mnasnet(seen(0.2, latency=20.0), limits) == pytest.approx(1 - 0.8 * 2**-0.07)
    assert mnasnet(seen(0.2, latency=5.0), limits) == pytest.approx(1 - 0.8 * 2**0.07)
    assert tunas(seen(0.2, latency=20.0), limits) == pytest.approx(0.27)
    assert tunas(seen(0.2, latency=5.0), limits) == pytest.approx(0.235)
    assert mnasnet(seen(0.2, latency=math.nan), limits) == 1
    assert tunas(seen(0.2, latency=math.nan), limits) == math.inf


@pytest.mark.parametrize(
    "name",
    ["regularized_evolution_deb", "regularized_evolution_mnasnet", "reinforce_tunas"],
)
def test_without_constraints_nothing_is_shaped(name, toy):
    """The same trajectory as the strategy inside."""
    inside = name.rpartition("_")[0]
    asked = []
    for make in (STRATEGIES[name], STRATEGIES[inside]):
        watched = Watched(make(toy.space, toy.epochs, rng(3)))
        list(search(watched, toy, Rules(trials=200), seed=0))
        asked.append(watched.asked)
    assert asked[0] == asked[1]


def test_debs_rule_finds_feasible_architectures_where_plain_evolution_does_not():
    """Of the last 100 of 800 trials; the constraint excludes the optimum."""
    toy = Metered()
    limits = {"size": 4.0}
    shares = {}
    for name in ("regularized_evolution_deb", "regularized_evolution"):
        total = 0
        for seed in range(5):
            given = {"constraints": limits} if name.endswith("deb") else {}
            watched = Watched(
                STRATEGIES[name](toy.space, toy.epochs, rng(seed), **given)
            )
            list(search(watched, toy, Rules(trials=800), seed=0))
            total += sum(sum(trial.arch) <= 4 for trial in watched.asked[-100:])
        shares[name] = total / 500
    assert sum(toy.best) > 4
    assert shares["regularized_evolution_deb"] > 2 * shares["regularized_evolution"]
