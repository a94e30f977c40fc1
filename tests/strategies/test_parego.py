"""ParEGO: its weights, its scalarization, and what it finds."""

import math
from itertools import pairwise
from statistics import median

import moocore
import numpy as np
import pytest

from benchsuite.core import Observation, Trial
from benchsuite.runner import Rules, search
from benchsuite.strategies.model_based.parego import lattice, parego, scalarized
from benchsuite.strategies.random_search import RandomSearch
from tests.strategies.test_multi_objective import Metered
from tests.toys import Watched, rng


def seen(error, **metrics):
    return Observation(error, 1.0, metrics)


@pytest.mark.parametrize(("steps", "objectives"), [(10, 2), (4, 3), (1, 4), (7, 1)])
def test_weights_are_all_the_multiples_that_add_up_to_one(steps, objectives):
    weights = lattice(steps, objectives)
    assert len(weights) == math.comb(steps + objectives - 1, objectives - 1)
    assert len({tuple(row) for row in weights.tolist()}) == len(weights)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    np.testing.assert_allclose(weights * steps, np.rint(weights * steps), atol=1e-12)
    assert weights.min() >= 0


def test_the_paper_has_eleven_and_fifteen_weights():
    assert (len(lattice(10, 2)), len(lattice(4, 3))) == (11, 15)


def test_one_objective_keeps_its_order():
    """max(w f) + .05 w f with w = 1 and f scaled to [0, 1]: 1.05 f."""
    told = [seen(0.5), seen(0.1), seen(0.3), seen(math.inf)]
    targets = scalarized(("error",), {}, 10)(told, rng())
    np.testing.assert_allclose(targets, [1.05, 0, 0.525, 1.05])


def test_scalarized_by_hand():
    """Weights (.5, .5): with f = (1, .25), .5 + .05 * .625."""
    told = [seen(0.4, size=2.0), seen(0.0, size=1.0), seen(0.2, size=5.0)]
    drawn = set()
    for seed in range(60):
        first, second, third = scalarized(("error", "size"), {}, 2)(told, rng(seed))
        drawn.add(round(first, 6))
        assert second == 0
    # (0, 1): .25 * 1.05; (.5, .5); (1, 0): 1.05
    assert drawn == {0.2625, 0.53125, 1.05}
    assert third > 0


def test_what_breaks_a_constraint_is_worse_than_all_that_does_not():
    limits = {"size": 2.0}
    told = [
        *(seen(0.9, size=2.0), seen(0.1, size=1.0), seen(0.0, size=2.1)),
        *(seen(0.0, size=4.0), seen(0.0, size=1e9), seen(0.0, size=math.nan)),
    ]
    targets = scalarized(("error",), limits, 10)(told, rng()).tolist()
    assert targets[1] < targets[0]
    assert all(a < b for a, b in pairwise([1.0, *targets[2:5]]))
    assert targets[0] <= 1.05 < targets[2]
    assert targets[4] <= targets[5] <= 2.05
    nobody = scalarized(("error",), limits, 10)(told[2:], rng())
    assert (nobody > 1.05).all()


def test_it_starts_with_eleven_times_the_decisions_less_one():
    """Uniform draws; then mutants, of which some differ in one decision."""
    toy = Metered(decisions=3, options=6)
    watched = Watched(
        parego(toy.space, toy.epochs, rng(), objectives=("error", "size"))
    )
    list(search(watched, toy, Rules(trials=33), seed=0))
    assert len(watched.trained) == 33
    twin = parego(toy.space, toy.epochs, rng(), initial=32)
    assert [twin.ask() for _ in range(32)] == watched.asked[:32]
    assert isinstance(twin.ask(), Trial)
    with pytest.raises(ValueError, match="steps must be at least 1, not 0"):
        parego(toy.space, toy.epochs, rng(), steps=0)


def test_it_dominates_more_than_random_search():
    """Median hypervolume of 20 seeds, 90 trials each.

    If there were no difference, the median of one would be above .02 more than that of
    the other in fewer than 1 of 100 draws: the medians of random search alone differ by
    .006 (standard deviation).
    """
    toy, objectives = Metered(decisions=6, epochs=1), ("error", "size")

    def volume(make, seed, **settings):
        strategy = make(toy.space, toy.epochs, rng(seed), **settings)
        rules = Rules(trials=90, objectives=objectives)
        found = search(strategy, toy, rules, seed=0)
        points = [(i.error, i.metrics["size"] / 18) for i in found]
        return moocore.hypervolume(np.array(points), ref=[0.6, 1.1])

    ours = [volume(parego, s, objectives=objectives, initial=30) for s in range(20)]
    chance = [volume(RandomSearch, seed) for seed in range(20)]
    assert median(ours) > median(chance) + 0.02
