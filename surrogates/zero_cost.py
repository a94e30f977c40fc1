"""NAS-Bench-Suite-Zero: recorded scores of untrained networks of NAS-Bench-201.

Krishnakumar, White, Zela, Tu, Safari & Hutter, "NAS-Bench-Suite-Zero: Accelerating
Research on Zero Cost Proxies", NeurIPS 2022. https://arxiv.org/abs/2210.03230

One file, zc_nasbench201.json: by data set and cell a `score` for each proxy, beside
the seconds that it took and accuracies, which are left alone: what is called
`val_accuracy` there was computed on test images. A cell is written as a tuple of six
operations in NASLib's order, see `OPERATIONS` and `EDGES`. The layout is how public
code uses the file; the file itself was not at hand.
"""

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from surrogates.table import DataError

TASKS = {
    "cifar10": "cifar10",
    "cifar100": "cifar100",
    "imagenet16_120": "ImageNet16-120",
}
"""What the file calls each task."""
OPERATIONS = (
    *("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3"),
)
EDGES = ("0>1", "0>2", "0>3", "1>2", "1>3", "2>3")
PREFIX = "zc_"
UNIT = "score of an untrained network, higher is better"
FAILED = -1e8  # stands in the file where a proxy could not be computed
_CELL = re.compile(r"\(([0-4]), ([0-4]), ([0-4]), ([0-4]), ([0-4]), ([0-4])\)")
_PROXY = re.compile(r"[a-z][a-z0-9_]*")
_LARGEST = 500_000_000  # bytes


class Scores(NamedTuple):
    """Scores for one data set.

    Attributes:
        cells: uint8 [N, 6], numbers of `OPERATIONS` on `EDGES`, no two alike.
        metrics: float64 [N] by name, `zc_<proxy>`; nan where there is none.
    """

    cells: NDArray[np.uint8]
    metrics: Mapping[str, NDArray[np.float64]]


def read(path: Path) -> dict[str, Scores]:
    """Read the file.

    Returns:
        Scores by task, of those that the file has.

    Raises:
        DataError: The file is damaged, or does not hold what it should.
        OSError: The file cannot be read.
    """
    if (size := path.stat().st_size) > _LARGEST:
        raise DataError(f"{path.name} has {size:,} bytes, more than {_LARGEST:,}")
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text, object_pairs_hook=_unique)
        if not isinstance(content, dict) or not content.keys() & set(TASKS.values()):
            raise DataError(f"there is none of {', '.join(TASKS.values())} in it")
        return {
            task: _scores(content[published], published)
            for task, published in TASKS.items()
            if published in content
        }
    except (ValueError, RecursionError) as error:  # DataError is one
        reason = error if isinstance(error, DataError) else f"no JSON: {error}"
        raise DataError(f"{path.name}: {reason}") from error


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuse an object that says something twice."""
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{twice!r} stands there twice")
    return content


def _scores(cells: object, data_set: str) -> Scores:
    """Collect the scores of all cells."""
    if not isinstance(cells, dict) or not cells:
        raise DataError(f"{data_set} has no cells")
    columns: dict[str, NDArray[np.float64]] = {}
    digits = np.empty((len(cells), len(EDGES)), dtype=np.uint8)
    for row, (key, figures) in enumerate(cells.items()):
        where = f"{data_set} {key!r:.80}"
        if not (match := _CELL.fullmatch(key)):
            raise DataError(f"{where} is no cell; one is written (0, 4, 1, 2, 3, 3)")
        if not isinstance(figures, dict):
            raise DataError(f"{where} has no scores by name")
        digits[row] = [int(digit) for digit in match.groups()]
        for proxy, figure in figures.items():
            if not isinstance(figure, dict) or "score" not in figure:
                continue  # an accuracy, or a number of the cell
            if not _PROXY.fullmatch(proxy):
                raise DataError(f"{where} has a proxy called {proxy!r:.80}")
            score = figure["score"]
            if type(score) not in (int, float):
                raise DataError(f"{where} {proxy} scores {score!r:.80}, not a number")
            name = PREFIX + proxy
            if name not in columns:
                columns[name] = np.full(len(cells), math.nan)
            try:
                columns[name][row] = math.nan if score == FAILED else score
            except OverflowError as error:
                raise DataError(f"{where} {proxy} is too large") from error
    if not columns:
        raise DataError(f"{data_set} has no scores")
    return Scores(digits, columns)
