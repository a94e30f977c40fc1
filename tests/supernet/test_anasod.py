"""Differentiable ANASOD: one distribution in the place of many."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch

from benchsuite.spaces import DARTS_S1, SearchSpace
from benchsuite.supernet import relax
from benchsuite.supernet.data import Blank
from benchsuite.supernet.methods import METHODS
from benchsuite.supernet.methods.anasod import (
    by_distribution,
    distribution,
    tied,
    untied,
    vocabulary,
)
from benchsuite.supernet.networks.darts import layout_of
from benchsuite.supernet.objectives import expected_error
from benchsuite.supernet.relaxed_table import RelaxedTable
from benchsuite.supernet.search import ABSENT, Alphas, Moment, Search, search

SPACE = SearchSpace("four", (("none", "a", "b"),) * 4)


def table(errors):
    return RelaxedTable(SPACE, np.array([errors(arch) for arch in SPACE]))


def on_table(errors, method, *, steps=40, epochs=10):
    return Search(
        method, table(errors), Blank(steps), Blank(steps), objective=expected_error,
        error=expected_error, epochs=epochs, seed=0, clock=lambda: 0.0,
    )  # fmt: skip


def test_the_gradient_is_the_sum_of_those_of_the_decisions():
    rng = np.random.default_rng(0)
    values = dict(zip(SPACE, rng.random(81), strict=True))
    net = table(values.__getitem__)
    assert vocabulary(net.layout) == ["a", "b", "none"]  # options are none, a, b
    logits = torch.tensor([-0.2, 0.5, 0.3], dtype=torch.float64, requires_grad=True)
    free = logits.detach()[[2, 0, 1]].expand(4, 3).clone().requires_grad_()
    slopes = []
    for relaxation, alphas, leaf in (
        (tied(relax.softmax), Alphas({"distribution": logits}, net.layout), logits),
        (relax.softmax, Alphas({"operations": free}, net.layout), free),
    ):
        (mixture,) = relaxation(alphas, Moment(0, 1), torch.Generator())
        slopes += torch.autograd.grad(net(None, mixture), leaf)
    torch.testing.assert_close(slopes[0], slopes[1].sum(0)[[1, 2, 0]])


def test_operations_are_tied_by_name_where_edges_offer_different_ones():
    layout = layout_of(DARTS_S1)
    alphas = distribution(layout, torch.Generator().manual_seed(0))
    names = vocabulary(layout)
    assert "none" not in names  # no option of the one-shot model there
    spread = untied(alphas)["operations"]
    for d, options in enumerate(layout.options):
        for c in range(layout.width):
            if c in options:
                n = names.index(DARTS_S1.choices[d][c])
                assert spread[d, c] == alphas["distribution"][n]
            else:
                assert spread[d, c] == ABSENT


def test_samples_have_the_frequencies_of_the_distribution():
    """Five standard deviations; with another seed it fails with probability 2e-6."""
    run = on_table(lambda arch: 0.5, METHODS["anasod_darts"])
    with torch.no_grad():
        run.alphas["distribution"].copy_(torch.tensor([0.0, 1.0, -1.0]))
    n = 4000
    drawn = np.array([by_distribution(run) for _ in range(n)])
    p = np.exp([-1.0, 0.0, 1.0]) / np.exp([-1.0, 0.0, 1.0]).sum()  # none, a, b
    counts = np.bincount(drawn.ravel(), minlength=3) / (4 * n)
    assert (abs(counts - p) <= 5 * np.sqrt(p * (1 - p) / (4 * n))).all()


@pytest.mark.parametrize("name", ["anasod_darts", "anasod_gdas"])
def test_what_counts_operations_is_solved(name):
    """The error falls with the number of b, wherever they are."""
    fast = partial(torch.optim.Adam, lr=0.05, betas=(0.5, 0.999))
    method = replace(METHODS[name], alpha_optimizer=fast)
    run = on_table(lambda arch: 1 - arch.count(2) / 4, method)
    *_, last = search(run)
    assert last.arch == (2, 2, 2, 2)
    assert run.alphas["distribution"].argmax() == vocabulary(run.layout).index("b")
