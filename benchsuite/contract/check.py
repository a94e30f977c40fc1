"""The contract of a strategy, tried in processes of its own."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass

from benchsuite import catalogue
from benchsuite.campaign import OutOfTime, time_limit
from benchsuite.catalogue import Entry
from benchsuite.contract.findings import Breach, Contract, Finding, call
from benchsuite.contract.game import LONG, PATIENCE, Game, Subject
from benchsuite.contract.notes import notes
from benchsuite.contract.registry import CHAIN, INDEPENDENT, RULES, Rule
from benchsuite.contract.smallest import breach, candidates, games, smallest
from benchsuite.contract.watchdog import Watchdog
from benchsuite.core import InputError, Strategy
from benchsuite.names import pick
from benchsuite.workers import Died, work

_LOADING = 60.0  # seconds that importing a user's file may take
_LIMIT = 900.0  # seconds for all games of a rule
_DEATH = "every_call_returns_in_time"
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


def contract(asked: Asked, *, jobs: int = 1, patience: float = PATIENCE) -> Contract:
    """Try every rule of the contract on a strategy, in other processes.

    What the strategy prints goes to stderr. Whatever it does, it does not end this
    process, not even where it is imported.

    Args:
        asked: What `catalogue.find` takes; a class must be importable.
        jobs: Number of processes.
        patience: Seconds that a call of the strategy may take.

    Raises:
        InputError: There is no such strategy, or it cannot be loaded.
    """
    names = [rule.name for rule in CHAIN]
    first = [Request(asked, patience), Request(asked, patience, names)]
    (_, found), (_, chain) = work(hear, first, jobs=1, limit=_LIMIT)
    if isinstance(found, Died):
        raise InputError(f"{asked} cannot be loaded: {found.reason}")
    if found.refused:
        raise InputError(found.refused)
    if isinstance(chain, Died):
        return Contract(found.strategy, list(_after_death(asked, patience, chain)), ())
    findings = list(chain.findings)
    broken = next((f.rule for f in findings if f.status != "ok"), None)
    if broken:
        rest = [*CHAIN[len(findings) :], *INDEPENDENT]
        findings += [_not_tried(rule, broken) for rule in rest]
        return Contract(found.strategy, findings, chain.notes)
    requests = [
        Request(asked, patience, [rule.name], chain.trials) for rule in INDEPENDENT
    ]
    known: dict[str, Finding] = {}
    for request, answer in work(hear, requests, jobs=jobs, limit=_LIMIT):
        rule = RULES[request.rules[0]]
        if isinstance(answer, Died):
            known[rule.name] = _death(rule, asked, patience, chain.trials, answer)
        else:
            (known[rule.name],) = answer.findings
    for rule in INDEPENDENT:
        needed = known.get(rule.needs)
        if needed and needed.status != "ok":
            known[rule.name] = _not_tried(rule, rule.needs)
        findings.append(known[rule.name])
    return Contract(found.strategy, findings, chain.notes)


def play(
    asked: Asked,
    rule: str,
    *,
    trials: int,
    on: str = "plain",
    space: tuple[int, int] = Game(1).space,
    workers: int = 1,
    seed: int = 0,
    patience: float = PATIENCE,
) -> None:
    """Try one rule in one game, in this process.

    Args:
        asked: What `catalogue.find` takes.
        rule: One of `RULES`.
        trials: How many the game has.
        on: One of `toys.KINDS`.
        space: How many decisions, and how many options each has.
        workers: How many trials run at once.
        seed: Of the strategy, and of the benchmark.
        patience: Seconds that a call may take.

    Raises:
        BrokenError: The rule is broken; what the strategy raised is its cause.
        InputError: There is no such strategy or rule.
    """
    subject = Subject(catalogue.find(asked), patience)
    found = pick("rule", rule, RULES)
    found.check(subject, Game(trials, on, space, workers, seed))


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
    trials = request.trials or subject.most()
    findings = []
    for name in request.rules:
        findings.append(_try(RULES[name], subject, trials))
        if findings[-1].status != "ok":
            return Answer(title, findings, trials)
    return Answer(
        title, findings, trials, [] if request.trials else notes(subject, trials)
    )


def _try(rule: Rule, subject: Subject, trials: int) -> Finding:
    """Try a rule in all of its games, and make the first breach small."""
    for game in games(rule, trials):
        if broken := breach(rule, subject, game):
            game, broken = smallest(rule, subject, game, broken)
            shown = call(subject.entry.asked, rule.name, game, subject.patience)
            found = Breach(rule.name, broken.what, broken.where, shown)
            return Finding(rule.name, rule.text, "broken", breach=found)
    return Finding(rule.name, rule.text, "ok")


def _not_tried(rule: Rule, broken: str) -> Finding:
    return Finding(rule.name, rule.text, "not tried", f"{broken} is broken")


def _after_death(asked: Asked, patience: float, died: Died) -> Iterator[Finding]:
    """Say what is known if the process was lost while the chain was tried."""
    for rule in RULES.values():
        if rule.name == _DEATH:
            yield _death(rule, asked, patience, LONG, died)
        else:
            yield _not_tried(rule, _DEATH)


def _death(
    rule: Rule, asked: Asked, patience: float, trials: int, died: Died
) -> Finding:
    """Find the smallest game that a process does not survive."""

    def first(some: Iterable[Game]) -> Game | None:
        requests = (Request(asked, patience, [rule.name], game=g) for g in some)
        for request, answer in work(hear, requests, jobs=1, limit=_LIMIT):
            if isinstance(answer, Died):
                return request.game
        return None

    reason = f"{died.reason}; a traceback, if there is one, is on stderr"
    large = first(games(rule, trials))
    best = large or next(games(rule, trials))
    if not large:
        reason = f"{died.reason}, but not again in a game of its own"
    else:
        best = first(candidates(rule, large)) or large
        lengths = range(1, best.trials + 1)
        best = first(best._replace(trials=n) for n in lengths) or best
    shown = call(asked, rule.name, best, patience)
    lost = Breach(rule.name, reason, "", shown)
    return Finding(rule.name, rule.text, "broken", breach=lost)
