"""Libraries that only some models need, loaded when one of them is used."""

import importlib
from typing import Any

from surrogates.table import DataError


def library(name: str, extra: str) -> Any:
    """Import a library that an extra of the package brings.

    Raises:
        DataError: It is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name.partition(".")[0]:
            raise
        raise DataError(
            f"{name} is not installed: pip install 'benchsuite[{extra}]'"
        ) from error
