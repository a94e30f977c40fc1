"""The cast of a figure: who appears, under which name, in which style."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple, TypeVar

from matplotlib.font_manager import findfont, get_font

from benchsuite.report.figures.sheet import FONT
from benchsuite.report.palette import BASELINE, Style

LETTERS = 26
"""In a name: 1.6 inches of a column of 3.4."""


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
    letters: int = LETTERS,
) -> Cast:
    """Choose the first `limit`, with the baseline in the last place if need be.

    Args:
        labels: Of strategies, best first.
        styles: By label.
        limit: How many fit.
        letters: In a name.
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
    names, in_full = call(chosen, letters)
    return Cast(places, names, _looks(chosen, styles), [*remarks, *in_full])


def call(labels: Sequence[str], letters: int = LETTERS) -> tuple[list[str], list[str]]:
    """Make names short and different, by cutting where they are alike.

    Args:
        labels: Of any length.
        letters: In a name at most, but for what tells equal ones apart.

    Returns:
        Of each label its name, and a sentence if some are not in full.

    Example:
        >>> names, remarks = call(["evolution[rate=1]", "evolution[rate=2]", "tpe"], 12)
        >>> names
        ['evolut…te=1]', 'evolut…te=2]', 'tpe']
        >>> remarks
        ['In full: evolution[rate=1], evolution[rate=2].']
    """
    for head in range(letters // 2, letters):
        names = [short(label, letters, head) for label in labels]
        if len(set(names)) == len(names):
            break
    else:
        names = [
            f"{name} ({names[: n + 1].count(name)})" if names.count(name) > 1 else name
            for n, name in enumerate(names)
        ]
    cut = [full for full, name in zip(labels, names, strict=True) if full != name]
    return names, [f"In full: {', '.join(cut)}."] if cut else []


def short(text: str, letters: int, head: int | None = None) -> str:
    r"""Cut the inside out of a long text, and put ? for what the font has not.

    Args:
        text: Of any length.
        letters: In what is left.
        head: How many of them come before the gap; half of them if not said.

    Example:
        >>> short("abcdefghij", 7), short("abcdefghij", 7, 5), short("line\nbreak", 10)
        ('abc…hij', 'abcde…j', 'line?break')
    """
    if len(text) > letters:
        head = letters // 2 if head is None else head
        text = f"{text[:head]}…{text[len(text) - (letters - 1 - head) :]}"
    return "".join(c if ord(c) in _glyphs() else "?" for c in text)


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(findfont(FONT)).get_charmap())


def _looks(labels: Sequence[str], styles: Mapping[str, Style]) -> list[Style]:
    """Look up styles; dotted where a label comes twice, with another backend."""
    return [
        styles[label]._replace(dash=(1, 1), marker="x")
        if label in labels[:n]
        else styles[label]
        for n, label in enumerate(labels)
    ]
