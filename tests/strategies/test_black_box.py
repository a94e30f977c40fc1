"""NATS's evolution, simulated annealing, the genetic algorithm and the warm start."""

import itertools
import math
from collections import Counter
from functools import partial

import numpy as np
import pytest

from benchsuite.core import Observation, Trial
from benchsuite.runner import Rules, search
from benchsuite.spaces import NATS_SSS, NATS_TSS, NB101, SearchSpace
from benchsuite.strategies import STRATEGIES
from benchsuite.strategies.genetic_algorithm import GeneticAlgorithm
from benchsuite.strategies.move_proposal import MoveProposal
from benchsuite.strategies.regularized_evolution import RegularizedEvolution
from benchsuite.strategies.simulated_annealing import SimulatedAnnealing
from benchsuite.strategies.warm_start import WarmStart
from tests.toys import NOTHING, Additive, Watched, rng

WIDE = SearchSpace("wide", (("a", "b"),) * 60)  # strangers differ in some 30 decisions


def seen(error):
    return Observation(error, 1.0, NOTHING)


def distance(a, b):
    return sum(x != y for x, y in zip(a, b, strict=True))


def run(strategy, error, trials):
    """Run a strategy alone; list what it trained."""
    asked = []
    for _ in range(trials):
        trial = strategy.ask()
        asked.append(trial.arch)
        strategy.tell(trial, seen(error(trial.arch)))
    return asked


def chi_square(counts, expected):
    return sum((n - e) ** 2 / e for n, e in zip(counts, expected, strict=True))


def test_nats_evolution_draws_a_node_and_then_an_edge_into_it():
    """Edges 1/3, 1/6, 1/6, 1/9, 1/9, 1/9, each of four other operations alike.

    72,000 children of one cell; chi-square of 24 outcomes within 5 sigma of 23.
    """
    strategy = STRATEGIES["regularized_evolution_nats"](NATS_TSS, (12,), rng())
    parent = (0, 1, 2, 3, 4, 0)
    for _ in range(10):
        strategy.ask()
        strategy.tell(Trial(parent, 12), seen(0.5))
    children = Counter(strategy.ask().arch for _ in range(72_000))
    assert set(children) == set(NATS_TSS.neighbors(parent))
    shares = (1 / 3, 1 / 6, 1 / 6, 1 / 9, 1 / 9, 1 / 9)
    counts, expected = [], []
    for child, n in children.items():
        (edge,) = [e for e in range(6) if child[e] != parent[e]]
        counts.append(n)
        expected.append(72_000 * shares[edge] / 4)
    assert abs(chi_square(counts, expected) - 23) < 5 * math.sqrt(2 * 23)


def test_nats_evolution_may_draw_the_same_width_again():
    """One layer of five, one width of eight: 40 draws, of which five change nothing.

    40,000 children; chi-square of 36 outcomes within 5 sigma of 35.
    """
    parent, source = (0, 1, 2, 6, 7), rng(1)
    children = Counter(
        NATS_SSS.mutate_as_published(parent, source) for _ in range(40_000)
    )
    assert set(children) == {parent, *NATS_SSS.neighbors(parent)}
    counts = [children[arch] for arch in children]
    expected = [5_000 if arch == parent else 1_000 for arch in children]
    assert abs(chi_square(counts, expected) - 35) < 5 * math.sqrt(2 * 35)


def test_elsewhere_nats_evolution_is_the_paper_s_with_ten_and_three(toy):
    def asked(make):
        strategy = make(toy.space, (27,), rng(5))
        return run(strategy, lambda arch: toy.reported_error(arch, 0), 200)

    plain = partial(RegularizedEvolution, population_size=10, sample_size=3)
    assert asked(STRATEGIES["regularized_evolution_nats"]) == asked(plain)


def test_evolution_trains_what_it_is_to_start_from_in_order():
    first = [WIDE.sample(rng(n)) for n in range(5)]
    strategy = RegularizedEvolution(
        WIDE, (1,), rng(), population_size=3, sample_size=1, first=first
    )
    asked = run(strategy, lambda _: 0.5, 4)
    assert asked[:3] == first[:3]  # no more than a population
    assert 1 in [distance(asked[3], arch) for arch in first[:3]]
    fewer = RegularizedEvolution(WIDE, (1,), rng(9), population_size=3, first=first[:1])
    newcomers = run(fewer, lambda _: 0.5, 3)
    assert newcomers[0] == first[0]
    assert all(distance(a, b) > 10 for a, b in itertools.combinations(newcomers, 2))


