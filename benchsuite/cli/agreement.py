"""The command `agreement`: how good surrogates of a table are as benchmarks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchsuite.cli.options import AsJson, Seeds, app, show, words
from benchsuite.cli.results import read_seeds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchsuite.agreement.study import Line

_MODELS = ["RandomForest,GaussianProcess"]
_STRATEGIES = [
    "random_search,regularized_evolution,local_search,reinforce,simulated_annealing,"
    "genetic_algorithm,tpe"
]


@app.command()
def agreement(
    on: Annotated[str, typer.Option(help="A table, such as nb201/cifar10.")],
    models: Annotated[
        list[str],
        typer.Option(help="Such as XGBoost or ExtraTrees+paths; repeats, commas."),
    ] = _MODELS,
    strategies: Annotated[
        list[str], typer.Option(help="To rank; repeats, takes commas.")
    ] = _STRATEGIES,
    train_size: Annotated[
        int, typer.Option(help="Architectures to fit to and to cross-validate on.")
    ] = 1000,
    folds: Annotated[int, typer.Option(help="Of cross-validation.")] = 5,
    seeds: Seeds = "24",
    trials: Annotated[int, typer.Option(help="Of a search.", min=1)] = 200,
    out: Annotated[Path, typer.Option(help="Folder of the tables.")] = Path(
        "results/surrogates"
    ),
    as_json: AsJson = False,
) -> None:
    """Say how well surrogates predict, and whether leaderboards on them agree."""
    from benchsuite.agreement.study import Plan, save, study
    from benchsuite.benchmarks import load
    from benchsuite.benchmarks.tabular import TabularBenchmark
    from benchsuite.core import InputError

    benchmark = load(on)
    if not isinstance(benchmark, TabularBenchmark):
        raise InputError(f"{on} is no table: there is nothing to agree with")
    plan = Plan(
        models=words(models),
        strategies=words(strategies),
        cells=train_size,
        folds=folds,
        seeds=read_seeds(seeds),
        trials=trials,
    )
    lines = []
    for name, line in study(benchmark, plan):
        lines.append((name, line))
        if name == "leaderboards":  # the last of a model
            paths = save(lines, out / benchmark.name)
            typer.echo(f"{line.model}: done", err=True)
    if as_json:
        typer.echo(json.dumps([{"table": n, **li._asdict()} for n, li in lines]))
        return
    _show(lines)
    typer.echo(f"every figure: {', '.join(map(str, paths))}")


def _show(lines: Sequence[tuple[str, Line]]) -> None:
    """Print how good predictions are, and how leaderboards agree."""
    from benchsuite.agreement.predictions import FIGURES
    from benchsuite.agreement.study import Agreed, Predicted

    for table, title in (
        ("cross_validation", "cross-validation"),
        ("left_out", "trained without one optimiser, judged on its cells"),
    ):
        found: dict[tuple[str, str], dict[str, str]] = {}
        for name, line in lines:
            if name == table and isinstance(line, Predicted):
                figures = found.setdefault((line.model, line.part), {})
                figures[line.figure] = f"{line.mean:.3f}"
        rows = [(*key, *(cells[f] for f in FIGURES)) for key, cells in found.items()]
        show(title, ("model", "left out", *FIGURES), rows)
    agreed = [
        (
            line.model,
            f"{line.tau:.2f} ({line.low:.2f} to {line.high:.2f})",
            f"{line.best}",
        )
        for _, line in lines
        if isinstance(line, Agreed)
    ]
    show(
        "leaderboards: Kendall's tau of mean ranks with the table",
        ("model", "tau, 95 % interval", "same best strategy"),
        agreed,
    )
