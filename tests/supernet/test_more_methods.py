"""Methods beyond DARTS and GDAS: their formulas by hand, and brute force.

Tests of frequencies fix their seed. With another, one would fail by chance with
probability below 1e-4: every frequency may be five standard deviations off, which has
probability 6e-7, and no test looks at more than a hundred.
"""

import itertools
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch

from benchsuite.spaces import SearchSpace
from benchsuite.supernet import relax
from benchsuite.supernet.data import Blank
from benchsuite.supernet.derive import strongest, two_parents
from benchsuite.supernet.methods import METHODS, enas
from benchsuite.supernet.methods.darts_pt import by_perturbation, select
from benchsuite.supernet.methods.fair_darts import by_threshold, zero_one
from benchsuite.supernet.methods.inherited import best_of
from benchsuite.supernet.mixture import Layout
from benchsuite.supernet.objectives import expected_error
from benchsuite.supernet.relaxed_table import RelaxedTable
from benchsuite.supernet.search import (
    ABSENT,
    Alphas,
    Moment,
    Search,
    by_softmax,
    search,
    small_normal,
)
from benchsuite.supernet.steps import first_order, train_weights
from tests.supernet.nets import start

RAGGED = Layout(((0, 1, 2), (1, 3), (0, 1, 2, 3), (2,)))


def source(seed=0):
    return torch.Generator().manual_seed(seed)


def alphas_of(rows, layout=None):
    logits = torch.tensor(rows, dtype=torch.float64, requires_grad=True)
    options = (tuple(range(len(rows[0]))),) * len(rows)
    return Alphas({"operations": logits}, layout or Layout(options))


def rarely_off(counts, expected):
    """Every frequency is within five standard deviations."""
    n = counts.sum()
    deviation = (expected * (1 - expected) / n).sqrt()
    return bool(((counts / n - expected).abs() <= 5 * deviation + 1e-12).all())


def on_table(table, method, *, steps=20, epochs=20, seed=0):
    return Search(
        METHODS[method] if isinstance(method, str) else method, table,
        Blank(steps), Blank(steps), objective=expected_error, error=expected_error,
        epochs=epochs, seed=seed, clock=lambda: 0.0,
    )  # fmt: skip


def small_table(seed=0, rule=strongest, into=(), **options):
    """Three decisions of three options, with random errors."""
    space = SearchSpace("small", (("none", "a", "b"),) * 3)
    errors = torch.rand(27, generator=source(seed), dtype=torch.float64).numpy()
    table = RelaxedTable(space, errors, **options)
    table.rule, table.layout = rule, Layout.whole(space, into)
    return table


# --- SNAS -----------------------------------------------------------------------------


def test_the_largest_weight_of_snas_has_the_frequencies_of_softmax():
    logits = [[0.0, 1.0, -1.0, 0.5, 2.0]] * 20_000
    (mixture,) = relax.concrete(alphas_of(logits), Moment(3, 10), source())
    torch.testing.assert_close(
        mixture.weights.sum(-1), torch.ones(20_000, dtype=torch.float64)
    )
    assert set(mixture.active) == {(0, 1, 2, 3, 4)}
    counts = mixture.weights.argmax(-1).bincount(minlength=5).double()
    expected = torch.tensor(logits[0], dtype=torch.float64).softmax(-1)
    assert rarely_off(counts, expected)


@pytest.mark.parametrize(("epoch", "tau"), [(0, 1.0), (5, 0.515), (10, 0.03)])
def test_a_concrete_sample_has_the_gradient_of_its_formula(epoch, tau):
    """dz_k / dalpha_j = z_k (delta_kj - z_j) / tau, with the sample held fixed."""
    alphas = alphas_of([[0.3, -0.2, 0.1], [0.0, 0.1, -0.1]])
    (mixture,) = relax.concrete(alphas, Moment(epoch, 11), source(5))
    noise = relax.gumbel_noise(alphas["operations"], source(5))
    z = ((alphas["operations"].detach() + noise) / tau).softmax(-1)
    torch.testing.assert_close(mixture.weights, z)
    for d, k in itertools.product(range(2), range(3)):
        (gradient,) = torch.autograd.grad(
            mixture.weights[d, k], alphas["operations"], retain_graph=True
        )
        delta = torch.eye(3, dtype=torch.float64)[k]
        expected = torch.zeros_like(z)
        expected[d] = z[d, k] * (delta - z[d]) / tau
        torch.testing.assert_close(gradient, expected)


