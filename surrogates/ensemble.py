"""What the surrogate models have in common: an ensemble, its mean and its uncertainty.

Lakshminarayanan et al., "Simple and Scalable Predictive Uncertainty Estimation using
Deep Ensembles", NeurIPS 2017. https://arxiv.org/abs/1612.01474
Zela et al., "Surrogate NAS Benchmarks", ICLR 2022, use ensembles of ten boosted trees
or networks. https://arxiv.org/abs/2008.09777
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surrogates import rows
from surrogates.arrays import packed, sound, unpacked
from surrogates.calibration import FOLDS, Calibration, held_out
from surrogates.curves import SCALES, Curves
from surrogates.model import Draw, Prediction
from surrogates.runtime import Runtime
from surrogates.table import DataError

Array = NDArray[np.float64]


class Members(Protocol):
    """M fitted regressors of the same K targets."""

    def __call__(self, X: NDArray[np.float32]) -> Array:
        """Predict B rows, [M, B, K]."""

    def files(self) -> dict[str, bytes]:
        """Write them, in safe formats."""


class _Fitted(NamedTuple):
    """All that fitting found; members are None where all targets were alike."""

    features: int
    single: bool
    curves: Curves
    members: Members | None
    calibration: Calibration
    runtime: Runtime | None


class _Spread(NamedTuple):
    """What members say of B rows: mean, std over members, and each of them."""

    mean: Array
    std: Array
    each: Array


@dataclass(kw_only=True, eq=False)
class Ensemble(ABC):
    """A model of `surrogates.model.Model` whose uncertainty is the spread of members.

    Attributes:
        seed: Of all randomness of a fit.
        scale: Of the errors that members see, a name of `curves.SCALES`.
        components: At most, for learning curves.
        monotone: Whether a predicted error never rises with the epoch.
        splits: So many fifths of the rows, 0 to 5, are held out one after the other to
            calibrate the uncertainty, at the price of as many more fits. More are more
            exact. With 0, std is the bare spread, which is mostly too small.

    Raises:
        DataError: A setting is of another type, or out of range.
    """

    seed: int = 0
    scale: str = "logit"
    components: int = 4
    monotone: bool = False
    splits: int = 5
    _fitted: _Fitted | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        for setting in fields(self):
            if setting.init:
                _check(setting.name, getattr(self, setting.name), setting.default)
        if self.splits > FOLDS:
            raise DataError(f"splits is {self.splits}, not 0 to {FOLDS}")
        if self.scale not in SCALES:
            raise DataError(f"scale is {self.scale!r}, not one of {', '.join(SCALES)}")

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the constructor was called with, as JSON has it."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.init}

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        seconds: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Fit to N rows, and calibrate the uncertainty on rows that were held out.

        Fewer rows than features are no mistake, and targets that are all alike are
        predicted as they are, with std 0. Where all rows are of one group, nothing can
        be held out, and std is the bare spread.

        Args:
            X: float32 [N, F], features.
            y: float64 [N], errors as fractions; or [N, E], the error at every epoch.
            seconds: float64 [N], of the whole training; then `seconds` can be asked.
            groups: [N]; rows of one group, such as an isomorphism class, are held out
                together. Without it every row is a group of its own.

        Raises:
            DataError: The arrays do not fit together, hold nan, or are too few.
        """
        X = rows.features(X)
        errors = rows.errors(y, len(X))
        curve = errors.reshape(len(X), -1)
        named = rows.classes(groups, len(X))
        times = None if seconds is None else rows.durations(seconds, len(X))
        curves, members = self._learned(X, curve)
        self._fitted = _Fitted(
            features=X.shape[1],
            single=errors.ndim == 1,
            curves=curves,
            members=members,
            calibration=self._calibration(X, curve, named),
            runtime=None if times is None else Runtime.fit(X, times),
        )
        return self

    def predict(self, X: ArrayLike) -> Prediction:
        """Predict B rows, float32 [B, F].

        Raises:
            DataError: The model is not fitted, or was fitted to other features.
        """
        fitted = self._ready()
        said = _spread(fitted, rows.features(X, fitted.features))
        std = fitted.calibration.std(said.std, fitted.curves.slope(said.mean))
        return Prediction(_shape(fitted, said.mean), _shape(fitted, std))

    def draw(self, X: ArrayLike, rng: np.random.Generator) -> Draw:
        """Predict B rows, and draw one observation a row, at the cost of one of both.

        A row's draw is its mean and the calibrated residual of one member, the whole
        curve of it, plus noise; clipped to [0, 1].

        Raises:
            DataError: As `predict`.
        """
        fitted = self._ready()
        said = _spread(fitted, rows.features(X, fitted.features))
        slope = fitted.curves.slope(said.mean)
        member = rng.integers(len(said.each), size=len(said.mean))
        normal = rng.standard_normal((len(said.mean), 1))
        residual = said.each[member, np.arange(len(member))] - said.mean
        noisy = said.mean + fitted.calibration.residual(residual, slope, normal)
        sample = fitted.curves.falling(np.clip(noisy, 0, 1))
        std = fitted.calibration.std(said.std, slope)
        return Draw(*(_shape(fitted, array) for array in (said.mean, std, sample)))

    def sample(self, X: ArrayLike, rng: np.random.Generator) -> Array:
        """Draw one observation a row, [B] or [B, E]; equal states give equal draws.

        Raises:
            DataError: As `predict`.
        """
        return self.draw(X, rng).sample

    def seconds(self, X: ArrayLike) -> Array:
        """Predict the seconds of the whole training of B rows, [B].

        Raises:
            DataError: As `predict`, or the model was fitted without seconds.
        """
        fitted = self._ready()
        X = rows.features(X, fitted.features)
        if fitted.runtime is None:
            raise DataError("the model was fitted without seconds, so it predicts none")
        return fitted.runtime(X)

    def state(self) -> Mapping[str, bytes]:
        """Give all that was fitted, as files by name, none of them a pickle.

        Raises:
            DataError: The model is not fitted.
        """
        fitted = self._ready()
        shape = {"features": fitted.features, "single": fitted.single}
        files = {
            "shape.npz": packed({k: np.array(v, np.int64) for k, v in shape.items()}),
            "curves.npz": fitted.curves.file(),
            "calibration.npz": fitted.calibration.file(),
        }
        if fitted.members is not None:
            files |= fitted.members.files()
        if fitted.runtime is not None:
            files |= fitted.runtime.files()
        return files

    @classmethod
    def restore(cls, settings: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        """Undo `settings` and `state`.

        Raises:
            DataError: The files are damaged, or of another model.
        """
        try:
            model = cls(**settings)
        except TypeError as error:
            reason = f"{error}".partition(") ")[2]
            raise DataError(f"{cls.__name__} cannot be set up: it {reason}") from error
        kinds = {"features": ("<i8", 0), "single": ("<i8", 0)}
        shape = {k: int(v) for k, v in unpacked(files, "shape.npz", kinds).items()}
        sound("shape.npz", "it has no features", shape["features"] > 0)
        curves = Curves.read(files, model.scale, model.monotone)
        features, targets, epochs = shape["features"], *curves.basis.shape
        single = bool(shape["single"])
        sound("curves.npz", f"there are {epochs} epochs", epochs == 1 or not single)
        model._fitted = _Fitted(
            features=features,
            single=single,
            curves=curves,
            members=model._load(files, features, targets) if targets else None,
            calibration=Calibration.read(files, epochs),
            runtime=Runtime.read(files, features),
        )
        return model

    @abstractmethod
    def _learn(
        self, X: NDArray[np.float32], targets: Array, rng: np.random.Generator
    ) -> Members:
        """Fit members to targets [N, K], which vary and have variance 1 in all."""

    @abstractmethod
    def _load(self, files: Mapping[str, bytes], features: int, targets: int) -> Members:
        """Read what `Members.files` wrote.

        Raises:
            DataError: The files are damaged.
        """

    def _learned(
        self, X: NDArray[np.float32], errors: Array
    ) -> tuple[Curves, Members | None]:
        """Fit to errors [N, E]; there is nothing to learn where all rows are alike."""
        curves = Curves.fit(errors, self.scale, self.components, self.monotone)
        if not len(curves.basis):
            return curves, None
        rng = np.random.default_rng(self.seed)
        return curves, self._learn(X, curves.forth(errors), rng)

    def _calibration(
        self, X: NDArray[np.float32], errors: Array, groups: NDArray[np.int64]
    ) -> Calibration:
        """Fit to part of the rows and look at the errors on the others."""
        epochs = errors.shape[1]
        if not self.splits or not groups.max():
            return Calibration.none(epochs)
        seen = []
        rng = np.random.default_rng(self.seed)
        for kept, out in held_out(groups, self.splits, rng):
            curves, members = self._learned(X[kept], errors[kept])
            none = Calibration.none(epochs)
            part = _Fitted(X.shape[1], False, curves, members, none, None)
            said = _spread(part, X[out])
            seen.append((errors[out] - said.mean, said.std, curves.slope(said.mean)))
        return Calibration.fit(*map(np.concatenate, zip(*seen, strict=True)))

    def _ready(self) -> _Fitted:
        """Give what fitting found.

        Raises:
            DataError: There was no fit.
        """
        if self._fitted is None:
            raise DataError(f"{type(self).__name__} is not fitted: call fit first")
        return self._fitted


def _spread(fitted: _Fitted, X: NDArray[np.float32]) -> _Spread:
    """Ask every member, in errors."""
    if fitted.members is None:
        each = fitted.curves.back(np.zeros((1, len(X), 0)))
    elif len(X) == 1:  # NumPy adds up one row in another order than it does many
        each = fitted.curves.back(fitted.members(np.repeat(X, 2, axis=0)))
    else:
        each = fitted.curves.back(fitted.members(X))
    mean = np.add.reduce(each) / len(each)
    std = np.sqrt(np.add.reduce((each - mean) ** 2) / len(each))
    return _Spread(*(array[..., : len(X), :] for array in (mean, std, each)))


def _shape(fitted: _Fitted, array: Array) -> Array:
    """Give [B, E], or [B] where targets were [N]."""
    return array[:, 0] if fitted.single else array


def _check(name: str, value: Any, default: object) -> None:
    """Refuse a setting that is of another type than its default, or out of range.

    Raises:
        DataError: It is.
    """
    kind = type(default)
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise DataError(f"{name} is {value!r:.40}, not {kind.__name__}")
    if isinstance(default, bool | str):
        return
    least = (
        0 if name in ("seed", "splits") else 1 if isinstance(default, int) else 1e-12
    )
    number: Any = value
    if not least <= number < 2**31:
        raise DataError(f"{name} is {value}, not {least} or more")
