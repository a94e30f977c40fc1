"""NAS-Bench-1Shot1's networks against published counts and textbook forms."""

import copy
import itertools
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
import torch.nn.functional as F

from benchsuite.spaces import NB101
from benchsuite.supernet.mixture import Mixture
from benchsuite.supernet.networks.nb1shot1 import (
    NB1Shot1_1,
    NB1Shot1_2,
    NB1Shot1_3,
    NB101Network,
    on_paths,
    vertex_channels,
)
from tests.supernet.counter import counted
from tests.supernet.nets import images, shaken

NETS = [NB1Shot1_1, NB1Shot1_2, NB1Shot1_3]
every_net = pytest.mark.parametrize("make", NETS)
LABELS = torch.arange(8)
OPS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")


def tiny(make, seed=0, **options):
    source = torch.Generator().manual_seed(seed)
    options = {"channels": 2, "cells": 1, **options}
    return shaken(make(**options, generator=source), source)


def draw(space, n, seed=0):
    rng = np.random.default_rng(seed)
    sizes = [len(options) for options in space.choices]
    return [tuple(rng.integers(sizes).tolist()) for _ in range(n)]


def dense(net, weights):
    return Mixture(weights, net.layout.options)


def random_weights(net, seed=0):
    source = torch.Generator().manual_seed(seed)
    shape = len(net.layout.options), net.layout.width
    return torch.rand(shape, generator=source, dtype=torch.float64)


def gradients(logits, leaves):
    return torch.autograd.grad(
        F.cross_entropy(logits, LABELS), leaves, allow_unused=True
    )


def bn(x, p, name):
    mean = x.mean((0, 2, 3), keepdim=True)
    var = x.var((0, 2, 3), keepdim=True, correction=0)
    y = (x - mean) / torch.sqrt(var + 1e-5)
    if f"{name}.scale" not in p:
        return y
    scale, shift = p[f"{name}.scale"], p[f"{name}.shift"]
    return y * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)


