"""What no rule forbids, and a user may want to know of a strategy."""

from contextlib import suppress

from benchsuite.contract.blame import BrokenError
from benchsuite.contract.game import SHORT, Game, Subject


def notes(subject: Subject, trials: int) -> list[str]:
    """Look at games of a strategy that keeps the basic rules.

    Args:
        subject: The strategy.
        trials: Of a game.
    """
    first = subject.search(Game(trials))
    second = subject.search(Game(trials, seed=1))
    full = subject.toy(Game(trials)).epochs[-1]
    asked = {trial.epochs for trial in first.asked}
    found = []
    if first.asked == second.asked:
        found.append("its rng changes nothing: another seed gives the same run")
    if first.trained < trials:
        found.append(f"it ends a search by itself, after {first.trained} trials")
    if full not in asked:
        found.append("it never trains in full, so that its choice rests on less")
    if 0 in asked:
        found.append("it asks for metrics of untrained networks")
    if subject.entry.metrics:
        needed = ", ".join(map(str, subject.entry.metrics))
        found.append(f"it needs a benchmark that has {needed}")
    with suppress(BrokenError):  # there is a rule about several workers
        if subject.search(Game(trials, workers=8)).waits:
            found.append(
                "it waits for outcomes: with 8 workers, some are idle at times"
            )
    if trials == SHORT:
        found.append(f"it takes long for a trial: {SHORT} of them were tried in a game")
    return found
