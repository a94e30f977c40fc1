"""docs/surrogates.md: how good surrogates are as benchmarks, of results/surrogates/."""

import csv
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "surrogates.md"
FOLDER = ROOT / "results" / "surrogates" / "nb201" / "cifar10"
COLUMNS = {
    "r2": "R2",
    "kendall": "Kendall",
    "sparse_kendall": "sparse Kendall",
    "spearman": "Spearman",
    "mae": "mean absolute error",
    "coverage_50": "covers, of 50 %",
    "coverage_80": "of 80 %",
    "coverage_95": "of 95 %",
}
HEAD = """\
# Surrogate benchmarks

Written by `make docs`, from `results/surrogates/`, which `make agreement` makes.

    benchsuite fit surrogates.XGBoost --on nb201/cifar10 --train-size 1000 \\
        --out my.surrogate
    benchsuite run regularized_evolution --on surrogate:my.surrogate --trials 200
    benchsuite agreement --on nb201/cifar10 --models XGBoost,ExtraTrees+paths

A surrogate answers in place of a table: its errors are predictions, and its rows say
so (`surrogate` in the columns `reports` and `backend`). `agreement` asks of models, on
a table where the truth is known, what must be asked before a leaderboard on a surrogate
is believed. Everything here is on `nb201/cifar10`, with models as they come; networks
need the extra `supernet`, boosting the extra `surrogate`.

What a model sees: the validation errors of all recorded runs of the cells that it
learns from, one row a run. Trees, boosting and the Gaussian process read one-hot
options; the graph network reads the graph of a cell (`adjacency`), in which what is on
no path is left out, and which is the same for all cells that are isomorphic. No cell
that is judged has the graph of one that was learned from. Test errors are never seen.

## Predictions, cross-validated

Means over {parts} parts of {cells:,} cells drawn at random: each part is predicted by a
model of the others, {learned} cells, and compared with the mean over the recorded runs.
*Sparse* rounds predictions to .1 % first. *Covers* is the share of single runs that lie
in intervals of a normal distribution with the predicted standard deviation. Standard
errors over parts of the coverages are up to {error:.2f}. Intervals are made to hold
95 %, and do, within five points; errors have longer tails than a normal distribution,
so that intervals of 50 % hold more than that. R2 is ruled by the few cells
that are broken: an error of 90 % that is predicted as 20 % weighs as much as thousands
of good predictions; one-hot options do not show that a cell is cut in two, and a graph
does.

"""
LEFT = """
## Predictions for an optimiser that was left out

Each model learns from at most 1,000 of the cells that the other optimisers trained, and
predicts those of the one named (200 trials, {seeds} seeds, at most 1,000 cells): the
question of a new strategy that goes where none went before. Cells of a good optimiser
are alike and good, so that there is less to rank: compare columns, not rows.

"""
BOARDS = """
## Do leaderboards agree?

{strategies} strategies, {trials} trials, {seeds} seeds: on the table, and on a
surrogate benchmark fitted to {cells:,} random cells, with its noise. Each seed ranks
the strategies by the error to report; *tau* is Kendall's, of the mean ranks on both,
with the 95 % interval of a bootstrap over seeds. The first line compares the table with
itself, searched with other seeds: more than that cannot be asked for. Intervals are
wide: {strategies} strategies have {pairs} pairs; and where tau is near 1, they can only
lie below it.

"""
RANKS = """
## Where strategies stand

Mean rank over seeds; then the mean error in % that was reported by what was searched,
and, of what was found on a surrogate, the error that the table reports of the same
cells. The difference of the last two is what a surrogate promises and does not keep.

"""


