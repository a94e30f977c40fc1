"""NATS-Bench and NAS-Bench-201 as published: a folder of records, or one big file."""

import bz2
import hashlib
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.benchmarks.nats import RELEASES, TASKS
from benchsuite.core import InputError
from benchsuite.importer.children import convert
from benchsuite.importer.plan import Plan, Progress, Request, memory, named
from benchsuite.spaces import NATS_SSS, NATS_TSS, SearchSpace, nats_sss
from benchsuite.spaces import nats as tss
from surrogates import (
    DataError,
    Table,
    Training,
    pickle_stream,
    safe_pickle,
    torch_file,
)
from surrogates import nats as records
from surrogates.merge import merge

_STREAM_MEMORY = 2_000_000_000
_STREAM_SECONDS = 4 * 3600
_CELLS = 250  # in a part
_MEMORY = 1_500_000_000  # bytes that a child may map, libraries included
_SECONDS = 600  # that a part may take
_RECORD = 16_000_000  # bytes of a record, unpacked; published ones have 330,000
_META = 8_000_000  # of the spellings, which have 1,400,000
_DISK = {"nats_tss": 115_000, "nats_sss": 65_000}  # bytes a cell, parts included
_FILE = re.compile(r"(\d+)\.pickle\.pbz2")
_RELEASE = re.compile(r"(?:NATS-[ts]ss|NAS-Bench-201)-v(\d+)_(\d+)-([0-9a-f]{5,6})\b")
_SIZES = {15_625: "nats_tss", 32_768: "nats_sss"}


@dataclass(frozen=True, slots=True)
class _Part:
    """Some records of a folder; `spellings` are those of the whole space."""

    files: tuple[tuple[int, Path], ...]
    archs: tuple[str, ...]
    space: str

    def __str__(self) -> str:
        return f"{self.files[0][1]} and the {len(self.files) - 1} after it"


def folder(request: Request) -> Plan:
    """Plan the import of a folder of records.

    Raises:
        DataError: It is not one, or it is incomplete and was not asked for in part.
    """
    path = request.path
    archs = _meta(path / "meta.pickle.pbz2")
    space = RELEASES[_SIZES[len(archs)]].space
    files = _records(path, len(archs))
    missing = len(archs) - len(files)
    if not files:
        raise DataError(f"{path} holds no record, such as 000000.pickle.pbz2")
    if missing and not request.partial:
        first = next(n for n in range(len(archs)) if n not in files)
        raise DataError(
            f"{path} lacks {missing:,} of {len(archs):,} records, the first of them"
            f" {first:06d}.pickle.pbz2: complete it, or import what is there with"
            " --partial"
        )
    release = _SIZES[len(archs)]
    same = [other for other, about in RELEASES.items() if about.space is space]
    name = named(request, dict.fromkeys((release, *same)))
    source = _source(path.name, missing, len(archs))

    def convert_all(work: Path, progress: Progress) -> tuple[Table, Mapping[str, Any]]:
        numbers = iter(sorted(files))
        tasks = []
        while chunk := tuple(islice(numbers, _CELLS)):
            part = _Part(
                tuple((n, files[n]) for n in chunk),
                tuple(archs[n] for n in chunk),
                release,
            )
            tasks.append((work / f"{chunk[0]:06d}", part))
        parts = convert(
            partial(_convert, losses=request.losses),
            tasks,
            jobs=memory(_MEMORY, request.jobs),
            seconds=_SECONDS,
            memory=_MEMORY,
            progress=progress,
        )
        hashes = {n: h for part in parts for n, h in part.about["files"].items()}
        sha = hashlib.sha256(
            "".join(f"{n} {hashes[n]}\n" for n in sorted(hashes)).encode()
        )
        origin = {
            "name": path.name,
            "files": len(files),
            "bytes": sum(file.stat().st_size for file in files.values()),
            "sha256": sha.hexdigest(),
            "md5": "the name's digits are those of the single file",
        }
        return finish(parts, source, archs, space, missing), origin

    return Plan(
        name=name,
        source=source,
        files=[files[n] for n in sorted(files)],
        space=_DISK[release] * len(files),
        convert=convert_all,
        report=partial(quality, space),
    )


