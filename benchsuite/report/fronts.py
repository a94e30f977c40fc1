"""Fronts: how much of what can be had in several objectives a search has found.

Zitzler & Thiele, "Multiobjective Evolutionary Algorithms: A Comparative Case Study and
the Strength Pareto Approach", IEEE Transactions on Evolutionary Computation 3(4), 1999.
Ishibuchi, Masuda, Tanigaki & Nojima, "Modified Distance Calculation in Generational
Distance and Inverted Generational Distance", EMO 2015.

Objectives are scaled so that the best of the space is 0 and the worst is 1, in each on
its own. So figures of different runs, and of different machines, can be compared.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import moocore
import numpy as np
from numpy.typing import NDArray

from benchsuite.report import statistics
from benchsuite.report.anytime import Band, band
from benchsuite.results import Row, round_to_six, run_of


@dataclass(frozen=True, slots=True)
class FrontStanding:
    """How a strategy did in a contest of several objectives.

    Attributes:
        benchmark: Name.
        table: First digits of the sha256 of the benchmark's data.
        rules: What differs from the default, objectives included.
        strategy: Name.
        settings: Hyper-parameters that differ from the defaults.
        source: First digits of the sha256 of the strategy's source.
        seeds: Number of runs.
        hypervolume: Mean over seeds of what the found front dominates, relative to the
            exact front of the space; 1 is all of it.
        hypervolume_low: Lower end of the 95 % bootstrap interval of the mean.
        hypervolume_high: Upper end.
        igd_plus: Mean over seeds of the distance from the exact front to the found one.
        members: Mean size of the found fronts.
    """

    benchmark: str
    table: str
    rules: str
    strategy: str
    settings: str
    source: str
    seeds: int
    hypervolume: float
    hypervolume_low: float
    hypervolume_high: float
    igd_plus: float
    members: float


class Scale:
    """The exact front of a space, and what scales every other."""

    def __init__(self, figures: NDArray[np.float64]) -> None:
        """Find the front.

        Args:
            figures: [N, M], of all that may be found, minimised; rows that are not
                finite are left out.
        """
        figures = figures[np.isfinite(figures).all(axis=1)]
        self._best, worst = figures.min(axis=0), figures.max(axis=0)
        self._span = np.where(worst > self._best, worst - self._best, 1.0)
        self.front = self._scaled(figures)
        self._volume = self._dominated(self.front)

    def _scaled(self, figures: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scale figures and keep those that no other dominates, [K, M]."""
        scaled = (figures - self._best) / self._span
        kept: NDArray[np.float64] = scaled[moocore.is_nondominated(scaled)]
        return kept

    def _dominated(self, front: NDArray[np.float64]) -> float:
        if not len(front):
            return 0.0
        return float(moocore.hypervolume(front, ref=np.ones(front.shape[1])))

    def volumes(self, figures: NDArray[np.float64]) -> NDArray[np.float64]:
        """Hypervolume of the first 1, 2, ..., K found, as `judge` has it, [K].

        Args:
            figures: [K, M], minimised, in the order in which they were found.
        """
        volumes = np.zeros(len(figures))
        front, volume = np.empty((0, figures.shape[1])), 0.0
        for n, point in enumerate((figures - self._best) / self._span):
            if np.isfinite(point).all() and not (front <= point).all(axis=1).any():
                front = np.vstack([front[~(point <= front).all(axis=1)], point])
                volume = max(volume, self._dominated(front) / self._volume)
            volumes[n] = volume
        return volumes

    def judge(self, figures: NDArray[np.float64]) -> tuple[float, float, int]:
        """Compare found figures with the exact front.

        Args:
            figures: [K, M], minimised.

        Returns:
            Hypervolume relative to the exact front's, IGD+, and members of the front.
        """
        found = self._scaled(figures[np.isfinite(figures).all(axis=1)])
        if not len(found):
            return 0.0, float("inf"), 0
        distance = float(moocore.igd_plus(found, ref=self.front))
        return self._dominated(found) / self._volume, distance, len(found)


def figures(rows: Iterable[Row], objectives: Sequence[str]) -> NDArray[np.float64]:
    """Read objectives off the incumbents of a run; "error" is the reported one, [K, M].

    Raises:
        KeyError: A row lacks a metric.
    """
    table = []
    for row in rows:
        known = dict(pair.split("=", 1) for pair in row.metrics.split())
        table.append(
            [
                row.reported_error if n == "error" else float(known[n])
                for n in objectives
            ]
        )
    return np.array(table).reshape(-1, len(objectives))


def hypervolume_over_time(
    rows: Iterable[Row], objectives: Sequence[str], scale: Scale
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Follow the hypervolume of one run, a step function.

    Args:
        rows: All incumbents of the run, in order; a row of a run that found nothing
            does not count.
        objectives: Of its rules.
        scale: Of its benchmark.

    Returns:
        Seconds [S] at which something was found, ascending, and what the front of all
        found until then dominates [S], relative to the exact front; it never falls.

    Raises:
        KeyError: A row lacks a metric.
    """
    found = [row for row in rows if row.arch]
    costs = np.array([row.cost for row in found], dtype=np.float64)
    return costs, scale.volumes(figures(found, objectives))


def hypervolume_band(
    runs: Iterable[Iterable[Row]],
    objectives: Sequence[str],
    scale: Scale,
    times: NDArray[np.float64],
) -> Band:
    """Average `hypervolume_over_time` over runs at T moments.

    Before it has found anything, a run dominates nothing: 0.

    Args:
        runs: The incumbents of each run, in order.
        objectives: Of their rules.
        scale: Of their benchmark.
        times: [T] seconds.
    """
    table = []
    for run in runs:
        costs, volumes = hypervolume_over_time(run, objectives, scale)
        place = np.searchsorted(costs, times, side="right")
        table.append(np.append(0.0, volumes)[place])
    return band(np.array(table).reshape(-1, len(times)))


def standings(
    rows: Iterable[Row], objectives: Sequence[str], scale: Scale
) -> list[FrontStanding]:
    """Rank the strategies of one contest by hypervolume.

    Args:
        rows: All incumbents of runs of one benchmark, table and rules.
        objectives: Of those rules.
        scale: Of that benchmark.
    """
    lines = []
    contenders = groupby(sorted(rows), key=lambda r: (r.strategy, r.settings, r.source))
    for (strategy, settings, source), own in contenders:
        runs = [list(group) for _, group in groupby(own, key=run_of)]
        judged = [
            scale.judge(figures([row for row in run if row.arch], objectives))
            for run in runs
        ]
        volumes, distances, members = (
            list(column) for column in zip(*judged, strict=True)
        )
        low, high = statistics.interval(volumes)
        first = runs[0][0]
        lines.append(
            FrontStanding(
                benchmark=first.benchmark,
                table=first.table,
                rules=first.rules,
                strategy=strategy,
                settings=settings,
                source=source,
                seeds=len(runs),
                hypervolume=round_to_six(statistics.mean(volumes)),
                hypervolume_low=low,
                hypervolume_high=high,
                igd_plus=round_to_six(statistics.mean(distances)),
                members=round_to_six(sum(members) / len(members)),
            )
        )
    return sorted(lines, key=lambda line: (-line.hypervolume, line.strategy))
