"""Estimators by name on one protocol, and how they are compared."""

import itertools
import math

import numpy as np
import pytest

from benchsuite.benchmarks import load
from benchsuite.benchmarks.tabular import Figure, TabularBenchmark
from benchsuite.core import InputError, Trial
from benchsuite.estimation import observe, study
from benchsuite.estimation.table import lines
from benchsuite.estimators import ESTIMATORS, MissingError, defaults, find
from benchsuite.estimators.comparison import EMPTY, Sample, assess, split
from benchsuite.estimators.observed import Observed
from benchsuite.estimators.protocol import Judgement, Seen
from benchsuite.spaces import NATS_TSS, SearchSpace
from surrogates import MODELS, Split, Table, Training
from tests.development import full_size
from tests.toys import Additive, rng

NAMES = (
    *("full_fidelity", "low_fidelity@3", "early_stopping", "early_stopping@9"),
    *("power_law", "curve_mixture@9", "lc_net@6", "zero_cost/zc_synflow"),
    *("model/RandomForest", "model/GaussianProcess"),
)


def fitted(name, benchmark, archs, seed=0):
    estimator = find(name, observe.offer(benchmark))
    if estimator.learns_from:
        seen = observe.told(benchmark, estimator, archs, estimator.learns_from, 0)
        estimator.fit(archs, seen, rng(seed))
    return estimator


def archs_of(space, n, seed=0):
    everything = list(space)
    return [everything[i] for i in rng(seed).permutation(len(everything))[:n]]


@pytest.mark.parametrize("name", NAMES)
def test_an_estimator_keeps_to_the_protocol(name, toy):
    """And judges each architecture alike in any company, whoever asks."""
    train, test = archs_of(toy.space, 40)[:30], archs_of(toy.space, 40)[30:]
    estimator = fitted(name, toy, train)
    assert find(estimator.name, observe.offer(toy)).name == estimator.name
    assert estimator.epochs == tuple(sorted(estimator.epochs))
    assert estimator.learns_from[-1:] in ((), toy.epochs[-1:])
    seen = observe.told(toy, estimator, test, estimator.epochs, 0)
    judged = estimator.estimate(test, seen)
    assert judged.score.shape == (10,)
    assert judged.score.dtype == np.float64
    assert np.isfinite(judged.score).all()
    if judged.std is not None:
        assert (judged.std >= 0).all()
    if estimator.predicts:
        assert (judged.score <= 1.5).all()
    one = Seen(
        seen.errors[3:4],
        seen.seconds[3:4],
        {name: figure[3:4] for name, figure in seen.metrics.items()},
    )
    alone = estimator.estimate(test[3:4], one).score.item()
    assert alone == pytest.approx(judged.score[3], abs=1e-9)
    again = fitted(name, toy, train).estimate(test, seen).score
    np.testing.assert_array_equal(again, judged.score)


def test_every_family_but_those_that_need_images_or_losses_is_tried():
    tried = {name.partition("/")[0].partition("@")[0] for name in NAMES}
    rest = {"inherited", "sum_of_training_losses", "zero_cost_computed"}
    assert tried | rest == set(ESTIMATORS)


def test_what_estimators_say_of_the_additive_toy(toy):
    """Its curves are parallel: every epoch ranks alike. Its score leaves out one."""
    test = archs_of(toy.space, 50)
    truth = observe.truth(toy, test, 0)
    for name in ("full_fidelity", "early_stopping@2", "low_fidelity@5"):
        estimator = fitted(name, toy, test)
        seen = observe.told(toy, estimator, test, estimator.epochs, 0)
        found = assess(estimator, EMPTY, Sample(test, seen), truth, rng=rng())
        assert found.all.values["spearman"] == pytest.approx(1)
        assert found.all.values["regret_at_k"] == pytest.approx(0, abs=1e-12)
        assert math.isnan(found.coverage)
        cost = np.mean(
            [e.epochs[-1] * (1 + sum(a) / 5) for a in test for e in [estimator]]
        )
        assert found.cost.query == pytest.approx(cost)
        assert found.cost.setup == 0
    score = fitted("zero_cost/zc_synflow", toy, test)
    seen = observe.told(toy, score, test, (0,), 0)
    judged = score.estimate(test, seen).score
    assert judged.tolist() == [toy.score(arch) for arch in test]


