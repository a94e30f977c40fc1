"""What each strategy's paper says that it does, step by step."""

import itertools
import math
from collections import Counter, deque

import numpy as np
import pytest

from benchsuite.core import Observation, Trial
from benchsuite.runner import Rules, search
from benchsuite.strategies.local_search import LocalSearch
from benchsuite.strategies.random_search import RandomSearch
from benchsuite.strategies.regularized_evolution import RegularizedEvolution
from benchsuite.strategies.reinforce import Reinforce
from benchsuite.strategies.successive_halving import (
    Bracket,
    SuccessiveHalving,
    rungs,
)
from tests.toys import NOTHING, Additive, Distinct, Diverging, Watched, rng

WIDE = Additive(decisions=60, options=2)  # strangers differ in some 30 decisions


def seen(error):
    return Observation(error, 1.0, NOTHING)


def distance(a, b):
    return sum(x != y for x, y in zip(a, b, strict=True))


def run(strategy, benchmark, *, workers=1, **rules):
    watched = Watched(strategy)
    list(search(watched, benchmark, Rules(workers=workers, **rules), seed=0))
    return watched


def test_random_search_draws_uniformly_with_replacement(toy):
    """1,024 architectures, 50,000 draws: chi-square within 5 sigma of its mean."""
    watched = run(RandomSearch(toy.space, toy.epochs, rng()), toy, trials=50_000)
    counts = np.array(list(Counter(t.arch for t in watched.asked).values()))
    expected = 50_000 / 1024
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert len(counts) == 1024
    assert abs(chi_square - 1023) < 5 * math.sqrt(2 * 1023)


def test_evolution_is_algorithm_1_to_the_letter(toy):
    """The paper's loop, member by member, with the same draws."""
    space, source = toy.space, rng(3)
    population, history = deque(), []
    while len(history) < 300:
        if len(population) < 20:
            child = space.sample(source)
        else:
            draws = [int(20 * u) for u in source.random(5)]
            parent = None
            for n in draws:
                if parent is None or population[n][0] < parent[0]:
                    parent = population[n]
            child = space.mutate(parent[1], source)
        error = toy.evaluate(Trial(child, 27), 0).error
        population.append((error, child))
        history.append(child)
        if len(population) > 20:
            population.popleft()
    strategy = RegularizedEvolution(
        space, toy.epochs, rng(3), population_size=20, sample_size=5
    )
    watched = run(strategy, toy, trials=300)
    assert [trial.arch for trial in watched.asked] == history


@pytest.mark.parametrize("workers", [1, 8])
def test_evolution_mutates_a_living_member_in_one_decision(workers, toy):
    strategy = RegularizedEvolution(
        toy.space, toy.epochs, rng(), population_size=10, sample_size=3
    )
    watched = Watched(strategy)
    told_before = []
    ask = watched.ask

    def ask_and_note():
        told_before.append(len(watched.told))
        return ask()

    watched.ask = ask_and_note
    list(search(watched, toy, Rules(trials=400, workers=workers), seed=0))
    for trial, told in zip(watched.asked[10:], told_before[10:], strict=False):
        living = [t.arch for t, _ in watched.told[max(0, told - 10) : told]]
        assert 1 in [distance(trial.arch, arch) for arch in living]


@pytest.mark.parametrize("others", [0.5, math.inf])
def test_evolution_lets_the_best_go_when_it_is_the_oldest(others):
    """A sample of 400 misses one of five with probability .8^400 < 10^-38."""
    strategy = RegularizedEvolution(
        WIDE.space, WIDE.epochs, rng(), population_size=5, sample_size=400
    )
    first = [strategy.ask() for _ in range(5)]
    best = first[3]  # but it finishes first, and age counts from there
    strategy.tell(best, seen(0.1))
    for trial in first:
        if trial is not best:
            assert distance(strategy.ask().arch, best.arch) == 1
            strategy.tell(trial, seen(others))
    assert distance(strategy.ask().arch, best.arch) == 1
    stranger = Trial(WIDE.space.sample(rng(9)), 27)
    strategy.tell(stranger, seen(others))
    assert distance(strategy.ask().arch, best.arch) > 1


