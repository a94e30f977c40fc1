"""Shapley-NAS: games with closed forms, brute force over coalitions, and captum.

One test compares sampling with enumeration: its seed is fixed. With another, one of its
nine values would be five standard errors off with probability below 1e-5.
"""

import copy
import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch

from benchsuite.spaces import SearchSpace
from benchsuite.supernet import checkpoint
from benchsuite.supernet.data import Blank
from benchsuite.supernet.methods.shapley_nas import (
    SHAPLEY_NAS,
    SHAPLEY_NAS_RENORMALISED,
    accuracy,
    by_shapley,
    cells,
    coalition,
    estimate,
    marginals,
    masked,
    standardised,
)
from benchsuite.supernet.mixture import Layout, Mixture
from benchsuite.supernet.networks import NETWORKS
from benchsuite.supernet.objectives import expected_error
from benchsuite.supernet.relaxed_table import RelaxedTable
from benchsuite.supernet.search import ABSENT, Search, generator, search
from tests.supernet.counter import counted
from tests.supernet.nets import start

FORMS = {"masked": masked, "renormalised": Mixture.rescaled}
both_forms = pytest.mark.parametrize("restrict", FORMS.values(), ids=FORMS)


def source(seed=0):
    return torch.Generator().manual_seed(seed)


def game(value):
    """A value of the players that are left, the same in every order."""
    return lambda m, left: torch.tensor(float(value(left)), dtype=torch.float64)


def anything(left):
    """Some value in [1, 2] of every coalition, without any structure."""
    rng = np.random.default_rng(sum(2**i for i in left))
    return 1 + rng.random()


def pairwise(players=6, seed=0):
    """v(S) = sum of a_i in S + sum of b_ij of pairs in S, all positive."""
    rng = np.random.default_rng(seed)
    a, b = rng.random(players), np.triu(rng.random((players, players)), 1)

    def value(left):
        pairs = sum(b[i, j] for i, j in itertools.combinations(sorted(left), 2))
        return sum(a[i] for i in left) + pairs

    return value, a, b + b.T


def every_order(players):
    return list(itertools.permutations(range(players)))


def by_subsets(value, players):
    """The definition: a weighted sum over all coalitions without the player."""
    n, phi = players, np.zeros(players)
    for i in range(n):
        others = [j for j in range(n) if j != i]
        for size in range(n):
            weight = math.factorial(size) * math.factorial(n - size - 1)
            for s in itertools.combinations(others, size):
                gain = value(frozenset({*s, i})) - value(frozenset(s))
                phi[i] += weight / math.factorial(n) * gain
    return phi


# --- The estimator --------------------------------------------------------------------


def test_every_order_shares_out_what_all_are_worth_and_none_is_not():
    orders = [torch.randperm(9, generator=source(s)).tolist() for s in range(20)]
    taken, evaluated = marginals(game(anything), orders, truncation=0.0)
    whole = anything(frozenset(range(9))) - anything(frozenset())
    np.testing.assert_allclose(taken.sum(1), whole, atol=1e-12)
    assert evaluated == 20 * 10


def test_an_order_that_is_cut_shares_out_what_was_lost_until_then():
    """v = players left: below .5 v(all) = 3 when the fourth has gone, which counts."""
    order = (4, 0, 3, 5, 1, 2)
    taken, evaluated = marginals(game(len), [order], truncation=0.5)
    assert taken.tolist() == [[1.0, 0.0, 0.0, 1.0, 1.0, 1.0]]
    assert taken.sum() == 6 - 2
    assert evaluated == 1 + 4


def test_orders_are_cut_each_on_its_own():
    """Player 0 is worth most: orders end when it leaves, at different rounds."""
    taken, evaluated = marginals(
        game(lambda left: 1 + 9 * (0 in left)), [(0, 1, 2), (1, 2, 0), (1, 0, 2)]
    )
    assert taken.tolist() == [[9.0, 0.0, 0.0]] * 3
    assert evaluated == 3 + 3 + 2 + 1


