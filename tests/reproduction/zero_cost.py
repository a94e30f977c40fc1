"""Rank correlations of zero-cost proxies, beside recorded and published ones.

    python -m tests.reproduction.zero_cost --images FOLDER

FOLDER has the official `cifar-10-batches-py`. It writes results/zero_cost.csv, which
takes a quarter of an hour of an idle core.

Cells are drawn from the 9,445 of NAS-Bench-201 that NAS-Bench-Suite-Zero has scores
of. Correlated (Spearman) with the accuracy on CIFAR-10's test images after 200 epochs
are the scores that we compute (`rho`), the recorded scores of the same cells
(`rho_recorded`) and of all 9,445 (`rho_recorded_all`); beside them stands what the
authors of zero-cost-nas found on all cells of the space (`rho_published`, from their
notebook). `agreement` correlates our scores with the recorded ones.

Nothing is recorded of `ntk`; `params` and `flops` are those of the benchmark's table;
how the recorded linear regions were counted is not known. Of a score of which lower is
better the negative is correlated. A score that is no number ranks last, and is counted
(`unscored`). The standard error is that of Bonett & Wright, Psychometrika 2000.

Networks are untrained and all drawn from one seed. Most are as published: C = 16, N = 5
and a batch of 64 images. `epe_nas`, `plain` and `zen`, which have no published
correlation, see N = 1, and `zen` draws weights twice instead of 32 times. The two
proxies of TE-NAS see its networks: `linear_regions` a single cell of one channel, on
images of 3 x 3 pixels, and `ntk` C = 3 and N = 1, but 16 images instead of 72.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import csv
import io
import math
import sys
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor, nn

from benchsuite.estimators.expressivity import linear_regions, zen
from benchsuite.estimators.zero_cost import PROXIES, merit
from benchsuite.supernet.datasets import load
from benchsuite.supernet.mixture import Mixture
from benchsuite.supernet.network import Bound
from benchsuite.supernet.networks.nats_tss import NatsTss, plan

ROOT = Path(__file__).parents[2]
FILE = ROOT / "results" / "zero_cost.csv"
ACCURACY = "e200_c10_test"
CELLS, SEED = 80, 201


class Network(NamedTuple):
    """What a proxy is computed on."""

    channels: int = 16  # C
    stage_cells: int = 5  # N
    images: int = 64


ON = {
    **dict.fromkeys(PROXIES, Network()),
    **dict.fromkeys(("epe_nas", "plain", "zen"), Network(stage_cells=1)),
    "linear_regions": Network(channels=1, stage_cells=1, images=1000),
    "ntk": Network(channels=3, stage_cells=1, images=16),
}
COMPUTED = {
    **PROXIES,
    "linear_regions": partial(linear_regions, size=3),
    "zen": partial(zen, repeats=2),
}
RECORDED = {
    **{name: f"zc_{name}_cifar10" for name in PROXIES},
    "flops": "mflops_c10",
    "jacob_cov": "zc_jacov_cifar10",
    "linear_regions": "zcF_nregions_cifar10",
    "naswot": "zc_nwot_cifar10",
    "params": "params_c10",
}
"""What the shared table calls a score; of `ntk` it has none."""
PUBLISHED = {
    **{"grad_norm": 0.594, "snip": 0.596, "grasp": 0.514},
    **{"fisher": 0.360, "synflow": 0.737, "jacob_cov": 0.731},
}


class Row(NamedTuple):
    """A line of the table; what is not known is nan."""

    proxy: str
    channels: int
    stage_cells: int
    images: int
    cells: int
    unscored: int
    rho: float
    standard_error: float
    rho_recorded: float
    rho_recorded_all: float
    rho_published: float
    agreement: float


def scored(arrays: Mapping[str, NDArray]) -> NDArray[np.intp]:
    """Find the cells that have recorded scores."""
    return np.flatnonzero(np.isfinite(arrays["zc_snip_cifar10"]))


def sample(arrays: Mapping[str, NDArray], n: int) -> NDArray[np.intp]:
    """Draw cells of those that have recorded scores."""
    return np.random.default_rng(SEED).permutation(scored(arrays))[:n]


class SingleCell(nn.Module):
    """The stem and the first cell of a network, and what follows the last one."""

    def __init__(self, net: NatsTss, mixture: Mixture) -> None:
        super().__init__()
        self.stem, self.stage, self.plan = net.stem, net.stages[0], plan(mixture)

    def forward(self, images: Tensor) -> Tensor:
        """Map images [B, 3, H, W] to features [B, C]."""
        x = self.stage(self.stem(images, "batch"), self.plan, "batch")
        return F.relu(F.batch_norm(x, None, None, training=True)).mean((2, 3))


@cache
def supernet(channels: int, stage_cells: int) -> NatsTss:
    """Make what networks are cut out of, with weights of their own."""
    return NatsTss(channels=channels, cells=stage_cells, affine=True)


def build(name: str, arch: tuple[int, ...], source: torch.Generator) -> nn.Module:
    """Draw the network of a cell that a proxy is computed on."""
    channels, stage_cells, _ = ON[name]
    net = supernet(channels, stage_cells).alone(arch, source)
    if name == "linear_regions":
        assert isinstance(net, Bound)
        return SingleCell(net.net, net.mixture)
    return net


def score(name: str, arch: tuple[int, ...], images: Tensor, labels: Tensor) -> float:
    """Compute a proxy of a cell; every network starts from the same seed."""
    source = torch.Generator().manual_seed(SEED)
    net, n = build(name, arch, source), ON[name].images
    return COMPUTED[name](net, images[:n], labels[:n], source)


def batch(folder: Path, n: int = 64) -> tuple[Tensor, Tensor]:
    """Take images of CIFAR-10's training images, normalised, and their labels."""
    train = load("cifar10", folder).train
    source = torch.Generator().manual_seed(SEED)
    return train.batch(torch.randperm(len(train), generator=source)[:n])