def test_costs_are_trainings_on_the_benchmarks_clock_and_measured_seconds(toy):
    train, test = archs_of(toy.space, 50)[:30], archs_of(toy.space, 50)[30:]
    model = find("model/RandomForest", observe.offer(toy))
    seen = [observe.told(toy, model, archs, (27,), 0) for archs in (train, test)]
    ticks = itertools.chain([10.0, 12.0, 17.0])
    found = assess(
        model,
        Sample(train, seen[0]),
        Sample(test, observe.told(toy, model, test, (), 0)),
        observe.truth(toy, test, 0),
        rng=rng(),
        clock=lambda: next(ticks),
    )
    assert found.cost.setup == pytest.approx(27 * sum(1 + sum(a) / 5 for a in train))
    assert found.cost.query == 0
    assert (found.cost.fit, found.cost.estimate) == (2, 5 / 20)
    assert 0 <= found.coverage <= 1


def test_coverage_counts_intervals_that_hold_the_truth():
    class Said(Observed):
        def estimate(self, archs, seen):
            return Judgement(np.array([0.5, 0.5, math.nan, 0.5]), np.full(4, 0.1))

    seen = Sample([()] * 4, Seen(np.zeros((4, 1)), np.ones((4, 1))))
    truth = np.array([0.69, 0.31, 0.5, 0.75])
    found = assess(
        Said("said", "full fidelity", (1,)), EMPTY, seen, truth, rng=rng(), k=1
    )
    assert found.coverage == pytest.approx(2 / 3)
    assert found.all.unjudged == 1


def test_no_network_is_on_both_sides_or_twice():
    benchmark = load("nb201/cifar10")
    for seed in range(3):
        drawn = observe.architectures(benchmark, 900, rng(seed))
        parts = split(NATS_TSS, drawn, test=300, train=600)
        classes = [NATS_TSS.canonical(a) for a in (*parts.test, *parts.train)]
        assert len(set(classes)) == 900 == len(classes)


def test_a_larger_training_set_contains_the_smaller_one_and_the_test_stays():
    space = NATS_TSS
    small, large = (
        split(space, archs_of(space, 3000), test=50, train=n) for n in (20, 200)
    )
    assert small.test == large.test
    assert small.train == large.train[:20]


def test_a_space_that_is_too_small_says_so(toy):
    with pytest.raises(InputError, match=r"gave 1,024 different networks.*1,100"):
        split(toy.space, iter(toy.space), test=100, train=1000)


def test_estimators_are_told_what_the_benchmark_tells_a_search():
    benchmark = load("synthetic/curves")
    archs = archs_of(benchmark.space, 6)
    for epochs in ((7,), tuple(range(1, 21))):  # one by one, and as curves
        seen = observe.observe(benchmark, archs, epochs, 2)
        for row, arch in enumerate(archs):
            for column, e in enumerate(epochs):
                told = benchmark.evaluate(Trial(arch, e), 2)
                assert seen.errors[row, column] == told.error
                assert seen.seconds[row, column] == told.cost


def test_the_truth_is_what_is_reported_and_is_not_seen():
    """Of nb201, the mean validation error of the runs that were not seen."""
    benchmark = load("nb201/cifar10")
    archs = archs_of(benchmark.space, 20)
    for seed in (0, 1):
        truth = observe.truth(benchmark, archs, seed)
        for arch, accuracy in zip(archs, truth, strict=True):
            runs = [run.valid_error[-1] for run in benchmark.query(arch).runs]
            del runs[seed % len(runs)]
            assert accuracy == pytest.approx(1 - np.mean(runs))
        seen = observe.observe(benchmark, archs, (200,), seed).errors[:, 0]
        assert not np.isclose(1 - seen, truth, atol=1e-9).all()


