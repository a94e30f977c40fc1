"""The leaderboard: who finds the best architectures, and who cannot be told apart."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import combinations, groupby
from operator import attrgetter
from types import MappingProxyType

from benchsuite.report import statistics
from benchsuite.results import (
    COLUMNS,
    Effort,
    Row,
    Run,
    final,
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
            `statistics.paired_p` and `statistics.holm`, over all pairs of the contest.
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
    thought: float


CANONICAL = [field.name for field in fields(Standing) if field.name != "thought"]
"""The columns that are the same on every machine."""


def leaderboard(
    table: Iterable[Row], efforts: Mapping[Run, Effort] = MappingProxyType({})
) -> list[Standing]:
    """Rank the strategies of each contest by their mean reported error.

    Args:
        table: Rows in any order; of each run, the last step counts. Searches for
            several objectives are left out: see `report.fronts`.
        efforts: What runs took, of those where that is known.
    """
    single = (row for row in table if "objectives=" not in row.rules)
    in_order = sorted(single, key=attrgetter(*COLUMNS))  # half the time of Row.__lt__
    rows = sorted(final(in_order), key=_contest)
    contests = groupby(rows, key=_contest)
    return [line for _, group in contests for line in _standings(list(group), efforts)]


def _contest(row: Row) -> tuple[str, str, str, str]:
    return row.benchmark, row.table, row.rules, row.reports


def _contender(row: Row) -> tuple[str, str, str, str]:
    return row.strategy, row.settings, row.backend, row.source


def _standings(
    rows: Sequence[Row], efforts: Mapping[Run, Effort]
) -> Iterator[Standing]:
    """Rank one contest."""
    runs = {
        contender: list(group)
        for contender, group in groupby(sorted(rows, key=_contender), key=_contender)
    }
    versions = Counter(contender[:-1] for contender in runs)
    means = {
        contender: round_to_six(statistics.mean([row.reported_error for row in own]))
        for contender, own in runs.items()
    }
    keys = {c: math.inf if math.isnan(m) else m for c, m in means.items()}  # in order
    order = sorted(runs, key=lambda c: (keys[c], c))
    groups = _groups([runs[contender] for contender in order])
    ranks: dict[float, int] = {}
    for place, (contender, group) in enumerate(zip(order, groups, strict=True), 1):
        strategy, settings, backend, source = contender
        own, first = runs[contender], rows[0]
        errors = [row.reported_error for row in own]
        low, high = statistics.interval(errors)
        yield Standing(
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
            thought=_thought(own, efforts),
        )


def _thought(rows: Sequence[Row], efforts: Mapping[Run, Effort]) -> float:
    """Share the time of all runs that were timed among their trials."""
    known = [effort for row in rows if (effort := efforts.get(run_of(row)))]
    trials = sum(effort.trials for effort in known)
    return sum(effort.thought for effort in known) / trials if trials else math.nan


def _groups(runs: Sequence[Sequence[Row]]) -> list[str]:
    """Letter the contenders of a contest, best first."""
    errors = [{row.seed: row.reported_error for row in own} for own in runs]
    pairs = list(combinations(range(len(errors)), 2))
    p_values = [statistics.paired_p(errors[m], errors[n]) for m, n in pairs]
    tied = [[True] * len(errors) for _ in errors]
    for (m, n), apart in zip(pairs, statistics.holm(p_values), strict=True):
        tied[m][n] = tied[n][m] = not apart
    return statistics.letters(tied)


def _mean_regret(rows: Sequence[Row]) -> float:
    """Average regrets exactly; they may be below zero, and nan where none is known."""
    return math.fsum(row.regret for row in rows) / len(rows)
