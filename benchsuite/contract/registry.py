"""The contract as a list: what is tried, in which games, and in which order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchsuite.contract import rules
from benchsuite.contract.game import LONG, Game, Subject
from benchsuite.contract.toys import SPACE

_SIZES = ((1, 2), (2, 2), (3, 2), (3, 3), (4, 3), (4, 4), SPACE)
_CREWS = (2, 8)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, and the games that show whether it is kept.

    Attributes:
        check: Raises BrokenError if a game breaks it.
        on: Kinds of toys.
        spaces: Sizes of toys, ascending: it is tried on the last; a breach is shown on
            the first that has it.
        workers: Numbers of workers, ascending: it is tried with each; a breach is shown
            with the fewest, also between the first and the last.
        seeds: Seeds from 0 that it is tried with.
        most: Trials of a game, at most.
        needs: Another rule, without which it is not tried.
    """

    check: Callable[[Subject, Game], None]
    on: tuple[str, ...] = ("plain",)
    spaces: tuple[tuple[int, int], ...] = _SIZES
    workers: tuple[int, ...] = (1,)
    seeds: int = 1
    most: int = LONG
    needs: str = ""

    @property
    def name(self) -> str:
        """The name of its function."""
        return self.check.__name__

    @property
    def text(self) -> str:
        """The rule in words: the first line of its docstring."""
        return (self.check.__doc__ or "").partition("\n")[0]


CHAIN = (
    Rule(rules.is_built_from_space_epochs_and_rng, seeds=3),
    Rule(rules.has_ask_and_tell, seeds=3),
    Rule(rules.asks_for_a_trial, seeds=3),
    Rule(rules.asks_inside_the_space, seeds=3),
    Rule(rules.asks_only_offered_epochs, seeds=3),
    Rule(rules.takes_every_outcome, seeds=3),
    Rule(rules.every_call_returns_in_time, seeds=3),
    Rule(rules.touches_no_global_randomness),
    # On a small space, runs that have nothing to do with each other are often the same.
    Rule(rules.same_seed_same_run, spaces=(SPACE,)),
    Rule(rules.two_runs_side_by_side_do_not_meet, spaces=(SPACE,)),
    Rule(rules.same_run_in_a_fresh_process, spaces=(SPACE,)),
)
"""Rules that build on one another: after a breach, nothing further is tried. Without
the basic ones there is no search; and of a strategy that is no function of its seed,
what further rules find could not be shown again."""
INDEPENDENT = (
    Rule(rules.leaves_what_it_is_told_alone),
    Rule(rules.survives_diverged_trials, on=("half_diverge", "all_diverge")),
    Rule(rules.may_be_asked_again_before_it_is_told, on=("even",), workers=_CREWS),
    Rule(
        rules.takes_outcomes_in_any_order,
        workers=_CREWS,
        needs="may_be_asked_again_before_it_is_told",
    ),
    Rule(rules.runs_with_one_fidelity, on=("one_fidelity",)),
    Rule(rules.runs_with_many_fidelities, on=("many_fidelities",)),
    Rule(
        rules.goes_on_when_the_space_is_exhausted_or_says_so,
        spaces=((2, 2), (3, 2)),
        most=60,
    ),
    Rule(
        rules.runs_on_a_space_of_two,
        spaces=((1, 2),),
        most=60,
        needs="goes_on_when_the_space_is_exhausted_or_says_so",
    ),
    Rule(rules.runs_on_a_space_of_ten_to_the_eighteen, spaces=((60, 2),)),
    Rule(
        rules.leaves_a_decision_without_a_choice_alone,
        on=("fixed_decision",),
        spaces=(*_SIZES[1:-1], (6, 4)),  # 4^5 architectures: not to be exhausted
    ),
    Rule(
        rules.runs_where_combinations_are_forbidden,
        on=("forbidden",),
        spaces=_SIZES[1:],
    ),
)
"""Rules that are tried once the chain holds, in any order."""
RULES: Mapping[str, Rule] = {rule.name: rule for rule in (*CHAIN, *INDEPENDENT)}
"""All rules by name."""
