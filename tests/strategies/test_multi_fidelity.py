"""Hyperband, ASHA, BOHB and DEHB against their papers; the synthetic curves."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest

from benchsuite.benchmarks.synthetic import curves
from benchsuite.core import Observation, Trial
from benchsuite.runner import Rules, search
from benchsuite.spaces import NB101, SearchSpace
from benchsuite.strategies import STRATEGIES
from benchsuite.strategies.asha import ASHA
from benchsuite.strategies.bohb import BOHB, Density, split
from benchsuite.strategies.dehb import DEHB, _three
from benchsuite.strategies.hyperband import Hyperband, brackets
from benchsuite.strategies.random_search import RandomSearch
from benchsuite.strategies.successive_halving import rungs
from tests.toys import NOTHING, Additive, Distinct, Diverging, Watched, rng

FAMILY = ("asha", "bohb", "bohb_nats", "dehb", "hyperband")
every_one = pytest.mark.parametrize("name", FAMILY)
every_crew = pytest.mark.parametrize("workers", [1, 8, 64])
ROUND = [[27, 9, 3, 1], [9, 3, 1], [6, 2], [4]]  # of 1, 3, 9, 27 epochs


@pytest.fixture(scope="module")
def synthetic():
    return curves()


def seen(error):
    return Observation(error, 1.0, NOTHING)


def run(strategy, benchmark, *, workers=1, **rules):
    watched = Watched(strategy)
    list(search(watched, benchmark, Rules(workers=workers, **rules), seed=0))
    return watched


def levels(trials):
    """Epochs and length of every stretch of trials of the same epochs."""
    groups = itertools.groupby(trials, key=lambda trial: trial.epochs)
    return [(epochs, len(list(group))) for epochs, group in groups]


# The card's tables ------------------------------------------------------------


@pytest.mark.parametrize(
    ("epochs", "budgets", "sizes"),
    [
        (range(1, 13), [1, 4, 12], [[9, 3, 1], [3, 1], [3]]),
        ((4, 12, 36, 108), [4, 12, 36, 108], ROUND),
        (
            range(1, 201),
            [2, 7, 22, 66, 200],
            [[81, 27, 9, 3, 1], [27, 9, 3, 1], [9, 3, 1], [6, 2], [5]],
        ),
    ],
)
@pytest.mark.parametrize("name", ["bohb", "dehb", "hyperband"])
def test_brackets_are_those_of_the_published_settings(name, epochs, budgets, sizes):
    """(1, 12), (4, 108) and (1, 200) with eta 3, worked out by hand from HpBandSter."""
    epochs = tuple(epochs)
    assert rungs(epochs, eta=3) == budgets
    assert brackets(len(budgets), eta=3) == sizes
    benchmark = Distinct()
    strategy = STRATEGIES[name](benchmark.space, epochs, rng())
    expected = []
    for bracket in sizes:
        for level, size in zip(budgets[-len(bracket) :], bracket, strict=True):
            expected += [level] * size
    asked = []
    for n in range(2 * len(expected)):  # two rounds
        asked.append(strategy.ask())
        strategy.tell(asked[-1], seen(1 / (2 + 7919 * n % 1009)))
    assert [trial.epochs for trial in asked] == 2 * expected


@pytest.mark.parametrize("name", ["bohb", "hyperband"])
def test_a_rung_promotes_the_best_third_of_its_bracket(name):
    benchmark = Distinct()
    strategy = STRATEGIES[name](benchmark.space, benchmark.epochs, rng(2))
    asked = iter(run(strategy, benchmark, trials=40 + 13 + 8 + 4).asked)
    for sizes in ROUND:
        climbers = None
        for size in sizes:
            rung = [next(asked) for _ in range(size)]
            if climbers is not None:
                assert [trial.arch for trial in rung] == climbers
            rung.sort(key=lambda trial: benchmark.evaluate(trial, 0).error)
            climbers = [trial.arch for trial in rung[: size // 3]]


@pytest.mark.parametrize("name", ["bohb", "hyperband"])
def test_brackets_side_by_side_do_not_mix(name):
    """46 workers start a round; the second bracket is complete first, then the last."""
    benchmark = Distinct()
    strategy = STRATEGIES[name](benchmark.space, benchmark.epochs, rng())
    asked = [strategy.ask() for _ in range(46)]
    assert levels(asked) == [(1, 27), (3, 9), (9, 6), (27, 4)]
    for start, size, above in ((27, 9, 9), (36, 6, 27), (0, 27, 3)):
        rung = asked[start : start + size]
        for n, trial in enumerate(rung):
            if n == size - 1:
                assert strategy.ask().epochs == 1  # a newcomer of the next round
            strategy.tell(trial, seen((5 * n + 2) % size / 30))
        climbers = [strategy.ask() for _ in range(size // 3)]
        best = sorted(range(size), key=lambda n: (5 * n + 2) % size)[: size // 3]
        assert climbers == [(rung[n].arch, above) for n in best]


def test_a_round_costs_what_its_epochs_cost_and_promotions_only_the_difference():
    """By hand, 1 s an epoch and no architecture twice.

    Under "restart" the brackets of 1, 3, 9, 27 epochs take 4 x 27, 3 x 27, 2 x 54 and
    4 x 27 epochs. Under "resume", the climbers of a rung have a third of it already.
    """

    class Second(Distinct):
        def __init__(self):
            super().__init__()
            self.space = SearchSpace("wide", (("a", "b"),) * 50)
            self.epochs = tuple(range(1, 28))

        def evaluate(self, trial, seed):
            error = sum(a * math.sqrt(2 + n) for n, a in enumerate(trial.arch)) / 400
            return Observation(error, float(trial.epochs), NOTHING)

    restart = [27 * 1 + 9 * 3 + 3 * 9 + 27, 9 * 3 + 3 * 9 + 27, 6 * 9 + 2 * 27, 4 * 27]
    saved = [9 * 1 + 3 * 3 + 1 * 9, 3 * 3 + 1 * 9, 2 * 9, 0]
    for promotion, seconds in (
        ("restart", sum(restart)),
        ("resume", sum(restart) - sum(saved)),
    ):
        for budget, told in ((seconds, 65), (seconds - 0.5, 64)):
            strategy = Hyperband(Second().space, Second().epochs, rng())
            watched = run(
                strategy, Second(), budget=budget, trials=65, promotion=promotion
            )
            assert len(watched.told) == told


def test_fidelities_that_fall_together_are_one_rung():
    """200, 22.2 and 66.7 of (12, 200): 12 twice, so there are two rungs, not three."""
    strategy = Hyperband(Distinct().space, (12, 200), rng())
    asked = [strategy.ask() for _ in range(3)]
    for n, trial in enumerate(asked):
        strategy.tell(trial, seen(n / 10))
    asked += [strategy.ask() for _ in range(3)]
    assert [trial.epochs for trial in asked] == [12] * 3 + [200] * 3
    assert asked[3].arch == asked[0].arch


# All of them ------------------------------------------------------------------


@every_crew
@every_one
def test_never_waits(name, workers):
    benchmark = Distinct()
    strategy = STRATEGIES[name](benchmark.space, benchmark.epochs, rng())
    watched = run(strategy, benchmark, trials=700, workers=workers)
    assert watched.waits == 0
    assert len(watched.told) == 700
    assert {trial.epochs for trial in watched.asked} == set(
        rungs(benchmark.epochs, 4 if name == "asha" else 3)
    )


@pytest.mark.parametrize("workers", [1, 8])
@pytest.mark.parametrize("name", ["asha", "hyperband"])
def test_one_fidelity_is_random_search(name, workers, toy):
    rules = {"trials": 60, "workers": workers}
    alone = run(STRATEGIES[name](toy.space, (27,), rng(4)), toy, **rules)
    random = run(RandomSearch(toy.space, (27,), rng(4)), toy, **rules)
    assert alone.told == random.told


def test_bohb_is_random_search_until_it_has_a_model(toy):
    """5 decisions: 6 good and 6 bad ones; the 13th trial flips the first coin."""
    bohb = run(BOHB(toy.space, (27,), rng(4)), toy, trials=13)
    random = run(RandomSearch(toy.space, (27,), rng(4)), toy, trials=13)
    assert bohb.asked[:12] == random.asked[:12]
    assert bohb.asked[12] != random.asked[12]


def test_dehb_with_one_fidelity_learns_nothing(toy):
    """Uniform draws: 20,000 of them in 1,024 cells, chi-square within 5 sigma."""
    asked = []
    for errors in (itertools.repeat(0.5), itertools.count(1)):
        strategy = DEHB(toy.space, (27,), rng(1))
        asked.append([])
        for _, error in zip(range(20_000), errors, strict=False):
            asked[-1].append(strategy.ask())
            strategy.tell(asked[-1][-1], seen(1 / error))
    assert asked[0] == asked[1]
    counts = np.array(list(Counter(asked[0]).values()))
    expected = 20_000 / 1024
    chi_square = ((counts - expected) ** 2 / expected).sum()
    chi_square += (1024 - len(counts)) * expected
    assert abs(chi_square - 1023) < 5 * math.sqrt(2 * 1023)


@every_crew
@every_one
def test_where_everything_diverges_nothing_climbs(name, workers, toy):
    strategy = STRATEGIES[name](toy.space, toy.epochs, rng())
    watched = run(strategy, Diverging(toy, 1), trials=300, workers=workers)
    assert len(watched.told) == 300
    if name == "asha":
        assert {trial.epochs for trial in watched.asked} == {1}
    if name in ("bohb", "hyperband"):  # the others' rungs start one bracket each
        count = Counter(trial.epochs for trial in watched.asked[: 27 + 9 + 6 + 4])
        assert count == {1: 27, 3: 9, 9: 6, 27: 4}


@pytest.mark.parametrize("workers", [1, 8])
@every_one
def test_a_space_with_constraints_is_kept_to(name, workers):
    """A quarter of NAS-Bench-101's matrices are no cells."""
    strategy = STRATEGIES[name](NB101, (4, 12, 36, 108), rng())
    running = []
    for n in range(400):
        while len(running) < workers:
            running.append(strategy.ask())
            assert NB101.valid(running[-1].arch)
        trial = running.pop(7 * n % workers)
        strategy.tell(trial, seen(sum(trial.arch) / 40))


