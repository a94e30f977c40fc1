"""Products of spaces: what the parts say holds, and every strategy searches them."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from benchsuite.core import Observation
from benchsuite.runner import Rules, search
from benchsuite.spaces import NATS_SSS, NATS_TSS, NB101, SPACES, SearchSpace, product
from benchsuite.strategies import STRATEGIES
from tests.strategies.golden import ALGEBRA
from tests.toys import Additive, Watched, rng

DEPTH = SearchSpace("depth", (("2", "4"), ("a", "b", "c")))
WIDTH = SearchSpace("width", (("16", "32", "64"),))
BOTH = product(NATS_TSS, NATS_SSS)
LARGE = product(NB101, NATS_TSS, WIDTH)


def test_a_small_product_by_brute_force():
    space = product(DEPTH, WIDTH)
    archs = list(space)
    expected = [(*a, *b) for a, b in itertools.product(DEPTH, WIDTH)]
    assert archs == expected
    assert space.size == len(space) == 18
    assert [space.key(arch) for arch in archs] == list(range(18))
    assert space.keys(np.array(archs)).tolist() == list(range(18))
    for arch in archs:
        near = {
            b for b in archs if sum(x != y for x, y in zip(arch, b, strict=True)) == 1
        }
        assert set(space.neighbors(arch)) == near
        assert arch in space
        assert len(space.one_hot(arch)) == 8
    for outside in ((0, 0), (0, 0, 3), (0, 0, -1), [0, 0, 0], (2, 0, 0)):
        assert outside not in space


@given(st.integers(0, 2**32), st.sampled_from([BOTH, LARGE]))
def test_spelling_reads_back(seed, space):
    arch = space.sample(rng(seed))
    assert arch in space
    assert space.parse(space.format(arch)) == arch
    assert space.canonical(arch) in space


def test_a_spelling_is_that_of_the_parts():
    arch = (*(3,) * 6, *(7,) * 5)
    text = BOTH.format(arch)
    assert text == f"{NATS_TSS.format(arch[:6])} & {NATS_SSS.format(arch[6:])}"
    with pytest.raises(ValueError, match="has 2 parts, joined by ' & '"):
        BOTH.parse(NATS_TSS.format(arch[:6]))
    with pytest.raises(ValueError, match="a network of nats_sss has 5 widths"):
        BOTH.parse(f"{NATS_TSS.format(arch[:6])} & 8:8")


def test_classes_are_those_of_the_parts():
    dead = (*(0,) * 6, *(1,) * 5)
    same = (*(0, 0, 3, 0, 0, 0), *(1,) * 5)
    assert BOTH.canonical(dead) == BOTH.canonical(same)
    assert BOTH.canonical(dead) != BOTH.canonical((*dead[:6], *(2,) * 5))


def test_mutants_are_neighbours_and_every_decision_is_drawn_evenly():
    """Chi-square over 11 decisions; so large a one has a chance of 1e-6."""
    source, arch = rng(4), (*(3,) * 6, *(7,) * 5)
    changed = Counter()
    for _ in range(4400):
        mutant = BOTH.mutate(arch, source)
        (d,) = [n for n, (a, b) in enumerate(zip(arch, mutant, strict=True)) if a != b]
        changed[d] += 1
    square = sum((changed[d] - 400) ** 2 / 400 for d in range(11))
    assert square < chi2.isf(1e-6, 10)
    arch = LARGE.sample(source)
    near = set(LARGE.neighbors(arch))
    assert all(LARGE.mutate(arch, source) in near for _ in range(50))
    assert all(other in LARGE for other in near)


def test_children_take_each_decision_from_a_parent():
    source = rng(1)
    a, b = LARGE.sample(source), LARGE.sample(source)
    for _ in range(50):
        child = LARGE.crossover(a, b, source)
        assert child in LARGE
        pairs = zip(a, b, strict=True)
        assert all(c in pair for c, pair in zip(child, pairs, strict=True))


def test_a_product_may_be_larger_than_64_bits_can_number():
    space = product(*[NATS_TSS] * 6)
    assert space.size == 15_625**6 > 1 << 64
    with pytest.raises(ValueError, match="in 64 bits"):
        space.key(space.sample(rng()))
    assert space.mutate(space.sample(rng()), rng()) in space


def test_what_is_no_product_is_refused():
    with pytest.raises(ValueError, match="at least one part"):
        product()
    with pytest.raises(ValueError, match="no ' & ' in their options"):
        product(SearchSpace("odd", (("a & b", "c"),)))
    fixed = product(SearchSpace("fixed", (("a",),)))
    with pytest.raises(ValueError, match="no part of fixed can be changed"):
        fixed.mutate((0,), rng())


class Penalised:
    """A benchmark of any space: every option costs its number, out of the largest."""

    name, data, reports, metrics = "toy/any", "0" * 8, "test", ("zc_synflow",)
    epochs = (1, 3, 9, 27)
    best_error = 0.05

    def __init__(self, space):
        self.space = space
        self.most = sum(len(options) - 1 for options in space.choices)

    def evaluate(self, trial, seed):
        assert trial.arch in self.space
        score = sum(trial.arch) / self.most
        if not trial.epochs:
            return Observation(np.nan, 0.0, {"zc_synflow": -score})
        error = 0.05 + 0.4 * score + 0.4 / trial.epochs
        return Observation(error, 1.0 * trial.epochs, {})

    def reported_error(self, arch, seed):
        return 0.05 + 0.4 * sum(arch) / self.most


EVERY = {**SPACES, "product": BOTH, "product of a constrained": LARGE}
KIN = {f"chain_{n}" for n in (4, 6, 8)} | {f"darts_s{n}" for n in (1, 2, 3, 4)}
"""Spaces that are much like another, or longer."""


@pytest.mark.parametrize(
    "space",
    [
        pytest.param(name, marks=pytest.mark.slow) if name in KIN else name
        for name in EVERY
    ],
)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name in ALGEBRA else name
        for name in STRATEGIES
    ],
)
def test_every_strategy_searches_every_space(name, space):
    """Alone and with eight workers: it stays inside, and goes on to the end."""
    for workers in (1, 8):
        benchmark = Penalised(EVERY[space])
        strategy = STRATEGIES[name](benchmark.space, benchmark.epochs, rng(2))
        watched = Watched(strategy)
        rules = Rules(trials=30 if name in ALGEBRA else 60, workers=workers)
        list(search(watched, benchmark, rules, seed=0))
        assert len(watched.trained) == rules.trials


def test_local_search_finds_the_optimum_of_a_product():
    benchmark = Penalised(BOTH)
    strategy = STRATEGIES["local_search"](benchmark.space, benchmark.epochs, rng())
    *_, last = search(strategy, benchmark, Rules(trials=2000), seed=0)
    assert last.arch == (0,) * 11


def test_an_additive_product_is_searched_as_the_plain_space_is():
    """Two halves of a space whose decisions are alike: the same trajectory."""
    toy = Additive(decisions=6, options=4)
    halves = SearchSpace("half", toy.space.choices[:3])
    twin = Additive(decisions=6, options=4)
    twin.space = product(halves, halves)
    asked = []
    for benchmark in (toy, twin):
        make = STRATEGIES["random_search"]
        watched = Watched(make(benchmark.space, benchmark.epochs, rng(8)))
        list(search(watched, benchmark, Rules(trials=100), seed=0))
        asked.append(watched.asked)
    assert asked[0] == asked[1]
