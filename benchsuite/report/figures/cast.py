"""The cast of a figure: who appears, under which name, in which style."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

from benchsuite.report.figures.letters import short
from benchsuite.report.palette import BASELINE, Style

INCHES = 1.6
"""Width of a name: half a column."""

_SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 0.4, 0.3, 0.2, 0.1, 0.0)  # see `short`
_T = TypeVar("_T")


class Cast(NamedTuple):
    """Those of a list that a figure shows.

    Attributes:
        places: Where they stand in the list, ascending, [K].
        names: Of each, different and short, [K].
        looks: Of each, [K].
        remarks: Sentences for the caption: who is left out, and whose name is short.
    """

    places: Sequence[int]
    names: Sequence[str]
    looks: Sequence[Style]
    remarks: Sequence[str]

    def of(self, everybody: Sequence[_T]) -> list[_T]:
        """Choose the same ones of another list, [N] -> [K]."""
        return [everybody[place] for place in self.places]


def cast(
    labels: Sequence[str],
    styles: Mapping[str, Style],
    limit: int,
    inches: float = INCHES,
) -> Cast:
    """Choose the first `limit`, with the baseline in the last place if need be.

    Args:
        labels: Of strategies, best first.
        styles: By label.
        limit: How many fit.
        inches: Width of a name in small letters.
    """
    places = list(range(min(limit, len(labels))))
    base = BASELINE in labels[limit:]
    if base:
        places[-1] = labels.index(BASELINE, limit)
    remarks = []
    if len(places) < len(labels):
        with_it = f" and {BASELINE}" if base else ""
        remarks = [
            f"Shown are the best {limit - base}{with_it} of {len(labels)} strategies."
        ]
    chosen = [labels[place] for place in places]
    names, in_full = call(chosen, inches)
    return Cast(places, names, _looks(chosen, styles), [*remarks, *in_full])


def call(labels: Sequence[str], inches: float = INCHES) -> tuple[list[str], list[str]]:
    """Make names short and different, by cutting where they are alike.

    Args:
        labels: Of any length.
        inches: Width of a name in small letters, but for what tells equal ones apart.

    Returns:
        Of each label its name, and a sentence if some are not in full.

    Example:
        >>> names, remarks = call(["evolve[rate=1]", "evolve[move=1]", "tpe"], 0.6)
        >>> names
        ['evol…te=1]', 'evol…ve=1]', 'tpe']
        >>> remarks
        ['In full: evolve[rate=1], evolve[move=1].']
    """
    for share in _SHARES:
        names = [short(label, inches, share=share) for label in labels]
        if len(set(names)) == len(names):
            break
    else:
        names = [
            f"{name} ({names[: n + 1].count(name)})" if names.count(name) > 1 else name
            for n, name in enumerate(names)
        ]
    cut = [full for full, name in zip(labels, names, strict=True) if full != name]
    return names, [f"In full: {', '.join(cut)}."] if cut else []


def _looks(labels: Sequence[str], styles: Mapping[str, Style]) -> list[Style]:
    """Look up styles; dotted where a label comes twice, with another backend."""
    return [
        styles[label]._replace(dash=(1, 1), marker="x")
        if label in labels[:n]
        else styles[label]
        for n, label in enumerate(labels)
    ]
