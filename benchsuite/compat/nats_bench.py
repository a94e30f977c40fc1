"""The interface of the package nats_bench 1.8, over imported tables.

Dong, Liu, Musial & Gabrys, "NATS-Bench: Benchmarking NAS Algorithms for Architecture
Topology and Size", TPAMI 2021. https://arxiv.org/abs/2009.00437

    from benchsuite.compat import nats_bench
    api = nats_bench.create(None, "tss")

Scripts written for the package go on working: its own code runs, to its last digit, on
results that are read from the table when they are asked for. What differs: no file is
opened, what `arch2infos_dict` holds cannot be changed, and no trained weights exist.
"""

import logging
import os
import warnings
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

try:
    from nats_bench import (
        ArchResults,
        NATS_BENCH_API_VERSIONs,
        NATS_BENCH_SSS_NAMEs,
        NATS_BENCH_TSS_NAMEs,
        ResultsCount,
        api_size,
        api_topology,
        pickle_load,
        pickle_save,
        search_space_info,
        version,
    )
    from nats_bench.api_utils import PICKLE_EXT, NASBenchMetaAPI
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "benchsuite.compat needs the package nats_bench: pip install"
        " 'benchsuite[compat]'",
        name=error.name,
    ) from error

from benchsuite.compat.archive import Archive
from benchsuite.compat.results import Records, without_losses
from surrogates import DataError

__all__ = [
    "ArchResults",
    "LeakWarning",
    "NATS_BENCH_API_VERSIONs",
    "NATS_BENCH_SSS_NAMEs",
    "NATS_BENCH_TSS_NAMEs",
    "NATSsize",
    "NATStopology",
    "ResultsCount",
    "create",
    "pickle_load",
    "pickle_save",
    "search_space_info",
    "version",
]

log = logging.getLogger(__name__)
Source = str | os.PathLike[str] | Mapping[str, Any] | None


class LeakWarning(UserWarning):
    """What is called a validation accuracy was computed on test images, too."""


class _Installed(NASBenchMetaAPI):
    """The part of both spaces' interfaces that finds the results.

    Attributes:
        release: Name of the table.
    """

    release: str
    arch2infos_dict: Records
    _used_time: float

    def _open(self, source: Source, fast_mode: bool, verbose: bool, base: str) -> None:
        self._all_base_names = [base]
        self._fast_mode, self.verbose = fast_mode, verbose
        self._comments: dict[tuple[str, str], dict[str, str]] = {}
        self.reset_time()
        self.filename = f"{base}.{PICKLE_EXT}" if source is None else None
        self._archive_dir = f"{base}-simple" if fast_mode else None
        if isinstance(source, str | os.PathLike):
            self.filename = Path(source).name
            self._archive_dir = os.fspath(source) if fast_mode else None
        elif fast_mode:
            self.filename = None
        self._archive = archive = find(self.release, source)
        self.meta_archs = archive.archs
        self.archstr2index = {arch: n for n, arch in enumerate(archive.archs)}
        self.evaluated_indexes = set() if fast_mode else set(archive.rows)
        self.arch2infos_dict = Records(archive, self.evaluated_indexes)
        self._avaliable_hps = set() if fast_mode else set(archive.hps)
        if verbose:
            print(f"{self}: from the installed table {self.release}")

    def reload(self, archive_root: str | None = None, index: int | None = None) -> None:
        """Offer an architecture, or all; a table is not read again.

        Args:
            archive_root: Not used.
            index: Published number; None is all.

        Raises:
            ValueError: The space has no such index.
            AssertionError: The table was imported in part, without it.
        """
        total = len(self.meta_archs)
        for one in range(total) if index is None else [index]:
            if not 0 <= one < total:
                raise ValueError(f"index {one} is not one of 0 to {total - 1}")
            if one not in self._archive.rows:
                raise AssertionError(
                    f"the table {self.release} has no index {one}: it was imported in"
                    f" part, {len(self._archive.rows):,} of {total:,}"
                )
            self.evaluated_indexes.add(one)
            self._avaliable_hps.update(self._archive.hps)

    def get_more_info(
        self,
        index: Any,
        dataset: str,
        iepoch: int | None = None,
        hp: str = "12",
        is_random: bool | int = True,
    ) -> dict[str, Any]:
        """Give losses, accuracies and seconds after an epoch; see the original.

        What is usual is answered here, at a fraction of its time.
        """
        comment = self._comments.get((dataset, hp))
        if comment is not None and not self.verbose:
            usual = self.arch2infos_dict.more_info(
                index, dataset, iepoch, hp, is_random, comment
            )
            if usual:
                return usual
        answer: dict[str, Any] = super().get_more_info(
            index, dataset, iepoch, hp, is_random
        )
        self._comments[dataset, hp] = {
            k: answer[k] for k in ("comment",) if k in answer
        }
        return answer

    def simulate_train_eval(
        self,
        arch: Any,
        dataset: str,
        iepoch: int | None = None,
        hp: str = "12",
        account_time: bool = True,
    ) -> tuple[float, float, float, float]:
        """Pretend to train an architecture.

        Where the original takes the accuracy on all test images for that on validation
        images (CIFAR-100 and ImageNet16-120 before the last epoch of the full schedule
        of the topology space), so does this, and warns about it, once.

        Returns:
            Accuracy in percent, latency, seconds of this call, seconds of all calls.
        """
        if self._archive.leaks(dataset, str(hp), iepoch):
            warn_of_leak(self.release)
        twin = without_losses(self)
        answer: tuple[float, float, float, float] = super(
            _Installed, twin
        ).simulate_train_eval(arch, dataset, iepoch, hp, account_time)
        self._used_time = twin._used_time
        return answer

    def find_best(self, *args: Any, **options: Any) -> tuple[int, float | None]:
        """Find the architecture of the highest accuracy; see the original."""
        answer: tuple[int, float | None] = super(
            _Installed, without_losses(self)
        ).find_best(*args, **options)
        return answer


