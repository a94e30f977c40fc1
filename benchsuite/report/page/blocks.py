"""The data of the page: columns rather than records, one block of each kind a contest.

Lines and runs are told apart by their places: the k-th entry of a block is about the
k-th line of its contest.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from benchsuite.report import anytime
from benchsuite.report.facts import ArchitectureFacts, Dossier, Origin, StrategyFacts
from benchsuite.report.leaderboard import Contest, Line, Standing
from benchsuite.report.page.encoding import figure, figures
from benchsuite.report.palette import styles
from benchsuite.results import Row

Block = dict[str, Any]
_FIGURES: dict[str, anytime.Figure] = {
    "error": anytime.reported_error,
    "regret": anytime.regret,
}


def name(contest: Contest) -> str:
    """Name the blocks of a contest: eight hex digits of a sha256 of what defines it."""
    words = (contest.benchmark, contest.table, contest.rules, contest.reports)
    text = "\n".join(words).encode(errors="surrogatepass")
    return hashlib.sha256(text).hexdigest()[:8]


def leaderboard(contests: Sequence[Contest]) -> Block:
    """Gather the standings as columns, and how each strategy is drawn."""
    lines = [line for contest in contests for line in contest.lines]
    standings = [line.standing for line in lines]
    return {
        "columns": {
            field.name: _column([getattr(s, field.name) for s in standings])
            for field in fields(Standing)
        },
        "contests": [
            {
                "name": name(contest),
                "lines": len(contest.lines),
                "clock": figures(_clock(contest)),
            }
            for contest in contests
        ],
        "recorded": [line.whole for line in lines],
        "styles": {label: list(style) for label, style in styles(contests).items()},
    }


def facts(contest: Contest, dossier: Dossier) -> list[Block]:
    """Say what each line is, and how to repeat it."""
    found = []
    for line in contest.lines:
        strategy = dossier.strategies.get(line.standing.row, StrategyFacts())
        origin = dossier.origins.get(line.standing.row, Origin())
        found.append(
            {
                "about": strategy.about,
                "settings": dict(strategy.settings),
                "paper": strategy.paper,
                "defined": strategy.defined,
                "command": origin.command,
                "versions": dict(origin.versions),
                "machine": dict(origin.machine),
            }
        )
    return found


def curves(contest: Contest) -> Block:
    """Average what is recorded over time: mean and 95 % interval of each line.

    Returns:
        Seconds [T]; and of each line error and regret as [mean, low, high], each [T],
        or None if its curves are not recorded.
    """
    times = anytime.moments(_recorded(contest))

    def bands(line: Line) -> Block | None:
        if not line.whole:
            return None
        return {
            word: [
                figures(part)
                for part in anytime.band(anytime.values(line.runs, times, read))
            ]
            for word, read in _FIGURES.items()
        }

    return {"seconds": figures(times), "lines": [bands(line) for line in contest.lines]}


def steps(contest: Contest) -> list[Block | None]:
    """List every change of incumbent, from which errors at any budget are computed.

    Returns:
        Of each line seconds and errors, one list a run; None if they are not recorded.
    """
    return [_steps(line) if line.whole else None for line in contest.lines]


def _steps(line: Line) -> Block:
    found = [[row for row in run if row.arch] for run in line.runs]
    return {
        "seconds": [figures(row.cost for row in run) for run in found],
        "error": [figures(row.reported_error for row in run) for run in found],
    }


def runs(contest: Contest) -> Block:
    """List what each run returned.

    Returns:
        Architectures; and of each line columns, in which an architecture is its place
        in that list.
    """
    finals = [[run[-1] for run in line.runs] for line in contest.lines]
    archs = sorted({row.arch for rows in finals for row in rows})
    places = {arch: place for place, arch in enumerate(archs)}

    def columns(rows: Sequence[Row]) -> Block:
        return {
            "seed": [row.seed for row in rows],
            "cost": figures(row.cost for row in rows),
            "error": figures(row.error for row in rows),
            "reported_error": figures(row.reported_error for row in rows),
            "regret": figures(row.regret for row in rows),
            "epochs": [row.epochs for row in rows],
            "arch": [places[row.arch] for row in rows],
            "metrics": [row.metrics for row in rows],
        }

    return {"archs": archs, "lines": [columns(rows) for rows in finals]}


def architectures(contest: Contest, dossier: Dossier) -> dict[str, Block]:
    """Tell what is recorded of the architectures that the runs returned."""
    known = dossier.architectures.get(contest.benchmark, {})
    returned = {run[-1].arch for line in contest.lines for run in line.runs}
    return {arch: _architecture(known[arch]) for arch in sorted(returned & set(known))}


def _architecture(found: ArchitectureFacts) -> Block:
    return {
        "drawings": [
            {
                "title": drawing.title,
                "vertices": list(drawing.vertices),
                "edges": [list(edge) for edge in drawing.edges],
            }
            for drawing in found.drawings
        ],
        "figures": dict(found.figures),
        "runs": [
            [seed, epochs, figure(error), figure(seconds)]
            for seed, epochs, error, seconds in found.runs
        ],
        "test_errors": figures(found.test_errors),
    }


def _column(values: Sequence[Any]) -> list[Any]:
    return [figure(v) if isinstance(v, float) else v for v in values]


def _recorded(contest: Contest) -> Contest:
    return replace(contest, lines=[line for line in contest.lines if line.whole])


def _clock(contest: Contest) -> list[float]:
    """Seconds from the first moment that a line has a mean to the last of any run.

    Returns:
        Two of them, or none if no line has a mean.
    """
    recorded = _recorded(contest)
    begun = [
        max(run[0].cost for run in line.runs)
        for line in recorded.lines
        if all(run[0].arch for run in line.runs)
    ]
    times = anytime.moments(recorded)
    if not begun or not len(times):
        return []
    return [max(min(begun), float(times[0])), float(times[-1])]  # 0 has no logarithm
