"""The NAS-Bench-201 network against a textbook implementation of itself."""

import copy
import itertools

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
import torch.nn.functional as F

from benchsuite.supernet.mixture import Mixture
from benchsuite.supernet.networks.nats_tss import NatsTss
from tests.supernet.counter import counted
from tests.supernet.nets import dense, images, tiny
from tests.supernet.textbook import Textbook

ARCHS = [(0,) * 6, (1,) * 6, (3,) * 6, (1, 2, 3, 4, 0, 3), (0, 3, 3, 0, 2, 4)]
every_arch = pytest.mark.parametrize("arch", ARCHS)
LABELS = torch.arange(8)


def gradients(logits, leaves):
    return torch.autograd.grad(
        F.cross_entropy(logits, LABELS), leaves, allow_unused=True
    )


@pytest.mark.parametrize("affine", [False, True])
def test_logits_and_all_gradients_are_the_textbooks(affine):
    net = tiny(cells=2, affine=affine)
    book = Textbook(4, 2, affine=affine).double().copy(net)
    theirs, ours = zip(*book.pairs(net), strict=True)
    assert len(ours) == len(list(net.parameters())) == len(list(book.parameters()))
    alphas = torch.randn(6, 5, dtype=torch.float64, requires_grad=True)
    logits = net(images(), dense(alphas.softmax(-1)))
    expected = book(images(), alphas.softmax(-1))
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-10)
    for a, b in zip(
        gradients(logits, [alphas, *ours]),
        gradients(expected, [alphas, *theirs]),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@every_arch
@pytest.mark.parametrize("form", ["selected", "unselected"])
def test_both_gradients_of_gdas_are_the_textbooks(arch, form):
    net = tiny()
    book = Textbook(4, 1).double().copy(net)
    mixture = Mixture.one_hot(net.space, arch)
    weights = mixture.weights.double().requires_grad_()
    off = 1 - mixture.weights
    residue = (weights * off).sum(-1) if form == "unselected" else None
    logits = net(images(), Mixture(weights, mixture.active, residue=residue))
    (ours,) = gradients(logits, [weights])
    (theirs,) = gradients(book(images(), weights, form), [weights])
    runs = torch.tensor(arch) > 0  # that of `none` is zero, or is not computed
    ours = torch.zeros_like(weights) if ours is None else ours
    torch.testing.assert_close(ours[runs], theirs[runs], rtol=0, atol=1e-10)


@every_arch
@pytest.mark.parametrize("running", [False, True])
def test_one_hot_is_the_stand_alone_network(arch, running):
    net = tiny(affine=True, running=running)
    mixture = Mixture.one_hot(net.space, arch)
    alone = net.restrict(mixture.active)
    assert torch.equal(net(images(), mixture), alone(images(), mixture))
    book = Textbook(4, 1, affine=True).double().copy(net)
    expected = book(images(), mixture.weights)
    torch.testing.assert_close(net(images(), mixture), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("classes", [10, 100, 120])
@every_arch
def test_parameters_follow_the_closed_formula(arch, classes):
    net = NatsTss(affine=True, classes=classes, channels=16)
    alone = net.restrict(Mixture.one_hot(net.space, arch).active)
    n = sum(parameter.numel() for parameter in alone.parameters())
    convs = 28_000 * arch.count(2) + 243_040 * arch.count(3)
    assert n == 73_306 + 65 * (classes - 10) + convs


def test_what_is_not_active_does_not_run_and_learns_nothing():
    net = tiny(affine=True)
    full = dense(torch.full((6, 5), 0.2, dtype=torch.float64))
    one = Mixture(full.weights, ((3,), (), (2,), (1,), (4,), (1,)))
    with counted() as operators:
        logits = net(images(), one)
    convolutions = 1 + 3 * 2 + 2 * 3  # stem, two per cell, three per residual block
    assert operators.names["convolution"] == convolutions
    assert operators.names["avg_pool2d"] == 3 + 2
    names = [name for name, _ in net.named_parameters() if ".convs." in name]
    found = gradients(logits, [net.get_parameter(name) for name in names])
    learned = {
        n.split(".")[4] for n, g in zip(names, found, strict=True) if g is not None
    }
    assert learned == {"0_nor_conv_3x3", "2_nor_conv_1x1"}


def test_gradient_of_the_mixture_matches_finite_differences():
    net, x = tiny(), images(4)
    weights = torch.rand(6, 5, dtype=torch.float64, requires_grad=True)
    edges = torch.rand(6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda w, e: net(x, dense(w, e)), (weights, edges), fast_mode=True
    )


def test_statistics_move_only_when_tracked():
    net = tiny(running=True)
    mixture = dense(torch.full((6, 5), 0.2, dtype=torch.float64))
    before = copy.deepcopy(net.state_dict())
    net(images(), mixture)
    net(images(), mixture, "running")
    after = net.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    by_batch = net(images(), mixture)
    assert torch.equal(net(images(), mixture, "track"), by_batch)
    moved = {n for n, t in net.state_dict().items() if not torch.equal(before[n], t)}
    assert moved == {n for n in before if n.endswith((".mean", ".var"))}


def test_tracked_statistics_are_those_of_torch():
    net = tiny(running=True)
    mixture = Mixture.one_hot(net.space, (3, 3, 3, 3, 3, 3))
    net(images(), mixture, "track")
    conv = net.stages[0][0].convs["1_nor_conv_3x3"]
    bn = torch.nn.BatchNorm2d(4).double()
    x = net.stem(images(), "batch").relu()
    bn(F.conv2d(x, conv.weight, padding=1))
    torch.testing.assert_close(conv.norm.mean, bn.running_mean)
    torch.testing.assert_close(conv.norm.var, bn.running_var)


def test_copies_share_nothing():
    net = tiny()
    small = net.restrict(Mixture.one_hot(net.space, ARCHS[-1]).active)
    for other in (copy.deepcopy(net), small):
        ours = {p.data_ptr() for p in net.parameters()}
        assert not ours & {p.data_ptr() for p in other.parameters()}


def test_partial_channels_of_one_are_all_channels():
    mixture = dense(torch.rand(6, 5, dtype=torch.float64))
    assert torch.equal(tiny(partial=1)(images(), mixture), tiny()(images(), mixture))


def test_bypassed_channels_are_only_permuted():
    net = tiny(channels=8, partial=4)
    cell = net.stages[0][0]
    x = torch.arange(8.0, dtype=torch.float64).view(1, 8, 1, 1).expand(2, 8, 4, 4)
    shuffled = cell._shuffle(x[:, :2], x[:, 2:])[0, :, 0, 0].tolist()
    assert shuffled == [0, 2, 4, 6, 1, 3, 5, 7]  # what was touched is at 0 and K


def test_partial_cell_is_the_published_mixed_operation():
    """Xu et al.: per edge, concatenate, shuffle, weigh; here the sums come first."""
    net = tiny(channels=8, partial=4)
    cell, x = net.stages[0][0], torch.randn(4, 8, 6, 6, dtype=torch.float64)
    a = torch.rand(6, 5, dtype=torch.float64)
    e = torch.rand(6, dtype=torch.float64)
    from benchsuite.supernet.networks.nats_tss import EDGES, plan

    nodes = [x, 0, 0, 0]
    for d, (source, target) in sorted(enumerate(EDGES), key=lambda edge: edge[1][::-1]):
        h = nodes[source]
        first, rest = h[:, :2], h[:, 2:]
        ops = [torch.zeros_like(first), first]
        for name, k in (("nor_conv_1x1", 0), ("nor_conv_3x3", 1)):
            y = F.conv2d(first.relu(), cell.convs[f"{d}_{name}"].weight, padding=k)
            ops.append(F.batch_norm(y, None, None, training=True))
        ops.append(F.avg_pool2d(first, 3, 1, 1, count_include_pad=False))
        mixed = sum(w * op for w, op in zip(a[d], ops, strict=True))
        joint = torch.cat([mixed, rest], 1).view(4, 4, 2, 6, 6).transpose(1, 2)
        nodes[target] = nodes[target] + e[d] * joint.reshape(4, 8, 6, 6)
    ours = cell(x, plan(dense(a, e)).at(2), "batch")
    torch.testing.assert_close(ours, nodes[3])


def test_no_global_randomness():
    before = torch.get_rng_state()
    tiny()
    assert torch.equal(before, torch.get_rng_state())


def test_any_set_of_operations_runs():
    """All pairs of options, alternating with single ones over the edges."""
    net, x = tiny(), images(2)
    weights = torch.full((6, 5), 0.5, dtype=torch.float64)
    book = Textbook(4, 1).double().copy(net)
    for pair in itertools.combinations(range(5), 2):
        active = tuple(pair if d % 2 else (pair[0],) for d in range(6))
        mask = torch.zeros(6, 5, dtype=torch.float64)
        for d, options in enumerate(active):
            mask[d, list(options)] = 0.5
        torch.testing.assert_close(
            net(x, Mixture(weights, active)), book(x, mask), rtol=0, atol=1e-10
        )
