"""Figures of networks, joined to any benchmark of the same networks."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchsuite.benchmarks.installed import data_folder
from benchsuite.spaces import SearchSpace
from surrogates import Table

HARDWARE, ROBUSTNESS, ZERO_COST = "hw_nas_bench", "robustness", "zero_cost"
"""Tables of figures that belong to networks, not to runs; their names in the folder."""


class _Joined(Mapping[str, NDArray[np.float64]]):
    """Figures in the order of another table's rows, read when they are looked at."""

    def __init__(self, figures: Table, prefix: str, keys: NDArray[np.uint64]) -> None:
        self._figures, self._prefix, self._keys = figures, prefix, keys
        self._read: dict[str, NDArray[np.float64]] = {}

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        if name not in self._read:
            values = self._figures.metrics[f"{self._prefix}{name}"]
            keys = self._figures.keys
            rows = np.searchsorted(keys, self._keys)
            there = keys.take(rows, mode="clip") == self._keys
            self._read[name] = np.where(there, values.take(rows, mode="clip"), np.nan)
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        for name in self._figures.metrics:
            if name.startswith(self._prefix):
                yield name.removeprefix(self._prefix)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Joined(NamedTuple):
    """Figures of the networks of a table.

    Attributes:
        hardware: [N] by name, nan where there is none; empty if not installed.
        robustness: The same; computed on test images.
        scores: The same, of untrained networks.
        units: Of all.
    """

    hardware: Mapping[str, NDArray[np.float64]]
    robustness: Mapping[str, NDArray[np.float64]]
    scores: Mapping[str, NDArray[np.float64]]
    units: Mapping[str, str]


def join(space: SearchSpace, task: str, table: Table) -> Joined:
    """Find the installed figures of the networks of a table.

    Args:
        space: Of the table; figures of another space are not about its networks.
        task: What the networks are for, such as "cifar10".
        table: Its rows are the networks.
    """
    units: dict[str, str] = {}

    def figures(release: str) -> Mapping[str, NDArray[np.float64]]:
        try:
            of_networks = Table.open(data_folder() / release)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        if of_networks.about.get("space") != space.name:
            return {}
        joined = _Joined(of_networks, f"{task}/", table.keys)
        units.update({name: of_networks.about["units"][name] for name in joined})
        return joined

    return Joined(figures(HARDWARE), figures(ROBUSTNESS), figures(ZERO_COST), units)
