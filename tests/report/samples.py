"""Contests and a dossier made by hand, for what shows reports."""

import math
from dataclasses import replace

from benchsuite.report.facts import (
    ArchitectureFacts,
    Dossier,
    Drawing,
    Origin,
    StrategyFacts,
)
from benchsuite.report.leaderboard import Contest, Line, Standing, contests
from tests.report.test_leaderboard import ROW
from tests.toys import rng

BEST = 0.05
CELLS = ("|conv~0|", "|skip~0|", "|pool~0|", "|none~0|")
DRAWING = Drawing(
    "normal cell",
    ("input", "1", "2", "output"),
    (
        (0, 1, "conv_3x3"),
        (0, 2, "skip"),
        (1, 3, ""),
        (2, 3, "pool"),
        (0, 3, "conv_1x1"),
    ),
)


def run(benchmark, strategy, seed, steps=4, **changes):
    """Incumbents that get better, each some seconds after the one before."""
    draws = rng(7919 * seed + sum(map(ord, benchmark + strategy)))
    costs = draws.uniform(5, 400, steps).cumsum().round(2).tolist()
    errors = sorted(draws.uniform(0.06, 0.6, steps).round(6).tolist(), reverse=True)
    for step, (cost, error) in enumerate(zip(costs, errors, strict=True)):
        yield replace(
            ROW,
            benchmark=benchmark,
            strategy=strategy,
            seed=seed,
            step=step,
            cost=cost,
            arch=CELLS[int(draws.integers(len(CELLS)))],
            epochs=12,
            error=round(error - 0.01, 6),
            reported_error=error,
            regret=round(error - BEST, 6),
            metrics="params=1000",
            **changes,
        )


def table(benchmarks=("toy/one", "toy/two"), strategies=("a", "b", "c"), seeds=8):
    """Every strategy on every benchmark."""
    return [
        row
        for benchmark in benchmarks
        for strategy in strategies
        for seed in range(seeds)
        for row in run(benchmark, strategy, seed)
    ]


def report(**sizes):
    """Contests, and a dossier that knows something of everything in them."""
    found = contests(table(**sizes))
    rows = [line.standing.row for contest in found for line in contest.lines]
    facts = ArchitectureFacts(
        (DRAWING,), {"params": "1,000 weights"}, ((777, 12, 0.07, 30.5),), (0.08, 0.09)
    )
    return found, Dossier(
        strategies={
            row: StrategyFacts(
                "Tries things.",
                {"size": "10"},
                'A & B, "On Things", 2020. https://example.org/paper',
                "some.module (12345678)",
            )
            for row in rows
        },
        architectures={
            contest.benchmark: dict.fromkeys(CELLS, facts) for contest in found
        },
        origins={
            row: Origin("benchsuite run a --on toy/one", {"numpy": "2"}, {"cpu": "x86"})
            for row in rows
        },
        failures=["c on toy/one, seed 9: it broke"],
    )


def standing(number, benchmark, *, seeds=4, **changes):
    """A line of a large leaderboard, whose figures nobody computed."""
    error = 0.05 + number % 997 / 2000
    made = Standing(
        benchmark=benchmark,
        table="0" * 8,
        rules="trials=200",
        reports="test",
        backend="table",
        strategy=f"strategy_{number}",
        settings=f"size={number % 7}",
        seeds=seeds,
        error_mean=error,
        error_std=error / 50,
        error_low=error - 0.001,
        error_high=error + 0.001,
        seen_mean=error - 0.002,
        regret_mean=error - 0.05,
        rank=1 + number,
        group="a",
        row=f"{number:08x}",
        thought=math.nan,
    )
    return replace(made, **changes)


def large(lines=5000, runs=20_000, contests=10):
    """As many lines and runs, without curves, in a few contests."""
    own, seeds = lines // contests, runs // lines
    return [
        Contest(
            f"toy/{number}",
            "0" * 8,
            "trials=200",
            "test",
            [_line(number * own + k, f"toy/{number}", seeds) for k in range(own)],
        )
        for number in range(contests)
    ]


def _line(number, benchmark, seeds):
    draws = rng(number)
    finals = [
        replace(
            ROW,
            benchmark=benchmark,
            strategy=f"strategy_{number}",
            seed=seed,
            step=9,  # of which the others are not recorded
            cost=float(draws.uniform(1e3, 1e5)),
            arch=f"|conv_3x3~{number}|+|conv_1x1~{seed}|",
            reported_error=float(draws.uniform(0.05, 0.1)),
        )
        for seed in range(seeds)
    ]
    return Line(standing(number, benchmark, seeds=seeds), [[row] for row in finals])
