"""NAS-Bench-101's files, written here by another encoder, and all that may be wrong."""

import base64
import itertools
import json
import struct

import google_crc32c
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surrogates import DataError, nb101
from tests.test_tfrecord import frame

HASH = "00005c142e6f48ac74fdcf73e3439874"
CELL = ("0110001000010000", "input,conv3x3-bn-relu,maxpool3x3,output")


def varint(number):
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def double(field, number):
    return varint(field << 3 | 1) + struct.pack("<d", number)


def text(field, content):
    return varint(field << 3 | 2) + varint(len(content)) + content


def evaluation(*numbers, extra=b""):
    """Epoch, seconds, train, valid and test accuracy."""
    return b"".join(double(n, x) for n, x in enumerate(numbers, 1)) + extra


def message(evaluations, params, total=9.0):
    inside = b"".join(text(1, data) for data in evaluations)
    return inside + varint(2 << 3) + varint(params) + double(3, total)


def metrics(half, final, params=1000, epochs=108):
    return message(
        [
            evaluation(0.0, 0.0, 0.1, 0.1, 0.1),
            evaluation(epochs / 2, *half),
            evaluation(epochs, *final),
        ],
        params,
    )


def record(data, cell=HASH, epochs=108, spelled=CELL):
    encoded = base64.encodebytes(data).decode()
    return json.dumps([cell, epochs, *spelled, encoded]).encode()


def written(path, contents):
    path.write_bytes(b"".join(frame(c, google_crc32c.value) for c in contents))
    return path


def three(**about):
    """The three runs of one cell; run r gets 5,000 + r images right in the end."""
    for r in range(3):
        right = [count / 9984 for count in (9000 + r, 6000 + r, 5000 + r)]
        yield record(metrics((1.5, 0.1, 0.2, 0.3), (3.0 + r, *right)), **about)


PUBLISHED = [  # what the official reader gives of a cell with 8,555,530 parameters
    ((883.4580078125, 0.8282251358032227, 0.7776442170143127, 0.7740384340286255),
     (1769.1279296875, 1.0, 0.9241786599159241, 0.9211738705635071)),
    ((883.6810302734375, 0.8796073794364929, 0.8291265964508057, 0.8204126358032227),
     (1768.2509765625, 1.0, 0.9245793223381042, 0.9190705418586731)),
    ((883.4569702148438, 0.8634815812110901, 0.811598539352417, 0.8058894276618958),
     (1768.9759521484375, 1.0, 0.9304887652397156, 0.9215745329856873)),
]  # fmt: skip
PUBLISHED_CELL = (
    "0100110001000000010010000010000001000000010000000",
    "input,conv3x3-bn-relu,maxpool3x3,conv3x3-bn-relu,conv3x3-bn-relu,conv1x1-bn-relu,"
    "output",
)


def test_a_published_cell_comes_out_as_published(tmp_path, shared):
    contents = [
        record(metrics(half, final, 8_555_530), spelled=PUBLISHED_CELL)
        for half, final in PUBLISHED
    ]
    cells = nb101.read(written(tmp_path / "file", contents))
    assert cells.epochs.tolist() == [108]
    for r, (half, final) in enumerate(PUBLISHED):
        for k, split in enumerate(
            (cells.seconds, cells.train, cells.valid, cells.test)
        ):
            assert split.shape == (1, 1, 3, 2)
            assert split[0, 0, r].tolist() == [half[k], final[k]]
    assert cells.whole
    assert (cells.missing, cells.twins) == (0, 0)
    table = np.load(shared / "data" / "tables" / "nb101.npz")
    right = np.round(cells.test[0, 0, :, 1] * nb101.IMAGES).sum()
    assert (cells.params[0], right) == (8_555_530, 27_574)
    assert table["params"][0] == 8_555_530
    assert table["test_correct_of_29952"][0] == 27_574


