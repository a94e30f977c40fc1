"""What reports cost: `python -m tests.bench.reports`.

A leaderboard of 20 strategies on 3 tasks with 240 seeds each, of made-up runs with
eight changes of incumbent; and a verdict on a strategy as fast as evolution.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import stats

import benchsuite
from benchsuite.core import Incumbent
from benchsuite.report import statistics
from benchsuite.results import rows, run_of
from benchsuite.store import Store
from tests.report.test_leaderboard import ROW

STRATEGIES, TASKS, SEEDS, STEPS = 20, ("cifar10", "cifar100", "imagenet16_120"), 240, 8
BENCHSUITE = Path(sys.executable).parent / "benchsuite"
OWN = """
from benchsuite.strategies.regularized_evolution import RegularizedEvolution

class Own(RegularizedEvolution):
    pass
"""


def tell(what, seconds, goal):
    """Print a line."""
    print(f"{what}: {seconds:.1f} s wall (must reach {goal} s)", flush=True)


def wall(*words, cwd):
    """Seconds of a command, from start to end."""
    start = time.perf_counter()
    subprocess.run(
        [BENCHSUITE, *map(str, words)], cwd=cwd, check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - start


def made_up(folder):
    """Fill a store with runs of real architectures that nobody searched for."""
    source = np.random.default_rng(0)
    with Store(folder / "runs.sqlite") as store:
        for task in TASKS:
            benchmark = benchsuite.load(f"nb201/{task}")
            for n in range(STRATEGIES):
                runs = [_run(benchmark, n, seed, source) for seed in range(SEEDS)]
                store.add_all(runs)


def _run(benchmark, n, seed, source):
    """Let the best of ever more random architectures be the incumbents."""
    run = replace(
        run_of(ROW),
        benchmark=benchmark.name,
        table=benchmark.data,
        strategy=f"strategy_{n}",
        rules="trials=200",
        seed=seed,
    )
    archs = [benchmark.space.sample(source) for _ in range(STEPS + n)]
    archs.sort(key=lambda arch: -benchmark.reported_error(arch, seed))
    costs = np.sort(source.random(STEPS)) * 1e5
    found = [
        Incumbent(cost, arch, 200, benchmark.reported_error(arch, seed), {})
        for cost, arch in zip(costs.tolist(), archs[-STEPS:], strict=True)
    ]
    return rows(run, found, benchmark)


def main():
    """Print a line for each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made_up(folder / "results")
        size = f"{STRATEGIES} strategies x {len(TASKS)} tasks x {SEEDS} seeds"
        tell(f"leaderboard of {size}", wall("leaderboard", cwd=folder), 5)
        tell(f"report of {size}", wall("report", cwd=folder), 30)
        (folder / "own.py").write_text(OWN)
        took = wall("validate", "own.py:Own", cwd=folder)
        tell("validate, of a strategy as fast as evolution", took, 60)
    table = np.random.default_rng(1).random((SEEDS, 60)).round(6)
    statistics.intervals(table[:, :1])  # draws the resamples
    start = time.process_time()
    statistics.intervals(table)
    ours = time.process_time() - start
    start = time.process_time()
    for column in table.T:
        stats.bootstrap((column,), np.mean, n_resamples=2000, method="percentile")
    theirs = time.process_time() - start
    print(
        f"60 bootstrap intervals of {SEEDS} seeds: {1e3 * ours:.1f} ms; scipy"
        f" {1e3 * theirs:.1f} ms, {theirs / ours:.1f} x ours"
    )


if __name__ == "__main__":
    main()
