"""docs/methods.md: what each one-shot method changes, costs, claims, and did here."""

import csv
import inspect
import re
from functools import partial
from pathlib import Path
from statistics import fmean, pstdev
from typing import NamedTuple

from benchsuite.supernet.methods import METHODS
from benchsuite.supernet.networks import NETWORKS
from benchsuite.supernet.search import Method

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "methods.md"
BASE = METHODS["darts"]


class Paper(NamedTuple):
    """What is known of a method from elsewhere.

    Attributes:
        title: Of the paper.
        venue: Where and when.
        arxiv: Its number.
        methods: Those that implement it.
        published: (what, figure, how certain it is).
        rebuilt: What is reconstruction; empty if everything was read.
    """

    title: str
    venue: str
    arxiv: str
    methods: tuple[str, ...]
    published: tuple[tuple[str, str, str], ...] = ()
    rebuilt: str = ""


READ, TOLD, REMEMBERED = "read", "secondary", "memory"
C10, TSS = "CIFAR-10, test error in %", "NAS-Bench-201, CIFAR-10, test accuracy in %"
PAPERS = (
    Paper(
        "Approximate Neural Architecture Search via Operation Distribution Learning",
        "WACV 2022", "2111.04670", ("anasod_darts", "anasod_gdas"),
        rebuilt="the differentiable variant is known in outline only: that logits are"
        " shared by all decisions and options, by name, and how architectures are drawn"
        " at the end, are choices made here",
    ),
    Paper(
        "BaLeNAS: Differentiable Architecture Search via the Bayesian Learning Rule",
        "CVPR 2022", "2111.13204", ("balenas", "balenas_tf"),
        (
            (C10, "2.37 (best)", READ), ("ImageNet, top-1 error in %", "24.2", READ),
            (TSS, "94.33 (with the proxy)", TOLD),
        ),
        "there is no public code: the optimiser is Vadam as published, how it moves"
        " alphas, its constants, and proxy and number of samples are choices made here",
    ),
    Paper(
        "DARTS: Differentiable Architecture Search", "ICLR 2019", "1806.09055",
        ("darts", "darts_2nd", "darts_2nd_fd"),
        (
            (C10, "3.00 +- 0.14 (first order)", TOLD),
            (C10, "2.76 +- 0.09 (second order)", READ),
            (TSS, "54.30 (collapsed to skip connections)", TOLD),
        ),
    ),
    Paper(
        "Rethinking Architecture Selection in Differentiable NAS", "ICLR 2021",
        "2108.04392", ("darts_pt",),
    ),
    Paper("DrNAS: Dirichlet Neural Architecture Search", "ICLR 2021", "2006.10355",
          ("drnas",)),
    Paper("Efficient Neural Architecture Search via Parameter Sharing", "ICML 2018",
          "1802.03268", ("enas",), rebuilt="Adam's betas, and which edges are kept"),
    Paper(
        "Fair DARTS: Eliminating Unfair Advantages in Differentiable Architecture"
        " Search", "ECCV 2020", "1911.12126", ("fair_darts",),
    ),
    Paper(
        "FairNAS: Rethinking Evaluation Fairness of Weight Sharing Neural Architecture"
        " Search", "ICCV 2021", "1907.01845", ("fairnas",),
        rebuilt="what happens where decisions have different numbers of options",
    ),
    Paper(
        "Differentiable Architecture Search Without Training Nor Labels: A Pruning"
        " Perspective", "2021", "2106.11542",
        ("freedarts_grasp", "freedarts_snip", "freedarts_synflow"),
        (
            (C10, "2.73; 2.45 with 20 cells; 2.64 on ImageNet's network", READ),
            (TSS, "92.24 SNIP, 93.53 GraSP, 10.00 SynFlow (one seed each; all scores of"
             " SynFlow were nan)", READ),
        ),
        "which factors GraSP differentiates: the authors' notebooks differ",
    ),
    Paper(
        "Searching for A Robust Neural Architecture in Four GPU Hours", "CVPR 2019",
        "1910.04465", ("gdas", "gdas_nb201"),
        ((C10, "2.93", TOLD), (TSS, "93.51 +- 0.13", TOLD)),
    ),
    Paper(
        "Exploring Complicated Search Spaces with Interleaving-Free Sampling",
        "IEEE Transactions on Neural Networks and Learning Systems 2025", "2112.02488",
        ("if_nas",),
        (
            ("ImageNet, top-1 accuracy in %, spaces of 4, 6 and 8 chains",
             "74.1, 74.0, 74.05", "read off a figure"),
        ),
        "the public code is inconsistent: operation gates are trained here, and what is"
        " done on cells is filled in",
    ),
    Paper(
        "Mutually-aware Sub-Graphs Differentiable Architecture Search", "2021",
        "2107.04324", ("msg_das",), (),
        "there is no public code, and no published figure is certain: all but the three"
        " ideas of the abstract",
    ),
    Paper(
        "PC-DARTS: Partial Channel Connections for Memory-Efficient Architecture"
        " Search", "ICLR 2020", "1907.05737", ("pc_darts",),
        ((C10, "2.57 +- 0.07", READ), (TSS, "93.41 +- 0.30", TOLD)),
    ),
    Paper(
        "Random Search and Reproducibility for Neural Architecture Search", "UAI 2019",
        "1902.07638", ("random_sampling",),
    ),
    Paper(
        "RARTS: An Efficient First-Order Relaxed Architecture Search Method",
        "IEEE Access 2022", "2008.03901", ("rarts", "rarts_jacobi"),
        (
            (C10, "2.65 +- 0.07", REMEMBERED),
            ("time of a search, of that of DARTS of second order", "40 %", READ),
        ),
        "there is no public code: lambda, beta and the optimisers are choices made"
        " here; so is the variant that moves everything from old values",
    ),
    Paper(
        "Differentiable Architecture Search with Random Features", "CVPR 2023",
        "2208.08835", ("rf_darts", "rf_pcdarts"),
        (
            (TSS, "94.36 (best)", READ), (TSS, "94.27 (mean)", TOLD),
            ("ImageNet, top-1 error in %", "24.0; 23.9 of RF-PCDARTS", READ),
        ),
        "there is no public code: recipe of the norms, and that the classifier stays as"
        " it was drawn",
    ),
    Paper(
        "Shapley-NAS: Discovering Operation Contribution for Neural Architecture"
        " Search", "CVPR 2022", "2206.09811",
        ("shapley_nas", "shapley_nas_renormalised"),
        (
            (C10, "2.47 +- 0.04; best 2.43", TOLD),
            (C10, "3.04 (two users, independently)", TOLD),
        ),
        "the published networks have no `none`: as a player it contributes exactly"
        " nothing, for certain, so that the mean less the deviation ranks it above all"
        " that contribute little; on NAS-Bench-201 expect cells of `none`. The variant"
        " that renormalises coalitions is not the authors'",
    ),
    Paper("SNAS: Stochastic Neural Architecture Search", "ICLR 2019", "1812.09926",
          ("snas",), rebuilt="which epochs have the hottest and the coldest sample"),
    Paper(
        "Single Path One-Shot Neural Architecture Search with Uniform Sampling",
        "ECCV 2020", "1904.00420", ("spos",), rebuilt="batches and rates, on CIFAR",
    ),
    Paper(
        "TND-NAS: Towards Non-Differentiable Objectives in Differentiable Neural"
        " Architecture Search", "ICPRAM 2022", "2111.03892", ("tnd_nas",),
        (
            (C10, "3.3 of 1.09 M parameters, 2.95 of 2.4 M, 2.54 of 9.57 M", READ),
        ),
        "there is no public code: stages are those of P-DARTS, and reward, baseline and"
        " number of samples are choices made here",
    ),
)  # fmt: skip

