"""Searches by weight sharing: prepared, resumed, checkpointed, and recorded as runs."""

import hashlib
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchsuite import benchmarks, provenance
from benchsuite.benchmarks.live import images_folder, supernets_folder
from benchsuite.benchmarks.tabular import TabularBenchmark
from benchsuite.catalogue import load_file
from benchsuite.core import Backend, Benchmark, Incumbent, InputError, Trial
from benchsuite.names import pick
from benchsuite.results import Run, rows
from benchsuite.spaces import Architecture
from benchsuite.store import Store
from benchsuite.supernet import checkpoint
from benchsuite.supernet.costs import COUNTS, counted
from benchsuite.supernet.datasets import DataSet, load
from benchsuite.supernet.inherited import facts, keep
from benchsuite.supernet.methods import METHODS
from benchsuite.supernet.networks import NETWORKS
from benchsuite.supernet.preference import Cost
from benchsuite.supernet.relaxed_table import RelaxedTable
from benchsuite.supernet.search import DivergedError, Method, Search, search
from benchsuite.supernet.setting import (
    Setting,
    build,
    check_memory,
    check_needs,
    digest,
    find_device,
    relaxed,
)

_LARGEST = 2_000_000  # architectures of a table that is relaxed


@dataclass(frozen=True)
class Job:
    """One search to be done.

    Attributes:
        run: Its key.
        setting: What it is.
        data: The images; None for a relaxed table, which is the truth's.
        truth: What reports the error of what is found.
        device: Where it runs.
        folder: Of its checkpoint and its log.
    """

    run: Run
    setting: Setting
    data: DataSet | None
    truth: Benchmark
    device: str
    folder: Path

    @property
    def checkpoint(self) -> Path:
        """Where the search stands; gone once it is recorded."""
        return self._file("safetensors")

    @property
    def log(self) -> Path:
        """One line of JSON for every epoch."""
        return self._file("jsonl")

    def _file(self, kind: str) -> Path:
        source = self.data.name if self.data else self.truth.name.replace("/", "-")
        words = (self.setting.method, self.setting.space, source, str(self.run.seed))
        return self.folder / f"{'_'.join(words)}.{kind}"

    @property
    def backend(self) -> Backend:
        """What answers the search."""
        return "supernet" if self.data else "relaxed_table"


def find_method(asked: str) -> tuple[str, str]:
    """Find a method by its name, or as `file.py:record`; a record joins `METHODS`.

    Returns:
        Its name, and the fingerprint of the torch room and of that file.

    Raises:
        InputError: There is none, or the file cannot be loaded.
    """
    sha = hashlib.sha256()
    for path in sorted(Path(__file__).with_name("supernet").rglob("*.py")):
        sha.update(path.read_bytes().replace(b"\r\n", b"\n"))
    file, colon, name = asked.rpartition(":")
    if colon:
        module = load_file(Path(file))
        known = {n: v for n, v in vars(module).items() if isinstance(v, Method)}
        METHODS[name] = pick("method", name, known)
        sha.update(Path(file).read_bytes())
    pick("method", name, METHODS)
    return name, sha.hexdigest()[:8]


def plan(
    setting: Setting,
    data: str,
    seeds: range,
    *,
    source: str = "",
    truth: str = "",
    root: Path | None = None,
    device: str = "cpu",
    results: Path = Path("results"),
) -> list[Job]:
    """Name the runs of a search, after checking all that can be checked before.

    Args:
        setting: See `Setting`; without a space where `data` is a table.
        data: Name of a data set, an .npz file, or the name of a tabular benchmark,
            which is relaxed.
        seeds: One run for each.
        source: See `find_method`.
        truth: Name of the benchmark that reports; by default see `benchmarks.truth`.
        root: The folder with official image files; by default see `images_folder`.
        device: Such as "cpu" or "cuda".
        results: The folder of results.

    Raises:
        InputError: Something is unknown, missing, damaged, or does not fit together.
        DataError: The data of a benchmark are missing or damaged.
    """
    find_device(device)
    folder = results / "searches"
    if "/" in data and not data.endswith(".npz"):
        return _plan_relaxed(setting, data, seeds, source, truth, folder)
    pick("space with a network", setting.space, NETWORKS)
    check_needs(setting.method, setting.space)
    images = load(data, root or images_folder())
    judge = benchmarks.load(truth) if truth else benchmarks.truth(setting.space, data)
    space = NETWORKS[setting.space].space
    if judge.space.choices != space.choices:
        raise InputError(
            f"{judge.name} reports architectures of {judge.space.name}, and the search"
            f" is in {space.name}: --truth takes a benchmark of that space"
        )
    _check_objective(setting.objective, judge, COUNTS)
    settings = f"data={images.name}@{digest(images)} {setting.spelled()}".strip()
    return [
        Job(
            _run(setting, settings, judge, n, source),
            setting,
            images,
            judge,
            device,
            folder,
        )
        for n in seeds
    ]