def test_snas_never_looks_at_the_validation_batch():
    runs = [start("snas") for _ in range(2)]
    for run, flip in zip(runs, (False, True), strict=True):
        train, (images, labels) = run.train.draw(), run.valid.draw()
        for step in run.method.steps:
            step(run, train, (-images if flip else images, labels))
    assert torch.equal(runs[0].alphas["operations"], runs[1].alphas["operations"])
    assert runs[0].alphas["operations"].grad.abs().sum() > 0


def test_what_is_no_option_has_no_weight_in_any_mixture():
    alphas = small_normal(RAGGED, source())
    there = alphas["operations"] > ABSENT / 2
    for relaxation in (
        relax.softmax, relax.sigmoid, relax.concrete, relax.dirichlet, relax.gumbel,
        relax.uniform, relax.strictly_fair,
    ):  # fmt: skip
        for mixture in relaxation(alphas, Moment(1, 3), source(1)):
            assert not mixture.weights[~there].any()
            for options, run in zip(RAGGED.options, mixture.active, strict=True):
                assert set(run) <= set(options)


# --- GDAS -----------------------------------------------------------------------------


def test_gdas_moves_weights_first_and_draws_afresh_for_the_alphas():
    assert METHODS["gdas"].steps == (train_weights, first_order)
    run = start("gdas")
    drawn = []
    relaxation = run.method.relax

    def spy(*arguments):
        drawn.extend(relaxation(*arguments))
        return drawn[-1:]

    run.method = replace(run.method, relax=spy)
    for step in run.method.steps:
        step(run, run.train.draw(), run.valid.draw())
    assert len(drawn) == 2
    assert drawn[0].active != drawn[1].active


def test_what_gdas_did_not_select_is_added_as_nothing_with_a_gradient():
    alphas = alphas_of([[0.3, -0.2, 0.1], [0.0, 0.5, -0.5]])
    (mixture,) = relax.gumbel(alphas, Moment(1, 5), source(2), unselected_gradient=True)
    (plain,) = relax.gumbel(alphas, Moment(1, 5), source(2))
    assert plain.residue is None
    assert mixture.residue.tolist() == [0, 0]
    (gradient,) = torch.autograd.grad(mixture.residue.sum(), alphas["operations"])
    noise = relax.gumbel_noise(alphas["operations"], source(2))
    p = ((alphas["operations"].detach() + noise) / 7.525).softmax(-1)
    for d, (c,) in enumerate(mixture.active):  # the p of the others sum to 1 - p_c
        delta = torch.eye(3, dtype=torch.float64)[c]
        torch.testing.assert_close(gradient[d], -p[d, c] * (delta - p[d]) / 7.525)


# --- FairDARTS ------------------------------------------------------------------------


def test_gates_do_not_compete():
    alphas = alphas_of([[0.0, 2.0, -1.0]])
    (mixture,) = relax.sigmoid(alphas, Moment(0, 1), source())
    (gradient,) = torch.autograd.grad(mixture.weights[0, 1], alphas["operations"])
    assert mixture.weights[0, 1].item() == pytest.approx(1 / (1 + np.exp(-2)))
    assert gradient[0, [0, 2]].tolist() == [0, 0]


def test_the_zero_one_loss_and_its_gradient_are_those_of_its_formula():
    rows = [[0.5, -1.0, 2.0], [0.0, ABSENT, 1.5]]
    alphas = alphas_of(rows, Layout(((0, 1, 2), (0, 2))))
    loss = zero_one(alphas, weight=10.0)
    (gradient,) = torch.autograd.grad(loss, alphas["operations"])
    s = 1 / (1 + np.exp(-np.array([0.5, -1.0, 2.0, 0.0, 1.5])))
    assert loss.item() == pytest.approx(-10 / 5 * ((s - 0.5) ** 2).sum())
    by_hand = -10 / 5 * 2 * (s - 0.5) * s * (1 - s)
    found = gradient.flatten()[[0, 1, 2, 3, 5]].numpy()
    np.testing.assert_allclose(found, by_hand, atol=1e-12)
    assert gradient[1, 1] == 0


def test_the_architect_of_fair_darts_adds_the_zero_one_loss():
    run, plain = (start("fair_darts") for _ in range(2))
    batches = run.train.draw(), run.valid.draw()
    run.method.steps[0](run, *batches)
    first_order(plain, *batches)
    fresh = start("fair_darts").alphas
    (pull,) = torch.autograd.grad(zero_one(fresh), fresh["operations"])
    ours, without = (r.alphas["operations"].grad for r in (run, plain))
    torch.testing.assert_close(ours, without + pull)