@every_one
def test_equal_trials_in_two_brackets_are_told_apart(name):
    """Two architectures in all: nearly every trial runs several times at once."""
    tiny = Additive(decisions=1, options=2, epochs=27)
    strategy = STRATEGIES[name](tiny.space, tiny.epochs, rng())
    watched = run(strategy, tiny, trials=500, workers=64)
    assert len(watched.told) == 500
    assert sum(trial.epochs == 27 for trial in watched.asked) > 10


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (Hyperband, {"eta": 1}),
        (ASHA, {"eta": 1}),
        (BOHB, {"eta": 1}),
        (BOHB, {"num_samples": 0}),
        (BOHB, {"random_fraction": 1.5}),
        (BOHB, {"bandwidth_factor": 0.0}),
        (BOHB, {"min_bandwidth": 0.0}),
        (DEHB, {"eta": 1}),
        (DEHB, {"mutation_factor": 0.0}),
        (DEHB, {"crossover_rate": -0.1}),
    ],
)
def test_settings_without_sense_are_refused(make, settings, toy):
    with pytest.raises(ValueError, match=r"must be .*, not"):
        make(toy.space, toy.epochs, rng(), **settings)


# ASHA -------------------------------------------------------------------------


def test_asha_promotes_as_in_the_papers_algorithm_2():
    """Every decision by brute force over all outcomes so far, eight workers."""
    benchmark, ladder = Distinct(), (1, 3, 9, 27)
    strategy = ASHA(benchmark.space, benchmark.epochs, rng(6), eta=3)
    outcomes = {epochs: [] for epochs in ladder}
    promoted = {epochs: set() for epochs in ladder}
    running, number = [], 0
    for _ in range(1500):
        trial = strategy.ask()
        expected = None
        for below, above in list(itertools.pairwise(ladder))[::-1]:
            ranked = sorted(outcomes[below])
            top = ranked[: len(ranked) // 3]
            left = [told for told in top if told not in promoted[below]]
            if left:
                promoted[below].add(left[0])
                expected = Trial(left[0][2], above)
                break
        if expected is None:
            assert trial.epochs == 1
        else:
            assert trial == expected
        running.append(trial)
        if len(running) == 8:
            done = running.pop(5 * number % 8)
            number += 1
            error = benchmark.evaluate(done, 0).error
            if number % 7 == 0:
                error = math.inf
            strategy.tell(done, seen(error))
            if math.isfinite(error):
                outcomes[done.epochs].append((error, number, done.arch))
            else:
                outcomes[done.epochs].append((math.inf, number, done.arch))
    assert len(promoted[9]) > 20


def test_asha_promotes_at_the_first_moment_that_it_can():
    strategy = ASHA(Distinct().space, (1, 4, 16), rng())
    first = [strategy.ask() for _ in range(5)]
    errors = [0.4, 0.2, 0.3]
    for trial, error in zip(first, errors, strict=False):
        strategy.tell(trial, seen(error))
        last = strategy.ask()
        assert last.epochs == 1  # three outcomes, a quarter of which is none
        first.append(last)
    strategy.tell(first[3], seen(0.5))
    assert strategy.ask() == (first[1].arch, 4)
    assert strategy.ask().epochs == 1


def test_of_equals_asha_promotes_the_first_to_finish():
    strategy = ASHA(Distinct().space, (1, 3), rng(), eta=3)
    asked = [strategy.ask() for _ in range(9)]
    order = [asked[n] for n in (4, 0, 8, 2, 6, 1, 3, 5, 7)]
    for trial in order:
        strategy.tell(trial, seen(0.5))
    climbers = [strategy.ask() for _ in range(3)]
    assert climbers == [(trial.arch, 3) for trial in order[:3]]


# BOHB -------------------------------------------------------------------------


def test_kernel_densities_are_the_double_loop_over_the_formula():
    """Aitchison & Aitken 1976: 1 - h at the centre, h / (C - 1) elsewhere.

    h is the normal rule of thumb, 1.06 sigma n^(-1 / (4 + D)), between .05 and
    (C - 1) / C. The density sums to 1 over the space.
    """
    sizes = (2, 3, 4, 1)
    space = list(itertools.product(*map(range, sizes)))
    data = [space[n] for n in (0, 5, 5, 7, 20, 20, 23, 4, 5)]
    density = Density(np.array(data), np.array(sizes), 0.05)
    expected = []
    for x in space:
        total = 0.0
        for centre in data:
            product = 1.0
            for d, size in enumerate(sizes[:3]):
                values = [row[d] for row in data]
                mean = sum(values) / 9
                sigma = math.sqrt(sum((v - mean) ** 2 for v in values) / 9)
                h = max(1.06 * sigma * 9 ** (-1 / 8), 0.05)
                h = min(h, (size - 1) / size)
                product *= 1 - h if x[d] == centre[d] else h / (size - 1)
            total += product
        expected.append(total / 9)
    found = density(np.array(space))
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert found.sum() == pytest.approx(1)


@pytest.mark.parametrize("widen", [1.0, 3.0])
def test_draws_have_the_density_with_wider_bandwidths(widen):
    """40,000 draws over 24 cells: chi-square below 60 in 99.996 % of all seeds."""
    sizes = np.array([2, 3, 4])
    data = np.array([[0, 1, 2], [0, 1, 2], [0, 1, 3], [0, 1, 2], [1, 1, 2]])
    density = Density(data, sizes, 0.04)
    space = np.array(list(itertools.product(range(2), range(3), range(4))))
    expected = np.zeros(24)
    for centre in data:
        h = np.minimum(widen * density.bandwidths, (sizes - 1) / sizes)
        expected += np.where(space == centre, 1 - h, h / (sizes - 1)).prod(axis=1) / 5
    drawn = density.sample(40_000, widen, rng(3))
    counts = np.bincount(drawn @ np.array([12, 4, 1]), minlength=24)
    assert ((counts - 40_000 * expected) ** 2 / (40_000 * expected)).sum() < 60


def test_the_split_is_hpbandsters():
    """The card: 7 and 17 of 20 with 6 decisions, 15 and 85 of 100."""
    assert split(20, 6) == (7, 17)
    assert split(100, 6) == (15, 85)
    assert split(3, 6) == (7, 7)


def test_bohb_draws_what_is_likelier_good_than_bad():
    """The candidates' best ratio by the formula, over the highest modelled fidelity."""
    space = SearchSpace("cells", (tuple("abcde"),) * 6)
    strategy = BOHB(
        space, (1, 3, 9), rng(5), random_fraction=0.0, num_samples=8, min_bandwidth=0.1
    )
    told = {1: [], 3: [], 9: []}
    for n in range(65):  # three rounds of 20, and then five lowest ones
        trial = strategy.ask()
        error = (sum(trial.arch) + n / 100) / 30
        strategy.tell(trial, seen(error if n % 9 else math.inf))
        told[trial.epochs].append((error if n % 9 else math.inf, trial.arch))
    modelled = max(epochs for epochs in told if len(told[epochs]) >= 14)
    assert modelled == 9  # the others have more outcomes
    assert len(told[1]) > len(told[9])
    ranked = [arch for _, arch in sorted(told[9], key=lambda pair: pair[0])]
    count = max(7, 15 * len(ranked) // 100)
    sizes = np.full(6, 5)
    good = Density(np.array(ranked[:count]), sizes, 0.1)
    bad = Density(np.array(ranked[count:]), sizes, 0.1)
    for _ in range(20):
        state = np.random.Generator(type(strategy._rng.bit_generator)())
        state.bit_generator.state = strategy._rng.bit_generator.state
        state.random()  # the coin
        candidates = good.sample(8, 3.0, state)
        best = min(candidates, key=lambda x: bad(x[None])[0] / good(x[None])[0])
        assert strategy._draw() == tuple(best)


def test_bohb_draws_a_third_at_random():
    """3,000 coins: 5 sigma is 130. A model that knows one good cell tells which."""
    space = SearchSpace("cells", (tuple("abcde"),) * 6)
    strategy = BOHB(space, (1,), rng(0))
    for n in range(300):
        trial = strategy.ask()
        good = (0,) * 6 if n % 4 == 0 else trial.arch
        strategy._archs.setdefault(1, []).append(good)
        strategy._errors.setdefault(1, []).append(0.0 if n % 4 == 0 else 0.9)
        strategy._brackets.tell(trial, seen(0.5))
    strategy._modelled, strategy._model = 1, None
    far = sum(sum(map(bool, strategy._draw())) >= 3 for _ in range(3000))
    # At random, at least 3 of 6 decisions differ in 98.3 %: binomial(6, 4/5).
    assert abs(far - 0.983 * 1000) < 130


@pytest.mark.parametrize("name", ["bohb", "bohb_nats"])
def test_bohb_draws_better_ones_than_random(name, toy):
    """A sum of 5 penalties of 0, 1/4, 1/2, 3/4: mean 1.875, variance 5 x .078.

    The mean of 400 random ones is 5 sigma below 1.875 - .156.
    """
    strategy = STRATEGIES[name](toy.space, (27,), rng(3), random_fraction=0.0)
    run(strategy, toy, trials=200)
    drawn = [strategy._draw() for _ in range(400)]
    penalties = [
        sum(p[a] for p, a in zip(toy.penalties, arch, strict=True)) for arch in drawn
    ]
    assert np.mean(penalties) < 1.875 - 0.156


# DEHB -------------------------------------------------------------------------


def test_dehb_promotes_the_best_in_the_first_round():
    benchmark = Distinct()
    strategy = DEHB(benchmark.space, benchmark.epochs, rng())
    asked = run(strategy, benchmark, trials=40).asked
    assert levels(asked) == [(1, 27), (3, 9), (9, 3), (27, 1)]
    lower = asked[:27]
    for start, size in ((27, 9), (36, 3), (39, 1)):
        lower.sort(key=lambda trial: benchmark.evaluate(trial, 0).error)
        upper = asked[start : start + size]
        assert [t.arch for t in upper] == [t.arch for t in lower[:size]]
        lower = upper


def test_dehb_evolves_after_the_first_round_and_trains_nothing_twice_before():
    """By 65 trials each member has been trained: 27 + 9 + 6 + 4 places, 65 turns."""
    benchmark = Distinct()
    strategy = DEHB(benchmark.space, benchmark.epochs, rng())
    trained = []
    for n in range(65 + 27 + 9):
        before = [list(p.members) for p in strategy._populations]
        trial = strategy.ask()
        _, level, target, member = strategy._running[trial][0]
        if n < 27:
            assert member is before[0][target]
        if n < 65:
            assert (level, member) not in trained
        else:
            assert not [members for members in before if member in members]
        trained.append((level, member))
        strategy.tell(trial, seen(benchmark.evaluate(trial, 0).error))
    assert levels(Trial((), level) for level, _ in trained[-36:]) == [(0, 27), (1, 9)]


def test_dehb_populations_are_as_large_as_the_largest_rung():
    """27, 9, 6, 4 of the brackets [27, 9, 3, 1], [9, 3, 1], [6, 2], [4]."""
    strategy = DEHB(Distinct().space, tuple(range(1, 28)), rng())
    assert [len(p.members) for p in strategy._populations] == [27, 9, 6, 4]


def test_a_member_is_replaced_by_who_is_no_worse_and_only_so():
    benchmark = Distinct()
    strategy = DEHB(benchmark.space, benchmark.epochs, rng())
    for _ in range(700):
        trial = strategy.ask()
        _, level, target, member = strategy._running[trial][0]
        population = strategy._populations[level]
        before, incumbent = population.errors[target], population.members[target]
        error = benchmark.evaluate(trial, 0).error
        strategy.tell(trial, seen(error))
        assert population.errors[target] == min(before, error)
        assert population.members[target] == (member if error <= before else incumbent)
        assert member.arch == trial.arch


def test_a_mutant_is_rand_1_of_three_parents_crossed_with_the_target():
    """With wide decisions, the vector is read off and every triple is tried."""
    space = SearchSpace("wide", (tuple(map(str, range(7))),) * 5)
    strategy = DEHB(space, (1, 3, 9), rng(2))
    members = [strategy._newcomer() for _ in range(6)]
    target, *parents = members
    taken = outside = 0
    for _ in range(300):
        child = strategy._offspring(target, parents)
        new = [n for n in range(5) if child.vector[n] != target.vector[n]]
        assert new
        fits = []
        for a, b, c in itertools.permutations([p.vector for p in parents], 3):
            mutant = [x + 0.5 * (y - z) for x, y, z in zip(a, b, c, strict=True)]
            off = [n for n in new if not math.isclose(child.vector[n], mutant[n])]
            if all(not 0 <= mutant[n] <= 1 for n in off):
                fits.append(off)
        assert fits
        taken += len(new)
        outside += len(min(fits, key=len))
        assert child.arch == tuple(int(7 * v) for v in child.vector)
    # One decision for sure and the others with probability 1/2: 3 of 5, 900 of 1,500;
    # 5 sigma of 300 binomials (4, 1/2) is 87.
    assert abs(taken - 900) < 87
    assert outside < taken / 2


def test_parents_are_three_different_ones_all_alike_probable():
    """24 ordered triples of 4, 24,000 draws: 5 sigma is 155."""
    counts = Counter(_three(*rng_draws, 4) for rng_draws in rng(1).random((24_000, 3)))
    assert set(counts) == set(itertools.permutations(range(4), 3))
    assert max(abs(n - 1000) for n in counts.values()) < 155


def test_parents_of_a_rung_are_the_best_below():
    benchmark = Distinct()
    strategy = DEHB(benchmark.space, benchmark.epochs, rng())
    for _ in range(65 + 27):  # the first round, and the next bracket's first rung
        trial = strategy.ask()
        strategy.tell(trial, seen(benchmark.evaluate(trial, 0).error))
    assert strategy.ask().epochs == 3
    (bracket,) = [b for b in strategy._open if b.left]
    population = strategy._populations[0]
    ranked = sorted(zip(population.errors, population.members, strict=True))
    assert bracket.parents == [member for _, member in ranked[:9]]


# The synthetic curves ---------------------------------------------------------


def test_the_synthetic_table_says_what_it_is(synthetic):
    assert synthetic.name.startswith("synthetic/")
    assert "synthetic" in synthetic.table.source
    assert synthetic.table.source.startswith("synthetic")
    assert synthetic.space.name == "synthetic"
    assert synthetic.space.size == 4096
    assert synthetic.epochs == tuple(range(1, 82))
    assert synthetic.reports == "test"
    assert synthetic.data == curves().data
    synthetic.table.check()
    for training in synthetic.table.trainings.values():
        training.check()


def test_a_synthetic_error_is_the_documented_formula_and_noise(synthetic):
    """200 trials; standard deviation .005, of which 6 are not reached."""
    draw = rng(8)
    for _ in range(200):
        arch, e = synthetic.space.sample(draw), int(draw.integers(1, 82))
        penalty = sum((5 * a + 3 * d) % 4 for d, a in enumerate(arch))
        penalty += sum(a == b for a, b in itertools.pairwise(arch)) / 2
        s = sum(arch) / 18
        final = 0.05 + 0.2 * penalty / 20.5 + 0.1 * (1 - s)
        error = final + (0.9 - final) * (1 + e) ** (0.7 * s - 1.4)
        told = synthetic.evaluate(Trial(arch, e), int(draw.integers(3)))
        assert told.error == pytest.approx(error, abs=0.03)
        assert told.cost == pytest.approx(10 * (1 + s) * e)


def test_synthetic_curves_cross_and_become_telling(synthetic):
    """Of pairs that are far apart in the end, some were the other way round."""
    archs = [synthetic.space.sample(rng(n)) for n in range(300)]
    table = np.array(
        [
            [synthetic.evaluate(Trial(arch, e), 0).error for e in (1, 9, 27, 81)]
            for arch in archs
        ]
    )
    swapped = []
    for column in range(3):
        early = np.sign(table[:, None, column] - table[None, :, column])
        late = np.sign(table[:, None, 3] - table[None, :, 3])
        far = abs(table[:, None, 3] - table[None, :, 3]) > 0.03
        swapped.append(((early * late < 0) & far).sum() / far.sum())
    assert 0.5 > swapped[0] > swapped[1] > swapped[2]
    assert swapped[0] > 0.2
    assert swapped[2] < 0.05


def test_the_synthetic_test_noise_is_another(synthetic):
    arch = synthetic.best
    valid = [synthetic.evaluate(Trial(arch, 81), n).error for n in range(3)]
    assert not set(valid) & set(synthetic.test_errors(arch))
    assert synthetic.reported_error(arch, 0) == pytest.approx(
        np.mean(synthetic.test_errors(arch))
    )


@pytest.mark.parametrize("workers", [1, 8])
@every_one
def test_halving_beats_random_search_where_there_are_curves(name, workers, synthetic):
    """Mean of 16 seeds, for 20 full trainings' cost, or for 4 on each of 8 workers.

    Random search ends .03 above the optimum, with a standard error of .0035.
    """
    full = 81 * 15  # seconds, of a mean architecture
    rules = Rules(budget=(20 if workers == 1 else 4) * full, workers=workers)
    regrets = []
    for rival in (name, "random_search"):
        ends = []
        for seed in range(16):
            strategy = STRATEGIES[rival](synthetic.space, synthetic.epochs, rng(seed))
            *_, last = search(strategy, synthetic, rules, seed=seed)
            ends.append(synthetic.reported_error(last.arch, seed))
        regrets.append(float(np.mean(ends)) - synthetic.best_error)
    assert regrets[0] < 0.7 * regrets[1]
