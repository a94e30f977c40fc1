"""Data sets: what is read, what is refused, and that no image is in two splits."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch

from benchsuite.core import InputError
from benchsuite.supernet.data import Shuffled, Split, crop_and_flip, cutout
from benchsuite.supernet.datasets import CIFAR, DATA_SETS, load


def rows(split):
    return {image.numpy().tobytes() for image in split.images}


@pytest.mark.parametrize("name", ["digits", "synthetic"])
def test_what_needs_no_file_has_three_splits_without_a_common_image(name):
    data = load(name)
    splits = data.train, data.valid, data.test
    assert abs(len(data.train) - len(data.valid)) <= 1
    assert len(set.union(*map(rows, splits))) == sum(map(len, splits))
    for split in splits:
        assert set(split.labels.tolist()) == set(range(data.classes))
    again = load(name)
    assert torch.equal(data.train.images, again.train.images)


def test_digits_are_scikit_learns_and_normalised():
    data = load("digits")
    assert sum(map(len, (data.train, data.valid, data.test))) == 1797
    both = torch.cat([data.train.images, data.valid.images])
    assert both.mean().item() == pytest.approx(data.train.mean[0], abs=0.003)
    assert both.std().item() == pytest.approx(data.train.std[0], abs=0.003)
    from sklearn.datasets import load_digits

    last = torch.from_numpy(load_digits().images[-1].astype(np.float32) / 16)
    assert torch.equal(data.test.images[-1, 1], last)


def test_synthetic_patterns_can_be_told_apart_and_not_by_chance():
    """The nearest class mean is right far more often than one in ten."""
    data = load("synthetic")
    flat = data.train.images.flatten(1)
    means = torch.stack([flat[data.train.labels == c].mean(0) for c in range(10)])
    nearest = torch.cdist(data.test.images.flatten(1), means).argmin(1)
    assert (nearest == data.test.labels).float().mean().item() > 0.9


@pytest.fixture(scope="module")
def official(shared, tmp_path_factory):
    """CIFAR-10's files, restored to the byte."""
    root = tmp_path_factory.mktemp("cifar")
    images = shared / "data" / "images"
    words = (images / "restore_cifar.py", images / "cifar10" / "pack")
    target = root / "cifar-10-batches-py"
    done = subprocess.run(
        [sys.executable, *map(str, words), str(target)], capture_output=True
    )
    if done.returncode:
        pytest.skip(f"CIFAR-10 cannot be restored: {done.stderr[-200:]!r}")
    return root


@pytest.mark.slow
def test_cifar_10_is_read_from_the_official_files(official):
    data = load("cifar10", official)
    assert [len(s) for s in (data.train, data.valid, data.test)] == [25_000] * 2 + [
        10_000
    ]
    assert data.test.labels[:5].tolist() == [3, 8, 8, 0, 6]  # cat, ship, ship, plane
    both = torch.cat([data.train.images, data.valid.images]).float() / 255
    np.testing.assert_allclose(both.mean((0, 2, 3)), data.train.mean, atol=1e-3)
    np.testing.assert_allclose(both.std((0, 2, 3)), data.train.std, atol=1e-3)
    assert torch.bincount(data.test.labels).tolist() == [1000] * 10
    batch = official / "cifar-10-batches-py" / "data_batch_3"
    content = batch.read_bytes()
    batch.write_bytes(content[:-1] + b"x")
    with pytest.raises(InputError, match="data_batch_3 with md5 54ebc095"):
        load("cifar10", official)
    batch.write_bytes(content)


@pytest.mark.parametrize("name", CIFAR)
def test_missing_files_are_named_with_their_md5(name, tmp_path):
    with pytest.raises(InputError, match="--data-root takes the folder that has"):
        load(name, tmp_path)


def test_a_pickle_in_the_place_of_a_file_is_never_run(tmp_path):
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    (folder / "train").write_bytes(b"cos\nsystem\n(S'exit 7'\ntR.")
    with pytest.raises(InputError, match="which is not cifar-100-python/train"):
        load("cifar100", tmp_path)


def save(path, **content):
    np.savez(path, **content)
    return str(path)


def own(n=20, classes=4):
    images = np.random.default_rng(0).integers(0, 256, (n, 8, 6, 3), dtype=np.uint8)
    return {"images": images, "labels": np.arange(n) % classes}