@pytest.mark.parametrize(
    ("rule", "arch"), [(strongest, (2, 0, 0)), (two_parents, (2, 1, 0))]
)
def test_an_edge_without_an_open_gate_is_left_out_where_that_is_allowed(rule, arch):
    gates = torch.tensor([[0.99, 0.7, 0.9], [0.9, 0.84, 0.1], [0.9, 0.2, 0.3]])
    layout = Layout(((0, 1, 2),) * 3, ((0, 1, 2),))
    state = SimpleNamespace(
        alphas={"operations": gates.logit()},
        space=SearchSpace("edges", (("none", "a", "b"),) * 3),
        derive=lambda scores: rule(scores.numpy(), layout),
    )
    assert by_threshold(0.85)(state) == arch


# --- Single paths ---------------------------------------------------------------------


def test_uniform_paths_take_every_option_equally_often():
    alphas, generator = small_normal(RAGGED, source()), source(1)
    counts = torch.zeros(4, 4, dtype=torch.float64)
    for _ in range(4000):
        (mixture,) = relax.uniform(alphas, Moment(0, 1), generator)
        for d, (c,) in enumerate(mixture.active):
            counts[d, c] += 1
    for row, options in zip(counts, RAGGED.options, strict=True):
        expected = torch.zeros(4, dtype=torch.float64)
        expected[list(options)] = 1 / len(options)
        assert rarely_off(row, expected)


def test_a_fair_step_uses_every_operation_of_every_decision_once():
    run = start("fairnas")
    for _ in range(20):
        mixtures = run.relax()
        assert len(mixtures) == 5
        for d in range(6):
            assert sorted(m.active[d] for m in mixtures) == [(c,) for c in range(5)]
        for mixture in mixtures:
            assert torch.equal(mixture.weights.sum(-1), torch.ones(6))


def test_where_options_are_fewer_they_are_used_once_more_at_most():
    alphas, generator = small_normal(RAGGED, source()), source(2)
    first = torch.zeros(4, dtype=torch.float64)
    uses = torch.zeros(3, dtype=torch.float64)  # of decision 0, which has three of four
    for _ in range(3000):
        mixtures = relax.strictly_fair(alphas, Moment(0, 1), generator)
        for d, options in enumerate(RAGGED.options):
            drawn = [m.active[d][0] for m in mixtures]
            often = [drawn.count(c) for c in options]
            assert sum(often) == 4
            assert max(often) - min(often) <= 1
        first[mixtures[0].active[2][0]] += 1
        twice = [c for c in range(3) if sum(m.active[0] == (c,) for m in mixtures) == 2]
        uses[twice] += 1
    assert rarely_off(first, torch.full((4,), 0.25, dtype=torch.float64))
    assert rarely_off(uses, torch.full((3,), 1 / 3, dtype=torch.float64))


def test_a_fair_step_sums_the_gradients_of_its_paths():
    summed, averaged = (start("fairnas") for _ in range(2))
    averaged.method = replace(averaged.method, clip=float("inf"))
    batches = summed.train.draw(), summed.valid.draw()
    summed.method.steps[0](summed, *batches)
    train_weights(averaged, *batches)
    for name, weight in summed.weights.items():
        torch.testing.assert_close(weight.grad, 5 * averaged.weights[name].grad)


def test_samples_are_compared_on_one_batch_and_many_only_at_the_end():
    run = start(replace(METHODS["spos"], derive=best_of(12, early=3)), epochs=3)
    judged, judge = [], run.judge

    def spy(arch, batches=None):
        judged.append(None if batches is None else [b[1].tolist() for b in batches])
        return judge(arch, batches)

    run.judge = spy
    list(search(run))
    batch = [next(iter(run.valid.whole()))[1].tolist()]
    assert judged == [*[batch] * 3, None] * 2 + [*[batch] * 12, None]


# --- DARTS-PT -------------------------------------------------------------------------


def relaxed_value(values, p, active):
    """Sum over all architectures, one after another."""
    rows = []
    for row, options in zip(p, active, strict=True):
        kept = np.array([w if c in options else 0.0 for c, w in enumerate(row)])
        rows.append(kept / kept.sum() if options else np.eye(len(row))[0])
    return sum(
        np.prod([row[c] for row, c in zip(rows, arch, strict=True)]) * values[arch]
        for arch in itertools.product(*(range(len(row)) for row in rows))
    )


