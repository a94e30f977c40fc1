"""Cheap stages: what is judged, what is rejected, and what is promoted."""

import math
from collections import Counter, deque
from functools import partial

import numpy as np
import pytest

from benchsuite.core import InputError, Observation, Trial
from benchsuite.estimators.model_based import ModelBased
from benchsuite.runner import Rules, search
from benchsuite.spaces import DARTS, NATS_TSS, SearchSpace
from benchsuite.strategies import STRATEGIES
from benchsuite.strategies.asha import ASHA
from benchsuite.strategies.by_estimator import by_estimator, find
from benchsuite.strategies.early_rejection import EarlyRejection, early_rejection
from benchsuite.strategies.judges import ByMetric, ByShortTraining
from benchsuite.strategies.local_search import LocalSearch
from benchsuite.strategies.random_search import RandomSearch
from benchsuite.strategies.regularized_evolution import RegularizedEvolution
from benchsuite.strategies.rung_promotion import RungPromotion, way
from tests.toys import NOTHING, Additive, Diverging, Watched, rng


class Told:
    """A judge that scores by a function, and needs nothing."""

    epochs = ()

    def __init__(self, score):
        self._score, self.learnt = score, []

    def learn(self, trial, observation):
        self.learnt.append(trial)

    def score(self, arch, seen):
        return self._score(arch)


def rejecting(toy, judge, inner=RandomSearch, seed=0, **settings):
    watched = Watched(inner(toy.space, toy.epochs, rng(seed)))
    return watched, Watched(EarlyRejection(watched, judge, **settings))


def run(strategy, benchmark, trials=150, workers=1):
    rules = Rules(trials=trials, workers=workers)
    return list(search(strategy, benchmark, rules, seed=0))


@pytest.mark.parametrize("quantile", [0.25, 0.5, 0.9])
def test_what_is_trained_is_not_below_the_quantile_of_the_latest_scores(quantile):
    """Recounted from what was asked: a score, and its training at once or never."""
    toy = Additive(decisions=30)  # so large that nothing is drawn twice
    _, strategy = rejecting(toy, ByMetric(), quantile=quantile, window=30)
    run(strategy, toy)
    latest, trained, asked = deque(maxlen=30), set(), deque(strategy.asked)
    while asked:
        trial = asked.popleft()
        assert not trial.epochs
        ranking, score = sorted(latest), toy.score(trial.arch)
        good = len(ranking) < 10 or score >= ranking[int(quantile * len(ranking))]
        latest.append(score)
        if good:
            assert asked.popleft() == Trial(trial.arch, 27)
            trained.add(trial.arch)
    scored = [trial for trial in strategy.asked if not trial.epochs]
    share = len(trained) / len(scored)
    assert share == pytest.approx(1 - quantile, abs=0.15)


@pytest.mark.parametrize("workers", [1, 8])
@pytest.mark.parametrize("inner", [RegularizedEvolution, LocalSearch, ASHA])
def test_the_other_strategy_is_told_of_all_that_it_asked_for(inner, workers, toy):
    watched, strategy = rejecting(toy, ByMetric(), inner)
    run(strategy, toy, workers=workers)
    told = Counter(trial for trial, _ in watched.told)
    assert told <= Counter(watched.asked)
    never = Counter(watched.asked) - told  # what was found good when trials ran out
    assert never.total() <= workers - 1
    assert never <= Counter(strategy.strategy._ready)
    rejected = [t for t, seen in watched.told if seen.error == math.inf]
    assert rejected
    assert not {t.arch for t in rejected} - {
        t.arch for t in strategy.asked if not t.epochs
    }


def test_without_an_opinion_nothing_changes(toy):
    judge = Told(lambda arch: math.nan)
    watched, strategy = rejecting(toy, judge, RegularizedEvolution)
    run(strategy, toy)
    alone = Watched(RegularizedEvolution(toy.space, toy.epochs, rng(0)))
    run(alone, toy)
    assert strategy.asked == watched.asked == alone.asked
    assert judge.learnt == alone.asked


def test_one_in_a_hundred_is_trained_however_bad(toy):
    """Ever worse candidates, each of them new."""
    count = iter(range(10_000))
    space = SearchSpace("large", (tuple("abcdefgh"),) * 20)
    large = Additive(decisions=20, options=8)
    large.space = space
    watched, strategy = rejecting(large, Told(lambda arch: -next(count)))
    run(strategy, large, trials=14)
    trained = [n for n, (_, o) in enumerate(watched.told) if o.error < math.inf]
    assert trained == [*range(10), 110, 211, 312, 413]


def test_a_short_training_is_resumed_if_it_was_good(toy):
    judge = ByShortTraining(toy.epochs, 0.1)
    assert judge.epochs == (2,)
    _, strategy = rejecting(toy, judge)
    run(strategy, toy, trials=200)
    short = {trial.arch for trial in strategy.asked if trial.epochs == 2}
    full = {trial.arch for trial in strategy.asked if trial.epochs == 27}
    assert full < short
    assert 0.35 < len(full) / len(short) < 0.65
    spared = {toy.evaluate(Trial(arch, 27), 0).error for arch in short - full}
    kept = {toy.evaluate(Trial(arch, 27), 0).error for arch in full}
    assert np.median(list(kept)) < np.median(list(spared))


