"""The contract of every method, and the property tests of the cards."""

import copy
import math
from dataclasses import replace
from functools import cache, partial

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch

from benchsuite.core import Incumbent
from benchsuite.spaces import NATS_TSS
from benchsuite.supernet import relax
from benchsuite.supernet.methods import METHODS
from benchsuite.supernet.methods.pc_darts import with_edge_logits
from benchsuite.supernet.mixture import Layout, Mixture
from benchsuite.supernet.networks.nats_tss import NatsTss
from benchsuite.supernet.relaxed_table import RelaxedTable
from benchsuite.supernet.search import (
    Alphas,
    Moment,
    Search,
    edge_softmax,
    generator,
    search,
)
from benchsuite.supernet.steps import (
    first_order,
    second_order,
    second_order_difference,
    train_weights,
)
from tests.supernet.nets import dense, start
from tests.supernet.toy import toy

every_method = pytest.mark.parametrize("name", METHODS)


def state(run):
    """Everything that moves, as comparable tensors."""
    weights = {f"w.{n}": t.clone() for n, t in run.supernet.state_dict().items()}
    return weights | {f"a.{n}": t.detach().clone() for n, t in run.alphas.items()}


def moved(run, before):
    return {n for n, t in state(run).items() if not torch.equal(t, before[n])}


@cache
def straight(name):
    """A search that was not killed: what it told, and what it ended as."""
    run = start(name, epochs=3, running=True)
    return list(search(run)), state(run)


@every_method
def test_it_searches(name):
    incumbents, _ = straight(name)
    assert [i.epochs for i in incumbents] == [1, 2, 3]
    assert all(isinstance(i, Incumbent) and i.arch in NATS_TSS for i in incumbents)


@every_method
@pytest.mark.parametrize("running", [False, True])
def test_a_step_moves_weights_or_alphas_and_not_both(name, running):
    run = start(name, running=running)
    run.method.on_epoch(run)
    for step in run.method.steps:
        before = state(run)
        step(run, run.train.draw(), run.valid.draw())
        kinds = {n[0] for n in moved(run, before)}
        assert kinds <= {"a"} or kinds <= {"w"}


@every_method
def test_same_seed_same_trajectory_whatever_the_world_draws(name):
    runs = [start(name, seed=s, epochs=1) for s in (3, 3, 4)]
    torch.manual_seed(0)
    first = list(search(runs[0]))
    torch.manual_seed(1)
    assert list(search(runs[1])) == first
    assert not moved(runs[0], state(runs[1]))
    list(search(runs[2]))
    assert moved(runs[0], state(runs[2]))


