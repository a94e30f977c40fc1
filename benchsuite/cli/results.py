"""Commands about runs and their tables: run, leaderboard, export, import-results."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchsuite.cli.options import (
    HERE,
    AsJson,
    Budget,
    On,
    Results,
    RulesText,
    Seeds,
    Strategies,
    Timeout,
    Trials,
    Workers,
    app,
    known,
    show,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchsuite.campaign import Outcome, Task
    from benchsuite.report.fronts import FrontStanding
    from benchsuite.report.leaderboard import Standing
    from benchsuite.results import Row
    from benchsuite.runner import Rules
    from benchsuite.store import Store

AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV for programs.")]
_SHOWN = 3  # failures that are told one by one


@app.command()
def run(
    strategies: Strategies,
    on: On,
    seeds: Seeds = "30",
    trials: Trials = None,
    budget: Budget = None,
    workers: Workers = None,
    rules: RulesText = "default",
    objectives: Annotated[
        str | None,
        typer.Option(help="What is minimised, e.g. error,latency_edgegpu."),
    ] = None,
    constraints: Annotated[
        str | None, typer.Option(help="Most of metrics, e.g. 'params<1e6,macs<1e8'.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Processes.", min=1)] = 1,
    timeout: Timeout = 600.0,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Run again, replacing what is recorded, also by earlier versions of"
            " the source.",
        ),
    ] = False,
    results: Results = HERE,
    as_json: AsJson = False,
) -> None:
    """Run strategies on benchmarks; what has been recorded is left alone."""
    from benchsuite import catalogue
    from benchsuite.campaign import plan, remarks

    law = read_law(
        rules,
        {"trials": trials, "budget": budget, "workers": workers},
        {"objectives": objectives, "constraints": constraints},
    )
    found = [catalogue.find(strategy) for strategy in strategies]
    entries = list({(e.name, e.settings, e.source): e for e in found}.values())
    names = words(on)
    check(names, timeout)
    tasks = plan(entries, names, law, read_seeds(seeds), timeout=timeout)
    for remark in remarks(entries, names):
        typer.echo(f"note: {remark}", err=True)
    if perform(tasks, results, jobs, force=force, as_json=as_json):
        raise typer.Exit(1)


def check(names: Sequence[str], timeout: float) -> None:
    """Refuse to run on nothing, or in no time.

    Raises:
        InputError: So it is.
    """
    from benchsuite.core import InputError

    if not timeout > 0:
        raise InputError(f"--timeout must be seconds above 0, not {timeout}")
    if not names:
        raise InputError("--on takes names of benchmarks; `benchsuite list` has them")


def perform(
    tasks: Sequence[Task],
    results: Path,
    jobs: int,
    *,
    force: bool = False,
    as_json: bool = False,
    quiet: bool = False,
) -> int:
    """Do and record what is not recorded yet, and show it; count what failed."""
    from benchsuite.campaign import campaign
    from benchsuite.store import Store

    with Store(results / "runs.sqlite") as store:
        outcomes = campaign(tasks, store, jobs=jobs, force=force)
        return _follow(outcomes, tasks, results / "failures.log", as_json, quiet)


def read_law(
    rules: str,
    limits: Mapping[str, float | None],
    texts: Mapping[str, str | None] = MappingProxyType({}),
) -> Rules:
    """Read a preset with changes, and what options say beyond it.

    Raises:
        InputError: A word names no rule, or a rule has no such value.
    """
    from dataclasses import replace

    from benchsuite.runner import Rules

    changes: dict[str, Any] = {k: v for k, v in limits.items() if v is not None}
    for name, text in texts.items():
        if text is not None:
            changes[name] = Rules.read(name, text.replace(",", "&"))
    law = replace(Rules.parse(rules), **changes)
    return law if law.bounded else replace(law, trials=200)


def read_seeds(text: str) -> range:
    """Read a number of seeds, or FROM:TO without TO.

    Raises:
        InputError: It is neither, or there are none.
    """
    from benchsuite.core import InputError

    first, last = text.split(":", 1) if ":" in text else ("0", text)
    try:
        seeds = range(int(first), int(last))
    except ValueError:
        seeds = range(0)
    if not seeds or seeds[0] < 0:
        raise InputError(f"--seeds takes a number above 0, or FROM:TO, not {text!r}")
    return seeds


def _follow(
    outcomes: Iterable[Outcome],
    tasks: Sequence[Task],
    log: Path,
    as_json: bool,
    quiet: bool,
) -> int:
    """Show how a campaign goes on and how it ended; return how many runs failed."""
    from collections import Counter
    from contextlib import nullcontext
    from dataclasses import asdict

    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    count: Counter[str] = Counter()
    screen = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn())
    bar = Progress(*columns, TimeRemainingColumn(), console=screen)
    try:
        with bar if screen.is_terminal else nullcontext():
            line = bar.add_task("runs", total=len(tasks))
            for outcome in outcomes:
                count[outcome.status] += 1
                run = outcome.run
                bar.update(line, advance=1, description=run.strategy)
                if as_json:
                    facts = {**asdict(run), "status": outcome.status}
                    if outcome.reason:
                        facts["reason"] = outcome.reason
                    typer.echo(json.dumps(facts))
                if outcome.status == "failed":
                    _write_down(outcome, log)
                    if count["failed"] <= _SHOWN:
                        where = f"{run.strategy} on {run.benchmark}, seed {run.seed}"
                        typer.echo(f"failed: {where}: {outcome.reason}", err=True)
    except KeyboardInterrupt:
        typer.echo(
            f"stopped: {count['recorded']} runs recorded; the same command goes on",
            err=True,
        )
        raise typer.Exit(130) from None
    if count["failed"]:
        typer.echo(f"{count['failed']} runs failed: see {log}", err=True)
    if not as_json and not quiet:
        if count["known"] == len(tasks):
            typer.echo(
                f"nothing to do: all {len(tasks)} runs are recorded"
                " (--force runs them again)"
            )
        else:
            typer.echo(
                f"{len(tasks)} runs: {count['recorded']} recorded, {count['known']}"
                f" there already, {count['failed']} failed"
            )
    return count["failed"]


def _write_down(outcome: Outcome, log: Path) -> None:
    """Append a failure and its traceback to the log.

    Raises:
        InputError: The log cannot be written.
    """
    from benchsuite.core import InputError

    run = outcome.run
    title = f"{run.strategy} [{run.settings}] on {run.benchmark}, seed {run.seed}"
    try:
        with log.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{title}, {run.rules}\n{outcome.reason}\n{outcome.trace}\n")
    except OSError as error:
        raise InputError(f"cannot write {log}: {error.strerror}") from error


@app.command()
def leaderboard(
    results: Results = HERE,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    as_latex: Annotated[
        bool, typer.Option("--latex", help="Print booktabs tables to paste.")
    ] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print tables to paste.")
    ] = False,
    parquet: Annotated[
        Path | None, typer.Option(help="Write a Parquet file as well.")
    ] = None,
) -> None:
    """Rank what has been run, in leaderboard.csv and on the screen."""
    from dataclasses import asdict

    from benchsuite.report import tables
    from benchsuite.store import Store

    with Store(results / "runs.sqlite", create=False) as store:
        standings = _standings(store, results)
        failures = len(store.failures())
    if failures:
        typer.echo(f"not in it: {failures} runs that failed", err=True)
    if not standings:
        typer.echo("no run has a result yet", err=True)
    if parquet:
        _write_parquet(standings, parquet)
    if as_csv:
        typer.echo(tables.as_csv(standings), nl=False)
    elif as_latex:
        typer.echo(tables.latex(standings), nl=False)
    elif as_markdown:
        typer.echo(tables.markdown(standings), nl=False)
    elif as_json:
        lines = [asdict(standing) for standing in standings]
        typer.echo(json.dumps(known(lines), indent=1))
    else:
        _show_standings(standings)


def _write_parquet(standings: Sequence[Standing], path: Path) -> None:
    """Write a Parquet file.

    Raises:
        InputError: pyarrow is missing, or the file cannot be written.
    """
    from benchsuite.core import InputError
    from benchsuite.report.tables import write_parquet

    try:
        write_parquet(standings, path)
    except ImportError as error:
        raise InputError(
            "Parquet needs pyarrow: pip install 'benchsuite[parquet]'"
        ) from error
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def _standings(store: Store, results: Path) -> list[Standing]:
    """Compute the leaderboard and write it down."""
    from benchsuite.report.leaderboard import CANONICAL, leaderboard
    from benchsuite.results import write

    standings = leaderboard(store.rows(), store.efforts())
    write(results / "leaderboard.csv", CANONICAL, standings)
    return standings


def _show_standings(standings: Sequence[Standing]) -> None:
    """Print one table for each contest."""
    from itertools import groupby

    contests = groupby(standings, lambda s: (s.benchmark, s.table, s.rules, s.reports))
    for (benchmark, table, rules, reports), lines in contests:
        title = f"{benchmark} (table {table}), {rules or 'no limits'}, error: {reports}"
        show(
            title,
            (
                "",
                "strategy",
                "backend",
                "seeds",
                "error",
                "std",
                "95 %",
                "seen",
                "regret",
                "group",
                "thought",
            ),
            [
                (
                    f"{s.rank}",
                    s.label,
                    s.backend,
                    f"{s.seeds}",
                    f"{s.error_mean:.5f}",
                    f"{s.error_std:.5f}",
                    f"{s.error_low:.5f} to {s.error_high:.5f}",
                    f"{s.seen_mean:.5f}",
                    f"{s.regret_mean:.5f}",
                    s.group,
                    f"{1e3 * s.thought:.3g} ms" if s.thought == s.thought else "",
                )
                for s in lines
            ],
        )


@app.command()
def fronts(results: Results = HERE, as_json: AsJson = False) -> None:
    """Rank what was run for several objectives, by hypervolume, in fronts.csv."""
    from dataclasses import asdict, fields

    from benchsuite.report.fronts import FrontStanding
    from benchsuite.results import write
    from benchsuite.store import Store

    with Store(results / "runs.sqlite", create=False) as store:
        standings = _fronts(store)
    columns = [field.name for field in fields(FrontStanding)]
    write(results / "fronts.csv", columns, standings)
    if as_json:
        typer.echo(json.dumps(known([asdict(line) for line in standings]), indent=1))
        return
    if not standings:
        typer.echo("no run with several objectives has a result yet", err=True)
    show(
        "",
        ("benchmark", "rules", "strategy", "seeds", "hypervolume", "95 %", "IGD+"),
        [
            (
                f"{line.benchmark} ({line.table})",
                line.rules,
                f"{line.strategy}[{line.settings}]" if line.settings else line.strategy,
                f"{line.seeds}",
                f"{line.hypervolume:.5f}",
                f"{line.hypervolume_low:.5f} to {line.hypervolume_high:.5f}",
                f"{line.igd_plus:.5f}",
            )
            for line in standings
        ],
    )


def _fronts(store: Store) -> list[FrontStanding]:
    """Compare the fronts of every contest of several objectives with the exact one."""
    from itertools import groupby

    from benchsuite.benchmarks import exact
    from benchsuite.report.fronts import Scale, standings
    from benchsuite.runner import Rules

    found = []
    rows = sorted(store.rows(curves=True), key=_contest)
    for (name, table, rules), own in groupby(rows, key=_contest):
        law = Rules.parse(rules.replace(" ", ","))
        if len(law.objectives) > 1:
            scale = Scale(exact(name, table, law.objectives, law.constraints))
            found += standings(own, law.objectives, scale)
    return found


def _contest(row: Row) -> tuple[str, str, str]:
    return row.benchmark, row.table, row.rules


@app.command()
def export(
    curves: Annotated[
        bool, typer.Option("--curves", help="Write every change of incumbent too.")
    ] = False,
    results: Results = HERE,
) -> None:
    """Write the canonical CSVs: <benchmark>/<strategy>.csv and leaderboard.csv."""
    from benchsuite.results import export as write_tables
    from benchsuite.store import Store

    with Store(results / "runs.sqlite", create=False) as store:
        files = write_tables(store.rows(curves=curves), results, curves=curves)
        _standings(store, results)
    typer.echo(f"{len(files)} tables and leaderboard.csv written to {results}")


@app.command("import-results")
def import_results(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="CSV files, or folders.")
    ],
    results: Results = HERE,
) -> None:
    """Read tables that `export` wrote; runs that are recorded already stay."""
    from benchsuite.core import InputError
    from benchsuite.results import read
    from benchsuite.store import Store

    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"no such file or folder: {path}")
        inside = sorted(p for p in path.rglob("*.csv") if p.name != "leaderboard.csv")
        files += inside if path.is_dir() else [path]
    if not files:
        raise InputError(f"no result tables in {', '.join(map(str, paths))}")
    runs = _runs(row for file in files for row in read(file))
    with Store(results / "runs.sqlite") as store:
        new = store.add_all(runs)
    typer.echo(f"{len(runs)} runs read from {len(files)} tables, {new} of them new")


def _runs(table: Iterable[Row]) -> list[list[Row]]:
    """Sort rows into runs; one that stands in two files counts once."""
    from itertools import groupby

    from benchsuite.results import run_of

    unique = {repr(row): row for row in table}  # nan is not equal to itself
    return [list(group) for _, group in groupby(sorted(unique.values()), key=run_of)]