def test_every_spelling_of_the_space_survives(tmp_path, shared):
    """1,000 cells of another collection, in its codes for edges and operations."""
    with np.load(shared / "data" / "tables" / "nb101.npz") as file:
        table = {key: file[key] for key in ("n_vertices", "adj_upper_bits", "ops")}
    chosen = np.linspace(0, 423_623, 1_000).astype(int)
    chosen[-6:] = np.flatnonzero(table["n_vertices"] <= 4)[:6]
    names = ["", "conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"]
    contents = []
    for n in chosen.tolist():
        v, bits = int(table["n_vertices"][n]), int(table["adj_upper_bits"][n])
        matrix = np.zeros((v, v), dtype=int)
        size = v * (v - 1) // 2
        matrix[np.triu_indices(v, 1)] = [bits >> size - 1 - i & 1 for i in range(size)]
        inner = [names[code] for code in table["ops"][n, : v - 2]]
        spelled = (
            "".join(map(str, matrix.ravel())), ",".join(["input", *inner, "output"])
        )  # fmt: skip
        contents.append((f"{n:032x}", spelled))
    runs = (r for cell, spelled in contents for r in three(cell=cell, spelled=spelled))
    cells = nb101.read(written(tmp_path / "file", runs))
    assert cells.hashes.tolist() == [cell.encode() for cell, _ in contents]
    for name, key in (("vertices", "n_vertices"), ("edges", "adj_upper_bits")):
        np.testing.assert_array_equal(getattr(cells, name), table[key][chosen])
    np.testing.assert_array_equal(cells.operations, table["ops"][chosen])
    for row, (_, spelled) in enumerate(contents):
        vertices, edges = int(cells.vertices[row]), int(cells.edges[row])
        assert nb101.spelling(vertices, edges, cells.operations[row]) == spelled


def test_every_run_lands_in_its_place_in_any_order(tmp_path):
    """The seconds spell cell, epochs and the order in which the runs came."""
    runs = list(itertools.product(range(4), nb101.EPOCHS, range(3)))
    np.random.default_rng(0).shuffle(runs)
    come, contents, expected = {}, [], np.full((4, 4, 3), np.nan)
    for cell, epochs, _ in np.array(runs).tolist():
        repeat = come[cell, epochs] = come.get((cell, epochs), -1) + 1
        figure = 1 + cell + 10 * epochs + repeat / 10
        row = list(dict.fromkeys(c for c, _ in come)).index(cell)
        expected[row, nb101.EPOCHS.index(epochs), repeat] = figure
        data = metrics((0.0, 0.1, 0.2, 0.3), (figure, 0.4, 0.5, 0.6), 77 + cell)
        contents.append(record(data, f"{cell:032x}", epochs))
    cells = nb101.read(written(tmp_path / "file", contents))
    np.testing.assert_array_equal(cells.seconds[..., 1], expected)
    assert cells.epochs.tolist() == [4, 12, 36, 108]
    order = [int(cell, 16) for cell in cells.hashes.tolist()]
    assert (cells.params - 77).tolist() == order
    assert not cells.whole  # .2 of 9,984 images
    half = [s[..., 0].max() for s in (cells.seconds, cells.train, cells.valid)]
    assert half == [0, 0.1, 0.2]
    assert cells.test[..., 1].min() == 0.6


def decoded(data):
    return nb101._metrics(data)


def test_any_layout_of_the_message_is_read_alike():
    half, final = (1.5, 0.1, 0.2, 0.3), (3.0, 0.4, 0.5, 0.6)
    expected = (70_000, (*half, *final))
    assert decoded(metrics(half, final, 70_000)) == expected
    zero, a, b = evaluation(0.0), evaluation(54, *half), evaluation(108, *final)
    path = text(6, b"model.ckpt-1")
    for layout in (
        message([zero, a, b], 70_000),
        metrics(half, final, 5)[:-9] + b"\x10\xf0\xa2\x04" + double(3, 1.0),
        message([b"", a, path + b], 70_000),
        message([zero, a + path, b + varint(7 << 3) + varint(2**63)], 70_000),
        varint(2 << 3) + varint(70_000) + message([zero, a, b], 70_000),
        double(3, 1.0) + text(1, zero) + text(1, a) + text(1, b) + b"\x10\xf0\xa2\x04",
        message([zero, a, b], 70_000) + varint(9 << 3 | 5) + b"four",
        message([zero, evaluation(5, 1, 1, 1, 1, extra=a), b], 70_000),  # last wins
    ):  # fmt: skip
        assert decoded(layout) == expected


@given(st.binary(max_size=300))
def test_what_is_no_message_is_refused_in_one_line(data):
    with pytest.raises(DataError) as error:
        decoded(data)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("params", [1, 127, 128, 227_274, 2**21, 49_979_274, 2**31 - 1])
