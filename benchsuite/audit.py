"""Which images every figure of the installed benchmarks was computed on."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from benchsuite.benchmarks import known
from benchsuite.benchmarks.installed import AbsentError, data_folder, installed
from benchsuite.benchmarks.tabular import TabularBenchmark
from surrogates import DataError, Split, Table

_HELD_OUT = "no test: the same images, in the runs that a search did not see"
_NOTHING = "nothing: there are no test figures, and no runs but the one that is seen"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of one benchmark.

    Attributes:
        benchmark: Its name.
        table: First eight hex digits of the table's sha256.
        epochs: At which a strategy may ask.
        seen: The figure that a strategy sees, in words.
        seen_images: What it was computed on.
        reported: The figure that is reported, in words.
        reported_images: What it was computed on.
        overlap: Images that are both seen and reported as a test: there must be none.
        evidence: What the figures themselves say.
        why: What to know of the choice.
    """

    benchmark: str
    table: str
    epochs: str
    seen: str
    seen_images: tuple[str, ...]
    reported: str
    reported_images: tuple[str, ...]
    overlap: tuple[str, ...]
    evidence: str
    why: str


def audit() -> Iterator[Finding]:
    """Look at every benchmark whose table is installed.

    Raises:
        DataError: The figures of a table are not those that were written.
    """
    for name in installed():
        table = Table.open(data_folder() / name)
        if replace(table).digest != table.digest:  # computed anew
            raise DataError(
                f"the table in {data_folder() / name} is damaged: its figures are not"
                " those that were imported"
            )
    for make in known().values():
        try:
            benchmark = make()
        except AbsentError:
            continue
        if isinstance(benchmark, TabularBenchmark):
            yield _finding(benchmark)


def _finding(benchmark: TabularBenchmark) -> Finding:
    seen, reported, epochs = benchmark.seen, benchmark.reported, benchmark.epochs
    span = f"{epochs[0]}" if len(epochs) == 1 else f"{epochs[0]} to {epochs[-1]}"
    if reported is None:
        what, images = (
            "no test: the same images, in runs that were not seen",
            seen.images,
        )
        overlap: frozenset[str] = frozenset()
    else:
        what, images = str(reported), reported.images
        overlap = seen.images & images
    return Finding(
        benchmark=benchmark.name,
        table=benchmark.data,
        epochs=span,
        seen=str(seen),
        seen_images=tuple(sorted(seen.images)),
        reported=what,
        reported_images=tuple(sorted(images)),
        overlap=tuple(sorted(overlap)),
        evidence=_halves(
            benchmark.table, seen.training, reported and reported.training
        ),
        why=benchmark.why,
    )


def _halves(table: Table, seen: str, reported: str | None) -> str:
    """Check that x-valid and x-test make up the official test set, image by image."""
    if seen != reported or not (splits := table.trainings[seen].splits):
        return ""
    if not {"x-valid", "x-test", "ori-test"} <= set(splits):
        return ""
    valid, test, both = (splits[name] for name in ("x-valid", "x-test", "ori-test"))
    if not (valid.counted and test.counted and both.counted):
        return ""
    total = _last(valid) + _last(test)
    same = int((total == _last(both)).sum())
    return f"x-valid + x-test = ori-test in {same:,} of {len(total):,} runs"


def _last(split: Split) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return split.right[:, -1].astype(np.int64)
