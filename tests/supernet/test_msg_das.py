"""MSG-DAS: exclusive paths, their teacher, and DropBlock.

Tests of frequencies fix their seed. With another, one would fail by chance with
probability below 1e-4: every frequency may be five standard deviations off, which has
probability 6e-7, and no test looks at more than a hundred.
"""

from dataclasses import replace
from functools import partial

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
import torch.nn.functional as F

from benchsuite.supernet import relax
from benchsuite.supernet.methods import METHODS
from benchsuite.supernet.methods.msg_das import (
    distilled,
    divergence,
    drop_block,
    exclusive,
)
from benchsuite.supernet.mixture import Layout
from benchsuite.supernet.search import Alphas, Moment, small_normal
from benchsuite.supernet.steps import train_weights
from tests.supernet.counter import saved
from tests.supernet.nets import start

LOGITS = [0.0, 1.0, -1.0, 0.5, 2.0]


def source(seed=0):
    return torch.Generator().manual_seed(seed)


def alphas_of(rows):
    logits = torch.tensor(rows, dtype=torch.float64, requires_grad=True)
    options = (tuple(range(len(rows[0]))),) * len(rows)
    return Alphas({"operations": logits}, Layout(options))


def picks(mixtures):
    return [[c for (c,) in mixture.active] for mixture in mixtures]


def test_ordered_picks_are_plackett_luce_whatever_the_temperature():
    n = 20_000
    alphas = alphas_of([LOGITS] * n)
    first, second = picks(exclusive(alphas, Moment(3, 10), source(), paths=2))
    p = torch.tensor(LOGITS, dtype=torch.float64).softmax(-1)
    pairs = torch.zeros(5, 5, dtype=torch.float64)
    for i, j in zip(first, second, strict=True):
        pairs[i, j] += 1
    assert not pairs.diagonal().any()
    expected = p[:, None] * p[None] / (1 - p[:, None])
    expected.fill_diagonal_(0)
    deviation = (expected * (1 - expected) / n).sqrt()
    assert ((pairs / n - expected).abs() <= 5 * deviation).all()


def test_as_many_paths_as_options_use_every_option_once():
    alphas = small_normal(Layout(((0, 1, 2), (1, 3), (0, 1, 2, 3), (2,))), source())
    chosen = picks(exclusive(alphas, Moment(0, 2), source(1), paths=4))
    columns = list(zip(*chosen, strict=True))
    assert sorted(columns[2]) == [0, 1, 2, 3]
    for column, options in zip(columns, alphas.layout.options, strict=True):
        n = len(options)
        assert set(column[:n]) == set(options)
        assert column[n:] == column[: 4 - n]  # begins anew in the same order


def test_one_path_is_gdas():
    drawn, slopes = [], []
    for relaxation in (relax.gumbel, partial(exclusive, paths=1, dropped=0.0)):
        alphas = alphas_of([LOGITS, LOGITS[::-1]])
        (mixture,) = relaxation(alphas, Moment(2, 5), source(7))
        weights = torch.arange(10.0, dtype=torch.float64).view(2, 5)
        (slope,) = torch.autograd.grad(
            (mixture.weights * weights).sum(), alphas["operations"]
        )
        drawn.append((mixture.active, mixture.weights.detach()))
        slopes.append(slope)
    assert drawn[0][0] == drawn[1][0]
    assert torch.equal(drawn[0][1], drawn[1][1])
    torch.testing.assert_close(*slopes)


def test_the_second_path_has_the_gradient_of_a_softmax_over_what_is_left():
    alphas = alphas_of([LOGITS])
    first, second = exclusive(alphas, Moment(0, 5), source(3))
    ((i,),), ((j,),) = first.active, second.active
    noise = relax.gumbel_noise(alphas["operations"], source(3))
    left = [c for c in range(5) if c != i]
    p = ((alphas["operations"].detach() + noise)[0, left] / 10).softmax(-1)
    (slope,) = torch.autograd.grad(second.weights[0, j], alphas["operations"])
    expected = torch.zeros(5, dtype=torch.float64)
    hit = torch.tensor([float(c == j) for c in left], dtype=torch.float64)
    expected[left] = p[left.index(j)] * (hit - p) / 10
    torch.testing.assert_close(slope[0], expected)


def quiet(**changes):
    return replace(METHODS["msg_das"], relax=partial(exclusive, dropped=0.0), **changes)


def test_accumulated_gradients_are_those_of_the_averaged_loss():
    run = start(quiet(steps=(train_weights,), clip=1e9))
    run.supernet.double()
    batch = run.train.draw()
    batch = batch[0].double(), batch[1]
    kept = run.generator.get_state()
    train_weights(run, batch, batch)
    accumulated = [w.grad for w in run.weights.values()]
    again = start(quiet(steps=(train_weights,), clip=1e9))
    again.supernet.double()
    again.generator.set_state(kept)
    with torch.no_grad():
        mixtures = again.relax()
    loss = sum(again.loss(batch, m) for m in mixtures) / len(mixtures)
    expected = torch.autograd.grad(
        loss, list(again.weights.values()), allow_unused=True
    )
    for ours, theirs in zip(accumulated, expected, strict=True):
        if theirs is None:
            assert ours is None
        else:
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)


