"""A handful of named files and a manifest in one zip file, read with suspicion."""

import hashlib
import json
import os
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from surrogates.table import DataError

MANIFEST = "manifest.json"
_NAME = re.compile(r"[a-z_]+\.(npz|txt|ubj|safetensors)")
_FILES = 16  # at most
_BYTES = 2**30  # of all files, unpacked, at most
_LONGEST = 2**20  # bytes of the manifest
_WHEN = (1980, 1, 1, 0, 0, 0)  # so that equal files make equal archives


def write(path: Path, manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Write an archive, never half of one.

    The manifest gets the key "files", with the sha256 of each.

    Raises:
        DataError: A file has no name or size that `read` takes.
        OSError: The path cannot be written.
    """
    _allow(path, {name: len(data) for name, data in files.items()})
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    text = json.dumps({**manifest, "files": digests}, indent=1, allow_nan=False)
    part = path.with_name(f"{path.name}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in {MANIFEST: text.encode(), **files}.items():
                info = zipfile.ZipInfo(name, _WHEN)
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, data)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def read(path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read what `write` wrote.

    Raises:
        DataError: It is no such archive, or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            if MANIFEST not in archive.namelist():
                raise DataError(f"{path} has no {MANIFEST}: it is no surrogate")
            if len({info.filename for info in infos}) < len(infos):
                raise DataError(f"{path} has two files of one name")
            sizes = {info.filename: info.file_size for info in infos}
            if sizes.pop(MANIFEST) > _LONGEST:
                raise DataError(
                    f"{path} has a {MANIFEST} of more than {_LONGEST} bytes"
                )
            _allow(path, sizes)
            manifest = json.loads(archive.read(MANIFEST))
            files = {name: archive.read(name) for name in sizes}
    except zipfile.BadZipFile as error:
        raise DataError(
            f"{path} is no surrogate, or a damaged one: it is no whole zip file"
        ) from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except (EOFError, RuntimeError, ValueError, zlib.error) as error:
        if isinstance(error, DataError):
            raise
        reason = " ".join(str(error).split())
        raise DataError(f"{path} is damaged: {reason:.80}") from error
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    if not isinstance(manifest, dict) or manifest.get("files") != digests:
        raise DataError(f"{path} is damaged: its files are not those of {MANIFEST}")
    return manifest, files


def _allow(path: Path, sizes: Mapping[str, int]) -> None:
    """Refuse names that could be paths, and more than a model needs.

    Raises:
        DataError: There are such.
    """
    for name in sizes:
        if not _NAME.fullmatch(name):
            raise DataError(f"{path} has a file {name!r:.60}, which no surrogate has")
    if len(sizes) > _FILES or sum(sizes.values()) > _BYTES:
        raise DataError(
            f"{path} has {len(sizes)} files of {sum(sizes.values())} bytes, more than"
            f" {_FILES} of {_BYTES}"
        )
