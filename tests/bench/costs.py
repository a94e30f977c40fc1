"""What one-shot methods ask for, counted: `python -m tests.bench.costs`.

Counts depend on no machine: passes, dispatched operators, values read by the host, and
bytes that a forward saves for its backward pass, on NAS-Bench-201's network at its
published size (C = 16, N = 5). Images are of 8 x 8 pixels, in batches of 16 and 12:
counts are the same for larger ones, and bytes grow alike. Means of five steps, since
paths are drawn. Written to docs/costs.csv.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import csv
from functools import partial
from pathlib import Path

import torch

from benchsuite.supernet.methods import METHODS
from tests.supernet.counter import counted, saved
from tests.supernet.nets import start

FILE = Path(__file__).parents[2] / "docs" / "costs.csv"
FIELDS = (
    *("method", "forwards", "backwards", "images", "operators", "reads", "saved"),
    "epoch_forwards",
)
STEPS = 5


def cost(name, *, channels=16, cells=5):
    """Count what a step of a method asks for, and what the start of an epoch does.

    A method without steps is counted by its start.
    """
    run = start(name, channels=channels, cells=cells, epochs=2)
    if not METHODS[name].steps:
        with counted() as counts:
            run.method.on_epoch(run)
        passes, n = passed(run), 1
        at_start = 0
    else:
        run.method.on_epoch(run)
        run.moment = run.moment._replace(epoch=1)  # the second half of a search
        before = run.ledger.forwards
        run.method.on_epoch(run)
        at_start = run.ledger.forwards - before
        step(run)  # makes momentum buffers
        before = passed(run)
        with counted() as counts:
            for _ in range(STEPS):
                step(run)
        passes, n = [b - a for a, b in zip(before, passed(run), strict=True)], STEPS
    images, _ = run.train.draw()
    size = max(saved(partial(run.supernet, images, m)) for m in run.relax())
    forwards, backwards, seen = (each / n for each in passes)
    figures = (
        *(forwards, backwards, seen, counts.total / n, counts.reads / n),
        *(size / len(images), at_start),
    )
    return dict(zip(FIELDS, (name, *figures), strict=True))


def step(run):
    batches = run.train.draw(), run.valid.draw()
    for each in run.method.steps:
        each(run, *batches)


def passed(run):
    return run.ledger.forwards, run.ledger.backwards, run.ledger.samples


def write():
    torch.set_num_threads(1)
    with FILE.open("w", newline="") as file:
        table = csv.DictWriter(file, FIELDS, lineterminator="\n")
        table.writeheader()
        for name in sorted(METHODS):
            row = cost(name)
            table.writerow(
                {k: v if k == "method" else f"{v:.6g}" for k, v in row.items()}
            )
            print(row, flush=True)


if __name__ == "__main__":
    write()
