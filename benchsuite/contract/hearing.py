"""What a process is asked about a strategy, and answers if it lives that long."""

import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from functools import cache

from benchsuite import catalogue
from benchsuite.campaign import OutOfTime, time_limit
from benchsuite.catalogue import Entry
from benchsuite.contract.blame import BrokenError
from benchsuite.contract.findings import Breach, Finding, call
from benchsuite.contract.game import COLD, SHORT, Game, Subject
from benchsuite.contract.notes import notes
from benchsuite.contract.registry import RULES, Rule
from benchsuite.contract.smallest import breach, games, smallest
from benchsuite.contract.watchdog import Watchdog
from benchsuite.core import InputError, Strategy

_LOADING = 60.0  # seconds that importing a user's file may take
Asked = str | Callable[..., Strategy]


@dataclass(frozen=True, slots=True)
class Request:
    """What a process is to do.

    Attributes:
        asked: What `catalogue.find` takes.
        patience: Seconds that a call of the strategy may take.
        rules: Names of rules, each of which needs the one before; none to find the
            strategy only.
        trials: Of a game, at most; 0 to find out.
        game: Play this one only.
    """

    asked: Asked
    patience: float
    rules: Sequence[str] = ()
    trials: int = 0
    game: Game | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request.

    Attributes:
        strategy: Name, with its settings.
        findings: Of each rule.
        trials: Of a game, at most.
        notes: See `Contract`.
        refused: Why there is no such strategy, in one line.
    """

    strategy: str = ""
    findings: Sequence[Finding] = ()
    trials: int = 0
    notes: Sequence[str] = ()
    refused: str = ""


def hear(request: Request) -> Answer:
    """Do what is requested, in a process that may be lost."""
    with redirect_stdout(sys.stderr):
        try:
            with time_limit(_LOADING):
                entry = _find(request.asked)
        except OutOfTime:
            return Answer(
                refused=f"{request.asked} took more than {_LOADING:g} s to load"
            )
        except InputError as error:
            return Answer(refused=str(error))
        watchdog = Watchdog(2 * request.patience)
        try:
            return _hear(request, Subject(entry, request.patience, watchdog))
        finally:
            watchdog.rest()


def _find(asked: Asked) -> Entry:
    """Find a strategy, with settings that its constructor takes.

    Raises:
        InputError: There is none.
    """
    try:
        entry = catalogue.find(asked)
        toy = Subject(entry).toy(Game(1))
        catalogue.check_settings(entry, toy.space, toy.epochs)
    except InputError:
        raise
    except Exception as error:  # whatever a user's module makes of being looked at
        raise InputError(f"{asked} cannot be loaded: {error!r:.200}") from error
    return entry


def _hear(request: Request, subject: Subject) -> Answer:
    entry = subject.entry
    title = f"{entry.name}[{entry.settings}]" if entry.settings else entry.name
    if request.game:
        breach(RULES[request.rules[0]], subject, request.game)
    if request.game or not request.rules:
        return Answer(title)
    _warm_up(request.asked, COLD * request.patience)
    trials = request.trials or subject.most()
    findings = []
    for name in request.rules:
        findings.append(_try(RULES[name], subject, trials))
        if findings[-1].status != "ok":
            return Answer(title, findings, trials)
    return Answer(
        title, findings, trials, [] if request.trials else notes(subject, trials)
    )


@cache
def _warm_up(asked: Asked, patience: float) -> None:
    """Play a game, once a process, so that what is imported for it is there."""
    subject = Subject(catalogue.find(asked), patience, Watchdog(2 * patience))
    with suppress(BrokenError):  # which will be noticed again
        subject.search(Game(SHORT))
    subject.watchdog.rest()


def _try(rule: Rule, subject: Subject, trials: int) -> Finding:
    """Try a rule in all of its games, and make the first breach small."""
    for game in games(rule, trials):
        if broken := breach(rule, subject, game):
            game, broken = smallest(rule, subject, game, broken)
            shown = call(subject.entry.asked, rule.name, game, subject.patience)
            found = Breach(rule.name, broken.what, broken.where, shown)
            return Finding(rule.name, rule.text, "broken", breach=found)
    return Finding(rule.name, rule.text, "ok")
