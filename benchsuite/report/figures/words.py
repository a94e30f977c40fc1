"""What captions and axes have in common."""

from collections.abc import Iterable, Sequence

from benchsuite.report.leaderboard import Contest, Line

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def place(contest: Contest) -> str:
    """Name a contest: its benchmark, and the rules if there are any.

    Example:
        >>> place(Contest("nb201/cifar10", "0" * 8, "trials=200", "test", []))
        'nb201/cifar10, trials=200'
    """
    return ", ".join(word for word in (contest.benchmark, contest.rules) if word)


def labels(lines: Sequence[Line]) -> list[str]:
    """Call lines of a leaderboard by the labels that styles go by."""
    return [line.standing.label for line in lines]


def seeds(counts: Iterable[int]) -> str:
    """Say how many runs there are of each strategy.

    Example:
        >>> seeds([240, 24, 240]), seeds([1, 1])
        ('24 to 240 seeds', '1 seed')
    """
    different = sorted(set(counts))
    if different == [1]:
        return "1 seed"
    return f"{' to '.join(map(str, different[:1] + different[1:][-1:]))} seeds"


def shared(count: int) -> str:
    """Say how many seeds strategies have in common.

    Example:
        >>> shared(240), shared(1)
        ('240 seeds that all ran', '1 seed that all ran')
    """
    return f"{count} seed{'s' * (count != 1)} that all ran"


def reported(contest: Contest) -> str:
    """Say what the error of a contest is, as a label of an axis."""
    return {
        "test": "test error",
        "held_out_runs": "error of held-out runs",
        "surrogate": "predicted error",
        "trained": "test error after training",
    }.get(contest.reports, f"error ({contest.reports})")


def number(value: float, _: int | None = None) -> str:
    """Spell a number on a log axis; a formatter of ticks.

    Example:
        >>> number(0.002), number(500.0), number(1e5), number(2e-4)
        ('0.002', '500', '10⁵', '2·10⁻⁴')
    """
    if 1e-3 <= value < 1e4:
        return f"{value:g}"
    mantissa, exponent = f"{value:e}".split("e")
    factor = "" if float(mantissa) == 1 else f"{float(mantissa):g}·"
    return f"{factor}10{str(int(exponent)).translate(_SUPERSCRIPT)}"