def rank_correlation(a: NDArray, b: NDArray) -> float:
    """Spearman's rho."""
    return float(spearmanr(a, b).statistic)


def standard_error(rho: float, n: int) -> float:
    """Of Spearman's rho of n pairs: that of Fisher's z, brought back to rho."""
    return (1 - rho**2) * math.sqrt((1 + rho**2 / 2) / (n - 3))


def recorded(
    name: str, arrays: Mapping[str, NDArray], rows: NDArray[np.intp]
) -> NDArray | None:
    """Look up what others recorded of some cells; None if they did not."""
    scores = arrays.get(RECORDED[name])
    return None if scores is None else scores[rows].astype(float)


def row(
    name: str, ours: list[float], arrays: Mapping[str, NDArray], rows: NDArray[np.intp]
) -> Row:
    """Correlate one proxy."""
    merits = np.array([merit(name, s) for s in ours])
    rho = rank_correlation(merits, arrays[ACCURACY][rows])
    everywhere = scored(arrays)
    here, there = recorded(name, arrays, rows), recorded(name, arrays, everywhere)
    return Row(
        name,
        *ON[name],
        len(rows),
        int(np.isneginf(merits).sum()),
        rho,
        standard_error(rho, len(rows)),
        math.nan if here is None else rank_correlation(here, arrays[ACCURACY][rows]),
        math.nan
        if there is None
        else rank_correlation(there, arrays[ACCURACY][everywhere]),
        PUBLISHED.get(name, math.nan),
        math.nan if here is None else rank_correlation(merits, here),
    )


def compose(rows: list[Row]) -> str:
    """Write the table: sorted, six digits, nothing where nothing is known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Row._fields)
    for each in sorted(rows):
        writer.writerow(
            x if not isinstance(x, float) else "" if math.isnan(x) else f"{x:.6f}"
            for x in each
        )
    return text.getvalue()


def main() -> None:
    """Score a sample of cells and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--cells", type=int, default=CELLS)
    words = parser.parse_args()
    shared = Path(os.environ.get("BENCHSUITE_SHARED", ROOT.parent / "shared"))
    torch.set_num_threads(1)
    with np.load(shared / "data" / "tables" / "nb201.npz") as file:
        arrays = dict(file)
    images, labels = batch(words.images)
    rows = sample(arrays, words.cells)
    scores: dict[str, list[float]] = {name: [] for name in ON}
    for n, cell in enumerate(rows, 1):
        for name, ours in scores.items():
            arch = tuple(arrays["ops"][cell].tolist())
            ours.append(score(name, arch, images, labels))
        sys.stderr.write(f"{n} of {len(rows)}\n")
    text = compose([row(name, s, arrays, rows) for name, s in scores.items()])
    if words.cells == CELLS:
        FILE.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
