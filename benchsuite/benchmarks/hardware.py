"""Figures of networks, joined to any benchmark of the same networks."""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchsuite.benchmarks.installed import data_folder
from benchsuite.benchmarks.tabular import Computed
from benchsuite.spaces import SearchSpace
from surrogates import Table

HARDWARE, ROBUSTNESS, ZERO_COST = "hw_nas_bench", "robustness", "zero_cost"
"""Tables of figures that belong to networks, not to runs; their names in the folder."""


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
        joined = Computed(
            {
                name.removeprefix(f"{task}/"): partial(
                    _in_order, of_networks, name, table.keys
                )
                for name in of_networks.metrics
                if name.startswith(f"{task}/")
            }
        )
        units.update({name: of_networks.about["units"][name] for name in joined})
        return joined

    return Joined(figures(HARDWARE), figures(ROBUSTNESS), figures(ZERO_COST), units)


def _in_order(
    figures: Table, name: str, keys: NDArray[np.uint64]
) -> NDArray[np.float64]:
    """Read figures off in the order of a table's keys, nan where there is none."""
    rows = np.searchsorted(figures.keys, keys)
    there = figures.keys.take(rows, mode="clip") == keys
    return np.where(there, figures.metrics[name].take(rows, mode="clip"), np.nan)
