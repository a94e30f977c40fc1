"""The search: spend simulated seconds on several workers, yield every incumbent."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from heapq import heappop, heappush
from operator import le
from time import perf_counter
from typing import Any, Literal, get_args, get_origin, get_type_hints

from benchsuite.core import (
    Benchmark,
    Incumbent,
    InputError,
    Observation,
    Strategy,
    Trial,
)
from benchsuite.names import pick
from benchsuite.spaces import Architecture

PATIENCE = 10_000  # trials in a row that cost nothing


@dataclass(frozen=True, slots=True)
class Rules:
    """What a search may spend, and what it pays for.

    One clock starts at 0 s and jumps from one finished trial to the next. Every idle
    worker asks for a trial as long as the clock is below `budget` and fewer than
    `trials` have been started. One worker is the plain ask-and-tell loop.

    A trial costs what training to its epochs takes from scratch, except that

    - a *promotion*, a trial for more epochs than its architecture has had, pays under
      "resume" only the difference, as if a checkpoint had been kept, and under
      "restart" everything;
    - a *repeat*, a trial for no more epochs than its architecture has had, pays
      everything under "pay" and nothing under "free", as if its outcome had been
      written down.

    What an architecture has had is what finished before the trial started: a training
    that still runs leaves no checkpoint yet.

    A trial that finishes after `budget` *overruns*. Under "drop" it is never told and
    the search ends there; under "keep" it is told, and counts. One that finishes
    exactly on the budget counts under both.

    The incumbent has the lowest error among the trials that trained longest. A diverged
    trial (error inf or nan) is paid for and told as inf, and never becomes one.

    With several objectives, an incumbent is a new member of the front: no trial that
    trained as long is at least as good in all of them. A trial that breaks a constraint
    is paid for and told as it is, and never becomes an incumbent.

    A trial of 0 epochs asks for the metrics of the untrained network. It costs what
    the benchmark says computing them costs, often nothing, and does not count as one of
    the `trials`; it is told with an error of inf, and never becomes an incumbent.

    A strategy that answers None waits for the next outcome; with nothing running, the
    search is over. So it is after 10,000 trials in a row that cost nothing, since
    the clock would stand still for ever.

    What a strategy thinks takes time too, on the machine that it runs on. Under "free"
    the clock does not know of it. Under "charge" it goes on, and so do the trainings
    that run: one that finishes meanwhile is told later, but counts from its finish.
    Results then differ from one machine and one run to the next.

    Attributes:
        budget: Seconds on the clock, however many workers share it.
        trials: How many trials may be started; a whole number, or inf.
        workers: How many trials may run at once.
        overrun: Whether a trial that finishes after the budget counts.
        repeat: Whether training again what has been trained is charged.
        promotion: Whether more epochs continue a training or start it over.
        thinking: Whether the clock counts the seconds that the strategy takes.
        objectives: What is minimised: "error", and names of metrics.
        constraints: The most that metrics may be, by name.

    Raises:
        InputError: A limit is not positive, or a rule has no such value.
    """

    budget: float = math.inf
    trials: float = math.inf
    workers: int = 1
    overrun: Literal["drop", "keep"] = "drop"
    repeat: Literal["pay", "free"] = "pay"
    promotion: Literal["resume", "restart"] = "resume"
    thinking: Literal["free", "charge"] = "free"
    objectives: tuple[str, ...] = ("error",)
    constraints: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.budget > 0:
            raise InputError(f"budget must be seconds above 0, not {self.budget}")
        for name in ("trials", "workers"):
            count = getattr(self, name)
            endless = name == "trials" and count == math.inf
            if not (endless or (1 <= count < math.inf and count == int(count))):
                raise InputError(f"{name} must be a whole number above 0, not {count}")
        for name, kind in get_type_hints(Rules).items():
            options, value = get_args(kind), getattr(self, name)
            if get_origin(kind) is Literal and value not in options:
                raise InputError(f"{name} is {' or '.join(options)}, not {value!r}")
        if not self.objectives or len(set(self.objectives)) < len(self.objectives):
            raise InputError(f"objectives are different names, not {self.objectives}")
        for name, most in self.constraints.items():
            if not -math.inf < most < math.inf:
                raise InputError(f"{name} is constrained by a number, not {most}")

    @property
    def bounded(self) -> bool:
        """Whether every search under these rules ends, whatever the strategy does."""
        return math.isfinite(self.budget) or math.isfinite(self.trials)

    def __str__(self) -> str:
        """Spell what differs from the default, as in the `rules` column of a table.

        Example:
            >>> str(Rules(trials=200, overrun="keep"))
            'trials=200 overrun=keep'
        """
        usual = asdict(Rules())
        return " ".join(
            f"{name}={_spell(value)}"
            for name, value in asdict(self).items()
            if value != usual[name]
        )

    @classmethod
    def parse(cls, text: str) -> "Rules":
        """Read a preset, single rules, or a preset with changes.

        Example:
            >>> str(Rules.parse("nats,repeat=free"))
            'overrun=keep repeat=free promotion=restart'

        Raises:
            InputError: A word names no preset, or no rule, or no value of its rule.
        """
        rules = cls()
        for n, word in enumerate(text.replace(",", " ").split()):
            name, equals, value = word.partition("=")
            known: dict[str, Any] = get_type_hints(cls) if equals or n else RULES
            pick("rule", name, known)
            if not equals:
                if n:
                    raise InputError(f"{name} needs a value: {name}=...")
                rules = RULES[name]
                continue
            rules = replace(rules, **{name: cls.read(name, value)})
        return rules

    @classmethod
    def read(cls, name: str, text: str) -> Any:
        """Read the value of a rule, as `str` spells it.

        Example:
            >>> Rules.read("objectives", "error&params")
            ('error', 'params')
            >>> Rules.read("constraints", "params<1e6&macs<5e7")
            {'params': 1000000.0, 'macs': 50000000.0}

        Raises:
            InputError: It is no value of the rule.
        """
        kind = get_type_hints(cls)[name]
        if get_origin(kind) is Literal:
            return text
        if get_origin(kind) is tuple:
            return tuple(text.split("&"))
        try:
            if get_origin(kind) is Mapping:
                limits = [limit.partition("<") for limit in text.split("&")]
                return {metric: float(most) for metric, _, most in limits}
            return kind(text)
        except ValueError:
            wanted = "a number" if kind in (int, float) else "limits, metric<number"
            raise InputError(f"{name} takes {wanted}, not {text!r}") from None


def _spell(value: object) -> str:
    """Write the value of a rule in letters, digits and a few signs."""
    if isinstance(value, Mapping):
        limits = (f"{name}<{_spell(most)}" for name, most in sorted(value.items()))
        return "&".join(limits)
    if isinstance(value, tuple):
        return "&".join(value)
    return value if isinstance(value, str) else f"{value:.15g}"


RULES: dict[str, Rules] = {
    "default": Rules(),
    "iclr20": Rules(budget=12_000, overrun="drop", promotion="restart"),
    "nats": Rules(overrun="keep", promotion="restart"),
}
"""Named rules. `iclr20` is the protocol of NAS-Bench-201's paper: 12,000 s, and the
trial that would overrun is dropped. `nats` is that of NATS-Bench, which sets a budget
for each data set and lets the last trial overrun. Repeats pay in both, and so does a
promotion, in full."""


class Best:
    """The lowest error among the trials that trained longest."""

    def __init__(self) -> None:
        self._rank: tuple[int, float] = (0, math.inf)

    def takes(self, epochs: int, observation: Observation) -> bool:
        """Take a trial's outcome if it is better, and tell so."""
        rank = (-epochs, observation.error)
        if rank < self._rank and math.isfinite(observation.error):
            self._rank = rank
            return True
        return False


