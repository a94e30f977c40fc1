"""Arrays as the bytes of an .npz file, without pickles."""

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surrogates.table import DataError


def packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Write arrays; equal arrays give equal bytes."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **dict(arrays))
    return file.getvalue()


def unpacked(
    files: Mapping[str, bytes], name: str, kinds: Mapping[str, tuple[str, int]]
) -> dict[str, NDArray[Any]]:
    """Read arrays of known types and numbers of dimensions.

    Args:
        files: Where `name` is one of.
        name: The .npz file.
        kinds: Of every array its type, such as "<f8", and its number of dimensions.

    Raises:
        DataError: The file lacks, is damaged, or holds other arrays.
    """
    if name not in files:
        raise DataError(f"the model has no file {name}")
    try:
        with np.load(io.BytesIO(files[name]), allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in kinds}
    except (EOFError, KeyError, OSError, ValueError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{name} of the model is damaged: {reason:.80}") from error
    except Exception as error:  # of the header, which NumPy lets ast and tokenize read
        raise DataError(f"{name} of the model is damaged: {error!r:.80}") from error
    for key, (kind, ndim) in kinds.items():
        if arrays[key].dtype.str != kind or arrays[key].ndim != ndim:
            raise DataError(
                f"{key} in {name} is {arrays[key].dtype.str} {arrays[key].shape}, not"
                f" {kind} of {ndim} dimensions"
            )
    return arrays


def sound(name: str, what: str, holds: bool) -> None:
    """Refuse arrays that do not describe a model.

    Raises:
        DataError: It does not hold.
    """
    if not holds:
        raise DataError(f"{name} of the model is damaged: {what}")
