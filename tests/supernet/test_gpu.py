"""What differs on a GPU; skipped where there is none."""

from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch

from benchsuite.supernet import checkpoint
from benchsuite.supernet.alone import Recipe, TrainingBenchmark
from benchsuite.supernet.datasets import digits
from benchsuite.supernet.methods import METHODS
from benchsuite.supernet.search import search
from benchsuite.supernet.setting import Setting, build, check_memory
from tests.supernet.nets import QUICK

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no GPU that torch can use"
)


def begin(method, monkeypatch, epochs=1):
    if method in QUICK:
        record = replace(METHODS[method], derive=QUICK[method])
        monkeypatch.setitem(METHODS, method, record)
    setting = Setting(
        method, "nats_tss", epochs=epochs, batch_size=32, channels=4, cells=1, images=64
    )
    return build(setting, digits(None), seed=0, device="cuda")


@pytest.mark.parametrize("method", METHODS)
def test_every_method_searches_there(method, monkeypatch):
    state = begin(method, monkeypatch)
    check_memory(state)
    (last,) = search(state)
    assert 0 <= last.error <= 1
    assert all(alpha.is_cuda for alpha in state.alphas.values())


def test_a_checkpoint_goes_on_there(monkeypatch, tmp_path):
    state = begin("darts", monkeypatch, epochs=2)
    next(search(state))
    checkpoint.save(tmp_path / "c", state.state_dict(), {})
    again = begin("darts", monkeypatch, epochs=2)
    again.load_state_dict(checkpoint.load(tmp_path / "c"))
    (last,) = search(again)
    assert last.epochs == 2


def test_a_search_sees_the_batches_that_the_cpu_sees(monkeypatch):
    there = begin("darts", monkeypatch).train.draw()
    setting = Setting("darts", "nats_tss", batch_size=32, images=64)
    here = build(setting, digits(None), seed=0).train.draw()
    for a, b in zip(there, here, strict=True):
        torch.testing.assert_close(a.cpu(), b)


def test_an_architecture_is_trained_there():
    how = Recipe(epochs=2, batch_size=64)
    options = {"channels": 4, "cells": 1}
    bench = TrainingBenchmark(
        "training/x", "nats_tss", digits(None), how, options=options, device="cuda"
    )
    assert 0 <= bench.reported_error((3, 1, 2, 4, 0, 3), 0) < 1
