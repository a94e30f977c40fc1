"""NAS-Bench-301: a published ONNX network, or the authors' ensembles of trees."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchsuite.benchmarks.nb301 import ENSEMBLES, NETWORK
from benchsuite.core import InputError
from benchsuite.importer.children import convert
from benchsuite.importer.figures import origin
from benchsuite.importer.plan import Plan, Progress, Request, named
from benchsuite.memory import free_memory
from benchsuite.spaces import DARTS
from surrogates import DataError, Table
from surrogates.extras import library
from surrogates.nb301 import categories
from surrogates.nb301_ensemble import ENDS, TreeEnsemble
from surrogates.nb301_network import ENCODING, EPOCHS, MODEL, Network

_MEMORY = 8_000_000_000  # bytes that the child may map, if so much is free
_SECONDS = 600
_LARGEST = 500_000_000  # bytes of a published file
_PROBES = 200
_TOLERANCE = 1e-4  # relative
_MEMBER = "surrogate_model"


def network(request: Request) -> Plan:
    """Plan the import of the ONNX network, which has its encoding beside it.

    Raises:
        DataError: The encoding is not there.
    """
    encoding = request.path.with_name(ENCODING)
    if not encoding.is_file():
        raise DataError(
            f"{request.path} has no {ENCODING} beside it, which tells what its numbers"
            " stand for: put the published file there"
        )
    files = {MODEL: request.path, ENCODING: encoding}
    return _plan(request, named(request, [NETWORK]), files, _network)


def ensemble(request: Request) -> Plan:
    """Plan the import of a folder of ensemble members.

    Raises:
        InputError: Members are pickles.
        DataError: They are of no known model, or it is not told of which.
    """
    kind = _kind(request.path)
    members = [_member(folder) for folder in _folders(request.path)]
    files = {f"{n:03d}{file.suffix}": file for n, file in enumerate(members)}
    name = named(request, [f"{NETWORK}_{kind}"])
    return _plan(
        request, name, files, partial(_ensemble, seconds=kind.endswith("_time"))
    )


def is_ensemble(folder: Path) -> bool:
    """Whether a folder is of an ensemble's members."""
    return any(True for _ in folder.rglob(f"{_MEMBER}.*"))


def _folders(path: Path) -> list[Path]:
    return sorted({file.parent for file in path.rglob(f"{_MEMBER}.*")})


def _kind(path: Path) -> str:
    """Read what the members are, as their model_config.json says."""
    kinds = set()
    for folder in _folders(path):
        config = folder / "model_config.json"
        try:
            about = json.loads(config.read_bytes())
            kinds.add(about["model"])
        except (LookupError, TypeError, ValueError) as error:
            raise DataError(
                f"{config} does not tell the model: {error!r:.80}"
            ) from error
        if about.get("param:bananas_enc"):
            raise DataError(f"{folder} was fitted to paths (bananas_enc), not to cells")
    if len(kinds) != 1 or not kinds <= set(ENSEMBLES):
        raise DataError(
            f"{path} has members of {', '.join(sorted(map(str, kinds)))}; import takes"
            f" members of one of {', '.join(ENSEMBLES)}"
        )
    return str(kinds.pop())


def _member(folder: Path) -> Path:
    """Find the file of a member that its library wrote."""
    for end in ENDS:
        if (file := folder / f"{_MEMBER}{end}").is_file():
            return file
    (other, *_) = sorted(folder.glob(f"{_MEMBER}.*"))
    raise InputError(
        f"{other} is a pickle, which could run any code, and is not opened: load it"
        " where you trust it, and save the booster beside it with save_model, as"
        f" {_MEMBER}.json (XGBoost) or {_MEMBER}.txt (LightGBM)"
    )


def _plan(
    request: Request,
    name: str,
    files: Mapping[str, Path],
    check: Callable[[Mapping[str, bytes]], Mapping[str, Any]],
) -> Plan:
    paths = list(files.values())
    size = sum(file.stat().st_size for file in paths)
    if size > _LARGEST:
        raise DataError(
            f"{request.path} has {size:,} bytes, more than any published one"
        )
    source = f"{request.path.name} (NAS-Bench-301)"

    def convert_all(work: Path, progress: Progress) -> tuple[Table, Mapping[str, Any]]:
        (table,) = convert(
            partial(_read, source=source, check=check),
            [(work / "all", files)],
            jobs=1,
            seconds=_SECONDS,
            memory=min(_MEMORY, free_memory()),
            progress=progress,
        )
        return table, origin(request.path, paths)

    return Plan(
        name=name,
        source=source,
        files=paths,
        space=2 * size,
        convert=convert_all,
        report=lambda table: {},
    )


def _read(
    files: Mapping[str, Path],
    source: str,
    check: Callable[[Mapping[str, bytes]], Mapping[str, Any]],
) -> Table:
    """Read and check a model, and keep its files as they are; runs in a child."""
    content = {name: path.read_bytes() for name, path in files.items()}
    about = check(content)
    return Table(
        source=source,
        choices=DARTS.choices,
        archs=np.zeros((0, len(DARTS.choices)), dtype=np.uint8),
        keys=np.zeros(0, dtype=np.uint64),
        trainings={},
        files={name: np.frombuffer(data, np.uint8) for name, data in content.items()},
        about={"space": DARTS.name, **about},
    )


def _network(files: Mapping[str, bytes]) -> Mapping[str, Any]:
    """Read the network, and compare it with onnxruntime if that is installed.

    Raises:
        DataError: It is another network, or it is read differently.
    """
    ours = Network(files)
    if find_spec("onnxruntime") is None:
        return {"checked": "row by row; against onnxruntime once that is installed"}
    onnxruntime = library("onnxruntime", "nb301")
    cells, epochs = _cells(), np.random.default_rng(1).choice(EPOCHS, _PROBES)
    session = onnxruntime.InferenceSession(files[MODEL])
    names = sorted(ours.graph.inputs, key=lambda name: -ours.graph.inputs[name][-1])
    rows = ours.coded(categories(cells))
    theirs = np.concatenate(
        [
            session.run(None, dict(zip(names, (row[None], epoch), strict=True)))[0]
            for row, epoch in zip(
                rows, epochs.astype(np.float32).reshape(-1, 1, 1), strict=True
            )
        ]
    )
    errors, seconds = ours(cells, epochs)
    right = np.column_stack([100 * (1 - errors), seconds])
    if not np.allclose(right, theirs, rtol=_TOLERANCE, atol=_TOLERANCE):
        worst = np.abs(right - theirs).max()
        raise DataError(
            f"{MODEL} is evaluated otherwise by onnxruntime, by {worst:.3g}"
        )
    return {"checked": f"against onnxruntime {onnxruntime.__version__}"}


def _ensemble(files: Mapping[str, bytes], seconds: bool) -> Mapping[str, Any]:
    """Read the members, and see that they answer with accuracies, or with seconds.

    Raises:
        DataError: They do not.
    """
    members = TreeEnsemble(files)
    cells = _cells()
    members.check(cells)
    answers = members(cells)
    fit = (answers > 0).all() and (seconds or (answers <= 100).all())
    if not fit:
        what = "seconds" if seconds else "accuracies in percent"
        raise DataError(
            f"the members answer with {answers.min():.4g} to {answers.max():.4g}, which"
            f" are no {what}"
        )
    return {"members": len(files)}


def _cells() -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Draw some cells, [B, 28]."""
    rng = np.random.default_rng(0)
    return np.array([DARTS.sample(rng) for _ in range(_PROBES)], dtype=np.int64)
