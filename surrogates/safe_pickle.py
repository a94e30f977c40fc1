"""A pickle machine that knows plain data only, and so can be given anybody's file.

A pickle is a program: for the machine in Python's library it may import and call
whatever it names, reserve memory for lengths that it only claims, and build values
that take for ever to hash. This machine has the instructions that numbers, text, lists,
tuples, sets and dicts need. Of the names that a caller allows it calls none: each
stands for a constructor below, which takes what published benchmark files hold.

The instructions are described in Python's `pickletools`. Runs of `key: float`, of which
files of learning curves consist, are taken in one step.
"""

import bz2
import codecs
import io
import pickle
import pickletools
import re
import struct
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import IO, NamedTuple, NoReturn, TypeVar

import numpy as np

from surrogates.table import DataError

NUMPY = (
    "collections.OrderedDict",
    "numpy.dtype",
    "numpy.core.multiarray.scalar",  # NumPy 1
    "numpy._core.multiarray.scalar",  # NumPy 2
)
NUMPY_PROTOCOL_2 = (*NUMPY, "_codecs.encode")  # bytes are text there
LIMIT = 1 << 22  # bytes; the longest record of NATS-Bench has 0.33e6, its meta 1.4e6

_CHUNK = 1 << 20
_BZ2 = b"BZh"
_SHARED = 1 << 17  # values that references to containers may add to one object
_CONTAINED = 1 << 17  # containers in one object: an empty set takes 216 bytes
_TUPLE = 16  # items: hashing a tuple goes through all that it holds
_NESTED = 32  # containers in containers
_PENDING = 1 << 16  # values that wait for their container; picklers leave 2,000
_FEW = 1000  # keys: so many can share a hash before it is felt
_DAMAGED_FILE = (EOFError, OSError, zlib.error, zipfile.BadZipFile)
_DAMAGED = (LookupError, TypeError, ValueError, OverflowError, struct.error)


@dataclass(frozen=True)
class _Named:
    """Stands for a class or function."""

    name: str


@dataclass(frozen=True)
class _Kind:
    """Stands for a NumPy dtype."""

    code: str


_KINDS = {code: _Kind(f"<{code}") for code in ("f8", "f4", "i8")}
_KIND_STATE = (3, "<", None, None, None, -1, -1, 0)  # of a number's dtype
_CONTAINERS = (dict, OrderedDict, list, set)
NOT_DATA = (_Named, _Kind)
_SPECIAL = frozenset((*_CONTAINERS, *NOT_DATA))


_T = TypeVar("_T")


def loads(data: bytes, allow: Collection[str] = ()) -> object:
    """Load `data`, provided that it is plain and names nothing but `allow`.

    Args:
        data: One whole pickle of any protocol.
        allow: Dotted names, of those in `NUMPY_PROTOCOL_2`.

    Raises:
        DataError: It is not.

    Example:
        >>> loads(pickle.dumps({"000000": [1.5, 2.5]}))
        {'000000': [1.5, 2.5]}
    """
    file = io.BytesIO(data)
    machine = Machine(file, allow, limit=len(data) + 1)
    value = machine.load()
    if machine.at != len(data):
        raise DataError(f"it goes on for {len(data) - machine.at} bytes after its end")
    return value