def _source(name: str, missing: int, total: int) -> str:
    """Call a source by its name, and say if it is incomplete."""
    part = f", in part: {total - missing:,} of {total:,}" if missing else ""
    return f"{name}{part}"


def _meta(path: Path) -> tuple[str, ...]:
    """Read the spellings of a whole space, in published order."""
    meta = _load(path, safe_pickle.read_bz2(path, _META))
    archs = meta.get("meta_archs") if isinstance(meta, dict) else None
    return check_order(path, archs)


def check_order(path: Path, archs: Any) -> tuple[str, ...]:
    """Refuse spellings that are not those of a whole space."""
    if (
        not isinstance(archs, list)
        or len(archs) not in _SIZES
        or not all(isinstance(arch, str) for arch in archs)
    ):
        raise DataError(
            f"{path}: meta_archs is no list of the 15,625 cells of NATS-tss or the"
            " 32,768 networks of NATS-sss"
        )
    space = RELEASES[_SIZES[len(archs)]].space
    try:
        if len(np.unique(_order(space, tuple(archs)))) == len(archs):
            return tuple(archs)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error
    raise DataError(f"{path}: meta_archs names an architecture twice")


@lru_cache(2)  # spellings are checked first, and become the order in the end
def _order(space: SearchSpace, archs: tuple[str, ...]) -> NDArray[np.uint64]:
    """Give the keys of spellings."""
    return np.array([space.key(space.parse(arch)) for arch in archs], dtype=np.uint64)


def _records(path: Path, total: int) -> dict[int, Path]:
    """Find the records of a folder by number; zeros in front may be left out."""
    files: dict[int, Path] = {}
    for file in sorted(path.iterdir()):
        if (match := _FILE.fullmatch(file.name)) and file.is_file():
            number = int(match[1])
            if number in files:
                raise DataError(
                    f"{path} has {number} twice: {files[number].name} and {file.name}"
                )
            if number >= total:
                raise DataError(f"{file} is numbered beyond the {total:,} of the space")
            files[number] = file
    return files


