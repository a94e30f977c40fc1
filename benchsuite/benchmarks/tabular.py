"""Benchmarks that look the training run up instead of doing it."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from benchsuite.benchmarks.installed import AbsentError
from benchsuite.benchmarks.records import Record, RecordedRun, contradictions
from benchsuite.core import Backend, Observation, Reports, Trial
from benchsuite.spaces import Architecture, SearchSpace
from surrogates import DataError, Split, Table, Training

_MEMO = 1 << 15  # architectures, and curves, that are kept once they were asked for
_TRIALS = 1 << 17  # trials, about 60 MB if each has one run


Classes = Callable[[], tuple[NDArray[np.uint64], NDArray[np.uint8]]]


class Figure(NamedTuple):
    """Where in a table a figure stands.

    Attributes:
        training: Data set and schedule, such as "cifar10-valid@200".
        split: The images it was computed on, such as "x-valid".
        images: Which images those are: names of sets that do not overlap.
    """

    training: str
    split: str
    images: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.split} of {self.training}"


_Buffer = Any  # memoryview, which typing cannot tell the shape of
_Figures = Mapping[str, NDArray[np.float64]]
_Metrics = dict[str, _Figures]
"""Metrics by name: each in figures that may be read only when they are looked at."""


class Computed(_Figures):
    """Figures by name, computed when they are looked at for the first time."""

    def __init__(
        self, formulas: Mapping[str, Callable[[], NDArray[np.float64]]]
    ) -> None:
        self._formulas, self._known = formulas, dict[str, NDArray[np.float64]]()

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        if name not in self._known:
            self._known[name] = self._formulas[name]()
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._formulas)

    def __len__(self) -> int:
        return len(self._formulas)


class _Row(Mapping[str, float]):
    """The metrics of one architecture, read off when they are looked at.

    Attributes:
        first: Its first run.
        count: How many runs it has.
    """

    __slots__ = ("_metrics", "_row", "count", "first")

    def __init__(
        self, metrics: _Metrics, row: int, first: int = 0, count: int = 0
    ) -> None:
        self._metrics, self._row = metrics, row
        self.first, self.count = first, count

    def __getitem__(self, name: str) -> float:
        return self._metrics[name][name].item(self._row)

    def __iter__(self) -> Iterator[str]:
        return iter(self._metrics)

    def __len__(self) -> int:
        return len(self._metrics)

    def __reduce__(self) -> tuple[type, tuple[dict[str, float]]]:
        """Go to another process without the other rows."""
        return dict, (dict(self),)


class _Views(NamedTuple):
    """Figures as buffers, of which one costs a third of what NumPy takes for it."""

    right: _Buffer  # [R, E]
    epoch: _Buffer  # [R] seconds of each epoch alike, or
    since: _Buffer | None  # [R, E] seconds since epoch 0
    validation: _Buffer | None  # [R] seconds of one pass over the validation images


class TabularBenchmark:
    """A search space whose every architecture has been trained already.

    A search with seed s sees run `s mod n` of an architecture that has n runs, its
    error and its seconds alike. The seconds are those of training from scratch and of
    one pass over the validation images, if the table knows them. A trial of 0 epochs
    costs nothing: its metrics are written down.

    The report is the mean test error of all test runs after full training or, if the
    table has no test figures, the mean validation error of the other n - 1 runs.

    Attributes:
        name: Such as "nb201/cifar10".
        data: First eight hex digits of the table's sha256.
        space: The architectures that may be asked for.
        epochs: Epochs at which the runs were read off.
        backend: "table".
        reports: "test", or "held_out_runs" if the table has no test figures.
        seen: Where the error that a strategy sees stands in the table.
        reported: Where the error to report stands, if it has a place of its own.
        units: What each metric counts.
        why: What to know of the choice of figures.
        beside: Figures that a record has and a strategy does not see, because they
            were computed on test images.
    """

    def __init__(
        self,
        name: str,
        space: SearchSpace,
        table: Table,
        *,
        seen: Figure,
        reported: Figure | None = None,
        metrics: Sequence[_Figures] = (),
        beside: Sequence[_Figures] = (),
        units: Mapping[str, str] | None = None,
        why: str = "",
        classes: Classes | None = None,
    ) -> None:
        """Map the arrays.

        Args:
            name: Name of the benchmark.
            space: Its options and their order must be the table's, or its keys.
            table: The recorded runs.
            seen: What a strategy may see.
            reported: Test figures; those after the most epochs are reported.
            metrics: [N] by name, figures to stand beside those of the table; the first
                of a name counts.
            beside: [N] by name, figures that a strategy must not see.
            units: What each metric counts.
            why: What to know of the choice of figures.
            classes: Gives the keys, ascending, and the architectures [K, D] that the
                space has of the table's; None is all of them.

        Raises:
            AbsentError: `table` has not those figures.
            DataError: It lacks the seconds of some.
        """
        self.name, self.space, self.data = name, space, table.digest[:8]
        self.seen, self.reported, self.why = seen, reported, why
        self.backend: Backend = "table"
        self.reports: Reports = "held_out_runs" if reported is None else "test"
        self.units: Mapping[str, str] = units or {}
        self.table, self._classes = table, classes
        self._training, self._split = _place(name, table, seen)
        self._tests = None if reported is None else _place(name, table, reported)
        self.epochs: tuple[int, ...] = tuple(self._split.epochs.tolist())
        self._metrics = _by_name(dict(table.metrics), *reversed(metrics))
        self.beside = _by_name(*beside)
        self._when = np.searchsorted(self._training.epochs, self._split.epochs)
        known = self._training.epochs.take(self._when, mode="clip")
        if not np.array_equal(known, self._split.epochs):
            raise DataError(f"{name} lacks seconds at some of the epochs {self.epochs}")
        # Where each epoch stands among the figures, and among the seconds.
        where = zip(self.epochs, self._when.tolist(), strict=True)
        self._columns = {
            epochs: (column, second) for column, (epochs, second) in enumerate(where)
        }
        self._complete = int(table.keys[-1]) == len(table.keys) - 1
        self._whole = self._split.whole
        self._seen: dict[Architecture, _Row] = {}
        self._told: dict[Trial, list[Observation | None]] = {}
        self._curves: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
        self._views = self._look()

    def __getstate__(self) -> dict[str, object]:
        """Go to another process without what was read off here."""
        empty: dict[str, object] = {"_seen": {}, "_told": {}, "_curves": {}}
        return {**self.__dict__, **empty, "_views": None}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Arrive there."""
        self.__dict__.update(state)
        self._views = self._look()

    def _look(self) -> _Views:
        """View the arrays as buffers."""
        seconds, passes = self._training.seconds, self._split.seconds
        once = None
        if passes is not None:
            once = np.nan_to_num(passes if passes.ndim == 1 else passes[:, 0]).data
        return _Views(
            self._split.right.data,
            seconds.data,
            seconds.data if seconds.ndim == 2 else None,
            once,
        )

    def robust(self) -> Self:
        """Show a strategy what stands beside its figures, under a name that says so."""
        other = copy(self)
        other.name = f"{self.name}+robustness"
        other._metrics, other.beside = {**self._metrics, **self.beside}, {}
        other._seen, other._told = {}, {}
        return other

    def evaluate(self, trial: Trial, seed: int) -> Observation:
        """Look the run up.

        Raises:
            KeyError: The table has no such architecture or epoch.
        """
        told = self._told.get(trial)
        if told is None:
            told = self._first_time(trial)
        number = seed % len(told)
        return told[number] or self._observe(trial, number)

    def _first_time(self, trial: Trial) -> list[Observation | None]:
        """Make room for what each run says of a trial."""
        row = self._find(trial.arch)
        told: list[Observation | None] = [None] * row.count
        if not trial.epochs:  # what is recorded of an untrained network is free
            told = [Observation(math.nan, 0.0, row)]
        elif trial.epochs not in self._columns:
            raise self._no_such_epochs(trial.epochs)
        if len(self._told) >= _TRIALS:
            self._told.clear()
        self._told[trial] = told
        return told

    def _observe(self, trial: Trial, number: int) -> Observation:
        """Read off what one run says of a trial."""
        row, (column, second) = self._seen[trial.arch], self._columns[trial.epochs]
        run, views = row.first + number, self._views
        cost: float = 0.0 if views.validation is None else views.validation[run]
        if views.since is None:
            cost += trial.epochs * views.epoch[run]
        else:
            cost += views.since[run, second]
        if cost != cost:
            raise self._not_recorded(trial.epochs)
        error, whole = views.right[run, column], self._whole
        if whole is not None:  # more than the whole, and nan, are no figures
            error = (whole - error) / whole if error <= whole else math.inf
        elif error != error:
            error = math.inf
        self._told[trial][number] = observation = Observation(error, cost, row)
        return observation

    def _find(self, arch: Architecture) -> _Row:
        """Find an architecture, and remember where."""
        if arch in self._seen:
            return self._seen[arch]
        number = self._row(arch)
        runs = self._training.runs(number)
        if not runs:
            raise KeyError(
                f"{self.name} has no run of {self.space.format(arch)} to be seen"
            )
        if len(self._seen) >= _MEMO:
            self._seen.clear()
            self._told.clear()  # a trial is known only if its architecture is
        row = _Row(self._metrics, number, runs.start, len(runs))
        self._seen[arch] = row
        return row

    def _row(self, arch: Architecture) -> int:
        if arch not in self.space:
            raise KeyError(f"{arch} is not an architecture of {self.space.name}")
        key, keys = self.space.key(arch), self.table.keys
        if self._complete:
            if key < len(keys):
                return key
        else:
            row = int(np.searchsorted(keys, np.uint64(key)))
            if row < len(keys) and keys.item(row) == key:
                return row
        raise KeyError(
            f"the table of {self.name} has no {self.space.format(arch)}"
            f"{self._partial()}"
        )

    def _partial(self) -> str:
        total = self.table.about.get("expected")
        if total is None:
            return ""
        return f": it has {len(self.table.keys):,} of {total:,} architectures"

    def _not_recorded(self, epochs: int) -> KeyError:
        return KeyError(
            f"{self.name} lacks the run at {epochs} epochs: its table was imported in"
            " part"
        )

    def _no_such_epochs(self, epochs: int) -> KeyError:
        known = self.epochs if len(self.epochs) < 9 else (*self.epochs[:8], "...")
        why = f": {self.why}" if self.why else ""
        return KeyError(f"{self.name} has epochs {known}, not {epochs}{why}")

    def curve(
        self, arch: Architecture, seed: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Look up all epochs of the run that `seed` picks, as `evaluate` does one.

        Returns:
            Errors [E] and seconds [E] at `epochs`, which cannot be written to.

        Raises:
            KeyError: The table has no such architecture.
        """
        row = self._find(arch)
        run = row.first + seed % row.count
        try:
            return self._curves[run]
        except KeyError:
            pass
        errors, once = self._split.errors(run), self._views.validation
        errors[np.isnan(errors)] = np.inf
        seconds: NDArray[np.float64]
        if self._training.seconds.ndim == 1:
            seconds = self._split.epochs * self._training.seconds[run]
        else:
            seconds = self._training.seconds[run, self._when]
        if once is not None:
            seconds += once[run]
        errors.flags.writeable = seconds.flags.writeable = False
        if len(self._curves) >= _MEMO:
            self._curves.clear()
        self._curves[run] = errors, seconds
        return errors, seconds

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
        if epochs not in self._columns:
            raise self._no_such_epochs(epochs)
        column, second = self._columns[epochs]
        sizes = self._sizes
        if archs.ndim != 2 or archs.shape[1] != len(sizes):
            raise KeyError(f"archs is {archs.shape}, not [B, {len(sizes)}]")
        if not ((archs >= 0) & (archs < sizes)).all():
            raise KeyError(f"an architecture is not one of {self.space.name}")
        keys = self.space.keys(archs.astype(np.uint8))
        if self._complete:
            rows, found = keys.astype(np.int64), bool((keys < len(self._counts)).all())
        else:
            rows = np.searchsorted(self.table.keys, keys)
            found = np.array_equal(self.table.keys.take(rows, mode="clip"), keys)
        if not found or not (counts := self._counts[rows]).all():
            raise KeyError(f"an architecture is not in the table of {self.name}")
        seed %= math.lcm(*np.unique(counts).tolist())  # it may exceed 64 bits
        runs = self._training.starts[rows] + seed % counts
        seconds = self._training.seconds
        alike = seconds.ndim == 1
        cost = seconds[runs] * epochs if alike else seconds[runs, second]
        if (once := self._views.validation) is not None:
            cost += np.asarray(once)[runs]
        if np.isnan(cost).any():
            raise self._not_recorded(epochs)
        error = self._split.errors((runs, column))
        return np.where(np.isnan(error), np.inf, error), cost

    @cached_property
    def _sizes(self) -> NDArray[np.int64]:
        return np.array([len(options) for options in self.space.choices])

    @cached_property
    def _recorded(self) -> Mapping[str, NDArray[np.float64]]:
        """Further figures of each run, mapped once."""
        return dict(self._training.recorded)

    @cached_property
    def _counts(self) -> NDArray[np.int64]:
        """How many runs each architecture has, [N]."""
        counts: NDArray[np.int64] = np.diff(self._training.starts)
        return counts

    def reported_error(self, arch: Architecture, seed: int) -> float:
        """Average the runs that the report is about; nan if there are none."""
        if self._tests is not None:
            return _mean(self.test_errors(arch))
        full = self.epochs[-1]
        runs = self._find(arch).count
        seen = seed % runs
        return _mean(
            [
                self.evaluate(Trial(arch, full), n).error
                for n in range(runs)
                if n != seen
            ]
        )

    def test_errors(self, arch: Architecture) -> list[float]:
        """Test error of every recorded run after full training; often none."""
        if self._tests is None:
            return []
        training, split = self._tests
        runs = training.runs(self._row(arch))
        errors = split.errors((slice(runs.start, runs.stop), -1)).tolist()
        return [error for error in errors if error == error]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the figures that observations have beside the error."""
        return tuple(sorted(self._metrics))

    def figures(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Give figures of every architecture of the table that is in the space.

        Args:
            names: "error", which is the one to report, and names of metrics.

        Returns:
            [N, len(names)]; nan where nothing was recorded.

        Raises:
            KeyError: There is no such metric.
        """
        rows = self._there[0]
        columns = [
            (self._means if n == "error" else self._metrics[n][n])[rows] for n in names
        ]
        return np.stack(columns, axis=1)

    @property
    def archs(self) -> NDArray[np.uint8]:
        """The architectures of the table that are in the space, [N, D]."""
        return self._there[1]

    def count(self, arch: Architecture) -> int:
        """Tell how many runs of an architecture a search may see; 0 if none.

        Raises:
            KeyError: The table has no such architecture.
        """
        return len(self._training.runs(self._row(arch)))

    @property
    def runs(self) -> int:
        """Most runs that a search may see of one architecture."""
        return int(self._counts.max())

    @cached_property
    def best_error(self) -> float:
        """Lowest error to report in the space, averaged over all runs."""
        return float(np.fmin.reduce(self._means[self._there[0]]))

    @cached_property
    def best(self) -> Architecture:
        """The architecture of the lowest error to report.

        Of equals it is the first in published order, or in that of the keys.
        """
        rows, archs = self._there
        means, keys, order = self._means[rows], self.table.keys[rows], self.table.order
        equal = np.flatnonzero(means <= self.best_error + 1e-12)
        if order is not None:  # it has every key once
            places = np.argsort(order)[np.searchsorted(np.sort(order), keys[equal])]
            equal = equal[np.argsort(places)]
        return tuple(archs[equal[0]].tolist())

    @cached_property
    def _there(self) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """The rows that the space has, and an architecture of each."""
        keys = self.table.keys
        if self._classes is None:
            return np.arange(len(keys)), self.table.archs
        wanted, archs = self._classes()
        rows = np.searchsorted(keys, wanted)
        there = keys.take(rows, mode="clip") == wanted
        return rows[there], archs[there]

    @property
    def _means(self) -> NDArray[np.float64]:
        """Error to report of every row, averaged over all runs, [N]."""
        training, split = self._tests or (self._training, self._split)
        errors = split.errors((slice(None), -1))
        runs, rows = np.diff(training.starts), np.arange(len(training.starts) - 1)
        row = np.repeat(rows, runs)[there := ~np.isnan(errors)]
        with np.errstate(invalid="ignore"):  # 0 / 0 where nothing was recorded
            means: NDArray[np.float64] = np.bincount(
                row, errors[there], len(rows)
            ) / np.bincount(row, minlength=len(rows))
        return means

    def query(self, arch: Architecture | str, epochs: int | None = None) -> Record:
        """Collect everything that is recorded of an architecture.

        Args:
            arch: Option indices, or the published spelling.
            epochs: Only after so many; None is at all recorded epochs.

        Raises:
            ValueError: The spelling is wrong.
            KeyError: The table has no such architecture or epoch.
        """
        if isinstance(arch, str):
            arch = self.space.parse(arch)
        when = self.epochs if epochs is None else (epochs,)
        row, training = self._row(arch), self._training
        runs = training.runs(row)
        metrics = dict(_Row({**self._metrics, **self.beside}, row))
        seen = [
            [self.evaluate(Trial(arch, e), n) for e in when] for n in range(len(runs))
        ]
        recorded = [
            RecordedRun(
                training.seeds.item(run),
                when,
                tuple(observation.error for observation in curve),
                tuple(observation.cost for observation in curve),
                {name: m.item(run) for name, m in self._recorded.items()},
            )
            for run, curve in zip(runs, seen, strict=True)
        ]
        return Record(
            benchmark=self.name,
            table=self.data,
            source=self.table.source,
            arch=self.space.format(arch),
            canonical=self.space.format(self.space.canonical(arch)),
            metrics=metrics,
            units={n: unit for n, unit in self.units.items() if n in metrics},
            runs=tuple(recorded),
            test_error=tuple(self.test_errors(arch)),
            notes=tuple(contradictions(recorded, metrics)),
        )


def _by_name(*figures: _Figures) -> _Metrics:
    """Say of each name which figures have it: the last that do."""
    return {name: some for some in figures for name in some}


def _place(name: str, table: Table, figure: Figure) -> tuple[Training, Split]:
    """Find a figure in a table.

    Raises:
        AbsentError: It is not there.
    """
    training = table.trainings.get(figure.training)
    if training is None or (split := training.splits.get(figure.split)) is None:
        raise AbsentError(f"the table of {name} has no {figure}")
    return training, split


def _mean(errors: list[float]) -> float:
    return math.fsum(errors) / len(errors) if errors else math.nan
