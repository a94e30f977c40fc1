"""What every network keeps, and every method on every network."""

import copy
import inspect
import itertools
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
import torch.nn.functional as F

from benchsuite.core import InputError
from benchsuite.supernet.datasets import DataSet, synthetic
from benchsuite.supernet.methods import METHODS
from benchsuite.supernet.mixture import Mixture
from benchsuite.supernet.networks import NETWORKS
from benchsuite.supernet.search import generator, search
from benchsuite.supernet.setting import Setting, build
from tests.supernet.nets import QUICK

SMALL = {"nats_sss": {"channels": 1}} | {
    f"chain_{reach}": {"channels": 4} for reach in (4, 6, 8)
}
KIN = (
    {f"nb1shot1_{n}" for n in (2, 3)}
    | {f"darts_s{n}" for n in (1, 2, 3, 4)}
    | {*("chain_6", "chain_8")}
)
"""Spaces that differ from another in their options only."""
every_network = pytest.mark.parametrize(
    "space",
    [
        pytest.param(
            name, marks=[pytest.mark.slow] if "chain" in name and name in KIN else []
        )
        for name in NETWORKS
    ],
)


def sizes(space):
    """As small as a network can be, and still have all of its kinds of cells."""
    wanted = SMALL.get(space, {"channels": 4, "cells": 3 if "darts" in space else 1})
    return {n: v for n, v in wanted.items()}


def make(space, seed=0, **options):
    source = generator(seed, "init")
    return NETWORKS[space](**{**sizes(space), **options}, generator=source).double()


def images(n=4):
    source = torch.Generator().manual_seed(0)
    return torch.randn(n, 3, 8, 8, generator=source, dtype=torch.float64)


def samples(net, n=3):
    rng = np.random.default_rng(1)
    return [net.space.sample(rng) for _ in range(n)]


def uniform(net):
    options = net.layout.options
    weights = torch.zeros(len(options), net.layout.width, dtype=torch.float64)
    for d, each in enumerate(options):
        weights[d, list(each)] = 1 / len(each)
    return weights


@every_network
@pytest.mark.parametrize("running", [False, True])
def test_one_hot_is_the_stand_alone_network_with_its_weights(space, running):
    net = make(space, affine=True, running=running)
    for arch in samples(net):
        mixture = Mixture.one_hot(net.space, arch)
        alone = net.restrict(mixture.active)
        own, whole = alone.state_dict(), net.state_dict()
        assert own.keys() <= whole.keys()
        if space == "darts_s4":  # noise is drawn anew in every forward
            alone.load_state_dict({name: whole[name] for name in own})
        for statistics in ("batch", "running"):
            before = copy.deepcopy(net), copy.deepcopy(alone)
            ours, theirs = (n(images(), mixture, statistics) for n in before)
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)


@every_network
def test_what_is_not_active_gets_no_gradient(space):
    net = make(space, affine=True)
    (arch,) = samples(net, 1)
    mixture = Mixture.one_hot(net.space, arch)
    there = set(dict(net.restrict(mixture.active).named_parameters()))
    named = dict(net.named_parameters())
    loss = F.cross_entropy(net(images(), mixture), torch.arange(4))
    gradients = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    moved = {n for n, g in zip(named, gradients, strict=True) if g is not None}
    assert moved <= there
    assert moved


