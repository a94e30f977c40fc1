"""The sheet that a figure is printed on: its widths, its letters, and its files.

Letters become outlines in an SVG: it looks the same where the font is missing, and no
label grows out of its place. The text stands beside them as comments, to be searched.
No name is read as a formula, whatever dollar signs it has.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from matplotlib import style
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from benchsuite.report.figures.letters import BODY, FONT, SMALL, short, width
from benchsuite.report.figures.words import number
from benchsuite.report.palette import Style

SINGLE, DOUBLE = 3.4, 7.0
"""Inches: the width of one column, and of both, of a journal."""

_HANDLE = (2.8 + 0.5 + 1) * SMALL / 72  # inches of a legend beside the name
_HEADING = 2.6  # inches

_PRINT = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.labelsize": BODY,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": BODY,
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.03,
    "font.family": FONT,
    "font.size": BODY,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "legend.borderaxespad": 0.2,
    "legend.borderpad": 0.1,
    "legend.columnspacing": 1.0,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "legend.handlelength": 2.8,  # room for a whole dash
    "legend.handletextpad": 0.5,
    "legend.labelspacing": 0.3,
    "lines.linewidth": 1.2,
    "lines.markersize": 4,
    "savefig.dpi": 200,
    "svg.fonttype": "path",
    "svg.hashsalt": "benchsuite",  # the same names inside a file every time
    "text.parse_math": False,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
}


class Plate(NamedTuple):
    """A figure with its words.

    Attributes:
        title: What it shows, in a few words.
        caption: How to read it, of how many seeds it is, and what is left out; if
            there is no figure, why.
        figure: None if there is nothing to draw.
    """

    title: str
    caption: str
    figure: Figure | None


@contextmanager
def printing() -> Iterator[None]:
    """Set letters and lines for print while a figure is made, whatever a user has set.

    matplotlib's settings are global; they are afterwards what they were.
    """
    with style.context(_PRINT, after_reset=True):
        yield


def sheet(width: float, height: float) -> Figure:
    """Take an empty figure, in inches; to be called while `printing`."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def dashed(look: Style) -> str | tuple[float, tuple[float, ...]]:
    """Spell a dash as matplotlib does."""
    return (0.0, look.dash) if look.dash else "solid"


def heading(axes: Axes, text: str) -> None:
    """Name a benchmark over the axes."""
    axes.set_title(short(text, _HEADING, BODY))


def logarithmic(axes: Axes, which: Literal["x", "y"], low: float, high: float) -> None:
    """Give an axis a log scale from `low` to `high`, with two labels at least."""
    if low == high:
        low, high = low / 2, high * 2
    axes.set(**{f"{which}scale": "log", f"{which}lim": (low, high)})
    axis: Axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(subs=(1,) if high / low > 300 else (1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(number))
    axis.set_minor_locator(LogLocator(subs=range(2, 10)))
    axis.set_minor_formatter(NullFormatter())


def below(figure: Figure, handles: Sequence[Artist]) -> None:
    """Put a legend below the axes, in as many columns as fit; the figure grows."""
    widest = max(width(str(handle.get_label()), SMALL) for handle in handles)
    columns = max(1, int(figure.get_figwidth() / (widest + _HANDLE)))
    rows = -(-len(handles) // columns)
    figure.set_figheight(figure.get_figheight() + 0.15 * rows)
    figure.legend(handles=handles, loc="outside lower center", ncols=columns)


def lay_out(figure: Figure) -> None:
    """Put everything in its place, for good: it takes longer than to draw."""
    if engine := figure.get_layout_engine():
        engine.execute(figure)
        figure.set_layout_engine(None)


def save(plate: Plate, stem: Path) -> list[Path]:
    """Write <stem>.svg and <stem>.png, the same bytes every time.

    Returns:
        The files; none if there is nothing to draw.

    Raises:
        OSError: They cannot be written.
    """
    figure = plate.figure
    if figure is None:
        return []
    about: Mapping[str, dict[str, str | None]] = {
        ".svg": {"Title": plate.title, "Date": None, "Creator": None},
        ".png": {"Title": plate.title, "Software": None},
    }
    stem.parent.mkdir(parents=True, exist_ok=True)
    with printing():
        lay_out(figure)
        for ending, metadata in about.items():
            figure.savefig(f"{stem}{ending}", metadata=metadata)
    return [Path(f"{stem}{ending}") for ending in about]