@every_method
@pytest.mark.parametrize("killed_after", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_search_that_was_killed_ends_as_if_it_had_not_been(
    name, killed_after, tmp_path
):
    expected, end = straight(name)
    killed = start(name, epochs=3, running=True)
    going = search(killed)
    for _ in range(killed_after):
        next(going)
        torch.save(killed.state_dict(), tmp_path / "checkpoint.pt")
    for step in killed.method.steps:  # it goes on for a while, and is lost
        killed.method.on_epoch(killed)
        step(killed, killed.train.draw(), killed.valid.draw())
    resumed = start(name, epochs=3, running=True)
    resumed.load_state_dict(torch.load(tmp_path / "checkpoint.pt", weights_only=True))
    assert list(search(resumed)) == expected[killed_after:]
    assert not moved(resumed, end)


def test_relaxation_does_not_change_the_batches():
    seen = []
    for method in ("gdas", "darts"):
        run = start(method)
        list(search(run))
        seen.append(run.train.draw())
    assert all(torch.equal(a, b) for a, b in zip(*seen, strict=True))


# --- The toy bilevel problem of the DARTS card ---------------------------------------


def test_first_order_converges_to_two():
    alpha, w, _ = toy(first_order, train_weights, xi=0.05, alpha_rate=0.02, n=800)
    assert (alpha, w) == pytest.approx((2, 2), abs=1e-6)


@pytest.mark.parametrize("xi", [0.1, 0.25, 0.5])
@pytest.mark.parametrize("step", [second_order, second_order_difference])
def test_second_order_converges_to_its_closed_form(step, xi):
    alpha, w, _ = toy(step, train_weights, xi=xi, alpha_rate=0.05, n=500)
    assert (alpha, w) == pytest.approx((2 / (1 + 2 * xi),) * 2, abs=1e-6)


# --- Second order ---------------------------------------------------------------------


def alpha_gradient(step, *, rate=0.05, warm=0, dtype=torch.float64):
    method = replace(METHODS["darts"], steps=(step,), learning_rate=lambda moment: rate)
    run = start(method)
    run.supernet.to(dtype)
    run = Search(
        method, run.supernet, run.train, run.valid, objective=run.objective,
        error=run.error, epochs=1, seed=0,
    )  # fmt: skip
    batches = [
        (images.to(dtype), labels)
        for images, labels in (run.train.draw(), run.valid.draw())
    ]
    for _ in range(warm):
        train_weights(run, *batches)
    before = state(run)
    step(run, *batches)
    assert not {n for n in moved(run, before) if n.startswith("w.")}
    return run.alphas["operations"].grad, run, batches, before


@pytest.mark.parametrize("warm", [0, 3])
def test_second_order_is_the_derivative_of_the_loss_after_an_sgd_step(warm):
    """Momentum and weight decay included: differences of real optimizer steps.

    They are tiny, because ReLUs make the loss after a step discontinuous in alpha.
    """
    gradient, run, batches, before = alpha_gradient(second_order, warm=warm)
    alphas = run.alphas["operations"]
    optimizer = run.weight_optimizer.state_dict()

    def outcome(shift):
        run.supernet.load_state_dict(
            {n[2:]: t for n, t in before.items() if n.startswith("w.")}
        )
        run.weight_optimizer.load_state_dict(copy.deepcopy(optimizer))
        with torch.no_grad():
            alphas.copy_(before["a.operations"] + shift)
        run.method = replace(run.method, clip=math.inf)  # a virtual step has no clip
        train_weights(run, *batches)
        return run.loss(batches[1], run.relax()[0]).item()

    for d, c in ((0, 1), (3, 3), (5, 4), (1, 0)):
        shift = torch.zeros_like(alphas)
        shift[d, c] = 1e-6
        difference = (outcome(shift) - outcome(-shift)) / 2e-6
        assert gradient[d, c].item() == pytest.approx(difference, rel=1e-4, abs=1e-8)


def test_finite_difference_tends_to_the_exact_product():
    """The published epsilon of 0.01 crosses kinks: its error is of order one here."""
    exact = alpha_gradient(second_order, warm=2)[0]
    difference = alpha_gradient(partial(second_order_difference, epsilon=1e-7), warm=2)[
        0
    ]
    assert (exact - difference).norm() < 1e-4 * exact.norm()


@pytest.mark.parametrize("step", [second_order, second_order_difference])
def test_a_rate_of_zero_is_first_order_bit_for_bit(step):
    assert torch.equal(
        alpha_gradient(step, rate=0.0)[0], alpha_gradient(first_order, rate=0.0)[0]
    )


# --- Relaxations ----------------------------------------------------------------------


def alphas_of(rows):
    logits = torch.tensor(rows, dtype=torch.float64, requires_grad=True)
    options = (tuple(range(len(rows[0]))),) * len(rows)
    return Alphas({"operations": logits}, Layout(options))


@pytest.mark.parametrize("epoch", [0, 9])
def test_draws_of_gdas_have_the_frequencies_of_softmax(epoch):
    """With another seed it would fail by chance, once in a hundred times."""
    logits = [[0.0, 1.0, -1.0, 0.5, 2.0]] * 5000
    source = torch.Generator().manual_seed(0)
    counts = torch.zeros(5)
    for _ in range(4):
        (mixture,) = relax.gumbel(alphas_of(logits), Moment(epoch, 10), source)
        counts += torch.tensor([c for (c,) in mixture.active]).bincount(minlength=5)
        assert set(mixture.weights.unique().tolist()) == {0.0, 1.0}
    expected = torch.tensor(logits[0]).softmax(-1)
    assert (counts / counts.sum() - expected).abs().max() < 0.01


def test_straight_through_has_the_gradient_of_the_tempered_softmax():
    alphas, tau = alphas_of([[0.3, -0.2, 0.1]]), 10.0
    (mixture,) = relax.gumbel(alphas, Moment(0, 2), torch.Generator().manual_seed(5))
    ((c,),) = mixture.active
    (gradient,) = torch.autograd.grad(mixture.weights[0, c], alphas["operations"])
    noise = relax.gumbel_noise(alphas["operations"], torch.Generator().manual_seed(5))
    p = ((alphas["operations"] + noise) / tau).softmax(-1)[0].detach()
    delta = torch.eye(3, dtype=torch.float64)[c]
    torch.testing.assert_close(gradient[0], p[c] * (delta - p) / tau)


def test_temperature_is_linear_from_ten_to_a_tenth():
    alphas = alphas_of([[0.0, 1.0]])
    for epoch, tau in ((0, 10.0), (5, 5.05), (10, 0.1)):
        source = torch.Generator().manual_seed(1)
        noise = relax.gumbel_noise(alphas["operations"], source)
        p = ((alphas["operations"] + noise) / tau).softmax(-1)
        (mixture,) = relax.gumbel(
            alphas, Moment(epoch, 11), torch.Generator().manual_seed(1)
        )
        (ours,) = torch.autograd.grad(
            mixture.weights[0, 0], alphas["operations"], retain_graph=True
        )
        (theirs,) = torch.autograd.grad(p[0, 0], alphas["operations"])
        torch.testing.assert_close(ours, theirs)


def test_edges_of_a_node_sum_to_one():
    alphas = with_edge_logits(NatsTss.layout, torch.Generator().manual_seed(0))
    parts = edge_softmax(alphas).split([1, 2, 3])
    assert [part.sum().item() for part in parts] == pytest.approx([1, 1, 1])


# --- Methods --------------------------------------------------------------------------


def test_pc_darts_waits_with_the_alphas():
    method = METHODS["pc_darts"]
    run = start(method, epochs=10)
    before, ages = state(run), []
    for incumbent in search(run):
        if any(n.startswith("a.") for n in moved(run, before)):
            ages.append(incumbent.epochs)
    assert ages == [4, 5, 6, 7, 8, 9, 10]  # 15 of 50 is 3 of 10


# --- The relaxed table ----------------------------------------------------------------


@pytest.fixture(scope="module")
def table():
    errors = torch.rand(15_625, generator=torch.Generator().manual_seed(0))
    return RelaxedTable(NATS_TSS, errors.double().numpy(), rate=0.0)


def test_one_hot_is_the_entry(table):
    for arch in ((0,) * 6, (1, 2, 3, 4, 0, 1)):
        mixture = Mixture.one_hot(NATS_TSS, arch)
        assert table(None, mixture, "running") == table.values[arch]


def test_uniform_is_the_mean_and_gradients_match_differences(table):
    uniform = torch.full((6, 5), 0.2, dtype=torch.float64, requires_grad=True)
    mean = table(None, dense(uniform))
    torch.testing.assert_close(mean, table.values.mean())
    assert torch.autograd.gradcheck(
        lambda a: table(None, dense(a.softmax(-1))), uniform
    )


def test_what_is_not_active_gets_no_gradient(table):
    weights = torch.eye(5, dtype=torch.float64)[[0, 1, 2, 3, 4, 0]].requires_grad_()
    mixture = Mixture(weights, tuple((c,) for c in (0, 1, 2, 3, 4, 0)))
    (gradient,) = torch.autograd.grad(table(None, mixture), weights)
    assert ((gradient != 0) == (weights == 1)).all()


def test_generators_are_independent():
    a, b = (generator(0, purpose).initial_seed() for purpose in ("init", "relax"))
    assert a != b
