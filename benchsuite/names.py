"""Names that users type: looked up, or refused with the nearest ones that would do."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

from benchsuite.core import InputError

T = TypeVar("T")


def pick(kind: str, name: str, known: Mapping[str, T]) -> T:
    """Look `name` up.

    Raises:
        InputError: It is unknown; the message has the nearest names that would do.

    Example:
        >>> pick("rules", "nets", {"nats": 1, "iclr20": 2})
        Traceback (most recent call last):
        benchsuite.core.InputError: unknown rules 'nets'; did you mean nats?
    """
    if name in known:
        return known[name]
    near = get_close_matches(name, known) or sorted(known)
    if not near:
        raise InputError(f"unknown {kind} {name!r}; there is none")
    raise InputError(f"unknown {kind} {name!r}; did you mean {' or '.join(near)}?")