def test_bulk_and_general_decoders_agree(params):
    data = metrics((1.5, 0.1, 0.2, 0.3), (3.0, 0.4, 0.5, 0.6), params)
    assert nb101._usual(data) == nb101._any(data)
    assert nb101._usual(data)[0] == params


@given(st.integers(0, 8 * len(metrics((1,) * 4, (1,) * 4, 227_274)) - 1))
def test_the_quick_decoder_reads_only_what_the_general_one_reads_alike(flip):
    data = bytearray(metrics((1.5, 0.1, 0.2, 0.3), (3.0, 0.4, 0.5, 0.6), 227_274))
    data[flip // 8] ^= 1 << flip % 8
    quick = nb101._usual(bytes(data))
    assert quick is None or repr(quick) == repr(nb101._any(bytes(data)))


GOOD, BAD = (3.0, 0.4, 0.5, 0.6), "record 3: "


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "has 0 bytes"),
        (b"[1, 2", BAD + "it is no JSON"),
        (b"\xff\xfe", BAD + "it is no JSON"),
        (b"[" * 100_000, BAD + "it is no JSON"),
        (b"{}", BAD + "it is not a list of hash"),
        (b"[1, 2, 3, 4, 5]", BAD + "it is not a list of hash"),
        (record(metrics(GOOD, GOOD), epochs=54), "54 epochs are not one of"),
        (record(metrics(GOOD, GOOD), epochs=True), BAD + "it is not a list"),
        (record(metrics(GOOD, GOOD)) + b"[]", BAD + "it is not a list of hash"),
        (b"5", BAD + "it is not a list of hash"),
        (record(metrics(GOOD, GOOD), cell="0" * 31), "not a hash of 32 hex digits"),
        (record(metrics(GOOD, GOOD), cell="0" * 32 + "\n"), "not a hash of 32 hex"),
        (record(metrics(GOOD, GOOD), cell="A" * 32), "not a hash of 32 hex digits"),
        (record(metrics(GOOD, GOOD)), f"cell {HASH} has more than 3 runs of 108"),
        (record(metrics(GOOD, GOOD), spelled=("0101" * 4, CELL[1])), "differently"),
        (record(metrics(GOOD, GOOD, 1001)), "1,001 parameters, but 1,000 in an earl"),
        (record(b"", epochs=4), "it has 0 evaluations, not 3"),
        (record(message([b""] * 4, 5)), "it has 4 evaluations, not 3"),
        (record(message([b""] * 3, 5)), "seconds are nan half-way"),
        (record(metrics(GOOD, (2.0, 0.4, 0.5, 0.6))), "3.0 half-way and 2.0 in the"),
        (record(metrics(GOOD, (np.inf, 0.4, 0.5, 0.6))), "inf in the end"),
        (record(metrics((0, 0, 0, 0), (0, 0, 0, 0))), "0.0 in the end"),
        (record(metrics((-1, 0, 0, 0), GOOD)), "seconds are -1.0 half-way"),
        (record(metrics(GOOD, (3.0, 0.4, 1.5, 0.6))), r"1\.5 is not in \[0, 1\]"),
        (record(metrics((1, 0.4, 0.5, -0.1), GOOD)), r"-0\.1 is not in \[0, 1\]"),
        (record(metrics(GOOD, (3.0, np.nan, 0.5, 0.6))), r"nan is not in \[0, 1\]"),
        (record(metrics(GOOD, GOOD, 0)), "0 trainable parameters"),
        (record(metrics(GOOD, GOOD, 2**64 - 5)), "trainable parameters are not a"),
        (record(metrics(GOOD, GOOD)[:-1]), "its metrics are cut off"),
        (record(metrics(GOOD, GOOD) + b"\x0b"), "no protobuf message"),
        (record(metrics(GOOD, GOOD) + b"\xff" * 11), "no protobuf message"),
        (record(metrics(GOOD, GOOD)).replace(b'n"]', b'n*"]'), "not in base 64"),
        *(
            (record(metrics(GOOD, GOOD), "1" * 32, spelled=spelled), error)
            for spelled, error in [
                (("0" * 15, CELL[1]), "not a square of 4 to 49 zeros and ones"),
                (("0" * 64, CELL[1]), "not a square of 4 to 49 zeros and ones"),
                (("0_10" * 4, CELL[1]), "not a square of 4 to 49 zeros and ones"),
                (("0000" "1000" "0000" "0000", CELL[1]), "does not lead forward"),
                (("0000" "0100" "0000" "0000", CELL[1]), "does not lead forward"),
                ((CELL[0], "input,maxpool3x3,output"), "not input, 2 of"),
                ((CELL[0], "input,maxpool3x3,conv5x5,output"), "are not input, 2 of"),
                ((CELL[0], "input,maxpool3x3,,output"), "are not input, 2 of"),
                ((CELL[0], "output,maxpool3x3,maxpool3x3,input"), "are not input"),
                ((CELL[0], ""), "labels '' are not input"),
            ]
        ),
    ],
)  # fmt: skip
def test_a_wrong_record_is_named_in_one_line(content, error, tmp_path):
    file = written(tmp_path / "file", [*three(), content])
    for partial in (False, True):
        with pytest.raises(DataError, match=error) as caught:
            nb101.read(file, partial=partial)
        assert "record 3" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_missing_runs_are_refused_or_counted(tmp_path):
    first, second = list(three()), list(three(cell="1" * 32))
    file = written(tmp_path / "file", [*first, *second[:1]])
    with pytest.raises(DataError, match=f"file: 2 runs are missing.*108.*{'1' * 32}"):
        nb101.read(file)
    cells = nb101.read(file, partial=True)
    assert cells.missing == 2
    for split in (cells.train, cells.valid, cells.test, cells.seconds):
        assert np.isnan(split).sum() == 4
        assert np.isnan(split[1, 0, 1:]).all()
    assert cells.seconds[0, 0, :, 1].tolist() == [3, 4, 5]


