"""RARTS against the closed forms of its card, and against what it reduces to."""

import itertools
import math
from dataclasses import replace
from functools import partial

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch

from benchsuite.supernet.methods import METHODS, rarts
from benchsuite.supernet.steps import first_order, train_weights
from tests.supernet.nets import start
from tests.supernet.toy import start_toy, toy


def three(weight, coupling):
    return (
        partial(rarts.fit_train, weight=weight, coupling=coupling),
        partial(rarts.fit_valid, coupling=coupling),
        partial(rarts.fit_alphas, weight=weight),
    )


def two(weight, coupling):
    both = partial(rarts.fit_both, weight=weight, coupling=coupling)
    return both, rarts.move_alphas


@pytest.mark.parametrize("steps", [three, two])
@pytest.mark.parametrize(("weight", "coupling"), [(10, 10), (2, 5)])
def test_the_toy_ends_where_its_closed_form_says(steps, weight, coupling):
    alpha, w, run = toy(
        *steps(weight, coupling), xi=0.03, alpha_rate=0.03, n=800, on_epoch=rarts.split
    )
    expected = 2 / (2 - 1 / (2 * weight) - 1 / coupling)
    if (weight, coupling) == (10, 10):
        assert expected == pytest.approx(1.0811, abs=5e-5)
    assert alpha == pytest.approx(expected, abs=1e-6)
    assert w == pytest.approx(expected * (1 - 1 / (2 * weight)), abs=1e-6)
    assert run.memory["y"]["w"].item() == pytest.approx(2 - expected, abs=1e-6)


def test_strong_ties_end_at_one_where_the_first_order_of_darts_ends_at_two():
    alpha, w, run = toy(
        *three(40, 40), xi=0.01, alpha_rate=0.01, n=600, on_epoch=rarts.split
    )
    assert (alpha, w, run.memory["y"]["w"].item()) == pytest.approx((1,) * 3, abs=0.03)


def test_the_lagrangian_never_increases():
    run = start_toy(*three(10, 10), xi=0.01, alpha_rate=0.01, on_epoch=rarts.split)
    rarts.split(run)
    values = []
    for _ in range(400):
        w, y = run.supernet.w.item(), run.memory["y"]["w"].item()
        a = run.alphas["operations"].item()
        values.append((a * y - 2 * a + 1) + 10 * (w - a) ** 2 + 5 * (y - w) ** 2)
        for step in run.method.steps:
            step(run, run.train.draw(), run.valid.draw())
    assert all(b <= a + 1e-12 for a, b in itertools.pairwise(values))
    assert values[-1] == pytest.approx(-0.08108, abs=2e-3)


def prepared(*steps, **changes):
    run = start(replace(METHODS["rarts"], steps=steps, **changes))
    run.method.on_epoch(run)
    return run


def after(run, n=3, *, same=False):
    """Alphas after n pairs of batches."""
    for _ in range(n):
        train, valid = run.train.draw(), run.valid.draw()
        for step in run.method.steps:
            step(run, valid if same else train, valid)
    return run.alphas["operations"]


def test_one_batch_in_both_roles_doubles_the_gradient_of_alpha():
    """Without the tie both sets move alike, as far as float32 goes."""
    plain = partial(torch.optim.SGD, lr=0.1, foreach=True)
    twice = partial(torch.optim.SGD, lr=0.2, foreach=True)
    ours = prepared(*three(1, 0), alpha_optimizer=plain)
    single = prepared(train_weights, first_order, alpha_optimizer=twice)
    torch.testing.assert_close(after(ours, same=True), after(single, same=True))
    for name, y in ours.memory["y"].items():
        torch.testing.assert_close(y, ours.weights[name], rtol=1e-4, atol=1e-6)


def test_without_the_training_loss_alpha_follows_training_on_the_validation_half():
    """Momentum, decay and clipping of the second set are those of torch's SGD."""

    def on_valid(search, train, valid):
        train_weights(search, valid, valid)

    ours = prepared(*three(0, 0), clip=0.5)
    other = prepared(on_valid, first_order, clip=0.5)
    torch.testing.assert_close(after(ours, 5), after(other, 5))


def test_the_pull_is_not_clipped():
    run = prepared(*three(1, 2), clip=1e-9)
    for y in run.memory["y"].values():
        y.add_(1.0)
    before = {n: w.detach().clone() for n, w in run.weights.items()}
    run.method.steps[0](run, run.train.draw(), run.valid.draw())
    (group,) = run.weight_optimizer.param_groups
    for name, w in run.weights.items():
        expected = before[name] * (1 - group["lr"] * 3e-4) + group["lr"] * 2
        torch.testing.assert_close(w.detach(), expected, rtol=1e-4, atol=1e-6)


def test_jacobi_moves_everything_from_the_old_values():
    run, reference = prepared(*two(1, 0.5)), prepared(*three(1, 0.5))
    for r in (run, reference):
        after(r, 1)  # both have momentum then, and differ
    reference.load_state_dict(run.state_dict())
    reference.memory = {
        "y": {n: t.detach().clone() for n, t in run.memory["y"].items()},
        "velocity": [t.clone() for t in run.memory["velocity"]],
    }
    train, valid = run.train.draw(), run.valid.draw()
    rarts.fit_alphas(reference, train, valid)
    expected = reference.alphas["operations"].grad
    old = {n: w.detach().clone() for n, w in run.weights.items()}
    y = {n: t.detach().clone().requires_grad_() for n, t in run.memory["y"].items()}
    velocity = [v.clone() for v in run.memory["velocity"]]
    loss = run.loss(valid, run.relax()[0], weights=y)
    slopes = torch.autograd.grad(loss, list(y.values()), materialize_grads=True)
    norm = torch.stack([s.norm() for s in slopes]).norm()
    clip = min(1.0, 5.0 / (norm.item() + 1e-6))
    run.method.steps[0](run, train, valid)
    torch.testing.assert_close(run.alphas["operations"].grad, expected)
    (group,) = run.weight_optimizer.param_groups
    for n, v, slope in zip(y, velocity, slopes, strict=True):
        pulled = clip * slope + 0.5 * (y[n] - old[n]) + 3e-4 * y[n]
        moved = y[n] - group["lr"] * (0.9 * v + pulled)
        torch.testing.assert_close(run.memory["y"][n], moved, rtol=1e-4, atol=1e-6)


def test_statistics_of_the_validation_half_are_not_remembered():
    run = start("rarts", running=True)
    run.method.on_epoch(run)
    before = {n: b.clone() for n, b in run.supernet.named_buffers()}
    rarts.fit_valid(run, run.train.draw(), run.valid.draw())
    assert all(torch.equal(b, before[n]) for n, b in run.supernet.named_buffers())
    assert math.isfinite(float(run.loss_sum))
