"""Golden trajectories; `python -m tests.strategies.golden` records them anew.

The benchmarks are closed formulas, so what is recorded is the strategies' alone: the
architectures asked for, a few of them and a digest of all, with one and eight workers.
Strategies whose choices hang on the last digits of linear algebra are left out: those
differ between machines.
"""

import hashlib
import json
from pathlib import Path

from benchsuite.runner import Rules, search
from benchsuite.spaces import NATS_TSS
from benchsuite.strategies import STRATEGIES
from tests.toys import Additive, Watched, rng

FILE = Path(__file__).with_name("golden.json")
ALGEBRA = {
    *("anasod_bo", "bananas", "bananas_random", "bananas_warm_start"),
    *("early_rejection", "gp_bo", "gp_bo_wl", "npenas", "parego", "ranking"),
    *("rung_promotion", "sa_ea_generation", "sa_ea_individual", "smac"),
}
"""Strategies with a model that is fitted by linear algebra or another library."""
NAMES = sorted(STRATEGIES.keys() - ALGEBRA)


def trajectories(name):
    """Describe what a strategy asks for on two spaces, with one and eight workers."""
    cells = Additive(decisions=6, options=5, epochs=12)
    cells.space = NATS_TSS
    described = {}
    for benchmark in (Additive(), cells):
        for workers in (1, 8):
            strategy = STRATEGIES[name](benchmark.space, benchmark.epochs, rng(7))
            watched = Watched(strategy)
            rules = Rules(trials=300, workers=workers)
            *_, last = search(watched, benchmark, rules, seed=7)
            asked = [[*trial.arch, trial.epochs] for trial in watched.asked]
            described[f"{benchmark.space.name}, {workers}"] = {
                "every 50th": asked[::50],
                "sha256": hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16],
                "incumbent": list(last.arch),
                "cost": round(last.cost, 6),
            }
    return described


if __name__ == "__main__":
    recorded = {name: trajectories(name) for name in NAMES}
    FILE.write_text(json.dumps(recorded, indent=1) + "\n")