def _plan_relaxed(
    setting: Setting, data: str, seeds: range, source: str, truth: str, folder: Path
) -> list[Job]:
    """Name the runs of a search on the multilinear extension of a table."""
    table = benchmarks.load(data)
    if not isinstance(table, TabularBenchmark):
        raise InputError(f"only a table can be relaxed, and {data} is none")
    check_needs(setting.method)
    if truth not in ("", data):
        raise InputError(f"{data} relaxed is reported by itself, not by {truth}")
    if table.space.size > _LARGEST or math.prod(map(len, table.space.choices)) != (
        table.space.size
    ):
        raise InputError(
            f"{data} cannot be relaxed: that takes a product space of at most"
            f" {_LARGEST:,} architectures, with a result for each"
        )
    for name in ("channels", "cells", "images", "batch_size"):
        if getattr(setting, name):
            raise InputError(f"a relaxed table has no {name} to set")
    _check_objective(setting.objective, table, ())
    own = Setting(**{**asdict(setting), "space": table.space.name})
    return [
        Job(_run(own, own.spelled(), table, n, source), own, None, table, "cpu", folder)
        for n in seeds
    ]


def _check_objective(name: str, truth: Benchmark, counts: Iterable[str]) -> None:
    """Refuse a cost that nobody knows.

    Args:
        name: Of the cost; "" is none.
        truth: The benchmark that reports, of which every metric can be a cost.
        counts: What can be counted where it does not say it.

    Raises:
        InputError: There is none of that name; benchmarks that have it are named.
    """
    known = sorted({*truth.metrics, *counts})
    if name and name not in known:
        others = benchmarks.suiting(lambda other: name in other.metrics)
        raise InputError(
            f"{truth.name} has no {name}, it has {', '.join(known) or 'no metrics'};"
            f" benchmarks with {name}: {others}"
        )


def _cost(job: Job) -> Cost | None:
    """Say what architectures cost: by the truth, or counted where it does not tell.

    Stand-alone training could tell, but keeps a network for every one that it is asked
    about.
    """
    name, truth = job.setting.objective, job.truth
    if not name:
        return None
    if name in truth.metrics and truth.backend != "training":
        return partial(_recorded, truth, name)
    assert job.data is not None
    side = job.data.train.images.shape[-1]
    return counted(name, job.setting.space, classes=job.data.classes, side=side)


def _recorded(truth: Benchmark, name: str, arch: Architecture) -> float:
    """Look a metric up; nan for what a table that was imported in part has not."""
    with suppress(KeyError):
        return truth.evaluate(Trial(arch, 0), 0).metrics[name]
    return math.nan


def _run(
    setting: Setting, settings: str, truth: Benchmark, seed: int, source: str
) -> Run:
    return Run(
        benchmark=truth.name,
        table=truth.data,
        strategy=setting.method,
        settings=settings,
        rules="",
        seed=seed,
        source=source,
    )


@dataclass(frozen=True)
class Epoch:
    """What is told of a search after an epoch.

    Attributes:
        incumbent: What it would return now.
        epochs: How many there will be.
        arch: The incumbent, as published.
        ledger: What was asked for so far; see `Ledger`, and `peak_memory` in bytes.
    """

    incumbent: Incumbent
    epochs: int
    arch: str
    ledger: Mapping[str, float]

    def line(self) -> dict[str, Any]:
        """Facts for a line of JSON."""
        cost, _, epoch, error, metrics = self.incumbent
        return {
            "epoch": epoch,
            "epochs": self.epochs,
            **metrics,
            "error": error,
            "arch": self.arch,
            "seconds": cost,
            **self.ledger,
        }


