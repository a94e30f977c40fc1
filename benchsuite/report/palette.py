"""One style a strategy, the same in every figure and on the page.

Seven colours, and grey for the baseline, come from a search over sRGB colours of
contrast 3 to 10 on white (3 is what WCAG 2.1, criterion 1.4.11, asks of graphics) for
the largest least distance in CIELAB, with full vision and with protanopia, deuteranopia
and tritanopia as simulated by Machado, Oliveira & Fernandes, "A Physiologically-based
Model for Simulation of Color Vision Deficiency", IEEE Transactions on Visualization and
Computer Graphics 15(6), 2009. Every two are 27 apart for everybody. The palette of
Okabe & Ito, "Color Universal Design", 2002, keeps 16 without its yellow; that, orange
and sky blue are too pale for lines on white. Black is left to what is no strategy: the
exact front, means, bars.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from benchsuite.report.leaderboard import Contest

COLOURS = (
    "#0b61d6",  # blue
    "#d57e00",  # orange
    "#21a860",  # green
    "#ad0005",  # red
    "#aa6dbc",  # orchid
    "#3d3f68",  # indigo
    "#782831",  # maroon
)
DASHES: tuple[tuple[float, ...], ...] = ((), (6, 2), (2, 1.5), (8, 2, 2, 2))
MARKERS = ("o", "s", "^", "D", "v", "P", "*")
"""By their names in matplotlib."""

BASELINE = "random_search"
"""What does no better needs no search: always grey, whatever its rank."""


class Style(NamedTuple):
    """How a strategy is drawn.

    Attributes:
        colour: "#rrggbb", for a white ground.
        dash: Points on and off in turn; () is a solid line.
        marker: One of `MARKERS`.
    """

    colour: str
    dash: tuple[float, ...]
    marker: str


_GREY = Style("#8d9498", (), "X")


def styles(
    contests: Sequence[Contest], others: Sequence[str] = ()
) -> Mapping[str, Style]:
    """Give every strategy of a report its style, by `Standing.label`.

    Those with the best average rank over the contests they took part in come first, by
    name where ranks are equal. The baseline is grey; the first seven others have solid
    lines and colours of their own, the next seven the same colours dashed and other
    markers, and so on; beyond 196 styles repeat.

    Args:
        contests: Of the report.
        others: Labels that may be in none of them, which come last, by name.

    Example:
        >>> styles([])
        {}
    """
    ranks: dict[str, list[int]] = {}
    for contest in contests:
        for line in contest.lines:
            ranks.setdefault(line.standing.label, []).append(line.standing.rank)
    order = sorted(ranks, key=lambda name: (sum(ranks[name]) / len(ranks[name]), name))
    order += sorted(set(others) - ranks.keys())
    ranked = [name for name in order if name != BASELINE]
    found = {name: _style(place) for place, name in enumerate(ranked)}
    return {**found, BASELINE: _GREY} if BASELINE in order else found


def _style(place: int) -> Style:
    """Count through colours, dashes and markers; each turn moves the markers by one."""
    turn, colour = divmod(place, len(COLOURS))
    return Style(
        COLOURS[colour],
        DASHES[turn % len(DASHES)],
        MARKERS[(place + turn) % len(MARKERS)],
    )
