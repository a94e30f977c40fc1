"""Anytime curves: what a search would have returned at each moment of its clock.

A curve is a step function, held after its last step, and undefined (nan) before the
first incumbent of its run.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchsuite.report import statistics
from benchsuite.report.bootstrap import stratified_means
from benchsuite.report.leaderboard import Contest, Line
from benchsuite.results import Row

Figure = Callable[[Row], float]
reported_error: Figure = attrgetter("reported_error")
regret: Figure = attrgetter("regret")


class Band(NamedTuple):
    """Mean over seeds with its 95 % interval at some moments, each float64 [T]."""

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def moments(contest: Contest, count: int = 60) -> NDArray[np.float64]:
    """Choose seconds at which to look, evenly on a log scale, [T].

    They go from the first incumbent of any run to the last; fewer than two moments if
    nothing took time.
    """
    costs = [
        cost
        for line in contest.lines
        for run in line.runs
        for cost in (run[0].cost, run[-1].cost)
        if cost > 0  # nan is not
    ]
    if not costs:
        return np.array([])
    ends = min(costs), max(costs)
    if ends[0] == ends[1]:
        return np.array(ends[:1])
    times = np.geomspace(*ends, count)
    times[0], times[-1] = ends
    return times


def values(
    runs: Sequence[Sequence[Row]], times: NDArray[np.float64], figure: Figure
) -> NDArray[np.float64]:
    """Read a figure of the incumbents of S runs at T moments, [S, T]."""
    table = np.full((len(runs), len(times)), np.nan)
    for line, run in zip(table, runs, strict=True):
        steps = [row for row in run if row.arch]
        place = np.searchsorted([row.cost for row in steps], times, side="right")
        line[:] = np.array([np.nan, *map(figure, steps)])[place]
    return table


def band(table: NDArray[np.float64]) -> Band:
    """Average curves [S, T]; nan until all of them are defined."""
    return Band(statistics.means(table), *statistics.intervals(table))


def rank_over_time(
    contest: Contest, times: NDArray[np.float64], figure: Figure = reported_error
) -> NDArray[np.float64]:
    """Average over seeds the ranks of K lines among one another, [K, T].

    Only seeds that all lines have in common count. The lowest figure ranks 1, ties
    share the mean of their ranks, and runs without an incumbent, or whose figure is
    nan, share the last. A line whose changes of incumbent are not all recorded (see
    `Line.whole`) ranks last until its last one: leave it out before.

    Returns:
        nan where there is no common seed, and where not one figure is known at all.
    """
    found = np.full((len(contest.lines), len(times)), np.nan)
    seeds = [{run[0].seed: run for run in line.runs} for line in contest.lines]
    common = sorted(set.intersection(*map(set, seeds))) if seeds else []
    table = np.array(
        [values([runs[seed] for seed in common], times, figure) for runs in seeds]
    )
    if np.isnan(table).all():  # nothing is in it, too
        return found
    from scipy.stats import rankdata  # takes long to import

    found[:] = rankdata(np.where(np.isnan(table), np.inf, table), axis=0).mean(axis=1)
    return found


class AverageRank(NamedTuple):
    """How K strategies rank over several contests.

    Attributes:
        labels: [K] of the lines.
        fractions: [T] shares of the last moment of each contest, at which it was read.
        ranks: [K, T] mean over contests of the mean rank over seeds.
        left_out: In one line each: who is not in it, and why.
    """

    labels: Sequence[str]
    fractions: NDArray[np.float64]
    ranks: NDArray[np.float64]
    left_out: Sequence[str]


def average_rank(
    contests: Sequence[Contest], count: int = 60, figure: Figure = reported_error
) -> AverageRank:
    """Average `rank_over_time` over contests, among the lines that are in all of them.

    Args:
        contests: Each weighs the same.
        count: How many moments, evenly on a log scale.
        figure: What ranks the lines.
    """
    labels, among, left_out = _shared(contests)
    fractions, lasts = _clock(among, count)
    tables = []
    for contest, last in zip(among, lasts, strict=True):
        table = rank_over_time(contest, fractions * last, figure)
        if np.isnan(table).all():
            left_out.append(f"{_title(contest)}: no common seed, or nothing is known")
        else:
            tables.append(table)
    unknown = [np.full((len(labels), len(fractions)), np.nan)]
    return AverageRank(labels, fractions, np.mean(tables or unknown, axis=0), left_out)


class NormalisedRegret(NamedTuple):
    """Regret of K strategies over several contests, in units of a reference's.

    Attributes:
        labels: [K] of the lines.
        fractions: [T] shares of the last moment of each contest, at which it was read.
        bands: [K] means over contests of the means over seeds, with the interval of
            `bootstrap.stratified`; nan until all runs have an incumbent.
        left_out: In one line each: which contests and lines are not in it, and why.
    """

    labels: Sequence[str]
    fractions: NDArray[np.float64]
    bands: Sequence[Band]
    left_out: Sequence[str]


def normalised_regret(
    contests: Sequence[Contest], count: int = 60, reference: str = "random_search"
) -> NormalisedRegret:
    """Average regret over contests, each over the final regret of a reference.

    So 1 is what the reference has in the end, on average over its seeds, and tasks
    whose errors are of different sizes weigh the same. Contests are left out whose best
    error is unknown, in which the reference did not take part, or in which it found
    the best in every run. That the scale is an average itself is in no interval.

    Args:
        contests: Each weighs the same.
        count: How many moments, evenly on a log scale.
        reference: Label of a line.
    """
    scales = [_final_regret(contest, reference) for contest in contests]
    known = [(c, scale) for c, scale in zip(contests, scales, strict=True) if scale > 0]
    unscaled = [
        f"{_title(c)}: {reference} has no final regret above 0 to divide by"
        for c, scale in zip(contests, scales, strict=True)
        if not scale > 0
    ]
    labels, among, left_out = _shared([contest for contest, _ in known])
    fractions, lasts = _clock(among, count)
    bands = []
    for k in range(len(labels)):
        tables = [
            values(contest.lines[k].runs, fractions * last, regret) / scale
            for contest, last, (_, scale) in zip(among, lasts, known, strict=True)
        ]
        bands.append(Band(*stratified_means(tables)))
    return NormalisedRegret(labels, fractions, bands, unscaled + left_out)


def _final_regret(contest: Contest, reference: str) -> float:
    """Mean final regret of a line; nan if it is not there, or has none."""
    lines = (line for line in contest.lines if line.standing.label == reference)
    return next((line.standing.regret_mean for line in lines), np.nan)


def _shared(
    contests: Sequence[Contest],
) -> tuple[list[str], list[Contest], list[str]]:
    """Keep the lines that are in all contests with their curves.

    Returns:
        Their labels, the contests with them alone and in one order, and who is left
        out and why.
    """
    fields = [_labelled(contest) for contest in contests]
    everyone = dict.fromkeys(label for field in fields for label in field)
    labels, left_out = [], []
    for label in everyone:
        if not all(label in field for field in fields):
            left_out.append(f"{label}: did not take part in every contest")
        elif not all(field[label].whole for field in fields):
            left_out.append(f"{label}: its anytime curves are not recorded")
        else:
            labels.append(label)
    among = [
        replace(contest, lines=[field[label] for label in labels])
        for contest, field in zip(contests, fields, strict=True)
    ]
    return labels, among, left_out


def _labelled(contest: Contest) -> dict[str, Line]:
    """Lines by label, with their backend where the label is not enough."""
    shown = Counter(line.standing.label for line in contest.lines)
    return {
        line.standing.label
        if shown[line.standing.label] == 1
        else f"{line.standing.label} ({line.standing.backend})": line
        for line in contest.lines
    }


def _clock(
    contests: Sequence[Contest], count: int
) -> tuple[NDArray[np.float64], list[float]]:
    """Shares of the last moment at which to look, [T], and each contest's last."""
    ends = [moments(contest, 2) for contest in contests]
    lasts = [float(times[-1]) if len(times) else 1.0 for times in ends]
    shares = [float(times[0] / times[-1]) for times in ends if len(times)]
    if not shares or min(shares) == 1:
        return np.array([1.0] if shares else []), lasts
    return np.geomspace(min(shares), 1.0, count), lasts


def _title(contest: Contest) -> str:
    return f"{contest.benchmark}, {contest.rules or 'no limits'}"
