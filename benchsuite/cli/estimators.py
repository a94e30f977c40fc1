"""The command `estimators`: how well, and at what cost, architectures can be judged."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchsuite.cli.options import AsJson, On, Seeds, app, known, show, words
from benchsuite.cli.results import read_seeds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchsuite.core import Benchmark
    from benchsuite.estimation.study import Plan, Result
    from benchsuite.estimation.table import Line


@app.command()
def estimators(
    on: On,
    train_size: Annotated[
        list[str], typer.Option(help="Architectures to learn from; takes commas.")
    ] = ["100,300,1000"],  # noqa: B006 - typer copies it
    seeds: Seeds = "20",
    estimators: Annotated[
        list[str] | None,
        typer.Option(
            help="Such as zero_cost/params, power_law@20, model/XGBoost+paths; repeats,"
            " takes commas. All that need no extra, unless told otherwise."
        ),
    ] = None,
    test_size: Annotated[
        int, typer.Option(help="Architectures to judge, in each seed.")
    ] = 1000,
    k: Annotated[int, typer.Option(help="How many are chosen by their scores.")] = 10,
    out: Annotated[Path, typer.Option(help="Folder of the tables and figures.")] = Path(
        "results/estimators"
    ),
    as_json: AsJson = False,
) -> None:
    """Compare estimators of an architecture's worth: how well, how costly."""
    from benchsuite.benchmarks import load
    from benchsuite.core import InputError
    from benchsuite.estimation.figure import draw
    from benchsuite.estimation.study import plan, study
    from benchsuite.estimation.table import compose, lines, write

    names = words(on)
    if not names:
        raise InputError("--on takes names of benchmarks; `benchsuite list` has them")
    plans = [
        (
            benchmark,
            plan(
                benchmark,
                words(estimators or []),
                _sizes(train_size),
                test_size=test_size,
                seeds=read_seeds(seeds),
                k=k,
            ),
        )
        for benchmark in map(load, names)
    ]
    facts = []
    for benchmark, asked in plans:
        for note in asked.notes:
            typer.echo(f"left out: {note}", err=True)
        found = lines(benchmark, asked, _followed(study(benchmark, asked), asked))
        table = out / f"{benchmark.name}.csv"
        write(table, compose(found))
        drawn = _drawn(found, table.with_suffix(".svg"), draw)
        if as_json:
            facts += [_facts(line) for line in found]
            continue
        _show(benchmark, asked, found)
        typer.echo(f"every figure and its interval: {table}{drawn}")
    if as_json:
        typer.echo(json.dumps(known(facts), indent=1))


def _sizes(texts: Iterable[str]) -> list[int]:
    """Read numbers of architectures.

    Raises:
        InputError: One is no number.
    """
    from benchsuite.core import InputError

    found = words(texts)
    for text in found:
        if not text.isdecimal():
            raise InputError(f"--train-size takes whole numbers, not {text!r:.40}")
    return list(map(int, found))


def _followed(results: Iterable[Result], plan: Plan) -> Iterable[Result]:
    """Pass results on, and show on a screen how far it is."""
    from rich.console import Console
    from rich.progress import Progress

    screen = Console(stderr=True)
    with Progress(console=screen, disable=not screen.is_terminal) as bar:
        task = bar.add_task("seeds", total=len(plan.seeds))
        for result in results:
            bar.update(task, completed=result.seed - plan.seeds[0])
            yield result


def _drawn(lines: Sequence[Line], path: Path, draw: Any) -> str:
    """Draw a figure where matplotlib is installed; say where it is."""
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        typer.echo("no figure: pip install 'benchsuite[report]' brings one", err=True)
        return ""
    draw(lines, path)
    return f"; a figure: {path}"


def _show(benchmark: Benchmark, plan: Plan, lines: Sequence[Line]) -> None:
    """Print a table for people, the best ranking first."""
    title = (
        f"{benchmark.name} (table {benchmark.data}), {plan.test_size:,} architectures"
        f" to judge, seeds: {len(plan.seeds)}; truth: {benchmark.reports}"
    )
    k = plan.k
    show(
        title,
        (
            *("estimator", "learns from", "Spearman", "95 %", "Kendall", "sparse"),
            *("R2", "MAE", f"P@{k}", f"N@{k}", f"regret@{k}", "best tenth"),
            *("covers", "set-up s", "query s", "fit s", "judge ms"),
        ),
        [_cells(line) for line in sorted(lines, key=_order)],
    )


def _order(line: Line) -> float:
    rho = line.figures["spearman"][0]
    return math.inf if math.isnan(rho) else -rho


def _cells(line: Line) -> list[str]:
    """Spell a line for people."""
    facts, figures = line.facts, line.figures
    _, low, high = figures["spearman"]
    return [
        str(facts["estimator"]),
        f"{facts['train_size']:,}" if facts["train_size"] else "",
        _spell(figures["spearman"][0]),
        f"{low:.3f} to {high:.3f}" if not math.isnan(low) else "",
        *(_spell(figures[n][0]) for n in ("kendall", "sparse_kendall", "r2")),
        _spell(figures["mae"][0], 4),
        _spell(figures["precision_at_k"][0], 2),
        _spell(figures["n_at_k"][0], 1),
        _spell(figures["regret_at_k"][0], 5),
        _spell(figures["spearman_top"][0]),
        _spell(float(facts["coverage"]), 2),
        _spell(float(facts["setup_seconds"]), 0),
        _spell(float(facts["query_seconds"]), 0),
        _spell(line.fit_seconds, 2),
        _spell(1000 * line.estimate_seconds, 3),
    ]


def _spell(value: float, digits: int = 3) -> str:
    return "" if math.isnan(value) else f"{value:,.{digits}f}"


def _facts(line: Line) -> dict[str, Any]:
    """Gather a line for programs, with the reasons for what is not known."""
    ends = ("mean", "low", "high")
    return {
        **line.facts,
        "fit_seconds_measured": line.fit_seconds,
        "estimate_seconds_measured": line.estimate_seconds,
        "figures": {
            name: dict(zip(ends, values, strict=True))
            for name, values in line.figures.items()
        },
        "reasons": dict(line.reasons),
    }