def selected_by_brute_force(values, p, order, *, parents=False, nodes=()):
    active, chosen = [[0, 1, 2] for _ in p], {}

    def without(d, c):
        shown = [[o for o in a if (e, o) != (d, c)] for e, a in enumerate(active)]
        return relaxed_value(values, p, shown)

    for d in order:
        chosen[d] = max(range(parents, 3), key=lambda c: without(d, c))
        active[d] = [chosen[d]]
    for edges in nodes:
        weakest = min(edges, key=lambda d: without(d, chosen[d]))
        chosen[weakest] = 0
    return tuple(chosen[d] for d in range(len(p)))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("parents", [False, True])
def test_perturbation_selects_what_brute_force_selects(seed, parents):
    """At random alphas; with three edges into a node, two of which are kept."""
    rule, into = (two_parents, ((0, 1, 2),)) if parents else (strongest, ())
    table = small_table(seed, rule, into)
    run = on_table(table, "darts_pt", seed=seed)
    with torch.no_grad():
        run.alphas["operations"].normal_(generator=source(seed))
    p = run.alphas["operations"].detach().double().softmax(-1).numpy()
    again = torch.Generator()
    again.set_state(run.generator.get_state())
    order = torch.randperm(3, generator=again).tolist()
    expected = selected_by_brute_force(
        table.values.numpy(), p, order, parents=parents, nodes=into
    )
    assert select(run, 0) == expected
    assert run.alphas.layout == table.layout


def test_selection_happens_once_and_not_before_the_last_epoch():
    run = start("darts_pt", epochs=1)
    (last,) = search(run)
    before = run.generator.get_state()
    assert run.method.derive(run) == last.arch == tuple(run.memory["selected"])
    assert torch.equal(run.generator.get_state(), before)
    early = start("darts_pt", epochs=3)
    weights = {n: w.clone() for n, w in early.weights.items()}
    assert early.method.derive(early) == by_softmax(early)
    assert all(torch.equal(w, weights[n]) for n, w in early.weights.items())


def test_what_was_decided_runs_alone_while_the_rest_is_finetuned():
    seen, run = [], start("darts_pt", epochs=1)

    def watched(state, train, valid):
        (mixture,) = state.relax()
        seen.append(sorted(map(len, mixture.active)))
        weights = mixture.weights.detach()
        for row, options in zip(weights, mixture.active, strict=True):
            if len(options) == 1:
                assert row.tolist() == [float(c in options) for c in range(5)]
        train_weights(state, train, valid)

    run.method = replace(
        run.method, steps=(first_order, watched), derive=by_perturbation(epochs=1.0)
    )
    list(search(run))
    assert seen[:2] == [[5] * 6] * 2
    expected = [sorted([1] * n + [5] * (6 - n)) for n in (1, 1, 2, 2, 3, 3, 4, 4, 5, 5)]
    assert seen[2:] == expected
    assert run.weight_optimizer.param_groups[0]["lr"] == pytest.approx(0.0025)


# --- ENAS -----------------------------------------------------------------------------

PAIR = Layout(((0, 1, 2), (0, 2)))
ARCHS = tuple(itertools.product(*PAIR.options))


def small_controller(seed=0, layout=PAIR):
    drawn = enas.controller(layout, source(seed), hidden=4)
    wide = {n: (20 * w).double().requires_grad_() for n, w in drawn.items()}
    return Alphas(wide, layout)


def log_probability(alphas, arch):
    unrolled = enas.unroll(alphas, lambda d, logp: torch.tensor([arch[d]]))
    return unrolled.log_probabilities.sum()


def test_the_controllers_distribution_is_what_it_draws_from():
    alphas, generator = small_controller(), source(3)
    p = torch.stack([log_probability(alphas, a) for a in ARCHS]).detach().exp()
    assert p.sum().item() == pytest.approx(1)
    assert p.max() - p.min() > 0.02
    counts = torch.zeros(len(ARCHS), dtype=torch.float64)
    with torch.no_grad():
        for _ in range(3000):
            drawn = enas.draw(alphas, generator)
            counts[ARCHS.index(tuple(drawn.chosen.tolist()))] += 1
    assert rarely_off(counts, p)


