"""Benchmarks that look the training run up instead of doing it."""

import logging
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import numpy as np
import platformdirs
from numpy.typing import NDArray

from benchsuite.core import Observation, Reports, Trial
from benchsuite.spaces import Architecture, SearchSpace
from surrogates import DataError, Table

_MEMO = 1 << 17  # trials kept as Python objects, about 100 MB if all are used

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """One training run of an architecture, as the table has it.

    Attributes:
        seed: What the run is called there.
        epochs: int [E], where it was read off.
        valid_error: [E], fractions.
        seconds: [E], since epoch 0.
        recorded: Further figures of the run, as published, right or wrong.
    """

    seed: int
    epochs: tuple[int, ...]
    valid_error: tuple[float, ...]
    seconds: tuple[float, ...]
    recorded: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Record:
    """Everything a table has of one architecture.

    Attributes:
        benchmark: Name of the benchmark.
        table: First eight hex digits of the table's sha256.
        source: Where the table comes from.
        arch: Published spelling.
        canonical: Spelling of the representative of its isomorphism class.
        metrics: Figures of the network: params, macs (one image), latency (seconds).
        runs: Every recorded training run.
        test_error: Of every recorded test run after full training; often none.
        notes: What to know before trusting a figure.
    """

    benchmark: str
    table: str
    source: str
    arch: str
    canonical: str
    metrics: Mapping[str, float]
    runs: tuple[RecordedRun, ...]
    test_error: tuple[float, ...]
    notes: tuple[str, ...]