class StoppedError(Exception):
    """A search was asked to stop, and has saved where it stands."""


def do(
    job: Job,
    store: Store,
    *,
    asked: str = "",
    stop: Callable[[], bool] = lambda: False,
    replace: bool = False,
) -> Iterator[Epoch]:
    """Go on with a search from its checkpoint, or begin it; record it at its end.

    Args:
        job: What to do.
        store: Where it is recorded, or that it failed.
        asked: What named the method, if that is to be recorded.
        stop: Asked after every pair of batches.
        replace: Whether it takes the place of what is recorded.

    Yields:
        After every epoch, once its checkpoint is written.

    Raises:
        InputError: It does not fit into memory, the checkpoint belongs to another
            setting or is damaged, or a file cannot be written.
        StoppedError: `stop` said so; the same job goes on from there.
        DivergedError: The loss was no number; the last good checkpoint stays.
    """
    state, known = _prepare(job)
    told: list[Incumbent] = []
    if job.checkpoint.exists():
        content = checkpoint.load(job.checkpoint, known)
        state.load_state_dict(content["search"])
        told = [_incumbent(line) for line in content["incumbents"]]
    else:
        with suppress(FileNotFoundError):
            job.log.unlink()

    def save() -> None:
        lines = [
            [i.cost, list(i.arch), i.epochs, i.error, dict(i.metrics)] for i in told
        ]
        content = {"search": state.state_dict(), "incumbents": lines}
        checkpoint.save(job.checkpoint, content, known)

    try:
        for incumbent in search(state, stop):
            told.append(incumbent)
            epoch = Epoch(
                incumbent,
                state.moment.epochs,
                state.space.format(incumbent.arch),
                {**asdict(state.ledger), "peak_memory": _peak_memory(job.device)},
            )
            save()
            _append(job.log, epoch.line())
            yield epoch
    except DivergedError as error:
        store.fail(job.run, f"{error}; the checkpoint before is {job.checkpoint}")
        raise
    if state.moment.epoch < state.moment.epochs:
        save()
        raise StoppedError
    if job.data and state.method.keeps:
        folder = supernets_folder(job.setting.space, job.data.name, job.setting.method)
        path = folder / f"{job.run.seed}.safetensors"
        keep(path, state, told[-1].arch, facts(job.setting, job.data, job.run.seed))
    found = rows(job.run, told, job.truth, backend=job.backend)
    store.add(found, None, provenance.here(asked), replace=replace)
    job.checkpoint.unlink(missing_ok=True)


def _prepare(job: Job) -> tuple[Search, dict[str, Any]]:
    """Build a search at its start; tell what its checkpoints belong to."""
    seed, cost = job.run.seed, _cost(job)
    common = {"source": job.run.source, "threads": torch.get_num_threads()}
    if cost is not None:
        common["costs of"] = f"{job.truth.name} {job.truth.data}"
    if job.data is not None:
        state = build(job.setting, job.data, seed=seed, device=job.device, cost=cost)
        check_memory(state)
        known = facts(job.setting, job.data, seed)
        return state, {**known, **common, "device": job.device}
    full, space = job.truth.epochs[-1], job.truth.space
    errors = [job.truth.evaluate(Trial(arch, full), seed).error for arch in space]
    relaxed_table = RelaxedTable(space, np.array(errors))
    state = relaxed(job.setting, relaxed_table, seed=seed, cost=cost)
    table = {"data": job.truth.name, "digest": job.truth.data, "seed": seed}
    return state, {**asdict(job.setting.complete()), **table, **common}


def _incumbent(line: list[Any]) -> Incumbent:
    cost, arch, epochs, error, metrics = line
    return Incumbent(cost, tuple(arch), epochs, error, metrics)


def _append(path: Path, facts: Mapping[str, Any]) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(facts) + "\n")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def _peak_memory(device: str) -> float:
    """Most bytes that this process, or the GPU for it, has held so far."""
    if device.startswith("cuda"):
        return float(torch.cuda.max_memory_allocated(device))
    try:
        import resource
    except ImportError:  # a system without it
        return math.nan
    unit = 1 if sys.platform == "darwin" else 1024
    return float(unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
