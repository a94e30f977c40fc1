"""The leaderboard: who finds the best architectures, and who cannot be told apart."""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from types import MappingProxyType

from benchsuite.report import statistics
from benchsuite.results import (
    COLUMNS,
    Effort,
    Row,
    Run,
    round_to_six,
    run_of,
)


@dataclass(frozen=True, slots=True)
class Standing:
    """One line of the leaderboard: how a strategy did in a contest.

    A contest is what runs must share to be compared: benchmark, table, rules, and what
    is reported. A strategy with other settings is another line; so is one whose source
    differs, then called strategy@source.

    Attributes:
        benchmark: Name.
        table: First digits of the sha256 of the benchmark's data.
        rules: What differs from the default.
        reports: What the error is.
        backend: What answered the search: see `core.Backend`.
        strategy: Name.
        settings: Hyper-parameters that differ from the defaults.
        seeds: Number of runs.
        error_mean: Mean over seeds of the reported error of the final incumbent; nan if
            a run has none, and then the strategy ranks last.
        error_std: Standard deviation over seeds, ddof 0.
        error_low: Lower end of the 95 % bootstrap interval of the mean.
        error_high: Upper end.
        seen_mean: Mean error that the searches saw of what they returned.
        regret_mean: Mean of reported error less the best of the benchmark.
        rank: 1 has the lowest mean; equal means to six digits share a rank.
        group: Strategies that share a letter cannot be told apart at 5 %: see
            `statistics.pairwise`.
        row: Names this line: eight hex digits of a sha256 of what its runs share.
        thought: Wall-clock seconds that the strategy took for a trial, to ask for it
            and to be told of it, on the machine where it ran; nan if not measured.
    """

    benchmark: str
    table: str
    rules: str
    reports: str
    backend: str
    strategy: str
    settings: str
    seeds: int
    error_mean: float
    error_std: float
    error_low: float
    error_high: float
    seen_mean: float
    regret_mean: float
    rank: int
    group: str
    row: str
    thought: float

    @property
    def label(self) -> str:
        """The strategy, and what of its settings differs from the defaults."""
        return f"{self.strategy}[{self.settings}]" if self.settings else self.strategy


CANONICAL = [field.name for field in fields(Standing) if field.name != "thought"]
"""The columns that are the same on every machine."""


@dataclass(frozen=True)
class Line:
    """One line of the leaderboard with all that is recorded of it.

    Attributes:
        standing: How it did.
        runs: The incumbents of each run in order, by seed.
    """

    standing: Standing
    runs: Sequence[Sequence[Row]]

    @cached_property
    def whole(self) -> bool:
        """Whether every change of incumbent is there, as tables of CSV have it not."""
        return all(len(run) == run[-1].step + 1 for run in self.runs)


@dataclass(frozen=True)
class Contest:
    """What runs must share to be compared, and who took part, best first.

    Attributes:
        benchmark: Name.
        table: First digits of the sha256 of the benchmark's data.
        rules: What differs from the default.
        reports: What the error is.
        lines: Best first.
    """

    benchmark: str
    table: str
    rules: str
    reports: str
    lines: Sequence[Line]


def leaderboard(
    table: Iterable[Row], efforts: Mapping[Run, Effort] = MappingProxyType({})
) -> list[Standing]:
    """Rank the strategies of each contest by their mean reported error.

    Args:
        table: Rows in any order; of each run, the last step counts. Searches for
            several objectives are left out: see `report.fronts`.
        efforts: What runs took, of those where that is known.
    """
    found = contests(table, efforts)
    return [line.standing for contest in found for line in contest.lines]


def contests(
    table: Iterable[Row], efforts: Mapping[Run, Effort] = MappingProxyType({})
) -> list[Contest]:
    """Sort rows into contests, and rank the strategies of each; see `leaderboard`."""
    single = (row for row in table if "objectives=" not in row.rules)
    in_order = sorted(single, key=attrgetter(*COLUMNS))  # half the time of Row.__lt__
    rows = sorted(in_order, key=_contest)
    return [
        Contest(*key, list(_lines(list(group), efforts)))
        for key, group in groupby(rows, key=_contest)
    ]


_CONTEST = ("benchmark", "table", "rules", "reports")
_CONTENDER = ("strategy", "settings", "backend", "source")
_contest = attrgetter(*_CONTEST)
_contender = attrgetter(*_CONTENDER)


def row_of(row: Row) -> str:
    """Name the line of the leaderboard that a row counts for: see `Standing.row`."""
    words = "\n".join((*_contest(row), *_contender(row)))
    return hashlib.sha256(words.encode()).hexdigest()[:8]


def _lines(rows: Sequence[Row], efforts: Mapping[Run, Effort]) -> Iterator[Line]:
    """Rank one contest."""
    runs = {
        contender: [list(run) for _, run in groupby(group, key=attrgetter("seed"))]
        for contender, group in groupby(sorted(rows, key=_contender), key=_contender)
    }
    finals = {contender: [run[-1] for run in own] for contender, own in runs.items()}
    versions = Counter(contender[:-1] for contender in runs)
    means = {
        contender: round_to_six(statistics.mean([row.reported_error for row in own]))
        for contender, own in finals.items()
    }
    keys = {c: math.inf if math.isnan(m) else m for c, m in means.items()}  # in order
    order = sorted(runs, key=lambda c: (keys[c], c))
    groups = _groups([finals[contender] for contender in order])
    ranks: dict[float, int] = {}
    for place, (contender, group) in enumerate(zip(order, groups, strict=True), 1):
        strategy, settings, backend, source = contender
        own, first = finals[contender], rows[0]
        errors = [row.reported_error for row in own]
        low, high = statistics.interval(errors)
        standing = Standing(
            benchmark=first.benchmark,
            table=first.table,
            rules=first.rules,
            reports=first.reports,
            backend=backend,
            strategy=f"{strategy}@{source}"
            if versions[contender[:-1]] > 1
            else strategy,
            settings=settings,
            seeds=len(own),
            error_mean=means[contender],
            error_std=statistics.deviation(errors),
            error_low=low,
            error_high=high,
            seen_mean=statistics.mean([row.error for row in own]),
            regret_mean=_mean_regret(own),
            rank=ranks.setdefault(keys[contender], place),
            group=group,
            row=row_of(own[0]),
            thought=_thought(own, efforts),
        )
        yield Line(standing, runs[contender])


def _thought(rows: Sequence[Row], efforts: Mapping[Run, Effort]) -> float:
    """Share the time of all runs that were timed among their trials."""
    known = [effort for row in rows if (effort := efforts.get(run_of(row)))]
    trials = sum(effort.trials for effort in known)
    return sum(effort.thought for effort in known) / trials if trials else math.nan


def _groups(runs: Sequence[Sequence[Row]]) -> list[str]:
    """Letter the contenders of a contest, best first."""
    errors = [{row.seed: row.reported_error for row in own} for own in runs]
    return statistics.letters((statistics.pairwise(errors) > 0.05).tolist())


def _mean_regret(rows: Sequence[Row]) -> float:
    """Average regrets exactly; they may be below zero, and nan where none is known."""
    return math.fsum(row.regret for row in rows) / len(rows)