def test_all_orders_together_give_the_closed_form_of_a_pairwise_game():
    """phi_i = a_i + half of the b_ij: a pair's worth goes to both in equal parts."""
    value, a, b = pairwise()
    taken, _ = marginals(game(value), every_order(6), truncation=0.0)
    np.testing.assert_allclose(taken.mean(0), a + b.sum(1) / 2, atol=1e-12)


def test_an_additive_game_is_exact_after_one_order():
    worth = np.random.default_rng(1).random(8)
    orders = [torch.randperm(8, generator=source(s)).tolist() for s in range(3)]
    value = game(lambda left: sum(worth[i] for i in left))
    taken, _ = marginals(value, orders, truncation=0.0)
    for order in taken:
        np.testing.assert_allclose(order, worth, atol=1e-12)
    np.testing.assert_allclose(taken.std(0, correction=0), 0, atol=1e-12)


def test_a_dummy_gets_nothing_and_symmetric_players_get_the_same():
    """Player 4 changes nothing; 0 and 1 can change places."""

    def value(left):
        return 1 + (0 in left) * (1 in left) + 3 * (2 in left or 3 in left) ** 2

    taken, _ = marginals(game(value), every_order(5), truncation=0.0)
    phi = taken.mean(0).tolist()
    assert phi[4] == 0
    assert phi[0] == pytest.approx(0.5)
    assert phi[1] == pytest.approx(0.5)
    assert phi[2] == pytest.approx(phi[3])


def test_all_orders_together_give_the_definition():
    taken, _ = marginals(game(anything), every_order(5), truncation=0.0)
    expected = by_subsets(anything, 5)
    np.testing.assert_allclose(taken.mean(0), expected, atol=1e-12)


def test_three_edges_of_a_network_get_what_captum_gives_them():
    """Five of their operations can leave; one stays on each of the other edges."""
    attr = pytest.importorskip("captum.attr", reason="captum is not installed")
    run = start(SHAPLEY_NAS)
    batch = next(iter(run.valid.whole()))
    players = [(0, 2), (0, 3), (1, 1), (1, 3), (3, 4)]
    kept = ((), (), (3,), (), (1,), (4,))
    with torch.no_grad():
        (mixture,) = run.relax()
    known = {}

    def worth(left):
        if left not in known:
            active = [list(options) for options in kept]
            for i in sorted(left):
                active[players[i][0]].append(players[i][1])
            restricted = coalition(mixture, tuple(map(tuple, active)), masked)
            with torch.no_grad():
                known[left] = accuracy(run, batch, restricted).double()
        return known[left]

    def of_masks(masks):
        sets = [frozenset(np.flatnonzero(row).tolist()) for row in masks.numpy()]
        return torch.stack([worth(left) for left in sets])

    theirs = attr.ShapleyValues(of_masks).attribute(torch.ones(1, 5), baselines=0.0)
    ours, _ = marginals(lambda m, left: worth(left), every_order(5), truncation=0.0)
    assert len(known) == 32
    assert ours.mean(0).abs().max() > 0.01
    torch.testing.assert_close(ours.mean(0), theirs[0].double(), rtol=0, atol=1e-6)


# --- On a relaxed table ---------------------------------------------------------------


def on_table(method, choices=(("none", "a", "b"),) * 3, *, epochs=4, seed=0):
    space = SearchSpace("small", choices)
    errors = torch.rand(space.size, generator=source(seed), dtype=torch.float64)
    table = RelaxedTable(space, errors.numpy())
    run = Search(
        method, table, Blank(1), Blank(1), objective=expected_error,
        error=expected_error, epochs=epochs, seed=seed, clock=lambda: 0.0,
    )  # fmt: skip
    with torch.no_grad():
        logits = run.alphas["operations"]
        noise = torch.randn(logits.shape, generator=source(seed))
        logits.add_(noise * (logits > ABSENT / 2))
    return run