HEAD = """\
# One-shot methods

Written by `make docs`, from the registry, `docs/costs.csv` and `results/`. How methods,
mixtures and supernets hang together is told in [supernet.md](supernet.md).

## What each changes

A method is a record. What is not listed is as in DARTS: everything mixed by a softmax,
alphas descending the validation loss (`first_order`) before weights descend the
training loss (`train_weights`), nothing at an epoch's start, and the strongest
operations returned. *Needs*: `weights` are what a relaxed table has not; `edges` are
decisions that are edges into nodes, as of {edges}; an option of a network, such as
`partial`, is what only some networks have. Everything else runs on every space.

"""
COSTS = """
## What a step costs

Counted on NAS-Bench-201's network (C = 16, N = 5), so that they are the same on every
machine: passes forward and back, dispatched operators, values that the host waits for,
and what the forward that keeps most keeps for its backward pass, all for one pair of
batches. Ratios are to `darts`. What has no steps is counted by its one start; Shapley
values are had at an epoch's start, by as many forwards more as the last column says
(here, where batches are few; permutations are cut short). `python -m tests.bench.costs`
counts them anew.

"""
CLAIMS = """
## What is published, and what was found here

Published figures are the authors', of full searches and full trainings; *certainty* is
`read` in the paper's abstract or the authors' code, `secondary` if another source
quotes them, `memory` if they were not checked. Ours, in `results/`, are of searches
that are far too short to tell methods apart: see [supernet.md](supernet.md).

"""

