"""Commands about what results say: report, compare, reproduce."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchsuite.cli.options import (
    HERE,
    AllCores,
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
from benchsuite.cli.results import check, perform, read_law, read_seeds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchsuite.catalogue import Entry
    from benchsuite.report.comparison import Against, Comparison
    from benchsuite.report.leaderboard import Contest, Line


@app.command()
def report(
    out: Annotated[Path, typer.Option(help="Folder to write it to.")] = Path("report"),
    on: Annotated[
        list[str] | None, typer.Option(help="Only these benchmarks; takes commas.")
    ] = None,
    strategies: Annotated[
        list[str] | None, typer.Option(help="Only these strategies; takes commas.")
    ] = None,
    results: Results = HERE,
    as_json: AsJson = False,
) -> None:
    """Write a page, figures and tables about what has been run."""
    from benchsuite.publication import publish

    found = publish(
        results, out, on=words(on or []), strategies=words(strategies or [])
    )
    if as_json:
        facts = {"files": [str(path) for path in found.files], "notes": found.notes}
        typer.echo(json.dumps(facts, indent=1))
        return
    for note in found.notes:
        typer.echo(f"note: {note}", err=True)
    counts = (
        f"{n} {thing}{'s' * (n != 1)}"
        for n, thing in (
            (found.lines, "line"),
            (found.contests, "contest"),
            (found.figures, "figure"),
        )
    )
    typer.echo(f"{', '.join(counts)}: {out / 'index.html'}")


@app.command()
def compare(
    strategies: Strategies,
    on: On,
    seeds: Seeds = "240",
    trials: Trials = None,
    budget: Budget = None,
    workers: Workers = None,
    rules: RulesText = "default",
    jobs: AllCores = None,
    timeout: Timeout = 600.0,
    results: Results = HERE,
    as_json: AsJson = False,
) -> None:
    """Compare strategies with the first one named; what has not been run is run.

    A name that is no strategy is one that `results` has, such as a one-shot method.
    """
    from benchsuite.campaign import plan
    from benchsuite.core import InputError
    from benchsuite.recorded import recorded
    from benchsuite.report.comparison import compare as put_beside
    from benchsuite.report.leaderboard import contests

    names, chosen = words(on), read_seeds(seeds)
    check(names, timeout)
    law = read_law(rules, {"trials": trials, "budget": budget, "workers": workers})
    entries = {
        text: entry for text in strategies if (entry := _strategy(text, results))
    }
    if entries:
        tasks = plan(list(entries.values()), names, law, chosen, timeout=timeout)
        if _missing(tasks, results, jobs or os.cpu_count() or 1):
            raise typer.Exit(1)
    done = recorded(results, curves=True)
    rows = [
        row
        for row in done.rows
        if row.benchmark in names
        and (not entries or (row.rules == str(law) and row.seed in chosen))
    ]
    found = [
        put_beside(contest, lines)
        for contest in contests(rows, done.efforts)
        if len(lines := _lines(contest, strategies, entries)) > 1
    ]
    if not found:
        raise InputError(
            f"no two of {', '.join(strategies)} have results on {', '.join(names)}"
            " under the same rules; `benchsuite leaderboard` shows what there is"
        )
    if as_json:
        typer.echo(json.dumps(known([_facts(one) for one in found]), indent=1))
        return
    for comparison in found:
        _show(comparison)


def _strategy(text: str, results: Path) -> Entry | None:
    """Find a strategy; None if there is none and `results` has runs of that name.

    Raises:
        InputError: There is neither.
    """
    from benchsuite import catalogue
    from benchsuite.core import InputError
    from benchsuite.recorded import recorded

    try:
        return catalogue.find(text)
    except InputError:
        name = text.partition("[")[0]
        folder = results if results.exists() else None
        if folder and any(row.strategy == name for row in recorded(folder).rows):
            return None
        raise


def _missing(tasks: Sequence[Any], results: Path, jobs: int) -> int:
    """Run what is not recorded; say nothing if all is."""
    from benchsuite.store import Store

    with Store(results / "runs.sqlite") as store:
        todo = [task for task in tasks if task.run not in store]
    return perform(todo, results, jobs, quiet=True) if todo else 0


def _lines(
    contest: Contest, asked: Sequence[str], entries: dict[str, Entry]
) -> list[Line]:
    """Find the lines of a contest that were asked for, in that order."""
    found = []
    for text in asked:
        entry = entries.get(text)
        for line in contest.lines:
            row = line.runs[0][-1]
            if entry is not None:
                same = (row.strategy, row.settings, row.source) == (
                    *(entry.name, entry.settings, entry.source),
                )
            else:
                same = text in (row.strategy, line.standing.label)
            if same and line not in found:
                found.append(line)
    return found


def _show(comparison: Comparison) -> None:
    """Print a comparison for people."""
    import numpy as np

    from benchsuite.report.comparison import sparkline

    contest, first = comparison.contest, comparison.lines[0].standing
    everything = np.concatenate([line.curve for line in comparison.lines])
    known = everything[np.isfinite(everything) & (everything > 0)]
    ends = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    title = (
        f"{contest.benchmark} (table {contest.table}), {contest.rules or 'no limits'},"
        f" error: {contest.reports}"
    )
    show(
        title,
        (
            "strategy",
            "seeds",
            "error",
            "95 %",
            f"less {first.label}",
            "95 %",
            "p (Holm)",
            "better in",
            "seeds to tell",
            _span(comparison),
        ),
        [
            (*_figures(line), sparkline(line.curve, *ends) or "not recorded")
            for line in comparison.lines
        ],
    )


def _span(comparison: Comparison) -> str:
    """Say over which seconds the curves go."""
    times = comparison.moments
    return (
        f"error from {times[0]:,.3g} to {times[-1]:,.3g} s" if len(times) else "curve"
    )


def _figures(line: Against) -> Iterable[str]:
    """Spell the figures of a line."""
    standing, found = line.standing, line.difference
    yield standing.label
    yield f"{standing.seeds}"
    yield f"{standing.error_mean:.5f}"
    yield f"{standing.error_low:.5f} to {standing.error_high:.5f}"
    if found is None:
        yield from ("", "", "", "", "")
        return
    yield f"{found.mean:+.5f}"
    yield f"{found.low:+.5f} to {found.high:+.5f}"
    yield f"{line.p:.2g}"
    yield f"{100 * found.improvement:.0f} %"
    yield f"{found.needed:,}" if found.needed else "never"


def _facts(comparison: Comparison) -> dict[str, Any]:
    """Gather a comparison for programs."""
    from dataclasses import asdict

    contest = comparison.contest
    return {
        "benchmark": contest.benchmark,
        "table": contest.table,
        "rules": contest.rules,
        "reports": contest.reports,
        "seconds": comparison.moments.tolist(),
        "lines": [
            {
                **asdict(line.standing),
                "difference": asdict(line.difference) if line.difference else None,
                "p": line.p,
                "curve": line.curve.tolist(),
            }
            for line in comparison.lines
        ],
    }


@app.command()
def reproduce(
    row: Annotated[
        str,
        typer.Argument(metavar="ROW", help="Digits in the column `row`; or the first."),
    ],
    strategy: Annotated[
        str, typer.Option(help="Where it is now, if its file was moved: file.py:Class.")
    ] = "",
    jobs: AllCores = None,
    timeout: Timeout = 600.0,
    results: Results = HERE,
    as_json: AsJson = False,
) -> None:
    """Do the runs of a line of the leaderboard again; is every figure the same?

    Exit code 0 if they are. Measured seconds are not compared.
    """
    from benchsuite import reproduce as room
    from benchsuite.recorded import recorded
    from benchsuite.report.leaderboard import row_of
    from benchsuite.results import run_of

    done = recorded(results)
    rows = room.line(done.rows, row)
    circumstances = done.circumstances.get(run_of(rows[0]))
    asked = strategy or (circumstances.asked if circumstances else "")
    change = room.changed(rows, asked)
    command = room.command(rows, circumstances)
    if not as_json:
        typer.echo(f"line {row_of(rows[0])}: {command}")
        if change:
            typer.echo(f"note: {change}", err=True)
    differing = {}
    for run in room.again(
        rows, asked, jobs=jobs or os.cpu_count() or 1, timeout=timeout
    ):
        if run.differs:
            differing[run.run.seed] = run.differs
    if as_json:
        facts = {"command": command, "runs": len(rows), "note": change}
        typer.echo(json.dumps({**facts, "differing": differing}, indent=1))
    else:
        for seed, differs in sorted(differing.items())[:5]:
            typer.echo(f"seed {seed}: {'; '.join(differs)}")
        same = len(rows) - len(differing)
        typer.echo(f"{same} of {len(rows)} runs came out the same in every figure")
    if differing:
        raise typer.Exit(1)
