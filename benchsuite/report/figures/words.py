"""What captions and axes have in common."""

from collections.abc import Sequence

from benchsuite.report.leaderboard import Contest, Line

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def place(contest: Contest) -> str:
    """Name a contest: its benchmark, and the rules if there are any.

    Example:
        >>> place(Contest("nb201/cifar10", "0" * 8, "trials=200", "test", []))
        'nb201/cifar10, trials=200'
    """
    return ", ".join(word for word in (contest.benchmark, contest.rules) if word)


def seeds(lines: Sequence[Line]) -> str:
    """Say how many runs a line has.

    Example:
        >>> seeds([])
        '0 seeds'
    """
    counts = sorted({line.standing.seeds for line in lines}) or [0]
    if counts == [1]:
        return "1 seed"
    between = f"{counts[0]} to " if len(counts) > 1 else ""
    return f"{between}{counts[-1]} seeds"


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