TABLES = """
## On a relaxed table

Without weights, what a relaxation, a step and a rule do can be checked exactly. On the
multilinear extension of NAS-Bench-201's CIFAR-10 test accuracies (the mean is 87.06,
the best cell has 94.37, the third best 94.36) five seeds end as follows; the figures
before are known from a neighbouring release of the table. `make test-slow` repeats them
(`tests/supernet/test_relaxed_regression.py`, `test_tnd_nas.py`).

| what | known | found |
|---|---|---|
| gradient of the expected accuracy (`darts`) | 94.36 | 94.36 +- .00 |
| REINFORCE (`tnd_nas`, without shrinking) | 94.36 | 94.36 +- .00 |
| natural gradients (`balenas`) | 94.36 | 94.36 +- .00 |
| all operations, straight through | 94.37 | 94.37 +- .00 |
| one operation (`gdas`), raw accuracies | 92.31 +- .90 | 92.16 +- 1.19 |
| one operation (`gdas`), centred, plain descent | 94.35 +- .03 | 94.35 +- .03 |
| `shapley_nas`: what is left is not renormalised | 68.1 +- 29.4 | 74.4 +- 32.3 |
| `shapley_nas_renormalised` | 92.87 +- .40 | 92.87 +- .25 |
| the same, plain means and no cut | 93.45 +- .15 | 93.50 +- .28 |

A weight decay of 1e-3, DARTS's, outweighs such differences: with it, centred GDAS ends
at 93.54. `make relaxed` runs the methods as they are, but for the rate of the alphas,
on the embedded table, by whose validation errors they go; these are the rows
`relaxed_table` above, and its best error is 8.39 %.
"""
PROXIES = """
## Zero-cost proxies

`benchsuite.estimators.zero_cost.PROXIES` scores any network, ours or yours, on one
batch; parameters, buffers, gradients and the state of random generators stay as they
were. Rank correlations (Spearman) with CIFAR-10's test accuracy after 200 epochs, on
{cells} cells of NAS-Bench-201: of our scores, beside those that NAS-Bench-Suite-Zero
recorded, and what the authors of zero-cost-nas found on the whole space. *Agreement* is
the correlation of our scores with the recorded ones. `tests/reproduction/zero_cost.py`
makes `results/zero_cost.csv`, and says which networks were smaller than published: with
few cells, standard errors are as large as most differences.

"""


def methods():
    """Compose the document."""
    edges = [f"`{name}`" for name, net in NETWORKS.items() if net.layout.into]
    return (
        HEAD.format(edges=", ".join(edges))
        + _changes()
        + COSTS
        + _costs()
        + CLAIMS
        + _published()
        + "\n"
        + _ours()
        + TABLES
        + _proxies()
    )