STAGES = """
## Estimators in a search: cheap stages

Anything that `benchsuite estimators` compares can stand before training in a search:

- *Warm start*: judge many by a metric, and train the best first:
  `regularized_evolution_warm_start`, `bananas_warm_start`.
- *Move proposal*: train the best of several mutants, by a metric:
  `regularized_evolution_move_proposal`.
- *Early rejection*: train what is not in the worse half: by a metric
  (`regularized_evolution_early_rejection`), by a short training
  (`regularized_evolution_low_fidelity`), or over any strategy by any estimator
  (`early_rejection[strategy=...,estimator=...]`).
- *Rung promotion*: go by the expected end of a training, over any strategy that halves
  (`rung_promotion[strategy=...,estimator=...]`).

What is rejected is told to the strategy as a training that diverged, which every one
can bear. Models learn from what the search itself has trained. Estimators that need
weights, training losses or whole curves are refused.

Mean errors to report in %, after 200 trials, of `results/leaderboard.csv`; the metric
is `params`, and the estimator `model/ExtraTrees`. Standard errors are about .01, .04
and .04 with 240 seeds, three times that with 24.

"""
CURVES = """
Where there are learning curves, on `synthetic/curves` (60 seeds, `--budget 100000`, 82
full trainings; standard errors .07 to .14): a short training takes regularized
evolution from 13.80 % to 12.89. Extrapolating the curves does nothing for ASHA (12.24
and 12.24) and harm to successive halving (12.20 and 12.47) and Hyperband (12.59 and
12.66): there, curves keep their order, and an extrapolation only adds its own error.
Where curves cross, `tests/strategies/test_cheap_stage.py` has a benchmark on which
halving keeps the wrong ones, and extrapolation the right ones.
"""
SHOWN = (
    "regularized_evolution",
    "regularized_evolution_early_rejection",
    "regularized_evolution_move_proposal",
    "regularized_evolution_warm_start",
    "early_rejection",
)


def surrogates():
    """Compose the document."""
    cross, left, boards, ranks = (
        _read(name)
        for name in ("cross_validation", "left_out", "leaderboards", "ranks")
    )
    first, board = cross[0], boards[-1]
    spread = [float(r["error"]) for r in cross if r["figure"].startswith("coverage")]
    strategies = int(board["strategies"])
    return (
        HEAD.format(
            parts=first["parts"],
            cells=int(first["judged"]),
            learned=first["learned"],
            error=max(spread),
        )
        + _predicted(cross, "model")
        + LEFT.format(seeds=board["seeds"])
        + _predicted(left, "left out")
        + BOARDS.format(
            strategies=strategies,
            pairs=strategies * (strategies - 1) // 2,
            trials=board["trials"],
            seeds=board["seeds"],
            cells=int(board["cells"]),
        )
        + _boards(boards)
        + RANKS
        + _ranks(ranks)
        + STAGES
        + _stages()
        + CURVES
    )


def _read(name):
    with (FOLDER / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _predicted(lines, first):
    """Put the figures of each model and part side by side."""
    found = {}
    for line in lines:
        key = (line["model"], line["part"])
        found.setdefault(key, {})[line["figure"]] = float(line["mean"])
    rows = [
        [
            *(f"`{name}`" for name in key if name),
            *(f"{figures[name]:.{4 if name == 'mae' else 3}f}" for name in COLUMNS),
        ]
        for key, figures in found.items()
    ]
    head = ["model", "left out"] if first == "left out" else ["model"]
    return _table([*head, *COLUMNS.values()], rows)


def _boards(lines):
    rows = [
        [
            "the table, other seeds"
            if line["model"] == "table"
            else f"`{line['model']}`",
            line["cells"] if line["cells"] != "0" else "",
            f"{float(line['tau']):.2f}",
            f"{float(line['low']):.2f} to {float(line['high']):.2f}",
            "yes" if line["best"] == "True" else "no",
        ]
        for line in lines
    ]
    return _table(["benchmark", "cells", "tau", "95 % interval", "same best"], rows)


def _ranks(lines):
    models = list(dict.fromkeys(line["model"] for line in lines))
    found = {(line["model"], line["strategy"]): line for line in lines}
    strategies = dict.fromkeys(line["strategy"] for line in lines)
    rows = []
    for strategy in strategies:
        cells = [f"`{strategy}`"]
        for model in models:
            line = found[model, strategy]
            error, true = (100 * float(line[f]) for f in ("error", "true_error"))
            told = f"{error:.2f}" if model == "table" else f"{error:.2f}, {true:.2f}"
            cells.append(f"{float(line['rank']):.1f} ({told})")
        rows.append(cells)
    head = ["the table" if model == "table" else f"`{model}`" for model in models]
    return _table(["strategy", *head], rows)


def _stages():
    with (ROOT / "results" / "leaderboard.csv").open(newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["strategy"] in SHOWN]
    tasks = list(dict.fromkeys(line["benchmark"] for line in lines))
    found = {(line["strategy"], line["benchmark"]): line for line in lines}
    rows = []
    for name in SHOWN:
        cells = [found[name, task] for task in tasks]
        errors = [f"{100 * float(cell['error_mean']):.2f}" for cell in cells]
        rows.append([f"`{name}`", cells[0]["seeds"], *errors])
    return _table(["strategy", "seeds", *(f"`{task}`" for task in tasks)], rows)
