"""Items of one huge pickle, against Python's unpickler on the whole of it."""

import bz2
import contextlib
import importlib.util
import io
import itertools
import pickle
import pickletools
import warnings
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogates import DataError, pickle_stream, safe_pickle
from surrogates.pickle_stream import Items

NUMPY = safe_pickle.NUMPY_PROTOCOL_2
every_protocol = pytest.mark.parametrize("protocol", range(2, 6))


def read(data, **options):
    items = Items(io.BytesIO(data), allow=NUMPY, **options)
    return list(items), items.rest


def assert_same(data):
    """Python's own unpickler is the oracle; repr tells types, orders and nans apart."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # NumPy 1's spelling
        outer = pickle.loads(data)
    expected = list(outer.pop("arch2infos").items())
    items, rest = read(data)
    assert repr(items) == repr(expected)
    assert repr(sorted(rest.items())) == repr(sorted(outer.items()))


def collect(items, got):
    for item in items:
        got.append(item)


def record(n):
    """The shapes of a record: curves by epoch and by name, shared and own constants."""
    curve = {epoch: n + epoch / 7 for epoch in range(20)}
    names = {f"x-valid@{epoch}": epoch / 3 for epoch in range(120)}
    return OrderedDict(
        {
            "12": {"arch_index": n, "arch_str": f"|none~{n}|", "all_results": {}},
            "200": {
                "all_results": {
                    ("cifar10", seed): {
                        "train": curve,
                        "eval": names,
                        "again": dict.fromkeys(names, 0.5),
                        "times": OrderedDict.fromkeys(range(20), 1.25),
                        "params": np.float64(n / 3),
                        "latency": [np.float64(0.1)],
                        "seed": f"{seed:04d}",
                        "none": None,
                    }
                    for seed in (777, 888)
                },
                "clear_net_done": True,
            },
        }
    )


def outer(records, **more):
    return {
        "meta_archs": [f"|none~{n}|" for n in range(1234)],
        "total_archs": 15_625,
        "arch2infos": records,
        "evaluated_indexes": [*records],
        **more,
    }


@every_protocol
def test_items_and_rest_are_what_python_unpickles(protocol):
    assert_same(pickle.dumps(outer({n: record(n) for n in range(12)}), protocol))


@pytest.mark.parametrize("python", [False, True], ids=["c", "python"])
@pytest.mark.parametrize("count", [0, 1, 2, 999, 1000, 1001, 2001])
@pytest.mark.parametrize("kind", [dict, OrderedDict])
def test_every_way_to_fill_a_dict_in_batches(kind, count, python):
    """Picklers close a batch after 1,000, and write a lone item without a batch."""
    dumps = pickle._dumps if python else pickle.dumps
    value = outer(kind((n, {"200": {"a": n}}) for n in range(count)))
    assert_same(dumps(value, protocol=4))
    value["arch2infos"] = kind((n, {"a": n, "b": [n]}) for n in range(count))
    assert_same(dumps(value, protocol=2))


@pytest.mark.parametrize("count", [0, 1, 2, 1000, 1001, 2000])
def test_items_of_any_size_and_kind(count):
    sized = dict.fromkeys(range(count), 1.5)
    assert_same(pickle.dumps(outer({1: sized, 2: {"a": sized}, 3: {}, 4: sized})))
    assert_same(pickle.dumps(outer({1: {"a": {"b": sized}}, 2: 5, "x": None, 4: [{}]})))
    assert_same(pickle.dumps({"arch2infos": {n: n / 2 for n in range(count)}}))


@every_protocol
def test_the_dict_may_stand_anywhere_and_its_name_elsewhere(protocol):
    inner = {"arch2infos": {1: {"a": 1}}, "b": "arch2infos"}
    value = {"arch2infos_": {}, "x": inner, "arch2infos": {3: inner}, "y": inner["b"]}
    for order in itertools.permutations(value):
        assert_same(pickle.dumps({key: value[key] for key in order}, protocol))


def test_the_entries_before_are_known_at_the_first_item():
    items = Items(io.BytesIO(pickle.dumps(outer({1: {"a": 1, "b": 2}, 2: {"a": 3}}))))
    next(iter(items))
    assert items.rest.keys() == {"meta_archs", "total_archs"}
    assert len(items.rest["meta_archs"]) == 1234


def test_the_memo_does_not_grow_with_the_items(monkeypatch):
    """A count, not a size: no machine and no allocator decides."""
    monkeypatch.setattr(pickle_stream, "_RECENT", 1000)
    records = {n: {"own": {f"{n}@{e}": 0.5 for e in range(150)}} for n in range(300)}
    shared = {"shared": 1, "names": 2, "of": 3, "all": 4}
    data = pickle.dumps(
        outer({n: {**record, **shared} for n, record in records.items()})
    )
    items = Items(io.BytesIO(data))
    kept = [items.kept for _ in items]
    header = 1234 + 10  # spellings, keys and containers before the first item
    assert len(kept) == 300
    assert max(kept) <= header + 1000 + 2 * pickle_stream._FIRST * 160
    assert kept[100] - kept[20] <= 160  # and not even slowly
    assert max(kept[100:]) - min(kept[100:]) <= 160


@pytest.mark.parametrize("protocol", [2, 4])
def test_what_items_share_is_found_by_reading_twice(protocol, monkeypatch):
    monkeypatch.setattr(pickle_stream, "_RECENT", 10)
    late = "first used by the eighth item"
    config, number = {"channel": 16, "cells": [5]}, np.float64(1.5)
    records = {
        n: {"own": f"x{n}", "b": {f"{n}{e}": 0 for e in range(20)}} for n in range(40)
    }
    for n in (8, 20, 39):
        records[n] |= {"config": config, "late": late, "number": number, late: [late]}
    assert_same(pickle.dumps(outer(records, after=[late, config]), protocol))


def test_what_items_share_needs_a_file_that_can_be_read_twice(monkeypatch):
    config = {"channel": 16}
    data = pickle.dumps(outer({n: {"config": config, "n": n} for n in range(9)}))
    file = io.BytesIO(data)
    monkeypatch.setattr(file, "seekable", lambda: False, raising=False)
    with pytest.raises(DataError, match=r"memo entry.*read twice"):
        list(Items(file))


@pytest.mark.parametrize(
    "value",
    [
        {"meta_archs": []},
        {"arch2infos": None},
        {"arch2infos": [1, 2]},
        [{"arch2infos": {1: {}}}],
        {"x": {"arch2infos": {1: {}, 2: {}}}},
        {"arch2infos": {(1, 2): {"a": 1}}},
        {"arch2infos": {None: {"a": 1}, 2: {"a": 1}}},
        3,
    ],
)
def test_other_content_is_refused(value):
    with pytest.raises(DataError, match="arch2infos"):
        read(pickle.dumps(value))


def test_an_item_longer_than_the_limit_is_refused():
    data = pickle.dumps(outer({1: {"a": 1}, 2: {"a": ["x" * 50_000] * 3}, 3: {"a": 2}}))
    big = pickle.dumps(outer({1: {"a": 1}, 2: {"a": "x" * 3_000_000}, 3: {"a": 2}}))
    assert len(read(data, limit=200_000)[0]) == 3
    with pytest.raises(DataError, match=r"after item 1: .* beyond 200,000"):
        read(big, limit=200_000)


def test_one_cut_off_anywhere_is_refused_after_the_items_before():
    data = pickle.dumps(
        {"arch2infos": {n: {"a": n / 2, "b": "x"} for n in range(4)}}, 2
    )
    whole, _ = read(data)
    counts = []
    for end in range(len(data)):
        got = []
        items = iter(Items(io.BytesIO(data[:end])))
        with pytest.raises(DataError):
            collect(items, got)
        assert got == whole[: len(got)]
        counts.append(len(got))
    assert counts == sorted(counts)
    assert set(counts) == {0, 1, 2, 3, 4}


GOOD = pickle.dumps(outer({n: record(n) for n in range(2)}), protocol=4)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_flipped_bytes_are_refused_or_give_items(data):
    damaged = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(
            st.integers(0, 255)
        )
    with contextlib.suppress(DataError):
        read(bytes(damaged))


@pytest.mark.parametrize("protocol", [2, 4])
def test_pieces_of_the_file_may_end_anywhere(protocol):
    """With any length of the pieces read, instructions are cut at every place."""
    data = pickle.dumps(outer({n: record(n) for n in range(2)}), protocol)

    class Pieces(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, self.piece))

    expected = repr(read(data)[0])
    for piece in (1, 2, 257, 258, 1021):
        file = Pieces(data)
        file.piece = piece
        assert repr(list(Items(file, allow=NUMPY))) == expected


def test_the_file_is_read_from_where_it_stands():
    file = io.BytesIO(b"header" + pickle.dumps({"arch2infos": {1: {"a": 1}}}))
    file.seek(6)
    assert list(Items(file)) == [(1, {"a": 1})]


@pytest.fixture(scope="module")
def official(shared, tmp_path_factory):
    """Files in the official formats, of six architectures of each space."""
    folder = tmp_path_factory.mktemp("official")
    path = shared / "tools" / "make_official_files.py"
    spec = importlib.util.spec_from_file_location("make_official_files", path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    tool.write(str(folder), "tss", 6, level=1)
    tool.write(str(folder), "sss", 6, level=1)
    return folder


@pytest.mark.parametrize(
    "name", ["NATS-tss-v1_0-3ffb9.pickle.pbz2", "NATS-sss-v1_0-50262.pickle.pbz2"]
)
def test_official_single_files(name, official):
    data = bz2.decompress((official / name).read_bytes())
    assert_same(data)
    with bz2.open(official / name) as file:
        assert len(list(Items(file, allow=NUMPY))) == 6
    cut = io.BytesIO((official / name).read_bytes()[:-1000])
    with bz2.open(cut) as file, pytest.raises(DataError, match=r"damaged: .*ended be"):
        list(Items(file, allow=NUMPY))


def test_genuine_records_as_items(shared):
    """One pickle of genuine records; as bytes without memo entries that are unused."""
    records = {}
    for name in ("tss-v1_0-3ffb9", "sss-v1_0-50262"):
        for n in (0, 11):
            path = shared / "data" / "nats" / f"NATS-{name}-simple__{n:06}.pickle.pbz2"
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                records[len(records)] = pickle.loads(bz2.decompress(path.read_bytes()))
    for protocol in (2, 4):
        data = pickle.dumps(outer(records), protocol)
        assert_same(data)
    assert_same(pickletools.optimize(pickle.dumps(outer({1: records[2]}), 2)))
