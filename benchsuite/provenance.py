"""Where runs come from: what was typed, with which versions, on which machine."""

import os
import platform
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from benchsuite.results import Circumstances, Run

_PACKAGES = ("benchsuite", "numpy", "scipy", "scikit-learn", "torch")


def here(asked: str) -> Circumstances:
    """Tell under which circumstances a run is done in this process.

    Args:
        asked: What names the strategy or method on a command line.
    """
    return Circumstances(asked, *_facts())


@cache
def _facts() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Versions of what could move a figure, and what could move a measured time."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    machine = {
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": f"{os.cpu_count()}",
        "threads": os.environ.get("OMP_NUM_THREADS", "as many as there are cores"),
    }
    if (torch := sys.modules.get("torch")) and torch.cuda.is_available():
        machine["gpu"] = torch.cuda.get_device_name()
    return versions, machine


def _processor() -> str:
    """Name the processor; Linux tells it in a file only."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0].partition(":")[2].strip() if names else platform.machine()


def command(run: Run, seeds: Sequence[int], asked: str = "") -> str:
    """Spell the command lines that do runs of a strategy again.

    Args:
        run: One of them.
        seeds: Of all of them.
        asked: What named the strategy, if that is known; else its name does.

    Example:
        >>> run = Run("nb201/cifar10", "8bb01850", "tpe", "gamma=1", "trials=9", 0, "")
        >>> command(run, [0, 1, 2])
        "benchsuite run 'tpe[gamma=1]' --on nb201/cifar10 --seeds 3 --rules trials=9"
    """
    strategy = asked or f"{run.strategy}[{run.settings.replace(' ', ',')}]"
    words = ["benchsuite", "run", strategy.removesuffix("[]"), "--on", run.benchmark]
    rules = ["--rules", run.rules.replace(" ", ",")] if run.rules else []
    return " && ".join(
        shlex.join([*words, "--seeds", span, *rules]) for span in spans(seeds)
    )


def search_command(run: Run, seeds: Sequence[int], space: str, asked: str = "") -> str:
    """Spell the command lines that do runs of a one-shot method again.

    Args:
        run: One of them; without "data=" among its settings, the benchmark was relaxed.
        seeds: Of all of them.
        space: Name of the space that was searched.
        asked: What named the method, if that is known.

    Example:
        >>> settings = "data=cifar10@0d8286fa cells=1 epochs=15"
        >>> run = Run("nb201/cifar10", "8bb01850", "gdas", settings, "", 4, "")
        >>> words = search_command(run, [4], "nats_tss")
        >>> words.partition(" --seeds")[0]
        'benchsuite search gdas --space nats_tss --data cifar10 --truth nb201/cifar10'
        >>> words.partition(" --seeds")[2]
        ' 4:5 --cells 1 --epochs 15'
    """
    settings = dict(pair.split("=", 1) for pair in run.settings.split())
    images = settings.pop("data", "").partition("@")[0]
    words = ["benchsuite", "search", asked or run.strategy]
    if images:
        words += ["--space", space, "--data", images, "--truth", run.benchmark]
    else:
        words += ["--data", run.benchmark]
    options = [
        word
        for name, value in settings.items()
        for word in (f"--{name.replace('_', '-')}", value)
    ]
    return " && ".join(
        shlex.join([*words, "--seeds", span, *options]) for span in spans(seeds)
    )


def spans(seeds: Sequence[int]) -> Iterator[str]:
    """Spell seeds as `--seeds` takes them, one word for each unbroken span.

    Example:
        >>> list(spans([0, 1, 2, 5, 6])), list(spans([7]))
        (['3', '5:7'], ['7:8'])
    """
    ordered = sorted(set(seeds))
    starts = [s for s in ordered if s - 1 not in set(ordered)]
    ends = [s + 1 for s in ordered if s + 1 not in set(ordered)]
    for start, end in zip(starts, ends, strict=True):
        yield f"{start}:{end}" if start else f"{end}"
