"""Data sets by name: what weights are trained on, what alphas, and what is reported.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009, for CIFAR;
scikit-learn's handwritten digits; and images that anybody brings as arrays.

A search trains weights on one half of the training images and alphas on the other. The
halves come from a fixed permutation: NAS-Bench-201 published the one that it used as a
file of its own, which is not at hand, so these halves are others of the same size.
"""

import hashlib
import io
import pickle
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from benchsuite.core import InputError
from benchsuite.supernet.data import Split

Channels = tuple[float, float, float]
_DAMAGED = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error)
_SEED = 201  # of the permutation that halves training images


class DataSet(NamedTuple):
    """Three splits of labelled images that have none in common.

    Attributes:
        name: Such as "cifar10".
        train: For the weights.
        valid: For the alphas, and for judging while searching.
        test: For reports.
        classes: How many there are.
        augmented: Whether crops and mirror images are images of the same class.
    """

    name: str
    train: Split
    valid: Split
    test: Split
    classes: int
    augmented: bool


class Files(NamedTuple):
    """The official files of a data set.

    Attributes:
        folder: Where they lie, as the official archive has them.
        train: Name and md5 of each.
        test: Name and md5.
        labels: What the files call them.
        classes: How many there are.
        mean: Of the training images, for each channel, in 1/255.
        std: The same.
    """

    folder: str
    train: Mapping[str, str]
    test: Mapping[str, str]
    labels: str
    classes: int
    mean: Channels
    std: Channels