def _changes():
    rows = [
        "| method | paper | relaxation | steps | else | needs |",
        "|---|---|---|---|---|---|",
    ]
    for name, method in sorted(METHODS.items()):
        paper = next(p for p in PAPERS if name in p.methods)
        cells = (
            f"`{name}`",
            f"[{paper.title}](https://arxiv.org/abs/{paper.arxiv}), {paper.venue}",
            called(method.relax),
            ", ".join(map(called, method.steps)) or "none",
            _else(method),
            ", ".join(sorted({*method.needs, *map(_option, method.network.items())})),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _else(method: Method):
    """Name the fields in which a method differs from DARTS, but for those shown."""
    shown = {"relax", "steps", "network", "needs"}
    fields = [f for f in vars(BASE) if f not in shown]
    return "; ".join(
        f"{field.replace('_', ' ')}: {called(getattr(method, field))}"
        for field in fields
        if getattr(method, field) != getattr(BASE, field)
    )


def _option(item):
    return f"{item[0]}={item[1]}"


def called(value):
    """Spell a function as it was made: its name, and what it was given."""
    if isinstance(value, partial):
        given = [called(a) for a in value.args]
        given += [f"{k}={called(v)}" for k, v in value.keywords.items()]
        return f"{called(value.func)}({', '.join(given)})"
    if not callable(value):
        return f"{value:g}" if isinstance(value, float) else str(value)
    makers = value.__qualname__.split(".<locals>")
    if len(makers) == 1:
        return value.__name__
    inside = inspect.getclosurevars(value).nonlocals
    given = [
        called(v) if callable(v) else f"{k}={called(v)}" for k, v in inside.items()
    ]
    return f"{makers[0].rpartition('.')[2]}({', '.join(given)})"


def _costs():
    with (ROOT / "docs" / "costs.csv").open(newline="") as file:
        table = {row["method"]: row for row in csv.DictReader(file)}
    base = {k: float(v) for k, v in table["darts"].items() if k != "method"}
    rows = [
        "| method | forwards | backwards | operators | of darts | reads | memory, of"
        " darts | forwards at an epoch's start |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in sorted(METHODS):
        row = {k: float(v) for k, v in table[name].items() if k != "method"}
        cells = (
            *(f"`{name}`", f"{row['forwards']:g}", f"{row['backwards']:g}"),
            f"{row['operators']:,.0f}",
            f"{row['operators'] / base['operators']:.2f}",
            f"{row['reads']:g}",
            f"{row['saved'] / base['saved']:.2f}",
            f"{row['epoch_forwards']:g}",
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _published():
    rows = ["| methods | what | published | certainty |", "|---|---|---|---|"]
    for paper in PAPERS:
        names = ", ".join(f"`{name}`" for name in paper.methods)
        for what, figure, certainty in paper.published:
            rows.append(f"| {names} | {what} | {figure} | {certainty} |")
    lines = ["", "Reconstruction:", ""]
    for paper in PAPERS:
        if paper.rebuilt:
            names = ", ".join(f"`{name}`" for name in paper.methods)
            lines += [*_wrapped(f"- {names}: {paper.rebuilt}.")]
    return "\n".join(rows + lines) + "\n"


def _wrapped(text, width=88):
    """Break a line of a list."""
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = " "
        line = f"{line} {word}" if line else word
    return [*lines, line]


def _ours():
    """Tell what searches ended with, by method and setting."""
    found = {}
    for folder in ("supernet", "relaxed_table"):
        for path in sorted((ROOT / "results" / folder).rglob("*.csv")):
            if path.name == "leaderboard.csv":
                continue
            with path.open(newline="") as file:
                for row in csv.DictReader(file):
                    if row["backend"] in ("supernet", "relaxed_table"):
                        key = row["strategy"], row["backend"], row["benchmark"]
                        settings = _settings(row["settings"])
                        last = found.setdefault((*key, settings), {})
                        last[int(row["seed"])] = float(row["reported_error"])
    rows = [
        "| method | backend | reported by | setting | errors in %, by seed | mean |",
        "|---|---|---|---|---|---|",
    ]
    for (name, backend, truth, settings), last in sorted(found.items()):
        errors = [100 * error for _, error in sorted(last.items())]
        spread = f" +- {pstdev(errors):.2f}" if len(errors) > 1 else ""
        cells = (
            *(f"`{name}`", backend, truth, settings),
            ", ".join(f"{e:.2f}" for e in errors),
            f"{fmean(errors):.2f}{spread}",
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _settings(text):
    """Leave the digest of the data out."""
    return re.sub(r"data=(\w+)@\w+", r"\1", text)


def _proxies():
    rows = [
        "| proxy | rho | recorded, same cells | recorded, all | published"
        " | agreement |",
        "|---|---|---|---|---|---|",
    ]
    with (ROOT / "results" / "zero_cost.csv").open(newline="") as file:
        table = sorted(csv.DictReader(file), key=lambda row: -float(row["rho"]))
    for row in table:
        names = ("rho_recorded", "rho_recorded_all", "rho_published", "agreement")
        rest = [f"{float(row[name]):.3f}" if row[name] else "" for name in names]
        rho = f"{float(row['rho']):.3f} +- {float(row['standard_error']):.3f}"
        rows.append(f"| `{row['proxy']}` | {rho} | {' | '.join(rest)} |")
    cells = {row["cells"] for row in table}
    return PROXIES.format(cells=", ".join(sorted(cells))) + "\n".join(rows) + "\n"