class NATStopology(_Installed, api_topology.NATStopology):
    """NATS-Bench's topology space."""

    release = "nats_tss"

    def __init__(
        self,
        file_path_or_dict: Source = None,
        fast_mode: bool = False,
        verbose: bool = True,
    ) -> None:
        """Open the installed table; see `create`."""
        self._search_space_name, self._full_train_epochs = "topology", 200
        base = api_topology.ALL_BASE_NAMES[-1]
        self._open(file_path_or_dict, fast_mode, verbose, base)


class NATSsize(_Installed, api_size.NATSsize):
    """NATS-Bench's size space."""

    release = "nats_sss"

    def __init__(
        self,
        file_path_or_dict: Source = None,
        fast_mode: bool = False,
        verbose: bool = True,
    ) -> None:
        """Open the installed table; see `create`."""
        self._search_space_name, self._full_train_epochs = "size", 90
        base = api_size.ALL_BASE_NAMES[-1]
        self._open(file_path_or_dict, fast_mode, verbose, base)


def create(
    file_path_or_dict: Source,
    search_space: str,
    fast_mode: bool = False,
    verbose: bool = True,
) -> NATStopology | NATSsize:
    """Open the installed table of a space.

    Args:
        file_path_or_dict: None; or what a script gave to the package, which is not
            read, but has to be what the table was imported from.
        search_space: "tss" or "topology"; "sss" or "size".
        fast_mode: Whether architectures count as evaluated only once they are asked
            for, as in the package. Opening is fast in any case.
        verbose: Whether calls are printed.

    Raises:
        ValueError: There is no such space.
        DataError: The table is not installed, or is of another source.
    """
    if search_space in NATS_BENCH_TSS_NAMEs:
        return NATStopology(file_path_or_dict, fast_mode, verbose)
    if search_space in NATS_BENCH_SSS_NAMEs:
        return NATSsize(file_path_or_dict, fast_mode, verbose)
    raise ValueError(
        f"the search space is one of {(*NATS_BENCH_TSS_NAMEs, *NATS_BENCH_SSS_NAMEs)},"
        f" not {search_space!r}"
    )


def find(release: str, source: Source) -> Archive:
    """Open the table of a release, if it is of the source that a script gives.

    Raises:
        ValueError: The source is of no kind that the package takes.
        DataError: The table is not installed, or is of another source.
    """
    if source is None:
        return Archive.open(release)
    if isinstance(source, Mapping):
        for key in ("meta_archs", "arch2infos", "evaluated_indexes"):
            if key not in source:
                raise ValueError(f"the dict has no {key}, as official files do")
        archive = Archive.open(release)
        if (
            source["meta_archs"] != archive.archs
            or set(source["evaluated_indexes"]) != archive.rows.keys()
        ):
            raise DataError(
                f"the dict is not what the installed table {release} holds: import the"
                " file it comes from, with benchsuite import PATH"
            )
        _note(f"the dict is not used: {release} is read from {archive.table.source}")
        return archive
    if not isinstance(source, str | os.PathLike):
        raise ValueError(
            f"a file's path, a dict or None is expected, not {type(source).__name__}"
        )
    archive = Archive.open(release, os.fspath(source))
    name, origin = _base(Path(source).name), _base(archive.table.source)
    if name != origin:
        raise DataError(
            f"the installed table {release} is of {origin}, not of {name}:"
            f" benchsuite import {os.fspath(source)}"
        )
    _note(f"{os.fspath(source)} is not opened: {release} is installed")
    return archive


def _base(name: str) -> str:
    """Cut a name down to what all files of a release have in common."""
    name = name.partition(",")[0].removesuffix(".pbz2").removesuffix(".pickle")
    return name.removesuffix(".pth").removesuffix("-simple")


@cache
def _note(message: str) -> None:
    """Log something once."""
    log.warning(message)


@cache
def warn_of_leak(release: str) -> None:
    """Warn once that a search sees test images."""
    warnings.warn(
        f"before the last epoch, {release} has no accuracy on validation images alone:"
        " as in nats_bench, simulate_train_eval answers with that on all official test"
        " images, which are also those of the report. The benchmarks of benchsuite do"
        " not offer these epochs",
        LeakWarning,
        stacklevel=3,
    )
