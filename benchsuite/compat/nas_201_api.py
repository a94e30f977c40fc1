"""The interface of the package nas-bench-201 2.1, over imported tables; no torch.

Dong & Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture
Search", ICLR 2020. https://arxiv.org/abs/2001.00326

    from benchsuite.compat.nas_201_api import NASBench201API
    api = NASBench201API("NAS-Bench-201-v1_1-096897.pth")

It is an older form of nats_bench's. Where the two differ, so does this: averages and
sums are NumPy's, wrong input fails an assertion, `simulate_train_eval` takes the
latency of the 12-epoch schedule. Where a wrong schedule or index makes the original
stumble over a name that it does not define, this raises the ValueError that was meant.
"""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from nats_bench import ArchResults as NatsResults
from nats_bench import ResultsCount as NatsCount
from nats_bench import api_topology

from benchsuite.compat.nats_bench import Source, find
from benchsuite.compat.results import Copy, LazyResults, Records, without_losses

NAS_BENCH_201_API_VERSION = "v2.0"
_FILES = ("NAS-Bench-201-v1_0-e61699.pth", "NAS-Bench-201-v1_1-096897.pth")
_IN_ORDER = 8  # NumPy adds fewer summands one after the other


class ResultsCount(NatsCount):
    """A run of an architecture."""

    def judge_valid(self, iepoch: int) -> None:
        """Refuse an epoch that does not exist.

        Raises:
            AssertionError: It does not.
        """
        if not 0 <= iepoch < self.epochs:
            raise AssertionError(
                f"the epoch is one of 0 to {self.epochs - 1}: {iepoch}"
            )

    def get_eval(self, name: str, iepoch: int | None = None) -> dict[str, Any]:
        """Give loss, accuracy and seconds of a set of images after an epoch.

        Raises:
            AssertionError: There is no such epoch.
            KeyError: There is no such set, or nothing was recorded.
        """
        try:
            answer: dict[str, Any] = super().get_eval(name, iepoch)
        except ValueError as error:
            raise KeyError(f"{name}@{iepoch}") from error
        return answer

    def get_times(self) -> dict[str, float | None]:
        """Give seconds of an epoch and of all, by set of images; None if not known."""
        each = {"train": list((self.train_times or {}).values())}
        for name in self.eval_names:
            keys = [f"{name}@{iepoch}" for iepoch in range(self.epochs)]
            each[name] = [
                self.eval_times[key] for key in keys if key in self.eval_times
            ]
        times: dict[str, float | None] = {}
        for name, known in each.items():
            whole = len(known) == self.epochs
            times[f"T-{name}@epoch"] = np.mean(known) if whole else None
            times[f"T-{name}@total"] = np.sum(known) if whole else None
        return times

    @staticmethod
    def create_from_state_dict(state_dict: Mapping[str, Any]) -> "ResultsCount":
        """Make one from the fields of a record."""
        trial = ResultsCount(*[None] * 10)
        trial.load_state_dict(state_dict)
        return trial