def textbook(net, x, weights, feeding=None):
    """The one-shot network edge by edge, everything computed, blocks kept by name.

    It shares the weights and no code with the network. Vertices that do not feed the
    output of an architecture have no block: `feeding` names those that have.
    """
    p, space = dict(net.named_parameters()), net.space
    last = len(space.parents)
    feeding = range(1, last) if feeding is None else feeding
    decision, edge = last - 1, {}
    for v, count in enumerate(space.parents, 1):
        sets = list(itertools.combinations(range(v), count))
        if len(sets) == 1:
            edge |= {(u, v): 1.0 for u in range(v)}
            continue
        for u in range(v):
            edge[u, v] = sum(weights[decision, c] for c, s in enumerate(sets) if u in s)
        decision += 1

    def projected(blocks, name):
        parts = [F.conv2d(t, p[f"{name}.kernels.{b}"]) for b, t in blocks.items()]
        return bn(sum(parts), p, f"{name}.norm")

    def operation(h, name, op):
        if op == "maxpool3x3":
            return F.max_pool2d(h, 3, 1, 1)
        kernel = p[f"{name}_{op}.weight"]
        y = F.conv2d(h, kernel, padding=kernel.shape[-1] // 2)
        return bn(y, p, f"{name}_{op}.norm").relu()

    stem = bn(F.conv2d(x, p["stem.weight"], padding=1), p, "stem.norm").relu()
    blocks = {"stem": stem}
    for stack in range(3):
        if stack:
            blocks = {name: F.max_pool2d(t, 2, 2) for name, t in blocks.items()}
        for n in range(net.cells):
            cell, value = f"stacks.{stack}.{n}", {}
            for v in range(1, last):
                entering = 0.0
                for u in range(v):
                    if isinstance(edge[u, v], float) or edge[u, v] != 0:
                        name = f"{cell}.projections.{v}"
                        t = value[u] if u else projected(blocks, name).relu()
                        entering = entering + edge[u, v] * t
                if isinstance(entering, float):
                    continue
                value[v] = sum(
                    weights[v - 1, c] * operation(entering, f"{cell}.convs.{v}", op)
                    for c, op in enumerate(OPS)
                )
            outputs = {}
            for v in feeding:
                outputs[str(v)] = edge[v, last] * value[v]
                if edge[0, last] != 0:
                    name = f"{cell}.projections.output_{v}"
                    passed = projected(blocks, name).relu()
                    outputs[str(v)] = outputs[str(v)] + edge[0, last] * passed
            blocks = outputs
    blocks = {name: t.relu() for name, t in blocks.items()}
    y = projected(blocks, "gather").mean((2, 3))
    return y @ p["head.weight"].T + p["head.bias"]


@every_net
@pytest.mark.parametrize("affine", [False, True])
def test_logits_and_all_gradients_are_the_textbooks(make, affine):
    net, x = tiny(make, cells=2, affine=affine), images()
    alphas = random_weights(net).requires_grad_()
    logits, expected = net(x, dense(net, alphas)), textbook(net, x, alphas)
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-10)
    leaves = [alphas, *net.parameters()]
    for a, b in zip(
        gradients(logits, leaves), gradients(expected, leaves), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@every_net
@pytest.mark.parametrize("running", [False, True])
def test_one_hot_is_the_stand_alone_network(make, running):
    net = tiny(make, channels=4, affine=True, running=running)
    for arch in draw(net.space, 8):
        mixture = Mixture.one_hot(net.space, arch)
        alone = net.restrict(mixture.active)
        logits = net(images(), mixture)
        assert torch.equal(logits, alone(images(), mixture))
        label = net.space.choices[-1][arch[-1]]
        feeding = [int(u) for u in label.split(",") if u != "0"]
        expected = textbook(net, images(), mixture.weights.double(), feeding)
        torch.testing.assert_close(logits, expected, rtol=0, atol=1e-10)


@every_net
def test_a_stand_alone_network_has_nothing_that_does_not_run(make):
    net = tiny(make, affine=True)
    for arch in draw(net.space, 8, seed=1):
        mixture = Mixture.one_hot(net.space, arch)
        alone = net.restrict(mixture.active)
        found = gradients(alone(images(), mixture), list(alone.parameters()))
        assert all(gradient is not None for gradient in found)


@pytest.fixture(scope="module")
def published(shared):
    """Every cell of the three spaces as published, and its weights, by key."""
    tables = shared / "data" / "tables"
    with np.load(tables / "nb1shot1_rows.npz") as file:
        rows = np.unique(np.concatenate([file[f"ss{n}"] for n in (1, 2, 3)]))
    with np.load(tables / "nb101.npz") as file:
        sizes, bits, ops, params = (
            file[key][rows] for key in ("n_vertices", "adj_upper_bits", "ops", "params")
        )
    cells = np.zeros((len(rows), len(NB101.choices)), dtype=np.uint8)
    for n in range(3, 8):
        these = np.flatnonzero(sizes == n)
        pairs = list(itertools.combinations(range(n), 2))
        for e, (v, w) in enumerate(pairs):
            column = NB101.edge[v, 6 if w == n - 1 else w]
            cells[these, column] = bits[these] >> (len(pairs) - 1 - e) & 1
        cells[these, 21 : 19 + n] = ops[these, : n - 2] - 1
    found = zip(map(tuple, cells.tolist()), params.tolist(), strict=True)
    return dict(zip(NB101.keys(cells).tolist(), found, strict=True))


def pruned(cell):
    there = {pair for pair, e in NB101.edge.items() if cell[e]}
    return on_paths({v: [u for u in range(v) if (u, v) in there] for v in range(1, 7)})


def count(cell):
    with torch.device("meta"):  # shapes only
        net = NB101Network(cell, generator=torch.Generator())
    return sum(parameter.numel() for parameter in net.parameters())


@every_net
def test_published_networks_have_the_published_number_of_weights(make, published):
    """Other encodings have it too where the output's channels divide evenly."""
    space = make.space
    for arch in draw(space, 30):
        cell, params = published[space.key(arch)]
        assert count(cell) == params, arch
        feeding = [u for u in pruned(space.cell(arch))[6] if u]
        if len(feeding) == 3:
            assert count(space.cell(arch)) == pytest.approx(params, rel=0.01)
        else:
            assert count(space.cell(arch)) == params, arch


def test_an_uneven_cell_has_the_published_number_of_weights():
    """By hand, where three vertices share 128, 256 and 512 channels.

    With i channels before it, a vertex of width w has a projection of i w weights, a
    convolution of 9 w^2, and a scale and a shift for every channel of both.
    """
    cell = NB101.parse(
        f"0111000001000010000100000;input,{OPS[0]},{OPS[0]},{OPS[0]},output"
    )
    expected = 27 * 128 + 2 * 128 + 512 * 10 + 10
    for widths, inputs in (
        ((43, 43, 42), (128, 128, 128)),
        ((86, 85, 85), (128, 256, 256)),
        ((171, 171, 170), (256, 512, 512)),
    ):
        for i in inputs:
            expected += sum(i * w + 9 * w * w + 4 * w for w in widths)
    assert count(cell) == expected


def test_vertices_share_the_channels_of_the_output():
    diamond = {1: (0,), 2: (1,), 3: (1,), 4: (2, 3)}
    assert vertex_channels(diamond, 8) == {4: 8, 3: 4, 2: 4, 1: 4}
    assert vertex_channels(diamond, 9) == {4: 9, 2: 5, 3: 4, 1: 5}
    assert vertex_channels({6: (0,)}, 9) == {6: 9}


def test_an_architecture_without_a_path_is_refused():
    with pytest.raises(ValueError, match="no path"):
        on_paths({1: (0,), 2: ()})
    net = tiny(NB1Shot1_1)
    closed = Mixture(random_weights(net), (*((),) * 4, *((0,),) * 3))
    with pytest.raises(ValueError, match="no active vertex"):
        net(images(), closed)
    with pytest.raises(ValueError, match="not a cell"):
        NB101Network((0,) * 26)


CELLS = {  # the widths of vertices where the output has 5, 10 and 20 channels
    "0100;input,output": {},
    f"011001000;input,{OPS[0]},output": {1: (5, 10, 20)},
    f"0111001100010000;input,{OPS[1]},{OPS[2]},output": {1: (3, 5, 10), 2: (2, 5, 10)},
    f"0111000001000010000100000;input,{','.join(OPS)},output": {
        1: (2, 4, 7), 2: (2, 3, 7), 3: (1, 3, 6),
    },
    f"0100000110000010000100000;input,{','.join(OPS)},output": {
        1: (3, 5, 10), 2: (3, 5, 10), 3: (2, 5, 10),
    },
}  # fmt: skip


@pytest.mark.parametrize("text", CELLS)
def test_a_published_network_is_what_its_cell_says(text):
    """Vertex by vertex, from the adjacency matrix; 5 channels divide unevenly."""
    source = torch.Generator().manual_seed(0)
    cell = NB101.parse(text)
    net = NB101Network(cell, channels=5, cells=2, generator=source)
    net = shaken(net, source)
    p = dict(net.named_parameters())

    def layer(x, name):
        kernel = p[f"{name}.weight"]
        y = F.conv2d(x, kernel, padding=kernel.shape[-1] // 2)
        return bn(y, p, f"{name}.norm").relu()

    x = layer(images(), "stem")
    edges = {pair for pair, e in NB101.edge.items() if cell[e]}
    for stack in range(3):
        x = F.max_pool2d(x, 2, 2) if stack else x
        for n in range(2):
            name, value = f"stacks.{stack}.{n}", {}
            for v, widths in CELLS[text].items():
                width = widths[stack]
                terms = [value[u] for u in range(1, v) if (u, v) in edges]
                if (0, v) in edges:
                    terms.append(layer(x, f"{name}.projections.{v}"))
                h = sum(t[:, :width] for t in terms)
                pooled = OPS[cell[20 + v]] == "maxpool3x3"
                if pooled:
                    value[v] = F.max_pool2d(h, 3, 1, 1)
                else:
                    value[v] = layer(h, f"{name}.convs.{v}")
                assert value[v].shape[1] == width
            feeding = [value[u] for u in value if (u, 6) in edges]
            y = torch.cat(feeding, 1) if feeding else 0.0
            straight = (0, 6) in edges
            x = y + layer(x, f"{name}.projections.6") if straight else y
            assert x.shape[1] == 5 * 2**stack
    expected = x.mean((2, 3)) @ p["head.weight"].T + p["head.bias"]
    logits = net(images())
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-10)
    leaves = list(net.parameters())
    for a, b in zip(
        gradients(logits, leaves), gradients(expected, leaves), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


def test_what_is_not_active_does_not_run_and_learns_nothing():
    """Vertices 1, 3 and 4 are used; 2 and 5 lead nowhere."""
    net = tiny(NB1Shot1_3, affine=True)
    active = [(0, 2), (1,), (1,), (1,), (0, 1, 2)]
    sets = [("0",), ("0",), ("0,1", "1,3"), ("1,2",), ("1,4",)]
    for d, labels in enumerate(sets, 5):
        active.append(tuple(net.space.choices[d].index(label) for label in labels))
    with counted() as operators:
        logits = net(images(), Mixture(random_weights(net), tuple(active)))
    # Of a cell: one projection of 1, 3 and 4, and convolutions of 1, 3 and 4.
    assert operators.names["convolution"] == 1 + 3 * (1 + 3) + 1
    assert operators.names["max_pool2d_with_indices"] == 3 * 1 + 2
    names = [name for name, _ in net.named_parameters() if name.startswith("stacks")]
    found = gradients(logits, [net.get_parameter(name) for name in names])
    learned = {
        ".".join(name.split(".")[3:5])
        for name, gradient in zip(names, found, strict=True)
        if gradient is not None
    }
    assert learned == {
        *(f"projections.{v}" for v in (1, 3, 4)),
        "convs.1_conv3x3-bn-relu",
        "convs.3_conv1x1-bn-relu",
        "convs.4_conv1x1-bn-relu",
    }


@every_net
def test_gradient_of_the_mixture_matches_finite_differences(make):
    net, x = tiny(make), images(4)
    weights = random_weights(net).requires_grad_()
    edges = torch.rand(len(weights), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda w, e: net(x, replace(dense(net, w), edges=e)),
        (weights, edges),
        fast_mode=True,
    )


@every_net
def test_a_residue_of_zero_changes_nothing_but_gradients(make):
    net = tiny(make)
    mixture = dense(net, random_weights(net))
    residue = torch.zeros(len(mixture.active), dtype=torch.float64, requires_grad=True)
    logits = net(images(), replace(mixture, residue=residue))
    assert torch.equal(logits, net(images(), mixture))
    (gradient,) = gradients(logits, [residue])
    assert (gradient != 0).all()


@every_net
def test_statistics_move_only_when_tracked(make):
    net = tiny(make, running=True)
    mixture = dense(net, random_weights(net))
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
    net = tiny(NB1Shot1_1, running=True)
    net(images(), dense(net, random_weights(net)), "track")
    projection = net.stacks[0][0].projections["2"]
    norm = torch.nn.BatchNorm2d(2).double()
    x = net.stem(images(), "batch").relu()
    norm(F.conv2d(x, projection.kernels["stem"]))
    torch.testing.assert_close(projection.norm.mean, norm.running_mean)
    torch.testing.assert_close(projection.norm.var, norm.running_var)


@every_net
def test_copies_share_nothing(make):
    net = tiny(make, running=True)
    (arch,) = draw(net.space, 1)
    small = net.restrict(Mixture.one_hot(net.space, arch).active)
    for other in (copy.deepcopy(net), small):
        ours = {t.untyped_storage().data_ptr() for t in net.state_dict().values()}
        theirs = {t.untyped_storage().data_ptr() for t in other.state_dict().values()}
        assert not ours & theirs


def test_no_global_randomness():
    before = torch.get_rng_state()
    tiny(NB1Shot1_1).restrict(((0,),) * 7)
    cell = NB1Shot1_1.space.cell((0,) * 7)
    NB101Network(cell, channels=4, cells=1, generator=torch.Generator())
    assert torch.equal(before, torch.get_rng_state())
