"""What a benchmark says of one architecture, runs and notes included: for a person."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """One training run of an architecture, as the table has it.

    Attributes:
        seed: What the run is called there.
        epochs: int [E], where it was read off.
        valid_error: [E], fractions.
        seconds: [E], what a trial of so many epochs costs.
        recorded: Further figures of the run, as published, right or wrong.
    """

    seed: int
    epochs: tuple[int, ...]
    valid_error: tuple[float, ...]
    seconds: tuple[float, ...]
    recorded: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Record:
    """Everything a benchmark has of one architecture.

    Attributes:
        benchmark: Name of the benchmark.
        table: First eight hex digits of the table's sha256.
        source: Where the table comes from.
        arch: Published spelling.
        canonical: Spelling of the representative of its isomorphism class.
        metrics: Figures of the network.
        units: What those figures count.
        runs: Every recorded training run that a search may see.
        test_error: Of every recorded test run after full training; often none.
        notes: What to know before trusting a figure.
    """

    benchmark: str
    table: str
    source: str
    arch: str
    canonical: str
    metrics: Mapping[str, float]
    units: Mapping[str, str]
    runs: tuple[RecordedRun, ...]
    test_error: tuple[float, ...]
    notes: tuple[str, ...]


def contradictions(
    runs: Iterable[RecordedRun], metrics: Mapping[str, float]
) -> list[str]:
    """Name the recorded figures that differ from the network's computed one."""
    return [
        f"the recorded {name} of seed {run.seed} is {value:,.0f}, which contradicts the"
        f" closed formula's {metrics[name]:,.0f}; the formula's is used"
        for run in runs
        for name, value in run.recorded.items()
        if name in ("params", "macs") and name in metrics and value != metrics[name]
    ]
