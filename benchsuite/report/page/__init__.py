"""The page: a whole report as one HTML text that opens from disk, without a network.

The frame is filled by jinja2; everything else is data, in blocks of JSON that scripts
of the page read. Of large blocks there is one a contest, parsed when first needed. A
policy in the page (Content-Security-Policy) lets nothing run but its own scripts, which
carry a nonce, and lets nothing be loaded: whatever a name or a text contains, it can
only be shown.
"""

import secrets
from collections.abc import Iterator, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable

from jinja2 import Environment, StrictUndefined

from benchsuite.report.facts import Dossier
from benchsuite.report.leaderboard import Contest
from benchsuite.report.page import blocks
from benchsuite.report.page.encoding import encode

_HERE = files(__package__)
_STYLES = ("ground", "controls", "tables", "chart", "dialog", "places")
_SCRIPTS = (  # in the order in which they build on one another
    *("numbers", "elements", "columns", "data", "state", "export", "grid", "filters"),
    *("budget", "board", "scales", "chart", "legend", "curves", "cell", "strategy"),
    *("architecture", "views", "main"),
)


def page(
    contests: Sequence[Contest],
    dossier: Dossier,
    *,
    title: str = "Neural architecture search strategies compared",
) -> str:
    """Write a report as one self-contained HTML text.

    Args:
        contests: What it is about, in the order in which it is shown; curves are drawn
            of lines that have every change of incumbent.
        dossier: What it tells beside the figures.
        title: Its heading.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    frame = environment.from_string(_text(_HERE / "template.html.j2"))
    vendored = _HERE / "vendored"
    return frame.render(
        title=title,
        nonce=secrets.token_urlsafe(16),
        styles=[
            _text(vendored / "tabulator_simple.min.css"),
            _text(vendored / "uPlot.min.css"),
            *(_text(_HERE / "style" / f"{name}.css") for name in _STYLES),
        ],
        scripts=[
            _text(vendored / "tabulator.min.js"),
            _text(vendored / "uPlot.iife.min.js"),
            _own_script(),
        ],
        blocks={name: encode(data) for name, data in _blocks(contests, dossier)},
        contests=len(contests),
        lines=sum(len(contest.lines) for contest in contests),
        runs=sum(len(line.runs) for c in contests for line in c.lines),
        failures=dossier.failures,
    )


def _blocks(
    contests: Sequence[Contest], dossier: Dossier
) -> Iterator[tuple[str, object]]:
    """Name every block of data: what is needed at once, and then of each contest."""
    yield "leaderboard", blocks.leaderboard(contests)
    for contest in contests:
        name = blocks.name(contest)
        yield f"facts-{name}", blocks.facts(contest, dossier)
        yield f"curves-{name}", blocks.curves(contest)
        yield f"steps-{name}", blocks.steps(contest)
        yield f"runs-{name}", blocks.runs(contest)
        yield f"architectures-{name}", blocks.architectures(contest, dossier)


def _own_script() -> str:
    """Put the scripts of the page into one function, out of reach of the console."""
    parts = [_text(_HERE / "script" / f"{name}.js") for name in _SCRIPTS]
    return "\n".join(['(() => {\n"use strict";', *parts, "})();"])


def _text(file: Traversable) -> str:
    return file.read_text(encoding="utf-8")
