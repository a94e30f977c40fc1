"""NAS-Bench-301's ensembles of boosted trees, whose members are files of their library.

Zela et al., ICLR 2022 (see `nb301`): xgb_v1.0 predicts the accuracy, lgb_runtime_v1.0
the seconds. The authors distribute members as pickles of boosters, which are not opened
here; their owner saves each booster once as its library does: `save_model`, to .json or
.ubj (XGBoost) or .txt (LightGBM).

Rows are those of `Configuration.get_array` in ConfigSpace 0.4.11 for the authors'
configspace.json: 56 hyper-parameters, first those without a condition, by name, then
those with one, by name; an option is its number, from 0 on, and -1 if it is not there.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surrogates import nb301
from surrogates.extras import library
from surrogates.table import DataError

ENDS = (".json", ".ubj", ".txt")
"""Of files of boosters, by which their library is told."""

_CELLS = "NetworkSelectorDatasetInfo:darts:"
_ALWAYS = ("edge_normal_0", "edge_normal_1", "edge_reduce_0", "edge_reduce_1")
_FIXED = (
    "CreateImageDataLoader:batch_size",
    *(f"ImageAugmentation:{name}" for name in (
        "augment", "autoaugment", "cutout", "cutout_holes", "cutout_length",
        "fastautoaugment",
    )),
    "LossModuleSelectorIndices:loss_module",
    *(f"{_CELLS}{name}" for name in (
        "auxiliary", "drop_path_prob", "init_channels", "layers",
    )),
    "NetworkSelectorDatasetInfo:network",
    "OptimizerSelector:optimizer",
    *(f"OptimizerSelector:sgd:{name}" for name in (
        "learning_rate", "momentum", "weight_decay",
    )),
    *(f"SimpleLearningrateSchedulerSelector:{name}" for name in (
        "cosine_annealing:T_max", "cosine_annealing:eta_min", "lr_scheduler",
    )),
    "SimpleTrainNode:batch_loss_computation_technique",
    "SimpleTrainNode:mixup:alpha",
)  # fmt: skip
"""Hyper-parameters that are the same in all trainings."""


def _order() -> tuple[str, ...]:
    """Name the columns of a row."""
    conditional = {c for c in nb301.COLUMNS if c.startswith("edge")} - {*_ALWAYS}
    free = {f"{_CELLS}{c}" for c in nb301.COLUMNS if c not in conditional}
    return (*sorted({*_FIXED, *free}), *sorted(f"{_CELLS}{c}" for c in conditional))


FEATURES = _order()
_PLACES = np.array([FEATURES.index(f"{_CELLS}{column}") for column in nb301.COLUMNS])


def rows(edges: nb301.Edges, fixed: float = 0.0) -> NDArray[np.float32]:
    """Write cells as the boosters read them, float32 [B, 56].

    Args:
        edges: [B, 28], see `nb301`.
        fixed: What stands in columns that no training differs in.
    """
    table = np.full((len(edges), len(FEATURES)), fixed, dtype=np.float32)
    table[:, _PLACES] = nb301.categories(edges) - 1
    return table


class TreeEnsemble:
    """Boosters that each predict the same figure."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        """Read the boosters.

        Args:
            files: Of members by name, which has one of `ENDS`.

        Raises:
            DataError: There is none, one is damaged or of other rows, or its library is
                not installed.
        """
        if not files:
            raise DataError("an ensemble of NAS-Bench-301 has one member or more")
        self._members = [_booster(name, files[name]) for name in sorted(files)]

    def __call__(self, edges: nb301.Edges) -> NDArray[np.float64]:
        """Ask every member, [M, B]."""
        return self._ask(rows(edges))

    def check(self, edges: nb301.Edges) -> None:
        """See that nothing but the cell matters, and that answers are numbers.

        Raises:
            DataError: So it is not: the rows are not those that members were fitted to.
        """
        answers = self(edges)
        if not np.array_equal(answers, self._ask(rows(edges, fixed=1.0))):
            raise DataError(
                "the members look at hyper-parameters that all trainings of"
                " NAS-Bench-301 have in common: they were fitted to other rows"
            )
        if not np.isfinite(answers).all() or np.ptp(answers) == 0:
            raise DataError("the members do not tell cells apart")

    def _ask(self, table: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.stack([np.asarray(ask(table), np.float64) for ask in self._members])


def _booster(name: str, content: bytes) -> Any:
    """Read one booster, as a function of rows."""
    if name.endswith(".txt"):
        ask, features = _lightgbm(name, content)
    else:
        ask, features = _xgboost(name, content)
    if features != len(FEATURES):
        raise DataError(
            f"{name} was fitted to rows of {features} columns; those of NAS-Bench-301"
            f" have {len(FEATURES)}"
        )
    return ask


def _xgboost(name: str, content: bytes) -> tuple[Any, int]:
    xgboost = library("xgboost", "surrogate")
    try:
        booster = xgboost.Booster({"nthread": 1, "verbosity": 0})
        booster.load_model(bytearray(content))
    except (xgboost.core.XGBoostError, ValueError) as error:
        raise _damaged(name, "XGBoost", error) from error

    def ask(table: NDArray[np.float32]) -> Any:
        return booster.inplace_predict(table, validate_features=False)

    return ask, booster.num_features()


def _lightgbm(name: str, content: bytes) -> tuple[Any, int]:
    lightgbm = library("lightgbm", "surrogate")
    try:
        booster = lightgbm.Booster(model_str=content.decode())
    except (lightgbm.basic.LightGBMError, UnicodeDecodeError) as error:
        raise _damaged(name, "LightGBM", error) from error

    def ask(table: NDArray[np.float32]) -> Any:
        return booster.predict(table, num_threads=1)

    return ask, booster.num_feature()


def _damaged(name: str, kind: str, error: Exception) -> DataError:
    reason = " ".join(f"{error}".split())
    return DataError(f"{name} is no booster of {kind}: {reason:.80}")
