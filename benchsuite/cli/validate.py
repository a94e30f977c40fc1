"""The command about a strategy of one's own: validate."""

from __future__ import annotations

import json
import math
import os
import sys
from contextlib import nullcontext, redirect_stdout
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchsuite.cli.options import (
    AllCores,
    AsJson,
    Timeout,
    app,
    known,
    show,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from benchsuite.campaign import Done, Failed, Task
    from benchsuite.contract import Contract, Finding
    from benchsuite.verdict import Gap, Plan, Verdict

_ENOUGH = 3  # failures after which no more is run


@app.command()
def validate(
    strategy: Annotated[
        str,
        typer.Argument(
            metavar="STRATEGY",
            help="file.py:Class or name; settings in brackets: 'name[setting=value]'",
        ),
    ],
    on: Annotated[
        list[str] | None,
        typer.Option(help="Benchmarks; takes commas. All installed tables by default."),
    ] = None,
    seeds: Annotated[int, typer.Option(help="How many, from 0.")] = 240,
    jobs: AllCores = None,
    timeout: Timeout = 600.0,
    contract_only: Annotated[
        bool, typer.Option("--contract-only", help="Do not compare it with others.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Try the contract on a strategy, and compare it with three baselines.

    Exit code 0 only if it keeps the contract and no run fails. Nothing is recorded.
    """
    from benchsuite.contract import contract
    from benchsuite.core import InputError
    from benchsuite.verdict import check

    if not timeout > 0:
        raise InputError(f"--timeout must be seconds above 0, not {timeout}")
    names, cores = words(on or []), jobs or os.cpu_count() or 1
    if not contract_only:
        check(names, seeds)
    try:
        with _busy():
            tried = contract(strategy, jobs=cores)
        if not as_json:
            _show_contract(tried)
        verdict, failures = None, list[dict[str, Any]]()
        if tried.holds and not contract_only:
            verdict, failures = _compare(strategy, names, seeds, cores, timeout)
    except KeyboardInterrupt:
        typer.echo("stopped; nothing is recorded", err=True)
        raise typer.Exit(130) from None
    if as_json:
        facts = {
            "strategy": tried.strategy,
            "contract": _contract_facts(tried),
            "failures": failures,
            "verdict": _verdict_facts(verdict) if verdict else None,
        }
        typer.echo(json.dumps(known(facts), indent=1, allow_nan=False))
    elif verdict:
        _show_verdict(verdict)
    if failures or not tried.holds:
        raise typer.Exit(1)


def _busy() -> Any:
    """Show that the contract is being tried, to people only."""
    from rich.console import Console

    screen = Console(stderr=True)
    return screen.status("trying the contract") if screen.is_terminal else nullcontext()


def _compare(
    strategy: str, on: Sequence[str], seeds: int, jobs: int, timeout: float
) -> tuple[Verdict | None, list[dict[str, Any]]]:
    """Run a strategy and the baselines; a verdict, or what failed."""
    from benchsuite.campaign import Done, perform
    from benchsuite.verdict import judge, plan

    with redirect_stdout(sys.stderr):  # what a user's file prints
        planned = plan(strategy, on, seeds, timeout=timeout)
    done, failures = list[tuple["Task", "Done"]](), list[dict[str, Any]]()
    results = perform(planned.tasks, jobs)
    for task, result in _shown(results, planned):
        if isinstance(result, Done):
            done.append((task, result))
            continue
        run = task.run
        failures.append(
            {
                "strategy": run.strategy,
                "benchmark": run.benchmark,
                "seed": run.seed,
                "reason": result.reason,
            }
        )
        where = f"{run.strategy} on {run.benchmark}, seed {run.seed}"
        typer.echo(f"failed: {where}: {result.reason}", err=True)
        if len(failures) == _ENOUGH:
            break
    return None if failures else judge(planned, done), failures


def _shown(
    results: Iterable[tuple[Task, Done | Failed]], planned: Plan
) -> Iterator[tuple[Task, Done | Failed]]:
    """Pass results on, and show people how far they are."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    screen = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn())
    bar = Progress(*columns, TimeRemainingColumn(), console=screen)
    with bar if screen.is_terminal else nullcontext():
        line = bar.add_task("runs", total=len(planned.tasks))
        for task, result in results:
            bar.update(line, advance=1, description=task.run.strategy)
            yield task, result


def _show_contract(tried: Contract) -> None:
    """Print what became of the rules, for people."""
    kept = sum(finding.status == "ok" for finding in tried.findings)
    show(
        f"{tried.strategy}: {kept} of {len(tried.findings)} rules are kept",
        ("", "rule", "in words"),
        [(f.status, f.rule, f.text) for f in tried.findings],
    )
    for finding in tried.findings:
        if breach := finding.breach:
            where = f" ({breach.where})" if breach.where else ""
            typer.echo(f"\n{breach.rule} is broken: {breach.what}{where}")
            typer.echo("    " + breach.call.replace("\n", "\n    "))
    for note in tried.notes:
        typer.echo(f"note: {note}")


def _show_verdict(verdict: Verdict) -> None:
    """Print a verdict for people."""
    from benchsuite.verdict import TRAININGS, sentences

    typer.echo()
    for sentence in sentences(verdict):
        typer.echo(sentence)
    typer.echo("It is deterministic: the same seed gives the same run.")
    columns = [f"{n} trainings" for n in TRAININGS]
    everywhere = len(verdict.clocks) > 1
    lines = [
        (name, against.baseline, *map(_spell, gaps))
        for name in (["all of them"] if everywhere else []) + list(verdict.clocks)
        for against in verdict.against
        for gaps in [against.benchmarks.get(name, against.overall)]
    ]
    show(
        f"error of {verdict.strategy} less the other's, in points (95 %), after the"
        " time of",
        ("benchmark", "other", *columns),
        lines,
    )
    show(
        "mean error in per cent, after the time of",
        (f"benchmark, time of {TRAININGS[-1]}", "strategy", *columns),
        [
            (
                f"{benchmark}, {verdict.clocks[benchmark][-1]:,.0f} s",
                strategy,
                *(f"{100 * error:.3f}" for error in errors),
            )
            for benchmark, own in verdict.errors.items()
            for strategy, errors in own.items()
        ],
    )


def _spell(gap: Gap) -> str:
    """Write a difference into a cell, with what can be told."""
    from benchsuite.verdict import points

    if math.isnan(gap.mean):
        return "not known"
    told = "not apart" if gap.seen == "not distinguishable" else gap.seen
    ends = f"{points(gap.low)} to {points(gap.high)}"
    return f"{points(gap.mean)} ({ends}) {told}"


def _contract_facts(tried: Contract) -> dict[str, Any]:
    return {
        "holds": tried.holds,
        "deterministic": tried.deterministic,
        "rules": [_finding_facts(finding) for finding in tried.findings],
        "notes": list(tried.notes),
    }


def _finding_facts(finding: Finding) -> dict[str, Any]:
    breach = finding.breach
    return {
        "rule": finding.rule,
        "text": finding.text,
        "status": finding.status,
        "reason": finding.reason,
        "what": breach.what if breach else "",
        "where": breach.where if breach else "",
        "call": breach.call if breach else "",
    }


def _verdict_facts(verdict: Verdict) -> dict[str, Any]:
    from benchsuite.verdict import TRAININGS, sentences

    return {
        "words": sentences(verdict),
        "seeds": verdict.seeds,
        "trainings": list(TRAININGS),
        "seconds": dict(verdict.clocks),
        "errors": verdict.errors,
        "against": [asdict(against) for against in verdict.against],
        "milliseconds": {
            name: {key: 1000 * value for key, value in own._asdict().items()}
            for name, own in verdict.thinking.items()
        },
    }