def test_annealing_at_a_constant_temperature_samples_boltzmann_s_distribution():
    """Each option b costs .01, so b has the share 1 / (1 + exp(.01 / T)).

    T is the deviation of the first errors. 30,000 steps over 30 decisions are some 500
    independent draws of 30 shares, so .02 is over 4 sigma.
    """
    space = SearchSpace("spins", (("a", "b"),) * 30)
    strategy = SimulatedAnnealing(space, (1,), rng(2), cooling=1.0)
    asked = run(strategy, lambda arch: 0.01 * sum(arch), 30_000)
    temperature = np.std([0.01 * sum(arch) for arch in asked[:10]])
    share = 1 / (1 + math.exp(0.01 / temperature))
    assert 0.2 < share < 0.48  # neither frozen nor all alike
    proposed = np.mean(asked[1_000:])  # one of 30 decisions is flipped in a proposal
    assert abs(proposed - (share + (1 - 2 * share) / 30)) < 0.02


def test_annealing_is_metropolis_with_a_geometric_temperature(toy):
    """The loop of the docstring, step by step, with the same draws."""
    source, initial, cooling, changes = rng(4), 5, 0.97, 15

    def error(arch):
        return toy.reported_error(arch, 0)

    history = []
    while len(history) < 400:
        newcomers = [toy.space.sample(source) for _ in range(initial)]
        history += newcomers
        current = min(reversed(newcomers), key=error)  # of equals, the last
        temperature, rejected = np.std([error(a) for a in newcomers]), 0
        while rejected < changes and len(history) < 400:
            child = toy.space.mutate(current, source)
            history.append(child)
            worse = error(child) - error(current)
            if worse <= 0 or source.random() < math.exp(-worse / temperature):
                current, rejected = child, 0
            else:
                rejected += 1
            temperature *= cooling
    strategy = SimulatedAnnealing(
        toy.space, (27,), rng(4), initial=initial, cooling=cooling
    )
    assert run(strategy, error, 400) == history[:400]


def test_annealing_finds_the_optimum_of_an_additive_space_and_leaves_it(toy):
    """It has one local optimum, at which the search freezes and starts again."""
    strategy = SimulatedAnnealing(toy.space, (27,), rng(6))
    asked = run(strategy, lambda arch: toy.reported_error(arch, 0), 300)
    found = asked.index(toy.best)
    assert found < 150
    assert any(distance(arch, toy.best) > 2 for arch in asked[found + 1 :])


@pytest.mark.parametrize("error", [0.5, math.inf])
def test_annealing_wanders_where_all_are_equal(error):
    asked = run(SimulatedAnnealing(WIDE, (1,), rng()), lambda _: error, 300)
    assert {distance(a, b) for a, b in itertools.pairwise(asked[12:])} <= {1, 2}
    assert distance(asked[12], asked[-1]) > 10


def test_annealing_never_waits_and_needs_no_outcome_to_go_on():
    strategy = SimulatedAnnealing(WIDE, (1,), rng(), initial=2)
    strangers = [strategy.ask() for _ in range(6)]
    for a, b in itertools.combinations(strangers, 2):
        assert distance(a.arch, b.arch) > 10
    strategy.tell(strangers[4], seen(0.5))
    assert distance(strategy.ask().arch, strangers[4].arch) == 1


def bred(error, **settings):
    """Run a first generation; return it and its children."""
    strategy = GeneticAlgorithm(WIDE, (1,), **settings)
    size = settings["population_size"]
    parents = run(strategy, error, size)
    children = [strategy.ask() for _ in range(size - settings["elite_size"])]
    assert strategy.ask() is None
    return parents, [child.arch for child in children]


def test_every_decision_mutates_with_probability_one_in_their_number():
    """The winner of 1,000 draws is the best of 20, but for .95^1000 < 10^-22.

    Changes of 1,900 children are binomial: mean 1, variance 59/60, none with .3648.
    """
    changes = []
    for seed in range(100):
        ranks = itertools.count()
        parents, children = bred(
            lambda _, ranks=ranks: next(ranks),
            rng=rng(seed),
            population_size=20,
            tournament_size=1_000,
            elite_size=1,
        )
        changes += [distance(parents[0], child) for child in children]
    n = len(changes)
    assert n == 1_900
    assert abs(np.mean(changes) - 1) < 5 * math.sqrt(59 / 60 / n)
    none = (59 / 60) ** 60
    assert abs(changes.count(0) / n - none) < 5 * math.sqrt(none * (1 - none) / n)


