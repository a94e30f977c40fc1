"""Benchmarks by name: `<space or release>/<task>[@<schedule>]`; see also `live`."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchsuite.benchmarks import fitted, live, nats, nb101, nb301, synthetic
from benchsuite.benchmarks.hardware import HARDWARE, ROBUSTNESS, ZERO_COST
from benchsuite.benchmarks.installed import AbsentError, data_folder, installed
from benchsuite.benchmarks.surrogate import MEAN, SurrogateBenchmark
from benchsuite.benchmarks.tabular import TabularBenchmark
from benchsuite.benchmarks.users import user_table
from benchsuite.core import Benchmark, InputError
from benchsuite.names import pick
from benchsuite.spaces import NATS_TSS
from surrogates import nb201

BENCHMARKS: Mapping[str, Callable[[], Benchmark]] = {
    **{f"nb201/{task}": partial(nats.embedded, task) for task in nb201.TASKS},
    **{
        f"{release}/{task}{f'@{schedule}' if schedule else ''}": partial(
            nats.released, release, task, schedule
        )
        for release, about in nats.RELEASES.items()
        for task in nats.TASKS
        for schedule in (None, *reversed(about.schedules[:-1]))
    },
    "synthetic/curves": synthetic.curves,
    "nb101/cifar10": nb101.nb101,
    **{
        f"nb1shot1_{number}/cifar10": partial(nb101.nb1shot1, number)
        for number in (1, 2, 3)
    },
    f"{nb301.NETWORK}/cifar10": nb301.network,
    **{
        f"{nb301.NETWORK}_{kind}/cifar10": partial(nb301.ensemble, kind)
        for kind in nb301.ENSEMBLES
        if not kind.endswith("_time")
    },
}
"""Every published benchmark, and a synthetic one. Most answer once their file is
imported; nb201 and synthetic at once."""


def known() -> Mapping[str, Callable[[], Benchmark]]:
    """All benchmarks by name: the published ones, and the tables of the user."""
    own = (name for name in installed() if name.split("/")[0] not in _RELEASES)
    return {**BENCHMARKS, **{name: partial(user_table, name) for name in own}}


def suiting(wish: Callable[[Benchmark], bool]) -> str:
    """Name the benchmarks that answer and are as wished, for a message to the user."""
    names = []
    for name in known():
        with suppress(AbsentError):
            if not needs(name) and wish(load(name)):
                names.append(name)
    return ", ".join(names) or "none that is installed"


def needs(name: str) -> str:
    """Name the source that a benchmark of `known` still lacks, if it does."""
    release = name.partition("/")[0]
    if release.startswith(nb301.NETWORK):
        return nb301.needs(release)
    table = "nb101" if release.startswith("nb1shot1") else release
    if table == "nb201" or (data_folder() / table / "table.json").exists():
        return ""
    sources = {n: about.source for n, about in nats.RELEASES.items()}
    return {**sources, "nb101": nb101.SOURCE}.get(table, "")


_RELEASES = {
    *(name.partition("/")[0] for name in BENCHMARKS),
    *(HARDWARE, ROBUSTNESS, ZERO_COST),
    *(f"{nb301.NETWORK}_{kind}" for kind in nb301.ENSEMBLES),
}


def load(name: str) -> Benchmark:
    """Open a benchmark.

    Args:
        name: One of `known`, e.g. "nb201/cifar10". With "+robustness" behind it,
            strategies see the imported robustness results too, which were computed on
            test images; with "+mean" behind that of a surrogate, they see no noise. Or
            "surrogate:" and a file that `benchsuite fit` wrote, or the name of a
            benchmark that computes: see `live`.

    Raises:
        InputError: There is none of that name, or it has no such results.
        DataError: Its data are missing or damaged.
    """
    kind = name.partition("/")[0]
    if kind == live.TRAINING:
        return live.training(name)
    if kind == live.INHERITED:
        return live.inherited(name, truth)
    if name.startswith(fitted.KIND):
        file = name.removeprefix(fitted.KIND).removesuffix(f"+{MEAN}")
        surrogate = fitted.open_fitted(Path(file))
        return surrogate.mean() if name.endswith(f"+{MEAN}") else surrogate
    name, _, addition = name.partition("+")
    if name in BENCHMARKS:  # without a look into the data folder
        benchmark = BENCHMARKS[name]()
    else:
        benchmark = pick("benchmark", name, known())()
    return _added(benchmark, addition) if addition else benchmark


def _added(benchmark: Benchmark, addition: str) -> Benchmark:
    """Change a benchmark as an addition to its name says.

    Raises:
        InputError: There is no such addition, or it is for other benchmarks.
    """
    pick("addition", addition, {ROBUSTNESS: None, MEAN: None})
    if addition == MEAN:
        if isinstance(benchmark, SurrogateBenchmark):
            return benchmark.mean()
        raise InputError(f"{benchmark.name} is no surrogate: only those have a +{MEAN}")
    if not isinstance(benchmark, TabularBenchmark) or not benchmark.beside:
        raise InputError(
            f"{benchmark.name} has no robustness results: import them first"
        )
    return benchmark.robust()


def exact(
    name: str, data: str, objectives: Sequence[str], constraints: Mapping[str, float]
) -> NDArray[np.float64]:
    """Give what can be had in several objectives: of all that a table has, [N, M].

    Args:
        name: Of a benchmark.
        data: Its `Benchmark.data`: fronts of other data cannot be compared with it.
        objectives: "error", which is the one to report, and metrics.
        constraints: The most that metrics may be; what breaks one is left out.

    Raises:
        InputError: It is not a table, or not the one that is installed.
    """
    table = load(name)
    if not isinstance(table, TabularBenchmark) or table.data != data:
        raise InputError(f"the exact front of {name} (table {data}) is not known")
    figures = table.figures([*objectives, *constraints])
    m = len(objectives)
    feasible = (figures[:, m:] <= list(constraints.values())).all(axis=1)
    return figures[feasible, :m]


def truth(space: str, data: str) -> Benchmark:
    """Find what reports the errors of architectures that a supernet judged.

    That is the table of the space and the data set, if one is installed; stand-alone
    training if not.

    Args:
        space: Name of a space with a network.
        data: Name of a data set.
    """
    names = [f"{space}/{data}"]
    if space == NATS_TSS.name:
        names.append(f"nb201/{data}")
    for name in names:
        if name in BENCHMARKS and not needs(name):
            return load(name)
    return load(f"{live.TRAINING}/{space}/{data}")
