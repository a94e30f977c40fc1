"""A strategy under watch: every call is timed, checked, and named if it goes wrong."""

import inspect
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, NoReturn

import numpy as np

from benchsuite import catalogue
from benchsuite.campaign import OutOfTime, time_limit
from benchsuite.catalogue import Entry
from benchsuite.contract.blame import BrokenError, last_frame, place, said, short
from benchsuite.contract.toys import Toy
from benchsuite.contract.watchdog import Watchdog
from benchsuite.core import Observation, Trial
from benchsuite.runner import Rules

CALLS = {"__init__": "the constructor", "ask": "ask()", "tell": "tell()"}
"""What a strategy is called by, and how that is told."""
_NOT_PLAIN = (
    inspect.iscoroutinefunction,
    inspect.isgeneratorfunction,
    inspect.isasyncgenfunction,
)


class Witness:
    """A strategy that is built here, and checked at every call.

    Attributes:
        asked: What it has asked for, in order.
        told: The metrics that it was told, each as they were and as they are.
        trained: How many of them have epochs.
        waits: How often it answered None.
    """

    def __init__(
        self,
        entry: Entry,
        toy: Toy,
        seed: int,
        notice: Callable[["Witness", str], None],
        *,
        patience: float,
        watchdog: Watchdog,
    ) -> None:
        """Build the strategy.

        Args:
            entry: The strategy.
            toy: What it will search.
            seed: Of its random generator.
            notice: Called after every call with its name, one of `CALLS`; may break a
                rule.
            patience: Seconds that a call may take.
            watchdog: Hears of every call.

        Raises:
            BrokenError: It cannot be built.
        """
        self.entry, self._toy, self._notice = entry, toy, notice
        self._patience, self._watchdog = patience, watchdog
        self.asked: list[Trial] = []
        self.told: list[tuple[dict[str, float], Mapping[str, float]]] = []
        self.waits, self.trained, self._length = 0, 0, 1
        rng, rules = np.random.default_rng(seed), Rules()
        told = {name: getattr(rules, name) for name in catalogue.RULES}
        self._strategy: Any = None

        def build() -> None:
            self._strategy = entry.build(toy.space, toy.epochs, rng, told)

        self._call("is_built_from_space_epochs_and_rng", "__init__", build)
        for name, arguments in (("ask", ()), ("tell", (None, None))):
            self._check_method(name, arguments)

    def ask(self) -> Trial | None:
        """Ask the strategy.

        Raises:
            BrokenError: It raised something, or the answer is not as it must be.
        """
        self._length = self.trained + 1
        answer = self._call("asks_for_a_trial", "ask", self._strategy.ask)
        if answer is None:
            if not self.asked:
                self.broken(
                    "asks_for_a_trial", "the first ask() gave None, not a Trial"
                )
            self.waits += 1
            return None
        if type(answer) is not Trial:
            kind = type(answer).__name__
            what = f"ask() gave {short(answer)}, a {kind}: Trial(arch, epochs) or None"
            self.broken("asks_for_a_trial", f"{what} is expected")
        if answer.arch not in self._toy.space:
            self.broken("asks_inside_the_space", self._outside(answer.arch))
        offered = (0, *self._toy.epochs)
        if not isinstance(answer.epochs, int) or answer.epochs not in offered:
            self.broken(
                "asks_only_offered_epochs",
                f"ask() gave {short(answer.epochs)} epochs,"
                f" {type(answer.epochs).__name__}: an int of {offered} is expected",
            )
        self.asked.append(answer)
        self.trained += answer.epochs > 0
        return answer

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Tell the strategy.

        Raises:
            BrokenError: It raised something.
        """
        self.told.append((dict(observation.metrics), observation.metrics))
        self._call(
            "takes_every_outcome",
            "tell",
            lambda: self._strategy.tell(trial, observation),
        )

    def broken(
        self,
        kind: str,
        what: str,
        error: BaseException | None = None,
        *,
        method: str = "ask",
        length: int = 0,
    ) -> NoReturn:
        """Break a rule.

        Args:
            kind: Which, in a plain game.
            what: What happened.
            error: What was raised, if it was.
            method: Where, if nothing was raised.
            length: Trials of a game that shows it; up to here, if not given.

        Raises:
            BrokenError: Always.
        """
        where = (
            last_frame(error, self.entry.make) if error else self._definition(method)
        )
        raise BrokenError(kind, what, where, length or self._length) from error

    def _call(self, kind: str, method: str, function: Callable[[], Any]) -> Any:
        """Do a call, and say what went wrong."""
        call = CALLS[method]
        self._watchdog.beat()
        start = monotonic()
        try:
            with time_limit(self._patience):
                answer = function()
        except OutOfTime as error:
            what = f"{call} was still busy after {self._patience:g} s"
            self.broken("every_call_returns_in_time", what, error)
        except (Exception, SystemExit) as error:  # a user's code may raise anything
            self.broken(kind, f"{call} raised {said(error)}", error)
        if monotonic() - start > self._patience:  # it caught what was to stop it
            what = f"{call} took more than {self._patience:g} s"
            self.broken("every_call_returns_in_time", what, method=method)
        self._notice(self, method)
        return answer

    def _check_method(self, name: str, arguments: tuple[object, ...]) -> None:
        """Refuse a strategy without a method, or with an async one."""
        rule, method = "has_ask_and_tell", getattr(self._strategy, name, None)
        spelled = "tell(trial, observation)" if arguments else "ask()"
        if not callable(method):
            kind = type(self._strategy).__name__
            self.broken(rule, f"{kind} has no method {spelled}")
        if any(kind(method) for kind in _NOT_PLAIN):
            what = f"{spelled} is async or a generator: a plain method is expected"
            self.broken(rule, what)
        try:
            inspect.signature(method).bind(*arguments)
        except TypeError as error:
            self.broken(rule, f"{spelled} cannot be called so: {error}")
        except ValueError:  # a builtin that does not tell
            return

    def _outside(self, arch: Any) -> str:
        """Say why something is not an architecture."""
        choices = self._toy.space.choices
        came = f"ask() gave {short(arch)}"
        if not isinstance(arch, tuple):
            return f"{came}, a {type(arch).__name__}: a tuple of ints is expected"
        if len(arch) != len(choices):
            return f"{came}, of {len(arch)} numbers: the space has {len(choices)}"
        for d, (option, names) in enumerate(zip(arch, choices, strict=True)):
            if not isinstance(option, int):
                kind = f"{type(option).__module__}.{type(option).__name__}"
                kind = kind.removeprefix("builtins.")
                return f"{came}, with a {kind}: a tuple of ints is expected"
            if not 0 <= option < len(names):
                return f"{came}: decision {d} has options 0 to {len(names) - 1}"
        return f"{came}, which the space forbids: `arch in space` is False"

    def _definition(self, name: str) -> str:
        """Find where a method is defined, or else the constructor of the strategy."""
        method = getattr(self._strategy, name, getattr(self._strategy, "__init__", 0))
        code = getattr(method, "__code__", None)
        if code is None:
            return ""
        return place(code.co_filename, code.co_firstlineno)
