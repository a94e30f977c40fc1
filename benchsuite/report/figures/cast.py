"""The cast of a figure: who appears, under which name, in which style."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from matplotlib.font_manager import findfont, get_font

from benchsuite.report.figures.sheet import FONT
from benchsuite.report.leaderboard import Line
from benchsuite.report.palette import BASELINE, Style

_LETTERS = 26  # in a name; with 8 points it takes 1.6 inches at most


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


def cast(lines: Sequence[Line], styles: Mapping[str, Style], limit: int) -> Cast:
    """Choose the best `limit` lines, with the baseline in the last place if need be.

    Args:
        lines: Best first.
        styles: By `Standing.label`.
        limit: How many fit.
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
    names, in_full = call([line.standing.label for line in chosen])
    return Cast(chosen, names, _looks(chosen, styles), [*remarks, *in_full])


def call(labels: Sequence[str]) -> tuple[list[str], list[str]]:
    """Make names short and different.

    Returns:
        Of each label its name, and a sentence if some are not in full.

    Example:
        >>> names, remarks = call(["regularized_evolution[sample_size=10]", "tpe"])
        >>> names
        ['regularized_e…ple_size=10]', 'tpe']
        >>> remarks
        ['In full: regularized_evolution[sample_size=10].']
    """
    seen = Counter[str]()
    names = []
    for label in labels:
        name = short(label)
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    cut = [full for full, name in zip(labels, names, strict=True) if full != name]
    return names, [f"In full: {', '.join(cut)}."] if cut else []


def short(text: str, letters: int = _LETTERS) -> str:
    r"""Cut the middle out of a long text, and put ? for what the font has not.

    Example:
        >>> short("abcdefghij", 7), short("line\nbreak")
        ('abc…hij', 'line?break')
    """
    if len(text) > letters:
        end = (letters - 1) // 2
        text = f"{text[: letters - 1 - end]}…{text[len(text) - end :]}"
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
