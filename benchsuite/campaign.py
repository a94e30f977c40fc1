"""Many runs: which are still to do, done in one process or several, recorded."""

import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import cache
from types import FrameType
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from benchsuite import benchmarks, catalogue, provenance
from benchsuite.benchmarks.tabular import TabularBenchmark
from benchsuite.catalogue import Entry
from benchsuite.core import Benchmark, InputError, Strategy
from benchsuite.results import COLUMNS, Effort, Row, Run, rows
from benchsuite.runner import Rules, Timed, search
from benchsuite.store import Store
from benchsuite.workers import Died, work

if TYPE_CHECKING:
    from pandas import DataFrame

_GRACE = 30.0  # seconds that a process may be busy beyond the time limit of a run


@dataclass(frozen=True, slots=True)
class Task:
    """One run to be done, in terms that another process understands.

    Attributes:
        run: Its key.
        benchmark: A name, or the benchmark itself.
        strategy: What `catalogue.find` takes.
        rules: See `Rules`.
        timeout: Seconds of wall-clock time that it may take.
    """

    run: Run
    benchmark: str | Benchmark
    strategy: str | Callable[..., Strategy]
    rules: Rules
    timeout: float


class Done(NamedTuple):
    """What came of a run: its rows, and what they took."""

    rows: list[Row]
    effort: Effort


@dataclass(frozen=True, slots=True)
class Failed:
    """What came of a run instead of rows.

    Attributes:
        reason: In one line.
        trace: The traceback, if an exception ended it.
    """

    reason: str
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one run of a campaign.

    Attributes:
        run: Its key.
        status: Recorded now, or there before, or failed.
        reason: Why it failed, in one line.
        trace: The traceback of what ended it.
    """

    run: Run
    status: Literal["recorded", "known", "failed"]
    reason: str = ""
    trace: str = ""


class OutOfTime(BaseException):
    """A run has taken its time; not an Exception, so that no strategy catches it."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in the block, again and again, once it has taken too long.

    Does nothing outside the main thread, and where the system has no timer signal.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or not hasattr(signal, "setitimer") or seconds == np.inf:
        yield
        return

    def ring(signum: int, frame: FrameType | None) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


_load = cache(benchmarks.load)


@cache
def _find(asked: str | Callable[..., Strategy], source: str) -> Entry:
    """Find a strategy, which must still be the one that the run is named after.

    Raises:
        InputError: It cannot be found any more, or its source has changed.
    """
    entry = catalogue.find(asked)
    if entry.source != source:
        raise InputError(f"the source of {entry.name} has changed since the start")
    return entry


def do(task: Task) -> Done | Failed:
    """Do one run. Whatever the strategy does, the answer is rows or a reason.

    What it prints goes to stderr, since stdout is for programs to read.
    """
    run, on = task.run, task.benchmark
    try:
        with redirect_stdout(sys.stderr):
            benchmark = _load(on) if isinstance(on, str) else on
            entry = _find(task.strategy, run.source)
            with time_limit(task.timeout):
                return _search(task, entry, benchmark)
    except OutOfTime:
        reason = f"it took more than {task.timeout:g} s; --timeout allows more"
        return Failed(reason, traceback.format_exc())
    except (Exception, SystemExit) as error:  # a user's code may raise anything
        cause = error.args[0] if isinstance(error, KeyError) and error.args else error
        reason = " ".join(f"{type(error).__name__}: {cause}".split())
        return Failed(reason[:500], traceback.format_exc())


def _search(task: Task, entry: Entry, benchmark: Benchmark) -> Done:
    """Build the strategy, and search."""
    rng = np.random.default_rng(task.run.seed)
    strategy = Timed(
        entry.build(benchmark.space, benchmark.epochs, rng, _told(task.rules))
    )
    found = list(search(strategy, benchmark, task.rules, seed=task.run.seed))
    effort = Effort(strategy.trials, strategy.seconds)
    return Done(rows(task.run, found, benchmark), effort)


def _told(rules: Rules) -> dict[str, object]:
    return {name: getattr(rules, name) for name in catalogue.RULES}


def _check_metrics(benchmark: Benchmark, metrics: Iterable[str]) -> None:
    """Refuse what is about figures that a benchmark does not have.

    Raises:
        InputError: It has no such metric; benchmarks that have it are named.
    """
    for metric in metrics:
        if metric == "error" or metric in benchmark.metrics:
            continue
        raise InputError(
            f"{benchmark.name} has no {metric}, it has"
            f" {', '.join(benchmark.metrics) or 'no metrics'}; benchmarks with"
            f" {metric}: {benchmarks.suiting(_offers(metric))}"
        )


def _offers(metric: str) -> Callable[[Benchmark], bool]:
    return lambda benchmark: metric in benchmark.metrics


def _check_constraints(benchmark: Benchmark, rules: Rules) -> None:
    """Refuse constraints that no architecture of a table meets.

    Raises:
        InputError: So it is; the lowest figures are named.
    """
    if rules.constraints and isinstance(benchmark, TabularBenchmark):
        figures = benchmark.figures(list(rules.constraints))
        limits = np.array(list(rules.constraints.values()))
        if not (figures <= limits).all(axis=1).any():
            lowest = dict(
                zip(rules.constraints, np.nanmin(figures, axis=0), strict=True)
            )
            raise InputError(
                f"no architecture of {benchmark.name} meets all constraints; the lowest"
                f" figures are {', '.join(f'{n} {x:.6g}' for n, x in lowest.items())}"
            )


