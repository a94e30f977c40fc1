"""A game: one search on a toy, by the runner that all searches are done by."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import NamedTuple

from benchsuite.catalogue import Entry
from benchsuite.contract.blame import BrokenError
from benchsuite.contract.toys import KINDS, SPACE, Toy
from benchsuite.contract.watchdog import Watchdog
from benchsuite.contract.witness import Witness
from benchsuite.runner import Rules, search

PATIENCE = 10.0  # seconds that a call may take
COLD = 3  # how much longer the first calls of a process may take: they import
LONG, SHORT = 300, 30  # trials of a game
_QUICK = 0.003  # seconds a trial, up to which games are long

Notice = Callable[[Witness, str], None]


class Game(NamedTuple):
    """What a strategy is made to play.

    Attributes:
        trials: How many may be started.
        on: One of `KINDS`.
        space: How many decisions, and how many options each has.
        workers: How many trials run at once.
        seed: Of the strategy, and of the benchmark.
    """

    trials: int
    on: str = "plain"
    space: tuple[int, int] = SPACE
    workers: int = 1
    seed: int = 0


@dataclass(frozen=True)
class Subject:
    """The strategy that the contract is about.

    Attributes:
        entry: The strategy.
        patience: Seconds that a call may take.
        watchdog: Hears of every call.
    """

    entry: Entry
    patience: float = PATIENCE
    watchdog: Watchdog = field(default_factory=Watchdog)
    _plain: dict[Game, BrokenError | None] = field(default_factory=dict, init=False)

    def start(self, game: Game, notice: Notice = lambda witness, call: None) -> Witness:
        """Build the strategy for a game.

        Args:
            game: Which.
            notice: See `Witness`.

        Raises:
            BrokenError: It cannot be built.
        """
        return Witness(
            self.entry,
            self.toy(game),
            game.seed,
            notice,
            patience=self.patience,
            watchdog=self.watchdog,
        )

    def toy(self, game: Game) -> Toy:
        """Build what a game is played on, as nobody has seen it yet."""
        return KINDS[game.on](*game.space, self.entry.metrics)

    def search(
        self, game: Game, notice: Notice = lambda witness, call: None
    ) -> Witness:
        """Play a game to its end.

        Raises:
            BrokenError: The strategy does not do what the basic rules say.
        """
        witness = self.start(game, notice)
        rules = Rules(trials=game.trials, workers=game.workers)
        for _ in search(witness, self.toy(game), rules, seed=game.seed):
            pass
        return witness

    def steps(self, witness: Witness, game: Game) -> Iterator[None]:
        """Play with one worker, and yield after every trial.

        Raises:
            BrokenError: As in `search`.
        """
        toy = self.toy(game)
        while witness.trained < game.trials and (trial := witness.ask()) is not None:
            observation = toy.evaluate(trial, game.seed)
            if not trial.epochs:
                observation = observation._replace(error=math.inf)
            witness.tell(trial, observation)
            yield

    def plain(self, game: Game) -> BrokenError | None:
        """Play a game, once for all rules that look at it, and return what broke."""
        if game not in self._plain:
            try:
                self.search(game)
                self._plain[game] = None
            except BrokenError as broken:
                self._plain[game] = broken
        return self._plain[game]

    def raise_if_about(self, rule: str, game: Game) -> None:
        """Play a game, and break one of the basic rules if that is what broke.

        Raises:
            BrokenError: Breach of `rule`, and of no other one.
        """
        broken = self.plain(game)
        if broken is not None and broken.kind == rule:
            raise broken

    def most(self) -> int:
        """Count the trials of a game: few if the strategy takes more than 3 ms each."""
        start = perf_counter()

        def stop(witness: Witness, method: str) -> None:
            if perf_counter() - start > LONG * _QUICK:
                raise _SlowError

        try:
            self.search(Game(LONG), stop)
        except _SlowError:
            return SHORT
        except BrokenError:
            return LONG
        return LONG


class _SlowError(Exception):
    """A game takes too long."""
