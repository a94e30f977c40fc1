"""How far a strategy is from each baseline: at which budgets, where, and how surely."""

import math
import statistics as averages
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchsuite.campaign import Done, Task
from benchsuite.report import anytime, statistics
from benchsuite.results import Effort, Row
from benchsuite.verdict.figures import Figures, paired, stratified
from benchsuite.verdict.runs import TRAININGS, Contender, Plan, contender

Seen = Literal["better", "worse", "not distinguishable"]
_ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Gap:
    """Errors of the strategy less those of a baseline: below zero, it is better.

    Attributes:
        trainings: After the time of how many full trainings.
        seen: What can be told, at 5 %.
        mean: Mean difference over seeds; over all benchmarks, the mean of the means.
        low: Lower end of its 95 % bootstrap interval.
        high: Upper end.
        p: Of a paired test, by Holm's correction over all baselines and budgets.
        needed: Seeds with which a difference of this size is found at 5 %, without a
            correction, four times in five; None if no number will do.
    """

    trainings: int
    seen: Seen
    mean: float
    low: float
    high: float
    p: float
    needed: int | None


@dataclass(frozen=True, slots=True)
class Against:
    """The strategy beside a baseline.

    Attributes:
        baseline: Name.
        overall: Over all benchmarks, at each of `TRAININGS`.
        benchmarks: On each benchmark, at each of `TRAININGS`.
    """

    baseline: str
    overall: Sequence[Gap]
    benchmarks: Mapping[str, Sequence[Gap]]


class Thinking(NamedTuple):
    """Wall-clock seconds that a strategy takes for a trial, to ask and to be told.

    Attributes:
        median: Over runs.
        mean: Over runs.
    """

    median: float
    mean: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a strategy compares with the baselines.

    Attributes:
        strategy: Name, with its settings.
        seeds: How many, from 0.
        clocks: Seconds of `TRAININGS`, by benchmark.
        errors: Mean reported error by benchmark and strategy, at each of `TRAININGS`;
            nan before every run has an incumbent.
        against: Each baseline.
        thinking: By strategy.
    """

    strategy: str
    seeds: int
    clocks: Mapping[str, Sequence[float]]
    errors: Mapping[str, Mapping[str, Sequence[float]]]
    against: Sequence[Against]
    thinking: Mapping[str, Thinking]


_Table = NDArray[np.float64]  # [seeds, budgets]
_Runs = dict[Contender, dict[int, Sequence[Row]]]


def judge(planned: Plan, done: Iterable[tuple[Task, Done]]) -> Verdict:
    """Compare the strategy with the baselines.

    Args:
        planned: What was run.
        done: What came of every task, in any order.
    """
    runs: dict[str, _Runs] = {name: {} for name in planned.clocks}
    efforts: dict[Contender, list[Effort]] = {}
    for task, result in done:
        key = contender(task.run)
        runs[task.run.benchmark].setdefault(key, {})[task.run.seed] = result.rows
        efforts.setdefault(key, []).append(result.effort)
    tables = {
        benchmark: _tables(own, planned.clocks[benchmark])
        for benchmark, own in runs.items()
    }
    labels = {
        contender(e): f"{e.name}[{e.settings}]" if e.settings else e.name
        for e in planned.entries
    }
    first, *others = labels
    mine = {name: own[first] for name, own in tables.items()}
    theirs = {key: {name: t[key] for name, t in tables.items()} for key in others}
    return Verdict(
        strategy=labels[first],
        seeds=len(next(iter(mine.values()))),
        clocks=planned.clocks,
        errors={
            benchmark: {
                labels[key]: statistics.means(table).tolist()
                for key, table in own.items()
            }
            for benchmark, own in tables.items()
        },
        against=_against(mine, {labels[key]: own for key, own in theirs.items()}),
        thinking={labels[key]: _thinking(own) for key, own in efforts.items()},
    )


def _tables(runs: _Runs, clock: Sequence[float]) -> dict[Contender, _Table]:
    """Read off the reported errors of each contender, by seed."""
    times = np.array(clock)
    return {
        key: anytime.values(
            [run for _, run in sorted(own.items())], times, anytime.reported_error
        )
        for key, own in runs.items()
    }


def _thinking(efforts: Sequence[Effort]) -> Thinking:
    known = [effort.thought / effort.trials for effort in efforts if effort.trials]
    if not known:
        return Thinking(math.nan, math.nan)
    return Thinking(averages.median(known), averages.fmean(known))


def _against(
    mine: Mapping[str, _Table], theirs: Mapping[str, Mapping[str, _Table]]
) -> list[Against]:
    """Compare with each baseline, and correct p-values over all of them."""
    budgets = range(len(TRAININGS))
    overall = _corrected(
        {
            baseline: [
                stratified([mine[b][:, n] for b in mine], [own[b][:, n] for b in mine])
                for n in budgets
            ]
            for baseline, own in theirs.items()
        }
    )
    single = {
        benchmark: _corrected(
            {
                baseline: [paired(table[:, n], own[benchmark][:, n]) for n in budgets]
                for baseline, own in theirs.items()
            }
        )
        for benchmark, table in mine.items()
    }
    return [
        Against(b, overall[b], {name: gaps[b] for name, gaps in single.items()})
        for b in theirs
    ]


def _corrected(figures: Mapping[str, Sequence[Figures]]) -> dict[str, list[Gap]]:
    """Correct p-values over all baselines and budgets, and say what can be told."""
    flat = [figure.p for own in figures.values() for figure in own]
    adjusted = iter(statistics.holm_adjusted(flat))
    return {
        baseline: [
            Gap(
                trainings=trainings,
                seen=_seen(figure.mean, p := next(adjusted)),
                mean=figure.mean,
                low=figure.low,
                high=figure.high,
                p=p,
                needed=figure.needed,
            )
            for trainings, figure in zip(TRAININGS, own, strict=True)
        ]
        for baseline, own in figures.items()
    }


def _seen(mean: float, p: float) -> Seen:
    if p > _ALPHA or not mean:
        return "not distinguishable"
    return "better" if mean < 0 else "worse"
