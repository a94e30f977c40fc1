"""The smallest game that shows a breach: sizes are tried in ascending order."""

from collections.abc import Iterator
from time import monotonic

from benchsuite.campaign import OutOfTime
from benchsuite.contract.blame import BrokenError
from benchsuite.contract.game import Game, Subject
from benchsuite.contract.registry import Rule

_PATIENCE = 20.0  # seconds after which the smallest one so far will do
_SURE = 2  # how often it must show the breach


def games(rule: Rule, trials: int) -> Iterator[Game]:
    """List the games that a rule is tried in."""
    for on in rule.on:
        for workers in rule.workers:
            for seed in range(rule.seeds):
                most = min(trials, rule.most)
                yield Game(most, on, rule.spaces[-1], workers, seed)


def breach(rule: Rule, subject: Subject, game: Game) -> BrokenError | None:
    """Try a rule in a game; None if it is kept."""
    try:
        rule.check(subject, game)
    except BrokenError as broken:
        return broken
    return None


def candidates(rule: Rule, game: Game) -> Iterator[Game]:
    """List the games up to one that broke a rule, the smallest first.

    In this order: space, workers, seed. Shorter ones follow from these: see `shorter`.
    """
    for space in rule.spaces:
        for workers in range(rule.workers[0], game.workers + 1):
            for seed in range(game.seed + 1):
                yield game._replace(space=space, workers=workers, seed=seed)


def shorter(game: Game, trials: int) -> Iterator[Game]:
    """List the beginnings of a game that may have what was seen after some trials.

    With one worker, a shorter game is the beginning of a longer one, so that nothing is
    seen in it that was not; with several, the last outcomes come in another order.
    """
    least = trials if game.workers == 1 else 1
    for number in range(max(1, least), max(1, trials) + 1):
        yield game._replace(trials=number)


def smallest(
    rule: Rule, subject: Subject, game: Game, broken: BrokenError
) -> tuple[Game, BrokenError]:
    """Find the smallest game that shows the same breach, every time it is played.

    Args:
        rule: What is broken.
        subject: By whom.
        game: A game that showed it.
        broken: How.

    Returns:
        That game and the breach; what was given if it cannot be shown again, and what
        is smallest so far if this takes long.
    """
    deadline = monotonic() + _PATIENCE
    for candidate in candidates(rule, game):
        if monotonic() > deadline:
            return game, broken
        found = broken if candidate == game else breach(rule, subject, candidate)
        if found is None or not _same(found, broken):
            continue
        for short in shorter(candidate, found.trials):
            if monotonic() > deadline:
                break
            tries = [breach(rule, subject, short) for _ in range(_SURE)]
            if all(again and _same(again, broken) for again in tries):
                shown = tries[0]
                assert shown is not None  # it is one of all
                return short, shown
    return game, broken


def _same(one: BrokenError, other: BrokenError) -> bool:
    """Whether two breaches are one: by the same exception, at the same place.

    What was stopped because it took too long may have been stopped anywhere.
    """
    cause = type(one.__cause__)
    if one.kind != other.kind or cause is not type(other.__cause__):
        return False
    return cause is OutOfTime or one.where == other.where
