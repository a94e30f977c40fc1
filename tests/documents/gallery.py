"""docs/gallery.md: figures as `benchsuite report` draws them, of a folder of results.

The folder must have its store, since tables of final results have no curves:

    python -m tests.documents.gallery results/new
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
    "tasks-trials-200-ranks",
    *(f"{_ONE}-{kind}" for kind in ("error", "regret", "rank")),
    *(f"nb201-{task}-trials-200-regret" for task in ("cifar100", "imagenet16-120")),
    *(f"{_ONE}-{kind}" for kind in ("final", "ranks", "landscape")),
    *(f"{_FRONTS}-{kind}" for kind in ("fronts", "hypervolume")),
)
HEAD = """\
# Gallery

Figures of `benchsuite report`, drawn for print from what `make results` ran, and from
the searches for two objectives of

    benchsuite run nsga2 parego random_scalarization random_search --on nb201/cifar10 \\
        --objectives error,latency --trials 200 --seeds 48 --results results/new

The whole report, with these and more as SVG and PNG in `report/figures`:

    benchsuite report --results results/new

Every strategy has one colour, dash and marker in all of them; the baseline,
`random_search`, is grey.

"""


def gallery(results: Path) -> str:
    """Draw the figures, and compose the document.

    Raises:
        LookupError: `results` has not what one of them shows.
    """
    known = recorded(results, curves=True)
    found = contests(known.rows, known.efforts)
    about = dossier(found, known)
    with TemporaryDirectory() as folder:
        drawn = draw(found, about, Path(folder), list(front_contests(known.rows)))
        by_name = {figure.name: figure for figure in drawn if figure.files}
        missing = [name for name in SHOWN if name not in by_name]
        if missing:
            raise LookupError(f"{results} has not what {', '.join(missing)} shows")
        FOLDER.mkdir(exist_ok=True)
        for old in FOLDER.glob("*.svg"):
            old.unlink()
        for name in SHOWN:
            (FOLDER / f"{name}.svg").write_bytes(by_name[name].files[0].read_bytes())
    return HEAD + captions([by_name[name] for name in SHOWN], "gallery/")


if __name__ == "__main__":
    FILE.write_text(gallery(Path(sys.argv[1])), encoding="utf-8")
    print(f"{FILE.name} written")
