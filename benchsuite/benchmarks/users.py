"""Benchmarks of tables that a user imported."""

from benchsuite.benchmarks.hardware import join
from benchsuite.benchmarks.installed import open_installed
from benchsuite.benchmarks.tabular import Figure, TabularBenchmark
from benchsuite.names import pick
from benchsuite.spaces import SPACES


def user_table(name: str) -> TabularBenchmark:
    """Open what `benchsuite import my_table.csv` made.

    Its manifest says which space it is of; what a strategy sees is its split `valid`,
    and what is reported its split `test`, if it has one.
    """
    table = open_installed(name, f"FILE --name {name}")
    space = pick("space", table.about["space"], SPACES)
    (training,) = table.trainings
    splits = table.trainings[training].splits
    joined = join(space, training, table)
    return TabularBenchmark(
        name,
        space,
        table,
        seen=Figure(training, "valid", frozenset({f"valid images of {name}"})),
        reported=Figure(training, "test", frozenset({f"test images of {name}"}))
        if "test" in splits
        else None,
        metrics=[joined.hardware],
        beside=[joined.robustness],
        units=joined.units,
    )