def with_losses():
    """Four networks, two runs each; losses of 6 epochs are those in the array."""
    space = SearchSpace("four", (("a", "b"), ("c", "d")))
    archs = np.array(list(space), dtype=np.uint8)
    epochs = np.arange(1, 7)
    losses = rng().random((8, 6))
    right = np.tile(np.linspace(0.1, 0.8, 6), (8, 1))
    training = Training(
        epochs=epochs,
        starts=np.arange(5) * 2,
        seeds=np.tile([0, 1], 4),
        seconds=np.ones(8),
        splits={
            "train": Split(epochs, right, 1, loss=losses),
            "valid": Split(epochs, right, 1),
        },
    )
    table = Table(
        source="a test",
        choices=space.choices,
        archs=archs,
        keys=space.keys(archs),
        trainings={"t@6": training},
    )
    seen = Figure("t@6", "valid")
    return TabularBenchmark("four/t", space, table, seen=seen), losses


def test_training_losses_are_those_of_the_run_that_is_seen():
    benchmark, losses = with_losses()
    estimator = find("sum_of_training_losses@4", observe.offer(benchmark))
    archs = [(1, 0), (0, 1)]  # rows 2 and 1 of the table
    seen = observe.told(benchmark, estimator, archs, estimator.epochs, 3)
    np.testing.assert_array_equal(seen.losses, losses[[5, 3], :4])
    score = estimator.estimate(archs, seen).score
    np.testing.assert_allclose(score, -losses[[5, 3], :4].sum(axis=1))


def test_defaults_are_what_a_benchmark_can_answer():
    found = study.plan(load("synthetic/curves"), [], [10], test_size=20, seeds=[0])
    names = [estimator.name for estimator in found.estimators]
    assert names[:5] == [
        *("full_fidelity", "early_stopping@20", "power_law@20", "curve_mixture@20"),
        "lc_net@20",
    ]
    assert len(found.notes) == 2
    embedded = study.plan(load("nb201/cifar10"), [], [10], test_size=20, seeds=[0])
    assert [e.name for e in embedded.estimators] == [
        *("full_fidelity", "zero_cost/latency", "zero_cost/macs", "zero_cost/params"),
        *("model/RandomForest", "model/GaussianProcess"),
    ]
    assert any("no learning curve" in note for note in embedded.notes)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("low_fidelity@7", "no shorter training"),
        ("early_stopping", "no learning curve to see"),
        ("power_law@50", "no learning curve up to epoch 50"),
        ("lc_net", "it has epochs 200"),
        ("sum_of_training_losses", "no training losses"),
        ("zero_cost/zc_synflow", "no metric 'zc_synflow'; it has latency, macs"),
    ],
)
def test_what_a_benchmark_has_not_is_named(name, message):
    with pytest.raises(MissingError, match=message):
        find(name, observe.offer(load("nb201/cifar10")))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("power_lew", "did you mean power_law"),
        ("model/RandomFores", "did you mean RandomForest"),
        ("model/RandomForest+pats", "did you mean paths"),
        ("zero cost", "an estimator is"),
        ("zero_cost_computed/synflow", "."),  # no images here
        ("inherited/spos", "."),
    ],
)
def test_a_name_that_is_wrong_is_refused_in_one_line(name, message, monkeypatch):
    monkeypatch.delenv("BENCHSUITE_IMAGES", raising=False)
    with pytest.raises(InputError, match=message) as told:
        find(name, observe.offer(load("nb201/cifar10")))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("sizes", "test_size", "k", "message"),
    [
        ([1], 100, 10, "--train-size takes"),
        ([], 100, 10, "--train-size takes"),
        ([10], 10, 10, "--test-size must exceed"),
        ([10], 100, 0, "--test-size must exceed"),
    ],
)
def test_sizes_that_make_no_sense_are_refused(toy, sizes, test_size, k, message):
    with pytest.raises(InputError, match=message):
        study.plan(toy, [], sizes, test_size=test_size, seeds=[0], k=k)


def test_every_model_has_an_estimator():
    benchmark = load("nb201/cifar10")
    there = observe.offer(benchmark)
    for model in MODELS:
        assert find(f"model/{model}", there).kind == "model-based"
    graph = find("model/GraphNetwork", there)
    assert graph.settings == {"vertices": 8, "labels": 6}
    rows = graph.encode([(3, 3, 3, 3, 3, 3)])
    assert rows.shape == (1, 8 * 8 + 8 * 6)
    assert all(name.startswith("model/") for name in defaults(there)[-2:])


