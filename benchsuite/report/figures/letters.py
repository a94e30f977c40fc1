"""The letters of figures: how wide a text is, and what to leave of one too wide."""

from bisect import bisect
from functools import cache

from matplotlib.font_manager import findfont, get_font
from matplotlib.ft2font import FT2Font

FONT = "DejaVu Sans"
"""Comes with matplotlib."""

BODY, SMALL = 8, 7
"""Points: of titles and labels, and of ticks and legends."""

_DPI = 720  # at which hinting moves nothing that could be seen
_LONGEST = 300  # letters that are ever looked at


def width(text: str, points: float) -> float:
    """Measure a line of text, in inches."""
    font = _font()
    font.set_size(points, _DPI)
    font.set_text(text)
    return font.get_width_height()[0] / 64 / _DPI


def short(text: str, inches: float, points: float = SMALL, share: float = 0.5) -> str:
    r"""Cut the inside out of a wide text, and put ? for what the font has not.

    Args:
        text: Of any length.
        inches: That what is left may take.
        points: Size of the letters.
        share: Of the letters left, how many come before the gap.

    Example:
        >>> short("abcdefghijkl", 0.5), short("abcdefghijkl", 0.5, share=1)
        ('abcd…ijkl', 'abcdefg…')
        >>> short("line\nbreak", 1)
        'line?break'
    """
    text = "".join(c if ord(c) in _glyphs() else "?" for c in text)
    if width(text[:_LONGEST], points) <= inches:
        return text

    def cut(letters: int) -> str:
        head = round(letters * share)
        return f"{text[:head]}…{text[len(text) - letters + head :]}"

    fits = range(min(len(text), _LONGEST))
    wide = bisect(fits, inches, key=lambda letters: width(cut(letters), points))
    return cut(max(wide - 1, 0))


@cache
def _font() -> FT2Font:
    return get_font(findfont(FONT))


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(_font().get_charmap())
