"""Bytes and peak activations, against a network that is run tensor by tensor."""

import numpy as np
import pytest

from benchsuite import load
from benchsuite.core import Trial
from benchsuite.runner import Rules, search
from benchsuite.spaces import NATS_SSS, NATS_TSS, nats, nats_sss
from benchsuite.strategies import STRATEGIES
from tests.toys import rng


class Memory:
    """Tensors by name with their size; what is let go is deleted at once."""

    def __init__(self):
        self.sizes, self.peak = {}, 0

    def new(self, name, size):
        self.sizes[name] = size
        self.peak = max(self.peak, sum(self.sizes.values()))

    def free(self, name):
        self.sizes.pop(name, None)


def run_cell(memory, ops, inside, size):
    """Run a cell whose input is the tensor "n0"; its output replaces it.

    Args:
        memory: Where it runs.
        ops: What stands on the edges, as the spelling has them.
        inside: Elements of a tensor within.
        size: Elements of the input.
    """
    edges = [(s, t, op) for (s, t), op in zip(EDGES, ops, strict=True)]
    for n, (source, node, op) in enumerate(edges):
        later = {end for s, t, o in edges[n:] if o != "none" for end in (s, t)}
        for other in {0, 1, 2} - later:  # nothing reads it, or comes into it
            memory.free(f"n{other}")
        for other in range(1, node):
            into = {o for _, t, o in edges if t == other}
            read = any(s == other and o != "none" for s, _, o in edges[n:])
            if into == {"none"} and read:
                memory.new(f"n{other}", inside)  # zeros
        if op == "none":
            continue
        target = f"n{node}"
        changes = op == "skip_connect" and size != inside and source == 0
        if target not in memory.sizes:
            memory.new(target, inside)
        elif op != "skip_connect" or changes:
            memory.new("result", inside)
            memory.free("result")
    memory.new("n3", inside)
    memory.sizes = {"n0": inside}


EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
SIZE_CELL = (
    *("nor_conv_3x3", "nor_conv_3x3", "nor_conv_3x3"),
    *("skip_connect", "nor_conv_3x3", "nor_conv_3x3"),
)


def run_block(memory, before, after):
    """Run a residual block of stride 2: after has a quarter of the positions."""
    memory.new("conv 1", after)
    memory.new("conv 2", after)
    memory.free("conv 1")
    memory.new("pooled", before / 4)
    memory.free("n0")
    memory.new("shortcut", after)
    memory.sizes = {"n0": after}


def run_network(widths, cells, side):
    """Return the peak in elements; `cells` has ops for a cell, None for a block."""
    memory, pixels = Memory(), side * side
    memory.new("image", 3 * pixels)
    memory.new("n0", widths[0] * pixels)
    memory.free("image")
    before = widths[0]
    for width, ops in zip(widths, cells, strict=True):
        if ops is None:
            run_block(memory, before * pixels, width * pixels / 4)
            pixels /= 4
        else:
            run_cell(memory, ops, width * pixels, before * pixels)
        before = width
    return memory.peak


@pytest.mark.parametrize("side", [32, 16])
def test_a_topology_holds_what_running_it_holds(side):
    archs = np.array([NATS_TSS.sample(rng(n)) for n in range(400)], dtype=np.uint8)
    archs[0], archs[1] = 0, 1  # nothing at all, and skips only
    found = nats.peak_activation_bytes(archs, side)
    for arch, bytes_held in zip(archs.tolist(), found.tolist(), strict=True):
        ops = [NATS_TSS.choices[0][op] for op in arch]
        stages = [*([16] * 5), 32, *([32] * 5), 64, *([64] * 5)]
        cells = [*([ops] * 5), None, *([ops] * 5), None, *([ops] * 5)]
        assert bytes_held == 4 * run_network(stages, cells, side), ops


@pytest.mark.parametrize("side", [32, 16])
def test_a_size_holds_what_running_it_holds(side):
    archs = np.array([NATS_SSS.sample(rng(n)) for n in range(400)], dtype=np.uint8)
    found = nats_sss.peak_activation_bytes(archs, side)
    cells = [SIZE_CELL, None, SIZE_CELL, None, SIZE_CELL]
    for arch, bytes_held in zip(archs.tolist(), found.tolist(), strict=True):
        widths = [8 * (option + 1) for option in arch]
        assert bytes_held == 4 * run_network(widths, cells, side), widths


def test_by_hand():
    """Maps of 16 x 32 x 32 floats have 65,536 bytes.

    The chain of 3x3 on 0>1, 1>2, 2>3 holds two maps at any time, as the first block
    does. With all edges 3x3, the last edges into node 2 and 3 are the fullest: input,
    node 1, node 2, the sum so far, one more result.
    """
    some = np.array([[3, 0, 3, 0, 0, 3], [3, 3, 3, 3, 3, 3]], dtype=np.uint8)
    found = nats.peak_activation_bytes(some, 32)
    assert (found / 65_536).tolist() == [2, 4]


def test_benchmarks_offer_them_and_searches_may_minimise_them():
    benchmark = load("nb201/cifar10")
    arch = (3, 3, 3, 3, 3, 3)
    metrics = benchmark.evaluate(Trial(arch, 200), 0).metrics
    assert metrics["size_bytes"] == 4 * metrics["params"] == 4 * 1_531_546
    assert metrics["peak_activation_bytes"] == 4 * 65_536
    assert {"size_bytes", "peak_activation_bytes"} <= benchmark.units.keys()
    assert benchmark.query(NATS_TSS.format(arch)).metrics["size_bytes"] == 4 * 1_531_546
    rules = Rules(trials=300, objectives=("error", "peak_activation_bytes"))
    make = STRATEGIES["nsga2"](
        benchmark.space, (200,), rng(), objectives=rules.objectives
    )
    found = list(search(make, benchmark, rules, seed=0))
    assert min(i.metrics["peak_activation_bytes"] for i in found) == 2 * 65_536
