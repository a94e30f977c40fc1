"""`surrogate:<file>` and what all benchmarks that predict have in common."""

import hashlib
import json
import math
import pickle
import zipfile

import numpy as np
import pytest

from benchsuite import load
from benchsuite.benchmarks.fitted import FittedJudge, moved
from benchsuite.benchmarks.surrogate import Predicted, SurrogateBenchmark
from benchsuite.campaign import compare
from benchsuite.core import InputError, Trial
from benchsuite.fitting import fit
from benchsuite.spaces import NATS_TSS, SearchSpace
from benchsuite.spaces.encodings import ENCODINGS
from surrogates import DataError
from surrogates.fitted import Fitted
from tests.toys import rng

SPACE = SearchSpace("toy", (("a", "b", "c"),) * 3)


class Falling:
    """Errors 1 / (1 + sum + epochs), ten seconds an epoch; noise shifts by the seed."""

    epochs = (1, 2, 4)
    noisy = True

    def __init__(self):
        self.asked = []

    def __call__(self, archs, epochs, seed):
        self.asked.append((tuple(archs), epochs, seed))
        total = np.array([sum(arch) for arch in archs])[:, None]
        errors = 1 / (1 + total + np.array(epochs)) + 0.01 * (seed or 0)
        return Predicted(errors, np.tile(10.0 * np.array(epochs), (len(archs), 1)))


def test_it_asks_once_and_tells_what_it_was_told():
    judge = Falling()
    benchmark = SurrogateBenchmark("toy/curves", "0" * 8, SPACE, judge)
    arch = (1, 0, 2)
    for _ in range(3):
        assert benchmark.evaluate(Trial(arch, 4), 2) == (0.145, 40.0, {})
        assert benchmark.evaluate(Trial(arch, 1), 2).error == 0.22
        assert benchmark.evaluate(Trial(arch, 2), 2).error == round(1 / 6 + 0.02, 6)
        assert benchmark.reported_error(arch, 2) == 0.125
    assert judge.asked == [
        ((arch,), (4,), 2),
        ((arch,), (1, 2, 4), 2),
        ((arch,), (4,), None),
    ]
    assert benchmark.best_error == round(1 / 11, 6)  # of (2, 2, 2)
    untrained = benchmark.evaluate(Trial(arch, 0), 0)
    assert math.isnan(untrained.error)
    assert untrained.cost == 0
    for trial in (Trial((1, 0, 3), 4), Trial((1, 0), 4), Trial(arch, 3)):
        with pytest.raises(KeyError):
            benchmark.evaluate(trial, 0)


def test_the_mean_has_no_noise_and_a_name_of_its_own():
    benchmark = SurrogateBenchmark("toy/curves", "0" * 8, SPACE, Falling())
    noisy = benchmark.evaluate(Trial((0, 0, 0), 4), 9)
    mean = benchmark.mean()
    assert mean.name == "toy/curves+mean"
    assert mean.evaluate(Trial((0, 0, 0), 4), 9).error == 0.2
    assert benchmark.evaluate(Trial((0, 0, 0), 4), 9) == noisy != 0.2


def test_a_move_on_the_logistic_scale():
    errors, by = rng(0).random(100), rng(1).normal(size=100)
    scale = np.log(errors / (1 - errors)) + by
    np.testing.assert_allclose(moved(errors, by), 1 / (1 + np.exp(-scale)))
    ends = moved(np.array([0.0, 1.0]), np.array([3.0, -3.0]))
    np.testing.assert_allclose(ends, [0, 1], atol=1e-15)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """ExtraTrees of 300 cells of nb201/cifar10."""
    path = tmp_path_factory.mktemp("fitted") / "my.surrogate"
    fit(load("nb201/cifar10"), "ExtraTrees", train_size=300, test_size=100).save(path)
    return path


def test_a_file_is_a_benchmark_that_says_what_its_model_says(file):
    benchmark = load(f"surrogate:{file}")
    fitted = Fitted.load(file)
    assert benchmark.space is NATS_TSS
    assert (benchmark.backend, benchmark.reports) == ("surrogate", "surrogate")
    assert benchmark.data == hashlib.sha256(file.read_bytes()).hexdigest()[:8]
    assert benchmark.epochs == (200,)
    archs = [NATS_TSS.sample(rng(n)) for n in range(20)]
    rows = ENCODINGS["one_hot"](NATS_TSS)(archs)
    mean, seconds = fitted.predict(rows).mean, fitted.seconds(rows)
    for n, arch in enumerate(archs):
        assert benchmark.reported_error(arch, 0) == pytest.approx(mean[n], abs=1e-6)
        assert benchmark.evaluate(Trial(arch, 200), 0).cost == pytest.approx(seconds[n])
    everything = fitted.predict(ENCODINGS["one_hot"](NATS_TSS)(list(NATS_TSS))).mean
    assert benchmark.best_error == pytest.approx(everything.min(), abs=1e-6)


