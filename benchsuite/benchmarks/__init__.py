"""Benchmarks by name: `<space or release>/<task>`."""

from collections.abc import Callable, Mapping
from functools import partial

from benchsuite.benchmarks.tabular import TabularBenchmark, open_or_convert
from benchsuite.core import Benchmark
from benchsuite.names import pick
from benchsuite.spaces import NATS_TSS, nats
from surrogates import nb201

_IMAGES = {"cifar10": (10, 32), "cifar100": (100, 32), "imagenet16_120": (120, 16)}
"""Classes, and pixels along a side."""


def _nb201(task: str) -> TabularBenchmark:
    """NAS-Bench-201: final validation accuracies, two or three runs, embedded."""
    name = f"nb201/{task}"
    table = open_or_convert(name, partial(nb201.read, task))
    classes, side = _IMAGES[task]
    metrics = {
        "params": nats.parameters(table.archs, classes),
        "macs": nats.macs(table.archs, classes, side),
    }
    return TabularBenchmark(name, NATS_TSS, table, metrics)


BENCHMARKS: Mapping[str, Callable[[], Benchmark]] = {
    f"nb201/{task}": partial(_nb201, task) for task in nb201.TASKS
}


def load(name: str) -> Benchmark:
    """Open a benchmark.

    Args:
        name: One of `BENCHMARKS`, e.g. "nb201/cifar10".

    Raises:
        InputError: There is none of that name.
        DataError: Its data are missing or damaged.
    """
    return pick("benchmark", name, BENCHMARKS)()
