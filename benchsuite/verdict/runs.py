"""The runs behind a verdict: a strategy and the baselines, for the same time.

What counts is time and not trials, so that a strategy that trains briefly may train
more often. Time is told in full trainings: what one takes on average over the space.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from benchsuite import benchmarks, campaign, catalogue
from benchsuite.benchmarks.installed import AbsentError
from benchsuite.campaign import Task
from benchsuite.catalogue import Entry
from benchsuite.core import Benchmark, InputError, Strategy, Trial
from benchsuite.report.differences import LEAST
from benchsuite.results import Run
from benchsuite.runner import Rules

BASELINES = ("random_search", "regularized_evolution", "local_search")
TRAININGS = (25, 50, 100, 200)
"""After the time of how many full trainings it is looked; the last is the budget."""
_DRAWN = 2000  # architectures whose mean cost stands for that of the space
_MADE_UP = "synthetic"  # a benchmark that says nothing about any network

Contender = tuple[str, str, str]
"""Name, settings and source of a strategy."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run.

    Attributes:
        entries: The strategy, and after it the baselines other than itself.
        clocks: Seconds of `TRAININGS`, by benchmark.
        tasks: All runs.
    """

    entries: Sequence[Entry]
    clocks: Mapping[str, Sequence[float]]
    tasks: Sequence[Task]


def plan(
    asked: str | Callable[..., Strategy],
    on: Sequence[str],
    seeds: int,
    *,
    timeout: float = 600.0,
) -> Plan:
    """Plan the runs of a strategy and of the baselines.

    Args:
        asked: What `catalogue.find` takes.
        on: Names of benchmarks; if there are none, every installed table with one
            schedule that has what the strategy needs.
        seeds: How many, from 0.
        timeout: Seconds of wall-clock time that a run may take.

    Raises:
        InputError: There is no such strategy or benchmark, a benchmark lacks a metric
            that the strategy needs, or the seeds are too few to tell anything apart.
    """
    check(on, seeds)
    entry = catalogue.find(asked)
    others = [catalogue.find(name) for name in BASELINES]
    entries = [entry, *(o for o in others if contender(o) != contender(entry))]
    clocks: dict[str, Sequence[float]] = {}
    tasks: list[Task] = []
    for name in on or _installed(entry.metrics):
        benchmark = benchmarks.load(name)
        budget = float(f"{TRAININGS[-1] * training_cost(benchmark):.2g}")
        clocks[benchmark.name] = [n * budget / TRAININGS[-1] for n in TRAININGS]
        rules = Rules(budget=budget)
        tasks += campaign.plan(entries, [name], rules, range(seeds), timeout=timeout)
    return Plan(entries, clocks, tasks)


def check(on: Sequence[str], seeds: int) -> None:
    """Refuse what cannot be planned, before anything takes time.

    Raises:
        InputError: A benchmark is unknown, or the seeds are too few to tell anything
            apart.
        DataError: The data of a benchmark are missing or damaged.
    """
    if seeds < LEAST:
        raise InputError(f"--seeds takes {LEAST} or more to compare, not {seeds}")
    for name in on:
        benchmarks.load(name)


def contender(named: Entry | Run) -> Contender:
    """Tell whose runs are whose."""
    name = named.name if isinstance(named, Entry) else named.strategy
    return name, named.settings, named.source


def training_cost(benchmark: Benchmark) -> float:
    """Average the seconds of full training over architectures drawn from the space.

    Raises:
        InputError: The benchmark lacks some.
    """
    rng, full = np.random.default_rng(0), benchmark.epochs[-1]
    drawn = [Trial(benchmark.space.sample(rng), full) for _ in range(_DRAWN)]
    try:
        seconds = [benchmark.evaluate(trial, 0).cost for trial in drawn]
    except KeyError as error:
        raise InputError(
            f"a search on {benchmark.name} would meet what is not in its table:"
            f" {error.args[0]}"
        ) from error
    return math.fsum(seconds) / len(seconds)


def _installed(metrics: Sequence[str]) -> list[str]:
    """Name the installed tables that a strategy can search, one schedule of each.

    Raises:
        InputError: There is none.
    """
    found = list(_tables())
    suiting = [b.name for b in found if set(metrics) <= set(b.metrics)]
    if not suiting:
        known = sorted({name for table in found for name in table.metrics})
        raise InputError(
            f"no installed benchmark has {', '.join(metrics)}, which the strategy"
            f" needs; there are {', '.join(known)}: a setting may name one of them"
        )
    return suiting


def _tables() -> Iterator[Benchmark]:
    """Open what is installed and has every architecture of its space."""
    for name in benchmarks.known():
        if "@" in name or name.startswith(_MADE_UP) or benchmarks.needs(name):
            continue
        with suppress(AbsentError, InputError):
            table = benchmarks.load(name)
            training_cost(table)
            yield table
