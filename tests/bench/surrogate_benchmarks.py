"""What benchmarks that predict cost: `python -m tests.bench.surrogate_benchmarks`.

NAS-Bench-301 as published (BENCHSUITE_SHARED names the folder of the files), beside
onnxruntime, which takes one row at a time; and a surrogate of nb201/cifar10. Processor
time on one core, the best of nine.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import tempfile
from itertools import count
from pathlib import Path

import numpy as np

from benchsuite import load
from benchsuite.benchmarks.nb301 import NetworkJudge
from benchsuite.benchmarks.surrogate import SurrogateBenchmark
from benchsuite.core import Trial
from benchsuite.fitting import fit
from benchsuite.spaces import DARTS
from surrogates.nb301 import categories
from surrogates.nb301_network import ENCODING, MODEL, Network
from tests.bench.surrogate_models import best

BATCH, TIMES = 1000, 9


def singles(benchmark, archs, epochs):
    """Seconds of a trial that was not asked for before."""
    seeds = count()

    def ask():
        seed = next(seeds)
        for arch in archs[100 * seed : 100 * seed + 100]:
            benchmark.evaluate(Trial(arch, epochs), seed)

    return best(ask, TIMES) / 100


def network(folder):
    """Print what the published network costs."""
    files = {name: (folder / name).read_bytes() for name in (MODEL, ENCODING)}
    judge = NetworkJudge(Network(files))
    rng = np.random.default_rng(0)
    archs = [DARTS.sample(rng) for _ in range(BATCH)]
    batch = best(lambda: judge(archs, (98,), None), TIMES) / BATCH
    print(f"nb301 batch of {BATCH}   {1e6 * batch:6.1f} us a cell, encoded (<= 20)")
    for epochs, what in ((98, "a trial (<= 1)"), (20, "a curve of 98 epochs")):
        benchmark = SurrogateBenchmark("nb301/cifar10", "0" * 8, DARTS, judge)
        took = singles(benchmark, archs, epochs)
        print(f"nb301 after {epochs} epochs  {1e3 * took:6.2f} ms {what}")
    try:
        import onnxruntime
    except ModuleNotFoundError:
        return
    session = onnxruntime.InferenceSession(files[MODEL])
    rows = judge.model.coded(categories(np.array(archs)))
    epoch = np.full((1, 1), 98, dtype=np.float32)

    def peer():
        for row in rows:
            session.run(None, {"x_cat": row[None], "x_cont": epoch})

    took = best(peer, 2) / BATCH
    print(f"onnxruntime          {1e6 * took:6.1f} us a row ({took / batch:.0f} x)")


def fitted():
    """Print what a surrogate of a table costs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "my.surrogate"
        fit(load("nb201/cifar10"), "GradientBoosting", train_size=1000).save(path)
        benchmark = load(f"surrogate:{path}")
        rng = np.random.default_rng(0)
        archs = [benchmark.space.sample(rng) for _ in range(BATCH)]
        took = singles(benchmark, archs, benchmark.epochs[-1])
        print(f"surrogate:my.surrogate {1e3 * took:4.2f} ms a trial (<= 1)")


if __name__ == "__main__":
    shared = Path(os.environ.get("BENCHSUITE_SHARED", "../shared"))
    network(shared / "data" / "tables" / "nb301")
    fitted()
