"""TFRecord: a file of records, each behind its length and under two checksums.

https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

import google_crc32c

from surrogates.table import DataError

LONGEST = 1_000_000  # bytes; NAS-Bench-101's records have less than 2,000
_HEAD = struct.Struct("<QI")
_TAIL = struct.Struct("<I")


class CutError(DataError):
    """The file ends within a record; what came before it is whole."""


def records(file: BinaryIO, name: str) -> Iterator[bytes]:
    """Yield the records; each is checked before it is given out.

    Args:
        file: Open for buffered reading, at its start.
        name: What to call it in errors.

    Raises:
        CutError: The file ends within a record.
        DataError: The file or a record is empty, a record is longer than `LONGEST`, or
            a checksum differs: the file is damaged, or no TFRecord file.
    """
    offset = number = 0
    while head := file.read(_HEAD.size):
        where = f"{name}: record {number} at byte {offset}"
        if len(head) < _HEAD.size:
            raise CutError(f"{where} is cut off: download the file again")
        length, checksum = _HEAD.unpack(head)
        if masked_crc32c(head[:8]) != checksum:
            raise DataError(
                f"{where} has a length with a wrong checksum: the file is damaged or no"
                " TFRecord file; download it again"
            )
        if not 0 < length <= LONGEST:
            raise DataError(f"{where} has {length:,} bytes, not 1 to {LONGEST:,}")
        rest = file.read(length + _TAIL.size)
        if len(rest) < length + _TAIL.size:
            raise CutError(f"{where} is cut off: download the file again")
        record = rest[:length]
        if _TAIL.pack(masked_crc32c(record)) != rest[length:]:
            raise DataError(
                f"{where} has a wrong checksum: the file is damaged; download it again"
            )
        yield record
        offset += _HEAD.size + len(rest)
        number += 1
    if not number:
        raise DataError(f"{name} is empty: download it again")


def masked_crc32c(data: bytes) -> int:
    """Compute the checksum of `data` as the format stores it.

    Rotated and offset, so that a checksum of data with checksums in it stays a good
    one.

    Example:
        >>> hex(masked_crc32c(bytes(32)))  # the plain one is 0x8a9136aa
        '0xfd7fffa'
    """
    crc: int = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
