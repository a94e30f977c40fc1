"""The contract of a strategy, tried in processes of its own."""

from collections.abc import Iterable, Iterator

from benchsuite import catalogue
from benchsuite.contract.findings import Breach, Contract, Finding, call
from benchsuite.contract.game import LONG, PATIENCE, Game, Subject
from benchsuite.contract.hearing import Answer, Asked, Request, hear
from benchsuite.contract.registry import CHAIN, INDEPENDENT, RULES, Rule
from benchsuite.contract.smallest import candidates, games
from benchsuite.core import InputError
from benchsuite.names import pick
from benchsuite.workers import Died, work

_LIMIT = 900.0  # seconds for all games of a rule
_DEATH = "every_call_returns_in_time"


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
    found, *rest = _begin(asked, patience)
    if isinstance(found, Died):
        raise InputError(f"{asked} cannot be loaded: {found.reason}")
    if found.refused:
        raise InputError(found.refused)
    (chain,) = rest
    if isinstance(chain, Died):
        return Contract(found.strategy, list(_after_death(asked, patience, chain)), ())
    findings = list(chain.findings)
    broken = next((f.rule for f in findings if f.status != "ok"), None)
    if broken:
        untried = [*CHAIN[len(findings) :], *INDEPENDENT]
        findings += [_not_tried(rule, broken) for rule in untried]
    else:
        findings += _go_on(asked, patience, chain.trials, jobs)
    return Contract(found.strategy, findings, chain.notes)


def _begin(asked: Asked, patience: float) -> list[Answer | Died]:
    """Find a strategy; if there is one, try the chain in the same process."""
    names = [rule.name for rule in CHAIN]
    requests = [Request(asked, patience), Request(asked, patience, names)]
    answers = []
    for _, answer in work(hear, requests, jobs=1, limit=_LIMIT):
        answers.append(answer)
        if isinstance(answer, Died) or answer.refused:
            break
    return answers


def _go_on(asked: Asked, patience: float, trials: int, jobs: int) -> list[Finding]:
    """Try the independent rules."""
    requests = [Request(asked, patience, [rule.name], trials) for rule in INDEPENDENT]
    known: dict[str, Finding] = {}
    jobs = min(jobs, len(requests))
    for request, answer in work(hear, requests, jobs=jobs, limit=_LIMIT):
        rule = RULES[request.rules[0]]
        if isinstance(answer, Died):
            known[rule.name] = _death(rule, asked, patience, trials, answer)
        else:
            (known[rule.name],) = answer.findings
    kept = {name for name, finding in known.items() if finding.status == "ok"}
    return [
        known[rule.name]
        if not rule.needs or rule.needs in kept
        else _not_tried(rule, rule.needs)
        for rule in INDEPENDENT
    ]


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
