"""NATS-Bench and NAS-Bench-201: which recorded figures a search sees and reports.

CIFAR-10: a search sees x-valid of `cifar10-valid`, 25,000 training images that were
held out; reported is ori-test of `cifar10`, which was trained on all 50,000. CIFAR-100
and ImageNet16-120: a search sees x-valid, one half of the official test images;
reported is x-test, the other half.

`@12` and `@01` are separate, shorter schedules; what is reported is always the test
error after the full one. In the full schedule of the topology space, CIFAR-100 and
ImageNet16-120 have x-valid only at the end: the figures of epochs before were computed
on all official test images, so they are not offered.
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from benchsuite.benchmarks.hardware import join
from benchsuite.benchmarks.installed import open_installed, open_or_convert
from benchsuite.benchmarks.tabular import Computed, Figure, TabularBenchmark
from benchsuite.spaces import NATS_SSS, NATS_TSS, SearchSpace, nats_sss
from benchsuite.spaces import nats as nats_tss
from surrogates import Table, nb201


class Task(NamedTuple):
    """A data set of NATS-Bench.

    Attributes:
        search: What networks are trained on while searching.
        valid: Split that a search sees.
        report: What the reported networks were trained on.
        test: Split that is reported.
        classes: Outputs of the classifier.
        side: Pixels along an image's side.
    """

    search: str
    valid: str
    report: str
    test: str
    classes: int
    side: int


TASKS = {
    "cifar10": Task("cifar10-valid", "x-valid", "cifar10", "ori-test", 10, 32),
    "cifar100": Task("cifar100", "x-valid", "cifar100", "x-test", 100, 32),
    "imagenet16_120": Task(
        "ImageNet16-120", "x-valid", "ImageNet16-120", "x-test", 120, 16
    ),
}


class Release(NamedTuple):
    """One published collection.

    Attributes:
        space: What was searched.
        schedules: Epochs of each, as its file spells them; the last is full training.
        source: The official file.
    """

    space: SearchSpace
    schedules: tuple[str, ...]
    source: str


RELEASES = {
    "nats_tss": Release(NATS_TSS, ("12", "200"), "NATS-tss-v1_0-3ffb9-simple"),
    "nats_sss": Release(NATS_SSS, ("01", "12", "90"), "NATS-sss-v1_0-50262-simple"),
    "nb201_v1_0": Release(NATS_TSS, ("12", "200"), "NAS-Bench-201-v1_0-e61699.pth"),
    "nb201_v1_1": Release(NATS_TSS, ("12", "200"), "NAS-Bench-201-v1_1-096897.pth"),
}
_HELD_OUT, _TRAINED_ON = "CIFAR-10 train, half B", "CIFAR-10 train, half A"
IMAGES = {
    ("cifar10-valid", "train"): frozenset({_TRAINED_ON}),
    ("cifar10-valid", "x-valid"): frozenset({_HELD_OUT}),
    ("cifar10-valid", "ori-test"): frozenset({"CIFAR-10 test"}),
    ("cifar10", "train"): frozenset({_TRAINED_ON, _HELD_OUT}),
    ("cifar10", "ori-test"): frozenset({"CIFAR-10 test"}),
    **{
        (name, split): frozenset({f"{name} {images}" for images in sets})
        for name in ("cifar100", "ImageNet16-120")
        for split, sets in {
            "train": {"train"},
            "x-valid": {"test, half A"},
            "x-test": {"test, half B"},
            "ori-test": {"test, half A", "test, half B"},
        }.items()
    },
}
"""Which images each split of each data set is, as sets that do not overlap."""

UNITS = {
    "params": "weights",
    "macs": "multiplications with addition for one image",
    "size_bytes": "bytes of the weights in float32",
    "peak_activation_bytes": "bytes held at most for one image, in float32",
    "latency": "seconds for a batch of 256 images",
}
_ONLY_AT_THE_END = (
    "before the last epoch, {} of the full schedule was evaluated on all official test"
    " images only, among them those of the report"
)
"""Why intermediate epochs of CIFAR-100 and ImageNet16-120 are not offered."""


def embedded(task: str) -> TabularBenchmark:
    """NAS-Bench-201: final validation accuracies, two or three runs, embedded."""
    name = f"nb201/{task}"
    table = open_or_convert(name, partial(nb201.read, task))
    return _benchmark(name, table, NATS_TSS, task, nb201.TASKS[task].training, None)


def released(release: str, task: str, schedule: str | None = None) -> TabularBenchmark:
    """One task of an imported release, under a schedule; None is the full one."""
    space, schedules, source = RELEASES[release]
    name = f"{release}/{task}" + (f"@{schedule}" if schedule else "")
    about, full = TASKS[task], schedules[-1]
    return _benchmark(
        name,
        open_installed(release, source),
        space,
        task,
        f"{about.search}@{schedule or full}",
        Figure(f"{about.report}@{full}", about.test, IMAGES[about.report, about.test]),
    )


def _benchmark(
    name: str,
    table: Table,
    space: SearchSpace,
    task: str,
    training: str,
    reported: Figure | None,
) -> TabularBenchmark:
    about = TASKS[task]
    formulas = nats_sss if space is NATS_SSS else nats_tss
    archs = table.archs
    params = formulas.parameters(archs, about.classes)
    computed = {
        "params": params,
        "macs": formulas.macs(archs, about.classes, about.side),
    }
    lightness = Computed(
        {
            "size_bytes": partial(np.multiply, 4, params),
            "peak_activation_bytes": partial(
                formulas.peak_activation_bytes, archs, about.side
            ),
        }
    )
    why = ""
    if figures := table.trainings.get(training):
        if "latency" in figures.recorded:  # all runs of a network have the same
            first = figures.recorded["latency"].take(figures.starts[:-1], mode="clip")
            computed["latency"] = np.where(np.diff(figures.starts) > 0, first, np.nan)
        if len(figures.splits[about.valid].epochs) < len(figures.epochs):
            why = _ONLY_AT_THE_END.format(about.search)
    joined = join(space, task, table)
    return TabularBenchmark(
        name,
        space,
        table,
        seen=Figure(training, about.valid, IMAGES[about.search, about.valid]),
        reported=reported,
        metrics=[computed, lightness, joined.hardware, joined.scores],
        beside=[joined.robustness],
        units={**UNITS, **joined.units},
        why=why,
    )
