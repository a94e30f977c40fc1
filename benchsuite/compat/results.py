"""All results of an architecture under one schedule, read when they are asked for.

What an archive hands out itself cannot be changed, as the table cannot. A deep copy of
it can: runs that were looked at are kept, and answer from then on.
"""

import copy
import random
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import cached_property
from typing import Any, NoReturn, Protocol, TypeVar

import numpy as np
from nats_bench import ArchResults, ResultsCount

from benchsuite.compat.archive import Archive, Recorded, no_losses

_MEMO = 4096  # architectures that are kept at hand


class Trials(Mapping[tuple[str, int], ResultsCount]):
    """The runs of an architecture by data set and seed, made when they are asked for.

    Raises:
        KeyError: There is no such run.
        DataError: The table was imported without losses.
    """

    def __init__(self, results: "LazyResults") -> None:
        self._results = results

    def __getitem__(self, key: tuple[str, int]) -> ResultsCount:
        of = self._results
        dataset, seed = key
        if seed not in of.dataset_seed.get(dataset, ()):
            raise KeyError(key)
        if not of.answers:
            raise no_losses()
        return of.trial.create_from_state_dict(
            of.archive.state(of.arch_index, dataset, of.hp, seed)
        )

    def __iter__(self) -> Iterator[tuple[str, int]]:
        for dataset, seeds in self._results.dataset_seed.items():
            yield from ((dataset, seed) for seed in seeds)

    def __len__(self) -> int:
        return sum(map(len, self._results.dataset_seed.values()))


