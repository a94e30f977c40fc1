"""What is found out about a strategy, and the call that shows a breach."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from benchsuite.contract.game import PATIENCE, Game
from benchsuite.core import Strategy

_FUNCTION_OF_SEED = {
    "touches_no_global_randomness",
    "same_seed_same_run",
    "two_runs_side_by_side_do_not_meet",
    "same_run_in_a_fresh_process",
}


@dataclass(frozen=True, slots=True)
class Breach:
    """How a rule is broken.

    Attributes:
        rule: Its name.
        what: What was expected and what came, or what was raised, in one line.
        where: "file:line" in the user's code; empty if that is unknown.
        call: Python that shows it again, in the smallest game that does.
    """

    rule: str
    what: str
    where: str
    call: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of a rule.

    Attributes:
        rule: Its name.
        text: The rule in words.
        status: Whether it is kept.
        reason: Why it was not tried.
        breach: How it is broken.
    """

    rule: str
    text: str
    status: Literal["ok", "broken", "not tried"]
    reason: str = ""
    breach: Breach | None = None


@dataclass(frozen=True, slots=True)
class Contract:
    """What became of all rules.

    Attributes:
        strategy: Name, with its settings.
        findings: One for each rule.
        notes: What a user may want to know though no rule forbids it.
    """

    strategy: str
    findings: Sequence[Finding]
    notes: Sequence[str]

    @property
    def holds(self) -> bool:
        """Whether every rule is kept."""
        return all(finding.status == "ok" for finding in self.findings)

    @property
    def deterministic(self) -> bool:
        """Whether a run is a function of its seed, here and in a fresh process."""
        kept = {finding.rule for finding in self.findings if finding.status == "ok"}
        return kept >= _FUNCTION_OF_SEED


def call(
    asked: str | Callable[..., Strategy], rule: str, game: Game, patience: float
) -> str:
    """Spell a game as Python, to be pasted.

    Example:
        >>> print(call("./my.py:My", "same_seed_same_run", Game(3), PATIENCE))
        from benchsuite.contract import play
        play("./my.py:My", "same_seed_same_run", trials=3, on="plain", space=(5, 4), \
workers=1, seed=0)
    """
    lines = ["from benchsuite.contract import play"]
    target = _quoted(asked) if isinstance(asked, str) else asked.__name__
    if not isinstance(asked, str):
        lines.append(f"from {asked.__module__} import {asked.__name__}")
    words = [
        target,
        _quoted(rule),
        f"trials={game.trials}",
        f"on={_quoted(game.on)}",
        f"space={game.space}",
        f"workers={game.workers}",
        f"seed={game.seed}",
    ]
    if patience != PATIENCE:
        words.append(f"patience={patience:g}")
    return "\n".join([*lines, f"play({', '.join(words)})"])


def _quoted(text: str) -> str:
    return json.dumps(text)  # which Python reads as well
