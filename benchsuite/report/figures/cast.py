"""The cast of a figure: who appears, under which name, in which style."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from matplotlib.font_manager import findfont, get_font

from benchsuite.report.figures.sheet import FONT
from benchsuite.report.leaderboard import Line
from benchsuite.report.palette import BASELINE, Style

LETTERS = 26
"""In a name: 1.6 inches of a column of 3.4."""


class Cast(NamedTuple):
    """Lines of a leaderboard to show.

    Attributes:
        lines: Best first.
        names: Of each, different and short.
        looks: Of each.
        remarks: Sentences for the caption: who is left out, and whose name is short.
    """

    lines: Sequence[Line]
    names: Sequence[str]
    looks: Sequence[Style]
    remarks: Sequence[str]


def cast(
    lines: Sequence[Line],
    styles: Mapping[str, Style],
    limit: int,
    letters: int = LETTERS,
) -> Cast:
    """Choose the best `limit` lines, with the baseline in the last place if need be.

    Args:
        lines: Best first.
        styles: By `Standing.label`.
        limit: How many fit.
        letters: In a name.
    """
    chosen = list(lines[:limit])
    base = [line for line in lines[limit:] if line.standing.strategy == BASELINE][:1]
    if base:
        chosen[-1:] = base
    remarks = []
    if len(chosen) < len(lines):
        best = len(chosen) - len(base)
        with_it = f" and {BASELINE}" if base else ""
        remarks = [f"Shown are the best {best}{with_it} of {len(lines)} strategies."]
    names, in_full = call([line.standing.label for line in chosen], letters)
    return Cast(chosen, names, _looks(chosen, styles), [*remarks, *in_full])


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
        names = [f"{name} ({n})" for n, name in enumerate(names, 1)]
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


def _looks(lines: Sequence[Line], styles: Mapping[str, Style]) -> list[Style]:
    """Look up styles; dotted where a label comes twice, with another backend."""
    seen = set[str]()
    looks = []
    for line in lines:
        look = styles[line.standing.label]
        again = line.standing.label in seen
        looks.append(look._replace(dash=(1, 1), marker="x") if again else look)
        seen.add(line.standing.label)
    return looks
