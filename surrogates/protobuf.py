"""Protobuf messages without a schema: the fields that are there, one after the other.

https://protobuf.dev/programming-guides/encoding
"""

from collections.abc import Iterator

from surrogates.table import DataError

VARINT, DOUBLE, BYTES, FLOAT = 0, 1, 2, 5
"""Kinds of fields: a number; 8 bytes, bytes with a length, 4 bytes."""

_SIZES = {DOUBLE: 8, FLOAT: 4}


def fields(message: bytes, what: str) -> Iterator[tuple[int, int, int | bytes]]:
    """Yield number, kind and content of each field.

    Args:
        message: The bytes.
        what: What they should be, for the error.

    Raises:
        DataError: They are no message, or end too early.

    Example:
        >>> list(fields(bytes([0x08, 0x96, 0x01, 0x12, 0x02, 0x68, 0x69]), "it"))
        [(1, 0, 150), (2, 2, b'hi')]
    """
    place = 0
    while place < len(message):
        tag, place = varint(message, place, what)
        number, kind = tag >> 3, tag & 7
        if not number or kind not in (VARINT, DOUBLE, BYTES, FLOAT):
            raise DataError(f"{what} are no protobuf message")
        if kind == VARINT:
            value, place = varint(message, place, what)
            yield number, kind, value
            continue
        size = _SIZES.get(kind, 0)
        if kind == BYTES:
            size, place = varint(message, place, what)
        content = message[place : place + size]
        if len(content) < size:
            raise DataError(f"{what} are cut off")
        place += size
        yield number, kind, content


def varint(message: bytes, place: int, what: str) -> tuple[int, int]:
    """Read a number of 7 bits a byte, the lowest first; and where it ends.

    Raises:
        DataError: There is none.
    """
    number = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            raise DataError(f"{what} are cut off")
        byte = message[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
    raise DataError(f"{what} are no protobuf message")