def expected_accuracy(run, kept, *, renormalise):
    """Sum over all architectures of what is kept, one after another."""
    p = run.alphas["operations"].detach().double().softmax(-1).numpy()
    rows = []
    for row, options in zip(p, kept, strict=True):
        left = np.array([w if c in options else 0.0 for c, w in enumerate(row)])
        whole = left.sum() if renormalise else 1.0
        rows.append(left / whole if options else np.eye(len(row))[0])
    errors = run.supernet.values.numpy()
    return sum(
        math.prod(row[c] for row, c in zip(rows, arch, strict=True))
        * (1 - errors[arch])
        for arch in itertools.product(*run.layout.options)
    )


KEPT = [((0, 1, 2),) * 3, ((1,), (0, 2), (1, 2)), ((2,), (), (0, 1)), ((), (), ())]


@pytest.mark.parametrize("kept", KEPT)
def test_a_coalition_of_a_table_is_worth_the_accuracy_that_is_expected_of_it(kept):
    """Whatever the baseline; without renormalising, lost probability earns nothing."""
    run = on_table(SHAPLEY_NAS)
    assert run.supernet.baseline > 0
    for restrict, renormalise in ((masked, False), (Mixture.rescaled, True)):
        with torch.no_grad():
            (mixture,) = run.relax()
            smaller = coalition(mixture, kept, restrict)
            found = accuracy(run, run.valid.draw(), smaller)
        expected = expected_accuracy(run, kept, renormalise=renormalise)
        assert found.item() == pytest.approx(expected, abs=1e-6)


def test_sampling_three_edges_agrees_with_enumeration():
    """Nine players, 512 coalitions, 200 orders."""
    run = on_table(SHAPLEY_NAS)
    players = [(d, c) for d in range(3) for c in range(3)]
    known = {}

    def value(left):
        if left not in known:
            kept = [[c for i, (e, c) in enumerate(players) if e == d and i in left]
                    for d in range(3)]  # fmt: skip
            known[left] = expected_accuracy(run, kept, renormalise=True)
        return known[left]

    exact = by_subsets(value, 9)
    with torch.no_grad():
        phi, evaluated = estimate(run, Mixture.rescaled, 200, 1, 0.0)
    assert evaluated == 200 * 10
    phi = phi.flatten(1).numpy()
    error = phi.std(0, ddof=1) / np.sqrt(200)
    assert (np.abs(phi.mean(0) - exact) <= 5 * error).all()
    assert exact.max() - exact.min() > 10 * error.max()  # else it would say little


@pytest.mark.parametrize("caution", [0.0, 1.0])
def test_an_update_is_that_of_its_formula(caution):
    """alpha + .1 (.8 s + .2 z): the mean less the deviation, standardised; twice."""
    ragged = (("none", "a", "b"), ("none", "a"), ("none", "a", "b"))
    update = by_shapley(Mixture.rescaled, samples=3, pretraining=0.0, caution=caution)
    run = on_table(replace(SHAPLEY_NAS, on_epoch=update), ragged)
    there = [0, 1, 2, 3, 4, 6, 7, 8]
    twin = on_table(SHAPLEY_NAS, ragged)
    noise = 1e-3 * torch.randn(3, 3, generator=twin.generator)
    smoothed = noise.flatten()[there].double().numpy()
    alphas = twin.alphas["operations"].detach().double().flatten()[there].numpy()
    for _ in range(2):
        with torch.no_grad():
            phi, _ = estimate(twin, Mixture.rescaled, 3, 4, 0.5)
        phi = phi.flatten(1).numpy()[:, there]
        x = phi.mean(0) - caution * phi.std(0)
        smoothed = 0.8 * smoothed + 0.2 * (x - x.mean()) / x.std(ddof=1)
        alphas = alphas + 0.1 * smoothed
        update(run)
        moved = run.alphas["operations"].detach().flatten()
        np.testing.assert_allclose(moved[there], alphas, atol=1e-5)
        assert moved[5] == ABSENT
        with torch.no_grad():
            twin.alphas["operations"].copy_(run.alphas["operations"])
    assert np.abs(smoothed).max() > 0.1