def test_evolution_waits_for_nothing_and_mutates_whom_it_knows():
    strategy = RegularizedEvolution(WIDE.space, WIDE.epochs, rng(), population_size=4)
    strangers = [strategy.ask() for _ in range(7)]  # nothing to mutate yet
    for a, b in itertools.combinations(strangers, 2):
        assert distance(a.arch, b.arch) > 10
    strategy.tell(strangers[5], seen(0.5))
    assert distance(strategy.ask().arch, strangers[5].arch) == 1


def test_evolution_draws_its_sample_with_replacement():
    """P = 4, S = 2: the r-th best wins if none of two draws is better.

    That is ((4 - r + 1)^2 - (4 - r)^2) / 16; without replacement it would be 1/2, 1/3,
    1/6, 0. Chi-square with 3 degrees of freedom is above 25 for 1 seed in 50,000.
    """
    strategy = RegularizedEvolution(
        WIDE.space, WIDE.epochs, rng(), population_size=4, sample_size=2
    )
    members = [strategy.ask() for _ in range(4)]
    for rank, trial in enumerate(members):
        strategy.tell(trial, seen(rank / 10))
    n, wins = 16_000, Counter()
    for _ in range(n):
        child = strategy.ask().arch
        wins[min(range(4), key=lambda r: distance(child, members[r].arch))] += 1
    expected = [n * share / 16 for share in (7, 5, 3, 1)]
    assert sum((wins[r] - e) ** 2 / e for r, e in enumerate(expected)) < 25


def test_evolution_starts_with_one_random_population_however_many_workers(toy):
    class Counting:
        def __init__(self, space):
            self.space, self.samples, self.choices = space, 0, space.choices

        def sample(self, source):
            self.samples += 1
            return self.space.sample(source)

        def mutate(self, arch, source):
            return self.space.mutate(arch, source)

    for workers in (1, 8, 50):
        space = Counting(toy.space)
        strategy = RegularizedEvolution(space, toy.epochs, rng(), population_size=60)
        run(strategy, toy, trials=300, workers=workers)
        assert space.samples == 60


def test_of_equal_members_evolution_prefers_none():
    """Six equal members: each is the parent a sixth of the time (5 sigma)."""
    flat = Additive(decisions=6, options=6)
    strategy = RegularizedEvolution(
        flat.space, flat.epochs, rng(), population_size=6, sample_size=3
    )
    members = [(n,) * 6 for n in range(6)]
    for _ in members:
        strategy.ask()
    for arch in members:
        strategy.tell(Trial(arch, 27), seen(0.5))
    parents = Counter()
    for _ in range(30_000):
        child = strategy.ask().arch
        parents[Counter(child).most_common(1)[0][0]] += 1
    assert {n: c / 30_000 for n, c in parents.items()} == pytest.approx(
        dict.fromkeys(range(6), 1 / 6), abs=5 * math.sqrt(5 / 36 / 30_000)
    )


def test_local_search_reaches_the_optimum_in_one_descent_from_anywhere():
    toy = Additive(decisions=3, options=4)

    class From(LocalSearch):
        """Starts where it is told to."""

        start = None

        def _restart(self):
            if self._known:
                self.over = True  # a second descent would begin
                self._candidates, self._queue, self._missing = [], [], 1
            else:
                self._error = math.inf
                self._look_at([self.start])

    for From.start in toy.space:
        strategy = From(toy.space, toy.epochs, rng(), initial=1)
        watched = run(strategy, toy)
        best = min(watched.told, key=lambda told: told[1].error)[0].arch
        assert strategy.over
        assert best == toy.best


