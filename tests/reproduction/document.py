"""Run what was published, and compose docs/reproduction.md."""

import math
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean, median, pstdev
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pytest

from benchsuite import catalogue, load
from benchsuite.campaign import compare
from benchsuite.runner import Rules, Timed, search
from tests.development import nats_tss
from tests.reproduction.published import PROTOCOLS, PUBLISHED, TASKS, Published

FILE = Path(__file__).parents[2] / "docs" / "reproduction.md"
RUNS, CLAIM_RUNS = 500, 40
RULES = {name: getattr(Rules(), name) for name in catalogue.RULES}


class Found(NamedTuple):
    """What a published row is here: accuracies in percent of the runs, by task."""

    row: Published
    accuracies: tuple[list[float] | None, ...]


@contextmanager
def tables(shared: Path) -> Iterator[None]:
    """Have NATS-tss installed at full size, from the development arrays."""
    with (
        TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
        np.load(shared / "data" / "tables" / "nb201.npz") as arrays,
    ):
        patch.setenv("BENCHSUITE_DATA", folder)
        nats_tss(arrays).save(Path(folder) / "nats_tss")
        yield


def run(row: Published) -> Found:
    """Search as the protocol of a row says, and report on the tasks that it has."""
    protocol = PROTOCOLS[row.protocol]
    accuracies: list[list[float] | None] = []
    cells: dict[tuple[str, str], list[str]] = {}
    for task, on, rules, figure in zip(
        TASKS, protocol.on, protocol.rules, row.figures, strict=True
    ):
        if figure is None:
            accuracies.append(None)
            continue
        if (on, rules) not in cells:  # one search may be reported on several tasks
            frame = compare([row.strategy], [on], seeds=RUNS, rules=Rules.parse(rules))
            cells[on, rules] = frame["arch"].tolist()
        judge = load(f"nats_tss/{task}")
        accuracies.append(
            [
                100 * (1 - judge.reported_error(judge.space.parse(arch), seed))
                for seed, arch in enumerate(cells[on, rules])
            ]
        )
    return Found(row, tuple(accuracies))


def difference(
    ours: list[float], figure: tuple[float, float], runs: int
) -> tuple[float, float]:
    """Tell ours less theirs, in points and in standard errors of the difference."""
    mean, deviation = figure
    error = math.hypot(pstdev(ours) / len(ours) ** 0.5, deviation / runs**0.5)
    return fmean(ours) - mean, (fmean(ours) - mean) / error


class Claim(NamedTuple):
    """Medians over runs: trials to one of the best 1 %, and validation error after 200.

    Attributes:
        strategy: Name.
        trials: For each of the tasks.
        errors: The same.
    """

    strategy: str
    trials: tuple[float, ...]
    errors: tuple[float, ...]


CLAIMANTS = (
    *("random_search", "anasod_random_search", "local_search"),
    *("anasod_local_search", "gp_bo", "anasod_bo"),
)


def claim(name: str) -> Claim:
    """Search each task for 200 trials of full training."""
    trials, errors = [], []
    for task in TASKS:
        benchmark = load(f"nats_tss/{task}")
        table, _ = benchmark.evaluate_many(benchmark.table.archs, 200, 0)
        goal = np.sort(table)[len(table) // 100 - 1]
        needed, last = [], []
        for seed in range(CLAIM_RUNS):
            strategy = catalogue.find(name).build(
                benchmark.space, (200,), np.random.default_rng(seed), RULES
            )
            timed, found = Timed(strategy), math.inf
            for incumbent in search(timed, benchmark, Rules(trials=200), seed=seed):
                if incumbent.error <= goal:
                    found = min(found, timed.trials)
            needed.append(found)
            last.append(incumbent.error)
        trials.append(median(needed))
        errors.append(median(last))
    return Claim(name, tuple(trials), tuple(errors))


def compose_claims(claims: list[Claim]) -> str:
    """Write the section on ANASOD."""
    lines = [CLAIM_HEAD, f"| strategy | {' | '.join(TASKS)} |", "|---|---|---|---|"]
    for strategy, trials, errors in claims:
        cells = (
            f"{t:g} ({100 * (1 - e):.2f})" for t, e in zip(trials, errors, strict=True)
        )
        lines.append(f"| `{strategy}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


CLAIM_HEAD = f"""\
## Wan, Ru, Esperança & Carlucci, WACV 2022 (ANASOD)

The claim: searching for how often a cell takes each operation needs fewer evaluations
than searching for the cell. Here, trials of full training until one of the best 1 % is
found (median of {CLAIM_RUNS} runs; `inf`: not within 200), and in brackets the
validation accuracy after 200 trials (median). A uniform draw is among the best 1 % with
probability 1/100, so that random search needs 69 in the median. Where a line with the
encoding is not better than the one above it, the claim does not hold on these tables.
Models are fitted by linear algebra, whose last digits differ between machines, and
their lines with them.
"""
HEAD = f"""\
# What was published, and what comes out here

Written by `make reproduce`: published protocols, {RUNS} runs each, on development
tables of NAS-Bench-201. Test accuracy in percent, mean ± deviation over runs. The last
column is ours less theirs in standard errors of that difference: beyond ±3 the two do
not agree. The tag says how the published figure is known: C read in the authors' code
or notebooks, R from memory, to be checked against the paper.

What the development tables are not: they hold means where the official file has single
runs, so a search here sees less noise than the published ones did; the validation
figures of CIFAR-10 are of an older release; a trial pays its training, and not the pass
over the validation images (some 3 % of it).
"""
TAIL = """\
Left out, because the tables cannot speak of it: BOHB under NATS-Bench's protocol
(learning curves of the 12-epoch schedule), everything on NATS-Bench's size space, and
everything on NAS-Bench-101, of which no validation figures were gathered.
"""


def compose(found: list[Found]) -> str:
    """Write the document."""
    parts = [HEAD]
    for key, protocol in PROTOCOLS.items():
        rows = [each for each in found if each.row.protocol == key]
        text = textwrap.fill(protocol.what, 88)
        parts.append(f"## {protocol.title}\n\n{text}\n")
        table = [
            "| row | ours | task | published | tag | here | points | standard errors |",
            "|---|---|---|---|---|---|---|---|",
        ]
        remarks = []
        for row, accuracies in rows:
            for task, ours, figure in zip(TASKS, accuracies, row.figures, strict=True):
                if ours is None or figure is None:
                    continue
                points, errors = difference(ours, figure, row.runs)
                table.append(
                    f"| {row.name} | `{row.strategy}` | {task}"
                    f" | {figure[0]:.2f} ± {figure[1]:.2f} | {row.tag}"
                    f" | {fmean(ours):.2f} ± {pstdev(ours):.2f} | {points:+.2f}"
                    f" | {errors:+.1f} |"
                )
            if row.remark:
                remark = f"- {row.name} (`{row.strategy}`): {row.remark}."
                remarks.append(
                    textwrap.fill(
                        remark, 88, subsequent_indent="  ", break_on_hyphens=False
                    )
                )
        parts.append("\n".join(table) + "\n")
        parts.append("\n".join(remarks) + "\n")
    return "\n".join(parts)


def reproduce() -> str:
    """Run everything; `tables` must be there."""
    rows = compose([run(row) for row in PUBLISHED])
    claims = compose_claims([claim(name) for name in CLAIMANTS])
    return "\n".join([rows, claims, TAIL])