def test_where_all_contribute_the_same_nothing_is_pulled():
    z = standardised(torch.full((2, 2), 0.25), Layout(((0, 1),) * 2))
    assert not z.any()


def test_each_kind_of_cells_is_standardised_by_itself():
    layout = NETWORKS["darts"].layout
    assert cells(layout) == [list(range(14)), list(range(14, 28))]
    assert cells(NETWORKS["nats_tss"].layout) == [list(range(6))]
    assert cells(NETWORKS["nats_sss"].layout) == [list(range(5))]
    rng = np.random.default_rng(0)
    values = rng.normal(size=(28, 8)) * 10 + 3
    values[14:] *= 7
    layout = layout._replace(options=(tuple(range(1, 8)),) * 28)
    z = standardised(torch.tensor(values), layout).numpy()
    for half in (slice(0, 14), slice(14, 28)):
        x = values[half, 1:]
        expected = (x - x.mean()) / x.std(ddof=1)
        np.testing.assert_allclose(z[half, 1:], expected, atol=1e-12)
    assert not z[:, 0].any()


# --- On networks ----------------------------------------------------------------------


def test_what_is_masked_has_weight_zero_and_the_rest_is_not_renormalised():
    run = start(SHAPLEY_NAS)
    images, _ = run.valid.draw()
    with torch.no_grad():
        (mixture,) = run.relax()
        active = ((1, 3), (0, 1, 2, 3, 4), (2,), (), (0, 4), (1, 2, 3))
        smaller = coalition(mixture, active, masked)
        zero = torch.zeros_like(mixture.weights)
        for d, options in enumerate(active):
            zero[d, list(options)] = mixture.weights[d, list(options)]
        everything = Mixture(zero, mixture.active)
        ours, expected = (run.supernet(images, m) for m in (smaller, everything))
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-5)
    assert torch.equal(smaller.weights[0], mixture.weights[0])


SIZES = {
    "nats_tss": {"channels": 4, "cells": 1},
    "nats_sss": {"channels": 1},
    "nb1shot1_1": {"channels": 4, "cells": 1},
    "darts": {"channels": 4, "cells": 3},
}


@both_forms
@pytest.mark.parametrize("space", SIZES)
def test_coalitions_without_any_option_of_a_decision_can_be_valued(space, restrict):
    """Nothing is left of one decision after another, and of all of them."""
    net = NETWORKS[space](**SIZES[space], generator=generator(0, "init"))
    options = net.layout.options
    weights = torch.rand(len(options), net.layout.width, generator=source())
    mixture = Mixture(weights, options)
    images = torch.randn(4, 3, 8, 8, generator=source())
    emptied = [tuple(() if d == e else o for e, o in enumerate(options))
               for d in range(0, len(options), 5)]  # fmt: skip
    with torch.no_grad():
        whole = net(images, mixture)
        for active in (*emptied, ((),) * len(options)):
            smaller = coalition(mixture, active, restrict)
            logits = net(images, smaller)
            assert logits.isfinite().all()
            assert (logits - whole).abs().max() > 1e-4
            for row, kept in zip(smaller.weights, active, strict=True):
                assert kept or not row.any()


@both_forms
def test_valuing_coalitions_changes_no_weight_and_no_buffer(restrict):
    update = by_shapley(restrict, samples=2, pretraining=0.0)
    run = start(replace(SHAPLEY_NAS, on_epoch=update), running=True)
    before = copy.deepcopy(run.supernet.state_dict())
    alphas = run.alphas["operations"].detach().clone()
    update(run)
    after = run.supernet.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
    assert not torch.equal(run.alphas["operations"], alphas)


