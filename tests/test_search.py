"""The command `search` through its real entry point."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

from benchsuite import one_shot
from benchsuite.cli import main
from benchsuite.core import InputError
from benchsuite.results import read
from benchsuite.store import Store
from benchsuite.supernet import setting as settings
from benchsuite.supernet.methods import METHODS
from benchsuite.supernet.search import DivergedError
from benchsuite.supernet.setting import Setting

BENCHSUITE = Path(sys.executable).parent / "benchsuite"
SMALL = (
    *("--space", "nats_tss", "--data", "digits", "--channels", "4", "--cells", "1"),
    *("--images", "128", "--batch-size", "32", "--truth", "nb201/cifar10"),
)


@pytest.fixture
def start(tmp_path):
    def start(*words):
        return subprocess.Popen(
            [BENCHSUITE, *map(str, words)],
            cwd=tmp_path,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    return start


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Call the command line in this process, which has PyTorch already."""
    monkeypatch.chdir(tmp_path)

    def call(*words, code=0):
        monkeypatch.setattr(sys, "argv", ["benchsuite", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        assert (left.value.code or 0) == code, (out, err)
        assert "Traceback" not in err
        return out, err

    return call


def test_the_straight_line_from_a_search_to_the_leaderboard(call, tmp_path):
    out, err = call("search", "gdas", *SMALL, "--epochs", 2, "--seeds", 2)
    assert "2 searches: 2 recorded" in out
    assert "2/2 gdas, seed 1: loss" in err
    call("run", "random_search", "--on", "nb201/cifar10", "--trials", 5, "--seeds", 2)
    assert "2 there already" in call(
        "search", "gdas", *SMALL, "--epochs", 2, "--seeds", 2
    )[0]  # fmt: skip
    call("export")
    rows = read(tmp_path / "results/nb201/cifar10/gdas.csv")
    assert [(r.backend, r.reports, r.epochs) for r in rows] == [
        ("supernet", "held_out_runs", 2)
    ] * 2
    (settings,) = {row.settings for row in rows}
    name, _, rest = settings.partition("@")
    assert name == "data=digits"
    assert rest[8:] == " batch_size=32 cells=1 channels=4 epochs=2 images=128"
    lines = json.loads(call("leaderboard", "--json")[0])
    assert {line["backend"] for line in lines} == {"supernet", "table"}
    log = (tmp_path / "results/searches/gdas_nats_tss_digits_0.jsonl").read_text()
    last = json.loads(log.splitlines()[-1])
    assert last["forwards"] == last["backwards"] == 2 * 2 * 4  # epochs, passes, steps
    assert last["judged"] == 2 * 128
    assert last["samples"] == 2 * 2 * 128
    assert last["active"] == 6
    assert not list(tmp_path.rglob("*.safetensors"))  # recorded: nothing to go on with


def test_a_relaxed_table_is_a_backend(call, tmp_path):
    words = ("--data", "nb201/cifar10", "--epochs", 3, "--alpha-rate", 0.05)
    out, _ = call("search", "darts", *words, "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    call("export")
    (row,) = read(tmp_path / "results/nb201/cifar10/darts.csv")
    assert row.backend == "relaxed_table"
    assert row.error < 0.12  # the mean of the table is .19


def test_what_an_architecture_costs_is_read_off_a_table_or_counted(call, tmp_path):
    """And recorded. On NAS-Bench-201 both are 73,306 + 28,000 n + 243,040 m."""
    words = ("search", "tnd_nas", "--objective", "params", "--exponent", -1)
    table = ("--data", "nb201/cifar10", "--epochs", 3)
    lines = call(*words, *table, "--json")[0].splitlines()
    call(*words, *SMALL[:-2], "--epochs", 1, "--truth", "training/nats_tss/digits@1")
    call("export")
    (one,) = read(tmp_path / "results/nb201/cifar10/tnd_nas.csv")
    (path,) = (tmp_path / "results" / "training").rglob("tnd_nas.csv")
    (other,) = read(path)
    assert one.settings == "epochs=3 exponent=-1.0 objective=params"
    assert other.settings.endswith("exponent=-1.0 images=128 objective=params")
    for row in (one, other):
        counts = [row.arch.count(f"nor_conv_{n}x{n}") for n in (1, 3)]
        params = 73_306 + 28_000 * counts[0] + 243_040 * counts[1]
        (found,) = (w for w in row.metrics.split() if w.startswith("params="))
        assert found == f"params={params:.6g}"
    assert json.loads(lines[-1])["params"] > 0


def test_training_is_a_benchmark(call, tmp_path):
    on = "training/nats_tss/digits@2+channels-4+cells-1"
    call("run", "regularized_evolution", "--on", on, "--trials", 2, "--seeds", 1)
    call("export")
    (path,) = (tmp_path / "results" / "training").rglob("*.csv")
    (row,) = read(path)
    assert (row.benchmark, row.backend, row.reports) == (on, "training", "trained")
    assert 0 <= row.reported_error < 1
    assert row.epochs == 2


@pytest.mark.slow
def test_trained_supernets_are_a_benchmark(call, tmp_path, monkeypatch):
    """What is reported of one architecture takes a whole training."""
    monkeypatch.setenv("BENCHSUITE_DATA", str(tmp_path / "data"))
    call("search", "spos", *SMALL, "--epochs", 1, "--seeds", 2)
    on = "inherited/nats_tss/digits"
    call("run", "regularized_evolution", "--on", on, "--trials", 4, "--seeds", 1)
    call("export")
    (path,) = (tmp_path / "results" / "inherited").rglob("*.csv")
    (row,) = read(path)
    assert (row.benchmark, row.backend) == (on + "+spos", "inherited")
    assert row.reports == "trained"
    assert 0 <= row.reported_error < 0.5


@pytest.mark.slow
def test_killed_twenty_times_it_ends_as_if_it_had_not_been(start, call, tmp_path):
    """SIGTERM and SIGKILL in turn, each a random moment after it went on."""
    words = ("search", "darts", *SMALL, "--epochs", 100)
    call(*words, "--results", "straight")
    moment = random.Random(0)
    log = tmp_path / "killed/searches/darts_nats_tss_digits_0.jsonl"

    def epochs():
        return log.read_bytes().count(b"\n") if log.exists() else 0

    for kill in range(20):
        before, process = epochs(), start(*words, "--results", "killed")
        while epochs() == before:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.3 * moment.random())
        process.send_signal((signal.SIGTERM, signal.SIGKILL)[kill % 2])
        _, err = process.communicate()
        assert "Traceback" not in err
        assert process.returncode == (130, -signal.SIGKILL)[kill % 2]
    call(*words, "--results", "killed")
    rows = []
    for folder in ("straight", "killed"):
        with Store(tmp_path / folder / "runs.sqlite", create=False) as store:
            rows.append([(r.arch, r.error, r.metrics) for r in store.rows(curves=True)])
    assert len(rows[0]) == 100
    assert rows[0] == rows[1]


def test_sigterm_saves_and_the_same_command_goes_on(start, call, tmp_path):
    words = ("search", "darts", *SMALL, "--epochs", 400)
    process = start(*words)
    log = tmp_path / "results/searches/darts_nats_tss_digits_0.jsonl"
    while not log.exists() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1].startswith("stopped: where it stands is in results/")
    told = len(log.read_text().splitlines())
    process = start(*words)
    while len(log.read_text().splitlines()) < told + 2 and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    epochs = [json.loads(line)["epoch"] for line in log.read_text().splitlines()]
    assert epochs == list(range(1, len(epochs) + 1))  # none was done twice
    _, err = call(*words, "--alpha-rate", 0.1, code=2)
    assert "is of a search with alpha_rate 0.0, not 0.1" in err
    folder = tmp_path / "results/searches"
    own, other = (
        folder / f"{n}_nats_tss_digits_0.safetensors" for n in ("darts", "gdas")
    )
    other.write_bytes(own.read_bytes())
    _, err = call("search", "gdas", *SMALL, "--epochs", 400, code=2)
    assert "is of a search with method darts, not gdas" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("dart",), "unknown method 'dart'; did you mean darts"),
        (("darts", "--space", "nats"), "did you mean nats_tss"),
        (
            ("if_nas", "--space", "nats_sss"),
            "not defined on nats_sss, which has no edges",
        ),
        (("if_nas", "--data", "nb201/cifar10"), "which has no edges and no weights"),
        (
            ("freedarts_snip", "--data", "nb201/cifar10"),
            "has no weights: --space takes",
        ),
        (("darts", "--data", "cifar10"), "data_batch_1 with md5 c99cafc1"),
        (("darts", "--data", "x.npz"), "cannot read x.npz: "),
        (
            ("darts", "--device", "cuda:7"),
            "no device 'cuda:7' here: --device takes cpu",
        ),
        (("darts", "--device", "gpu"), "no device 'gpu' here"),
        (("darts", "--batch-size", "100000"), "--batch-size takes fewer"),
        (("pc_darts", "--channels", "6"), "6 channels do not divide by partial=4"),
        (("darts", "--normalisation", "layer"), "batch or running, not 'layer'"),
        (("darts", "--truth", "synthetic/curves"), "takes a benchmark of that space"),
        (("darts", "--data", "synthetic/curve"), "did you mean synthetic/curves"),
        (("darts", "--data", "nb201/cifar10", "--cells", "3"), "no cells to set"),
        (
            ("spos", "--data", "nb201/cifar10"),
            "spos is not defined on a relaxed table, which has no weights",
        ),
        (("darts", "--seeds", "0"), "--seeds takes a number above 0"),
        (("darts", "--alpha-rate", "-1"), "alpha_rate is a number from 0"),
        (
            ("darts", "--objective", "params"),
            "darts takes no objective but the error: tnd_nas",
        ),
        (
            ("tnd_nas", "--exponent", "-1"),
            "exponent is that of an objective: --objective",
        ),
        (
            ("tnd_nas", "--objective", "params", "--exponent", "nan"),
            "exponent is a number from -10 to 10, not nan",
        ),
        (
            ("tnd_nas", "--objective", "latency_edgegpu", "--data", "nb201/cifar10"),
            "nb201/cifar10 has no latency_edgegpu, it has latency, macs, params,",
        ),
        (
            (
                "tnd_nas",
                "--objective",
                "latency",
                "--truth",
                "training/nats_tss/digits",
            ),
            "has no latency, it has macs, params; benchmarks with latency: nb201/ci",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(words, message, capsys, tmp_path, monkeypatch):
    from benchsuite.cli import main

    monkeypatch.chdir(tmp_path)
    method, *rest = words
    default = {"--space": "nats_tss", "--data": "digits"}
    given = dict(zip(rest[::2], rest[1::2], strict=True))
    options = [word for pair in {**default, **given}.items() for word in pair]
    monkeypatch.setattr(sys, "argv", ["benchsuite", "search", method, *options])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    out, err = capsys.readouterr()
    assert message in err
    assert len(err.splitlines()) == 1
    assert not out
    assert not list(tmp_path.rglob("*.safetensors"))


def test_without_torch_the_extra_is_named(tmp_path):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "sys.argv = ['benchsuite', 'search', 'darts', '--data', 'digits']\n"
        "from benchsuite.cli import main; main()"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert answer.returncode == 2
    assert answer.stderr.splitlines() == [
        "benchsuite: this needs torch, which is not installed:"
        " pip install 'benchsuite[supernet]'"
    ]


def small(**changes):
    return Setting(**{
        "method": "darts", "space": "nats_tss", "epochs": 3, "batch_size": 32,
        "channels": 4, "cells": 1, "images": 64, **changes,
    })  # fmt: skip


def planned(tmp_path, **changes):
    (job,) = one_shot.plan(
        small(**changes), "digits", range(1), truth="nb201/cifar10", results=tmp_path
    )
    return job


def test_a_loss_that_is_no_number_keeps_the_last_good_checkpoint(tmp_path, monkeypatch):
    from dataclasses import replace

    def rate(moment):
        return 0.025 if moment.epoch < 1 else 1e30

    method = replace(METHODS["darts"], learning_rate=rate)
    monkeypatch.setitem(METHODS, "darts", method)
    job = planned(tmp_path)
    with Store(tmp_path / "runs.sqlite") as store:
        with pytest.raises(DivergedError, match=r"the loss of epoch [23] is nan"):
            list(one_shot.do(job, store))
        (failure,) = store.failures()
        assert not list(store.rows())
    assert failure.run == job.run
    assert job.checkpoint.exists()
    monkeypatch.undo()  # with a rate that is right it can go on
    with Store(tmp_path / "runs.sqlite") as store:
        epochs = list(one_shot.do(job, store))
        assert epochs[-1].incumbent.epochs == 3
        assert not store.failures()


def test_what_does_not_fit_is_refused_before_it_starts(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "free_memory", lambda: 10**6)
    with (
        Store(tmp_path / "runs.sqlite") as store,
        pytest.raises(InputError, match=r"a step takes some .* GB, and .* are free"),
    ):
        list(one_shot.do(planned(tmp_path), store))


def test_the_estimate_of_memory_grows_with_the_batch_and_the_width():
    from benchsuite.supernet.datasets import digits

    def needed(**changes):
        setting = small(**{"images": 0, **changes})
        return settings.memory_needed(settings.build(setting, digits(None), seed=0))

    base = needed()
    own = 3 * 4 * 21_000  # some of the weights, which do not grow
    assert needed(batch_size=64) == pytest.approx(2 * base, abs=2 * own)
    assert 1.5 * base < needed(channels=8) < 5 * base
    assert needed(method="gdas") < base


def test_images_of_your_own(call, tmp_path):
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 3
    images = rng.integers(0, 256, (200, 8, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", images=images, labels=labels)
    words = ("--space", "nats_tss", "--data", "mine.npz", "--channels", 4, "--cells", 1)
    words = (*words, "--epochs", 1, "--batch-size", 16)
    call("search", "darts", *words, "--truth", "training/nats_tss/mine.npz@1+cells-1")
    call("export")
    (path,) = (tmp_path / "results" / "training").rglob("darts.csv")
    (row,) = read(path)
    assert row.settings.startswith("data=mine@")
    assert 0 <= row.reported_error <= 1
    np.savez(tmp_path / "mine.npz", images=images, labels=labels + 1)
    _, err = call("search", "darts", *words, code=2)
    assert "the numbers from 0 to one less" in err
