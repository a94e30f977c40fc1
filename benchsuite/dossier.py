"""What a report tells beside figures, gathered from registries, benchmarks and runs.

Nothing of a user's is executed for it: of a strategy in a file only its address and the
fingerprint of its source are told.
"""

import ast
import inspect
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from benchsuite import benchmarks, catalogue, reproduce
from benchsuite.benchmarks.tabular import TabularBenchmark
from benchsuite.core import Observation, Strategy, Trial
from benchsuite.drawings import drawings
from benchsuite.recorded import Recorded
from benchsuite.report.facts import (
    ArchitectureFacts,
    Dossier,
    Evaluated,
    Landscape,
    Origin,
    StrategyFacts,
)
from benchsuite.report.leaderboard import Contest, Line
from benchsuite.results import Circumstances, Run, run_of
from benchsuite.runner import Rules, search
from benchsuite.spaces import Architecture
from benchsuite.strategies import STRATEGIES

_ACROSS = "params"  # what landscapes are drawn over
_METHODS = Path(__file__).with_name("supernet") / "methods" / "__init__.py"


def dossier(contests: Sequence[Contest], known: Recorded) -> Dossier:
    """Gather it for a report.

    Args:
        contests: What the report is about.
        known: Says where runs come from, and which failed.
    """
    lines = [line for contest in contests for line in contest.lines]
    came = {
        line.standing.row: _circumstances(line, known.circumstances) for line in lines
    }
    tables = {
        (contest.benchmark, contest.table): table
        for contest in contests
        if (table := _table(contest))
    }
    archs: dict[str, dict[str, ArchitectureFacts]] = {}
    for contest in contests:
        if table := tables.get((contest.benchmark, contest.table)):
            archs.setdefault(contest.benchmark, {}).update(
                _architectures(contest, table)
            )
    evaluated = {
        line.standing.row: trace
        for contest in contests
        if (table := tables.get((contest.benchmark, contest.table)))
        for line in contest.lines
        if (trace := _evaluated(line, table))
    }
    return Dossier(
        landscapes={
            name: Landscape(*table.figures([_ACROSS, "error"]).T)
            for (name, _), table in tables.items()
            if _ACROSS in table.metrics
        },
        evaluated=evaluated,
        strategies={
            line.standing.row: _strategy(line, came[line.standing.row])
            for line in lines
        },
        architectures=archs,
        origins={
            line.standing.row: _origin(line, came[line.standing.row]) for line in lines
        },
        failures=[
            f"{run.strategy} on {run.benchmark}, seed {run.seed}: {reason}"
            for run, reason in known.failures
        ],
    )


def _circumstances(
    line: Line, known: Mapping[Run, Circumstances]
) -> Circumstances | None:
    """Tell where most runs of a line come from."""
    found = [c for run in line.runs if (c := known.get(run_of(run[-1])))]
    counted = Counter(map(repr, found))
    return max(found, key=lambda c: counted[repr(c)], default=None)


def _origin(line: Line, circumstances: Circumstances | None) -> Origin:
    command = reproduce.command([run[-1] for run in line.runs], circumstances)
    if circumstances is None:
        return Origin(command)
    return Origin(command, circumstances.versions, circumstances.machine)


def _strategy(line: Line, circumstances: Circumstances | None) -> StrategyFacts:
    """Describe the strategy of a line, as far as the registries know it."""
    row = line.runs[0][-1]
    changed = dict(pair.split("=", 1) for pair in row.settings.split() if "=" in pair)
    asked = circumstances.asked if circumstances else ""
    if ":" in asked.partition("[")[0]:  # somebody's file, which is not run for this
        return StrategyFacts("", changed, "", f"{asked} ({row.source})")
    if row.strategy in STRATEGIES:
        make = STRATEGIES[row.strategy]
        parameters = catalogue.hyper_parameters(row.strategy, make)
        usual = {name: str(p.default) for name, p in parameters.items()}
        where = f"{catalogue.module(make)} ({row.source})"
        about, paper = catalogue.summary(make), catalogue.citation(make)
        return StrategyFacts(about, {**usual, **changed}, paper, where)
    if paper := _methods().get(row.strategy, ""):
        where = f"benchsuite.supernet ({row.source})"
        return StrategyFacts("One-shot method.", changed, paper, where)
    return StrategyFacts("", changed, "", row.source)


def _methods() -> dict[str, str]:
    """Read which paper each one-shot method is of, without PyTorch."""
    text = inspect.cleandoc(ast.get_docstring(ast.parse(_METHODS.read_text())) or "")
    entries = re.findall(r"^- ([\w, ]+): (.*(?:\n  .*)*)", text, re.MULTILINE)
    return {
        name: " ".join(paper.split())
        for names, paper in entries
        for name in names.split(", ")
    }


def _evaluated(line: Line, table: TabularBenchmark) -> Evaluated | None:
    """Do the first run of a line again, and note what it tried; None where it cannot.

    That is so for files of users, for other versions of a source, and for strategies
    that would take long: more than a second.
    """
    row, thought = line.runs[0][-1], line.standing.thought
    settings = row.settings.replace(" ", ",")
    if row.strategy not in STRATEGIES or _ACROSS not in table.metrics:
        return None
    entry = catalogue.find(f"{row.strategy}[{settings}]" if settings else row.strategy)
    rules = Rules.parse(row.rules)
    if entry.source != row.source or not thought * min(rules.trials, 1e4) < 1:
        return None
    told = {name: getattr(rules, name) for name in catalogue.RULES}
    rng = np.random.default_rng(row.seed)
    strategy = Noted(entry.build(table.space, table.epochs, rng, told))
    for _ in search(strategy, table, rules, seed=row.seed):
        pass
    found = [table.query(arch, table.epochs[-1]) for arch in strategy.tried]
    errors = [
        np.mean(record.test_error or [run.valid_error[-1] for run in record.runs])
        for record in found
    ]
    params = [record.metrics[_ACROSS] for record in found]
    return Evaluated(np.array(params), np.array(errors))


class Noted:
    """A strategy, and what it was told the outcome of.

    Attributes:
        tried: Architectures that were trained, in order.
    """

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self.ask = strategy.ask
        self.tried: list[Architecture] = []

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Tell the strategy, and note it."""
        if trial.epochs:
            self.tried.append(trial.arch)
        self._strategy.tell(trial, observation)


def _table(contest: Contest) -> TabularBenchmark | None:
    """Open the table of a contest, if that version is installed."""
    with suppress(ValueError):  # it is absent, or damaged: the report goes without
        if contest.benchmark in benchmarks.known():
            found = benchmarks.load(contest.benchmark)
            if isinstance(found, TabularBenchmark) and found.data == contest.table:
                return found
    return None


def _architectures(
    contest: Contest, table: TabularBenchmark
) -> Iterator[tuple[str, ArchitectureFacts]]:
    """Look up what was returned by the runs of a contest."""
    finals = {run[-1].arch for line in contest.lines for run in line.runs}
    for arch in sorted(finals - {""}):
        with suppress(ValueError, KeyError):  # a row of another space
            record = table.query(arch, table.epochs[-1])
            figures = {
                name: f"{value:,.6g} {record.units.get(name, '')}".rstrip()
                for name, value in sorted(record.metrics.items())
            }
            runs = [
                (run.seed, run.epochs[-1], run.valid_error[-1], run.seconds[-1])
                for run in record.runs
            ]
            cells = drawings(table.space, table.space.parse(arch))
            yield arch, ArchitectureFacts(cells, figures, runs, record.test_error)
