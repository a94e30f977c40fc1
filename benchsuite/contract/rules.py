"""The rules of the contract: each a function that raises what breaks it.

The docstring of a rule is the rule in words.
"""

import random
import sys
from collections.abc import Mapping, Sequence
from itertools import zip_longest

import numpy as np

from benchsuite.contract.fresh import HASH_SEEDS, elsewhere
from benchsuite.contract.game import Game, Subject
from benchsuite.contract.memory_limit import memory_limit
from benchsuite.contract.witness import CALLS, Witness
from benchsuite.core import Trial


def is_built_from_space_epochs_and_rng(subject: Subject, game: Game) -> None:
    """`Class(space, epochs, rng)` builds a strategy: all else has a default."""
    subject.raise_if_about("is_built_from_space_epochs_and_rng", game)


def has_ask_and_tell(subject: Subject, game: Game) -> None:
    """It has plain methods `ask()` and `tell(trial, observation)`."""
    subject.raise_if_about("has_ask_and_tell", game)


def asks_for_a_trial(subject: Subject, game: Game) -> None:
    """`ask()` returns a `Trial`, the first time too, or None: nothing to try yet."""
    subject.raise_if_about("asks_for_a_trial", game)


def asks_inside_the_space(subject: Subject, game: Game) -> None:
    """An architecture is a tuple of ints: of each decision the number of an option."""
    subject.raise_if_about("asks_inside_the_space", game)


def asks_only_offered_epochs(subject: Subject, game: Game) -> None:
    """The epochs of a trial are one of `epochs`, or 0 to be told metrics only."""
    subject.raise_if_about("asks_only_offered_epochs", game)


def takes_every_outcome(subject: Subject, game: Game) -> None:
    """`tell(trial, observation)` takes the outcome of every trial it asked for."""
    subject.raise_if_about("takes_every_outcome", game)


def every_call_returns_in_time(subject: Subject, game: Game) -> None:
    """Every call returns within 10 s, and leaves the process alive."""
    subject.raise_if_about("every_call_returns_in_time", game)


def touches_no_global_randomness(subject: Subject, game: Game) -> None:
    """It draws from `rng` alone; the generators of random, NumPy and torch stay put."""
    _draw()  # or seeding with what was the seed before would change nothing
    before = _global_randomness()

    def compare(witness: Witness, call: str) -> None:
        after = _global_randomness()
        for name, state in before.items():
            if after[name] != state:
                what = f"{CALLS[call]} drew from, or seeded, the generator of {name}"
                witness.broken("touches_no_global_randomness", what, method=call)

    subject.search(game, compare)


def same_seed_same_run(subject: Subject, game: Game) -> None:
    """Two runs with one seed, one after the other, ask for the same trials."""
    first = subject.search(game)
    again = subject.search(game)
    _same(again, first.asked, again.asked, ("one run", "the next"))


def two_runs_side_by_side_do_not_meet(subject: Subject, game: Game) -> None:
    """A run asks for the same trials while another one is going on beside it."""
    alone = subject.start(game)
    for _ in subject.steps(alone, game):
        pass
    beside, other = (
        subject.start(game),
        subject.start(game._replace(seed=game.seed + 1)),
    )
    pairs = zip_longest(subject.steps(beside, game), subject.steps(other, game))
    for _ in pairs:
        pass
    _same(alone, alone.asked, beside.asked, ("a run alone", "one beside another"))


def same_run_in_a_fresh_process(subject: Subject, game: Game) -> None:
    """In a fresh process, whatever its PYTHONHASHSEED, a seed gives the same run."""
    here = subject.search(game)
    one, other = elsewhere(subject, game)
    fresh = [f"a fresh process with PYTHONHASHSEED={n}" for n in HASH_SEEDS]
    _same(here, one, other, (fresh[0], fresh[1]))
    _same(here, here.asked, one, ("this process", fresh[0]))


