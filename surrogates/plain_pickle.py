"""Reads pickles that hold plain data, and lets them name nothing else.

A pickle is a program; what it can do to a machine it does through the classes and
functions that it names. Numbers, text, lists, tuples, sets and dicts need none.
"""

import io
import pickle
from typing import Any

from surrogates.table import DataError


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise DataError(f"it names {module}.{name}, which plain data does not need")


def loads(data: bytes) -> Any:
    """Load `data`, provided that it names no class or function.

    Raises:
        DataError: It does, or it is no pickle.

    Example:
        >>> loads(pickle.dumps({"000000": [1.5, 2.5]}))
        {'000000': [1.5, 2.5]}
    """
    try:
        return _Plain(io.BytesIO(data)).load()
    except DataError:
        raise
    except (
        pickle.UnpicklingError,
        EOFError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        OverflowError,
        MemoryError,
    ) as error:  # what the unpickler is known to answer to damaged bytes
        raise DataError(f"it is no pickle: {error}") from error
