"""RF-DARTS: what stays as it was drawn does so to the bit."""

from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch

from benchsuite.supernet.methods import METHODS
from benchsuite.supernet.search import all_weights, search
from tests.supernet.nets import start

both = pytest.mark.parametrize("name", ["rf_darts", "rf_pcdarts"])


@both
def test_only_normalisation_moves_and_all_of_it_does(name):
    run = start(name)
    before = {n: w.clone() for n, w in run.supernet.state_dict().items()}
    list(search(run))
    after = run.supernet.state_dict()
    moved = {n for n in before if not torch.equal(before[n], after[n])}
    assert moved == {n for n in before if n.endswith((".scale", ".shift"))}


@pytest.mark.parametrize(("channels", "cells"), [(4, 1), (8, 2)])
def test_twice_the_channels_of_all_normalisations_are_trained(channels, cells):
    """And nothing else has an optimizer state, or a gradient."""
    run = start("rf_darts", channels=channels, cells=cells)
    list(search(run))
    c = channels
    in_cells = cells * 6 * 2 * (c + 2 * c + 4 * c)  # two convolutions on six edges
    others = c + 2 * 2 * c + 2 * 4 * c + 4 * c  # stem, two blocks, before the head
    assert sum(w.numel() for w in run.weights.values()) == 2 * (in_cells + others)
    kept = run.weight_optimizer.state_dict()["state"].values()
    assert sum(s["momentum_buffer"].numel() for s in kept) == 2 * (in_cells + others)
    learn = {n for n, w in run.supernet.named_parameters() if w.grad is not None}
    assert learn == set(run.weights)


@both
def test_with_all_weights_it_is_its_base_method(name):
    base = {"rf_darts": "darts", "rf_pcdarts": "pc_darts"}[name]
    unfrozen = replace(METHODS[name], weights=all_weights)
    affine = replace(METHODS[base], network=METHODS[name].network)
    runs = [start(method, epochs=1) for method in (unfrozen, affine)]
    assert list(search(runs[0])) == list(search(runs[1]))
    for ours, theirs in zip(
        runs[0].alphas.values(), runs[1].alphas.values(), strict=True
    ):
        assert torch.equal(ours, theirs)


def test_with_nothing_to_train_the_loss_depends_on_alpha_only():
    run = start(replace(METHODS["rf_darts"], weights=lambda supernet: {}))
    before = {n: w.clone() for n, w in run.supernet.state_dict().items()}
    batch = run.train.draw()
    train = run.method.steps[-1]
    losses = []
    for _ in range(2):
        train(run, batch, batch)
        losses.append(float(run.loss_sum))
    assert losses[1] == pytest.approx(2 * losses[0], rel=1e-6)
    assert all(torch.equal(w, before[n]) for n, w in run.supernet.state_dict().items())
