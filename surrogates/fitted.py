"""A fitted model, with what it was fitted to and how good it is, in one file."""

import importlib.metadata
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surrogates import archive
from surrogates.model import MODELS, Draw, Model, Prediction
from surrogates.table import DataError

FORMAT = 1
_LIBRARIES = ("numpy", "scikit-learn", "lightgbm", "xgboost-cpu", "torch")


@dataclass(frozen=True)
class Origin:
    """What a model was fitted to, and how good it is.

    Attributes:
        space: Name of the search space that rows encode.
        encoding: Name of the encoding.
        table: Name of the benchmark whose errors were learned.
        digest: Of its table, in hex.
        cells: Rows that were learned from.
        seed: That chose them.
        epochs: int [E], after which a prediction is of the error: one, or those of a
            learning curve.
        metrics: On cells that were held out, by name, such as "kendall".
        versions: Of Python and the libraries at work, by name.
    """

    space: str
    encoding: str
    table: str
    digest: str
    cells: int
    seed: int
    epochs: tuple[int, ...]
    metrics: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=lambda: installed())


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted model and its origin.

    Attributes:
        model: Of `MODELS`.
        origin: Of it.
    """

    model: Model
    origin: Origin

    @property
    def name(self) -> str:
        """The model's name in `MODELS`."""
        return type(self.model).__name__

    @property
    def manifest(self) -> dict[str, Any]:
        """Format, model, settings and origin, as the file has them."""
        return {
            "format": FORMAT,
            "model": self.name,
            "settings": dict(self.model.settings),
            **asdict(self.origin),
        }

    @property
    def epochs(self) -> tuple[int, ...]:
        """After which a prediction is of the error."""
        return self.origin.epochs

    def predict(self, X: ArrayLike) -> Prediction:
        """Predict B rows; see `Model.predict`."""
        return self.model.predict(X)

    def draw(self, X: ArrayLike, seed: int) -> Draw:
        """Predict and sample B rows; equal seeds and rows give equal draws."""
        return self.model.draw(X, np.random.default_rng(seed))

    def sample(self, X: ArrayLike, seed: int) -> NDArray[np.float64]:
        """Draw one observation a row; equal seeds and rows give equal draws."""
        return self.model.sample(X, np.random.default_rng(seed))

    def seconds(self, X: ArrayLike) -> NDArray[np.float64]:
        """Predict the seconds of the whole training of B rows; see `Model.seconds`."""
        return self.model.seconds(X)

    def expect(self, space: str, encoding: str | None = None) -> None:
        """Make sure that the model is of a space, and of an encoding if one is given.

        Raises:
            DataError: It is not.
        """
        for what, have, want in (
            ("space", self.origin.space, space),
            ("encoding", self.origin.encoding, encoding or self.origin.encoding),
        ):
            if have != want:
                raise DataError(
                    f"the surrogate was fitted to the {what} {have!r:.60}, not {want!r}"
                )

    def save(self, path: Path) -> None:
        """Write all to one file, never half of it.

        Raises:
            DataError: The model is not fitted.
            OSError: The path cannot be written.
        """
        archive.write(path, self.manifest, self.model.state())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            DataError: It is no such file, damaged, or of another version.
        """
        manifest, files = archive.read(path)
        if manifest.get("format") != FORMAT:
            raise DataError(
                f"{path} has the format {manifest.get('format')!r:.20}, and this"
                f" version reads {FORMAT}: fit the surrogate again"
            )
        name, settings = manifest.get("model"), manifest.get("settings")
        if not isinstance(name, str) or name not in MODELS:
            raise DataError(
                f"{path} has the model {name!r:.40}, not one of {', '.join(MODELS)}"
            )
        origin = _origin(path, manifest)
        if not isinstance(settings, dict):
            raise DataError(f"{path} is damaged: its model has no settings")
        try:
            return cls(MODELS[name].restore(settings, files), origin)
        except DataError as error:
            raise DataError(f"{path}: {error}") from error


def installed() -> dict[str, str]:
    """Tell the versions of Python and the libraries that models may use."""
    versions = {"python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            versions[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _origin(path: Path, manifest: Mapping[str, Any]) -> Origin:
    """Read what a model was fitted to.

    Raises:
        DataError: It does not say so.
    """
    kinds = {
        "cells": int,
        "seed": int,
        "epochs": list,
        "metrics": dict,
        "versions": dict,
    }
    values: dict[str, Any] = {}
    for entry in fields(Origin):
        value = manifest.get(entry.name)
        if type(value) is not kinds.get(entry.name, str):
            raise DataError(f"{path} is damaged: its {entry.name} is {value!r:.40}")
        values[entry.name] = value
    epochs = values["epochs"]
    if not epochs or any(type(epoch) is not int or epoch < 1 for epoch in epochs):
        raise DataError(f"{path} is damaged: its epochs are {epochs!r:.40}")
    return Origin(**{**values, "epochs": tuple(epochs)})
