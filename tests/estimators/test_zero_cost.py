"""Zero-cost proxies against hand-made numbers, loops and a textbook network."""

import math
import random
from functools import partial

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
import torch.nn.functional as F
from torch import nn

from benchsuite.core import InputError
from benchsuite.estimators.expressivity import linear_regions
from benchsuite.estimators.zero_cost import (
    LOWER_IS_BETTER,
    PROXIES,
    merit,
    without_normalisation,
)
from benchsuite.supernet.mixture import Mixture
from benchsuite.supernet.network import Bound
from benchsuite.supernet.networks import NETWORKS
from tests.supernet.nets import dense, images, tiny
from tests.supernet.textbook import Textbook

QUICK = {
    **PROXIES,
    "linear_regions": partial(PROXIES["linear_regions"], samples=50),
    "zen": partial(PROXIES["zen"], repeats=2, batch=4),
}
"""The same proxies with less to do."""
LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
every_proxy = pytest.mark.parametrize("name", PROXIES)


def source(seed=0):
    return torch.Generator().manual_seed(seed)


def score(name, net, x=None, labels=None, **options):
    """A score on eight noise images, unless told otherwise."""
    x = images() if x is None else x
    labels = LABELS[: len(x)] if labels is None else labels
    return QUICK[name](net, x, labels, source(), **options)


def plain_net(seed=0, *, norm=True, depth=2, channels=4):
    """Convolutions and rectifiers as torch.nn has them; float64, in training mode."""
    layers = []
    for inputs in (3, *[channels] * (depth - 1)):
        layers.append(nn.Conv2d(inputs, channels, 3, padding=1, bias=False))
        layers += [nn.BatchNorm2d(channels)] if norm else []
        layers.append(nn.ReLU())
    pool = nn.AdaptiveAvgPool2d(1), nn.Flatten()
    net = nn.Sequential(*layers, *pool, nn.Linear(channels, 3)).double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=source(seed)))
    return net


def our_cell():
    return tiny(affine=True, running=True).alone((3, 1, 2, 4, 3, 0), source()).double()


def our_supernet():
    weights = torch.full((6, 5), 0.2, dtype=torch.float64, requires_grad=True)
    return Bound(tiny(affine=True, running=True), dense(weights))


NETS = {"plain": plain_net, "cell": our_cell, "supernet": our_supernet}
every_net = pytest.mark.parametrize("kind", NETS)


def linear(*rows):
    """Layers without biases, one after the other, of the weights given."""
    layers = []
    for weight in rows:
        layer = nn.Linear(len(weight[0]), len(weight), bias=False).double()
        layer.weight.data = torch.tensor(weight, dtype=torch.float64)
        layers.append(layer)
    return nn.Sequential(*layers)


def half_square(outputs, targets):
    return 0.5 * (outputs - targets).square().sum()


def column(*values):
    return torch.tensor(values, dtype=torch.float64).view(-1, 1)


# --- Hand-made numbers ----------------------------------------------------------------


def test_synflow_of_a_chain_of_two_weights():
    """R = |-2| |3| = 6, and each weight takes all of it."""
    assert score("synflow", linear([[-2.0]], [[3.0]]), column(1)) == 12


@pytest.mark.parametrize(
    ("name", "expected"), [("snip", 6), ("plain", 6), ("grad_norm", 3), ("grasp", -54)]
)
def test_saliencies_of_one_weight(name, expected):
    """y = 2 * 3 and t = 5: dL/dw = (y - t) x = 3, H = x^2 = 9, -w H g = -2 * 9 * 3."""
    net = linear([[2.0]])
    assert score(name, net, column(3), column(5), loss=half_square) == expected


def test_fisher_of_one_channel():
    """a = 1 and 2, dL/da = 1: half the mean of 1 and 4."""
    total = partial(PROXIES["fisher"], loss=lambda outputs, _: outputs.sum())
    assert total(linear([[1.0]]), column(1, 2), LABELS[:2], source()) == 1.25


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (("1100", "0011"), 2 * math.log(4)),
        (("1100", "1010", "1001"), math.log(32)),
        (("1100", "0011", "1100"), -math.inf),
    ],
)
def test_naswot_of_given_codes(codes, expected):
    x = torch.tensor([[2.0 * int(c) - 1 for c in code] for code in codes])
    assert score("naswot", nn.ReLU(), x) == pytest.approx(expected)


