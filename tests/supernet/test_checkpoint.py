"""A search that is interrupted, however often, ends as if it had not been."""

import random

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch

from benchsuite.core import InputError
from benchsuite.supernet import checkpoint
from benchsuite.supernet.datasets import digits
from benchsuite.supernet.methods import METHODS
from benchsuite.supernet.search import search
from benchsuite.supernet.setting import Setting, build


@pytest.fixture(scope="module")
def data():
    return digits(None)


def begin(method, data, epochs=3):
    """Batches of 23 from 95 images: an epoch has four, and the next order begins."""
    setting = Setting(
        method, "nats_tss", epochs=epochs, batch_size=23, channels=4, cells=1,
        images=95, normalisation="running",
    )  # fmt: skip
    state = build(setting, data, seed=5)
    state.clock = lambda: 0.0
    return state


@pytest.mark.parametrize("method", ["rarts", "gdas", "pc_darts", "darts_2nd"])
def test_twenty_interruptions_at_random_steps_change_no_bit(method, data, tmp_path):
    straight = begin(method, data, epochs=6)
    expected = list(search(straight))
    checkpoint.save(tmp_path / "straight", straight.state_dict(), {})
    steps = 6 * len(straight.train)
    stops = sorted(random.Random(method).sample(range(1, steps), 20))
    path, found, seen = tmp_path / "interrupted", [], 0
    for stop in [*stops, steps + 1]:
        state = begin(method, data, epochs=6)
        if path.exists():
            state.load_state_dict(checkpoint.load(path, {"method": method}))

        def told(stop=stop):
            nonlocal seen
            seen += 1
            return seen == stop

        found += list(search(state, told))
        checkpoint.save(path, state.state_dict(), {"method": method})
    assert found == expected
    before, after = (checkpoint.load(tmp_path / n) for n in ("straight", "interrupted"))
    assert same(before, after)


def same(a, b):
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b) and a.dtype == b.dtype
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def test_every_state_comes_back_as_it_was(data, tmp_path):
    for name in METHODS:
        state = begin(name, data)
        next(search(state))
        checkpoint.save(tmp_path / "c", state.state_dict(), {})
        assert same(checkpoint.load(tmp_path / "c"), as_lists(state.state_dict()))


def as_lists(tree):
    """What JSON makes of tuples."""
    if isinstance(tree, dict):
        return {key: as_lists(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return list(map(as_lists, tree))
    return tree


def test_another_setting_is_refused_by_name(tmp_path):
    checkpoint.save(tmp_path / "c", {"x": 1}, {"channels": 4, "seed": 0})
    with pytest.raises(InputError, match=r"channels 4, not 8: .* delete it"):
        checkpoint.load(tmp_path / "c", {"channels": 8, "seed": 0})


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"\xff" * 100])
def test_a_damaged_file_is_one_line(content, tmp_path):
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(InputError, match="is damaged"):
        checkpoint.load(tmp_path / "c")


def test_half_a_file_is_refused_and_a_failed_write_leaves_the_last(tmp_path):
    path = tmp_path / "c"
    checkpoint.save(path, {"x": torch.arange(100)}, {})
    whole = path.read_bytes()
    with pytest.raises(TypeError, match="tensors and numbers"):
        checkpoint.save(path, {"x": object()}, {})
    assert path.read_bytes() == whole
    path.write_bytes(whole[:200])
    with pytest.raises(InputError, match="is damaged"):
        checkpoint.load(path)


def test_numbers_are_exact_and_keys_keep_their_kind(tmp_path):
    tree = {"a": {0: 0.1, 1: float("inf")}, "b": [1, None, "x", True], "c": {}}
    checkpoint.save(tmp_path / "c", tree, {})
    assert checkpoint.load(tmp_path / "c") == tree