CIFAR = {
    "cifar10": Files(
        "cifar-10-batches-py",
        {
            "data_batch_1": "c99cafc152244af753f735de768cd75f",
            "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
            "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
            "data_batch_4": "634d18415352ddfa80567beed471001a",
            "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        },
        {"test_batch": "40351d587109b95175f43aff81a1287e"},
        "labels",
        10,
        (125.3, 123.0, 113.9),
        (63.0, 62.1, 66.7),
    ),
    "cifar100": Files(
        "cifar-100-python",
        {"train": "16019d7e3df5f24257cddd939b257f8d"},
        {"test": "f0ef6b0ae62326f3e7ffdfab6717acfc"},
        "fine_labels",
        100,
        (129.3, 124.1, 112.4),
        (68.2, 65.4, 70.4),
    ),
}


def load(name: str, root: Path = Path()) -> DataSet:
    """Load a data set into memory.

    Args:
        name: One of `DATA_SETS`, or the path of an .npz file: see `arrays`.
        root: The folder that holds the folder of official files.

    Raises:
        InputError: There is none of that name, or its files are missing or damaged.
    """
    if name.endswith(".npz"):
        return arrays(Path(name))
    if name not in DATA_SETS:
        known = ", ".join(DATA_SETS)
        raise InputError(f"unknown data set {name!r}: {known}, or an .npz file")
    return DATA_SETS[name](root)


def cifar(name: str, root: Path) -> DataSet:
    """Read CIFAR-10 or CIFAR-100 from the official files for Python.

    Raises:
        InputError: A file is missing, or has another md5 than the official one.
    """
    files = CIFAR[name]
    folder = root / files.folder
    train = [_batch(folder / n, md5, files.labels) for n, md5 in files.train.items()]
    test = [_batch(folder / n, md5, files.labels) for n, md5 in files.test.items()]
    mean, std = _fractions(files.mean), _fractions(files.std)

    def split(batches: list[tuple[NDArray[np.uint8], NDArray[np.int64]]]) -> Split:
        images, labels = map(np.concatenate, zip(*batches, strict=True))
        return Split(torch.from_numpy(images), torch.from_numpy(labels), mean, std)

    return DataSet(name, *_halves(split(train)), split(test), files.classes, True)


def _fractions(figures: Channels) -> Channels:
    red, green, blue = figures
    return red / 255, green / 255, blue / 255


def _batch(
    path: Path, md5: str, labels: str
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read images [N, 3, 32, 32] and labels [N] from an official file."""
    expected = f"{path.parent.name}/{path.name} with md5 {md5}"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} is missing: --data-root takes the folder that has {expected}"
        ) from error
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != md5:
        raise InputError(f"{path} has md5 {found}, which is not {expected}")
    batch = _Official(io.BytesIO(content), encoding="latin1").load()
    images = np.array(batch["data"], dtype=np.uint8).reshape(-1, 3, 32, 32)
    return images, np.array(batch[labels], dtype=np.int64)


_ARRAYS = {
    *(("numpy", "ndarray"), ("numpy", "dtype")),
    ("numpy.core.multiarray", "_reconstruct"),
}


class _Official(pickle.Unpickler):
    """Reads a file that is known by its md5; of all names it takes three of NumPy's."""

    def find_class(self, module: str, name: str) -> Any:
        """Find what makes an array."""
        if (module, name) in _ARRAYS:
            return super().find_class(module.replace(".core.", "._core."), name)
        raise pickle.UnpicklingError(f"{module}.{name} makes no array")


def digits(root: Path) -> DataSet:
    """Take scikit-learn's 1,797 handwritten digits of 8 x 8 pixels; needs no file.

    The last 360 are for reports. Grey values stand in all three channels.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    grey = torch.from_numpy(bunch.images.astype(np.float32) / 16)
    images = grey.unsqueeze(1).expand(-1, 3, -1, -1).contiguous()
    labels = torch.from_numpy(bunch.target.astype(np.int64))
    mean, std = (0.3052,) * 3, (0.3761,) * 3
    everything = Split(images, labels, mean, std)
    train = everything.part(torch.arange(1437))
    test = everything.part(torch.arange(1437, 1797))
    return DataSet("digits", *_halves(train), test, 10, False)


def synthetic(root: Path) -> DataSet:
    """Make 3,000 SYNTHETIC images of 16 x 16 pixels: ten patterns, and noise.

    The pattern of a class is uniform noise, the same in every image of it; noise of
    twice its deviation is added. They say nothing about any real images.
    """
    rng = np.random.default_rng(0)
    patterns = rng.random((10, 3, 16, 16)) - 0.5
    labels = np.arange(3000) % 10
    noise = rng.standard_normal((3000, 3, 16, 16))
    images = patterns[labels] + 2 * patterns.std() * noise
    everything = Split(
        torch.from_numpy(images.astype(np.float32)), torch.from_numpy(labels)
    )
    train = everything.part(torch.arange(2000))
    test = everything.part(torch.arange(2000, 3000))
    return DataSet("synthetic", *_halves(train), test, 10, False)


def arrays(path: Path) -> DataSet:
    """Read images of your own: `images` [N, H, W, 3] and `labels` [N] in an .npz file.

    Images are uint8, or floats as they are to be; labels are whole numbers from 0. A
    fifth of them, drawn by a fixed permutation, is for reports unless the file has
    `test_images` and `test_labels`.

    Raises:
        InputError: It is no such file, or its arrays are not as said.
    """
    try:
        with path.open("rb") as file:
            zipped = np.load(file, allow_pickle=False)
            if not isinstance(zipped, NpzFile):
                raise ValueError("it holds one array, and none by name")
            content = {name: zipped[name] for name in zipped.files}
    except _DAMAGED as error:
        reason = " ".join(str(error).split())
        raise InputError(f"cannot read {path}: {reason}") from error
    everything, classes = _split(path, content, "")
    if "test_images" in content:
        train, (test, _) = everything, _split(path, content, "test_")
        if (top := int(test.labels.max())) >= classes:
            raise InputError(f"{path} has label {top} in tests only")
    else:
        order = _permutation(len(everything))
        fifth = max(1, len(everything) // 5)
        train, test = everything.part(order[fifth:]), everything.part(order[:fifth])
    if len(train) < 2:
        raise InputError(f"{path} has {len(train)} images to search with, not 2")
    return DataSet(path.stem, *_halves(train), test, classes, False)


def _split(path: Path, content: Mapping[str, Any], prefix: str) -> tuple[Split, int]:
    """Check a pair of arrays; give the split, and how many classes there are."""
    for name in (f"{prefix}images", f"{prefix}labels"):
        if name not in content:
            raise InputError(f"{path} has no {name}; it has {', '.join(content)}")
    images, labels = content[f"{prefix}images"], content[f"{prefix}labels"]
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype.kind not in "uf":
        raise InputError(
            f"{prefix}images of {path} are uint8 or float [N, H, W, 3], not"
            f" {images.dtype} {list(images.shape)}"
        )
    if images.dtype.kind == "u" and images.dtype != np.uint8:
        raise InputError(f"{prefix}images of {path} are {images.dtype}, not uint8")
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        raise InputError(f"{prefix}images of {path} have values that are not finite")
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "ui":
        raise InputError(
            f"{prefix}labels of {path} are whole numbers [{len(images)}], not"
            f" {labels.dtype} {list(labels.shape)}"
        )
    if not len(labels) or labels.min() < 0:
        raise InputError(f"{prefix}labels of {path} are numbers from 0, and not none")
    classes = int(labels.max()) + 1
    if not prefix and len(there := np.unique(labels)) < max(2, classes):
        raise InputError(
            f"labels of {path} are the numbers from 0 to one less than the number of"
            f" classes, each at least once and at least two; they are"
            f" {', '.join(map(str, there[:12]))}{' ...' if len(there) > 12 else ''}"
        )
    if images.dtype != np.uint8:
        images = images.astype(np.float32)
    tensor = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    split = Split(tensor, torch.from_numpy(labels.astype(np.int64)))
    return split, classes


def _halves(split: Split) -> tuple[Split, Split]:
    """Halve by a fixed permutation; the second half has the odd one."""
    order, middle = _permutation(len(split)), len(split) // 2
    return split.part(order[:middle]), split.part(order[middle:])


def _permutation(count: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(_SEED).permutation(count))


DATA_SETS: Mapping[str, Callable[[Path], DataSet]] = {
    **{name: partial(cifar, name) for name in CIFAR},
    "digits": digits,
    "synthetic": synthetic,
}