@pytest.mark.parametrize(
    ("epochs", "share", "expected"),
    [((1, 3, 9, 27), 0.4, (9,)), ((10, 20), 0.1, (10,)), ((200,), 0.1, ())],
)
def test_a_short_training_is_one_that_there_is(epochs, share, expected):
    assert ByShortTraining(epochs, share).epochs == expected
    with pytest.raises(ValueError, match="share must be between 0 and 1, not 1"):
        ByShortTraining(epochs, 1.0)


def test_a_diverged_short_training_is_rejected(toy):
    judge = ByShortTraining(toy.epochs, 0.1)
    assert judge.score((0,) * 5, [Observation(math.inf, 1.0, NOTHING)]) == -math.inf


def test_rejection_by_a_good_score_makes_random_search_better(toy):
    """Nine seeds, 40 trials each: the mean of the best errors."""

    def mean(make):
        found = [run(make(seed), toy, trials=40)[-1].error for seed in range(9)]
        return np.mean(found)

    plain = mean(lambda seed: RandomSearch(toy.space, toy.epochs, rng(seed)))
    judged = mean(lambda seed: rejecting(toy, ByMetric(), seed=seed, quantile=0.9)[1])
    assert judged < plain - 0.01


@pytest.mark.parametrize(("quantile", "window"), [(1.0, 9), (-0.1, 9), (0.5, 0)])
def test_settings_that_make_no_sense_are_refused(quantile, window, toy):
    with pytest.raises(ValueError, match="quantile must be from 0 to below 1"):
        rejecting(toy, ByMetric(), quantile=quantile, window=window)


def test_a_model_learns_from_full_trainings_twice_as_many_each_time(toy, monkeypatch):
    fits, fit = [], ModelBased.fit

    def noted(self, archs, seen, draw):
        fits.append((len(archs), np.isfinite(seen.errors).all()))
        return fit(self, archs, seen, draw)

    monkeypatch.setattr(ModelBased, "fit", noted)
    strategy = early_rejection(toy.space, toy.epochs, rng(), strategy="random_search")
    run(strategy, toy, trials=100)
    assert fits == [(20, True), (40, True), (80, True)]
    run(early_rejection(toy.space, toy.epochs, rng()), Diverging(toy, 2), trials=25)
    assert fits[3:] == [(20, False)]


def test_a_model_finds_better_architectures_than_chance(toy):
    """The same model, judging what random search draws: median of what is trained."""
    settings = {"strategy": "random_search", "estimator": "model/ExtraTrees"}
    strategy = Watched(early_rejection(toy.space, toy.epochs, rng(1), **settings))
    run(strategy, toy, trials=120)
    errors = [observation.error for _, observation in strategy.told]
    assert np.median(errors[20:]) < np.median(errors[:20]) - 0.02


@pytest.mark.parametrize(
    ("name", "epochs"),
    [
        ("zero_cost/zc_synflow", (0,)),
        ("low_fidelity@3", (3,)),
        ("early_stopping@9", (9,)),
        ("power_law@5", (1, 2, 3, 4, 5)),
        ("model/ExtraTrees+one_hot", ()),
    ],
)
def test_every_kind_of_estimator_judges_by_name(name, epochs, toy):
    judge = by_estimator(name)(toy.space, toy.epochs, rng())
    assert judge.epochs == epochs
    strategy = partial(early_rejection, estimator=name, strategy="random_search")
    watched = Watched(strategy(toy.space, toy.epochs, rng()))
    run(watched, toy, trials=120, workers=3)
    full = {trial.arch for trial in watched.asked if trial.epochs == 27}
    assert full
    if epochs:
        judged = {t.arch for t in watched.asked if t.epochs in epochs}
        assert len(full) < 0.8 * len(judged)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("zero_cots/params", "zero_cots"),
        ("model/Perceptron", "Perceptron"),
        ("low_fidelity@30", "no shorter training"),
        ("sum_of_training_losses", "the search records no training losses"),
        ("zero_cost_computed/snip", "a search cannot tell zero_cost_computed/snip"),
        ("inherited/spos", "a search cannot tell inherited/spos what it needs"),
        ("lc_net@9", "lc_net@9 learns from whole curves"),
    ],
)
def test_an_estimator_that_a_search_cannot_ask_is_refused_in_one_line(
    name, message, toy
):
    with pytest.raises(InputError, match=message) as caught:
        find(name, toy.space, toy.epochs)
    assert "\n" not in str(caught.value)


def test_a_metric_that_a_benchmark_has_not_is_named(toy):
    strategy = early_rejection(
        toy.space, toy.epochs, rng(), estimator="zero_cost/params"
    )
    with pytest.raises(InputError, match=r"zero_cost/params .* it has zc_synflow"):
        run(strategy, toy)


