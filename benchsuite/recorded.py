"""All that is recorded in a folder of results: in its store, or in its tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchsuite.core import InputError
from benchsuite.results import COLUMNS, Circumstances, Effort, Row, Run, read
from benchsuite.store import Failure, Store


@dataclass(frozen=True, slots=True)
class Recorded:
    """Runs, and what is known of how they were done.

    Attributes:
        rows: Sorted; every change of incumbent, or of each run the last.
        efforts: What runs took, of those where that is known.
        circumstances: Where runs come from, of those where that is known.
        failures: Runs that came to no result.
    """

    rows: Sequence[Row]
    efforts: Mapping[Run, Effort] = field(default_factory=dict)
    circumstances: Mapping[Run, Circumstances] = field(default_factory=dict)
    failures: Sequence[Failure] = ()


def recorded(folder: Path, *, curves: bool = False) -> Recorded:
    """Read a folder of results.

    Args:
        folder: With runs.sqlite, which then counts; or with tables that `export` wrote,
            as they are in git.
        curves: Whether to read every change of incumbent, where it is there.

    Raises:
        InputError: There are no results, or they cannot be read.
    """
    file = folder / "runs.sqlite"
    if file.exists():
        with Store(file, create=False) as store:
            return Recorded(
                list(store.rows(curves=curves)),
                store.efforts(),
                store.circumstances(),
                store.failures(),
            )
    tables = [path for path in sorted(folder.rglob("*.csv")) if _is_table(path)]
    if not tables:
        raise InputError(
            f"no results in {folder}: `benchsuite run` makes some, or name another"
            " folder with --results"
        )
    return Recorded(sorted(row for path in tables for row in read(path)))


def _is_table(path: Path) -> bool:
    """Whether a file is a result table without curves, by its first line."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        header = file.readline(1000).strip()
    return header == ",".join(COLUMNS) and not path.name.endswith(".curves.csv")
