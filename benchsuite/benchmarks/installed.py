"""Tables of the data folder: found, opened, and converted on first use."""

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import platformdirs

from benchsuite.core import InputError
from surrogates import DataError, Table

log = logging.getLogger(__name__)


class AbsentError(DataError):
    """A table is not installed, or it does not have what a benchmark is about."""


def data_folder() -> Path:
    """Where converted tables are kept: $BENCHSUITE_DATA, or the user's data folder.

    Raises:
        InputError: $BENCHSUITE_DATA begins with ~ and a user that does not exist.
    """
    chosen = os.environ.get("BENCHSUITE_DATA")
    try:
        return Path(chosen or platformdirs.user_data_dir("benchsuite")).expanduser()
    except RuntimeError as error:
        raise InputError(f"$BENCHSUITE_DATA is {chosen}: {error}") from error


def installed() -> Iterator[str]:
    """Yield the names of the tables in the data folder, in order."""
    folder = data_folder()
    for manifest in sorted(
        [*folder.glob("*/table.json"), *folder.glob("*/*/table.json")]
    ):
        name = manifest.parent.relative_to(folder)
        if "." not in f"{name}":  # one that is being written has a suffix
            yield name.as_posix()


def open_installed(name: str, source: str) -> Table:
    """Map the table `name` of the data folder.

    Args:
        name: Of its folder.
        source: What to import where it is missing, for the message.

    Raises:
        AbsentError: It is not there.
        DataError: It is damaged.
    """
    folder = data_folder() / name
    try:
        return Table.open(folder)
    except (FileNotFoundError, NotADirectoryError):
        raise AbsentError(
            f"{name} is not installed in {data_folder()}: benchsuite import {source}"
        ) from None
    except OSError as error:
        raise DataError(f"cannot open {folder}: {error.strerror}") from error


def open_or_convert(name: str, read: Callable[[], Table]) -> Table:
    """Map the table `name` of the data folder; if it is not there, convert it first.

    A damaged one is converted again. Where nothing can be written, the table stays in
    memory, and a warning says so.

    Raises:
        DataError: The source cannot be read.
    """
    folder = data_folder() / name
    try:
        table = Table.open(folder)
        table.touch()
        return table
    except (FileNotFoundError, NotADirectoryError):
        pass
    except DataError as error:
        log.warning("%s; converting it again", error)
    except OSError as error:
        log.warning("cannot open %s (%s); reading its source", folder, error.strerror)
    table = read()
    try:
        table.save(folder)
        return Table.open(folder)
    except OSError as error:
        log.warning("cannot keep %s in %s: %s", name, folder, error.strerror)
    return table
