"""The album: every figure of a report that can be drawn, as SVG and PNG."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchsuite.report.facts import Dossier
from benchsuite.report.figures.critical_difference import over_seeds, over_tasks
from benchsuite.report.figures.curves import error_curves, rank_curves, regret_curves
from benchsuite.report.figures.distributions import distributions
from benchsuite.report.figures.landscape import landscape_figure
from benchsuite.report.figures.over_tasks import rank_over_tasks, regret_over_tasks
from benchsuite.report.figures.pareto import (
    FrontContest,
    front_figure,
    hypervolume_curves,
)
from benchsuite.report.figures.sheet import Plate, save
from benchsuite.report.leaderboard import Contest
from benchsuite.report.palette import Style, styles


class Drawn(NamedTuple):
    """A figure of a report.

    Attributes:
        name: Of its files, without their endings.
        title: What it shows, in a few words.
        caption: How to read it, of how many seeds it is, and what is left out; if
            there are no files, why.
        files: Its SVG and its PNG; none if there is nothing to draw.
    """

    name: str
    title: str
    caption: str
    files: Sequence[Path]


def draw(
    contests: Sequence[Contest],
    dossier: Dossier,
    folder: Path,
    fronts: Sequence[FrontContest] = (),
) -> list[Drawn]:
    """Draw a report: ranks over tasks first, then contest by contest.

    Args:
        contests: All of the report; styles follow from them.
        dossier: Its landscapes, and what was evaluated.
        folder: Where files go; those of the same name are written over.
        fronts: Searches for several objectives.

    Raises:
        OSError: A file cannot be written.
    """
    looks = styles(contests, [label for contest in fronts for label in contest.runs])
    taken = set[str]()
    drawn = []
    for words, plate in _plates(contests, dossier, fronts, looks):
        name = _name(words, taken)
        files = save(plate, folder / name)
        drawn.append(Drawn(name, plate.title, plate.caption, files))
    return drawn


def captions(drawn: Sequence[Drawn], folder: str = "") -> str:
    """Show figures with their captions, in Markdown.

    Args:
        drawn: Those without files are named, with the reason.
        folder: Of their files as seen from the text: "", or with a slash at its end.
    """
    return "\n".join(
        f"## {_plain(title)}\n\n{picture}{_plain(caption)}\n"
        for name, title, caption, files in drawn
        for picture in (f"![{_plain(title)}]({folder}{name}.svg)\n\n" if files else "",)
    )


def _plain(text: str) -> str:
    r"""Keep Markdown and HTML out of a text.

    Example:
        >>> print(_plain("a_b <b> [c](d)"))
        a\_b \<b\> \[c\](d)
    """
    return re.sub(r"([\\`*_<>&\[\]$|#~])", r"\\\1", text)


def _plates(
    contests: Sequence[Contest],
    dossier: Dossier,
    fronts: Sequence[FrontContest],
    looks: Mapping[str, Style],
) -> Iterator[tuple[str, Plate]]:
    """Draw one after the other, each with words to name its files by."""
    for (rules, _), tasks in _alike(contests).items():
        if len(tasks) > 1:
            yield f"tasks {rules} ranks", over_tasks(tasks, looks)
            yield f"tasks {rules} rank", rank_over_tasks(tasks, looks)
            yield f"tasks {rules} regret", regret_over_tasks(tasks, looks)
    for contest in contests:
        words = f"{contest.benchmark} {contest.rules}"
        landscape = dossier.landscapes.get(contest.benchmark)
        yield f"{words} error", error_curves(contest, looks)
        yield f"{words} regret", regret_curves(contest, looks)
        yield f"{words} rank", rank_curves(contest, looks)
        yield f"{words} final", distributions(contest, looks)
        yield f"{words} ranks", over_seeds(contest, looks)
        yield (
            f"{words} landscape",
            landscape_figure(contest, landscape, dossier.evaluated, looks),
        )
    for found in fronts:
        words = f"{found.benchmark} {found.rules}"
        yield f"{words} fronts", front_figure(found, looks)
        yield f"{words} hypervolume", hypervolume_curves(found, looks)


def _alike(contests: Sequence[Contest]) -> dict[tuple[str, str], list[Contest]]:
    """Sort contests by rules and by what is reported; of a benchmark, one in each."""
    groups: dict[tuple[str, str], dict[str, Contest]] = {}
    for contest in contests:
        group = groups.setdefault((contest.rules, contest.reports), {})
        group.setdefault(contest.benchmark, contest)
    return {key: list(group.values()) for key, group in groups.items()}


def _name(words: str, taken: set[str]) -> str:
    """Make a name for files of any words, and take it.

    Example:
        >>> taken = set()
        >>> _name("nb201/cifar10 trials=200 error", taken), _name("../..", taken)
        ('nb201-cifar10-trials-200-error', 'figure')
        >>> _name("NB201:cifar10 trials=200 error", taken)
        'nb201-cifar10-trials-200-error-2'
    """
    name = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-") or "figure"
    stem, again = name[-100:], 1
    name = stem
    while name in taken:
        again += 1
        name = f"{stem}-{again}"
    taken.add(name)
    return name