def test_arrays_of_your_own(tmp_path):
    content = own()
    data = load(save(tmp_path / "mine.npz", **content))
    assert (data.name, data.classes) == ("mine", 4)
    assert [len(s) for s in (data.train, data.valid, data.test)] == [8, 8, 4]
    everything = torch.cat([s.images for s in (data.train, data.valid, data.test)])
    theirs = {i.tobytes() for i in content["images"].transpose(0, 3, 1, 2).copy()}
    assert {image.numpy().tobytes() for image in everything} == theirs
    tests = {f"test_{name}": array[:3] for name, array in content.items()}
    data = load(save(tmp_path / "tests.npz", **content, **tests))
    assert [len(s) for s in (data.train, data.valid, data.test)] == [10, 10, 3]
    images, labels = Shuffled(data.train, 5, torch.Generator()).draw()
    assert (images.shape, images.dtype) == ((5, 3, 8, 6), torch.float32)
    assert labels.max() < 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": None}, "has no images; it has labels"),
        ({"images": np.zeros((20, 3, 8, 6), dtype=np.uint8)}, r"float \[N, H, W, 3\]"),
        ({"images": np.zeros((20, 8, 6, 3), dtype=np.int64)}, "not int64"),
        ({"images": np.full((20, 8, 6, 3), np.nan)}, "that are not finite"),
        ({"labels": np.arange(19)}, r"whole numbers \[20\], not int64 \[19\]"),
        ({"labels": np.arange(20) / 2}, "not float64"),
        ({"labels": np.arange(20) - 1}, "numbers from 0"),
        ({"test_images": np.zeros((1, 8, 6, 3))}, "has no test_labels"),
        ({"labels": np.array([None] * 20)}, "cannot read"),
    ],
)
def test_arrays_that_are_not_as_said_are_told_in_one_line(change, message, tmp_path):
    content = {k: v for k, v in {**own(), **change}.items() if v is not None}
    with pytest.raises(InputError, match=message) as caught:
        load(save(tmp_path / "mine.npz", **content))
    assert "\n" not in str(caught.value)


def test_a_damaged_file_is_told_in_one_line(tmp_path):
    path = tmp_path / "mine.npz"
    save(path, **own(n=200))
    whole = path.read_bytes()
    for size in (0, 1, 50, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match=r"cannot read .*mine\.npz") as caught:
            load(str(path))
        assert "\n" not in str(caught.value)
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(InputError, match="it holds one array, and none by name"):
        load(str(path))
    flipped = bytearray(whole)
    flipped[len(whole) // 3] ^= 0xFF
    path.write_bytes(bytes(flipped))
    with pytest.raises(InputError, match="cannot read"):
        load(str(path))


def test_a_name_that_is_none_is_told():
    with pytest.raises(InputError, match="unknown data set 'cifar': cifar10, cifar100"):
        load("cifar")
    with pytest.raises(InputError, match="cannot read gone"):
        load("gone.npz")
    assert {"cifar10", "cifar100", "digits", "synthetic"} == DATA_SETS.keys()


def test_what_a_crop_brings_in_is_black_and_then_normalised():
    """Published pipelines pad the image as it was taken, and normalise afterwards."""
    white = torch.full((50, 3, 8, 8), 255, dtype=torch.uint8)
    split = Split(white, torch.zeros(50, dtype=torch.int64), (0.5,) * 3, (0.25,) * 3)
    source = torch.Generator().manual_seed(0)
    images, _ = Shuffled(split, 50, source, crop_and_flip).draw()
    assert set(images.unique().tolist()) == {-2.0, 2.0}
    assert images.is_contiguous()  # a strided batch makes every layer's kernels slow
    kept = (images == 2).float().mean().item()
    assert kept == pytest.approx(((8 - 20 / 9) / 8) ** 2, abs=0.05)  # 20/9: mean shift


def test_cutout_erases_a_square_whose_centre_is_uniform():
    source = torch.Generator().manual_seed(0)
    images = cutout(torch.ones(4000, 1, 8, 8), source, length=4)
    holes = 16 - images.sum((1, 2, 3)) + 48
    assert holes.min() == 4  # a quarter of it, at a corner
    assert holes.max() == 16
    # A pixel at least two from the border is erased by 16 of 64 centres.
    erased = 1 - images[:, 0].mean(0)
    assert (erased[2:-2, 2:-2] - 0.25).abs().max() < 0.03  # 4.4 deviations, 16 pixels
    corner = erased[0, 0].item()  # by 2 + 1 centres each way: 0, 1 and 2
    assert corner == pytest.approx(9 / 64, abs=0.03)


def test_labels_must_be_all_the_numbers_from_zero(tmp_path):
    images = np.zeros((30, 4, 4, 3), dtype=np.uint8)
    for labels in (np.arange(30) % 3 + 1, np.zeros(30, dtype=int)):
        np.savez(tmp_path / "x.npz", images=images, labels=labels)
        with pytest.raises(InputError, match="each at least once and at least two"):
            load(str(tmp_path / "x.npz"))