def test_noise_is_that_between_runs_and_fixed_by_seed_and_cell(file):
    """Mean and variance of 2,000 draws; false alarms have probability 1e-4 each."""
    benchmark = load(f"surrogate:{file}")
    noise = Fitted.load(file).origin.metrics["run_noise"]
    arch, trial = (3, 3, 3, 3, 3, 3), Trial((3, 3, 3, 3, 3, 3), 200)
    draws = np.array([benchmark.evaluate(trial, seed).error for seed in range(2000)])
    mean = benchmark.reported_error(arch, 0)
    z = (np.log(draws / (1 - draws)) - math.log(mean / (1 - mean))) / noise
    assert abs(z.mean()) < 3.9 / math.sqrt(2000)
    assert abs(z.var() - 1) < 3.9 * math.sqrt(2 / 2000)
    again = load(f"surrogate:{file}")
    other = Trial((3, 3, 3, 3, 3, 0), 200)
    again.evaluate(other, 0)  # the order in which it is asked does not matter
    assert [again.evaluate(trial, s).error for s in range(9)] == draws[:9].tolist()
    quiet = load(f"surrogate:{file}+mean")
    assert quiet.name == f"surrogate:{file}+mean"
    assert quiet.evaluate(trial, 5).error == mean


def test_without_known_noise_it_draws_from_the_model(file):
    fitted = Fitted.load(file)
    del fitted.origin.metrics["run_noise"]
    judge = FittedJudge(fitted, ENCODINGS["one_hot"](NATS_TSS))
    arch = (3, 0, 3, 1, 2, 0)
    rows = ENCODINGS["one_hot"](NATS_TSS)([arch])
    _, std = fitted.predict(rows)
    draws = np.array([judge([arch], (200,), seed).errors.item() for seed in range(400)])
    assert len(set(draws)) > 100
    assert draws.std() == pytest.approx(std.item(), rel=0.5)
    assert judge([arch], (200,), 3).errors.item() == draws[3]


def test_strategies_run_on_it_and_processes_find_it_again(file):
    on = [f"surrogate:{file}"]
    one = compare(["random_search"], on, seeds=4)
    many = compare(["random_search"], on, seeds=4, jobs=2)
    assert one.equals(many)
    assert set(one.backend) == {"surrogate"}
    assert (one.regret >= 0).all()


def test_paths_are_spelled_so_that_rows_can_name_them(file, monkeypatch):
    monkeypatch.chdir(file.parent)
    assert load("surrogate:./my.surrogate").name == "surrogate:my.surrogate"
    (file.parent / "below").mkdir()
    monkeypatch.chdir(file.parent / "below")
    assert load("surrogate:../my.surrogate").name == f"surrogate:{file}"


def changed(file, path, **changes):
    """Write a copy whose manifest says something else."""
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(path, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            if info.filename == "manifest.json":
                content = json.dumps({**json.loads(content), **changes}).encode()
            new.writestr(info.filename, content)
    return path


def test_bad_files_are_one_line(file, tmp_path):
    def refused(path, message):
        with pytest.raises(DataError, match=message) as caught:
            load(f"surrogate:{path}")
        assert "\n" not in str(caught.value)

    refused(tmp_path / "gone.surrogate", "cannot read .*: No such file")
    pickled = tmp_path / "pickle.surrogate"
    pickled.write_bytes(pickle.dumps({"a": 1}))
    refused(pickled, "no whole zip file")
    cut = tmp_path / "cut.surrogate"
    cut.write_bytes(file.read_bytes()[:-3000])
    refused(cut, "no whole zip file")
    other = tmp_path / "other.surrogate"
    refused(changed(file, other, format=99), "has the format 99, and this version")
    refused(changed(file, other, space="mars"), "fitted to the space 'mars'; known are")
    refused(changed(file, other, encoding="x"), "fitted to the encoding 'x'; known")
    refused(changed(file, other, space="darts"), "224 features, and the model.* 30")
    refused(changed(file, other, encoding="paths"), "features, and the model.* 30")
    refused(changed(file, other, space="chain_4", encoding="paths"), "chain_4")
    refused(changed(file, other, model="Oracle"), "has the model 'Oracle', not one of")
    with pytest.raises(InputError, match=r"is no surrogate: only those have a \+mean"):
        load("nb201/cifar10+mean")
    with pytest.raises(InputError, match="unknown addition 'means'; did you mean mean"):
        load("nb201/cifar10+means")
