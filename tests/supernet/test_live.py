"""Benchmarks that compute: stand-alone training, and inherited weights."""

import math
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch

from benchsuite import benchmarks
from benchsuite.core import InputError, Trial
from benchsuite.spaces import NATS_TSS
from benchsuite.supernet import alone
from benchsuite.supernet.alone import Recipe, TrainingBenchmark
from benchsuite.supernet.datasets import digits
from benchsuite.supernet.mixture import Mixture
from tests.toys import Additive

ARCH = (3, 1, 2, 4, 0, 3)
OPTIONS = {"channels": 4, "cells": 1}
HOW = Recipe(epochs=3, batch_size=64)


@pytest.fixture(scope="module")
def data():
    return digits(None)


def bench(data, how=HOW):
    return TrainingBenchmark("training/x", "nats_tss", data, how, options=OPTIONS)


def test_a_longer_trial_goes_on_where_a_shorter_stopped(data):
    one, other = bench(data), bench(data)
    steps = [one.evaluate(Trial(ARCH, n), 0) for n in (1, 2, 3)]
    whole = other.evaluate(Trial(ARCH, 3), 0)
    assert whole.error == steps[-1].error
    assert one.reported_error(ARCH, 0) == other.reported_error(ARCH, 0)
    assert other.evaluate(Trial(ARCH, 1), 0).error == steps[0].error  # once more
    costs = [step.cost for step in steps]
    assert costs == sorted(costs)
    assert one.evaluate(Trial(ARCH, 3), 0) == steps[-1]  # and nothing is done again


def test_validation_and_test_images_train_nothing(data):
    """With the labels of one of them permuted, all else stays as it was."""
    errors = []
    for name in (None, "valid", "test"):
        changed = data
        if name:
            split = getattr(data, name)
            wrong = type(split)(split.images, (split.labels + 1) % 10, split.mean,
                                split.std)  # fmt: skip
            changed = data._replace(**{name: wrong})
        b = bench(changed)
        errors.append((b.evaluate(Trial(ARCH, 3), 0).error, b.reported_error(ARCH, 0)))
    plain, valid, test = errors
    assert valid[1] == plain[1]
    assert test[0] == plain[0]
    # What was right is wrong by the permuted labels.
    assert valid[0] >= 1 - plain[0] - 1e-9
    assert test[1] >= 1 - plain[1] - 1e-9


def test_seeds_are_trainings_and_names_are_settings(data):
    b = bench(data)
    assert b.evaluate(Trial(ARCH, 1), 0).error != b.evaluate(Trial(ARCH, 1), 1).error
    assert b.data != bench(data, Recipe(epochs=4, batch_size=64)).data
    assert b.data == bench(data).data


def test_untrained_figures_and_what_is_refused(data):
    b = bench(data)
    told = b.evaluate(Trial(ARCH, 0), 0)
    convs = {2: 1, 3: 9}  # kernel areas; two scales and shifts for each
    cells = sum(
        convs.get(c, 0) * w * w + 2 * w * (c in convs) for c in ARCH for w in (4, 8, 16)
    )
    stem, head = 4 * 27 + 8, 16 * 10 + 10 + 32
    blocks = sum(w * w * 4 * 9 + w * 2 * w * 10 + 8 * w for w in (4, 8))
    assert told.metrics == {"params": cells + stem + head + blocks}
    assert math.isnan(told.error)
    with pytest.raises(KeyError, match="1 to 3 epochs"):
        b.evaluate(Trial(ARCH, 4), 0)
    with pytest.raises(KeyError, match="not an architecture"):
        b.evaluate(Trial((9,) * 6, 1), 0)


def test_a_training_that_diverges_is_infinitely_bad(data):
    b = bench(data, Recipe(epochs=3, batch_size=64, rate=1e30))
    told = b.evaluate(Trial((3,) * 6, 2), 0)
    assert told.error == math.inf
    assert told.cost > 0
    assert b.evaluate(Trial((3,) * 6, 3), 0) == told  # nothing more is trained
    assert b.evaluate(Trial((3,) * 6, 1), 0).error == math.inf
    assert b.reported_error((3,) * 6, 0) == math.inf