def test_two_images_of_one_code_make_naswot_infinite_whatever_is_rounded():
    """Elimination leaves something about 1e-14 where zero belongs, as often as not."""
    for seed in range(20):
        x = torch.randn(8, 300, generator=source(seed))
        x[5] = x[2]
        assert score("naswot", nn.ReLU(), x) == -math.inf


class Gradients(nn.Module):
    """Has given gradients with respect to its images."""

    def __init__(self, rows):
        super().__init__()
        self.register_buffer("rows", torch.tensor(rows, dtype=torch.float64))

    def forward(self, x):
        return (self.rows * x).sum(1, keepdim=True)


HADAMARD = [[1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]


def test_jacob_cov_of_uncorrelated_and_of_equal_gradients():
    x = torch.zeros(4, 8, dtype=torch.float64)
    rows = [[*h, *h] for h in HADAMARD] + [[1] * 4 + [-1] * 4]
    assert score("jacob_cov", Gradients(rows), x) == pytest.approx(-4, abs=1e-6)
    same = score("jacob_cov", Gradients([rows[0]] * 4), x)
    assert same == pytest.approx(-299_967.1, abs=0.05)


def test_epe_nas_of_two_pairs():
    """Correlations 1 and -1, and 0: log(1 + k) four times, and twice log k."""
    x = torch.zeros(4, 4, dtype=torch.float64)
    a, b, c = ([float(h) for h in row] for row in HADAMARD)
    net = Gradients([a, [-h for h in a], b, c])
    expected = 4 * math.log(1 + 1e-5) + abs(2 * math.log(1 + 1e-5) + 2 * math.log(1e-5))
    found = score("epe_nas", net, x, torch.tensor([7, 7, 3, 3]))
    assert found == pytest.approx(expected)


def test_ntk_of_two_rows():
    """J J^T = [[1, 1], [1, 2]], of eigenvalues (3 +- sqrt 5) / 2."""
    x = torch.tensor([[1.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    found = score("ntk", linear([[0.3, -0.4]]), x)
    assert found == pytest.approx((3 + 5**0.5) / (3 - 5**0.5))
    assert found == pytest.approx(6.854102, abs=1e-6)


def test_ntk_of_two_equal_images_is_what_rounding_allows():
    found = score("ntk", linear([[1.0, 1.0]]), torch.ones(2, 2, dtype=torch.float64))
    assert found == pytest.approx(1 / torch.finfo(torch.float64).eps)


def test_counts_of_a_small_network():
    """Convolutions of 3 to 4 and 4 to 4 channels on 8 x 8 pixels, and a layer of 3."""
    macs = 64 * 9 * (3 * 4 + 4 * 4) + 4 * 3
    assert score("flops", plain_net()) == macs
    assert score("params", plain_net()) == 9 * (12 + 16) + 2 * (4 + 4) + 4 * 3 + 3


def test_parameters_and_multiplications_are_the_published_formula():
    """NAS-Bench-201, C = 16 and N = 5 on CIFAR-10; a cell's are linear in its kinds.

    Weights of a k x k convolution on an edge are k^2 (16^2 + 32^2 + 64^2) a cell, and
    with 32^2, 16^2 and 8^2 pixels each width multiplies equally often.
    """
    whole = tiny(channels=16, cells=5, affine=True).float()
    edge = 15 * 16**2 * 32**2
    around = 32**2 * (27 * 16) + 16**2 * (9 * 16 * 32 + 9 * 32 * 32 + 16 * 32)
    around += 8**2 * (9 * 32 * 64 + 9 * 64 * 64 + 32 * 64) + 640
    for arch in ((3,) * 6, (2, 0, 3, 1, 4, 2), (0,) * 6):
        net, x = whole.alone(arch, source()), images(2, size=32).float()
        ones, threes = arch.count(2), arch.count(3)
        assert score("params", net, x) == 73_306 + 28_000 * ones + 243_040 * threes
        assert score("flops", net, x) == around + edge * (ones + 9 * threes)


def test_regions_of_a_line():
    """Two rectifiers, that break at -1/2 and 1/2, cut a line into three intervals."""
    layer = nn.Conv2d(1, 2, 1)
    layer.weight.data.fill_(1.0)
    layer.bias.data = torch.tensor([-0.5, 0.5])
    net, x = nn.Sequential(layer, nn.ReLU()), torch.zeros(1, 1, 5, 5)
    assert linear_regions(net, x, LABELS[:1], source(), size=1) == 3
    assert linear_regions(layer, x, LABELS[:1], source(), size=1) == 1


# --- Explicit loops and other libraries -----------------------------------------------


def weights_of(net):
    return {name: p for name, p in net.named_parameters() if p.dim() > 1}


def loss_of(net):
    """The loss as a function of all weights, end to end."""
    weights = weights_of(net)
    sizes = [w.numel() for w in weights.values()]
    state = {n: b.clone() for n, b in net.named_buffers()}
    start = torch.cat([w.detach().flatten() for w in weights.values()])

    def loss(flat):
        parts = zip(weights.items(), flat.split(sizes), strict=True)
        changed = {name: part.view_as(w) for (name, w), part in parts}
        call = torch.func.functional_call(net, {**state, **changed}, (images(),))
        return F.cross_entropy(call, LABELS)

    return loss, start, sizes


def test_grasp_is_the_explicit_hessian_times_the_gradient():
    loss, w, _ = loss_of(plain_net(channels=2))
    g = torch.autograd.functional.jacobian(loss, w)
    hessian = torch.autograd.functional.hessian(loss, w)
    expected = -(w @ (hessian @ g)).item()
    assert abs(expected) > 1e-3
    assert score("grasp", plain_net(channels=2)) == pytest.approx(expected)


def test_first_order_saliencies_are_those_of_central_differences():
    loss, w, sizes = loss_of(plain_net())
    eye = 1e-5 * torch.eye(len(w), dtype=torch.float64)
    with torch.no_grad():
        g = torch.stack([(loss(w + e) - loss(w - e)) / 2e-5 for e in eye])
    expected = {
        "plain": (w * g).sum(),
        "snip": (w * g).abs().sum(),
        "grad_norm": sum(part.norm() for part in g.split(sizes)),
        "l2_norm": sum(part.norm() for part in w.split(sizes)),
    }
    for name, value in expected.items():
        assert score(name, plain_net()) == pytest.approx(value.item(), rel=1e-6)


def test_fisher_is_a_loop_over_layers_images_and_channels():
    net, kept = plain_net(), []
    x = images()
    for layer in net:
        x = layer(x)
        if isinstance(layer, nn.Conv2d | nn.Linear):
            x.retain_grad()
            kept.append(x)
    F.cross_entropy(x, LABELS).backward()
    expected = 0.0
    for a in kept:
        for c in range(a.shape[1]):
            each = [(a[n, c] * a.grad[n, c]).sum().item() for n in range(len(a))]
            expected += 0.5 * np.mean(np.square(each))
    assert score("fisher", plain_net()) == pytest.approx(expected)


def rows_of(net):
    x = images().requires_grad_()
    (gradient,) = torch.autograd.grad(net(x).sum(), x)
    return gradient.flatten(1).numpy()


def sums_of(rows):
    """Of the logs of correlations in each class."""
    for c in range(3):
        correlations = np.corrcoef(rows[LABELS.numpy() == c])
        yield np.log(np.abs(correlations) + 1e-5).sum()


def test_jacob_cov_and_epe_nas_are_numpys():
    rows = rows_of(plain_net(norm=False))
    v = np.linalg.eigvals(np.corrcoef(rows)).real
    expected = -np.sum(np.log(v + 1e-5) + 1 / (v + 1e-5))
    found = score("jacob_cov", plain_net(norm=False))
    assert found == pytest.approx(expected, rel=1e-6)
    expected = sum(abs(s) for s in sums_of(rows))
    assert score("epe_nas", plain_net(norm=False)) == pytest.approx(expected)


def test_epe_nas_compares_classes_if_there_are_many():
    net = nn.Sequential(plain_net(), nn.Linear(3, 101).double())
    sizes = np.bincount(LABELS)
    s = [each / n for each, n in zip(sums_of(rows_of(net)), sizes, strict=True)]
    expected = sum(abs(a - b) for a in s for b in s) / 3
    assert score("epe_nas", net) == pytest.approx(expected)


def test_ntk_is_that_of_the_explicit_jacobian():
    net = plain_net().eval()
    parameters = dict(net.named_parameters())

    def sums(*values):
        state = dict(zip(parameters, values, strict=True))
        return torch.func.functional_call(net, state, (images(),)).sum(1)

    jacobian = torch.autograd.functional.jacobian(sums, tuple(parameters.values()))
    j = torch.cat([part.flatten(1) for part in jacobian], 1).numpy()
    v = np.linalg.svd(j, compute_uv=False)
    expected = (v[0] / v[-1]) ** 2
    assert score("ntk", plain_net().eval()) == pytest.approx(expected, rel=1e-6)


def test_naswot_is_a_loop_over_pairs_of_images():
    """Hamming distances are taken unit by unit, behind each of the two rectifiers."""
    net = plain_net()
    first, second = net[:3](images()), net[:6](images())
    codes = (torch.cat([first.flatten(1), second.flatten(1)], 1) > 0).numpy()
    kernel = [[float(np.sum(a == b)) for a in codes] for b in codes]
    _, expected = np.linalg.slogdet(np.array(kernel))
    assert score("naswot", plain_net()) == pytest.approx(expected)


def test_zen_is_what_two_forwards_by_hand_give():
    net, generator, scores = plain_net(), source(), []
    for _ in range(2):
        for weight in weights_of(net).values():
            weight.data = torch.randn(weight.shape, generator=generator).double()
        x = torch.randn(4, 3, 8, 8, generator=generator).double()
        y = x + 0.01 * torch.randn(4, 3, 8, 8, generator=generator).double()
        change = np.abs((net[:6](x) - net[:6](y)).detach().numpy())
        deviations = [
            net[:n](x).detach().numpy().var((0, 2, 3), ddof=1).mean() ** 0.5
            for n in (1, 4)
        ]
        scores.append(np.log(change.sum((1, 2, 3)).mean()) + np.log(deviations).sum())
    assert score("zen", plain_net()) == pytest.approx(np.mean(scores))


@pytest.mark.parametrize(
    "name", [n for n in PROXIES if n not in ("flops", "naswot", "params", "zen")]
)
def test_fused_networks_score_as_the_textbooks(name):
    """All operations mixed. Ours does several in one call, and not `none` and identity.

    What counts rectifiers or normalisations counts those that were fused once.
    """
    net = tiny(cells=2, affine=True)
    book = Textbook(4, 2, affine=True).double().copy(net)
    weights = torch.randn(6, 5, dtype=torch.float64, generator=source()).softmax(-1)
    book.forward = partial(book.forward, weights=weights)
    ours = score(name, Bound(net, dense(weights)))
    assert ours == pytest.approx(score(name, book), rel=1e-6)


# --- What is known of them ------------------------------------------------------------


def test_every_proxy_is_registered_under_its_name():
    assert [f.__name__ for f in PROXIES.values()] == list(PROXIES)
    assert list(PROXIES) == sorted(PROXIES)
    assert set(PROXIES) > LOWER_IS_BETTER


@every_proxy
@every_net
def test_nothing_is_changed_by_a_score(name, kind):
    """Not parameters, gradients, buffers or modes, and no global random state."""
    net, x, labels = NETS[kind](), images(), LABELS.clone()
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    next(net.parameters()).requires_grad_(False)

    def state():
        yield from (x, labels, torch.get_rng_state())
        for p in net.parameters():
            yield from (p, p.grad, torch.tensor(p.requires_grad))
        yield from net.buffers()
        yield torch.tensor([m.training for m in net.modules()])
        if isinstance(net, Bound):
            yield net.mixture.weights

    versions = [(p, p._version) for p in (*net.parameters(), *net.buffers())]
    before = [each.detach().clone() for each in state()]
    others = random.getstate()
    found = score(name, net, x, labels)
    assert math.isfinite(found)
    for a, b in zip(state(), before, strict=True):
        assert torch.equal(a, b)
    assert all(p._version == version for p, version in versions)
    assert random.getstate() == others
    if isinstance(net, Bound):
        assert net.mixture.weights.grad is None
    with torch.random.fork_rng():
        torch.manual_seed(123)
        assert score(name, net, x, labels) == found
    with torch.no_grad():
        assert score(name, net, x, labels) == found


def test_a_network_that_draws_leaves_the_global_state_as_it_was():
    net = nn.Sequential(plain_net(), nn.Dropout(), nn.Linear(3, 3).double())
    before = torch.get_rng_state()
    for name in PROXIES:
        score(name, net)
    assert torch.equal(torch.get_rng_state(), before)


@every_proxy
@every_net
def test_the_order_of_images_does_not_matter(name, kind):
    order = torch.randperm(len(LABELS), generator=source(5))
    net = NETS[kind]()
    shuffled = score(name, net, images()[order], LABELS[order])
    assert shuffled == pytest.approx(score(name, net), rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "factor"),
    [("plain", 5), ("snip", 5), ("grad_norm", 5), ("fisher", 25), ("grasp", 25)],
)
def test_a_loss_on_another_scale_scales_the_score(name, factor):
    def loss(logits, labels):
        return 5 * F.cross_entropy(logits, labels)

    scaled = score(name, plain_net(), loss=loss)
    assert scaled == pytest.approx(factor * score(name, plain_net()))


@every_net
def test_synflow_does_not_see_signs(kind):
    net = NETS[kind]()
    before = score("synflow", net)
    generator = source(9)
    with torch.no_grad():
        for weight in net.parameters():
            weight.mul_(torch.randint(2, weight.shape, generator=generator) * 2 - 1)
    assert score("synflow", net) == before


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_synflow_is_conserved_from_layer_to_layer(depth):
    """Every one of the layers has the sum R, a product of absolute matrices."""
    net = plain_net(norm=False, depth=depth)
    net[-1].bias.data.zero_()
    flow = torch.ones(1, 3, 8, 8, dtype=torch.float64)
    for layer in net[:-1]:
        flow = (
            F.conv2d(flow, layer.weight.abs(), padding=1)
            if (isinstance(layer, nn.Conv2d))
            else layer(flow)
        )
    r = (flow.detach() @ net[-1].weight.abs().T).sum().item()
    assert score("synflow", net) == pytest.approx((depth + 1) * r)


def test_synflow_holds_where_single_precision_overflows():
    net = linear(*[[[1e10]]] * 6).float()
    assert score("synflow", net, torch.ones(1, 1)) == pytest.approx(6e60)


def test_naswot_does_not_see_positive_scales():
    net = plain_net(norm=False)
    before = score("naswot", net)
    with torch.no_grad():
        for n, layer in enumerate(net):
            if isinstance(layer, nn.Conv2d):
                scale = torch.rand(4, 1, 1, 1, generator=source(n)).double() + 0.1
                layer.weight.mul_(scale if n else scale * 0 + 7.0)
    assert score("naswot", net) == pytest.approx(before)


class Times(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return self.factor * x


def test_zen_does_not_lose_a_factor_to_normalisation():
    """That is what the term of variances is for; epsilon is some 1e-6 of a variance."""
    layers = list(plain_net())
    threefold = nn.Sequential(*layers[:4], Times(3.0), *layers[4:])
    difference = score("zen", threefold) - score("zen", plain_net())
    assert difference == pytest.approx(math.log(3), abs=1e-4)


def test_zen_takes_the_last_map_though_another_was_pooled_before():
    layers = list(plain_net())
    layers.insert(3, nn.AvgPool2d(2))
    threefold = nn.Sequential(*layers[:-3], Times(3.0), *layers[-3:])
    difference = score("zen", threefold) - score("zen", nn.Sequential(*layers))
    assert difference == pytest.approx(math.log(3))


def test_zen_takes_the_map_that_is_pooled_whichever_way_it_is():
    layers = list(plain_net())[:6]
    ends = (
        (nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        (nn.AvgPool2d(8), nn.Flatten()),
        (nn.Flatten(),),
    )
    found = {score("zen", nn.Sequential(*layers, *end)) for end in ends}
    assert len(found) == 1
    with pytest.raises(InputError, match="averages a feature map over its pixels"):
        score("zen", nn.Sequential(*layers))


@every_proxy
@pytest.mark.parametrize("kind", [nn.ReLU, nn.ELU])
def test_what_overwrites_its_argument_changes_no_score(name, kind):
    nets = [plain_net(norm=False) for _ in range(2)]
    for net, inplace in zip(nets, (False, True), strict=True):
        for n, layer in enumerate(net):
            if isinstance(layer, nn.ReLU):
                net[n] = kind(inplace=inplace)
    first, second = (score(name, net) for net in nets)
    assert first == pytest.approx(second, rel=1e-9)


def test_rectifiers_are_seen_in_every_spelling():
    ways = (F.relu, torch.relu, torch.Tensor.relu, nn.ReLU(), nn.ReLU(inplace=True))
    others = (torch.relu_, torch.Tensor.relu_)

    class Spelled(nn.Module):
        def __init__(self, way):
            super().__init__()
            self.way = way

        def forward(self, x):
            return self.way(x.clone()).flatten(1)

    for name in ("naswot", "linear_regions"):
        found = {score(name, Spelled(way)) for way in (*ways, *others)}
        assert len(found) == 1
        assert found != {score(name, nn.Flatten())}


@pytest.mark.parametrize(
    ("space", "sizes"),
    [
        ("darts", {"channels": 4, "cells": 3}),
        ("nats_sss", {"channels": 1}),
        ("nb1shot1_3", {"channels": 4, "cells": 1}),
    ],
)
def test_networks_of_other_spaces_have_all_scores(space, sizes):
    supernet = NETWORKS[space](**sizes, generator=source())
    arch = supernet.space.sample(np.random.default_rng(1))
    net = supernet.alone(arch, source()).double()
    assert all(math.isfinite(score(name, net)) for name in PROXIES)


@every_proxy
def test_a_cell_without_a_path_is_judged_or_ranks_last(name):
    """Its features are zero: nothing but the bias of the head reaches the logits."""
    net = tiny(affine=False).alone((0,) * 6, source()).double()
    found = score(name, net)
    last = ("jacob_cov", "naswot", "zen")
    assert (merit(name, found) == -math.inf) == (name in (*last, "epe_nas"))


def test_what_is_no_number_ranks_last():
    assert merit("snip", 2.0) > merit("snip", -1.0) > merit("snip", math.nan)
    assert merit("ntk", 1.0) > merit("ntk", 10.0) > merit("ntk", math.inf)


# --- Without normalisation ------------------------------------------------------------


def test_without_normalisation_a_new_network_is_the_one_that_has_none():
    net, bare = plain_net(), plain_net(norm=False)
    for layer, other in zip(
        (n for n in net if not isinstance(n, nn.BatchNorm2d)), bare, strict=True
    ):
        other.load_state_dict(layer.state_dict())
    for layer in net:
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_parameters()
    before = {n: b.clone() for n, b in net.named_buffers() if "tracked" not in n}
    with without_normalisation():
        assert torch.equal(net(images()), bare(images()))
        assert score("naswot", net) == score("naswot", bare)
    assert score("synflow", net) == score("synflow", bare)
    for name, buffer in before.items():
        assert torch.equal(net.get_buffer(name), buffer)
    assert not torch.equal(net(images()), bare(images()))


def test_without_normalisation_a_mixture_still_weighs():
    """As a textbook network whose normalisations only scale."""

    class Scale(nn.Module):
        def __init__(self, norm):
            super().__init__()
            self.weight, self.bias = norm.weight, norm.bias

        def forward(self, x):
            return x if self.weight is None else x * self.weight.view(-1, 1, 1)

    weights = torch.randn(6, 5, dtype=torch.float64, generator=source())
    for affine in (False, True):
        net = tiny(affine=affine)
        book = Textbook(4, 1, affine=affine).double().copy(net)
        for module in list(book.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, nn.BatchNorm2d):
                    setattr(module, name, Scale(child))
        with without_normalisation():
            logits = net(images(), dense(weights))
        torch.testing.assert_close(logits, book(images(), weights))


def test_running_statistics_do_not_move_without_normalisation():
    net = tiny(running=True)
    mixture = Mixture.one_hot(net.space, (3,) * 6)
    before = {n: b.clone() for n, b in net.named_buffers()}
    with without_normalisation():
        net(images(), mixture, "track")
    assert all(torch.equal(b, before[n]) for n, b in net.named_buffers())
