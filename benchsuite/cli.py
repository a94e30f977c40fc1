"""The command line; a command imports the heavy rooms it needs itself."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchsuite.campaign import Outcome, Task
    from benchsuite.importer import Imported, Request
    from benchsuite.report.leaderboard import Standing
    from benchsuite.results import Row
    from benchsuite.store import Store
    from surrogates import Table

app = typer.Typer(
    help="Compare neural architecture search strategies under the same rules.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Results = Annotated[Path, typer.Option(help="Folder of runs.sqlite and the tables.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV for programs.")]
HERE = Path("results")
_SHOWN = 3  # failures that are told one by one


def main() -> None:
    """Run the command line; what a user can mend is one line and exit code 2."""
    # Before NumPy comes in: small arrays only wait for more threads than one.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        app()
    except ValueError as error:
        from benchsuite.core import InputError
        from surrogates import DataError

        if not isinstance(error, InputError | DataError):
            raise
        typer.echo(f"benchsuite: {error}", err=True)
        sys.exit(2)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List strategies, benchmarks and named rules."""
    from benchsuite import catalogue
    from benchsuite.benchmarks import known
    from benchsuite.runner import RULES
    from benchsuite.strategies import STRATEGIES

    strategies: dict[str, dict[str, Any]] = {
        name: {
            "about": catalogue.summary(make),
            "settings": {
                key: parameter.default
                for key, parameter in catalogue.hyper_parameters(name, make).items()
            },
        }
        for name, make in STRATEGIES.items()
    }
    for point in catalogue.installed_strategies():
        strategies.setdefault(point.name, {"about": point.value, "settings": {}})
    rules = {name: str(law) for name, law in RULES.items()}
    if as_json:
        everything = {
            "strategies": strategies,
            "benchmarks": list(known()),
            "rules": rules,
        }
        typer.echo(json.dumps(everything, indent=1))
        return
    lines = [
        (
            name,
            about["about"],
            " ".join(f"{k}={v}" for k, v in about["settings"].items()),
        )
        for name, about in strategies.items()
    ]
    _show("", ("strategy", "what it is", "settings"), lines)
    _show("", ("benchmark",), [(name,) for name in known()])
    _show("", ("rules", "what differs from the default"), list(rules.items()))