def test_accuracies_are_those_of_the_batch_statistics():
    """Whatever a network remembers."""
    runs = [start(SHAPLEY_NAS, running=r) for r in (False, True)]
    batch = runs[0].valid.draw()
    values = []
    for run in runs:
        with torch.no_grad():
            values.append(accuracy(run, batch, run.relax()[0]).item())
            logits = run.supernet(batch[0], run.relax()[0], "batch")
        right = (logits.argmax(-1) == batch[1]).float().mean().item()
        assert values[-1] == pytest.approx(right)
    assert values[0] == values[1]


@pytest.mark.parametrize("samples", [1, 3])
def test_values_are_read_once_a_round_and_not_once_a_coalition(samples):
    """30 players: one read for the orders, one for the whole, one a round."""
    update = by_shapley(
        masked, samples=samples, batches=1, truncation=0.0, pretraining=0.0
    )
    run = start(replace(SHAPLEY_NAS, on_epoch=update))
    with counted() as counts:
        update(run)
    assert run.memory["shapley"]["evaluated"] == samples * 31
    assert counts.reads == 32


def test_what_was_evaluated_is_counted():
    update = by_shapley(masked, samples=3, pretraining=0.0, batches=2)
    run = start(replace(SHAPLEY_NAS, on_epoch=update))
    for _ in range(2):
        update(run)
    evaluated = run.memory["shapley"]["evaluated"]
    assert run.ledger.forwards == evaluated < 2 * 3 * 31
    assert run.ledger.samples == evaluated * 2 * 12


def test_alphas_rest_while_weights_are_trained_alone():
    method = replace(SHAPLEY_NAS, on_epoch=by_shapley(masked, samples=2, batches=1))
    run = start(method, epochs=4)
    before, seen = run.alphas["operations"].detach().clone(), []
    for _ in search(run):
        seen.append(torch.equal(run.alphas["operations"], before))
    assert seen == [True, True, False, False]
    assert not run.alpha_optimizer.state


@pytest.mark.parametrize("killed_after", [1, 2])
def test_a_search_that_was_killed_between_updates_ends_as_if_it_had_not_been(
    killed_after, tmp_path
):
    update = by_shapley(masked, samples=3, pretraining=0.0)
    method = replace(SHAPLEY_NAS, on_epoch=update)
    straight, killed, resumed = (on_table(method, epochs=3) for _ in range(3))
    expected = list(search(straight))
    going = search(killed)
    for _ in range(killed_after):
        next(going)
    checkpoint.save(tmp_path / "c", killed.state_dict(), {})
    resumed.load_state_dict(checkpoint.load(tmp_path / "c"))
    assert list(search(resumed)) == expected[killed_after:]
    ours, theirs = (r.alphas["operations"] for r in (resumed, straight))
    assert torch.equal(ours, theirs)
    evaluated = {r.memory["shapley"]["evaluated"] for r in (resumed, straight)}
    assert len(evaluated) == 1


def test_the_records_are_those_of_the_paper():
    for method in (SHAPLEY_NAS, SHAPLEY_NAS_RENORMALISED):
        assert (method.epochs, method.batch_size, method.clip) == (50, 256, 5.0)
        run = start(method, epochs=50)
        assert run.rate == pytest.approx(0.1)
        (group,) = run.weight_optimizer.param_groups
        assert (group["momentum"], group["weight_decay"]) == (0.9, 3e-4)
        weights = {id(w) for w in group["params"]}
        assert id(run.alphas["operations"]) not in weights


def test_it_searches_through_partial_channels_as_it_was_published():
    few = by_shapley(masked, samples=2, batches=1)
    run = start(replace(SHAPLEY_NAS, network={"partial": 4}, on_epoch=few))
    *_, last = search(run)
    assert run.memory["shapley"]["evaluated"] > 0
    assert last.arch in run.space
