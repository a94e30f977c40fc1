"""A verdict in words with numbers.

Errors are told in points: hundredths of the images, so that 0.32 points are 0.0032.
"""

import math
from collections.abc import Iterator, Sequence

from benchsuite.verdict.gaps import Against, Gap, Verdict

_TOLD = {
    "better": "better",
    "worse": "worse",
    "not distinguishable": "not to be told apart",
}
_REFERENCE = "regularized_evolution"


def sentences(verdict: Verdict) -> list[str]:
    """Say how a strategy compares with each baseline, and what that takes."""
    names = list(verdict.clocks)
    where = names[0] if len(names) == 1 else f"{len(names)} benchmarks"
    return [
        f"On {where}, with {verdict.seeds} seeds. Time is told in full trainings: what"
        " one takes on average over the space.",
        *(_compared(verdict.strategy, against) for against in verdict.against),
        _nearest(verdict.against),
        *_thought(verdict),
    ]


def points(error: float) -> str:
    """Spell a difference of errors in points, as exactly as it can be told.

    Example:
        >>> points(0.0032), points(-0.00004), points(0.0)
        ('0.32', '-0.0040', '0.00')
    """
    size = abs(100 * error)
    digits = 2 if not size or size >= 0.095 else 3 if size >= 0.0095 else 4
    return f"{100 * error:.{digits}f}"


def _compared(strategy: str, against: Against) -> str:
    """Say how a strategy compares with a baseline, over all benchmarks."""
    last = against.overall[-1]
    when = f"after the time of {last.trainings} trainings"
    if not math.isfinite(last.mean):
        return (
            f"{strategy} cannot be compared with {against.baseline} {when}: not every"
            " run has an error to report."
        )
    if last.seen == "not distinguishable":
        return (
            f"{strategy} cannot be told from {against.baseline}: {points(last.mean)}"
            f" points of error apart (95 %: {points(last.low)} to {points(last.high)})"
            f" {when}{_before(against.overall)}{_elsewhere(against)}."
        )
    less = last.seen == "better"
    size, *ends = (
        (-last.mean, -last.high, -last.low)
        if less
        else (last.mean, last.low, last.high)
    )
    return (
        f"{strategy} is {last.seen} than {against.baseline}: by {points(size)} points"
        f" of error (95 %: {points(ends[0])} to {points(ends[1])}) {when}"
        f"{_before(against.overall)}{_elsewhere(against)}."
    )


def _before(gaps: Sequence[Gap]) -> str:
    """Say what could be told at earlier budgets."""
    *earlier, last = gaps
    since = len(earlier)
    while since and earlier[since - 1].seen == last.seen:
        since -= 1
    found = ""
    if since < len(earlier):
        found = f", and from that of {earlier[since].trainings} on"
    for seen in ("better", "worse"):
        then = [f"{gap.trainings}" for gap in earlier[:since] if gap.seen == seen]
        if then:
            found += f"; {seen} after that of {_listed(then)}"
    return found


def _elsewhere(against: Against) -> str:
    """Name the benchmarks on which something else can be told, in the end."""
    last = against.overall[-1].seen
    found = ""
    for seen, told in _TOLD.items():
        names = [n for n, gaps in against.benchmarks.items() if gaps[-1].seen == seen]
        if names and seen != last:
            found += f"; {told} on {_listed(names)}"
    return found


def _listed(names: Sequence[str]) -> str:
    """Write a list as in a sentence.

    Example:
        >>> _listed(["25", "50", "100"]), _listed(["25"])
        ('25, 50 and 100', '25')
    """
    *some, last = names
    return f"{', '.join(some)} and {last}" if some else last


def _nearest(against: Sequence[Against]) -> str:
    """Say how many seeds it takes to tell the strategy from the nearest baseline."""
    lasts = {a.baseline: a.overall[-1] for a in against}
    known = {name: gap for name, gap in lasts.items() if math.isfinite(gap.mean)}
    close = {n: gap for n, gap in known.items() if gap.seen == "not distinguishable"}
    name, gap = min(
        (close or known).items(), key=lambda item: abs(item[1].mean), default=("", None)
    )
    if gap is None:
        return "How many seeds it takes to tell it from the nearest cannot be said."
    if gap.needed is None:
        return f"No number of seeds tells it from {name}: there is no difference."
    seeds = f"{gap.needed:,} seeds"
    if close:
        return (
            f"It would take {seeds} to tell it from the nearest, {name}, four times in"
            " five, if the difference is what it seems."
        )
    return (
        f"It can be told from all of them; from the nearest, {name}, {seeds} would do"
        " four times in five."
    )


def _thought(verdict: Verdict) -> Iterator[str]:
    """Say how long a proposal takes."""
    own = verdict.thinking.get(verdict.strategy)
    if own is None or math.isnan(own.median):
        return
    told = (
        f"To propose a trial, and to be told, takes it {1000 * own.median:.3g} ms"
        f" (median of runs; mean {1000 * own.mean:.3g} ms)"
    )
    reference = verdict.thinking.get(_REFERENCE)
    if reference is not None and verdict.strategy != _REFERENCE:
        ratio = own.median / reference.median
        told += f", {ratio:.2g} times what {_REFERENCE} takes"
    yield f"{told}."
