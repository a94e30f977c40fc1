"""What supernets cost, beside a textbook network: `python -m tests.bench.supernet`.

NAS-Bench-201's network at its published size (C = 16, N = 5, batches of 64 images of
32 x 32 pixels). Both sides run in turn in one process on one thread; ratios are of the
quickest rounds. Operators and reads are counted by torch's dispatcher; bytes are those
that a forward saves for its backward pass.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import sys
import time

import torch
import torch.nn.functional as F

from benchsuite.supernet.data import Shuffled, Split, crop_and_flip
from benchsuite.supernet.methods import METHODS
from benchsuite.supernet.mixture import Mixture
from benchsuite.supernet.networks.nats_tss import NatsTss
from benchsuite.supernet.objectives import cross_entropy, error_rate
from benchsuite.supernet.search import Search, generator
from tests.supernet.counter import counted, saved
from tests.supernet.textbook import Textbook

CELLS, CHANNELS, BATCH = 5, 16, 64


def begin(name, device="cpu"):
    source = torch.Generator().manual_seed(0)
    split = Split(
        torch.randint(256, (1000, 3, 32, 32), generator=source, dtype=torch.uint8),
        torch.randint(10, (1000,), generator=source),
    ).to(device)
    method = METHODS[name]
    net = NatsTss(
        channels=CHANNELS, cells=CELLS, generator=generator(0, "init"), **method.network
    )
    streams = [
        Shuffled(split, BATCH, generator(0, purpose), crop_and_flip)
        for purpose in ("train", "valid")
    ]
    return Search(
        method, net.to(device), *streams, objective=cross_entropy, error=error_rate,
        epochs=50, seed=0,
    )  # fmt: skip


def step(run):
    train, valid = run.train.draw(), run.valid.draw()
    for each in run.method.steps:
        each(run, train, valid)


class TextbookDarts:
    """First-order DARTS as papers print it: a loss, `backward`, two optimisers."""

    def __init__(self, run):
        self.net = Textbook(CHANNELS, CELLS).copy(run.supernet).to(run.loss_sum.device)
        self.run = run
        device = run.loss_sum.device
        self.alphas = torch.zeros(6, 5, device=device, requires_grad=True)
        self.weights = torch.optim.SGD(
            self.net.parameters(), 0.025, momentum=0.9, weight_decay=3e-4, foreach=False
        )
        self.architect = torch.optim.Adam(
            [self.alphas], 3e-4, (0.5, 0.999), foreach=False
        )

    def step(self):
        train, valid = self.run.train.draw(), self.run.valid.draw()
        for optimizer, (images, labels) in (
            (self.architect, valid),
            (self.weights, train),
        ):
            optimizer.zero_grad()
            F.cross_entropy(
                self.net(images, self.alphas.softmax(-1)), labels
            ).backward()
            if optimizer is self.weights:
                torch.nn.utils.clip_grad_norm_(
                    self.net.parameters(), 5.0, foreach=False
                )
            optimizer.step()


def timed(*actions, rounds=5, wait=lambda: None):
    """Seconds of the quickest round of each, taken in turn."""
    best = [float("inf")] * len(actions)
    for _ in range(rounds):
        for n, action in enumerate(actions):
            start = time.perf_counter()
            action()
            wait()
            best[n] = min(best[n], time.perf_counter() - start)
    return best


def supernets(device="cpu"):
    torch.set_num_threads(1)
    wait = torch.cuda.synchronize if device.startswith("cuda") else lambda: None
    for name in METHODS:
        run = begin(name, device)
        run.method.on_epoch(run)
        step(run)
        batches = run.train.draw(), run.valid.draw()
        with counted() as counts:
            for each in run.method.steps:
                each(run, *batches)
        print(
            f"a step of {name:18} {counts.total:6} operators,"
            f" {counts.kernels:6} without views, {counts.reads} reads",
            flush=True,
        )
    run = begin("darts", device)
    peer = TextbookDarts(begin("darts", device))
    ours, theirs = timed(lambda: step(run), peer.step, rounds=4, wait=wait)
    print(
        f"first-order DARTS: {ours:.3f} s a step; textbook {theirs:.3f} s;"
        f" {ours / theirs:.2f} of it (must be at most 0.75 on a CPU)"
    )
    images, _ = run.train.draw()
    uniform = torch.full((6, 5), 0.2, device=device, requires_grad=True)
    dense = Mixture(uniform, ((0, 1, 2, 3, 4),) * 6)
    gdas = begin("gdas", device)
    path = gdas.relax()[0]
    alone = run.supernet.restrict(path.active)
    one = Mixture(path.weights.detach(), path.active)
    sizes = {
        "stand-alone network": saved(lambda: alone(images, one)),
        "gdas, the same cell": saved(lambda: gdas.supernet(images, path)),
        "darts": saved(lambda: run.supernet(images, dense)),
        "textbook darts": saved(lambda: peer.net(images, uniform)),
    }
    base = sizes["stand-alone network"]
    for name, size in sizes.items():
        print(f"saved by {name:20} {size / 2**20:6.0f} MiB, {size / base:.2f} of alone")
    batch, whole = timed(run.train.draw, lambda: step(run), rounds=4, wait=wait)
    print(
        f"a batch: {1e3 * batch:.2f} ms; two are {200 * batch / whole:.2f} % of a step"
        " (must be under 2)"
    )


if __name__ == "__main__":
    supernets(*sys.argv[1:])