def test_local_search_is_algorithm_1():
    """Descent by descent, with the neighbourhoods as sets: their order is random."""
    benchmark = Distinct()
    watched = run(LocalSearch(benchmark.space, benchmark.epochs, rng(1)), benchmark)
    asked = iter([trial.arch for trial in watched.asked])
    known, lengths = {}, []
    while len(known) < 1024:
        starts = set(itertools.islice(asked, min(10, 1024 - len(known))))
        assert len(starts) == min(10, 1024 - len(known))
        candidates, here, moves = starts, None, -1
        while True:
            fresh = {arch for arch in candidates if arch not in known}
            assert here is None or set(itertools.islice(asked, len(fresh))) == fresh
            known |= {a: benchmark.evaluate(Trial(a, 27), 0).error for a in fresh}
            best = min(candidates, key=known.get)
            if here is not None and known[best] >= known[here]:
                break
            here, moves = best, moves + 1
            candidates = list(benchmark.space.neighbors(here))
        lengths.append(moves)
    assert next(asked, None) is None
    assert len(lengths) > 3
    assert max(lengths) >= 2


def test_local_search_waits_only_for_the_rest_of_a_neighbourhood(toy):
    strategy = LocalSearch(toy.space, toy.epochs, rng(), initial=3)
    for size in (3, 15, 12):  # from the second on, what is new around the next
        running = list(iter(strategy.ask, None))
        assert len(running) == size
        while running:
            assert strategy.ask() is None
            trial = running.pop()
            strategy.tell(trial, toy.evaluate(trial, 0))


def test_local_search_looks_at_neighbours_in_random_order(toy):
    """Not in the space's own, and not the same for every seed."""
    orders = set()
    for seed in range(5):
        strategy = LocalSearch(toy.space, toy.epochs, rng(seed), initial=1)
        watched = run(strategy, toy, trials=16)
        start, *near = [trial.arch for trial in watched.asked]
        places = [list(toy.space.neighbors(start)).index(arch) for arch in near]
        orders.add(tuple(places))
        assert sorted(places) == list(range(15))
    assert len(orders) == 5
    assert tuple(range(15)) not in orders


@pytest.mark.parametrize("workers", [1, 5])
def test_local_search_trains_nothing_twice_and_ends_with_the_space(workers, toy):
    strategy = LocalSearch(toy.space, toy.epochs, rng(2))
    watched = run(strategy, toy, workers=workers)
    assert len(watched.told) == len({t.arch for t, _ in watched.told}) == 1024


def test_reinforce_advantages_are_the_hand_computed_ones(toy):
    strategy = Reinforce(toy.space, toy.epochs, rng())
    advantages = [strategy._advantage(reward) for reward in (10.0, 20.0, 30.0)]
    assert advantages == pytest.approx([0.0, 4.7368, 9.2989], abs=5e-5)


@pytest.mark.parametrize("error", [0.0, 0.1, 0.3, 0.4567, 1.0, math.inf])
def test_reinforce_learns_nothing_from_the_first_outcome(error, toy):
    strategy = Reinforce(toy.space, toy.epochs, rng())
    before = strategy._theta.copy()
    strategy.tell(strategy.ask(), seen(error))
    np.testing.assert_array_equal(strategy._theta, before)
    strategy.tell(strategy.ask(), seen(0.2))
    assert (strategy._theta != before).all()


def test_reinforce_takes_divergence_for_a_reward_of_zero(toy):
    diverged, hopeless = (Reinforce(toy.space, toy.epochs, rng()) for _ in range(2))
    for error in (0.3, math.inf, 0.2, 0.4, math.inf):
        diverged.tell(diverged.ask(), seen(error))
        hopeless.tell(hopeless.ask(), seen(min(error, 1.0)))
    assert (diverged._theta == hopeless._theta).all()