@app.command("import")
def import_(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="Published files or folders, or tables of yours (.csv, .parquet).",
        ),
    ],
    name: Annotated[
        str | None, typer.Option(help="What to call a table; one of yours needs it.")
    ] = None,
    space: Annotated[
        str | None, typer.Option(help="Search space of a table of yours.")
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Take an incomplete source as it is.")
    ] = False,
    losses: Annotated[
        bool,
        typer.Option(help="Keep losses, which only benchsuite.compat reads."),
    ] = True,
    jobs: Annotated[
        int | None, typer.Option(help="Processes; all cores by default.", min=1)
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Import again what is there already.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Convert benchmark files to tables, once; an interrupted import goes on."""
    from benchsuite.core import InputError
    from benchsuite.importer import Request

    if name and len(paths) > 1:
        raise InputError(f"--name is for one source, not {len(paths)}")
    for path in paths:
        imported = _import(
            Request(
                path, name, space, partial, losses, jobs or os.cpu_count() or 1, force
            )
        )
        facts = _table_facts(imported.name, imported.table)
        if as_json:
            typer.echo(json.dumps({**facts, "new": imported.new}))
        else:
            typer.echo(
                f"{facts['name']} (table {facts['table']}):"
                f" {'imported' if imported.new else 'there already'},"
                f" {facts['architectures']:,} architectures,"
                f" {facts['megabytes']:.1f} MB in {imported.folder}"
            )


def _import(request: Request) -> Imported:
    """Import one source, and show how far it is."""
    from rich.console import Console
    from rich.progress import Progress

    from benchsuite.importer import import_file

    screen = Console(stderr=True)
    with Progress(console=screen, disable=not screen.is_terminal) as bar:
        line = bar.add_task(request.path.name)
        try:
            return import_file(
                request,
                lambda done, total: bar.update(line, completed=done, total=total),
            )
        except KeyboardInterrupt:
            typer.echo("stopped; the same command goes on", err=True)
            raise typer.Exit(130) from None


@app.command()
def tables(as_json: AsJson = False) -> None:
    """Show the tables that are installed, and what was noticed at their import."""
    from benchsuite.benchmarks.installed import data_folder, installed
    from surrogates import Table

    everything = [
        _table_facts(name, Table.open(data_folder() / name)) for name in installed()
    ]
    if as_json:
        typer.echo(json.dumps(everything, indent=1))
        return
    if not everything:
        typer.echo(f"no table in {data_folder()} yet: benchsuite import PATH", err=True)
    for facts in everything:
        about = {
            k: v for k, v in facts.items() if k not in ("trainings", "report", "name")
        }
        _show(facts["name"], ("", ""), [(k, _plain(v)) for k, v in about.items()])
        _show(
            "",
            ("training", "runs", "seeds", "epochs", "splits (epochs)"),
            [
                (
                    title,
                    f"{t['runs']:,}",
                    ", ".join(map(str, t["seeds"])),
                    t["epochs"],
                    ", ".join(f"{n} ({e})" for n, e in t["splits"].items()),
                )
                for title, t in facts["trainings"].items()
            ],
        )
        notices = [
            (title, where, _plain(what))
            for title, entry in facts["report"].items()
            for where, what in (
                entry.items() if isinstance(entry, dict) else [("", entry)]
            )
        ]
        if notices:
            _show("", ("training", "what", "quality report"), notices)


def _plain(value: Any) -> str:
    """Spell a value of a report for people."""
    if isinstance(value, dict):
        return ", ".join(f"{k}: {_plain(v)}" for k, v in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value)


def _table_facts(name: str, table: Table) -> dict[str, Any]:
    """Collect what there is to tell of a table."""
    import numpy as np

    from benchsuite.benchmarks.installed import data_folder

    trainings = {
        title: {
            "runs": len(training.seeds),
            "seeds": np.unique(training.seeds)[:20].tolist(),
            "epochs": _span(training.epochs.tolist()),
            "splits": {n: _span(s.epochs.tolist()) for n, s in training.splits.items()},
        }
        for title, training in table.trainings.items()
    }
    files = (data_folder() / name).rglob("*.npy")
    about = {k: v for k, v in table.about.items() if k not in ("report", "stamp")}
    return {
        "name": name,
        "table": table.digest[:8],
        "sha256": table.digest,
        "source": table.source,
        "architectures": len(table.keys),
        "megabytes": sum(file.stat().st_size for file in files) / 1e6,
        **about,
        "trainings": trainings,
        "report": table.about.get("report", {}),
    }


def _span(epochs: Sequence[int]) -> str:
    """Spell some epochs: the few there are, or from and to."""
    if len(epochs) < 5:
        return " ".join(map(str, epochs))
    return f"{epochs[0]} to {epochs[-1]}"


@app.command()
def audit(as_json: AsJson = False) -> None:
    """Show which images each figure was computed on; fail if search sees the test."""
    from dataclasses import asdict

    from benchsuite.audit import audit as look

    findings = list(look())
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            facts = [
                ("epochs", finding.epochs),
                ("a search sees", f"{finding.seen}: {'; '.join(finding.seen_images)}"),
                (
                    "reported",
                    f"{finding.reported}: {'; '.join(finding.reported_images)}",
                ),
                ("in both", "; ".join(finding.overlap) or "none, as it must be"),
                *([("evidence", finding.evidence)] if finding.evidence else []),
                *([("because", finding.why)] if finding.why else []),
            ]
            _show(f"{finding.benchmark} (table {finding.table})", ("", ""), facts)
    leaks = [finding.benchmark for finding in findings if finding.overlap]
    if leaks:
        typer.echo(f"seen and reported images overlap: {', '.join(leaks)}", err=True)
        raise typer.Exit(1)


@app.command()
def query(
    benchmark: Annotated[str, typer.Argument(help='Name, e.g. "nb201/cifar10".')],
    arch: Annotated[
        str | None, typer.Argument(help="Published spelling; quote it.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Only after so many.")] = None,
    best: Annotated[
        bool, typer.Option("--best", help="The architecture of the lowest error.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show everything that is recorded of one architecture."""
    from dataclasses import asdict

    from benchsuite.benchmarks import load
    from benchsuite.benchmarks.tabular import TabularBenchmark
    from benchsuite.core import InputError

    table = load(benchmark)
    if not isinstance(table, TabularBenchmark):
        raise InputError(f"{benchmark} is not a table: nothing is recorded in it")
    if (arch is None) != best:
        raise InputError("query takes either an architecture or --best")
    try:
        record = table.query(table.best if arch is None else arch, epochs)
    except ValueError as error:
        raise InputError(str(error)) from error
    except KeyError as error:
        raise InputError(error.args[0]) from error
    if as_json:
        typer.echo(json.dumps(asdict(record), indent=1))
        return
    facts = [
        ("architecture", record.arch),
        ("isomorphic to", record.canonical),
        ("table", f"{record.table}, {record.source}"),
        *(
            (name, f"{value:,.6g} {record.units.get(name, '')}".rstrip())
            for name, value in sorted(record.metrics.items())
        ),
        *(("note", note) for note in record.notes),
    ]
    if tests := record.test_error:
        mean = f"{sum(tests) / len(tests):.6f}, mean of {len(tests)} runs"
        facts.append(("test error", mean))
    _show(record.benchmark, ("", ""), facts)
    runs = [
        (f"{run.seed}", f"{epochs}", f"{error:.6g}", f"{seconds:.6g}")
        for run in record.runs
        for epochs, error, seconds in zip(
            run.epochs, run.valid_error, run.seconds, strict=True
        )
    ]
    _show("recorded runs", ("seed", "epochs", "validation error", "seconds"), runs)


@app.command()
def run(
    strategies: Annotated[
        list[str],
        typer.Argument(
            metavar="STRATEGY...",
            help="Name or file.py:Class; settings in brackets: 'name[setting=value]'.",
        ),
    ],
    on: Annotated[list[str], typer.Option(help="Benchmarks; repeats, takes commas.")],
    seeds: Annotated[str, typer.Option(help="How many, or FROM:TO.")] = "30",
    trials: Annotated[
        float | None, typer.Option(help="Most trials of a run; 200 without a budget.")
    ] = None,
    budget: Annotated[float | None, typer.Option(help="Simulated seconds.")] = None,
    workers: Annotated[int | None, typer.Option(help="Simulated workers.")] = None,
    rules: Annotated[
        str, typer.Option(help="Preset and changes, e.g. nats,repeat=free.")
    ] = "default",
    jobs: Annotated[int, typer.Option(help="Processes.", min=1)] = 1,
    timeout: Annotated[
        float, typer.Option(help="Wall-clock seconds that one run may take.")
    ] = 600.0,
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
    from dataclasses import replace

    from benchsuite import catalogue
    from benchsuite.campaign import campaign, plan
    from benchsuite.core import InputError
    from benchsuite.runner import Rules
    from benchsuite.store import Store

    law = Rules.parse(rules)
    limits = {"trials": trials, "budget": budget, "workers": workers}
    changes: dict[str, Any] = {k: v for k, v in limits.items() if v is not None}
    law = replace(law, **changes)
    if not law.bounded:
        law = replace(law, trials=200)
    if not timeout > 0:
        raise InputError(f"--timeout must be seconds above 0, not {timeout}")
    names = [name.strip() for each in on for name in each.split(",") if name.strip()]
    if not names:
        raise InputError("--on takes names of benchmarks; `benchsuite list` has them")
    entries = [catalogue.find(strategy) for strategy in strategies]
    tasks = plan(
        list({(e.name, e.settings, e.source): e for e in entries}.values()),
        list(dict.fromkeys(names)),
        law,
        _seeds(seeds),
        timeout=timeout,
    )
    with Store(results / "runs.sqlite") as store:
        outcomes = campaign(tasks, store, jobs=jobs, force=force)
        failed = _follow(outcomes, tasks, results / "failures.log", as_json)
    if failed:
        raise typer.Exit(1)


def _seeds(text: str) -> range:
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
    outcomes: Iterable[Outcome], tasks: Sequence[Task], log: Path, as_json: bool
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
    if not as_json:
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
    results: Results = HERE, as_json: AsJson = False, as_csv: AsCsv = False
) -> None:
    """Rank what has been run, in leaderboard.csv and on the screen."""
    from dataclasses import asdict

    from benchsuite.store import Store

    with Store(results / "runs.sqlite", create=False) as store:
        standings = _standings(store, results)
        failures = len(store.failures())
    if failures:
        typer.echo(f"not in it: {failures} runs that failed", err=True)
    if not standings:
        typer.echo("no run has a result yet", err=True)
    if as_csv:
        typer.echo((results / "leaderboard.csv").read_text(encoding="utf-8"), nl=False)
    elif as_json:
        lines = [
            {k: None if v != v else v for k, v in asdict(standing).items()}  # nan
            for standing in standings
        ]
        typer.echo(json.dumps(lines, indent=1))
    else:
        _show_standings(standings)


def _standings(store: Store, results: Path) -> list[Standing]:
    """Compute the leaderboard and write it down."""
    from dataclasses import fields

    from benchsuite.report.leaderboard import Standing, leaderboard
    from benchsuite.results import write

    standings = leaderboard(store.rows())
    columns = [field.name for field in fields(Standing)]
    write(results / "leaderboard.csv", columns, standings)
    return standings


def _show_standings(standings: Sequence[Standing]) -> None:
    """Print one table for each contest."""
    from itertools import groupby

    contests = groupby(standings, lambda s: (s.benchmark, s.table, s.rules, s.reports))
    for (benchmark, table, rules, reports), lines in contests:
        title = f"{benchmark} (table {table}), {rules or 'no limits'}, error: {reports}"
        _show(
            title,
            (
                "",
                "strategy",
                "seeds",
                "error",
                "std",
                "95 %",
                "seen",
                "regret",
                "group",
            ),
            [
                (
                    f"{s.rank}",
                    f"{s.strategy}[{s.settings}]" if s.settings else s.strategy,
                    f"{s.seeds}",
                    f"{s.error_mean:.5f}",
                    f"{s.error_std:.5f}",
                    f"{s.error_low:.5f} to {s.error_high:.5f}",
                    f"{s.seen_mean:.5f}",
                    f"{s.regret_mean:.5f}",
                    s.group,
                )
                for s in lines
            ],
        )


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


def _show(title: str, columns: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """Print a table for people; text is shown as it is, never taken for markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=200)  # a pipe or file has no edge to wrap at
    table = Table(title=title, title_justify="left", header_style="")
    for column in columns:
        table.add_column(column, overflow="fold")
    for line in lines:
        table.add_row(*map(Text, line))
    console.print(table)
