"""TFRecord frames against RFC 3720's vectors, and against every kind of damage."""

import io
import struct

import google_crc32c
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surrogates import DataError
from surrogates.tfrecord import LONGEST, CutError, records


def crc32c(data):
    """The Castagnoli checksum, bit by bit; its polynomial is reflected 0x1EDC6F41."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data, checksum=crc32c):
    crc = checksum(data)
    rotated = crc >> 15 | crc << 17 & 0xFFFFFFFF
    return struct.pack("<I", (rotated + 0xA282EAD8) % 2**32)


def frame(record, checksum=crc32c):
    length = struct.pack("<Q", len(record))
    return length + masked(length, checksum) + record + masked(record, checksum)


def read(data):
    return list(records(io.BytesIO(data), "file"))


VECTORS = {  # RFC 3720, B.4
    bytes(32): 0x8A9136AA,
    b"\xff" * 32: 0x62A8AB43,
    bytes(range(32)): 0x46DD794E,
    bytes(reversed(range(32))): 0x113FDB5C,
}


@pytest.mark.parametrize(("data", "checksum"), VECTORS.items())
def test_checksum_is_that_of_rfc_3720(data, checksum):
    assert crc32c(data) == google_crc32c.value(data) == checksum
    assert read(frame(data)) == [data]


@given(st.lists(st.binary(min_size=1, max_size=80), min_size=1, max_size=5))
def test_what_is_framed_is_read(contents):
    assert read(b"".join(map(frame, contents))) == contents


CONTENTS = [b"first", b"the second", b"3"]
FILE = b"".join(map(frame, CONTENTS))
ENDS = [len(b"".join(map(frame, CONTENTS[:n]))) for n in range(4)]


@pytest.mark.parametrize("end", range(len(FILE)))
def test_a_file_cut_anywhere_is_refused_or_lacks_whole_records(end):
    if end in ENDS[1:]:
        assert read(FILE[:end]) == CONTENTS[: ENDS.index(end)]
        return
    number = sum(end >= boundary for boundary in ENDS[1:])
    expected = f"record {number} at byte {ENDS[number]} is cut off" if end else "empty"
    with pytest.raises(DataError, match=expected) as error:
        read(FILE[:end])
    assert isinstance(error.value, CutError) == (end > 0)


@pytest.mark.parametrize("byte", range(len(FILE)))
def test_every_flipped_bit_is_noticed_where_it_is(byte):
    number = sum(byte >= boundary for boundary in ENDS[1:])
    for bit in range(8):
        damaged = bytearray(FILE)
        damaged[byte] ^= 1 << bit
        given_out = []
        with pytest.raises(DataError, match=f"^file: record {number} at byte") as error:
            given_out.extend(records(io.BytesIO(damaged), "file"))
        assert "wrong checksum" in str(error.value)
        assert not isinstance(error.value, CutError)


def test_a_length_that_lies_is_refused_before_anything_is_read():
    for length in (0, LONGEST + 1, 2**63):
        head = struct.pack("<Q", length)
        file = io.BytesIO(head + masked(head) + bytes(100))
        with pytest.raises(DataError, match=f"has {length:,} bytes, not 1 to 1,000,0"):
            list(records(file, "file"))
        assert file.tell() == 12


def test_an_empty_file_is_refused():
    with pytest.raises(DataError, match="file is empty"):
        read(b"")