@pytest.mark.parametrize("rate", [0.0, 0.9])
def test_children_are_crossed_evenly_at_the_rate(rate):
    """Two parents are drawn alike: a child is of both with probability rate / 2.

    Then it takes half of the 30 or so decisions in which they differ, from either.
    """
    crossed, shares = 0, []
    for seed in range(1_000):
        (a, b), children = bred(
            lambda _: 0.5,
            rng=rng(seed),
            population_size=2,
            tournament_size=1,
            crossover_rate=rate,
            elite_size=0,
        )
        differ = [d for d in range(60) if a[d] != b[d]]
        for child in children:
            if min(distance(child, a), distance(child, b)) > 6:
                crossed += 1
                shares += [child[d] == a[d] for d in differ]
    share = rate / 2
    assert abs(crossed / 2_000 - share) <= 5 * math.sqrt(share * (1 - share) / 2_000)
    assert not shares or abs(np.mean(shares) - 0.5) < 5 * 0.5 / math.sqrt(len(shares))


def test_tournaments_are_drawn_with_replacement():
    """Of four, the r-th best wins two draws with probability 7, 5, 3 or 1 in 16.

    Chi-square with 3 degrees of freedom is above 25 for 1 seed in 50,000.
    """
    wins = Counter()
    for seed in range(2_000):
        ranks = itertools.count()
        parents, children = bred(
            lambda _, ranks=ranks: next(ranks),
            rng=rng(seed),
            population_size=4,
            tournament_size=2,
            crossover_rate=0.0,
            elite_size=0,
        )
        for child in children:
            wins[min(range(4), key=lambda r: distance(child, parents[r]))] += 1
    expected = [8_000 * share / 16 for share in (7, 5, 3, 1)]
    assert chi_square([wins[rank] for rank in range(4)], expected) < 25


def test_the_elite_breeds_on_and_is_not_trained_again():
    """The best of all is a parent for ever, whatever its children are worth."""
    strategy = GeneticAlgorithm(
        WIDE, (1,), rng(3), population_size=5, tournament_size=400, crossover_rate=0.0
    )
    first = run(strategy, lambda arch: 0.5 + sum(arch) / 1_000, 5)
    best = min(first, key=sum)
    for _ in range(10):
        children = run(strategy, lambda _: 0.9, 4)
        assert all(distance(child, best) < 10 for child in children)


def test_a_generation_waits_for_its_last_child_and_no_longer():
    strategy = GeneticAlgorithm(WIDE, (1,), rng(), population_size=6)
    running = [strategy.ask() for _ in range(6)]
    while running:
        assert strategy.ask() is None
        strategy.tell(running.pop(), seen(0.5))
    assert strategy.ask() is not None


def test_genes_of_a_constrained_space_stay_valid():
    strategy = GeneticAlgorithm(NB101, (108,), rng())
    asked = run(strategy, lambda arch: sum(arch) / 100, 300)
    assert all(arch in NB101 for arch in asked)


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (SimulatedAnnealing, {"initial": 0}),
        (SimulatedAnnealing, {"cooling": 0.0}),
        (SimulatedAnnealing, {"cooling": 1.1}),
        (GeneticAlgorithm, {"population_size": 1}),
        (GeneticAlgorithm, {"elite_size": 20}),
        (GeneticAlgorithm, {"elite_size": -1}),
        (GeneticAlgorithm, {"tournament_size": 0}),
        (GeneticAlgorithm, {"crossover_rate": 1.5}),
        (WarmStart, {"candidates": 0}),
        (WarmStart, {"candidates": 10_000}),
        (MoveProposal, {"moves": 0}),
    ],
)
def test_settings_without_sense_are_refused(make, settings, toy):
    (name,) = settings
    with pytest.raises(ValueError, match=name):
        make(toy.space, toy.epochs, rng(), **settings)


class Scored(Additive):
    """Additive; a trial of 0 epochs is free and gives the score (7 n mod 1,024).

    Here n numbers the architecture. Every 1,024th score, where that is 0, is nan.
    """

    def score(self, arch):
        return 7 * self.space.key(arch) % 1024 or math.nan

    def evaluate(self, trial, seed):
        if trial.epochs:
            return super().evaluate(trial, seed)
        return Observation(math.nan, 0.0, {"zc_synflow": self.score(trial.arch)})


