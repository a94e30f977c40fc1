"""The size network against the published counts and a full-width masked network."""

import copy
import itertools
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from benchsuite.spaces import NATS_SSS, nats_sss
from benchsuite.supernet.mixture import Mixture
from benchsuite.supernet.networks.nats_sss import NatsSss
from tests.supernet.counter import counted
from tests.supernet.nets import dense, images, shaken

ARCHS = [(0,) * 5, (7,) * 5, (0, 1, 2, 3, 7), (7, 4, 4, 1, 0), (3, 3, 5, 2, 2)]
every_arch = pytest.mark.parametrize("arch", ARCHS)
LABELS = torch.arange(8)


def tiny(channels=1, seed=0, **options):
    """In float64, with normalisation away from its initial values."""
    source = torch.Generator().manual_seed(seed)
    return shaken(NatsSss(channels=channels, **options, generator=source), source)


def random_archs(n):
    rng = np.random.default_rng(0)
    return [tuple(rng.integers(8, size=5).tolist()) for _ in range(n)]


def masked(net, x, weights, active):
    """Compute all channels of all layers, and multiply them by masks.

    It shares no code with the network, only its weights at full width.
    """
    p, width = dict(net.named_parameters()), 8 * net.channels
    channel = torch.arange(width)
    masks = []
    for d, options in enumerate(active):
        there = [(channel < net.channels * (c + 1)).double() for c in options]
        mask = sum(weights[d, c] * t for c, t in zip(options, there, strict=True))
        masks.append(mask.view(1, width, 1, 1))

    def bn(x, name):
        scale, shift = p.get(f"{name}.scale"), p.get(f"{name}.shift")
        mean = x.mean((0, 2, 3), keepdim=True)
        var = x.var((0, 2, 3), keepdim=True, correction=0)
        y = (x - mean) / torch.sqrt(var + 1e-5)
        if scale is None:
            return y
        return y * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)

    def conv(x, name, stride=1):
        kernel = p[f"{name}.weight"]
        y = F.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2)
        return bn(y, f"{name}.norm")

    x = masks[0] * conv(x, "stem")
    for d, mask in enumerate(masks):
        name = f"layers.{d}"
        if d in (1, 3):
            y = mask * conv(x.relu(), f"{name}.first", stride=2)
            y = mask * conv(y.relu(), f"{name}.second")
            pooled = F.avg_pool2d(x, 2)
            x = y + mask * F.conv2d(pooled, p[f"{name}.shortcut"])
            continue
        node1 = mask * conv(x.relu(), f"{name}.convs.0_1")
        node2 = mask * conv(x.relu(), f"{name}.convs.0_2")
        node2 = node2 + mask * conv(node1.relu(), f"{name}.convs.1_2")
        keeps = d == 0 or (active[d] == active[d - 1] and len(active[d]) == 1)
        skip = x if keeps else conv(x, f"{name}.skip")
        node3 = mask * conv(node1.relu(), f"{name}.convs.1_3")
        x = node3 + mask * conv(node2.relu(), f"{name}.convs.2_3") + mask * skip
    x = (masks[-1] * bn(x, "last")).relu().mean((2, 3))
    return x @ p["head.weight"].T + p["head.bias"]


def gradients(logits, leaves):
    return torch.autograd.grad(
        F.cross_entropy(logits, LABELS), leaves, allow_unused=True
    )


ACTIVE = [
    (tuple(range(8)),) * 5,
    ((0, 3), (1, 2, 5), (1, 2, 5), (7,), (7,)),
    ((6,), (2,), (2,), (0, 7), (4,)),
]


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("active", ACTIVE)
def test_slicing_is_masking_in_logits_and_all_gradients(active, affine):
    net, x = tiny(affine=affine), images()
    alphas = torch.randn(5, 8, dtype=torch.float64, requires_grad=True)
    logits = net(x, Mixture(alphas.softmax(-1), active))
    expected = masked(net, x, alphas.softmax(-1), active)
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-10)
    leaves = [alphas, *net.parameters()]
    for a, b in zip(
        gradients(logits, leaves), gradients(expected, leaves), strict=True
    ):
        if a is None:  # a projection that is not there
            assert b is None
        else:
            torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@pytest.mark.parametrize("classes", [10, 100, 120])
