"""What a proposal costs: `python -m tests.bench.proposals > docs/proposals.csv`.

Time of `ask` and `tell` for one trial, averaged over the twenty that follow
two hundred outcomes: twice the batch of a model. Several fidelities are searched on
synthetic/curves, all else on nb201/cifar10.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import sys

import numpy as np

from benchsuite import catalogue, load
from benchsuite.runner import Rules, Timed
from benchsuite.strategies import ONE_FIDELITY, STRATEGIES

KNOWN, MORE = 200, 20
RULES = {name: getattr(Rules(), name) for name in catalogue.RULES}


def proposal(name, seed=0):
    """Seconds of one proposal, and of taking its outcome."""
    wants = catalogue.find(name).metrics
    entry = catalogue.find(f"{name}[score=params]" if wants else name)
    benchmark = load("synthetic/curves" if name in ONE_FIDELITY else "nb201/cifar10")
    rng = np.random.default_rng(seed)
    strategy = Timed(entry.build(benchmark.space, benchmark.epochs, rng, RULES))
    while strategy.trials < KNOWN + MORE:
        trial = strategy.ask()
        strategy.tell(trial, benchmark.evaluate(trial, seed))
        if strategy.trials <= KNOWN:
            before = strategy.seconds
    return (strategy.seconds - before) / MORE


def proposals(times=15):
    """Yield each strategy and the median cost of its proposals over a few seeds."""
    for name in sorted(STRATEGIES):
        first = proposal(name)
        seeds = range(1, times if first < 5e-3 else 3)
        took = sorted([first, *(proposal(name, seed) for seed in seeds)])
        yield name, took[len(took) // 2]


if __name__ == "__main__":
    print("strategy,seconds")
    for name, seconds in proposals():
        print(f"{name},{seconds:.2g}")
        sys.stdout.flush()