@every_network
def test_copies_share_nothing_and_restricting_twice_is_restricting_once(space):
    net = make(space)
    mixture = Mixture.one_hot(net.space, samples(net, 1)[0])
    small = net.restrict(mixture.active)
    again = small.restrict(mixture.active)
    places = [{p.data_ptr() for p in n.parameters()} for n in (net, small, again)]
    assert not places[0] & places[1]
    assert not places[1] & places[2]
    for one, other in zip(small.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


@every_network
def test_the_gradient_of_the_mixture_matches_finite_differences(space):
    net = make(space)
    options, x = net.layout.options, images(3)
    weights = uniform(net).requires_grad_()
    state = net.state_dict()

    def loss(w):
        net.load_state_dict(state)  # what noise draws is drawn again
        return F.cross_entropy(net(x, Mixture(w, options)), torch.arange(3))

    (gradient,) = torch.autograd.grad(loss(weights), weights)
    source = torch.Generator().manual_seed(2)
    there = uniform(net) > 0
    for _ in range(3):
        way = torch.randn(weights.shape, generator=source, dtype=torch.float64) * there
        ends = [loss(weights.detach() + step * 1e-6 * way).item() for step in (1, -1)]
        slope = (ends[0] - ends[1]) / 2e-6
        assert (gradient * way).sum().item() == pytest.approx(slope, rel=1e-3, abs=1e-7)


@every_network
def test_building_and_running_draw_no_global_random_number(space):
    before = torch.get_rng_state()
    net = make(space)
    mixture = Mixture.one_hot(net.space, samples(net, 1)[0])
    net(images(), mixture)
    net.restrict(mixture.active)
    net.alone(samples(net, 1)[0], torch.Generator())
    assert torch.equal(before, torch.get_rng_state())


@pytest.fixture(scope="module")
def data():
    """Noise of 8 x 8 pixels."""
    whole = synthetic(None)
    splits = {
        name: replace(
            (split := getattr(whole, name).part(torch.arange(48))),
            images=F.avg_pool2d(split.images, 2),
        )
        for name in ("train", "valid", "test")
    }
    return DataSet(**{**whole._asdict(), **splits})


def lacks(space, method):
    """Say what a space has not that a method needs; nothing if it has it."""
    known = inspect.signature(NETWORKS[space]).parameters
    if "edges" in METHODS[method].needs and not NETWORKS[space].layout.into:
        return f"not defined on {space}, which has no edges"
    missing = METHODS[method].network.keys() - known.keys()
    return f"the network of {space} has no" if missing else ""


TYPICAL = {"darts", "enas", "fairnas", "freedarts_synflow", "gdas", "if_nas"} | {
    *("msg_das", "pc_darts", "rarts", "tnd_nas")
}
"""Methods of which every other asks less of a network."""


def is_long(space, method):
    if space == "chain_4":  # long, and much like DARTS
        return method not in ("gdas", "if_nas", "msg_das", "tnd_nas")
    return space in KIN or not (space == "nats_tss" or method in TYPICAL)


@pytest.mark.parametrize(
    ("space", "method"),
    [
        pytest.param(*pair, marks=[pytest.mark.slow] if is_long(*pair) else [])
        for pair in itertools.product(NETWORKS, METHODS)
    ],
)
def test_every_method_searches_every_space(space, method, data, monkeypatch):
    """And a step that moves alphas leaves weights and buffers as they were."""
    size = {n: v for n, v in sizes(space).items() if n in ("channels", "cells")}
    setting = Setting(
        method, space, epochs=1, batch_size=16, images=32, normalisation="running",
        **size,
    )  # fmt: skip
    if lack := lacks(space, method):
        with pytest.raises(InputError, match=lack):
            build(setting, data, seed=0)
        return
    if method in QUICK:
        record = replace(METHODS[method], derive=QUICK[method])
        monkeypatch.setitem(METHODS, method, record)
    state = build(setting, data, seed=0)
    state.method.on_epoch(state)
    for step in state.method.steps:
        weights = {n: t.clone() for n, t in tensors(state.supernet).items()}
        alphas = {n: t.detach().clone() for n, t in state.alphas.items()}
        step(state, state.train.draw(), state.valid.draw())
        changed = [
            any(not torch.equal(before[n], now[n]) for n in before)
            for before, now in (
                (weights, tensors(state.supernet)),
                (alphas, state.alphas),
            )
        ]
        assert sum(changed) <= 1
    (last,) = search(state)
    assert last.arch in state.space
    assert 0 <= last.error <= 1


def tensors(net):
    """Weights and buffers, but for the generator of noise."""
    return {n: t for n, t in net.state_dict().items() if torch.is_tensor(t)}
