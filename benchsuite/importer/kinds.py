"""What kind of source a path is, told by its content and the end of its name."""

from collections.abc import Callable, Mapping

from benchsuite.core import InputError
from benchsuite.importer import figures, nats, nb101, nb301, users
from benchsuite.importer.plan import Plan, Request

_KINDS: Mapping[str, Callable[[Request], Plan]] = {
    ".pickle.pbz2": nats.single,
    ".pth": nats.single,
    ".tfrecord": nb101.tfrecord,
    ".pickle": figures.hw_nas_bench,
    ".npz": figures.robust,
    ".json": figures.zero_cost_scores,
    ".onnx": nb301.network,
    ".csv": users.table_file,
    ".parquet": users.table_file,
}
"""By the end of a file's name."""

_KNOWN = (
    "a folder of NATS-Bench records (NATS-tss-v1_0-3ffb9-simple), its single file"
    " (.pickle.pbz2), NAS-Bench-201 (.pth), NAS-Bench-101 (.tfrecord), HW-NAS-Bench"
    " (.pickle), robustness results (.npz), NAS-Bench-Suite-Zero (.json), NAS-Bench-301"
    " (.onnx, or a folder of ensemble members), or a table of yours (.csv, .parquet)"
)


def plan(request: Request) -> Plan:
    """Choose how to import a path.

    Raises:
        InputError: Nothing is there, or it is of no known kind.
        DataError: It is of a known kind, but damaged.
        OSError: It cannot be looked at.
    """
    path = request.path
    if not path.exists():
        raise InputError(f"no such file or folder: {path}")
    if not (path.is_file() or path.is_dir()):
        raise InputError(f"{path} is neither a file nor a folder")
    if path.is_file() and not path.stat().st_size:
        raise InputError(f"{path} is empty")
    if path.is_dir():
        if (path / "meta.pickle.pbz2").is_file():
            return nats.folder(request)
        if (path / "meta.json").is_file():
            return figures.robust(request)
        if nb301.is_ensemble(path):
            return nb301.ensemble(request)
        raise InputError(f"{path} has no meta.pickle.pbz2; import takes {_KNOWN}")
    for ends, kind in _KINDS.items():
        if path.name.endswith(ends):
            return kind(request)
    raise InputError(f"{path} is of no known kind; import takes {_KNOWN}")