def test_learning_more_ranks_better():
    """On nb201: means of four seeds, 30 and 300 cells; .2 apart, spread of .03."""
    benchmark = load("nb201/cifar10")
    plan = study.plan(
        benchmark, ["model/GaussianProcess"], [30, 300], test_size=200, seeds=range(4)
    )
    few, many = lines(benchmark, plan, study.study(benchmark, plan))
    assert few.facts["train_size"] == 30
    assert many.figures["spearman"][0] > few.figures["spearman"][0] + 0.05
    assert many.facts["setup_seconds"] > 5 * few.facts["setup_seconds"]
    assert many.facts["coverage"] == pytest.approx(0.95, abs=0.06)


class Noted(Additive):
    """Writes down what is asked of it."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def evaluate(self, trial, seed):
        self.asked.append(trial)
        return super().evaluate(trial, seed)


def test_only_what_an_estimator_asks_for_is_observed():
    benchmark = Noted()
    archs = archs_of(benchmark.space, 5)
    estimator = find("early_stopping@4", observe.offer(benchmark))
    observe.told(benchmark, estimator, archs, estimator.epochs, 0)
    assert benchmark.asked == [Trial(arch, 4) for arch in archs]


@pytest.fixture(scope="module")
def nats(shared, tmp_path_factory):
    with full_size(shared, tmp_path_factory):
        yield load("nats_tss/cifar10")


def test_the_short_schedule_of_nb201_ranks_as_the_survey_says(nats):
    """End to end on all 15,625 cells: validation after 12, test after 200 epochs."""
    there = observe.offer(nats)
    assert there.schedules == (12,)
    estimator = find("low_fidelity@12", there)
    archs = list(nats.space)
    test = Sample(archs, observe.told(nats, estimator, archs, (12,), 0))
    found = assess(estimator, EMPTY, test, observe.truth(nats, archs, 0), rng=rng())
    assert found.all.values["spearman"] == pytest.approx(0.7715, abs=5e-4)
    assert found.all.values["kendall"] == pytest.approx(0.5939, abs=5e-4)
    assert found.all.values["pearson"] == pytest.approx(0.8993, abs=5e-4)
    seconds = [12 * nats.evaluate(Trial(a, 200), 0).cost / 200 for a in archs[::500]]
    assert test.seen.seconds[::500, 0] == pytest.approx(seconds)


def test_a_recorded_proxy_ranks_as_what_it_is(nats):
    archs = archs_of(nats.space, 400)
    estimator = find("zero_cost/zc_naswot", observe.offer(nats))
    seen = observe.told(nats, estimator, archs, (0,), 0)
    score = estimator.estimate(archs, seen).score
    names = ("zc_naswot", "params")
    figures = dict(zip(nats.space, nats.figures(names).tolist(), strict=True))
    expected = [figures[arch][0] for arch in archs]
    np.testing.assert_array_equal(score, expected)


def test_a_computed_proxy_is_that_of_the_network():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from benchsuite.estimators.computed import Computed, Networks
    from benchsuite.supernet.networks import NETWORKS

    whole = NETWORKS["nats_tss"](
        channels=4, cells=1, affine=True, generator=torch.Generator()
    )
    images = torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    networks = Networks(whole.alone, images, torch.arange(8))
    archs = [(3, 3, 3, 3, 3, 3), (2, 1, 0, 0, 0, 2)]
    params = Computed("p", "params", networks)
    found = params.estimate(archs, EMPTY.seen).score
    counted = [
        sum(p.numel() for p in whole.alone(arch, torch.Generator()).parameters())
        for arch in archs
    ]
    assert found.tolist() == counted
    synflow = Computed("s", "synflow", networks)
    first, second = (synflow.estimate(archs, EMPTY.seen).score for _ in range(2))
    np.testing.assert_array_equal(first, second)  # one seed for all networks
    none = synflow.estimate([(0,) * 6], EMPTY.seen).score
    assert none.item() <= first.min()
