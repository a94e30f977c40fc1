"""How the cells of NAS-Bench-201 stand up to attacks and corruptions.

Jung, Lukasik & Keuper, "Neural Architecture Design and Robustness: A Dataset", ICLR
2023. https://openreview.net/forum?id=p8coElqiSDw, http://robustness.vision

One training run of each of the 6,466 cells that compute different things, judged on
perturbed images of the official test sets: figures to report, or to search for on
purpose, but not validation figures. Two forms are read.

*The published folder*: meta.json, and `<data set>/<key>_accuracy.json` for each attack
(`pgd@Linf`) or corruption (`fog`). meta.json has by `ids`, index as text, the
`nb201-string` and the index of the class's representative, `isomorph`; and by
`epsilons` the strengths of each attack, in 1/255. The other files have accuracies by
data set, key, `accuracy` and index: a list, one for each strength. All this is how the
authors' loader (github.com/steffen-jung/robustness-dataset) uses them. Reconstructed,
because the files were not at hand: that the five numbers of a corruption are those of
severities 1 to 5 in this order, and that every representative is in every file.

*An .npz file* without pickles: `index` [N], `epsilons` as JSON text, and accuracies
[N, K] by `<data set>|<key>`.
"""

import json
import lzma
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from surrogates.table import DataError

CELLS = 15_625
TASKS = {
    "cifar10": "cifar10",
    "cifar100": "cifar100",
    "imagenet16_120": "ImageNet16-120",
}
"""What the files call each task."""
ATTACKS = ("aa_apgd-ce", "aa_square", "fgsm", "pgd")
CORRUPTIONS = (
    "brightness", "contrast", "defocus_blur", "elastic_transform", "fog", "frost",
    "gaussian_noise", "glass_blur", "impulse_noise", "jpeg_compression", "motion_blur",
    "pixelate", "shot_noise", "snow", "zoom_blur",
)  # fmt: skip
SEVERITIES = (1, 2, 3, 4, 5)
UNIT = "fraction"  # of the test images, for every figure
_DAMAGED = (  # what zipfile and NumPy are known to raise
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    ValueError,
    EOFError,
    OSError,
    KeyError,
    RuntimeError,
    MemoryError,
)
_LARGEST = 200_000_000  # bytes of any file, unpacked; the biggest have about 2 MB


class Robustness(NamedTuple):
    """Figures of N cells, each the representative of its class.

    Attributes:
        cells: int64 [N], ascending, numbers in official order of the 15,625.
        spellings: [N], published; none if the file has only indices.
        metrics: float64 [N] by task and name, errors as fractions in [0, 1]:
            `robust_error_<attack>@<epsilon>`, where each pixel moves by at most epsilon
            / 255, and `robust_error_<corruption>@<severity>`.
    """

    cells: NDArray[np.int64]
    spellings: tuple[str, ...]
    metrics: Mapping[str, Mapping[str, NDArray[np.float64]]]


def read(path: Path) -> Robustness:
    """Read the published folder, or an .npz file.

    Raises:
        DataError: Something is missing, damaged, or not what it should be.
        OSError: A file cannot be read.
    """
    try:
        return _folder(path) if path.is_dir() else _npz(path)
    except DataError as error:
        raise DataError(f"{path.name}: {error}") from error


def _folder(folder: Path) -> Robustness:
    if not (folder / "meta.json").is_file():
        raise DataError("there is no meta.json; unpack meta.zip there")
    meta = _json(folder / "meta.json")
    levels = _levels(_part(meta, "meta.json", "epsilons"))
    spelled = _representatives(_part(meta, "meta.json", "ids"))
    metrics: dict[str, dict[str, NDArray[np.float64]]] = {}
    for task, data_set in TASKS.items():
        for key in levels:
            name = f"{data_set}/{key}_accuracy.json"
            if not (folder / name).is_file():
                continue
            by_index = _json(folder / name)
            for inner in (data_set, key, "accuracy"):
                by_index = _part(by_index, name, inner)
            if not isinstance(by_index, dict) or by_index.keys() != spelled.keys():
                raise DataError(
                    f"{name} is not about the {len(spelled):,} cells that meta.json"
                    " calls representatives"
                )
            rows = [by_index[index] for index in spelled]
            metrics.setdefault(task, {}).update(
                _errors(_matrix(rows, name), name, key, levels[key])
            )
    if not metrics:
        raise DataError("there is no <data set>/<key>_accuracy.json; unpack the zips")
    cells = np.array([int(index) for index in spelled], dtype=np.int64)
    return Robustness(cells, tuple(spelled.values()), metrics)