@pytest.mark.parametrize("baseline", [0.0, 0.5, -3.0])
def test_reinforce_is_the_gradient_of_the_expected_reward_whatever_the_baseline(
    baseline,
):
    """Both expectations are sums over all architectures; differences are central."""
    alphas, rewards = small_controller(), torch.linspace(0, 1, len(ARCHS)).double()
    logs = torch.stack([log_probability(alphas, a) for a in ARCHS])
    surrogate = (logs.detach().exp() * (rewards - baseline) * logs).sum()
    gradients = torch.autograd.grad(surrogate, list(alphas.values()))

    @torch.no_grad()
    def expected():
        p = torch.stack([log_probability(alphas, a) for a in ARCHS]).exp()
        return (p * rewards).sum().item()

    for (name, weight), gradient in zip(alphas.items(), gradients, strict=True):
        for index in list(np.ndindex(*weight.shape))[::3]:
            ends = []
            for shift in (1e-5, -2e-5):
                with torch.no_grad():
                    weight[index] += shift
                ends.append(expected())
            with torch.no_grad():
                weight[index] += 1e-5
            difference = (ends[0] - ends[1]) / 2e-5
            assert gradient[index].item() == pytest.approx(difference, abs=1e-8), name


def test_a_step_of_the_controller_has_the_gradient_of_what_it_drew():
    table = small_table(rate=0.0)
    run = on_table(table, "enas")
    run.memory["baseline"] = torch.tensor(0.3, dtype=torch.float64)
    again = torch.Generator()
    again.set_state(run.generator.get_state())
    theirs = enas.controller(table.layout, source())
    for name, weight in run.alphas.items():
        theirs[name] = weight.detach().clone().requires_grad_()
    drawn = enas.draw(theirs, again)
    reward = 1 - table.values[tuple(drawn.chosen.tolist())] + 1e-4 * drawn.entropy
    loss = -(reward.detach() - 0.3) * drawn.log_probabilities.sum()
    expected = torch.autograd.grad(loss, list(theirs.values()))
    enas.reinforce(run, run.train.draw(), run.valid.draw())
    for weight, gradient in zip(run.alphas.values(), expected, strict=True):
        torch.testing.assert_close(weight.grad, gradient)
    moved = 0.99 * 0.3 + 0.01 * reward.item()
    assert run.memory["baseline"].item() == pytest.approx(moved)


def test_entropy_of_a_controller_that_knows_nothing_is_the_logarithm():
    alphas = small_controller()
    with torch.no_grad():
        alphas["readout"].zero_()
    drawn = enas.draw(alphas, source())
    assert drawn.entropy.item() == pytest.approx(np.log(3) + np.log(2))


def test_the_controller_finds_the_best_cell_of_a_table():
    table = small_table(seed=4)
    method = replace(
        METHODS["enas"],
        alpha_optimizer=lambda params: torch.optim.Adam(params, lr=0.02),
    )
    run = on_table(table, method, steps=100, epochs=4)
    *_, last = search(run)
    best = np.unravel_index(int(table.values.argmin()), (3, 3, 3))
    assert last.arch == tuple(map(int, best))
    with torch.no_grad():
        assert log_probability(run.alphas, last.arch).exp() > 0.5


# --- On a relaxed table ---------------------------------------------------------------


ON_TABLES = {name for name, method in METHODS.items() if not method.needs}


@pytest.mark.parametrize("name", sorted(ON_TABLES - {"shapley_nas"}))
def test_methods_that_learn_alphas_find_a_good_cell_on_a_table(name):
    """Gates that do not compete need errors that are centred where the search is.

    The loss of FairDARTS, made for cross-entropies, would drown such small differences.
    `shapley_nas` is made for networks that normalise: see test_relaxed_regression.py.
    """
    space = SearchSpace("three", (("none", *"abcd"),) * 3)
    errors = np.array([1 - sum(a) / 12 for a in space])
    fast = partial(torch.optim.Adam, lr=0.05, betas=(0.5, 0.999), fused=True)
    method = replace(METHODS[name], alpha_optimizer=fast)
    if name == "darts_pt":
        method = replace(method, derive=by_perturbation(epochs=0.1))
    if name == "fair_darts":
        penalty = partial(zero_one, weight=0.1)
        architect = partial(first_order, penalty=penalty)
        method = replace(method, steps=(architect, train_weights))
    table = RelaxedTable(space, errors, rate=1.0 if name == "fair_darts" else 0.01)
    run = on_table(table, method, steps=15, epochs=18)
    *_, last = search(run)
    assert last.error < 0.2  # a random architecture has 0.5