def test_the_distillation_is_nothing_for_a_student_like_its_teacher():
    logits = torch.randn(6, 10, generator=source(), dtype=torch.float64)
    assert divergence(logits, logits + 3.0).item() == pytest.approx(0, abs=1e-12)
    other = torch.randn(6, 10, generator=source(1), dtype=torch.float64)
    p, q = logits.softmax(-1), other.softmax(-1)
    by_hand = (p * (p / q).log()).sum() / 6
    assert divergence(logits, other).item() == pytest.approx(by_hand.item())


def test_the_teacher_is_the_whole_and_keeps_and_changes_nothing():
    run = start("msg_das", running=True)
    buffers = {n: b.clone() for n, b in run.supernet.named_buffers()}
    batch = run.train.draw()
    kept = saved(lambda: distilled(run, batch))
    objective = distilled(run, batch)
    assert kept == 0
    assert all(torch.equal(b, buffers[n]) for n, b in run.supernet.named_buffers())
    (whole,) = relax.softmax(run.alphas, run.moment, run.generator)
    with torch.no_grad():
        alike = run.loss(batch, whole, objective=objective)
        torch.testing.assert_close(alike, run.loss(batch, whole))
        path = run.relax()[0]
        z, f = (
            run.loss(batch, m, objective=lambda net, b: net(b[0]))
            for m in (whole, path)
        )
        expected = F.cross_entropy(f, batch[1]) + 16 * divergence(z / 4, f / 4)
        torch.testing.assert_close(run.loss(batch, path, objective=objective), expected)


def test_memory_is_that_of_one_path_and_passes_are_counted():
    run = start("msg_das", channels=16, cells=5)
    batch = run.train.draw()
    train_weights(run, batch, batch, objective=distilled)
    assert (run.ledger.forwards, run.ledger.backwards) == (3, 2)  # the teacher's is one
    mixtures = run.relax()
    one = max(saved(partial(run.supernet, batch[0], m)) for m in mixtures)
    (whole,) = relax.softmax(run.alphas, run.moment, run.generator)
    assert one < 0.6 * saved(partial(run.supernet, batch[0], whole))


@pytest.mark.parametrize(
    ("share", "dropped"), [(0.1, 0.092), (0.2, 0.176), (0.3, 0.25)]
)
def test_overlapping_squares_drop_somewhat_less(share, dropped):
    """As measured for the card, at 32 pixels and blocks of 7; means of 2,000 images."""
    x = torch.ones(2000, 1, 32, 32)
    y = drop_block(x, share=share, block=7, generator=source())
    assert (y == 0).float().mean().item() == pytest.approx(dropped, abs=0.004)
    assert y.mean().item() == pytest.approx(1, abs=1e-5)


def test_what_is_dropped_are_squares_within_the_image():
    y = drop_block(torch.ones(200, 3, 9, 9), share=0.05, block=3, generator=source())
    assert torch.equal(y[:, 0], y[:, 2])
    single = [m for m in (y[:, 0] == 0) if m.sum() == 9]
    assert len(single) > 20
    for mask in single:
        rows, columns = (mask.any(d).nonzero().flatten().tolist() for d in (1, 0))
        assert rows == list(range(rows[0], rows[0] + 3))
        assert columns == list(range(columns[0], columns[0] + 3))


def test_blocks_are_no_larger_than_the_image_and_zero_drops_nothing():
    x = torch.rand(4, 2, 2, 2, generator=source())
    assert torch.equal(drop_block(x, share=0.0, block=3, generator=source()), x)
    y = drop_block(x, share=0.5, block=3, generator=source())
    gone = (y == 0).flatten(1).all(1)
    assert 0 < gone.sum() < 4  # an image is one block


def test_only_identities_are_dropped_and_none_in_the_first_epoch_or_when_judged():
    (path, _) = exclusive(alphas_of([LOGITS]), Moment(9, 10), source())
    assert path.identity is not None
    (calm, _) = exclusive(alphas_of([LOGITS]), Moment(0, 10), source())
    assert calm.identity is None
    run = start("msg_das")
    assert relax.Mixture.one_hot(run.space, (1,) * 6).identity is None
    images = run.train.draw()[0]
    skips, convs = ((c,) * 6 for c in (1, 3))
    for chosen, changes in ((skips, True), (convs, False)):
        mixture = relax.Mixture.path(chosen, like=run.alphas["operations"])
        zero = replace(mixture, identity=torch.zeros_like)
        same = torch.equal(run.supernet(images, mixture), run.supernet(images, zero))
        assert same is not changes


@pytest.mark.parametrize("space", ["darts", "nats_tss"])
def test_identity_is_applied_once_a_node(space):
    from benchsuite.supernet.networks import NETWORKS

    net = NETWORKS[space](channels=4, cells=3 if space == "darts" else 1)
    calls = []

    def identity(x):
        calls.append(x.shape)
        return x

    weights = torch.full((len(net.layout.options), net.layout.width), 0.1)
    mixture = relax.Mixture(weights, net.layout.options, identity=identity)
    images = torch.randn(2, 3, 16, 16, generator=source())
    plain = replace(mixture, identity=None)
    assert torch.equal(net(images, mixture), net(images, plain))
    # nodes 0, 1, 2 of three cells; and of DARTS, where inputs of reduction cells are
    # halved by a convolution, five nodes of one normal cell and three of two reductions
    assert len(calls) == {"nats_tss": 9, "darts": 5 + 2 * 3}[space]
