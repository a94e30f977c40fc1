"""HW-NAS-Bench: what the cells of NAS-Bench-201 cost on six devices.

Li et al., "HW-NAS-Bench: Hardware-Aware Neural Architecture Search Benchmark", ICLR
2021. https://openreview.net/forum?id=_0kaDkv3dVf

One pickle, HW-NAS-Bench-v1_0.pickle: by search space, data set and metric a list with a
number for each of the 15,625 cells, in official order. Other spaces (FBNet's) are left
alone. The layout is that of the authors' public code; the file itself was not at hand.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from surrogates import safe_pickle
from surrogates.table import DataError

CELLS = 15_625
TASKS = {
    "cifar10": "cifar10",
    "cifar100": "cifar100",
    "imagenet16_120": "ImageNet16-120",
}
"""What the file calls each task."""


class Metric(NamedTuple):
    """A figure of a network.

    Attributes:
        published: Its name in the file.
        unit: Of the figure, which is for one image.
    """

    published: str
    unit: str


METRICS = {
    "latency_edgegpu": Metric("edgegpu_latency", "ms"),
    "energy_edgegpu": Metric("edgegpu_energy", "mJ"),
    "latency_raspi4": Metric("raspi4_latency", "ms"),
    "latency_edgetpu": Metric("edgetpu_latency", "ms"),
    "latency_pixel3": Metric("pixel3_latency", "ms"),
    "latency_eyeriss": Metric("eyeriss_latency", "ms"),
    "energy_eyeriss": Metric("eyeriss_energy", "mJ"),
    "intensity_eyeriss": Metric("eyeriss_arithmetic_intensity", "ops/byte"),
    "latency_fpga": Metric("fpga_latency", "ms"),
    "energy_fpga": Metric("fpga_energy", "mJ"),
}
UNITS = {name: f"{metric.unit} for one image" for name, metric in METRICS.items()}
_COMPILED = "latency_edgetpu"  # -1 for the networks that its compiler refused
_LARGEST = 200_000_000  # bytes; the published file lies in a git repository


def read(path: Path) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Read the file.

    Returns:
        float64 [15,625] by task and metric, in official order and in the units of
        `UNITS`; nan where the Edge TPU's compiler refused the network.

    Raises:
        DataError: The file is damaged, names a class, or does not hold what it should.
        OSError: The file cannot be read.
    """
    if (size := path.stat().st_size) > _LARGEST:
        raise DataError(f"{path.name} has {size:,} bytes, more than {_LARGEST:,}")
    try:
        data_sets = _part(safe_pickle.loads(path.read_bytes()), ("nasbench201",))
        return {
            task: {
                name: _figures(data_sets, ("nasbench201", published, metric.published))
                for name, metric in METRICS.items()
            }
            for task, published in TASKS.items()
        }
    except DataError as error:
        raise DataError(f"{path.name}: {error}") from error


def _part(content: object, keys: tuple[str, ...]) -> object:
    """Look the last key up; the earlier ones say where it is."""
    if not isinstance(content, dict) or keys[-1] not in content:
        *outer, key = keys
        raise DataError(f"there is no {key!r} in {' '.join(outer) or 'it'}")
    part: object = content[keys[-1]]
    return part


def _figures(data_sets: object, keys: tuple[str, str, str]) -> NDArray[np.float64]:
    """Check the list of one metric, float64 [15,625]."""
    figures = _part(_part(data_sets, keys[:2]), keys)
    where = " ".join(keys)
    if not isinstance(figures, list) or len(figures) != CELLS:
        count = len(figures) if isinstance(figures, list) else "no list of"
        raise DataError(f"{where} has {count} figures, not {CELLS:,}")
    if not {type(figure) for figure in figures} <= {int, float}:
        raise DataError(f"{where} has figures that are no numbers")
    try:
        values = np.array(figures, dtype=np.float64)
    except OverflowError as error:
        raise DataError(f"{where} has a figure that is too large") from error
    missing = (values == -1) & (keys[-1] == METRICS[_COMPILED].published)
    for cell in np.flatnonzero(~(missing | (values > 0) & (values < np.inf)))[:1]:
        raise DataError(
            f"{where} has {values[cell]:g} for cell {cell}, which is not positive and"
            " finite"
        )
    return np.where(missing, np.nan, values)
