"""What went wrong in a user's code, in one line, and where."""

import sys
import traceback
from pathlib import Path

from benchsuite import catalogue
from benchsuite.core import MakeStrategy

_PACKAGE = Path(catalogue.__file__).resolve().parent


class BrokenError(Exception):
    """A call, or what it returned, is not as the contract has it.

    Attributes:
        kind: What it is about: the rule that it breaks in a plain game.
        what: What was expected and what came, or what was raised, in one line.
        where: "file:line" in the user's code; empty if that is unknown.
        trials: How many trials a game must have to come that far.
    """

    def __init__(self, kind: str, what: str, where: str, trials: int) -> None:
        super().__init__(f"{what} ({where})" if where else what)
        self.kind, self.what, self.where, self.trials = kind, what, where, trials


def last_frame(error: BaseException, make: MakeStrategy) -> str:
    """Find where in the folder of a strategy's file an exception came from.

    Returns:
        "file:line", or nothing if it did not pass there.
    """
    module = sys.modules.get(catalogue.module(make))
    home = getattr(module, "__file__", None)
    if not home:
        return ""
    folder = Path(home).resolve().parent
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        file = Path(frame.f_code.co_filename).resolve()
        if folder in file.parents and not _foreign(file, folder):
            return place(frame.f_code.co_filename, line)
    return ""


def _foreign(file: Path, folder: Path) -> bool:
    """Whether a file below the folder of a strategy is a library's all the same."""
    ours = _PACKAGE in file.parents and _PACKAGE not in folder.parents
    return ours or "site-packages" in file.parts


def place(file: str, line: int) -> str:
    """Spell a place as short as it can be from here: "file:line"."""
    path, here = Path(file).resolve(), Path.cwd().resolve()
    return f"{path.relative_to(here) if here in path.parents else path}:{line}"


def said(error: BaseException) -> str:
    """Spell an exception in one line, whatever its `str` does.

    Example:
        >>> said(ValueError(f"two{chr(10)}lines")), said(KeyError())
        ('ValueError: two lines', 'KeyError')
    """
    try:
        text = str(error)
    except Exception:  # a user's __str__
        text = ""
    return " ".join(f"{type(error).__name__}: {text}".split()).rstrip(": ")[:300]


def short(value: object) -> str:
    """Spell anything in one line of 120 letters, whatever its `repr` does."""
    try:
        return " ".join(repr(value).split())[:120]
    except Exception:  # a user's __repr__
        return f"something of type {type(value).__name__}"