class Copy(ArchResults):
    """Results that can be changed: once a run is looked at, all runs are held here."""

    plain: type[ArchResults] = ArchResults

    def __init__(self, origin: "LazyResults") -> None:
        """Copy what an archive hands out."""
        self._origin = origin
        self.arch_index, self.arch_str = origin.arch_index, origin.arch_str
        self.dataset_seed = copy.deepcopy(origin.dataset_seed)
        self.clear_net_done = origin.clear_net_done
        self._seen: dict[tuple[str, int], ResultsCount] = {}

    def __getattr__(self, name: str) -> dict[tuple[str, int], ResultsCount]:
        if name != "all_results":
            raise AttributeError(f"{self.plain.__name__} has no attribute {name!r}")
        runs = self._origin.all_results
        self.all_results = held = {k: self._seen.get(k) or runs[k] for k in runs}
        return held

    @property
    def _is_held(self) -> bool:
        return bool(self._seen) or "all_results" in self.__dict__

    def query(self, dataset: str, seed: int | None = None) -> Any:
        """Give the run of a seed; None is all of a data set, by seed."""
        if "all_results" in self.__dict__ or seed is not None:
            return super().query(dataset, seed)
        runs = self._origin.all_results
        for one in self.dataset_seed[dataset]:
            if (dataset, one) not in self._seen:
                self._seen[dataset, one] = runs[dataset, one]
        return {one: self._seen[dataset, one] for one in self.dataset_seed[dataset]}

    def get_metrics(self, *args: Any, **options: Any) -> dict[str, Any]:
        """See `LazyResults.get_metrics`."""
        if not self._is_held:
            return self._origin.get_metrics(*args, **options)
        answer: dict[str, Any] = super().get_metrics(*args, **options)
        return answer

    def get_compute_costs(self, dataset: str) -> dict[str, float | None]:
        """See `LazyResults.get_compute_costs`."""
        if not self._is_held:
            return self._origin.get_compute_costs(dataset)
        answer: dict[str, float | None] = super().get_compute_costs(dataset)
        return answer

    def state_dict(self) -> dict[str, Any]:
        """Give everything as the published record does."""
        return record(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.plain.create_from_state_dict, (self.state_dict(),)

    def __repr__(self) -> str:
        text: str = super().__repr__()
        return text.replace(type(self).__name__, self.plain.__name__, 1)


class LazyResults(ArchResults):
    """Answers as an `ArchResults` of the published record would.

    Attributes:
        archive: Where the results are.
        hp: The schedule.
        plain: The class of what answers from a record.
        trial: The class of a run.
        copies: The class of what `copy.deepcopy` gives.
        answers: Whether there are losses, or nan will do.
    """

    plain: type[ArchResults] = ArchResults
    trial: type[ResultsCount] = ResultsCount
    copies: type[Copy] = Copy
    archive: Archive
    hp: str

    def __init__(
        self, archive: Archive, index: int, hp: str, *, without_losses: bool = False
    ) -> None:
        """Point at an architecture.

        Args:
            archive: Where its results are.
            index: Its published number.
            hp: The schedule.
            without_losses: Whether a loss that was not imported is nan; else asking for
                it raises DataError.
        """
        self.archive, self.hp, self._row = archive, hp, archive.rows[index]
        self.answers = archive.has_losses or without_losses
        self._costs: dict[str, dict[str, float | None]] = {}
        self.arch_index = index
        self.arch_str = archive.archs[index]
        self.clear_net_done = True

    @cached_property
    def dataset_seed(self) -> dict[str, list[int]]:
        """Seeds by data set."""
        return self.archive.seeds(self._row, self.hp)

    @property
    def all_results(self) -> Mapping[tuple[str, int], ResultsCount]:
        """Runs by data set and seed."""
        return Trials(self)

    def more_info(
        self,
        dataset: str,
        iepoch: int | None,
        is_random: bool | int,
        comment: Mapping[str, str],
    ) -> dict[str, Any] | None:
        """Answer `get_more_info`.

        Args:
            dataset: What the network was trained on.
            iepoch: Index of the epoch, from 0; None is the last.
            is_random: A seed; True draws a run, False averages them.
            comment: What comes between the training figures and the others.

        Returns:
            None if the question is unusual or wrong, or a loss is missing.
        """
        recorded = self.archive.recorded(dataset, self.hp)
        seeds = self.dataset_seed.get(dataset)
        if recorded is None or not seeds or not self.answers:
            return None
        if iepoch is None:
            iepoch = recorded.epochs - 1
        elif not 0 <= iepoch < recorded.epochs:
            return None
        runs = recorded.runs(self._row)
        found = []
        for told in recorded.told:
            if at := told.figures.at(runs, iepoch):
                found.append((told, *at))
            elif told.required:
                return None
        answer: dict[str, Any] = {}
        if is_random is not False:
            if is_random is True:
                is_random = random.choice(seeds)
            elif is_random not in seeds:
                return None
            n, epochs = seeds.index(is_random), iepoch + 1
            for told, accuracies, losses in found:
                _, total = told.figures.spent(runs[n], iepoch)
                answer[told.loss] = losses[n]
                answer[told.accuracy] = accuracies[n]
                answer[told.per_time] = None if total is None else total / epochs
                answer[told.all_time] = total
                if told.is_train:
                    answer.update(comment)
            return answer
        mean = self._mean
        for told, accuracies, losses in found:
            total = mean([told.figures.spent(run, iepoch)[1] for run in runs])
            answer[told.loss] = mean(losses)
            answer[told.accuracy] = mean(accuracies)
            answer[told.per_time] = None if total is None else total / (iepoch + 1)
            answer[told.all_time] = total
            if told.is_train:
                answer.update(comment)
        return answer

    def get_metrics(
        self,
        dataset: str,
        setname: str,
        iepoch: int | None = None,
        is_random: bool | int = False,
    ) -> dict[str, Any]:
        """Give loss, accuracy and seconds of a set of images after an epoch.

        Args:
            dataset: What the network was trained on.
            setname: What it was evaluated on.
            iepoch: Index of the epoch, from 0; None is the last.
            is_random: A seed; True draws a run, False averages them.

        Raises:
            KeyError: The data set is not there, or nothing was recorded at the epoch.
            ValueError: The set of images, the epoch or the seed does not exist.
            DataError: The table was imported without losses.
        """
        seeds = self.dataset_seed[dataset]
        if not self.answers:
            raise no_losses()
        recorded = self.archive.recorded(dataset, self.hp)
        assert recorded is not None  # it has seeds
        if iepoch is None:
            iepoch = recorded.epochs - 1
        name = "x-valid" if setname == "valid" else setname
        figures = recorded.figures(name) if name in ("train", *recorded.sets) else None
        runs = recorded.runs(self._row)
        at = None
        if (
            figures is not None
            and type(iepoch) is int
            and 0 <= iepoch < recorded.epochs
            and type(is_random) in (bool, int)
            and (type(is_random) is bool or is_random in seeds)
        ):
            at = figures.at(runs, iepoch)
        if figures is None or at is None:  # an error, or something odd that works
            answer: dict[str, Any] = super().get_metrics(
                dataset, setname, iepoch, is_random
            )
            return answer
        spent = [figures.spent(run, iepoch) for run in runs]
        columns: dict[str, list[Any]] = {
            "iepoch": [iepoch] * len(runs),
            "loss": at[1],
            "accuracy": at[0],
            "cur_time": [once for once, _ in spent],
            "all_time": [total for _, total in spent],
        }
        if is_random is False:
            return {name: self._mean(values) for name, values in columns.items()}
        if is_random is True:
            n = random.randint(0, len(runs) - 1)
        else:
            n = seeds.index(is_random)
        return {name: values[n] for name, values in columns.items()}

    def get_compute_costs(self, dataset: str) -> dict[str, float | None]:
        """Give MACs and parameters in millions, latency and times in seconds.

        Raises:
            KeyError: The data set is not there.
        """
        seeds = self.dataset_seed[dataset]
        if dataset not in self._costs:
            recorded = self.archive.recorded(dataset, self.hp)
            assert recorded is not None  # it has seeds
            self._costs[dataset] = self._count(recorded, seeds)
        return dict(self._costs[dataset])

    def _count(self, recorded: Recorded, seeds: list[int]) -> dict[str, float | None]:
        runs = recorded.runs(self._row)
        flops = [recorded.macs[run] / 1e6 for run in runs]
        params = [np.float64(recorded.params[run] / 1e6) for run in runs]
        latencies = [np.float64(recorded.latency[run]) for run in runs]
        latencies = [latency for latency in latencies if latency > 0]
        costs = {
            "flops": self._mean(self._consistent(flops, seeds)),
            "params": self._mean(self._consistent(params, seeds)),
            "latency": self._mean(latencies) if latencies else None,
        }
        for name in ("train", *recorded.sets):
            figures = recorded.figures(name)
            assert figures is not None  # it is one of the sets
            each = [figures.seconds(run, recorded.epochs) for run in runs]
            for word, of in (("epoch", self._mean), ("total", self._total)):
                values = [None if times is None else of(times) for times in each]
                costs[f"T-{name}@{word}"] = self._mean(values)
        return costs

    @staticmethod
    def _mean(values: Sequence[Any]) -> Any:
        """Average as the package does; None if the first of them is not known."""
        return None if values[0] is None else sum(values) / len(values)

    @staticmethod
    def _total(values: Sequence[float]) -> float:
        """Add up as the package does."""
        return sum(values)

    @staticmethod
    def _consistent(values: Sequence[float], seeds: list[int]) -> Sequence[float]:
        """Take seed 888's where runs differ: some others are known to be wrong."""
        if len({f"{value:.5f}" for value in values}) > 1:
            return [values[seeds.index(888)]]
        return values

    def state_dict(self) -> dict[str, Any]:
        """Give everything as the published record does."""
        return record(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.plain.create_from_state_dict, (self.state_dict(),)

    def __repr__(self) -> str:
        text: str = super().__repr__()
        return text.replace(type(self).__name__, self.plain.__name__, 1)

    def __deepcopy__(self, memo: dict[int, Any]) -> Copy:
        return self.copies(self)

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(
            "an imported table does not change: change the copy that"
            " query_meta_info_by_index gives"
        )

    update = load_state_dict = reset_latency = _refuse
    reset_pseudo_train_times = reset_pseudo_eval_times = _refuse


def record(results: ArchResults) -> dict[str, Any]:
    """Put results into the form of a published record."""
    return {
        "arch_index": results.arch_index,
        "arch_str": results.arch_str,
        "all_results": {k: one.state_dict() for k, one in results.all_results.items()},
        "dataset_seed": copy.deepcopy(results.dataset_seed),
        "clear_net_done": results.clear_net_done,
    }


class Records(Mapping[int, "OrderedDict[str, LazyResults]"]):
    """Results of architectures by published index, then by schedule."""

    def __init__(
        self,
        archive: Archive,
        there: Set[int],
        kind: type[LazyResults] = LazyResults,
        *,
        without_losses: bool = False,
    ) -> None:
        """Offer some architectures.

        Args:
            archive: Where their results are.
            there: Which are offered; it may grow.
            kind: What gives the results.
            without_losses: See `LazyResults`.
        """
        self._archive, self._there, self._kind = archive, there, kind
        self._without_losses = without_losses
        self._seen: dict[int, OrderedDict[str, LazyResults]] = {}

    def __getitem__(self, index: int) -> "OrderedDict[str, LazyResults]":
        try:
            return self._seen[index]
        except KeyError:
            pass
        if index not in self._there:
            raise KeyError(index)
        if len(self._seen) >= _MEMO:
            self._seen.clear()
        every = OrderedDict(
            (
                hp,
                self._kind(
                    self._archive, index, hp, without_losses=self._without_losses
                ),
            )
            for hp in self._archive.hps
        )
        self._seen[index] = every
        return every

    def more_info(
        self,
        index: Any,
        dataset: str,
        iepoch: Any,
        hp: Any,
        is_random: Any,
        comment: Mapping[str, str],
    ) -> dict[str, Any] | None:
        """Answer `get_more_info`; see `LazyResults.more_info`."""
        if (
            type(index) is int
            and (iepoch is None or type(iepoch) is int)
            and type(is_random) in (bool, int)
            and index in self._there
            and (results := self[index].get(str(hp)))
        ):
            return results.more_info(dataset, iepoch, is_random, comment)
        return None

    def lenient(self) -> "Records":
        """Offer the same, but losses that were not imported are nan."""
        if self._archive.has_losses:
            return self
        return Records(self._archive, self._there, self._kind, without_losses=True)

    def __contains__(self, index: object) -> bool:
        return index in self._there

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._there))

    def __len__(self) -> int:
        return len(self._there)

    def __getstate__(self) -> dict[str, object]:
        """Go to another process without what was read here."""
        return {**self.__dict__, "_seen": {}}


class _Offers(Protocol):
    """What offers records."""

    arch2infos_dict: Records


_Api = TypeVar("_Api", bound=_Offers)


def without_losses(api: _Api) -> _Api:
    """Give an interface for answers that no loss is part of: missing ones are nan."""
    records = api.arch2infos_dict.lenient()
    if records is api.arch2infos_dict:
        return api
    twin = copy.copy(api)
    twin.arch2infos_dict = records
    return twin
