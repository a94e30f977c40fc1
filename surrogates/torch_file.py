"""Opens the pickle in a `.pth` file, of either container, without torch.

What `torch.save` writes. Before torch 1.6: five pickles one after another, of a magic
number, the format's version, a description of the machine, the object, and the keys of
its tensors. Since then: a zip file, with the object in `<name>/data.pkl`. Objects that
have tensors refer to them through persistent ids, which `safe_pickle` refuses.

https://github.com/pytorch/pytorch/blob/main/torch/serialization.py
"""

import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from surrogates import safe_pickle
from surrogates.table import DataError

MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001
LIMIT = 1 << 34  # bytes; NAS-Bench-201 v1.1 has 4.7e9

_HEADER = 4096  # bytes of the longest of the three pickles before the object
_DEFLATE = 1032  # to 1: more than this, deflate cannot compress
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ZIP = b"PK\3\4"
_ENCRYPTED = 0x1  # of a zip entry's flags


@contextmanager
def open_pickle(path: Path, *, limit: int = LIMIT) -> Iterator[IO[bytes]]:
    """Open a file at the pickle of its object.

    Args:
        path: Written by `torch.save`.
        limit: Bytes of the longest object in a zip file.

    Raises:
        DataError: It cannot be read, is no such file, or claims a longer object.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("rb"))
            zipped = file.read(4) == _ZIP
            file.seek(0)
            if zipped:
                entry = stack.enter_context(_open_zip(path, file, limit))
            else:
                entry = _skip_header(path, file)
        except OSError as error:
            reason = error.strerror or error
            raise DataError(f"cannot read {path}: {reason}") from error
        yield entry


def _skip_header(path: Path, file: IO[bytes]) -> IO[bytes]:
    """Read the three pickles before the object, and go to where they end."""
    header: list[object] = []
    for _ in range(3):
        start = file.tell()
        machine = safe_pickle.Machine(file, limit=_HEADER)
        try:
            header.append(machine.load())
        except DataError as error:
            raise DataError(f"{path} is no torch file: {error}") from error
        if header[0] != MAGIC:
            raise DataError(f"{path} is no torch file: it has not the magic number")
        file.seek(start + machine.at)
    if header[1] != VERSION or not isinstance(header[2], dict):
        raise DataError(f"{path} has version {header[1]!r} of torch's format, not 1001")
    return file


def _open_zip(path: Path, file: IO[bytes], limit: int) -> IO[bytes]:
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise DataError(f"{path} is a damaged zip file: {error}") from error
    found = [
        entry
        for entry in archive.infolist()
        if entry.filename.count("/") == 1 and entry.filename.endswith("/data.pkl")
    ]
    if len(found) != 1:
        raise DataError(f"{path} is no torch file: it has {len(found)} data.pkl, not 1")
    (entry,) = found
    if entry.compress_type not in _METHODS or entry.flag_bits & _ENCRYPTED:
        raise DataError(f"{path}: data.pkl is encrypted, or compressed by other means")
    if entry.file_size > min(limit, _DEFLATE * entry.compress_size):
        raise DataError(f"{path}: data.pkl claims {entry.file_size:,} bytes")
    if entry.compress_size > path.stat().st_size:
        raise DataError(f"{path} is incomplete: data.pkl is longer than the file")
    try:
        return archive.open(entry)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise DataError(f"{path} is a damaged zip file: {error}") from error