def _load(path: Path, data: bytes) -> Any:
    try:
        return safe_pickle.loads(data, allow=safe_pickle.NUMPY)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _convert(part: _Part, losses: bool) -> Table:
    """Read records into a table; runs in a child process."""
    cells, hashes = [], {}
    for (number, path), arch in zip(part.files, part.archs, strict=True):
        if (size := path.stat().st_size) > _RECORD:
            raise DataError(f"{path} has {size:,} bytes, more than {_RECORD:,}")
        hashes[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        record = _load(path, safe_pickle.read_bz2(path, _RECORD))
        cells.append(_cell(path, number, arch, record))
    return replace(
        _table(cells, RELEASES[part.space].space, losses), about={"files": hashes}
    )


def _cell(path: Path, number: int, arch: str, record: Any) -> records.Cell:
    try:
        cell = records.read(record)
    except DataError as error:
        raise DataError(f"{path}: cell {number}: {error}") from error
    if (cell.number, cell.arch) != (number, arch):
        raise DataError(
            f"{path}: it is about cell {cell.number}, {cell.arch}, not {number}, {arch}"
        )
    return cell


def _table(cells: Sequence[records.Cell], space: SearchSpace, losses: bool) -> Table:
    table = records.table(cells, "", space.choices, space.parse, space.key)
    if losses:
        return table
    bare = {
        title: replace(
            training,
            splits={n: replace(s, loss=None) for n, s in training.splits.items()},
        )
        for title, training in table.trainings.items()
    }
    return replace(table, trainings=bare)


class _Compact(Mapping[str, Training]):
    """Trainings whose figures become counts of images when they are asked for."""

    def __init__(self, trainings: Mapping[str, Training]) -> None:
        self._trainings = trainings

    def __getitem__(self, title: str) -> Training:
        return records.compact(self._trainings[title], title.partition("@")[0])

    def __iter__(self) -> Iterator[str]:
        return iter(self._trainings)

    def __len__(self) -> int:
        return len(self._trainings)


def single(request: Request) -> Plan:
    """Plan the import of a single file: one pickle of all records.

    Raises:
        InputError: Its name does not tell which release it is of.
    """
    path = request.path
    pth = path.suffix == ".pth"
    known = RELEASES if pth else _SIZES.values()
    name = request.name or _release(path.name)
    if name not in known:
        raise InputError(
            f"the name of {path} does not tell its release, as"
            f" {' and '.join(RELEASES[n].source for n in RELEASES)} do: give it with"
            f" --name {' or '.join(known)}"
        )
    space = RELEASES[name].space

    def convert_all(work: Path, progress: Progress) -> tuple[Table, Mapping[str, Any]]:
        origin = _hashes(path, request.partial)
        memory(_STREAM_MEMORY, 1)
        task = _Stream(path, name, work, request.losses)
        with _watched(work, -(-space.size // _CELLS), progress):
            (done,) = convert(
                _convert_stream,
                [(work / "all", task)],
                jobs=1,
                seconds=_STREAM_SECONDS,
                memory=_STREAM_MEMORY,
                progress=lambda done, total: None,
            )
        archs = tuple(done.about["meta_archs"])
        missing = len(archs) - done.about["cells"]
        if missing and not request.partial:
            raise DataError(
                f"{path} lacks {missing:,} of {len(archs):,} architectures: complete"
                " it, or import what is there with --partial"
            )
        parts = [Table.open(folder) for folder in sorted(work.glob("part-*"))]
        for part in parts:
            for index, arch in part.about["spellings"]:
                if not 0 <= index < len(archs) or archs[index] != arch:
                    raise DataError(f"{path}: cell {index} is not {arch} in meta_archs")
        source = _source(path.name, missing, len(archs))
        return finish(parts, source, archs, space, missing), origin

    return Plan(
        name=name,
        source=path.name,
        files=[path],
        space=int(path.stat().st_size * (0.5 if pth else 2)),
        convert=convert_all,
        report=partial(quality, space),
    )


def _release(name: str) -> str:
    """Tell a release by the name of its file; empty if it does not tell."""
    match = _RELEASE.match(name)
    if match is None:
        return ""
    kind = name[: match.start(1)].removesuffix("-v")
    return {
        "NATS-tss": "nats_tss",
        "NATS-sss": "nats_sss",
        "NAS-Bench-201": f"nb201_v{match[1]}_{match[2]}",
    }[kind]


def _hashes(path: Path, partial: bool) -> Mapping[str, Any]:
    """Hash a file, and compare it with the end of the md5 that its name carries.

    Raises:
        DataError: It is not what its name says, and was not asked for in part.
    """
    sha, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            sha.update(block)
            md5.update(block)
    match, digest = _RELEASE.match(path.name), md5.hexdigest()
    verdict = "the name carries none"
    if match:
        right = digest.endswith(match[3])
        verdict = "as in the name" if right else f"{digest}, not as in the name"
        if not right and not partial:
            raise DataError(
                f"{path} has the md5 {digest}, which does not end in {match[3]} as its"
                " name says: it is damaged or incomplete; download it again, or take it"
                " for what it is with --partial"
            )
    return {
        "name": path.name,
        "files": 1,
        "bytes": path.stat().st_size,
        "sha256": sha.hexdigest(),
        "md5": verdict,
    }


@dataclass(frozen=True, slots=True)
class _Stream:
    """A single file, whose parts go to a folder."""

    path: Path
    name: str
    work: Path
    losses: bool

    def __str__(self) -> str:
        return str(self.path)


@contextmanager
def _watched(work: Path, total: int, progress: Progress) -> Iterator[None]:
    """Tell how many parts a child has written, while it works."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.5):
            progress(min(total, len(list(work.glob("part-*/table.json")))), total)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _convert_stream(task: _Stream) -> Table:
    """Read one big pickle cell by cell and write parts; runs in a child process.

    Returns:
        A table of nothing, which says what else the pickle had.
    """
    space = RELEASES[task.name].space
    part: list[records.Cell] = []
    spellings: list[tuple[int, str]] = []
    count = 0

    def write() -> None:
        folder = task.work / f"part-{count - len(part):06d}"
        if not (folder / "table.json").exists():
            try:
                table = _table(part, space, task.losses)
            except DataError as error:
                raise DataError(f"{task.path}: {error}") from error
            replace(table, about={"spellings": spellings}).save(folder)

    with _opened(task.path) as file:
        items = pickle_stream.Items(
            file, allow=safe_pickle.NUMPY_PROTOCOL_2, limit=_RECORD
        )
        try:
            for number, record in items:
                cell = _whole_cell(number, record)
                count += 1
                part.append(cell)
                spellings.append((cell.number, cell.arch))
                if len(part) == _CELLS:
                    write()
                    part, spellings = [], []
        except DataError as error:
            raise DataError(f"{task.path}: {error}") from error
        if part:
            write()
    if not count:
        raise DataError(f"{task.path} holds no architecture")
    archs = check_order(task.path, items.rest.get("meta_archs"))
    none = np.zeros(0, dtype=np.uint64)
    return Table(
        source=task.path.name,
        choices=space.choices,
        archs=np.zeros((0, len(space.choices)), dtype=np.uint8),
        keys=none,
        trainings={},
        about={"meta_archs": archs, "cells": count},
    )


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a single file at its pickle."""
    if path.suffix == ".pth":
        with torch_file.open_pickle(path) as pickle:
            yield pickle
    else:
        with bz2.open(path) as pickle:
            yield pickle


def _whole_cell(number: object, record: Any) -> records.Cell:
    """Read a record of the stream; NAS-Bench-201 calls its schedules full and less."""
    if isinstance(record, dict) and record.keys() == {"full", "less"}:
        record = {"12": record["less"], "200": record["full"]}
    try:
        cell = records.read(record)
    except DataError as error:
        raise DataError(f"cell {number}: {error}") from error
    if cell.number != number:
        raise DataError(f"cell {number} calls itself {cell.number}")
    return cell


def finish(
    parts: Sequence[Table],
    source: str,
    archs: Sequence[str],
    space: SearchSpace,
    missing: int,
) -> Table:
    """Put parts together."""
    whole = merge(parts)
    return replace(
        whole,
        source=source,
        trainings=_Compact(whole.trainings),
        order=_order(space, tuple(archs)),
        about={"expected": len(archs)} if missing else {},
    )


def quality(space: SearchSpace, table: Table) -> Mapping[str, Any]:
    """Look a table over: coverage, missing figures, cells at chance, contradictions."""
    formula = {
        NATS_TSS: (tss.parameters, tss.macs),
        NATS_SSS: (nats_sss.parameters, nats_sss.macs),
    }
    parameters, macs = formula[space]
    about = {task.report: task for task in TASKS.values()}
    about["cifar10-valid"] = about["cifar10"]
    report: dict[str, Any] = {}
    for title, training in table.trainings.items():
        task = about[title.partition("@")[0]]
        counts = np.diff(training.starts)
        row = np.repeat(np.arange(len(counts)), counts)
        entry: dict[str, Any] = {
            "runs of an architecture": {
                str(n): count for n, count in sorted(Counter(counts.tolist()).items())
            }
        }
        for name, split in training.splits.items():
            errors = split.errors()
            facts: dict[str, Any] = {"figures": errors.size}
            if missing := int(np.isnan(errors).sum()):
                facts["missing"] = missing
            if split.loss is not None and (
                bad := int(np.isnan(split.loss).sum()) - missing
            ):
                facts["losses that are nan"] = bad
            if not split.counted:
                facts["not whole images"] = "kept as published percentages"
            if name not in ("train", records.TOP5):
                chance = np.unique(row[errors[:, -1] > 1 - 1.3 / task.classes])
                facts["architectures at chance in the end"] = len(chance)
            entry[name] = facts
        for name, computed in (
            ("params", parameters(table.archs, task.classes)),
            ("macs", macs(table.archs, task.classes, task.side)),
        ):
            wrong = np.unique(row[training.recorded[name] != computed[row]])
            if len(wrong):
                entry[f"{name} that contradict the formula"] = {
                    "architectures": len(wrong),
                    "such as": space.format(tuple(table.archs[wrong[0]].tolist())),
                }
        report[title] = entry
    return report
