"""The pickle in a .pth file: against torch, and in containers made by hand."""

import contextlib
import io
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

from surrogates import DataError, pickle_stream, safe_pickle, torch_file

NUMPY = safe_pickle.NUMPY_PROTOCOL_2
CONTENT = {
    "meta_archs": ["|none~0|", "|skip_connect~0|"],
    "total_archs": 2,
    "arch2infos": {
        n: {"full": OrderedDict(a=n / 3, b=[np.float64(0.5)]), "less": {"c": {0: 1.5}}}
        for n in range(3)
    },
    "evaluated_indexes": [0, 1, 2],
}
SMALL = {"arch2infos": {0: {"full": np.float64(0.5), "less": {1: 1.5}}}}
SYSTEM = {
    "protocol_version": 1001,
    "little_endian": True,
    "type_sizes": {"short": 2, "int": 4, "long": 4},
}


def load(path):
    with torch_file.open_pickle(path) as file:
        return safe_pickle.Machine(file, NUMPY).load()


def legacy(content=CONTENT, magic=torch_file.MAGIC, version=1001, system=SYSTEM):
    """Put the five pickles one after another."""
    parts = (magic, version, system, content, [])
    return b"".join(pickle.dumps(part, protocol=2) for part in parts)


def zipped(
    names=("archive/data.pkl",), content=CONTENT, method=zipfile.ZIP_STORED, protocol=2
):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name in names:
            archive.writestr(name, pickle.dumps(content, protocol=protocol))
        archive.writestr("archive/version", "3\n")
    return file.getvalue()


@pytest.fixture
def saved(tmp_path):
    """Writes bytes to a file and returns its path."""

    def write(data, name="NAS-Bench-201-v1_1-096897.pth"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize(
    "data",
    [
        legacy(),
        zipped(),
        zipped(method=zipfile.ZIP_DEFLATED),
        zipped(("any name/data.pkl", "any name/data/0.pkl")),
    ],
    ids=["legacy", "stored", "deflated", "other names"],
)
def test_both_containers_by_hand(data, saved):
    path = saved(data)
    assert repr(load(path)) == repr(CONTENT)
    with torch_file.open_pickle(path) as file:
        items = pickle_stream.Items(file, allow=NUMPY)
        assert dict(items) == CONTENT["arch2infos"]
        assert items.rest.keys() == CONTENT.keys() - {"arch2infos"}


@pytest.mark.parametrize("zipfile_format", [False, True], ids=["legacy", "zip"])
@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_what_torch_saves_is_what_torch_loads(zipfile_format, protocol, tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "saved.pth"
    torch.save(
        CONTENT,
        path,
        pickle_protocol=protocol,
        _use_new_zipfile_serialization=zipfile_format,
    )
    ours = load(path)
    assert repr(ours) == repr(torch.load(path, weights_only=False))
    assert repr(ours) == repr(CONTENT)


@pytest.mark.parametrize("zipfile_format", [False, True], ids=["legacy", "zip"])
def test_an_object_with_tensors_is_refused(zipfile_format, tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "saved.pth"
    torch.save(
        {"weight": torch.ones(2)}, path, _use_new_zipfile_serialization=zipfile_format
    )
    with pytest.raises(DataError, match=r"names 'torch\._utils\._rebuild_tensor_v2'"):
        load(path)


def test_a_persistent_id_is_refused(saved):
    content = b"\x80\x02X\x01\0\0\0aQ."
    data = b"".join(pickle.dumps(p, 2) for p in (torch_file.MAGIC, 1001, SYSTEM))
    with pytest.raises(DataError, match="BINPERSID"):
        load(saved(data + content))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no torch file"),
        (b"BZh91AY&SY", "no torch file"),
        (b"PK\3\4", "damaged zip file"),
        (b"PK\5\6" + bytes(18), "no torch file"),
        (b"a,b\n1,2\n", "no torch file"),
        (pickle.dumps(CONTENT, 2), "no torch file"),
        (pickle.dumps(CONTENT, 4), "no torch file"),
        (legacy(magic=torch_file.MAGIC + 1), "magic number"),
        (legacy(magic=True), "magic number"),
        (legacy(version=1000), "version 1000"),
        (legacy(system=[]), "torch's format"),
        (legacy(magic=print), "no torch file: it names"),
        (zipped(()), "0 data.pkl"),
        (zipped(("data.pkl",)), "0 data.pkl"),
        (zipped(("a/b/data.pkl", "a/xdata.pkl")), "0 data.pkl"),
        (zipped(("a/data.pkl", "b/data.pkl")), "2 data.pkl"),
        (zipped(method=zipfile.ZIP_LZMA), "by other means"),
        (zipped(method=zipfile.ZIP_BZIP2), "by other means"),
    ],
)
def test_other_files_are_refused_in_one_line(data, message, saved):
    path = saved(data)
    with pytest.raises(DataError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_files_and_folders_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"cannot read .*gone.pth: No such file"):
        load(tmp_path / "gone.pth")
    with pytest.raises(DataError, match="cannot read"):
        load(tmp_path)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_cut_anywhere_is_refused(method, saved):
    data = zipped(content=SMALL, method=method)
    for end in range(len(data)):
        path = saved(data[:end])
        with pytest.raises(DataError) as caught:
            load(path)
        assert "\n" not in str(caught.value)


def test_the_legacy_container_cut_anywhere_in_its_object_is_refused(saved):
    data = legacy(SMALL)
    for end in range(len(data) - len(pickle.dumps([], 2))):
        path = saved(data[:end])
        with pytest.raises(DataError):
            load(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_with_a_flipped_bit_is_refused_or_as_good_as_before(method, saved):
    """Its object has a CRC; in the legacy container nothing tells."""
    data = zipped(content=SMALL, method=method)
    for at in range(len(data)):
        path = saved(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        with contextlib.suppress(DataError):
            assert repr(load(path)) == repr(SMALL)


def claims(data, size):
    """Rewrite the uncompressed size that the zip file's directory claims."""
    at = data.index(b"PK\1\2") + 24
    return data[:at] + size.to_bytes(4, "little") + data[at + 4 :]


def test_absurd_sizes_are_refused_before_anything_is_read(saved):
    data = zipped(method=zipfile.ZIP_DEFLATED)
    path = saved(claims(data, 4_000_000_000))
    with pytest.raises(DataError, match="claims 4,000,000,000 bytes"):
        load(path)
    path = saved(data)
    with (
        pytest.raises(DataError, match="claims"),
        torch_file.open_pickle(path, limit=100),
    ):
        pass


def test_a_deflate_bomb_is_read_no_further_than_the_limit_of_an_item(saved):
    path = saved(zipped(content="x" * 50_000_000, method=zipfile.ZIP_DEFLATED))
    assert path.stat().st_size < 100_000
    with pytest.raises(DataError, match="claims 50,000,000 bytes at once"):
        load(path)


def test_an_error_of_the_reader_is_not_taken_for_one_of_the_file(saved):
    with (
        pytest.raises(OSError, match="disk full"),
        torch_file.open_pickle(saved(legacy())),
    ):
        raise OSError("disk full")
