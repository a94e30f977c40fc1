"""NAS-Bench-301: DARTS cells on CIFAR-10, judged by a published surrogate.

`nb301/cifar10` is a network that was published in the ONNX format, with errors and
seconds after 1 to 98 epochs and without noise. `nb301_xgb/cifar10` and
`nb301_lgb/cifar10` are the authors' ensembles of boosted trees, of the error after 100
epochs; their noise is the authors', a normal draw with the standard deviation of the
members. All predict errors on the validation set.

Trainings are of 8 cells and 32 channels, see section 3 and appendix of Zela et al.,
"Surrogate NAS Benchmarks", ICLR 2022. https://arxiv.org/abs/2008.09777
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchsuite.benchmarks.installed import AbsentError, data_folder, open_installed
from benchsuite.benchmarks.surrogate import Predicted, SurrogateBenchmark, stream
from benchsuite.spaces import DARTS, Architecture
from surrogates import Table
from surrogates.nb301_ensemble import TreeEnsemble
from surrogates.nb301_network import EPOCHS, MODEL, Network

NETWORK = "nb301"
"""The table of the network; those of ensembles add _ and a name of `ENSEMBLES`."""

ENSEMBLES = {
    "xgb": "xgb_v1.0",
    "lgb": "lgb_v1.0",
    "xgb_time": "xgb_runtime_v1.0",
    "lgb_time": "lgb_runtime_v1.0",
}
"""What the authors call a model, and its folder. Those of _time predict seconds."""

_CLOCKS = ("lgb_time", "xgb_time")  # in the order in which they are looked for
_FULL = 100  # epochs


def network() -> SurrogateBenchmark:
    """Open the published network.

    Raises:
        AbsentError: It is not imported.
        DataError: It is damaged.
    """
    table = open_installed(NETWORK, MODEL)
    judge = NetworkJudge(Network(_files(table)))
    return SurrogateBenchmark(f"{NETWORK}/cifar10", table.digest[:8], DARTS, judge)


def ensemble(kind: str) -> SurrogateBenchmark:
    """Open an ensemble, whose seconds are those of an imported ensemble for them.

    Args:
        kind: "xgb" or "lgb".

    Raises:
        AbsentError: It is not imported, or there is none for the seconds.
        DataError: One of both is damaged.
    """
    table = open_installed(f"{NETWORK}_{kind}", ENSEMBLES[kind])
    if (clock := _clock()) is None:
        raise AbsentError(
            f"{NETWORK}_{kind} tells no seconds: benchsuite import"
            f" {ENSEMBLES[_CLOCKS[0]]}"
        )
    times = open_installed(f"{NETWORK}_{clock}", ENSEMBLES[clock])
    judge = EnsembleJudge(TreeEnsemble(_files(table)), TreeEnsemble(_files(times)))
    return SurrogateBenchmark(
        f"{NETWORK}_{kind}/cifar10", table.digest[:8], DARTS, judge
    )


def needs(release: str) -> str:
    """Name what a release still lacks: "nb301", or an ensemble; empty if nothing."""
    kind = release.partition("_")[2]
    if not _there(release):
        return ENSEMBLES[kind] if kind else MODEL
    return "" if not kind or _clock() else ENSEMBLES[_CLOCKS[0]]


def _there(name: str) -> bool:
    return (data_folder() / name / "table.json").exists()


def _clock() -> str | None:
    """Find an ensemble for the seconds."""
    return next((kind for kind in _CLOCKS if _there(f"{NETWORK}_{kind}")), None)


def _files(table: Table) -> dict[str, bytes]:
    return {name: content.tobytes() for name, content in table.files.items()}


class NetworkJudge:
    """The published network, whose seconds never fall.

    As published, the first few epochs take longer than some after them: every cell
    seems to need more seconds to one epoch than to three. Here the seconds to an epoch
    are the least that the network has for it or any later one.

    Attributes:
        epochs: 1 to 98.
        noisy: False: it is a single network, and no residuals of it were published.
    """

    epochs = EPOCHS
    noisy = False

    def __init__(self, model: Network) -> None:
        """Take a network."""
        self.model = model

    def __call__(
        self, archs: Sequence[Architecture], epochs: tuple[int, ...], seed: int | None
    ) -> Predicted:
        """Predict trainings; see `surrogate.Judge`."""
        edges = np.repeat(_edges(archs), len(epochs), axis=0)
        errors, seconds = self.model(edges, np.tile(epochs, len(archs)))
        shape = len(archs), len(epochs)
        rising = np.minimum.accumulate(seconds.reshape(shape)[:, ::-1], axis=1)[:, ::-1]
        return Predicted(errors.reshape(shape), np.maximum(rising, 0))


class EnsembleJudge:
    """The authors' ensembles, one for errors and one for seconds.

    Attributes:
        epochs: 100.
        noisy: True.
    """

    epochs = (_FULL,)
    noisy = True

    def __init__(self, model: TreeEnsemble, clock: TreeEnsemble) -> None:
        """Take an ensemble of accuracies in percent, and one of seconds."""
        self._model, self._clock = model, clock

    def __call__(
        self, archs: Sequence[Architecture], epochs: tuple[int, ...], seed: int | None
    ) -> Predicted:
        """Predict trainings; see `surrogate.Judge`."""
        edges = _edges(archs)
        members = self._model(edges)
        accuracy = members.mean(axis=0)
        if seed is not None:
            normal = [stream(arch, seed).standard_normal() for arch in archs]
            accuracy = accuracy + members.std(axis=0) * normal
        errors = np.clip(1 - accuracy / 100, 0, 1)
        seconds = self._clock(edges).mean(axis=0)
        return Predicted(errors[:, None], np.maximum(seconds, 0)[:, None])


def _edges(archs: Sequence[Architecture]) -> NDArray[np.int64]:
    """Write cells as the models read them: options are numbered alike."""
    return np.array(archs, dtype=np.int64)