def read_bz2(path: Path, limit: int) -> bytes:
    """Read a bz2 file that holds at most `limit` bytes.

    Raises:
        DataError: It holds more, is damaged or incomplete, or goes on after its end.
    """
    try:
        with path.open("rb") as file:
            pieces = list(_decompress(file, limit))
    except (OSError, EOFError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise DataError(f"cannot read {path}: {reason or error}") from error
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    return b"".join(pieces)


def _decompress(file: IO[bytes], limit: int) -> Iterator[bytes]:
    """Yield what `file` holds in pieces; the streams of several writers may follow."""
    left, data = limit, file.read(_CHUNK)
    while True:
        if not data.startswith(_BZ2[: len(data)]) or not data:
            raise DataError("it is no bz2 file")
        decompressor = bz2.BZ2Decompressor()
        while not decompressor.eof:
            piece = decompressor.decompress(data, max_length=min(left + 1, _CHUNK))
            left -= len(piece)
            if left < 0:
                raise DataError(f"it decompresses to more than {limit:,} bytes")
            yield piece
            data = file.read(_CHUNK) if decompressor.needs_input else b""
            if not data and decompressor.needs_input:
                raise DataError("it is incomplete: the bz2 data stop too early")
        data = decompressor.unused_data or file.read(_CHUNK)
        if not data:
            return


class Machine:
    """Runs one pickle.

    Attributes:
        stack: Values under construction since the last mark.
        marks: The stacks below it, the outermost first.
        memo: Values by the number under which later instructions find them.
        paused: Set by a subclass to be given control after an instruction.
    """

    def __init__(
        self, file: IO[bytes], allow: Collection[str] = (), *, limit: int = LIMIT
    ) -> None:
        """Start at the file's position.

        Args:
            file: Read in pieces, also beyond the pickle's end.
            allow: See `loads`.
            limit: Bytes that may be read without a call of `forget`.
        """
        self._file, self._allow, self._limit = file, frozenset(allow), limit
        self._buffer, self._position, self._before = b"", 0, 0
        self._start = 0  # of what `limit` limits
        self._next, self._gaps = 0, False  # number of the next memo entry
        self._closed: set[int] = set()  # ids of containers that are referred to
        self._contained = self._shared = 0
        self._depths: dict[int, int] = {}  # of containers in containers, by id
        self._deepest = [0]  # of the containers on each level
        self._loose = 0  # stand-ins on their way to a call
        self.memo: dict[int, object] = {}
        self.marks: list[list[object]] = []
        self.stack: list[object] = []
        self.paused = False

    @property
    def at(self) -> int:
        """Bytes run so far."""
        return self._before + self._position

    @property
    def entries(self) -> int:
        """Number of the next memo entry."""
        return self._next

    def is_closed(self, container: object) -> bool:
        """Say if a container has been referred to, and so may not be filled."""
        return id(container) in self._closed

    def load(self) -> object:
        """Run to the end and return the value.

        Raises:
            DataError: This is no pickle, or not one of plain data.
        """
        self.run()
        return self.result()

    def run(self) -> bool:
        """Run to the end (False), or until `paused` (True).

        Raises:
            DataError: See `load`.
        """
        instructions, unknown = _INSTRUCTIONS, Machine._unknown
        try:
            while not self.paused:
                try:
                    code = self._buffer[self._position]
                except IndexError:
                    self._fill(1)
                    code = self._buffer[0]
                self._position += 1
                if code == _STOP:
                    return False
                instructions.get(code, unknown)(self)
        except DataError:
            raise
        except _DAMAGED as error:
            raise DataError(f"it is no pickle: damaged at byte {self.at}") from error
        return True

    def result(self) -> object:
        """Return the one value that is left."""
        if self.marks or len(self.stack) != 1:
            raise DataError("it is no pickle: it does not end in one value")
        self._check_loose()
        return self.stack[0]

    def forget(self) -> None:
        """Empty the memo: what follows is another object, with a limit of its own."""
        self._check_loose()
        self.memo = {}
        self._closed.clear()
        self._depths.clear()
        self._contained = self._shared = 0
        self._start = self.at

    def recall(self, number: int) -> object:
        """Return a memo entry that is not there (any more), if there is a way."""
        raise DataError(f"it refers to memo entry {number}, which it never made")

    # reading

    def _fill(self, size: int) -> None:
        """Have at least `size` bytes in the buffer."""
        rest = self._buffer[self._position :]
        if size > self._limit:
            raise DataError(f"it claims {size:,} bytes at once, beyond {self._limit:,}")
        if self.at + size - self._start > self._limit:
            raise DataError(f"one object of it is longer than {self._limit:,} bytes")
        if sum(map(len, self.marks)) + len(self.stack) > _PENDING:
            raise DataError("it piles up values without end")
        pieces = [rest]
        have = len(rest)
        while have < size:
            try:
                piece = self._file.read(max(_CHUNK, size - have))
            except _DAMAGED_FILE as error:
                raise DataError(f"it is damaged: {error}") from error
            if not piece:
                raise DataError(f"it is no pickle: it stops at byte {self.at + have}")
            pieces.append(piece)
            have += len(piece)
        self._before += self._position
        self._buffer, self._position = b"".join(pieces), 0

    def _take(self, size: int) -> bytes:
        end = self._position + size
        if end > len(self._buffer):
            self._fill(size)
            end = size
        data = self._buffer[self._position : end]
        self._position = end
        return data

    def _number(self, size: int) -> int:
        return int.from_bytes(self._take(size), "little")

    def _line(self) -> bytes:
        """Take a text argument of protocol 0."""
        size = 1
        while (end := self._buffer.find(b"\n", self._position)) < 0:
            size = len(self._buffer) - self._position + 1
            self._fill(size)
        return self._take(end + 1 - self._position)[:-1]

    # names

    def _global(self) -> None:
        module, name = self._line().decode(), self._line().decode()
        self._name(f"{module}.{name}")

    def _stack_global(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self._name(f"{module}.{name}")

    def _instance(self) -> None:
        module, name = self._line().decode(), self._line().decode()
        self._refuse(f"{module}.{name}")

    def _name(self, name: str) -> None:
        if name not in self._allow or name not in _CONSTRUCTORS:
            self._refuse(name)
        self._loose += 1
        self.stack.append(_Named(name))

    def _refuse(self, name: str) -> NoReturn:
        raise DataError(f"it names {name[:80]!r}, which plain data does not need")

    def _unknown(self) -> None:
        code = self._buffer[self._position - 1]
        what = _NAMES.get(code, f"0x{code:02x}")
        raise DataError(
            f"it has the instruction {what}, which plain data does not need"
        )

    def _reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, _Named) or not isinstance(arguments, tuple):
            raise DataError("it calls what is no function")
        value = _CONSTRUCTORS[function.name](arguments)
        self._loose -= 1 + sum(isinstance(x, _Kind) for x in arguments)
        self._loose += isinstance(value, _Kind)
        self.stack.append(value)

    def _build(self) -> None:
        state = self.stack.pop()
        if not isinstance(self.stack[-1], _Kind) or state != _KIND_STATE:
            raise DataError("it sets the state of an object")

    def _check_loose(self) -> None:
        if self._loose:
            raise DataError("it holds a class, function or dtype, which is no data")

    # memo

    def _put(self, number: int) -> None:
        if not self._next <= number <= self.at:
            raise DataError(f"it makes memo entry {number} out of order")
        self._gaps |= number > self._next
        self.memo[number] = self.stack[-1]
        self._next = number + 1

    def _memoize(self) -> None:
        if self._gaps:  # the number would depend on how many there are
            raise DataError("it numbers some memo entries and not others")
        self.memo[self._next] = self.stack[-1]
        self._next += 1

    def _get(self, number: int) -> None:
        try:
            value = self.memo[number]
        except KeyError:
            value = self.recall(number)
        if value.__class__ in _SPECIAL:
            self._share(value)
        self.stack.append(value)

    def _share(self, value: object) -> None:
        """Count what a second reference to a container adds, and close the container.

        So nothing contains itself, and nothing is much larger than it looks.
        """
        if isinstance(value, NOT_DATA):
            self._loose += 1
            return
        self._closed.add(id(value))
        self._nest(value, 0)
        left = [value]
        while left:
            value = left.pop()
            self._shared += 1
            if isinstance(value, dict):
                left += value.values()
            elif isinstance(value, list | set | tuple):
                left += value
            if self._shared + len(left) > _SHARED:
                raise DataError("it unfolds to more than its size")

    # containers

    def mark(self) -> None:
        """Open a level."""
        if len(self.marks) > 2 * _NESTED:
            raise DataError("it opens level upon level")
        self.marks.append(self.stack)
        self.stack = []
        self._deepest.append(0)

    def _begin(self, container: object) -> None:
        self._contained += 1
        if self._contained > _CONTAINED:
            raise DataError(f"it has more than {_CONTAINED:,} lists, dicts and sets")
        self.stack.append(container)

    def close(self) -> tuple[list[object], int]:
        """Close a level: return its values, and how deep the containers there are."""
        items, depth = self.stack, self._deepest.pop()
        self.stack = self.marks.pop()
        self._deepest[-1] = max(self._deepest[-1], depth)
        return items, depth

    def _nest(self, container: object, depth: int) -> None:
        """Note that a container holds others, which are `depth` deep."""
        depth = max(depth + 1, self._depths.get(id(container), 0))
        if depth > _NESTED:
            raise DataError(f"it nests containers more than {_NESTED} deep")
        self._depths[id(container)] = depth
        self._deepest[-1] = max(self._deepest[-1], depth)

    def _depth(self, item: object) -> int:
        return self._depths.get(id(item), 0)

    def setitems(self) -> None:
        """Close a level: its pairs go into the dict below."""
        items, depth = self.close()
        self._into_dict(items, depth, self.stack[-1])

    def setitem(self) -> None:
        """Put one pair into the dict below."""
        items = self.stack[-2:]
        del self.stack[-2:]
        self._into_dict(items, self._depth(items[-1]), self.stack[-1])

    def _into_dict(self, items: list[object], depth: int, target: object) -> None:
        if not isinstance(target, dict) or len(items) % 2 or self.is_closed(target):
            raise DataError("it fills what is no dict, or is finished")
        self._nest(target, depth)
        target.update(zip(items[::2], items[1::2], strict=True))
        if len(target) > _FEW:
            _check_keys(items[::2])

    def _appends(self) -> None:
        items, depth = self.close()
        self._into_list(items, depth, self.stack[-1])

    def _append(self) -> None:
        item = self.stack.pop()
        self._into_list([item], self._depth(item), self.stack[-1])

    def _into_list(self, items: list[object], depth: int, target: object) -> None:
        if not isinstance(target, list) or self.is_closed(target):
            raise DataError("it fills what is no list, or is finished")
        self._nest(target, depth)
        target += items

    def _additems(self) -> None:
        items, _ = self.close()
        target = self.stack[-1]
        if not isinstance(target, set) or self.is_closed(target):
            raise DataError("it fills what is no set, or is finished")
        target.update(items)
        if len(target) > _FEW:
            _check_keys(items)

    def _tuple(self, size: int) -> None:
        items = tuple(self.stack[-size:])
        if len(items) != size:
            raise DataError("it is no pickle: a tuple lacks items")
        del self.stack[-size:]
        self._push_tuple(items, max(map(self._depth, items)))

    def _tuple_of_level(self) -> None:
        items, depth = self.close()
        self._push_tuple(tuple(items), depth)

    def _push_tuple(self, items: tuple[object, ...], depth: int) -> None:
        inner = [item for item in items if isinstance(item, tuple)]
        if len(items) > _TUPLE or any(isinstance(x, tuple) for x in chain(*inner)):
            raise DataError(f"it has tuples longer than {_TUPLE} or more than 2 deep")
        self._depths.pop(id(items), None)  # of one that is gone
        self._nest(items, depth)
        self.stack.append(items)

    def _new(self, target: _T, fill: Callable[[list[object], int, _T], None]) -> None:
        """Make a container of a level, as protocol 0 does."""
        fill(*self.close(), target)
        self._begin(target)

    # numbers, text and runs of them

    def _float(self) -> None:
        self.stack.append(_FLOAT.unpack(self._take(8))[0])

    def _int1(self) -> None:
        at = self._position
        if self._buffer[at + 1 : at + 2] == pickle.BINFLOAT and (
            run := _INT_RUN.match(self._buffer, at - 1)
        ):
            entries = _whole(run, _INT_FLOAT.size)
            self.stack.extend(chain.from_iterable(_INT_FLOAT.iter_unpack(entries)))
            self._position = run.start() + len(entries)
        else:
            self.stack.append(self._take(1)[0])

    def _get1(self) -> None:
        at = self._position
        if self._buffer[at + 1 : at + 2] != pickle.BINFLOAT or not self._gets(_GET1):
            self._get(self._take(1)[0])

    def _get4(self) -> None:
        at = self._position
        if self._buffer[at + 4 : at + 5] != pickle.BINFLOAT or not self._gets(_GET4):
            self._get(self._number(4))

    def _gets(self, run: "_GetRun") -> bool:
        """Take a run of references to text and floats, if there is one."""
        match = run.pattern.match(self._buffer, self._position - 1)
        if match is None:
            return False
        memo, entries = self.memo, _whole(match, run.floats.size)
        numbers = [number for (number,) in run.numbers.iter_unpack(entries)]
        keys = [memo[n] if n in memo else self.recall(n) for n in numbers]
        if {key.__class__ for key in keys} != {str}:
            return False
        floats = chain.from_iterable(run.floats.iter_unpack(entries))
        self.stack.extend(chain.from_iterable(zip(keys, floats, strict=True)))
        self._position = match.start() + len(entries)
        return True

    def _text1(self) -> None:
        buffer, at = self._buffer, self._position
        if at + 258 > len(buffer):  # it may end beyond
            self._text(self._number(1))
            return
        size = buffer[at]
        end = at + 1 + size
        if buffer[end : end + 2] != b"\x94G" or not self._texts(
            _text_run(size, short=True), at - 1
        ):
            self.stack.append(buffer[at + 1 : end].decode("utf-8", "surrogatepass"))
            self._position = end

    def _text4(self) -> None:
        size = self._number(4)
        end = self._position + size
        if (
            size > 255
            or self._buffer[end : end + 6 : 5] != b"rG"
            or not self._texts(_text_run(size, short=False), self._position - 5)
        ):
            self._text(size)

    def _text(self, size: int) -> None:
        self.stack.append(self._take(size).decode("utf-8", "surrogatepass"))

    def _texts(self, run: "_TextRun", start: int) -> bool:
        """Take a run of new texts of one length and floats, if there is one."""
        match = run.pattern.match(self._buffer, start) if start >= 0 else None
        if match is None:
            return False
        entries = _whole(match, run.floats.size)
        text = entries.decode("latin-1")  # the keys are ASCII, the rest is not used
        keys = [
            text[at : at + run.size] for at in range(run.head, len(text), run.width)
        ]
        numbers: Collection[int] = range(self._next, self._next + len(keys))
        if run.numbers is None:
            if self._gaps:
                return False
        elif list(chain.from_iterable(run.numbers.iter_unpack(entries))) != list(
            numbers
        ):
            return False
        floats = chain.from_iterable(run.floats.iter_unpack(entries))
        self.stack.extend(chain.from_iterable(zip(keys, floats, strict=True)))
        self.memo.update(zip(numbers, keys, strict=True))
        self._next += len(keys)
        self._position = match.start() + len(entries)
        return True

    def _bytes(self, size_bytes: int) -> None:
        self.stack.append(self._take(self._number(size_bytes)))

    def _long1(self) -> None:
        self.stack.append(pickle.decode_long(self._take(self._number(1))))

    def _int_line(self) -> None:
        line = self._line()
        self.stack.append(_BOOLS[line] if line in _BOOLS else int(line, 0))

    def _unicode_line(self) -> None:
        self.stack.append(codecs.decode(self._line(), "raw_unicode_escape"))

    def _protocol(self) -> None:
        if (protocol := self._number(1)) > pickle.HIGHEST_PROTOCOL:
            raise DataError(f"it has the pickle protocol {protocol}, not 0 to 5")

    def _frame(self) -> None:
        size = self._number(8)
        if len(self._buffer) - self._position < size:
            self._fill(size)


class _GetRun(NamedTuple):
    """References to text, each followed by a float."""

    pattern: re.Pattern[bytes]
    numbers: struct.Struct
    floats: struct.Struct


class _TextRun(NamedTuple):
    """New texts of one length, each entered in the memo and followed by a float."""

    pattern: re.Pattern[bytes]
    head: int  # bytes before the text
    size: int  # of the text
    width: int  # of all
    numbers: struct.Struct | None  # of the memo entries, where they are explicit
    floats: struct.Struct


def _whole(run: re.Match[bytes], width: int) -> bytes:
    """Cut a run after its last whole entry.

    A possessive repetition of Python 3.11.0 to 3.11.2 ends within the entry after it.
    """
    return run[0][: len(run[0]) // width * width]


def _run(entry: bytes) -> re.Pattern[bytes]:
    return re.compile(b"(?:%b)++" % entry, re.DOTALL)


@lru_cache
def _text_run(size: int, *, short: bool) -> _TextRun:
    text = b"[\\x00-\\x7f]{%d}" % size
    if short:
        entry = b"\x8c" + re.escape(bytes([size])) + text + b"\x94G.{8}"
        floats = struct.Struct(f">{size + 4}xd")
        return _TextRun(_run(entry), 2, size, size + 12, None, floats)
    entry = b"X" + re.escape(bytes([size])) + b"\0\0\0" + text + b"r.{4}G.{8}"
    numbers, floats = (
        struct.Struct(f"<{size + 6}xI9x"),
        struct.Struct(f">{size + 11}xd"),
    )
    return _TextRun(_run(entry), 5, size, size + 19, numbers, floats)


_INT_RUN, _INT_FLOAT = _run(b"K.G.{8}"), struct.Struct(">xBxd")
_GET1 = _GetRun(_run(b"h.G.{8}"), struct.Struct("<xB9x"), struct.Struct(">3xd"))
_GET4 = _GetRun(_run(b"j.{4}G.{8}"), struct.Struct("<xI9x"), struct.Struct(">6xd"))
_FLOAT, _INT = struct.Struct(">d"), struct.Struct("<i")
_BOOLS = {b"00": False, b"01": True}
_STOP = pickle.STOP[0]
_NAMES = {
    ord(instruction.code): instruction.name for instruction in pickletools.opcodes
}


def _check_keys(keys: list[object]) -> None:
    """Refuse what can be made to share a hash, and fill a dict in quadratic time."""
    for key in keys:
        if not isinstance(key, str) and not (isinstance(key, int) and 0 <= key < 2**32):
            raise DataError("it has a large dict or set of other things than names")


def _ordered_dict(arguments: tuple[object, ...]) -> OrderedDict[object, object]:
    if arguments:
        raise DataError("it makes an OrderedDict of something")
    return OrderedDict()


def _dtype(arguments: tuple[object, ...]) -> _Kind:
    code = arguments[0] if arguments[1:] in ((0, 1), ()) else None
    if not isinstance(code, str) or code not in _KINDS:
        raise DataError(f"it has a dtype that is none of {', '.join(_KINDS)}")
    return _KINDS[code]


def _scalar(arguments: tuple[object, ...]) -> object:
    kind, data = arguments
    if not isinstance(kind, _Kind) or not isinstance(data, bytes):
        raise DataError("it has a NumPy scalar that is no number")
    dtype = np.dtype(kind.code)
    if len(data) != dtype.itemsize:
        raise DataError(f"it has a NumPy scalar of {len(data)} bytes")
    return np.frombuffer(data, dtype)[0]


def _encode(arguments: tuple[object, ...]) -> bytes:
    text, codec = arguments
    if not isinstance(text, str) or codec != "latin1":
        raise DataError("it encodes text as something else than latin1")
    return text.encode("latin1")


_CONSTRUCTORS: dict[str, Callable[[tuple[object, ...]], object]] = {
    "collections.OrderedDict": _ordered_dict,
    "numpy.dtype": _dtype,
    "numpy.core.multiarray.scalar": _scalar,
    "numpy._core.multiarray.scalar": _scalar,
    "_codecs.encode": _encode,
}


def _table() -> dict[int, Callable[[Machine], None]]:
    """What each instruction does, by its byte."""
    table: dict[bytes, Callable[[Machine], None]] = {
        pickle.PROTO: Machine._protocol,
        pickle.FRAME: Machine._frame,
        pickle.GLOBAL: Machine._global,
        pickle.STACK_GLOBAL: Machine._stack_global,
        pickle.INST: Machine._instance,
        pickle.REDUCE: Machine._reduce,
        pickle.BUILD: Machine._build,
        pickle.MEMOIZE: Machine._memoize,
        pickle.PUT: lambda m: m._put(int(m._line())),
        pickle.BINPUT: lambda m: m._put(m._number(1)),
        pickle.LONG_BINPUT: lambda m: m._put(m._number(4)),
        pickle.GET: lambda m: m._get(int(m._line())),
        pickle.BINGET: Machine._get1,
        pickle.LONG_BINGET: Machine._get4,
        pickle.MARK: lambda m: m.mark(),
        pickle.SETITEMS: lambda m: m.setitems(),
        pickle.SETITEM: lambda m: m.setitem(),
        pickle.APPENDS: Machine._appends,
        pickle.APPEND: Machine._append,
        pickle.ADDITEMS: Machine._additems,
        pickle.EMPTY_DICT: lambda m: m._begin({}),
        pickle.EMPTY_LIST: lambda m: m._begin([]),
        pickle.EMPTY_SET: lambda m: m._begin(set()),
        pickle.EMPTY_TUPLE: lambda m: m.stack.append(()),
        pickle.DICT: lambda m: m._new({}, m._into_dict),
        pickle.LIST: lambda m: m._new([], m._into_list),
        pickle.TUPLE: Machine._tuple_of_level,
        pickle.TUPLE1: lambda m: m._tuple(1),
        pickle.TUPLE2: lambda m: m._tuple(2),
        pickle.TUPLE3: lambda m: m._tuple(3),
        pickle.NONE: lambda m: m.stack.append(None),
        pickle.NEWTRUE: lambda m: m.stack.append(True),
        pickle.NEWFALSE: lambda m: m.stack.append(False),
        pickle.BINFLOAT: Machine._float,
        pickle.BININT1: Machine._int1,
        pickle.BININT2: lambda m: m.stack.append(m._number(2)),
        pickle.BININT: lambda m: m.stack.append(_INT.unpack(m._take(4))[0]),
        pickle.LONG1: Machine._long1,
        pickle.SHORT_BINUNICODE: Machine._text1,
        pickle.BINUNICODE: Machine._text4,
        pickle.BINUNICODE8: lambda m: m._text(m._number(8)),
        pickle.SHORT_BINBYTES: lambda m: m._bytes(1),
        pickle.BINBYTES: lambda m: m._bytes(4),
        pickle.BINBYTES8: lambda m: m._bytes(8),
        pickle.INT: Machine._int_line,
        pickle.LONG: lambda m: m.stack.append(int(m._line().rstrip(b"L"), 0)),
        pickle.FLOAT: lambda m: m.stack.append(float(m._line())),
        pickle.UNICODE: Machine._unicode_line,
    }
    return {code[0]: run for code, run in table.items()}


_INSTRUCTIONS = _table()
