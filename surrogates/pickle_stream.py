"""Reads one huge pickle of a dict of dicts item by item, in bounded memory.

The single files of NATS-Bench and NAS-Bench-201 hold `{"meta_archs": ..., "arch2infos":
{index: record}, ...}`: 5 GB that would be 26 GB of objects. A pickle is written in
order, so a record is whole once its dict has been filled, long before the dict that it
goes into.

What grows is the memo, in which a pickle enters every text and container in case that
it is needed again. After each item it is emptied, except for small constants, which
items share because Python does. Where an item refers to something else of an earlier
one, a first reading of the whole file finds out what has to be kept.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import IO

import numpy as np

from surrogates import safe_pickle
from surrogates.table import DataError

_RECENT = 1 << 17  # small constants kept in case they come again, about 30 MB
_FIRST = 4  # items whose small constants are kept in any case
_KEPT = 1 << 20  # entries that do come again
_BATCH = 1000  # entries of a dict that picklers write at once
_SHORT = 200  # characters of a small constant; the longest spelling has 95


class Items:
    """The items of `{..., stream: {key: value}, ...}`, in the order of the file.

    Iterate once. An item is told apart from the next when a dict has been filled, so
    values that are no dicts come in batches of the pickle's own, 1,000.

    Attributes:
        rest: The other entries of the outer dict: those before `stream` from the first
            item on, all of them after the last.
        kept: Memo entries that are held at the moment: the memory used beside an item.

    Example:
        >>> import io, pickle
        >>> data = pickle.dumps({"n": 2, "infos": {0: {"a": 1}, 1: {"a": 2}}})
        >>> items = Items(io.BytesIO(data), "infos")
        >>> list(items)
        [(0, {'a': 1}), (1, {'a': 2})]
        >>> items.rest
        {'n': 2}
    """

    def __init__(
        self,
        file: IO[bytes],
        stream: str = "arch2infos",
        *,
        allow: Collection[str] = (),
        limit: int = safe_pickle.LIMIT,
    ) -> None:
        """Start at the file's position; nothing is read yet.

        Args:
            file: Must be seekable if items may share more than constants.
            stream: Key of the dict whose items to yield.
            allow: See `safe_pickle.loads`.
            limit: Bytes of the longest item.
        """
        self._file, self._stream = file, stream
        self._allow, self._limit = allow, limit
        self.rest: Mapping[object, object] = {}
        self.kept = 0

    def __iter__(self) -> Iterator[tuple[object, object]]:
        """Yield the items.

        Raises:
            DataError: This is no pickle of plain data, or has no such dict.
        """
        start = self._file.tell() if self._file.seekable() else None
        done = 0
        try:
            for item in self._read(_Machine(*self._source())):
                yield item
                done += 1
        except _ForgottenError as error:
            if start is None:
                raise DataError(
                    f"{error}: give a file that can be read twice"
                ) from None
        else:
            return
        self._file.seek(start)
        survey = _Survey(*self._source())
        for _ in self._read(survey):
            pass
        self._file.seek(start)
        items = self._read(_Machine(*self._source(), keep=survey.wanted))
        for number, item in enumerate(items):
            if number >= done:
                yield item

    def _source(self) -> tuple[IO[bytes], Collection[str], int, str]:
        return self._file, self._allow, self._limit, self._stream

    def _read(self, machine: "_Machine") -> Iterator[tuple[object, object]]:
        more, last = True, "the start"
        while more:
            try:
                more = machine.run()
                value = None if more else machine.result()
            except _ForgottenError:
                raise
            except DataError as error:
                raise DataError(f"after {last}: {error}") from error
            self.rest = machine.outer()
            self.kept = machine.kept
            for key, item in machine.take():
                last = f"item {key!r:.80}"
                yield key, item
        stream = value.get(self._stream) if isinstance(value, dict) else None
        if not isinstance(stream, dict) or stream:
            raise DataError(f"it holds no dict with a dict {self._stream!r}")


class _ForgottenError(DataError):
    """An item refers to something of an earlier one."""


class _Machine(safe_pickle.Machine):
    """Takes the pairs of one dict away as they are completed."""

    def __init__(
        self,
        file: IO[bytes],
        allow: Collection[str],
        limit: int,
        stream: str,
        *,
        keep: Collection[int] = (),
    ) -> None:
        super().__init__(file, allow, limit=limit)
        self._stream, self._keep = stream, frozenset(keep)
        self._level: list[object] | None = None  # where the dict's pairs are pushed
        self._pairs: list[tuple[object, object]] = []
        self._pinned: dict[int, object] = {}  # memo entries for all items
        self._recent: list[dict[int, object]] = []  # small constants of some items
        self._constants = 0  # in all of them
        self.found = False

    @property
    def kept(self) -> int:
        return len(self._pinned) + self._constants + len(self.memo)

    def outer(self) -> dict[object, object]:
        """Return the entries of the outer dict that are whole."""
        levels = [*self.marks, self.stack]
        first = levels[0][0] if levels[0] else None
        whole = dict(first) if isinstance(first, dict) else {}
        if len(self.marks) > 1:  # its batch is not in it yet
            batch = self.marks[1]
            pairs = zip(batch[::2], batch[1::2], strict=False)
            whole.update((key, value) for key, value in pairs if isinstance(key, str))
        whole.pop(self._stream, None)
        return whole

    def take(self) -> list[tuple[object, object]]:
        """Hand the completed pairs over."""
        pairs, self._pairs = self._pairs, []
        self.paused = False
        return pairs

    def mark(self) -> None:
        streamed = self._streamed(0)
        super().mark()
        if streamed:
            self._level = self.stack
            if not self.found:  # all that came before may be referred to from anywhere
                self.found = True
                self._pinned.update(self.memo)
                self.forget()

    def setitems(self) -> None:
        if self.stack is self._level:
            self._level = None
            self._complete(self.close()[0])
        else:
            super().setitems()
            self._filled()

    def setitem(self) -> None:
        if self._level is None and self._streamed(2):
            self.found = True
            items = self.stack[-2:]
            del self.stack[-2:]
            self._complete(items)
        else:
            super().setitem()
            self._filled()

    def _streamed(self, above: int) -> bool:
        """Say if the dict below so many values is the one whose items are wanted.

        It stays empty, and is an entry of the outermost dict: pushed after the key
        that it has there.
        """
        stack = self.stack
        at = len(stack) - above - 1
        if at < 1 or not isinstance(stack[at - 1], str):
            return False
        batch = len(self.marks) == 1 and len(self.marks[0]) == 1 and at % 2 == 1
        single = not self.marks and at == 2
        return (
            stack[at - 1] == self._stream
            and isinstance(stack[at], dict)
            and not stack[at]
            and not self.is_closed(stack[at])
            and (batch or single)
        )

    def _filled(self) -> None:
        """Complete a pair whose dict has just been filled.

        A dict of one entry, or a thousand and one, is filled without opening a level:
        its entry lies on the level of the pairs for a time, above the dict. One of
        exactly a thousand may be filled further.
        """
        if self.stack is self._level and len(self.stack) == 2:
            value = self.stack[1]
            if isinstance(value, dict) and len(value) % _BATCH:
                items = self.stack[:]
                self.stack.clear()
                self._complete(items)

    def _complete(self, items: list[object]) -> None:
        keys, values = items[::2], items[1::2]
        if len(items) % 2 or not all(isinstance(key, int | str) for key in keys):
            raise DataError(f"{self._stream!r} has items without a number or name")
        self._pairs += zip(keys, values, strict=True)
        self.paused = bool(self._pairs)
        constants: dict[int, object] = {}
        for number, value in self.memo.items():
            if value.__class__ in safe_pickle.NOT_DATA:
                self._pinned[number] = value
            elif value.__class__ is str:  # nearly all
                if len(value) <= _SHORT:
                    constants[number] = value
            elif _is_constant(value):
                constants[number] = value
        self._pinned.update((n, self.memo[n]) for n in self._keep & self.memo.keys())
        if constants:
            self._recent.append(constants)
            self._constants += len(constants)
        while self._constants > _RECENT and len(self._recent) > 2 * _FIRST:
            self._constants -= len(self._recent.pop(_FIRST))
        self.forget()

    def recall(self, number: int) -> object:
        if number in self._pinned:
            return self._pinned[number]
        for constants in reversed(self._recent):
            if number in constants:
                if len(self._pinned) >= _KEPT:
                    raise DataError(f"its items share more than {_KEPT:,} values")
                self._pinned[number] = constants[number]
                return constants[number]
        if number >= self.entries:
            return super().recall(number)
        raise _ForgottenError(
            f"an item refers to memo entry {number}, of an earlier one"
        )


class _Survey(_Machine):
    """Finds the memo entries that items share; what it makes of them is no data."""

    def __init__(
        self, file: IO[bytes], allow: Collection[str], limit: int, stream: str
    ) -> None:
        super().__init__(file, allow, limit, stream)
        self.wanted: set[int] = set()

    def recall(self, number: int) -> object:
        try:
            return super().recall(number)
        except _ForgottenError:
            if len(self.wanted) >= _KEPT:
                raise DataError(f"its items share more than {_KEPT:,} values") from None
            self.wanted.add(number)
            return ""


def _is_constant(value: object) -> bool:
    """Say if a value is small, and could be shared by items without anybody's doing."""
    if isinstance(value, str | bytes):
        return len(value) <= _SHORT
    if isinstance(value, tuple):
        return all(map(_is_constant, value))
    return value is None or isinstance(value, int | float | np.generic)