def leaves_what_it_is_told_alone(subject: Subject, game: Game) -> None:
    """It does not write to the metrics of an observation."""

    def compare(witness: Witness, call: str) -> None:
        for n, (told, now) in enumerate(witness.told, 1):
            if told != now:
                what = f"{CALLS[call]} made {dict(now)} of {told}, told as outcome {n}"
                witness.broken("leaves_what_it_is_told_alone", what, method=call)

    subject.search(game, compare)


def survives_diverged_trials(subject: Subject, game: Game) -> None:
    """It goes on if every second trial diverges, told as an error of inf, or all do."""
    _goes_on(subject, game)


def may_be_asked_again_before_it_is_told(subject: Subject, game: Game) -> None:
    """With several workers `ask` comes several times before `tell`, and it goes on."""
    _goes_on(subject, game)


def takes_outcomes_in_any_order(subject: Subject, game: Game) -> None:
    """Outcomes come as trainings end: not always in the order of asking."""
    _goes_on(subject, game)


def runs_with_one_fidelity(subject: Subject, game: Game) -> None:
    """It runs if `epochs` has full training alone."""
    subject.search(game)


def runs_with_many_fidelities(subject: Subject, game: Game) -> None:
    """It runs with any `epochs`, which need be no powers and not start at 1."""
    subject.search(game)


def goes_on_when_the_space_is_exhausted_or_says_so(
    subject: Subject, game: Game
) -> None:
    """Once all has been trained, it trains something again or returns None for good."""
    subject.search(game)


def runs_on_a_space_of_two(subject: Subject, game: Game) -> None:
    """It runs where there is one decision with two options."""
    subject.search(game)


def runs_on_a_space_of_ten_to_the_eighteen(subject: Subject, game: Game) -> None:
    """It runs where no list of all architectures fits, in 1 GiB of memory."""
    with memory_limit(1 << 30):
        subject.search(game)


def leaves_a_decision_without_a_choice_alone(subject: Subject, game: Game) -> None:
    """It runs where a decision has one option only."""
    subject.search(game)


def runs_where_combinations_are_forbidden(subject: Subject, game: Game) -> None:
    """It asks for no combination of options that is not `in space`."""
    subject.search(game)


def _draw() -> None:
    """Draw a number from every generator that a whole process shares."""
    random.random()
    np.random.random()  # noqa: NPY002
    if (torch := sys.modules.get("torch")) is not None:
        torch.rand(1)


def _global_randomness() -> Mapping[str, object]:
    """Take the state of every generator that a whole process shares."""
    legacy = np.random.get_state(legacy=False)  # noqa: NPY002
    state = legacy["state"]
    normal = legacy["has_gauss"], legacy["gauss"]
    found: dict[str, object] = {
        "random": random.getstate(),
        "numpy.random": (state["key"].tobytes(), state["pos"], normal),
    }
    if (torch := sys.modules.get("torch")) is not None:
        found["torch"] = torch.random.get_rng_state().numpy().tobytes()
    return found


def _same(
    witness: Witness,
    one: Sequence[Trial],
    other: Sequence[Trial],
    names: tuple[str, str],
) -> None:
    """Break a rule if what was asked for is not the same."""
    for n, pair in enumerate(zip_longest(one, other), 1):
        if pair[0] != pair[1]:
            first, second = (tuple(t) if t else "none" for t in pair)
            what = f"trial {n} is {first} in {names[0]}, {second} in {names[1]}"
            length = 1 + max(
                sum(trial.epochs > 0 for trial in asked[: n - 1])
                for asked in (one, other)
            )
            witness.broken("same_seed_same_run", what, length=length)


def _goes_on(subject: Subject, game: Game) -> None:
    """Break a rule if a search ends that would not if nothing was unusual."""
    witness = subject.search(game)
    usual = subject.search(game._replace(on="plain", workers=1))
    if witness.trained < usual.trained:
        what = (
            f"ask() gave None after {witness.trained} trials, while none was running;"
            " alone and on a plain toy, it goes on"
        )
        witness.broken("asks_for_a_trial", what, length=witness.trained + 1)