@pytest.mark.parametrize("some", [(4,), (4, 108), (12, 36, 108)])
def test_epochs_of_neither_file_are_refused_unless_partial(some, tmp_path):
    contents = [run for epochs in some for run in three(epochs=epochs)]
    file = written(tmp_path / "file", contents)
    with pytest.raises(DataError, match="epochs, not of 108 or"):
        nb101.read(file)
    cells = nb101.read(file, partial=True)
    assert cells.epochs.tolist() == list(some)
    assert cells.missing == 0
    assert cells.seconds[0, :, :, 1].tolist() == [[3, 4, 5]] * len(some)


def test_a_file_cut_at_every_byte_is_refused_and_its_whole_runs_kept_if_partial(
    tmp_path,
):
    contents = list(three())
    whole = written(tmp_path / "file", contents).read_bytes()
    ends = np.cumsum([len(frame(c)) for c in contents]).tolist()
    cut = tmp_path / "cut"
    for end in range(len(whole)):
        cut.write_bytes(whole[:end])
        with pytest.raises(DataError, match=r"^cut"):
            nb101.read(cut)
        runs = sum(end >= boundary for boundary in ends)
        if runs:
            assert nb101.read(cut, partial=True).missing == 3 - runs
        else:
            with pytest.raises(DataError, match=r"^cut"):
                nb101.read(cut, partial=True)


def test_a_cut_after_the_last_run_that_was_due_is_refused_all_the_same(tmp_path):
    data = written(tmp_path / "file", three()).read_bytes()
    (tmp_path / "file").write_bytes(data + frame(next(three(cell="1" * 32)))[:50])
    with pytest.raises(DataError, match=r"record 3 at byte .* is cut off"):
        nb101.read(tmp_path / "file")
    cells = nb101.read(tmp_path / "file", partial=True)
    assert (len(cells.hashes), cells.missing) == (1, 0)


def test_a_flipped_bit_is_refused_even_if_partial(tmp_path):
    whole = written(tmp_path / "file", three()).read_bytes()
    damaged = tmp_path / "damaged"
    for byte in range(0, len(whole), 7):
        data = bytearray(whole)
        data[byte] ^= 1 << byte % 8
        damaged.write_bytes(data)
        with pytest.raises(DataError, match="wrong checksum"):
            nb101.read(damaged, partial=True)


def test_a_run_that_is_there_twice_is_counted(tmp_path):
    a, b, _ = three()
    for contents, twins in (
        ([a, b, a], 1),
        ([a, a, b], 1),
        ([b, a, a], 1),
        ([a] * 3, 2),
    ):
        assert nb101.read(written(tmp_path / "file", contents)).twins == twins


def test_progress_is_told_in_bytes(tmp_path):
    file, told = written(tmp_path / "file", three()), []
    nb101.read(file, tell=told.append)
    assert told == sorted(told)
    assert 0 < told[-1] <= file.stat().st_size
