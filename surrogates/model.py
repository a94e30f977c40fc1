"""What every surrogate model can do, and the models by name.

A model maps rows of features to an error, or to the errors of a learning curve, with an
uncertainty. It knows rows, not architectures: `benchsuite.spaces.encodings` makes rows.
"""

import importlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Prediction(NamedTuple):
    """What a model says of B rows.

    Attributes:
        mean: float64 [B], or [B, E] for learning curves: errors in [0, 1].
        std: float64, as `mean`: calibrated, so that `mean` +- 1.96 `std` holds 95 % of
            what is observed.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]


class Draw(NamedTuple):
    """A prediction of B rows, and one observation of each.

    Attributes:
        mean: As in `Prediction`.
        std: As in `Prediction`.
        sample: float64, as `mean`: a random observation with about that mean and std.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    sample: NDArray[np.float64]


class Model(Protocol):
    """A fitted, or not yet fitted, map from rows to errors."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the constructor was called with, as JSON has it."""

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        seconds: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Fit to N rows, and calibrate the uncertainty on rows that were held out.

        Args:
            X: float32 [N, F], features.
            y: float64 [N], errors as fractions; or [N, E], the error at every epoch.
            seconds: float64 [N], of the whole training; then `seconds` can be asked.
            groups: [N]; rows of one group, such as an isomorphism class, are held out
                together. Without it every row is a group of its own.

        Raises:
            DataError: The arrays do not fit together, hold nan, or are too few.
        """

    def predict(self, X: ArrayLike) -> Prediction:
        """Predict B rows, float32 [B, F].

        Raises:
            DataError: The model is not fitted, or was fitted to other features.
        """

    def draw(self, X: ArrayLike, rng: np.random.Generator) -> Draw:
        """Predict and sample B rows at the cost of one of both.

        Raises:
            DataError: As `predict`.
        """

    def sample(self, X: ArrayLike, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw one observation a row, [B] or [B, E]; equal states give equal draws.

        Raises:
            DataError: As `predict`.
        """

    def seconds(self, X: ArrayLike) -> NDArray[np.float64]:
        """Predict the seconds of the whole training of B rows, [B].

        Raises:
            DataError: As `predict`, or the model was fitted without seconds.
        """

    def state(self) -> Mapping[str, bytes]:
        """Give all that was fitted, as files by name, none of them a pickle.

        Raises:
            DataError: The model is not fitted.
        """

    @classmethod
    def restore(cls, settings: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        """Undo `settings` and `state`.

        Raises:
            DataError: The files are damaged, or of another model.
        """


_HOMES = {
    "RandomForest": "forest",
    "ExtraTrees": "forest",
    "GradientBoosting": "gradient_boosting",
    "GaussianProcess": "gaussian_process",
    "LightGBM": "lightgbm_model",
    "XGBoost": "xgboost_model",
    "MlpEnsemble": "mlp",
    "GraphNetwork": "graph_network",
}


class _Models(Mapping[str, type[Model]]):
    """Classes by name, whose modules are loaded when one is asked for."""

    def __getitem__(self, name: str) -> type[Model]:
        module = importlib.import_module(f"surrogates.{_HOMES[name]}")
        model: type[Model] = getattr(module, name)
        return model

    def __iter__(self) -> Iterator[str]:
        return iter(_HOMES)

    def __len__(self) -> int:
        return len(_HOMES)


MODELS: Mapping[str, type[Model]] = _Models()