def test_the_schedule_is_a_cosine_to_zero_and_the_optimiser_has_momentum(
    data, monkeypatch
):
    seen = []

    def sgd(parameters, lr, **settings):
        optimizer = torch.optim.SGD(parameters, lr, momentum=0.9, **settings)
        step = optimizer.step
        monkeypatch.setattr(
            optimizer, "step",
            lambda: (seen.append(optimizer.param_groups[0]["lr"]), step())[1],
        )  # fmt: skip
        return optimizer

    monkeypatch.setattr(alone, "sgd", sgd)
    bench(data).evaluate(Trial(ARCH, 3), 0)
    expected = [0.1 * (1 + math.cos(math.pi * e / 3)) / 2 for e in range(3)]
    assert len(seen) == 3 * (718 // 64)
    assert sorted(set(seen), reverse=True) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("training/nats_tss", "training/<space>/<data set>, not training/nats_tss"),
        ("training/nats_tsss/digits", "did you mean nats_tss"),
        ("training/nats_tss/digit", "unknown data set 'digit': cifar10"),
        ("training/nats_tss/digits@x", "'x' where a number"),
        ("training/nats_tss/digits+width-3", "unknown option of a training 'width'"),
        ("training/nats_tss/cifar10", "--data-root takes the folder"),
        ("inherited/nats_tss/digits+spso", "did you mean spos"),
        ("inherited/nats_tss/digits+gdas", "benchsuite search gdas --space nats_tss"),
    ],
)
def test_names_that_lead_nowhere(name, message):
    with pytest.raises(InputError) as told:
        benchmarks.load(name)
    assert message in str(told.value)


def test_names_say_what_differs_from_the_recipe():
    b = benchmarks.load("training/nats_tss/digits@4+cells-1+channels-4")
    assert b.name == "training/nats_tss/digits@4+cells-1+channels-4"
    assert b.epochs == (1, 2, 3, 4)
    assert benchmarks.load("training/nats_tss/digits").name.endswith("digits@12")


def test_inherited_errors_are_those_of_the_supernet(data, tmp_path):
    from benchsuite.supernet.inherited import InheritedBenchmark, facts, keep
    from benchsuite.supernet.setting import Setting, build

    setting = Setting(
        "gdas", "nats_tss", epochs=1, batch_size=32, channels=4, cells=1, images=64
    )
    states = [build(setting, data, seed=seed) for seed in (0, 1)]
    for seed, state in enumerate(states):
        about = facts(setting, data, seed)
        keep(tmp_path / f"{seed}.safetensors", state, ARCH, about)
    truth = Additive()
    files = sorted(tmp_path.glob("*"))
    b = InheritedBenchmark("inherited/x", files, data, truth)
    for seed in (0, 1, 2):
        state = states[seed % 2]
        images, labels = data.valid.batch(torch.arange(64))
        with torch.no_grad():
            errors = [
                (state.supernet(x, Mixture.one_hot(NATS_TSS, ARCH)).argmax(-1) != y)
                for x, y in zip(images.split(32), labels.split(32), strict=True)
            ]
        expected = torch.cat(errors).float().mean().item()
        assert b.evaluate(Trial(ARCH, 1), seed).error == pytest.approx(expected)
    assert b.evaluate(Trial(ARCH, 1), 0).cost == b.evaluate(Trial((0,) * 6, 1), 0).cost
    assert b.reports == truth.reports
    with pytest.raises(KeyError):
        b.evaluate(Trial(ARCH, 2), 0)
    other = data._replace(valid=data.train)
    with pytest.raises(InputError, match="was trained on digits with digest"):
        InheritedBenchmark("inherited/x", files, other, truth)
    about = facts(replace(setting, channels=8), data, 2)
    keep(tmp_path / "2.safetensors", states[0], ARCH, about)
    with pytest.raises(InputError, match="was trained otherwise than"):
        InheritedBenchmark("inherited/x", sorted(tmp_path.glob("*")), data, truth)


@pytest.mark.parametrize("space", ["darts", "chain_4"])
def test_small_images_are_trained_on_without_an_auxiliary_head(space, data):
    few = data._replace(train=data.train.part(torch.arange(32)))
    options = {"channels": 4, **({"cells": 3} if space == "darts" else {})}
    how = Recipe(epochs=1, batch_size=32)
    benchmark = TrainingBenchmark("training/x", space, few, how, options=options)
    arch = benchmark.space.sample(np.random.default_rng(0))
    assert 0 <= benchmark.evaluate(Trial(arch, 1), 0).error <= 1