@pytest.mark.parametrize("workers", [1, 8])
def test_warm_start_trains_the_best_scored_candidates_first(workers):
    scored = Scored()
    make = partial(RegularizedEvolution, population_size=30)
    strategy = WarmStart(
        scored.space, scored.epochs, rng(), candidates=200, strategy=make
    )
    watched = Watched(strategy)
    list(search(watched, scored, Rules(trials=300, workers=workers), seed=0))
    judged = {trial.arch for trial in watched.asked if not trial.epochs}
    assert len(judged) == 200
    assert all(not trial.epochs for trial in watched.asked[:200])
    first = [trial.arch for trial in watched.asked[200:230]]
    assert first == sorted(judged, key=scored.score, reverse=True)[:30]


def test_a_score_that_is_no_number_comes_last_and_a_space_may_be_small():
    """All 1,024 are drawn in ten times as many draws but for some 1 seed in 20."""
    scored = Scored()
    make = partial(RegularizedEvolution, population_size=1_024)
    strategy = WarmStart(
        scored.space, scored.epochs, rng(1), candidates=5_000, strategy=make
    )
    watched = Watched(strategy)
    list(search(watched, scored, Rules(trials=1_024), seed=0))
    assert len({trial.arch for trial in watched.asked[:1_024]}) == 1_024
    assert [trial.epochs for trial in watched.asked[1_024:]] == [27] * 1_024
    last = watched.asked[-1].arch
    assert math.isnan(scored.score(last))


def test_a_move_goes_to_the_best_scored_of_ten_mutants_each_scored_once():
    """Evolution with the same draws says which mutants those are."""
    scored, settings = Scored(), {"population_size": 5, "sample_size": 4}

    def worth(arch):
        return -math.inf if math.isnan(score := scored.score(arch)) else score

    strategy = MoveProposal(scored.space, scored.epochs, rng(3), **settings)
    watched = Watched(strategy)
    list(search(watched, scored, Rules(trials=120), seed=0))
    twin = RegularizedEvolution(scored.space, scored.epochs, rng(3), **settings)
    judged = set()
    for trial in watched.trained:
        if twin.drawing:
            expected = twin.ask().arch
        else:
            mutants = twin.children(10)
            judged.update(mutants)
            expected = max(mutants, key=worth)
        assert trial.arch == expected
        twin.tell(trial, scored.evaluate(trial, 0))
    asked = [trial.arch for trial in watched.asked if not trial.epochs]
    assert len(asked) == len(set(asked))
    assert set(asked) == judged


def test_moves_are_made_with_many_workers_too():
    """Every other training is a mutation; only scores in flight are waited for."""
    scored = Scored()
    strategy = MoveProposal(scored.space, scored.epochs, rng(), population_size=10)
    watched = Watched(strategy)
    list(search(watched, scored, Rules(trials=100, workers=8), seed=0))
    assert len(watched.trained) == 100
    assert watched.waits < 10
    tiny = Scored(decisions=1, options=2)
    watched = Watched(MoveProposal(tiny.space, tiny.epochs, rng(), population_size=2))
    list(search(watched, tiny, Rules(trials=30, workers=8), seed=0))
    assert len(watched.trained) == 30


@pytest.mark.parametrize("make", [WarmStart, MoveProposal])
def test_a_perfect_score_saves_trials(make):
    """Trials to the optimum, median of 20 seeds, against evolution without scores."""

    class Perfect(Additive):
        def score(self, arch):
            return -self._error(arch, 27)

    def needed(strategy, benchmark):
        watched = Watched(strategy)
        for incumbent in search(watched, benchmark, Rules(trials=2000), seed=0):
            if incumbent.arch == benchmark.best:
                return len(watched.trained)
        return 2000

    toy = Perfect(decisions=8, options=4)
    build = partial(make, toy.space, toy.epochs)
    plain = partial(RegularizedEvolution, toy.space, toy.epochs)
    with_scores = sorted(needed(build(rng(n)), toy) for n in range(20))[10]
    without = sorted(needed(plain(rng(n)), toy) for n in range(20))[10]
    assert with_scores < 0.9 * without


def test_a_score_that_is_not_there_is_named(toy):
    strategy = WarmStart(toy.space, toy.epochs, rng(), score="zc_naswot", candidates=2)
    trial = strategy.ask()
    with pytest.raises(ValueError, match="'zc_naswot' here, but by macs, params"):
        strategy.tell(trial, Observation(math.nan, 0.0, {"params": 1.0, "macs": 2.0}))