@pytest.mark.parametrize("make", [early_rejection, RungPromotion])
def test_a_strategy_that_there_is_not_is_named(make, toy):
    with pytest.raises(InputError, match="no strategy 'evolution' to build on"):
        make(toy.space, toy.epochs, rng(), strategy="evolution")


def test_models_can_look_at_graphs():
    for space in (NATS_TSS, DARTS):
        judge = by_estimator("model/ExtraTrees+adjacency")(space, (9,), rng())
        draw, score = rng(1), math.nan
        for n in range(25):
            arch = space.sample(draw)
            judge.learn(Trial(arch, 9), Observation(0.1 + 0.01 * n, 9.0, NOTHING))
            score = judge.score(arch, ())
        assert 0.6 < score < 0.9


class Crossing(Additive):
    """Error a + b / sqrt(x) after x epochs: the larger the option, the less a is.

    But b is larger, too: who is behind before epoch 16 wins.
    """

    name = "toy/crossing"

    def __init__(self, first):
        super().__init__(decisions=1, options=64, epochs=81)
        self.epochs = tuple(range(first, 82))

    def _error(self, arch, epochs):
        (n,) = arch
        return 0.3 - 0.2 * n / 63 + (0.2 + 0.8 * n / 63) * epochs**-0.5

    def evaluate(self, trial, seed):
        return Observation(self._error(*trial), float(trial.epochs), NOTHING)


@pytest.mark.parametrize(
    ("strategy", "first"), [("asha", 3), ("successive_halving", 5), ("hyperband", 5)]
)
def test_promotions_go_by_the_end_of_a_training_not_by_its_state(strategy, first):
    """At first curves are in reverse order; their extrapolations are not.

    `first` is such that the lowest rung has three points.
    """
    crossing = Crossing(first)
    assert np.argmin([crossing._error((n,), 9) for n in range(64)]) == 0
    assert np.argmin([crossing._error((n,), 81) for n in range(64)]) == 63

    def trained(make):
        watched = Watched(make(crossing.space, crossing.epochs, rng(3)))
        rules = Rules(budget=4000)
        list(search(watched, crossing, rules, seed=0))
        full = [trial.arch[0] for trial, _ in watched.told if trial.epochs == 81]
        assert len(full) >= 5
        return np.mean(full)

    plain = trained(STRATEGIES[strategy])
    extrapolated = trained(partial(RungPromotion, strategy=strategy))
    assert extrapolated > plain + 5


@pytest.mark.parametrize("workers", [1, 8])
def test_looks_cost_nothing_more_and_the_strategy_is_told_once(workers, toy):
    strategy = RungPromotion(toy.space, toy.epochs, rng())
    inner = strategy._strategy = Watched(strategy._strategy)
    watched = Watched(strategy)
    run(watched, toy, trials=300, workers=workers)
    told = {trial for trial, _ in inner.told}
    assert len(inner.told) <= len(inner.asked)
    assert told <= set(watched.asked)
    # A trial that was told was reached over shorter ones, each once for a promotion.
    for trial in told:
        on_the_way = [t for t in watched.asked if t.arch == trial.arch]
        assert on_the_way[0].epochs == 1
        assert trial in on_the_way


def test_a_curve_too_short_is_told_as_it_is(toy):
    asha = Watched(ASHA(toy.space, toy.epochs, rng()))
    run(asha, toy, trials=200)
    same = Watched(RungPromotion(toy.space, toy.epochs, rng(), looks=0))
    run(same, toy, trials=200)
    few = [(t, o) for t, o in asha.told if t.epochs == 1]
    assert [(t, o) for t, o in same.told if t.epochs == 1][:50] == few[:50]


def test_where_there_is_one_fidelity_promotion_is_the_strategy_itself(toy):
    make = STRATEGIES["rung_promotion"]
    ours = Watched(make(toy.space, (27,), rng()))
    run(ours, toy)
    alone = Watched(ASHA(toy.space, (27,), rng()))
    run(alone, toy)
    assert ours.asked == alone.asked


@pytest.mark.parametrize("looks", [0, 1, 3, 10])
@pytest.mark.parametrize(("had", "target"), [(0, 1), (0, 9), (3, 9), (9, 81), (9, 9)])
def test_the_way_ends_at_its_target_and_goes_up(had, target, looks):
    for epochs in (tuple(range(1, 82)), (1, 3, 9, 27, 81)):
        steps = way(epochs, had, target, looks)
        assert steps == sorted(set(steps))
        assert steps[-1] == target
        assert len(steps) <= looks + 1
        assert set(steps[:-1]) <= {e for e in epochs if had < e < target}


def test_a_negative_number_of_looks_is_refused(toy):
    with pytest.raises(ValueError, match="looks must be at least 0, not -1"):
        RungPromotion(toy.space, toy.epochs, rng(), looks=-1)