class Front:
    """What no trial that trained as long is at least as good as, in all objectives."""

    def __init__(
        self, objectives: Sequence[str], constraints: Mapping[str, float]
    ) -> None:
        self._objectives, self._constraints = objectives, constraints
        self._epochs = 0
        self._members: list[list[float]] = []

    def takes(self, epochs: int, observation: Observation) -> bool:
        """Take a trial in if it belongs there, and tell so.

        Raises:
            KeyError: There is no such metric.
        """
        figures = {**observation.metrics, "error": observation.error}
        values = [figures[name] for name in self._objectives]
        feasible = all(figures[n] <= most for n, most in self._constraints.items())
        if epochs < self._epochs or not feasible or not all(map(math.isfinite, values)):
            return False
        if epochs > self._epochs:
            self._epochs, self._members = epochs, []
        if any(all(map(le, member, values)) for member in self._members):
            return False
        self._members = [m for m in self._members if not all(map(le, values, m))]
        self._members.append(values)
        return True


class Timed:
    """A strategy under a stopwatch.

    Attributes:
        seconds: Wall-clock time spent in `ask` and `tell` so far.
        trials: How many trials with epochs it has asked for.
    """

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self.seconds, self.trials = 0.0, 0

    def ask(self) -> Trial | None:
        """Ask the strategy."""
        start = perf_counter()
        trial = self._strategy.ask()
        self.seconds += perf_counter() - start
        if type(trial) is Trial and trial.epochs > 0:
            self.trials += 1
        return trial

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Tell the strategy."""
        start = perf_counter()
        self._strategy.tell(trial, observation)
        self.seconds += perf_counter() - start


def search(
    strategy: Strategy, benchmark: Benchmark, rules: Rules, *, seed: int
) -> Iterator[Incumbent]:
    """Run `strategy` on `benchmark` under `rules`, yielding each new incumbent.

    Args:
        strategy: Freshly built; it is told every outcome that counts exactly once. One
            that is `Timed` says afterwards how long it has thought.
        benchmark: Answers the strategy's trials.
        rules: What is charged, and when the search ends: see `Rules`.
        seed: Picks the training run of every trial.

    Yields:
        Incumbents in the order they were found; `cost` never decreases.

    Raises:
        KeyError: The strategy asked outside the space or the epochs, or the benchmark
            has no such metric as the rules name.
        TypeError: `ask` returned something other than a trial or None.
    """
    charged, thought = rules.thinking == "charge", 0.0
    if charged:
        strategy = timed = Timed(strategy)
    ask, tell, evaluate = strategy.ask, strategy.tell, benchmark.evaluate
    clock, asked, started, idle = 0.0, 0, 0, 0
    budget, trials, workers = rules.budget, rules.trials, rules.workers
    resume, free = rules.promotion == "resume", rules.repeat == "free"
    running: list[tuple[float, int, Trial, Observation]] = []  # a heap, by finish
    trained: dict[Architecture, float] = {}  # seconds of training so far
    plain = rules.objectives == ("error",) and not rules.constraints
    judge = Best() if plain else Front(rules.objectives, rules.constraints)
    while True:
        while (
            len(running) < workers
            and started < trials
            and clock < budget
            and idle < PATIENCE
            and (trial := ask()) is not None
        ):
            if type(trial) is not Trial:
                raise TypeError(f"ask() gave {trial!r:.200}, not a Trial or None")
            if charged:
                clock, thought = clock + timed.seconds - thought, timed.seconds
            observation = evaluate(trial, seed)
            price, had = observation.cost, trained.get(trial.arch, 0.0)
            if had and trial.epochs:
                if price <= had:  # a repeat
                    price = 0.0 if free else price
                elif resume:  # a promotion
                    price -= had
            heappush(running, (clock + price, asked, trial, observation))
            asked += 1
            started += trial.epochs > 0
            idle = 0 if price else idle + 1
        if not running:
            return
        finish, _, trial, observation = heappop(running)
        if finish > budget and rules.overrun == "drop":
            return
        clock = max(clock, finish)  # the strategy may have thought for longer
        arch, epochs = trial
        error, cost, metrics = observation
        if epochs and cost > trained.get(arch, 0.0):
            trained[arch] = cost
        if error != error:  # nan: no comparison of a strategy would notice it
            observation = observation._replace(error=math.inf)
        tell(trial, observation)
        if epochs and judge.takes(epochs, observation):
            yield Incumbent(finish, arch, epochs, error, metrics)