@pytest.mark.parametrize("workers", [1, 8])
def test_reinforce_is_adam_on_the_numerical_gradient_of_its_loss(workers, toy):
    """50 steps on -sum log softmax(theta)[a] (r - b), with finite differences.

    With several workers, theta is that of the moment when the outcome is told.
    """

    def loss(theta, arch, advantage):
        logs = theta - np.log(np.exp(theta).sum(axis=1, keepdims=True))
        return -advantage * logs[np.arange(len(arch)), arch].sum()

    strategy = Reinforce(toy.space, toy.epochs, rng(5))
    theta = strategy._theta.copy()
    assert abs(theta).max() < 1e-2  # 1e-3 N(0, 1)
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    rewards, h = [], 1e-6
    running = [strategy.ask() for _ in range(workers - 1)]
    for t in range(1, 51):
        running.append(strategy.ask())
        trial = running.pop(5 * t % workers)  # whichever finishes
        observation = toy.evaluate(trial, 0)
        strategy.tell(trial, observation)
        rewards.append(100 * (1 - observation.error))
        weights = 0.9 ** np.arange(t)[::-1]
        advantage = rewards[-1] - weights @ rewards / weights.sum()
        gradient = np.zeros_like(theta)
        for place in np.ndindex(theta.shape):
            step = np.zeros_like(theta)
            step[place] = h
            rise = loss(theta + step, trial.arch, advantage)
            gradient[place] = (rise - loss(theta - step, trial.arch, advantage)) / (
                2 * h
            )
        m = 0.9 * m + 0.1 * gradient
        v = 0.999 * v + 0.001 * gradient**2
        theta = theta - 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        np.testing.assert_allclose(strategy._theta, theta, atol=1e-6)


def test_reinforce_concentrates_on_the_optimum(toy):
    strategy = Reinforce(toy.space, toy.epochs, rng(), learning_rate=0.05)
    run(strategy, toy, trials=3000)
    chosen = strategy._policy.argmax(axis=1)
    assert tuple(chosen.tolist()) == toy.best
    assert strategy._policy.max(axis=1).min() > 0.9


def test_reinforce_samples_its_policy(toy):
    """5 decisions x 4 options, 20,000 draws each: 5 sigma is at most .018."""
    strategy = Reinforce(toy.space, toy.epochs, rng(1))
    strategy._theta = rng(2).normal(size=(5, 4))
    strategy._refresh()
    drawn = np.array([strategy.ask().arch for _ in range(20_000)])
    for d in range(5):
        share = np.bincount(drawn[:, d], minlength=4) / 20_000
        np.testing.assert_allclose(share, strategy._policy[d], atol=0.018)
    weights = np.exp(rng(2).normal(size=(5, 4)))
    expected = weights / weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(strategy._policy, expected)


@pytest.mark.parametrize(
    ("epochs", "eta", "expected"),
    [
        (range(1, 13), 3, [1, 4, 12]),  # budgets 1.33, 4, 12
        ((4, 12, 36, 108), 3, [4, 12, 36, 108]),
        (range(1, 201), 3, [2, 7, 22, 66, 200]),
        (range(1, 10), 3, [1, 3, 9]),
        ((12, 200), 3, [12, 200]),  # 22 and 66 fall on 12
        ((200,), 3, [200]),
    ],
)
def test_rungs_are_spaced_by_eta(epochs, eta, expected):
    assert rungs(tuple(epochs), eta) == expected


