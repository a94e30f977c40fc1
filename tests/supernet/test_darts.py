"""The DARTS network against a textbook implementation of itself."""

import copy
import itertools
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
import torch.nn.functional as F

from benchsuite.spaces import DARTS, DARTS_S1, DARTS_S2, DARTS_S3, DARTS_S4
from benchsuite.spaces.darts import EDGES, INTO
from benchsuite.supernet.data import Shuffled, Split
from benchsuite.supernet.derive import two_parents
from benchsuite.supernet.methods import METHODS
from benchsuite.supernet.methods.inherited import best_of
from benchsuite.supernet.mixture import Mixture
from benchsuite.supernet.networks import NETWORKS
from benchsuite.supernet.networks.darts import Darts, DartsS4, Noise, layout_of, names
from benchsuite.supernet.objectives import cross_entropy, error_rate
from benchsuite.supernet.search import Search, generator, search
from tests.supernet.counter import counted
from tests.supernet.nets import images, shaken

LABELS = torch.arange(4)
PARTS = (DARTS_S1, DARTS_S2, DARTS_S3, DARTS_S4)
SPACES = (DARTS, *PARTS)
KERNEL = {"3x3": 3, "5x5": 5}


def cell(edges):
    """Encode the pairs of operation and parent that enter four nodes."""
    code = [0] * 14
    for n, (op, parent) in enumerate(edges):
        code[EDGES.index((parent, 2 + n // 2))] = DARTS.choices[0].index(op)
    return tuple(code)


# From the authors' code, "DARTS_V2", and from that of Chen et al., ICCV 2019.
SECOND_ORDER = cell(
    [("sep_conv_3x3", 0), ("sep_conv_3x3", 1), ("sep_conv_3x3", 0), ("sep_conv_3x3", 1),
     ("sep_conv_3x3", 1), ("skip_connect", 0), ("skip_connect", 0), ("dil_conv_3x3", 2)]
) + cell(
    [("max_pool_3x3", 0), ("max_pool_3x3", 1), ("skip_connect", 2), ("max_pool_3x3", 1),
     ("max_pool_3x3", 0), ("skip_connect", 2), ("skip_connect", 2), ("max_pool_3x3", 1)]
)  # fmt: skip
P_DARTS = cell(
    [("skip_connect", 0), ("dil_conv_3x3", 1), ("skip_connect", 0), ("sep_conv_3x3", 1),
     ("sep_conv_3x3", 1), ("sep_conv_3x3", 3), ("sep_conv_3x3", 0), ("dil_conv_5x5", 4)]
) + cell(
    [("avg_pool_3x3", 0), ("sep_conv_5x5", 1), ("sep_conv_3x3", 0), ("dil_conv_5x5", 2),
     ("max_pool_3x3", 0), ("dil_conv_3x3", 1), ("dil_conv_3x3", 1), ("dil_conv_5x5", 3)]
)  # fmt: skip
ARCHS = (SECOND_ORDER, P_DARTS, DARTS.sample(np.random.default_rng(1)))


def tiny(seed=0, **options):
    """C=4, four cells (normal, reduce, reduce, normal), scales away from 1, float64."""
    source = generator(seed, "init")
    net = Darts(**{"channels": 4, "cells": 4, **options}, generator=source)
    return shaken(net, source)


def random_mixture(space, seed=0, edges=False):
    source = torch.Generator().manual_seed(seed)
    width = max(map(len, space.choices))
    weights = torch.rand(28, width, generator=source, dtype=torch.float64)
    factors = torch.rand(28, generator=source, dtype=torch.float64) if edges else None
    return Mixture(
        weights.requires_grad_(),
        layout_of(space).options,
        None if factors is None else factors.requires_grad_(),
    )


class Book:
    """The authors' network, an operation and an edge at a time.

    It shares the parameters of a network of ours, and none of its code.
    """

    def __init__(self, net, partial=1, pool_norm=True):
        self.net, self.k, self.pool_norm = net, partial, pool_norm
        self.parameters = dict(net.named_parameters())

    def norm(self, x, name):
        scale, shift = map(self.parameters.get, (f"{name}.scale", f"{name}.shift"))
        return F.batch_norm(x, None, None, scale, shift, training=True)

    def conv(self, x, name, **options):
        return F.conv2d(x, self.parameters[name], **options)

    def relu_conv_norm(self, x, name):
        return self.norm(self.conv(x.relu(), f"{name}.weight"), f"{name}.norm")

    def reduction(self, x, name):
        x = x.relu()
        halves = [
            self.conv(x, f"{name}.even", stride=2),
            self.conv(x[:, :, 1:, 1:], f"{name}.odd", stride=2),
        ]
        return self.norm(torch.cat(halves, 1), f"{name}.norm")

    def separable(self, x, name, kernel, stride, dilation):
        x = self.conv(
            x.relu(), f"{name}.depth", stride=stride, dilation=dilation,
            padding=dilation * (kernel - 1) // 2, groups=x.shape[1],
        )  # fmt: skip
        return self.norm(self.conv(x, f"{name}.point"), f"{name}.norm")

    def operation(self, op, x, stride, name):
        if op == "none":
            return 0 * x[:, :, ::stride, ::stride]
        if op == "skip_connect":
            return x if stride == 1 else self.reduction(x, name)
        if op.endswith("pool_3x3"):
            if op == "max_pool_3x3":
                x = F.max_pool2d(x, 3, stride, 1)
            else:
                x = F.avg_pool2d(x, 3, stride, 1, count_include_pad=False)
            return self.norm(x, "none") if self.pool_norm else x
        kernel = KERNEL[op[-3:]]
        if op.startswith("dil"):
            return self.separable(x, f"{name}.0", kernel, stride, 2)
        x = self.separable(x, f"{name}.0", kernel, stride, 1)
        return self.separable(x, f"{name}.1", kernel, 1, 1)

    def edge(self, x, stride, weights, options, name):
        """Mix; of partial channels, concatenate and shuffle as PC-DARTS does."""
        working = x.shape[1] // self.k
        first, rest = x[:, :working], x[:, working:]
        mixed = sum(
            w * self.operation(op, first, stride, f"{name}_{op}")
            for w, op in zip(weights, options, strict=False)
            if f"{name}_{op}.0.depth" in self.parameters or "conv" not in op
        )
        if self.k == 1:
            return mixed
        rest = F.max_pool2d(rest, 2, 2) if stride == 2 else rest
        x = torch.cat([mixed, rest], 1)
        b, c, h, w = x.shape
        return x.view(b, self.k, c // self.k, h, w).transpose(1, 2).reshape(b, c, h, w)

    def __call__(self, x, weights, edges=None, residue=None):
        p = self.parameters
        x = self.norm(self.conv(x, "stem.conv.weight", padding=1), "stem.conv.norm")
        before, reduced = [x, x], False
        cells = len(self.net.cells)
        for n in range(cells):
            reduces = n in (cells // 3, 2 * cells // 3)
            prepare = self.reduction if reduced else self.relu_conv_norm
            nodes = [
                prepare(before[0], f"cells.{n}.before.0"),
                self.relu_conv_norm(before[1], f"cells.{n}.before.1"),
            ]
            for target in (2, 3, 4, 5):
                terms = []
                for source in range(target):
                    d = EDGES.index((source, target))
                    row = d + 14 * reduces
                    stride = 2 if reduces and source < 2 else 1
                    name = f"cells.{n}.convs.{d}"
                    options = self.net.space.choices[row]
                    y = self.edge(nodes[source], stride, weights[row], options, name)
                    y = y if edges is None else edges[row] * y
                    terms.append(y if residue is None else y + residue[row])
                nodes.append(sum(terms))
            before, reduced = [before[1], torch.cat(nodes[2:], 1)], reduces
        return before[1].mean((2, 3)) @ p["head.weight"].T + p["head.bias"]


def gradients(logits, leaves):
    return torch.autograd.grad(
        F.cross_entropy(logits, LABELS), leaves, allow_unused=True
    )


def agree(ours, theirs, leaves):
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)
    pairs = zip(gradients(ours, leaves), gradients(theirs, leaves), strict=True)
    for leaf, (a, b) in zip(leaves, pairs, strict=True):
        a, b = (torch.zeros_like(leaf) if g is None else g for g in (a, b))
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("affine", "partial"), [(False, 1), (True, 2)])
def test_logits_and_all_gradients_are_the_textbooks(affine, partial):
    net = tiny(affine=affine, partial=partial)
    mixture = random_mixture(DARTS, edges=partial > 1)
    leaves = [mixture.weights, *net.parameters()]
    leaves += [] if mixture.edges is None else [mixture.edges]
    expected = Book(net, partial)(images(4), mixture.weights, mixture.edges)
    agree(net(images(4), mixture), expected, leaves)


@pytest.mark.parametrize("space", [DARTS_S1, DARTS_S2, DARTS_S3], ids=lambda s: s.name)
def test_in_the_parts_as_well(space):
    net, mixture = tiny(space=space), random_mixture(space)
    active = torch.zeros_like(mixture.weights)
    for d, options in enumerate(mixture.active):
        active[d, list(options)] = 1
    expected = Book(net)(images(4), mixture.weights * active)
    leaves = [mixture.weights, *net.parameters()]
    agree(net(images(4), mixture), expected, leaves)


@pytest.mark.parametrize("arch", ARCHS[:2])
def test_residue_enters_where_its_edge_does(arch):
    net, mixture = tiny(), Mixture.one_hot(DARTS, arch)
    weights = mixture.weights.double().requires_grad_()
    residue = weights.sum(-1) - 1  # zero, with a gradient for every option
    ours = net(images(4), Mixture(weights, mixture.active, residue=residue))
    theirs = Book(net)(images(4), mixture.weights, residue=residue)
    hidden = Book(net)(images(4), weights)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)
    off = 1 - mixture.weights
    (a,), (b,) = gradients(ours, [weights]), gradients(theirs, [weights])
    torch.testing.assert_close(a * off, b * off, rtol=0, atol=1e-10)
    (direct,) = gradients(hidden, [weights])
    runs = mixture.weights * (torch.tensor(arch) > 0).unsqueeze(-1)
    torch.testing.assert_close(a * runs, (b + direct) * runs, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("arch", "options"),
    list(zip(ARCHS, [{"pool_norm": False}, {"running": True}, {}], strict=True)),
)
def test_one_hot_is_the_stand_alone_network(arch, options):
    net = tiny(affine=True, **options)
    mixture = Mixture.one_hot(DARTS, arch)
    alone = net.restrict(mixture.active)
    ours = alone(images(4), mixture)
    assert torch.equal(net(images(4), mixture), ours)
    book = Book(net, pool_norm=options.get("pool_norm", True))
    expected = book(images(4), mixture.weights)
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-10)
    kept = [n for n, _ in alone.named_parameters() if ".convs." in n]
    assert len({n.split(".convs.")[1].split(".")[0] for n in kept}) < 28


def parameters(net, auxiliary=True):
    return sum(
        p.numel()
        for name, p in net.named_parameters()
        if auxiliary or not name.startswith("auxiliary")
    )


def published(arch, stem, **options):
    """The network that is trained in the end."""
    sizes = {"cifar": (36, 20, 10), "imagenet": (48, 14, 1000)}[stem]
    active = Mixture.one_hot(DARTS, arch).active
    return Darts(
        **dict(zip(("channels", "cells", "classes"), sizes, strict=True)),
        stem=stem, affine=True, pool_norm=False, operations=names(DARTS, active),
        **options,
    )  # fmt: skip


def test_parameters_are_those_that_official_code_counts():
    """From logs of quark0/darts ("param size = 3.349342MB"), and chenxin061/pdarts#7.

    The auxiliary head has what the two counts of the issue differ by.
    """
    assert parameters(Darts()) == 1_930_618  # log of a search
    assert parameters(published(SECOND_ORDER, "cifar")) == 3_349_342
    assert parameters(published(SECOND_ORDER, "imagenet")) == 4_718_752
    p_darts = published(P_DARTS, "cifar", auxiliary=True)
    assert parameters(p_darts, auxiliary=False) == 3_433_798
    assert parameters(p_darts) == 3_910_224


def test_what_is_not_active_does_not_run_and_learns_nothing():
    net = tiny(affine=True)
    active = [()] * 28
    active[0] = active[2] = (4,)  # sep_conv_3x3 to nodes 2 and 3: together
    active[1] = (7,)  # dil_conv_5x5
    active[14], active[15] = (3,), (0, 1)  # skip_connect; none and max_pool_3x3
    weights = torch.full((28, 8), 0.2, dtype=torch.float64, requires_grad=True)
    with counted() as operators:
        logits = net(images(4), Mixture(weights, tuple(active)))
    normal, reduction = 4 + 2, 2
    prepared = [2, 2, 3, 3]  # after a reduction, an input takes two convolutions
    assert operators.names["convolution"] == (
        1 + sum(prepared) + 2 * normal + 2 * reduction
    )
    assert operators.names["max_pool2d_with_indices"] == 2
    assert operators.names["avg_pool2d"] == 0
    convs = [name for name, _ in net.named_parameters() if ".convs." in name]
    leaves = [weights, *map(net.get_parameter, convs)]
    moved, *found = gradients(logits, leaves)
    learned = {
        name.split(".")[3]
        for name, g in zip(convs, found, strict=True)
        if g is not None
    }
    assert learned == {
        "0_sep_conv_3x3", "2_sep_conv_3x3", "1_dil_conv_5x5", "0_skip_connect",
    }  # fmt: skip
    executed = {(d, c) for d, options in enumerate(active) for c in options if c}
    assert {tuple(at) for at in moved.nonzero().tolist()} == executed


def test_an_edge_that_is_not_kept_passes_no_channels_by():
    net = tiny(partial=2)
    arch = Mixture.one_hot(DARTS, SECOND_ORDER)
    edges = torch.ones(28, dtype=torch.float64)
    more = edges + (arch.weights[:, 0] > 0) * 7  # of those that are not there
    outputs = [
        net(images(4), Mixture(arch.weights, arch.active, e)) for e in (edges, more)
    ]
    assert torch.equal(*outputs)
    assert torch.equal(outputs[0], net(images(4), arch))


def test_gradient_of_the_mixture_matches_finite_differences():
    net, x = tiny(), images(4)
    mixture = random_mixture(DARTS, edges=True)
    assert torch.autograd.gradcheck(
        lambda w, e: net(x, Mixture(w, mixture.active, e)),
        (mixture.weights, mixture.edges),
        fast_mode=True,
    )


def test_statistics_move_only_when_tracked():
    net, mixture = tiny(running=True), random_mixture(DARTS)
    before = copy.deepcopy(net.state_dict())
    by_batch = net(images(4), mixture)
    net(images(4), mixture, "running")
    after = net.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert torch.equal(net(images(4), mixture, "track"), by_batch)
    moved = {n for n, t in net.state_dict().items() if not torch.equal(before[n], t)}
    assert moved == {n for n in before if n.endswith((".mean", ".var"))}


def test_tracked_statistics_are_those_of_torch():
    net = tiny(running=True)
    x = net.stem(images(4), "batch")[0].relu()
    x = net.cells[0].before[0](x, "batch").relu()
    net(images(4), random_mixture(DARTS), "track")
    stack = net.cells[0].convs["2_dil_conv_5x5"]
    y = F.conv2d(x, stack[0].depth, padding=4, dilation=2, groups=4)
    bn = torch.nn.BatchNorm2d(4).double()
    bn(F.conv2d(y, stack[0].point))
    torch.testing.assert_close(stack[0].norm.mean, bn.running_mean)
    torch.testing.assert_close(stack[0].norm.var, bn.running_var)


def test_copies_share_nothing():
    net = tiny()
    small = net.restrict(Mixture.one_hot(DARTS, P_DARTS).active)
    for other in (copy.deepcopy(net), small):
        ours = {p.data_ptr() for p in net.parameters()}
        assert not ours & {p.data_ptr() for p in other.parameters()}


@pytest.mark.parametrize("space", [DARTS, DARTS_S4], ids=lambda s: s.name)
def test_no_global_randomness(space):
    before = torch.get_rng_state()
    net = tiny(space=space, auxiliary=True)
    source = torch.Generator().manual_seed(1)
    mixture = random_mixture(space)
    net.forward_with_auxiliary(images(2, size=32), mixture, drop=0.5, generator=source)
    assert torch.equal(before, torch.get_rng_state())


def test_layouts_are_those_of_the_published_one_shot_models():
    """None is relaxed in DARTS and S3 only; the edges into a node follow each other."""
    relaxed = {s.name: set(layout_of(s).options) for s in SPACES}
    assert relaxed == {
        "darts": {tuple(range(8))},
        "darts_s1": {(1, 2)},
        "darts_s2": {(1, 2)},
        "darts_s3": {(0, 1, 2)},
        "darts_s4": {(1, 2)},
    }
    for space in SPACES:
        into = layout_of(space).into
        assert [len(edges) for edges in into] == [2, 3, 4, 5, 2, 3, 4, 5]
        assert list(itertools.chain(*into)) == list(range(28))
        assert (NETWORKS[space.name].space, NETWORKS[space.name]().layout) == (
            space,
            layout_of(space),
        )


@pytest.mark.parametrize("space", SPACES, ids=lambda s: s.name)
def test_two_distinct_parents_whatever_the_scores(space):
    source, layout = np.random.default_rng(0), layout_of(space)
    width = max(map(len, space.choices))
    for _ in range(50):
        scores = source.normal(size=(28, width))
        arch = two_parents(scores, layout)
        assert arch in space
        scores[:, 0] += 100  # `none` is never chosen
        assert two_parents(scores, layout) == arch
        order = [0, *(1 + source.permutation(width - 1))]
        permuted = np.empty_like(scores)
        permuted[:, order] = scores  # option c is called order[c] from now on
        renamed = two_parents(permuted, layout)
        assert renamed == tuple(int(order[c]) for c in arch)
        for edges in INTO:
            kept = [d for d in edges if arch[d]]
            best = scores[:, 1:].max(axis=1)
            assert len(kept) == 2
            assert min(best[kept]) >= max(
                (best[d] for d in edges if d not in kept), default=-np.inf
            )


def test_noise_is_standard_normal_and_goes_on_from_its_state():
    """Mean and variance of 100,000 draws within 5 sigma: 1 seed in 800,000 fails."""
    noise, like = Noise(3), torch.zeros(1, dtype=torch.float64)
    drawn = noise((100_000,), like)
    assert abs(drawn.mean()) < 5 * 1e5**-0.5
    assert abs(drawn.var() - 1) < 5 * (2 / 1e5) ** 0.5
    again = Noise(4)
    again.load_state_dict(noise.state_dict())
    assert torch.equal(noise((5,), like), again((5,), like))
    assert not torch.equal(noise((5,), like), drawn[:5])


def test_noise_replaces_what_comes_in():
    net = tiny(space=DARTS_S4)
    twin = copy.deepcopy(net)
    mixture = random_mixture(DARTS_S4)
    assert torch.equal(net(images(4), mixture), twin(images(4), mixture))
    logits = net(images(4), mixture)
    assert not torch.equal(net(images(4), mixture), logits)
    (gradient,) = gradients(logits, [mixture.weights])
    assert (gradient[:, 1:] != 0).all()
    only = Mixture.one_hot(DARTS_S4, tuple(int(op > 0) for op in SECOND_ORDER))
    alone = net.restrict(only.active)
    first, second = net(images(4), only), alone(images(4, seed=1), only)
    assert torch.equal(first, second)  # neither depends on the images
    assert DartsS4(channels=4, cells=3).noise is not None
    assert tiny(space=DARTS_S3).noise is None


def test_dropped_edges_are_zero_and_identities_stay():
    """A normal cell in which node n takes a skip and a convolution from its inputs."""
    arch = list(
        cell([("skip_connect", 0), ("sep_conv_3x3", 1)] * 4) + SECOND_ORDER[14:]
    )
    net = tiny(affine=True)
    mixture = Mixture.one_hot(DARTS, tuple(arch)).to(images(4))
    from benchsuite.supernet.networks.darts import plan

    prepared = plan(mixture, DARTS, reduces=False)
    x = net.stem(images(4), "batch")[0].relu()
    keep = torch.ones(14, 4, dtype=torch.float64)
    keep[:, 1], keep[:, 2] = 0, 2
    first = net.cells[0]
    run = [first((x, x), prepared, "batch", None, k) for k in (None, keep)]
    skipped = first.before[0](x, "batch").repeat(1, 4, 1, 1)
    convolved = run[0] - skipped
    expected = skipped + convolved * keep[0].view(4, 1, 1, 1)
    torch.testing.assert_close(run[1], expected)


def test_edges_are_dropped_as_often_as_asked():
    """4 cells x 14 edges x 64 images, p = 0.3: 5 sigma is 0.038."""
    net, seen = tiny(), []
    for part in net.cells:
        part.register_forward_pre_hook(lambda _, given: seen.append(given[-1]))
    mixture = Mixture.one_hot(DARTS, SECOND_ORDER)
    source = torch.Generator().manual_seed(5)
    logits, none = net.forward_with_auxiliary(
        images(64), mixture, drop=0.3, generator=source
    )
    keep = torch.stack(seen)
    assert keep.shape == (4, 14, 64)
    assert none is None
    torch.testing.assert_close(
        keep[keep > 0].unique(), torch.tensor([1 / 0.7]).double()
    )
    assert abs((keep == 0).double().mean() - 0.3) < 0.038
    plain, _ = net.forward_with_auxiliary(images(64), mixture)
    assert torch.equal(plain, net(images(64), mixture))
    assert not torch.equal(plain, logits)
    for drop, message in ((1.0, r"drop must be in \[0, 1\)"), (0.1, "a generator")):
        with pytest.raises(ValueError, match=message):
            net.forward_with_auxiliary(images(2), mixture, drop=drop)


@pytest.mark.parametrize(("stem", "size"), [("cifar", 32), ("imagenet", 224)])
def test_the_auxiliary_head_is_the_published_one(stem, size):
    net = tiny(auxiliary=True, stem=stem, cells=3)
    mixture = Mixture.one_hot(DARTS, SECOND_ORDER)
    outputs = []
    net.cells[2].register_forward_hook(lambda *given: outputs.append(given[-1]))
    logits, auxiliary = net.forward_with_auxiliary(images(4, size=size), mixture)
    assert torch.equal(logits, net(images(4, size=size), mixture))
    head = net.auxiliary
    x = F.avg_pool2d(outputs[0].relu(), 5, 3 if stem == "cifar" else 2)
    assert x.shape[2:] == (2, 2)
    x = F.conv2d(x, head.narrow.weight)
    norm = head.narrow.norm
    x = F.batch_norm(x, None, None, norm.scale, norm.shift, training=True).relu()
    x = F.conv2d(x, head.wide)
    if stem == "cifar":
        x = F.batch_norm(x, None, None, head.norm.scale, head.norm.shift, training=True)
    expected = head.head(x.relu().flatten(1))
    torch.testing.assert_close(auxiliary, expected, rtol=0, atol=1e-10)


def test_what_is_trained_alone_is_new_and_has_all_that_was_asked_for():
    whole = Darts(
        channels=4, cells=3, affine=True, running=True, auxiliary=True, space=DARTS_S4
    )
    arch = tuple(int(op > 0) for op in SECOND_ORDER)
    nets = [whole.alone(arch, generator(seed, "init")) for seed in (0, 0, 1)]
    x = images(4, size=32).float()
    source = torch.Generator().manual_seed(0)
    logits, side = nets[0].with_auxiliary(x, 0.2, source)
    assert logits.shape == side.shape == (4, 10)
    again, _ = nets[1].with_auxiliary(x, 0.2, torch.Generator().manual_seed(0))
    assert torch.equal(logits, again)
    one, two, three = (net.net.noise.generator.initial_seed() for net in nets)
    assert one == two != three
    assert all((b != 0).any() for n, b in nets[0].named_buffers() if "stem" in n)
    kept = {n for n, _ in nets[2].net.named_parameters()}
    small = whole.restrict(Mixture.one_hot(DARTS_S4, arch).active)
    assert kept == {n for n, _ in small.named_parameters()}
    with pytest.raises(ValueError, match="not an architecture of darts_s4"):
        whole.alone(SECOND_ORDER, generator(0, "init"))


def test_what_cannot_be_built_is_refused():
    with pytest.raises(ValueError, match="6 channels do not divide by partial=4"):
        Darts(channels=6, partial=4)
    with pytest.raises(ValueError, match="stem is cifar or imagenet, not 'stem'"):
        Darts(stem="stem")


@pytest.mark.parametrize(
    ("method", "space"),
    [
        ("darts", DARTS_S4),
        ("pc_darts", DARTS_S3),
        ("gdas", DARTS),
        ("random_sampling", DARTS_S1),
    ],
)
def test_methods_search_it_to_the_end(method, space):
    method = METHODS[method]
    if method is METHODS["random_sampling"]:
        method = replace(method, derive=best_of(3))  # a hundred take seconds
    source = torch.Generator().manual_seed(1)
    split = Split(
        torch.randint(256, (8, 3, 8, 8), generator=source, dtype=torch.uint8),
        torch.randint(10, (8,), generator=source),
    )
    net = Darts(channels=4, cells=3, space=space, **method.network)
    state = Search(
        method,
        net,
        Shuffled(split, 8, generator(0, "train")),
        Shuffled(split, 8, generator(0, "valid")),
        objective=cross_entropy,
        error=error_rate,
        epochs=1,
        seed=0,
        clock=lambda: 0.0,
    )
    (last,) = search(state)
    assert last.arch in space
    assert 0 <= last.error <= 1
