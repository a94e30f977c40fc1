"""What docs/supernet.md shows is so."""

import re
import sys
import types
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch

from benchsuite.supernet.methods import METHODS
from benchsuite.supernet.mixture import Mixture
from benchsuite.supernet.networks import NETWORKS

PAGE = Path(__file__).parent.parent.parent / "docs" / "supernet.md"


@pytest.fixture(scope="module")
def example():
    """The blocks of the page, executed one after another."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    module = types.ModuleType("example")
    sys.modules["example"] = module
    before = dict(METHODS), dict(NETWORKS)
    for block in blocks:
        exec(compile(block, PAGE.name, "exec"), vars(module))
    yield module
    for registry, kept in zip((METHODS, NETWORKS), before, strict=True):
        for name in registry.keys() - kept.keys():
            del registry[name]
    del sys.modules["example"]


def test_its_method_searches_its_space(example):
    assert example.last.epochs == 2
    assert example.last.arch in example.CHAIN
    assert 0 <= example.error < 0.9  # nine of ten are wrong by chance


def test_its_network_keeps_the_contract(example):
    net = example.Chain(running=True, generator=torch.Generator().manual_seed(0))
    mixture = Mixture.one_hot(example.CHAIN, (1, 0, 3))
    images = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    small = net.restrict(mixture.active)
    assert torch.equal(net(images, mixture), small(images, mixture))
    assert len(small.layers) == 2


def test_it_is_as_short_as_it_says():
    method, space, _ = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)

    def own(block):
        return [
            line
            for line in block.splitlines()
            if line.strip() and not line.startswith(("from ", "import "))
        ]

    assert len(own(method)) <= 10
    assert len(own(space)) <= 50