class ArchResults(NatsResults):
    """All runs of an architecture under one schedule."""

    def get_compute_costs(self, dataset: str) -> dict[str, float | None]:
        """Give MACs and parameters in millions, latency and times in seconds."""
        trials = self.query(dataset).values()
        latencies = [one.get_latency() for one in trials]
        latencies = [latency for latency in latencies if latency > 0]
        costs: dict[str, float | None] = {
            "flops": np.mean([one.flop for one in trials]),
            "params": np.mean([one.params for one in trials]),
            "latency": np.mean(latencies) if latencies else None,
        }
        times: defaultdict[str, list[Any]] = defaultdict(list)
        for one in trials:
            for name, value in one.get_times().items():
                times[name].append(value)
        return {**costs, **{name: mean(values) for name, values in times.items()}}

    def get_metrics(
        self,
        dataset: str,
        setname: str,
        iepoch: int | None = None,
        is_random: bool | int = False,
    ) -> dict[str, Any]:
        """Give loss, accuracy and seconds of a set of images after an epoch."""
        if is_random is not False:
            answer: dict[str, Any] = super().get_metrics(
                dataset, setname, iepoch, is_random
            )
            return answer
        infos = [
            one.get_train(iepoch)
            if setname == "train"
            else one.get_eval(setname, iepoch)
            for one in self.query(dataset).values()
        ]
        return {name: mean([info[name] for info in infos]) for name in infos[0]}

    def update(self, dataset_name: str, seed: int, result: ResultsCount) -> None:
        """Add a run.

        Raises:
            AssertionError: It is there already.
        """
        if seed in self.dataset_seed.get(dataset_name, ()):
            raise AssertionError(f"there is a run of {dataset_name}, seed {seed}")
        super().update(dataset_name, seed, result)

    def show(self, is_print: bool = False) -> list[str]:
        """Tell of all data sets in lines of text."""
        return print_information(self, None, is_print)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over the fields of a record."""
        runs = {
            key: ResultsCount.create_from_state_dict(state)
            for key, state in state_dict["all_results"].items()
        }
        self.__dict__.update({**state_dict, "all_results": runs})

    @staticmethod
    def create_from_state_dict(state_dict: Mapping[str, Any]) -> "ArchResults":
        """Make one from the fields of a record."""
        results = ArchResults(-1, -1)
        results.load_state_dict(state_dict)
        return results


class _Copy(Copy, ArchResults):
    """Results that can be changed."""

    plain = ArchResults


class _LazyResults(LazyResults, ArchResults):
    """Results that are read when they are asked for."""

    plain, trial, copies = ArchResults, ResultsCount, _Copy

    @staticmethod
    def _mean(values: Sequence[Any]) -> Any:
        return mean(values)

    @staticmethod
    def _total(values: Sequence[float]) -> float:
        if values.count(values[0]) == len(values):
            return _sum_alike(values[0], len(values))
        total: float = np.sum(values)
        return total

    @staticmethod
    def _consistent(values: Sequence[float], seeds: list[int]) -> Sequence[float]:
        return values


def mean(values: Sequence[Any]) -> Any:
    """Average as NumPy does; None if the first value is not known.

    Example:
        >>> values = [91.28, 91.36, 90.94]
        >>> bool(mean(values) == np.mean(values))
        True
    """
    if values[0] is None:
        return None
    if len(values) < _IN_ORDER:
        total = values[0]
        for value in values[1:]:
            total = total + value
        return np.float64(total / len(values))
    if values.count(values[0]) == len(values):
        return _sum_alike(values[0], len(values)) / len(values)
    return np.mean(values)


@lru_cache(maxsize=1 << 14)
def _sum_alike(value: float, times: int) -> float:
    total: float = np.sum(np.full(times, value))
    return total


def print_information(
    information: NatsResults, extra_info: str | None = None, show: bool = False
) -> list[str]:
    """Tell of all data sets in lines of text, as `show` prints them."""
    lines = api_topology.print_information(information, extra_info)
    lines = [line.replace(" & top1", ", top1") for line in lines]
    if show:
        print("\n".join(lines))
    return lines


class NASBench201API(api_topology.NATStopology):
    """NAS-Bench-201, release 1.0 or 1.1."""

    arch2infos_dict: Records

    def __init__(self, file_path_or_dict: Source = None, verbose: bool = True) -> None:
        """Open the installed table.

        Args:
            file_path_or_dict: None for release 1.1; or what a script gave to the
                package, which is not read, but has to be what the table was imported
                from: its name also tells the releases apart.
            verbose: Whether calls are printed.

        Raises:
            DataError: The table is not installed, or is of another source.
        """
        self.filename = _FILES[-1] if file_path_or_dict is None else None
        release = "nb201_v1_1"
        if isinstance(file_path_or_dict, str | os.PathLike):
            self.filename = Path(file_path_or_dict).name
            release = "nb201_v1_0" if "v1_0" in self.filename else release
        self._archive = archive = find(release, file_path_or_dict)
        self.verbose = verbose
        self._fast_mode, self._archive_dir = False, None
        self._search_space_name, self._full_train_epochs = "topology", 200
        self.reset_time()
        self.meta_archs = archive.archs
        self.archstr2index = {arch: n for n, arch in enumerate(archive.archs)}
        self._avaliable_hps = {"12", "200"}
        self.evaluated_indexes = list(archive.rows)
        self.arch2infos_dict = Records(archive, archive.rows.keys(), _LazyResults)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({len(self.evaluated_indexes)}/{len(self)}"
            f" architectures, file={self.filename})"
        )

    def arch(self, index: int) -> str:
        """Spell an architecture.

        Raises:
            AssertionError: The space has no such index.
        """
        if not 0 <= index < len(self):
            raise AssertionError(f"index {index} is not one of 0 to {len(self) - 1}")
        arch: str = super().arch(index)
        return arch

    def reload(self, archive_root: str | None = None, index: int | None = None) -> None:
        """Do nothing: a table is not read again.

        Raises:
            AssertionError: The table has no such index.
        """
        for one in range(len(self)) if index is None else [index]:
            if one not in self._archive.rows:
                raise AssertionError(
                    f"{self._archive.release} has no index {one}: it has"
                    f" {len(self._archive.rows):,} of {len(self):,}"
                )

    def _prepare_info(self, index: int) -> None:
        """Do nothing: what is there is there."""

    def clear_params(self, index: int, hp: str | None = None) -> None:
        """Forget weights, of which a table has none.

        Raises:
            KeyError: The table has no such index.
            ValueError: There is no such schedule.
        """
        if index not in self.arch2infos_dict:
            raise KeyError(index)
        super().clear_params(index, hp)

    def get_more_info(
        self,
        index: Any,
        dataset: str,
        iepoch: int | None = None,
        hp: str = "12",
        is_random: bool | int = True,
    ) -> dict[str, Any]:
        """Give losses, accuracies and seconds after an epoch; see the original."""
        if not self.verbose and (
            usual := self.arch2infos_dict.more_info(
                index, dataset, iepoch, hp, is_random, {}
            )
        ):
            return usual
        answer: dict[str, Any] = super().get_more_info(
            index, dataset, iepoch, hp, is_random
        )
        answer.pop("comment", None)
        return answer

    def simulate_train_eval(
        self, arch: Any, dataset: str, hp: str = "12", account_time: bool = True
    ) -> tuple[float, float, float, float]:
        """Pretend to train an architecture to the end of a schedule.

        Returns:
            Accuracy in percent on validation images, latency, seconds of this call,
            seconds of all calls.

        Raises:
            AssertionError: There is no such data set.
        """
        index = self.query_index_by_arch(arch)
        if dataset not in ("cifar10", "cifar100", "ImageNet16-120"):
            raise AssertionError(
                f"the data set is cifar10, cifar100 or ImageNet16-120, not {dataset!r}"
            )
        name = "cifar10-valid" if dataset == "cifar10" else dataset
        info = without_losses(self).get_more_info(index, name, None, hp, True)
        cost = info["train-all-time"] + info["valid-per-time"]
        latency = self.get_latency(index, dataset)  # of the 12-epoch schedule
        if account_time:
            self._used_time += cost
        return info["valid-accuracy"], latency, cost, self._used_time

    def find_best(
        self,
        dataset: str,
        metric_on_set: str,
        FLOP_max: float | None = None,
        Param_max: float | None = None,
        hp: str = "12",
    ) -> tuple[int, float | None]:
        """Find the architecture of the highest accuracy.

        Args:
            dataset: What networks were trained on.
            metric_on_set: What they were evaluated on.
            FLOP_max: Of the MACs, in millions.
            Param_max: Of the parameters, in millions.
            hp: The schedule.

        Returns:
            Index and accuracy in percent; -1 and None if there is none.
        """
        best: tuple[int, float | None] = super(
            NASBench201API, without_losses(self)
        ).find_best(dataset, metric_on_set, FLOP_max, Param_max, hp)
        return best

    def query_meta_info_by_index(self, arch_index: int, hp: str = "12") -> ArchResults:
        """Copy the results of an architecture.

        Raises:
            ValueError: There is no such architecture or schedule.
        """
        if hp not in self._archive.hps:
            raise ValueError(f"the schedule is '12' or '200', not {hp!r}")
        results: ArchResults = super().query_meta_info_by_index(arch_index, hp)
        return results

    def query_info_str_by_arch(self, arch: Any, hp: str = "12") -> str | None:
        """Tell of an architecture in lines of text; None if it is not there."""
        index = self.query_index_by_arch(arch)
        if index not in self.arch2infos_dict:
            print(f"index {index} is not in {self._archive.release}")
            return None
        lines: str = self._query_info_str_by_arch(index, hp, print_information)
        return lines

    def show(self, index: int = -1) -> None:
        """Print all about an architecture, or with -1 about all of them."""
        self._show(index, print_information)

    def statistics(self, dataset: str, hp: str | int) -> dict[int, int]:
        """Count architectures by the number of their runs.

        Raises:
            ValueError: There is no such data set.
            KeyError: The table has not all architectures, or no such schedule.
        """
        counts: dict[int, int] = super().statistics(dataset, hp)
        for index in range(len(self)):
            if index not in self.arch2infos_dict:
                raise KeyError(index)
        return counts
