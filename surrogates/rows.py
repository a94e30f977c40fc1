"""Rows of features, errors and seconds, checked where they enter a model."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surrogates.table import DataError


def features(X: ArrayLike, width: int | None = None) -> NDArray[np.float32]:
    """Check features and make them float32 [N, F].

    Args:
        X: [N, F].
        width: What F must be, if the model is fitted.

    Raises:
        DataError: They have another shape, are no numbers, or not all finite.
    """
    wide = _numbers("the features", X)
    if wide.ndim != 2 or not wide.shape[1]:
        raise DataError(
            f"the features have the shape {wide.shape}, not [rows, features]"
        )
    if width is not None and wide.shape[1] != width:
        raise DataError(
            f"the rows have {wide.shape[1]} features, and the model was fitted to"
            f" {width}: use the space and the encoding it was fitted to"
        )
    with np.errstate(over="ignore"):
        narrow = np.ascontiguousarray(wide, dtype=np.float32)
    if not np.isfinite(narrow).all():
        row, column = np.argwhere(~np.isfinite(narrow))[0]
        raise DataError(
            f"feature {column} of row {row} is {wide[row, column]}: features must be"
            " finite numbers"
        )
    return narrow


def errors(y: ArrayLike, rows: int) -> NDArray[np.float64]:
    """Check training targets, float64 [N] or [N, E].

    Raises:
        DataError: There is one row, another number than `rows`, or a value that is no
            error in [0, 1].
    """
    targets = _numbers("the errors", y).astype(np.float64)
    if targets.ndim not in (1, 2) or len(targets) != rows or not targets.size:
        raise DataError(
            f"the errors have the shape {targets.shape}, and there are {rows} rows of"
            " features: give [rows] or [rows, epochs]"
        )
    if rows < 2:
        raise DataError("there is one row to fit a model to: give two or more")
    if not (good := (targets >= 0) & (targets <= 1)).all():
        place = tuple(np.argwhere(~good)[0])
        raise DataError(
            f"the error of row {place[0]} is {targets[place]:.6g}: errors are fractions"
            " in [0, 1]; leave out what is missing, and let a diverged run be 1"
        )
    return targets


def durations(seconds: ArrayLike, rows: int) -> NDArray[np.float64]:
    """Check the seconds that trainings took, float64 [N].

    Raises:
        DataError: Their number is not `rows`, or one is not positive and finite.
    """
    times = _numbers("the seconds", seconds).astype(np.float64)
    if times.shape != (rows,):
        raise DataError(f"the seconds have the shape {times.shape}, not ({rows},)")
    if not (good := (times > 0) & (times < np.inf)).all():
        row = np.flatnonzero(~good)[0]
        raise DataError(
            f"row {row} took {times[row]:.6g} seconds: seconds must be positive and"
            " finite"
        )
    return times


def classes(groups: ArrayLike | None, rows: int) -> NDArray[np.int64]:
    """Number the groups of rows, int64 [N]; without groups each row is its own.

    Raises:
        DataError: Their number is not `rows`.
    """
    if groups is None:
        return np.arange(rows, dtype=np.int64)
    names = np.asarray(groups)
    if names.shape != (rows,):
        raise DataError(f"the groups have the shape {names.shape}, not ({rows},)")
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _numbers(what: str, values: ArrayLike) -> NDArray[Any]:
    """Make an array of real numbers.

    Raises:
        DataError: It cannot be done.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataError(f"{what} are no array: {error}") from error
    if array.dtype.kind not in "biuf":
        raise DataError(f"{what} are {array.dtype}, not numbers")
    return array