class TabularBenchmark:
    """A search space whose every architecture has been trained already.

    A search with seed s sees run `s mod n` of an architecture that has n runs, its
    error and its seconds alike. The report is the mean test error of all test runs or,
    if the table has no test figures, the mean validation error of the other n - 1 runs.

    Attributes:
        name: Such as "nb201/cifar10".
        data: First eight hex digits of the table's sha256.
        space: The architectures of the table.
        epochs: Epochs at which the runs were read off.
        reports: "test", or "held_out_runs" if the table has no test figures.
    """

    def __init__(
        self,
        name: str,
        space: SearchSpace,
        table: Table,
        metrics: Mapping[str, NDArray[np.float64]] | None = None,
    ) -> None:
        """Index the rows.

        Args:
            name: Name of the benchmark.
            space: Its options and their order must be the table's.
            table: The recorded runs.
            metrics: [N] by name, computed figures to stand beside the recorded ones.

        Raises:
            DataError: The options of `table` are not those of `space`.
        """
        if table.choices != space.choices:
            raise DataError(f"the table of {name} is not one of {space.name}")
        self.name, self.space, self.data = name, space, table.digest[:8]
        self.epochs: tuple[int, ...] = tuple(table.epochs.tolist())
        self.reports: Reports = "held_out_runs" if table.test_error is None else "test"
        self._table = table
        self._metrics = {**table.metrics, **(metrics or {})}
        self._rows = {tuple(arch): n for n, arch in enumerate(table.archs.tolist())}
        self._columns = {epochs: e for e, epochs in enumerate(self.epochs)}
        self._seen: dict[Trial, tuple[Observation, ...]] = {}

    def __getstate__(self) -> dict[str, object]:
        """Go to another process without what was read off here."""
        return {**self.__dict__, "_seen": {}}

    def evaluate(self, trial: Trial, seed: int) -> Observation:
        """Look the run up.

        Raises:
            KeyError: The table has no such architecture or epoch.
        """
        try:
            runs = self._seen[trial]
        except KeyError:
            runs = self._read(trial)
        return runs[seed % len(runs)]

    def _read(self, trial: Trial) -> tuple[Observation, ...]:
        """Read off what every recorded run of a trial gave, and remember it."""
        row, column = self._row(trial.arch), self._column(trial.epochs)
        error, seconds = self._table.valid_error, self._table.seconds
        metrics = MappingProxyType({n: m.item(row) for n, m in self._metrics.items()})
        runs = tuple(
            [
                Observation(error.item(row, s, column), cost, metrics)
                for s in range(len(self._table.seeds))
                if (cost := seconds.item(row, s, column)) == cost  # nan: not recorded
            ]
        )
        if len(self._seen) >= _MEMO:
            self._seen.clear()
        self._seen[trial] = runs
        return runs

    def _row(self, arch: Architecture) -> int:
        if arch not in self._rows:
            raise KeyError(f"{arch} is not an architecture of {self.space.name}")
        return self._rows[arch]

    def _column(self, epochs: int) -> int:
        if epochs not in self._columns:
            known = self.epochs if len(self.epochs) < 9 else (*self.epochs[:8], "...")
            raise KeyError(f"{self.name} has epochs {known}, not {epochs}")
        return self._columns[epochs]

    def evaluate_many(
        self, archs: NDArray[np.integer], epochs: int, seed: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Look up many architectures at once, as `evaluate` does one.

        Args:
            archs: [B, D] option indices.
            epochs: Fidelity of all of them.
            seed: Picks the run of each.

        Returns:
            Errors [B] and seconds [B].

        Raises:
            KeyError: One of them is not in the table, or the epochs are not.
        """
        column = self._column(epochs)
        if archs.ndim != 2 or archs.shape[1] != len(self._radix):
            raise KeyError(f"archs is {archs.shape}, not [B, {len(self._radix)}]")
        if not ((archs >= 0) & (archs < self._sizes)).all():
            raise KeyError(f"an architecture is not one of {self.space.name}")
        codes = archs @ self._radix
        rows = np.searchsorted(self._codes, codes)
        if not np.array_equal(self._codes.take(rows, mode="clip"), codes):
            raise KeyError(f"an architecture is not in the table of {self.name}")
        runs = seed % self._counts[rows]
        return (
            self._table.valid_error[rows, runs, column],
            self._table.seconds[rows, runs, column],
        )

    @cached_property
    def _sizes(self) -> NDArray[np.int64]:
        return np.array([len(options) for options in self.space.choices])

    @cached_property
    def _radix(self) -> NDArray[np.int64]:
        """Place values that turn an architecture into its number in order."""
        places: NDArray[np.int64] = np.append(np.cumprod(self._sizes[:0:-1])[::-1], 1)
        return places

    @cached_property
    def _codes(self) -> NDArray[np.int64]:
        codes: NDArray[np.int64] = self._table.archs @ self._radix
        return codes

    @cached_property
    def _counts(self) -> NDArray[np.int64]:
        """How many runs each architecture has, [N]."""
        counts: NDArray[np.int64] = np.isfinite(self._table.seconds[:, :, -1]).sum(
            axis=1
        )
        return counts

    def reported_error(self, arch: Architecture, seed: int) -> float:
        """Average the runs that the report is about; nan if there are none."""
        if self._table.test_error is not None:
            tests = self._table.test_error[self._row(arch)]
            return _mean(tests[~np.isnan(tests)].tolist())
        full = Trial(arch, self.epochs[-1])
        runs = self._seen.get(full) or self._read(full)
        seen = seed % len(runs)
        return _mean([run.error for n, run in enumerate(runs) if n != seen])

    @cached_property
    def best_error(self) -> float:
        """Lowest error to report in the table, averaged over all runs."""
        table = self._table
        tests = table.test_error
        runs = table.valid_error[:, :, -1] if tests is None else tests
        count = (~np.isnan(runs)).sum(axis=1)
        with np.errstate(invalid="ignore"):  # 0 / 0 where nothing was recorded
            return float(np.nanmin(np.nansum(runs, axis=1) / count))

    def query(self, arch: Architecture | str) -> Record:
        """Collect everything that is recorded of an architecture.

        Args:
            arch: Option indices, or the published spelling.

        Raises:
            ValueError: The spelling is wrong.
            KeyError: The table has no such architecture.
        """
        if isinstance(arch, str):
            arch = self.space.parse(arch)
        row, table = self._row(arch), self._table
        metrics = {name: m.item(row) for name, m in self._metrics.items()}
        runs = [
            RecordedRun(
                seed,
                self.epochs,
                tuple(table.valid_error[row, s].tolist()),
                tuple(table.seconds[row, s].tolist()),
                {name: m.item(row, s) for name, m in table.recorded.items()},
            )
            for s, seed in enumerate(table.seeds.tolist())
            if not math.isnan(table.seconds[row, s, -1])
        ]
        tests = [] if table.test_error is None else table.test_error[row].tolist()
        return Record(
            benchmark=self.name,
            table=self.data,
            source=table.source,
            arch=self.space.format(arch),
            canonical=self.space.format(self.space.canonical(arch)),
            metrics=metrics,
            runs=tuple(runs),
            test_error=tuple(t for t in tests if not math.isnan(t)),
            notes=tuple(_contradictions(runs, metrics)),
        )


def _contradictions(runs: list[RecordedRun], metrics: Mapping[str, float]) -> list[str]:
    """Name the recorded figures that differ from the network's computed one."""
    return [
        f"the recorded {name} of seed {run.seed} is {value:,.0f}, which contradicts the"
        f" closed formula's {metrics[name]:,.0f}; the formula's is used"
        for run in runs
        for name, value in run.recorded.items()
        if name in metrics and value != metrics[name]
    ]


def _mean(errors: list[float]) -> float:
    return math.fsum(errors) / len(errors) if errors else math.nan


def data_folder() -> Path:
    """Where converted tables are kept: $BENCHSUITE_DATA, or the user's data folder."""
    chosen = os.environ.get("BENCHSUITE_DATA")
    return Path(chosen or platformdirs.user_data_dir("benchsuite")).expanduser()


def open_or_convert(name: str, read: Callable[[], Table]) -> Table:
    """Map the table `name` of the data folder; if it is not there, convert it first.

    A damaged one is converted again. Where nothing can be written, the table stays in
    memory, and a warning says so.

    Raises:
        DataError: The source cannot be read.
    """
    folder = data_folder() / name
    try:
        return Table.open(folder)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except DataError as error:
        log.warning("%s; converting it again", error)
    except OSError as error:
        log.warning("cannot open %s (%s); reading its source", folder, error.strerror)
    table = read()
    try:
        table.save(folder)
        return Table.open(folder)
    except OSError as error:
        log.warning("cannot keep %s in %s: %s", name, folder, error.strerror)
    return table