def plan(
    entries: Sequence[Entry],
    on: Sequence[str | Benchmark],
    rules: Rules,
    seeds: Sequence[int],
    *,
    timeout: float,
) -> list[Task]:
    """List every run of a grid, one strategy and benchmark after the other.

    Raises:
        InputError: No search would have to end, a benchmark is unknown, its data cannot
            be read or it lacks a metric of the rules or of a strategy, no architecture
            meets the constraints, or a strategy refuses its settings or the space.
    """
    if not rules.bounded:
        raise InputError("a search needs a budget in seconds, or a number of trials")
    loaded = [_load(each) if isinstance(each, str) else each for each in on]
    for benchmark in loaded:
        _check_metrics(benchmark, (*rules.objectives, *rules.constraints))
        _check_constraints(benchmark, rules)
        for entry in entries:
            _check_metrics(benchmark, entry.metrics)
            catalogue.check_settings(entry, benchmark.space, benchmark.epochs)
    return [
        Task(
            Run(
                benchmark=benchmark.name,
                table=benchmark.data,
                strategy=entry.name,
                settings=entry.settings,
                rules=str(rules),
                seed=seed,
                source=entry.source,
            ),
            name,
            entry.asked,
            rules,
            timeout,
        )
        for benchmark, name in zip(loaded, on, strict=True)
        for entry in entries
        for seed in seeds
    ]


def remarks(entries: Sequence[Entry], on: Sequence[str | Benchmark]) -> Iterator[str]:
    """Say, each in one line, which strategies have nothing to halve, and where."""
    loaded = [_load(each) if isinstance(each, str) else each for each in on]
    single = [benchmark.name for benchmark in loaded if len(benchmark.epochs) == 1]
    halving = [entry for entry in entries if entry.one_fidelity]
    if single and halving:
        others = benchmarks.suiting(lambda other: len(other.epochs) > 1)
        for entry in halving:
            yield (
                f"{entry.name} amounts to {entry.one_fidelity} on {', '.join(single)},"
                f" with one fidelity; benchmarks with learning curves: {others}"
            )


def campaign(
    tasks: Sequence[Task], store: Store, *, jobs: int = 1, force: bool = False
) -> Iterator[Outcome]:
    """Do and record what is not recorded yet, yielding what becomes of each run.

    Each run is recorded before its outcome is yielded. What is recorded does not depend
    on `jobs`.

    Args:
        tasks: The runs.
        store: Where they are recorded.
        jobs: Number of processes; 1 is this one.
        force: Do all of them, and replace what is there, also by earlier versions of
            the strategy's source.
    """
    known = set() if force else {t.run for t in tasks if t.run in store}
    yield from (Outcome(task.run, "known") for task in tasks if task.run in known)
    for task, result in perform([t for t in tasks if t.run not in known], jobs):
        if isinstance(result, Failed):
            store.fail(task.run, result.reason)
            yield Outcome(task.run, "failed", result.reason, result.trace)
        else:
            asked = task.strategy if isinstance(task.strategy, str) else ""
            here = provenance.here(asked)
            new = store.add(result.rows, result.effort, here, replace=force)
            yield Outcome(task.run, "recorded" if new else "known")


def perform(tasks: Sequence[Task], jobs: int) -> Iterator[tuple[Task, Done | Failed]]:
    """Do tasks, here or in several processes; nothing is recorded."""
    jobs = min(jobs, len(tasks))
    if jobs <= 1:
        yield from ((task, do(task)) for task in tasks)
        return
    limit = max(task.timeout for task in tasks) + _GRACE
    for task, result in work(do, tasks, jobs=jobs, limit=limit):
        yield task, Failed(result.reason) if isinstance(result, Died) else result


def compare(
    strategies: Sequence[str | Callable[..., Strategy]],
    on: Sequence[str | Benchmark],
    *,
    seeds: int | Iterable[int] = 30,
    rules: Rules | None = None,
    jobs: int = 1,
    timeout: float = 600.0,
    curves: bool = False,
) -> "DataFrame":
    """Run strategies on benchmarks and return the result rows; nothing is recorded.

    Args:
        strategies: Names, "file.py:Class", or classes; see `catalogue.find`.
        on: Names of benchmarks, or benchmarks.
        seeds: How many seeds, from 0, or which.
        rules: See `Rules`; 200 trials if not given.
        jobs: Number of processes; strategies and benchmarks must then be importable.
        timeout: Seconds of wall-clock time that a run may take.
        curves: Return every change of incumbent, not only the final one of a run.

    Returns:
        A frame with the columns of `results.Row`, sorted.

    Raises:
        InputError: Something named is unknown.
        RuntimeError: A run failed; the message tells why, with the traceback.
    """
    entries = [catalogue.find(strategy) for strategy in strategies]
    chosen = range(seeds) if isinstance(seeds, int) else seeds
    law = Rules(trials=200) if rules is None else rules
    tasks = plan(entries, on, law, list(chosen), timeout=timeout)
    table: list[Row] = []
    for task, result in perform(tasks, jobs):
        if isinstance(result, Failed):
            raise RuntimeError(
                f"{task.run.strategy} on {task.run.benchmark}, seed {task.run.seed}:"
                f" {result.reason}\n{result.trace}"
            )
        table += result.rows if curves else result.rows[-1:]
    from pandas import DataFrame  # takes longer to import than all the rest

    names = list(COLUMNS)
    lines = [[getattr(row, name) for name in names] for row in sorted(table)]
    return DataFrame(lines, columns=names)
