"""Commands about what can be run and what is recorded: list, import, tables, query."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchsuite.cli.options import AsJson, app, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchsuite.importer import Imported, Request
    from surrogates import Table


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List strategies, benchmarks, one-shot methods and named rules."""
    from benchsuite import catalogue
    from benchsuite.benchmarks import known, needs
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
    searched = _searched()
    if as_json:
        everything = {
            "strategies": strategies,
            "benchmarks": list(known()),
            **{key: list(names) for key, names in searched.items()},
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
    show("", ("strategy", "what it is", "settings"), lines)
    lacking = [
        (name, f"import {needs(name)}" if needs(name) else "") for name in known()
    ]
    show("", ("benchmark", "first"), lacking)
    searches = [(key, ", ".join(names)) for key, names in searched.items()]
    show("", ("search", "needs PyTorch" if not searches else ""), searches)
    show("", ("rules", "what differs from the default"), list(rules.items()))


def _searched() -> dict[str, list[str]]:
    """Name what `search` takes; nothing without PyTorch."""
    try:
        from benchsuite.supernet.datasets import DATA_SETS
        from benchsuite.supernet.methods import METHODS
        from benchsuite.supernet.networks import NETWORKS
    except ModuleNotFoundError:
        return {}
    return {
        "methods": sorted(METHODS),
        "spaces": sorted(NETWORKS),
        "data": list(DATA_SETS),
    }


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
            count = f"{facts['architectures']:,} architectures"
            what = ", ".join(imported.table.files) or count
            typer.echo(
                f"{facts['name']} (table {facts['table']}):"
                f" {'imported' if imported.new else 'there already'},"
                f" {what},"
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
        show(facts["name"], ("", ""), [(k, _plain(v)) for k, v in about.items()])
        show(
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
            show("", ("training", "what", "quality report"), notices)


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
            show(f"{finding.benchmark} (table {finding.table})", ("", ""), facts)
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
    show(record.benchmark, ("", ""), facts)
    runs = [
        (f"{run.seed}", f"{epochs}", f"{error:.6g}", f"{seconds:.6g}")
        for run in record.runs
        for epochs, error, seconds in zip(
            run.epochs, run.valid_error, run.seconds, strict=True
        )
    ]
    show("recorded runs", ("seed", "epochs", "validation error", "seconds"), runs)
