"""NAS-Bench-101, and NAS-Bench-1Shot1, whose cells are rows of it."""

from benchsuite.benchmarks.installed import open_installed
from benchsuite.benchmarks.tabular import Classes, Figure, TabularBenchmark
from benchsuite.spaces import (
    NB1SHOT1_1,
    NB1SHOT1_2,
    NB1SHOT1_3,
    NB101,
    SearchSpace,
)

_SPACES = {1: NB1SHOT1_1, 2: NB1SHOT1_2, 3: NB1SHOT1_3}
SOURCE = "nasbench_full.tfrecord"
UNITS = {"params": "weights"}
_EACH_TRAINED_ALONE = (
    "each number of epochs is a training of its own, with a learning-rate schedule of"
    " its own"
)


def nb101() -> TabularBenchmark:
    """NAS-Bench-101: 423,624 cells, three runs at each of four budgets."""
    return _benchmark("nb101/cifar10", NB101)


def nb1shot1(number: int) -> TabularBenchmark:
    """One of the three spaces of NAS-Bench-1Shot1."""
    space = _SPACES[number]
    return _benchmark(f"nb1shot1_{number}/cifar10", space, lambda: space.classes)


def _benchmark(
    name: str, space: SearchSpace, classes: Classes | None = None
) -> TabularBenchmark:
    table = open_installed("nb101", SOURCE)
    return TabularBenchmark(
        name,
        space,
        table,
        seen=Figure("cifar10", "valid", frozenset({"CIFAR-10 train, last 10,000"})),
        reported=Figure("cifar10", "test", frozenset({"CIFAR-10 test"})),
        units=UNITS,
        why=_EACH_TRAINED_ALONE,
        classes=classes,
    )
