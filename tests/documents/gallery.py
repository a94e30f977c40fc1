"""docs/gallery.md: figures as `benchsuite report` draws them, of a folder of results.

The folders must have their stores, since tables of final results have no curves. The
second has the searches for several objectives:

    python -m tests.documents.gallery results/new results/new/fronts
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchsuite.dossier import dossier
from benchsuite.publication import front_contests
from benchsuite.recorded import recorded
from benchsuite.report.figures.album import captions, draw
from benchsuite.report.leaderboard import contests

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "gallery.md"
FOLDER = ROOT / "docs" / "gallery"

_ONE = "nb201-cifar10-trials-200"
_FRONTS = f"{_ONE}-objectives-error-latency"
SHOWN = (
    *(f"tasks-trials-200-{kind}" for kind in ("ranks", "rank", "regret")),
    *(f"{_ONE}-{kind}" for kind in ("error", "regret", "rank")),
    *(f"nb201-{task}-trials-200-regret" for task in ("cifar100", "imagenet16-120")),
    *(f"{_ONE}-{kind}" for kind in ("final", "ranks", "landscape")),
    *(f"{_FRONTS}-{kind}" for kind in ("fronts", "hypervolume")),
)
HEAD = """\
# Gallery

Figures of `benchsuite report`, drawn for print by `make results`: from the runs of the
strategies that are quick enough for 240 seeds (`QUICK` in the Makefile), and from these
searches for two objectives:

    benchsuite run nsga2 parego random_scalarization random_search --on nb201/cifar10 \\
        --objectives error,latency --trials 200 --seeds 48

Of runs of your own, these and more come as SVG and PNG in `report/figures`:

    benchsuite report

Every strategy has one colour, dash and marker in all of them; the baseline,
`random_search`, is grey.

"""


def gallery(results: Path, fronts: Path) -> str:
    """Draw the figures, and compose the document.

    Raises:
        LookupError: They have not what one of the figures shows.
    """
    known, several = (recorded(folder, curves=True) for folder in (results, fronts))
    found = contests(known.rows, known.efforts)
    about = dossier(found, known)
    with TemporaryDirectory() as folder:
        drawn = draw(found, about, Path(folder), list(front_contests(several.rows)))
        by_name = {figure.name: figure for figure in drawn if figure.files}
        missing = [name for name in SHOWN if name not in by_name]
        if missing:
            raise LookupError(
                f"{results}, {fronts} have not what {', '.join(missing)} show"
            )
        FOLDER.mkdir(exist_ok=True)
        for old in FOLDER.glob("*.svg"):
            old.unlink()
        for name in SHOWN:
            (FOLDER / f"{name}.svg").write_bytes(by_name[name].files[0].read_bytes())
    return HEAD + captions([by_name[name] for name in SHOWN], "gallery/")


if __name__ == "__main__":
    FILE.write_text(gallery(*map(Path, sys.argv[1:])), encoding="utf-8")
    print(f"{FILE.name} written")
