"""All that is asked of surrogates of one table, as lines of three tables."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchsuite.agreement.predictions import FIGURES, Quality, cross_validated, left_out
from benchsuite.agreement.rankings import Searches, agreement, mean_ranks, searches
from benchsuite.benchmarks.fitted import FittedJudge
from benchsuite.benchmarks.surrogate import SurrogateBenchmark
from benchsuite.benchmarks.tabular import TabularBenchmark
from benchsuite.core import InputError
from benchsuite.fitting import fit
from benchsuite.results import write
from benchsuite.spaces.encodings import ENCODINGS

TABLE = "table"
"""Stands where a model does, for what was searched on the table itself."""
TABLES = ("cross_validation", "left_out", "leaderboards", "ranks")


@dataclass(frozen=True)
class Plan:
    """What is done.

    Attributes:
        models: Names of `surrogates.MODELS`.
        strategies: To search with.
        cells: To cross-validate on, and to fit a surrogate benchmark to.
        folds: Of cross-validation.
        seeds: Of searches.
        trials: Of a search.
        seed: Of everything else.
    """

    models: Sequence[str]
    strategies: Sequence[str]
    cells: int = 1000
    folds: int = 5
    seeds: Sequence[int] = tuple(range(24))
    trials: int = 200
    seed: int = 0


class Predicted(NamedTuple):
    """A line of cross_validation.csv or left_out.csv: means over parts.

    Attributes:
        benchmark: The table.
        model: Its name.
        part: The optimiser that was left out; "" for cross-validation.
        parts: How many were held out.
        learned: Cells that were learned from.
        judged: Cells that were predicted.
        figure: One of `FIGURES`.
        mean: Over parts.
        error: Standard error of the mean; nan of one part.
    """

    benchmark: str
    model: str
    part: str
    parts: int
    learned: int
    judged: int
    figure: str
    mean: float
    error: float


class Agreed(NamedTuple):
    """A line of leaderboards.csv.

    Attributes:
        benchmark: The table.
        model: Its name; "table" for the table itself, with other seeds.
        cells: That it was fitted to.
        strategies: How many were ranked.
        seeds: Of each.
        trials: Of a search.
        tau: Kendall's, of mean ranks.
        low: Of its 95 % interval.
        high: Of it.
        best: Whether the strategy of the lowest mean rank is the same.
    """

    benchmark: str
    model: str
    cells: int
    strategies: int
    seeds: int
    trials: int
    tau: float
    low: float
    high: float
    best: bool


class Ranked(NamedTuple):
    """A line of ranks.csv: how a strategy does.

    Attributes:
        benchmark: The table.
        model: What was searched; "table" for the table itself.
        strategy: Its name.
        rank: Mean over seeds.
        error: Mean error to report, by what was searched.
        true_error: Mean error to report of what was found, by the table.
    """

    benchmark: str
    model: str
    strategy: str
    rank: float
    error: float
    true_error: float


Line = Predicted | Agreed | Ranked


def study(benchmark: TabularBenchmark, plan: Plan) -> Iterator[tuple[str, Line]]:
    """Do everything, and yield lines with the name of their table of `TABLES`.

    Raises:
        InputError: The plan cannot be carried out on this table.
    """
    if len(plan.strategies) < 3 or len(plan.seeds) < 4:
        raise InputError(
            "rankings are compared of three strategies or more, with four seeds or"
            f" more, not {len(plan.strategies)} and {len(plan.seeds)}"
        )
    true = searches(benchmark, plan.strategies, plan.seeds, plan.trials)
    yield from (("ranks", r) for r in _ranked(benchmark, plan, TABLE, true))
    others = [seed + max(plan.seeds) + 1 for seed in plan.seeds]
    again = searches(benchmark, plan.strategies, others, plan.trials)
    yield "leaderboards", _agreed(benchmark, plan, TABLE, true.errors, again.errors)
    visited = dict(zip(plan.strategies, true.visited, strict=True))
    for model in plan.models:
        of = (benchmark.name, model)
        parts = list(
            cross_validated(
                benchmark, model, cells=plan.cells, folds=plan.folds, seed=plan.seed
            )
        )
        yield from (("cross_validation", line) for line in _lines(*of, "", parts))
        for name, part in left_out(
            benchmark, model, visited, most=plan.cells, seed=plan.seed
        ):
            yield from (("left_out", line) for line in _lines(*of, name, [part]))
        surrogate = _surrogate(benchmark, plan, model)
        found = searches(surrogate, plan.strategies, plan.seeds, plan.trials)
        yield from (("ranks", r) for r in _ranked(benchmark, plan, model, found))
        yield "leaderboards", _agreed(benchmark, plan, model, true.errors, found.errors)


def save(lines: Sequence[tuple[str, Line]], folder: Path) -> list[Path]:
    """Write the tables, and tell where.

    Raises:
        InputError: They cannot be written.
    """
    paths = []
    for name in TABLES:
        table = [line for of, line in lines if of == name]
        if table:
            paths.append(folder / f"{name}.csv")
            write(paths[-1], table[0]._fields, table)
    return paths


def _surrogate(
    benchmark: TabularBenchmark, plan: Plan, model: str
) -> SurrogateBenchmark:
    """Fit a surrogate benchmark, as `benchsuite fit` does."""
    name, _, encoding = model.partition("+")
    fitted = fit(
        benchmark,
        name,
        train_size=plan.cells,
        test_size=2,
        seed=plan.seed,
        encoding=encoding,
    )
    encode = ENCODINGS[fitted.origin.encoding](benchmark.space)
    judge = FittedJudge(fitted, encode)
    return SurrogateBenchmark(model, "", benchmark.space, judge)


def _lines(
    benchmark: str, model: str, part: str, parts: Sequence[Quality]
) -> Iterator[Predicted]:
    """Average each figure over parts."""
    for figure in FIGURES:
        values = np.array([quality.values[figure] for quality in parts])
        spread = values.std(ddof=1) if len(values) > 1 else np.nan
        yield Predicted(
            benchmark,
            model,
            part,
            len(parts),
            parts[0].learned,
            sum(quality.judged for quality in parts),
            figure,
            round(float(values.mean()), 4),
            round(float(spread / np.sqrt(len(values))), 4),
        )


def _ranked(
    benchmark: TabularBenchmark, plan: Plan, model: str, found: Searches
) -> Iterator[Ranked]:
    """Say how each strategy did."""
    ranks = mean_ranks(found.errors)
    for n, strategy in enumerate(plan.strategies):
        true = [
            benchmark.reported_error(arch, seed)
            for arch, seed in zip(found.found[n], plan.seeds, strict=True)
        ]
        yield Ranked(
            benchmark.name,
            model,
            strategy,
            round(float(ranks[n]), 3),
            round(float(found.errors[n].mean()), 5),
            round(float(np.mean(true)), 5),
        )


def _agreed(
    benchmark: TabularBenchmark,
    plan: Plan,
    model: str,
    one: NDArray[np.float64],
    other: NDArray[np.float64],
) -> Agreed:
    """Compare two rankings."""
    found = agreement(one, other, np.random.default_rng(plan.seed))
    best = [int(mean_ranks(errors).argmin()) for errors in (one, other)]
    return Agreed(
        benchmark.name,
        model,
        0 if model == TABLE else plan.cells,
        len(plan.strategies),
        other.shape[1],
        plan.trials,
        round(found.tau, 4),
        round(found.low, 4),
        round(found.high, 4),
        best[0] == best[1],
    )