def test_parameters_are_those_of_the_published_networks(classes):
    whole = NatsSss(affine=True, classes=classes, generator=torch.Generator())
    archs = [*ARCHS, *random_archs(40)]
    counts = [
        sum(p.numel() for p in whole.restrict(tuple((c,) for c in arch)).parameters())
        for arch in archs
    ]
    expected = nats_sss.parameters(np.array(archs, dtype=np.uint8), classes)
    assert counts == expected.tolist()


@pytest.mark.parametrize(
    ("classes", "side", "shared"),
    [(10, 32, False), (100, 32, False), (120, 16, False), (10, 32, True)],
)
def test_multiplications_are_those_of_the_published_networks(classes, side, shared):
    """Alone and within the widest: torch counts two operations for each."""
    whole = NatsSss(affine=True, classes=classes, generator=torch.Generator())
    archs = [*ARCHS, *random_archs(3)]
    x = torch.zeros(1, 3, side, side)
    counts = []
    for arch in archs:
        mixture = Mixture.one_hot(NATS_SSS, arch)
        net = whole if shared else whole.restrict(mixture.active)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            net(x, mixture)
        counts.append(counter.get_total_flops() / 2 + classes)  # the biases
    expected = nats_sss.macs(np.array(archs, dtype=np.uint8), classes, side)
    assert counts == expected.tolist()


def test_a_published_record_is_counted_alike():
    """NATS-Bench gives 0.067378 million parameters for 8:8:8:16:40."""
    arch = NATS_SSS.parse("8:8:8:16:40")
    active = tuple((c,) for c in arch)
    net = NatsSss(affine=True, active=active, generator=torch.Generator())
    assert sum(p.numel() for p in net.parameters()) == 67_378


@every_arch
@pytest.mark.parametrize("running", [False, True])
def test_one_hot_is_the_stand_alone_network(arch, running):
    net = tiny(channels=2, affine=True, running=running)
    mixture = Mixture.one_hot(NATS_SSS, arch)
    alone = net.restrict(mixture.active)
    assert torch.equal(net(images(), mixture), alone(images(), mixture))
    built = NatsSss(channels=2, affine=True, running=running, active=mixture.active)
    shapes = {name: part.shape for name, part in built.state_dict().items()}
    assert shapes == {name: part.shape for name, part in alone.state_dict().items()}


@pytest.mark.parametrize("arch", [(4, 1, 2, 7, 0), (0, 1, 5, 3, 6), (7, 4, 5, 1, 3)])
def test_weights_of_a_single_network_are_that_network_whatever_is_active(arch):
    """Where widths change: otherwise the skip is another one."""
    net = tiny(affine=True)
    one = Mixture.one_hot(NATS_SSS, arch)
    weights = one.weights.double()
    torch.testing.assert_close(
        net(images(), dense(weights)), net(images(), one), rtol=0, atol=1e-10
    )


def test_a_stand_alone_network_has_the_first_channels():
    """8:8:8:16:40: only its last layer has a skip with weights."""
    arch = (0, 0, 0, 1, 4)
    net = tiny(channels=2, affine=True)
    mixture = Mixture.one_hot(NATS_SSS, arch)
    alone = net.restrict(mixture.active)
    assert alone.layers[0].skip is None
    assert alone.layers[2].skip is None
    assert alone.layers[4].skip.weight.shape == (10, 4, 1, 1)
    assert alone.layers[3].shortcut.shape == (4, 2, 1, 1)
    conv = torch.nn.Conv2d(3, 2, 3, padding=1, bias=False).double()
    norm = torch.nn.BatchNorm2d(2).double()
    with torch.no_grad():
        conv.weight.copy_(net.stem.weight[:2])
        norm.weight.copy_(net.stem.norm.scale[:2])
        norm.bias.copy_(net.stem.norm.shift[:2])
    torch.testing.assert_close(norm(conv(images())), alone.stem(images(), "batch"))


def test_what_is_not_active_does_not_run_and_learns_nothing():
    net = tiny(affine=True)
    active = ((1, 3), (0,), (2,), (2, 5), (5,))
    weights = torch.full((5, 8), 0.5, dtype=torch.float64)
    with counted() as operators:
        logits = net(images(), Mixture(weights, active))
    assert operators.names["convolution"] == 1 + 3 * 5 + 2 * 3 + 2  # two skips
    gradient = dict(
        zip(
            [name for name, _ in net.named_parameters()],
            gradients(logits, list(net.parameters())),
            strict=True,
        )
    )
    widths = [4, 1, 3, 6, 6]
    for name, g in gradient.items():
        if name.startswith("layers."):
            d = int(name.split(".")[1])
            assert g[: widths[d]].any(), name
            assert not g[widths[d] :].any(), name
    assert not gradient["stem.weight"][4:].any()
    assert not gradient["head.weight"][:, 6:].any()
    same = Mixture.one_hot(NATS_SSS, (1, 2, 2, 5, 5))
    with counted() as operators:
        logits = net(images(), same)
    assert operators.names["convolution"] == 1 + 3 * 5 + 2 * 3
    skips = [p for name, p in net.named_parameters() if ".skip." in name]
    assert gradients(logits, skips) == (None,) * len(skips)


