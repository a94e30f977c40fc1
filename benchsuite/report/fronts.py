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