@pytest.mark.parametrize("workers", [1, 8])
def test_halving_promotes_the_best_third_of_each_rung_best_first(workers):
    benchmark = Distinct()
    strategy = SuccessiveHalving(benchmark.space, benchmark.epochs, rng())
    watched = run(strategy, benchmark, trials=27 + 9 + 3 + 1, workers=workers)
    rungs = [27, 9, 3, 1]
    starts = itertools.accumulate(rungs, initial=0)
    archs = [trial.arch for trial in watched.asked]
    for start, size, epochs in zip(starts, rungs, (1, 3, 9, 27), strict=False):
        rung = watched.asked[start : start + size]
        assert [trial.epochs for trial in rung] == [epochs] * size
        ranked = sorted(rung, key=lambda t: benchmark.evaluate(t, 0).error)
        next_rung = archs[start + size : start + size + size // 3]
        assert [trial.arch for trial in ranked[: size // 3]] == next_rung


def climb(bracket, error):
    """Train a bracket to its end; what was asked for, rung by rung."""
    asked = []
    while bracket:
        trial = bracket.ask()
        asked.append(trial)
        bracket.tell(trial, seen(error(trial)))
    return [
        [trial.arch for trial in rung]
        for _, rung in itertools.groupby(asked, key=lambda trial: trial.epochs)
    ]


def test_a_rung_has_room_for_an_etath_rounded_down():
    archs = [(n,) for n in range(20)]
    rungs = climb(Bracket(archs, (1, 3, 9, 27), 3), lambda trial: trial.arch[0] / 20)
    assert rungs[1:] == [[(n,) for n in range(6)], [(0,), (1,)]]  # 20, 6, 2, 0


def test_divergence_below_does_not_shrink_the_rungs_above():
    archs = [(n,) for n in range(27)]
    rungs = climb(
        Bracket(archs, (1, 3, 9, 27), 3),
        lambda trial: trial.arch[0] / 27 if trial.arch[0] < 4 else math.inf,
    )
    assert [len(rung) for rung in rungs] == [27, 4, 3, 1]  # nine and three have room


def test_of_equal_trials_the_first_to_finish_is_promoted():
    bracket = Bracket([(n,) for n in range(9)], (1, 3), 3)
    running = list(iter(bracket.ask, None))
    order = [running[n] for n in (4, 0, 8, 2, 6, 1, 3, 5, 7)]
    for trial in order:
        bracket.tell(trial, seen(0.5))
    assert list(iter(bracket.ask, None)) == [(trial.arch, 3) for trial in order[:3]]


def test_halving_starts_anew_where_everything_diverges(toy):
    strategy = SuccessiveHalving(toy.space, toy.epochs, rng())
    watched = run(strategy, Diverging(toy, 1), trials=60)
    assert {trial.epochs for trial in watched.asked} == {1}


@pytest.mark.parametrize("workers", [1, 8])
def test_halving_on_one_fidelity_is_random_search(workers, toy):
    rules = {"trials": 60, "workers": workers}
    halving = run(SuccessiveHalving(toy.space, (27,), rng(4)), toy, **rules)
    random = run(RandomSearch(toy.space, (27,), rng(4)), toy, **rules)
    assert halving.told == random.told
    assert halving.waits == random.waits == 0


def test_halving_starts_the_next_bracket_beside_the_last_rung():
    strategy = SuccessiveHalving(WIDE.space, (1, 3), rng())
    for n in range(3):
        strategy.tell(strategy.ask(), seen(n / 10))
    winner = strategy.ask()
    assert winner.epochs == 3
    below = [strategy.ask() for _ in range(3)]
    assert [trial.epochs for trial in below] == [1, 1, 1]
    assert strategy.ask() is None
    strategy.tell(below[0], seen(0.2))
    strategy.tell(winner, seen(0.0))  # late, and of the bracket before
    strategy.tell(below[1], seen(0.3))
    assert strategy.ask() is None
    strategy.tell(below[2], seen(0.1))
    assert strategy.ask() == (below[2].arch, 3)


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (RegularizedEvolution, {"population_size": 0}),
        (RegularizedEvolution, {"sample_size": 0}),
        (LocalSearch, {"initial": 0}),
        (Reinforce, {"learning_rate": 0.0}),
        (Reinforce, {"momentum": 1.0}),
        (SuccessiveHalving, {"eta": 1}),
    ],
)
def test_settings_without_sense_are_refused(make, settings, toy):
    with pytest.raises(ValueError, match=r"must be .*, not"):
        make(toy.space, toy.epochs, rng(), **settings)