def _representatives(ids: object) -> dict[str, str]:
    """Take the spellings of those that stand for themselves, by index as text."""
    if not isinstance(ids, dict) or set(ids) != {str(n) for n in range(CELLS)}:
        raise DataError(f"meta.json has not the ids of {CELLS:,} cells")
    spelled = {}
    for index in map(str, range(CELLS)):
        where = f"meta.json, id {index}"
        spelling = _part(ids[index], where, "nb201-string")
        if not isinstance(spelling, str):
            raise DataError(f"{where} has no spelling")
        if str(_part(ids[index], where, "isomorph")) == index:
            spelled[index] = spelling
    return spelled


def _json(path: Path) -> object:
    if path.stat().st_size > _LARGEST:
        raise DataError(f"{path.name} has more than {_LARGEST:,} bytes")
    try:
        content: object = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path.name} is no JSON, or damaged: {error}") from error
    return content


def _part(content: object, where: str, key: str) -> object:
    if not isinstance(content, dict) or key not in content:
        raise DataError(f"{where} has no {key!r}")
    part: object = content[key]
    return part


def _levels(epsilons: object) -> dict[str, tuple[float, ...]]:
    """Say how many figures each key has, and of which strengths."""
    levels: dict[str, tuple[float, ...]] = dict.fromkeys(CORRUPTIONS, SEVERITIES)
    for attack in ATTACKS:
        strengths = _part(epsilons, "epsilons", f"{attack}@Linf")
        if (
            not isinstance(strengths, list)
            or not {type(x) for x in strengths} <= {int, float}
            or strengths != sorted(set(strengths))
            or not all(0 < x <= 255 for x in strengths)
        ):
            raise DataError(f"epsilons of {attack}@Linf are not ascending, up to 255")
        levels[f"{attack}@Linf"] = tuple(strengths)
    return levels


def _matrix(rows: Sequence[object], where: str) -> NDArray[np.float64]:
    """Check that rows are lists of numbers, equally many."""
    width = len(rows[0]) if rows and isinstance(rows[0], list) else 0
    for row in rows:
        if (
            not isinstance(row, list)
            or len(row) != width
            or not {type(x) for x in row} <= {int, float}
        ):
            raise DataError(f"{where} has {str(row)[:80]}, not a list of numbers")
    try:
        return np.array(rows, dtype=np.float64)
    except OverflowError as error:
        raise DataError(f"{where} has a number that is too large") from error


def _errors(
    values: NDArray[np.float64], where: str, key: str, levels: tuple[float, ...]
) -> dict[str, NDArray[np.float64]]:
    """Turn accuracies [N, K] into errors [N] by name."""
    if values.ndim != 2 or values.shape[1] != len(levels):
        raise DataError(
            f"{where} is {values.shape}, not one row of {len(levels)} a cell"
        )
    for value in values[~((values >= 0) & (values <= 1))][:1]:
        raise DataError(f"{where} has the accuracy {value:g}, not one in [0, 1]")
    stem = f"robust_error_{key.removesuffix('@Linf')}"
    errors = 1 - values.T
    return {f"{stem}@{x:g}": row for x, row in zip(levels, errors, strict=True)}


def _npz(path: Path) -> Robustness:
    arrays = _arrays(path)
    for name in ("index", "epsilons"):
        if name not in arrays:
            raise DataError(f"it has no array {name}")
    try:
        levels = _levels(json.loads(str(arrays.pop("epsilons"))))
    except (ValueError, RecursionError) as error:
        raise DataError(f"epsilons are no JSON: {error}") from error
    index = arrays.pop("index")
    if index.dtype.kind not in "iu" or index.ndim != 1 or not len(index):
        raise DataError("index is not a row of whole numbers")
    cells = index.astype(np.int64)
    if (np.diff(cells, prepend=-1, append=CELLS) <= 0).any():
        raise DataError(f"index is not ascending, from 0 to {CELLS - 1}")
    metrics: dict[str, dict[str, NDArray[np.float64]]] = {}
    for task, data_set in TASKS.items():
        for key in levels:
            if (name := f"{data_set}|{key}") not in arrays:
                continue
            values = arrays[name]
            if values.dtype.kind != "f" or values.shape[:1] != cells.shape:
                raise DataError(
                    f"{name} is not about the {len(cells):,} cells of index"
                )
            metrics.setdefault(task, {}).update(
                _errors(values.astype(np.float64), name, key, levels[key])
            )
    if not metrics:
        raise DataError("it has no array <data set>|<key>, such as cifar10|pgd@Linf")
    return Robustness(cells, (), metrics)


def _arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    """Load all arrays of an .npz file, if they are not too many."""
    with path.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                if sum(info.file_size for info in archive.infolist()) > _LARGEST:
                    raise DataError(f"it unpacks to more than {_LARGEST:,} bytes")
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays}
        except DataError:
            raise
        except _DAMAGED as error:
            reason = " ".join(str(error).split())
            raise DataError(f"it is no .npz file, or damaged: {reason}") from error
