"""Strategies over several tasks, and every two of them: further tables of a report."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from benchsuite.report import ranking
from benchsuite.report.bootstrap import (
    Estimate,
    interquartile_mean,
    mean,
    median,
    probability_of_improvement,
    stratified,
)
from benchsuite.report.differences import difference, pairwise
from benchsuite.report.leaderboard import Contest, Line
from benchsuite.report.palette import BASELINE
from benchsuite.report.statistics import holm_adjusted

_UNKNOWN = Estimate(math.nan, math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Overall:
    """A strategy over all tasks of one set of rules that it shares with others.

    Regrets are over the mean final regret of `random_search` of the task, so that tasks
    weigh the same; nan where a regret is not known, or it did not take part.

    Attributes:
        rules: Of the contests.
        strategy: `Standing.label`.
        tasks: How many.
        average_rank: Over tasks, of its mean error.
        regret_mean: Mean normalised regret over tasks; see `bootstrap.stratified`.
        regret_mean_low: Lower end of its 95 % interval.
        regret_mean_high: Upper end.
        regret_median: Median over all runs, each task weighing the same.
        regret_median_low: Lower end.
        regret_median_high: Upper end.
        regret_iqm: Interquartile mean over all runs.
        regret_iqm_low: Lower end.
        regret_iqm_high: Upper end.
        better_than_random: Probability that a run is better than one of `random_search`
            on the same task, averaged over tasks.
        better_than_random_low: Lower end.
        better_than_random_high: Upper end.
        friedman_p: Of whether all strategies of these rules rank alike; nan where there
            is too little data to say.
    """

    rules: str
    strategy: str
    tasks: int
    average_rank: float
    regret_mean: float
    regret_mean_low: float
    regret_mean_high: float
    regret_median: float
    regret_median_low: float
    regret_median_high: float
    regret_iqm: float
    regret_iqm_low: float
    regret_iqm_high: float
    better_than_random: float
    better_than_random_low: float
    better_than_random_high: float
    friedman_p: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Two strategies of a contest, or over all tasks of one set of rules.

    Attributes:
        benchmark: Of the contest; "" is over tasks.
        rules: Of the contests.
        strategy: `Standing.label`, the better one.
        other: The other one.
        difference: Mean error of the first less that of the other; nan over tasks.
        difference_low: Lower end of its 95 % interval.
        difference_high: Upper end.
        p: Of the paired test, or over tasks of Nemenyi's.
        p_holm: By Holm's correction over all pairs of the contest; over tasks
            Conover's, which is corrected too.
        better: Probability that a run of the first is better.
        seeds_needed: To tell them apart at this difference; 0 is never or unknown.
    """

    benchmark: str
    rules: str
    strategy: str
    other: str
    difference: float
    difference_low: float
    difference_high: float
    p: float
    p_holm: float
    better: float
    seeds_needed: int


def overall(contests: Sequence[Contest]) -> Iterator[Overall]:
    """Summarise strategies over tasks, for every set of rules of several tasks."""
    for rules, among, labels in _groups(contests):
        table = _means(among, labels)
        ranks = np.full(len(labels), math.nan)
        friedman = math.nan
        if len(labels) > 1 and np.isfinite(table).all():
            ranks = ranking.average_ranks(table)
            friedman = _friedman(table)
        for k in sorted(range(len(labels)), key=lambda k: (ranks[k], labels[k])):
            lines = [contest[labels[k]] for contest in among]
            regrets = _normalised(lines, among)
            figures = [
                stratified(regrets, statistic) if regrets else _UNKNOWN
                for statistic in (mean, median, interquartile_mean)
            ]
            figures.append(_improvement(lines, among))
            first, second, third, better = figures
            yield Overall(
                *(rules, labels[k], len(among), float(ranks[k])),
                *first,
                *second,
                *third,
                *better,
                friedman,
            )


def pairs(contests: Sequence[Contest]) -> Iterator[Pair]:
    """Compare every two strategies: over tasks where there are several, and on each."""
    for rules, among, labels in _groups(contests):
        yield from _over_tasks(rules, labels, _means(among, labels))
    for contest in contests:
        errors = [_errors(line) for line in contest.lines]
        p_values = pairwise(contest)
        places = list(combinations(range(len(errors)), 2))
        adjusted = holm_adjusted([float(p_values[pair]) for pair in places])
        for (m, n), p_holm in zip(places, adjusted, strict=True):
            found = difference(errors[m], errors[n])
            yield Pair(
                benchmark=contest.benchmark,
                rules=contest.rules,
                strategy=contest.lines[m].standing.label,
                other=contest.lines[n].standing.label,
                difference=found.mean,
                difference_low=found.low,
                difference_high=found.high,
                p=found.p,
                p_holm=p_holm,
                better=found.improvement,
                seeds_needed=found.needed or 0,
            )


_Group = tuple[str, list[dict[str, Line]], list[str]]


def _groups(contests: Sequence[Contest]) -> Iterator[_Group]:
    """Gather contests of the same rules and reports on two tasks or more.

    Yields:
        The rules, the lines of each contest by label, and the labels that are in all.
    """
    alike: dict[tuple[str, str], dict[str, Contest]] = {}
    for contest in contests:
        group = alike.setdefault((contest.rules, contest.reports), {})
        group.setdefault(contest.benchmark, contest)
    for (rules, _), tasks in alike.items():
        among = [
            {line.standing.label: line for line in contest.lines}
            for contest in tasks.values()
        ]
        labels = [label for label in among[0] if all(label in own for own in among)]
        if len(among) > 1 and labels:
            yield rules, among, labels


def _means(
    among: Sequence[dict[str, Line]], labels: Sequence[str]
) -> NDArray[np.float64]:
    """Mean errors [tasks, strategies]."""
    return np.array(
        [[own[label].standing.error_mean for label in labels] for own in among]
    )


def _friedman(table: NDArray[np.float64]) -> float:
    try:
        return ranking.friedman(table).p
    except ranking.TooLittleData:
        return math.nan


def _over_tasks(
    rules: str, labels: Sequence[str], table: NDArray[np.float64]
) -> Iterator[Pair]:
    """Compare every two strategies by their ranks over tasks, if there are enough."""
    nan = math.nan
    try:
        nemenyi, conover = ranking.nemenyi(table), ranking.conover(table)
        ranks = ranking.average_ranks(table)
    except ranking.TooLittleData:
        return
    order = sorted(range(len(labels)), key=lambda k: (ranks[k], labels[k]))
    for m, n in combinations(order, 2):
        yield Pair(
            *("", rules, labels[m], labels[n], nan, nan, nan),
            *(float(nemenyi[m, n]), float(conover[m, n]), nan, 0),
        )


def _errors(line: Line) -> dict[int, float]:
    return {run[-1].seed: run[-1].reported_error for run in line.runs}


def _normalised(
    lines: Sequence[Line], among: Sequence[dict[str, Line]]
) -> list[list[float]]:
    """Final regrets over random search's, of each task; [] where one has no scale."""
    scales = [
        own[BASELINE].standing.regret_mean if BASELINE in own else math.nan
        for own in among
    ]
    if not all(scale > 0 for scale in scales):
        return []
    return [
        [run[-1].regret / scale for run in line.runs]
        for line, scale in zip(lines, scales, strict=True)
    ]


def _improvement(lines: Sequence[Line], among: Sequence[dict[str, Line]]) -> Estimate:
    if not all(BASELINE in own for own in among):
        return _UNKNOWN
    ours = [list(_errors(line).values()) for line in lines]
    theirs = [list(_errors(own[BASELINE]).values()) for own in among]
    return probability_of_improvement(ours, theirs)