def test_gradient_of_the_mixture_matches_finite_differences():
    net, x = tiny(), images(4)
    weights = torch.rand(5, 8, dtype=torch.float64, requires_grad=True)
    edges = torch.rand(5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda w, e: net(x, dense(w, e)), (weights, edges), fast_mode=True
    )


def test_a_residue_of_zero_changes_nothing_but_gradients():
    net = tiny()
    mixture = Mixture.one_hot(NATS_SSS, (1, 2, 2, 5, 5))
    residue = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    logits = net(images(), replace(mixture, residue=residue))
    assert torch.equal(logits, net(images(), mixture))
    (gradient,) = gradients(logits, [residue])
    assert gradient[0] != 0


def test_every_width_gets_a_gradient():
    """The last layer's too, though a normalisation follows it."""
    net = tiny()
    weights = torch.full((5, 8), 1 / 8, dtype=torch.float64, requires_grad=True)
    (gradient,) = gradients(net(images(), dense(weights)), [weights])
    assert (gradient.abs() > 1e-6).all()


def test_statistics_move_only_when_tracked_and_only_where_computed():
    net = tiny(running=True)
    mixture = Mixture.one_hot(NATS_SSS, (1, 3, 2, 4, 5))
    before = copy.deepcopy(net.state_dict())
    net(images(), mixture)
    net(images(), mixture, "running")
    after = net.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    by_batch = net(images(), mixture)
    assert torch.equal(net(images(), mixture, "track"), by_batch)
    after = net.state_dict()
    moved = {n for n, t in after.items() if not torch.equal(before[n], t)}
    assert moved == {n for n in before if n.endswith((".mean", ".var"))}
    assert (after["last.var"][:6] != before["last.var"][:6]).all()
    assert torch.equal(after["last.var"][6:], before["last.var"][6:])


def test_tracked_statistics_are_those_of_torch():
    net = tiny(running=True)
    net(images(), Mixture.one_hot(NATS_SSS, (3,) * 5), "track")
    bn = torch.nn.BatchNorm2d(4).double()
    bn(F.conv2d(images(), net.stem.weight[:4], padding=1))
    torch.testing.assert_close(net.stem.norm.mean[:4], bn.running_mean)
    torch.testing.assert_close(net.stem.norm.var[:4], bn.running_var)


def test_copies_share_nothing():
    net = tiny(running=True)
    for other in (copy.deepcopy(net), net.restrict(((0,), (7,), (7,), (1,), (0,)))):
        ours = {t.untyped_storage().data_ptr() for t in net.state_dict().values()}
        theirs = {t.untyped_storage().data_ptr() for t in other.state_dict().values()}
        assert not ours & theirs


def test_a_layer_without_width_is_refused():
    with pytest.raises(ValueError, match="no active width"):
        tiny()(images(), Mixture(torch.ones(5, 8), ((0,), (), (1,), (1,), (1,))))


def test_no_global_randomness():
    before = torch.get_rng_state()
    tiny().restrict(((0,),) * 5)
    assert torch.equal(before, torch.get_rng_state())


def test_the_seed_decides_the_weights():
    a, b, c = tiny(seed=1), tiny(seed=1), tiny(seed=2)
    assert torch.equal(a.stem.weight, b.stem.weight)
    assert not torch.equal(a.stem.weight, c.stem.weight)


def test_any_two_widths_run():
    net, x = tiny(), images(2)
    weights = torch.full((5, 8), 0.5, dtype=torch.float64)
    for pair in itertools.combinations(range(8), 2):
        active = tuple(pair if d % 2 else (pair[0],) for d in range(5))
        torch.testing.assert_close(
            net(x, Mixture(weights, active)),
            masked(net, x, weights, active),
            rtol=0,
            atol=1e-10,
        )
