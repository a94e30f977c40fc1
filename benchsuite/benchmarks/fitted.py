"""`surrogate:<file>`: a benchmark from a model that `benchsuite fit` fitted to another.

An observation is the predicted mean, and a draw of the noise between runs of a network
as the table had it (see `fitting.run_noise`), which moves a learning curve as a whole.
Where the table had one run of each network, it is a draw of the model instead, whose
spread is what the model does not know: much more than the noise. Seconds are predicted
for full training; to fewer epochs they are in proportion.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchsuite.benchmarks.surrogate import Predicted, SurrogateBenchmark, stream
from benchsuite.spaces import SPACES, Architecture
from benchsuite.spaces.encodings import ENCODINGS, Encode
from surrogates import DataError
from surrogates.fitted import Fitted

KIND = "surrogate:"
"""What the names begin with."""

RUN_NOISE = "run_noise"
"""The metric of a file that is the noise between runs."""


def open_fitted(path: Path) -> SurrogateBenchmark:
    """Open a file that `benchsuite fit` wrote.

    The benchmark's name has the path, so that rows tell which file to open again.

    Raises:
        DataError: It is no such file, damaged, or of a space or an encoding that is not
            known here.
    """
    fitted = Fitted.load(path)
    origin = fitted.origin
    for what, name, known in (
        ("space", origin.space, SPACES),
        ("encoding", origin.encoding, ENCODINGS),
    ):
        if name not in known:
            raise DataError(
                f"{path} was fitted to the {what} {name!r:.40}; known are"
                f" {', '.join(known)}"
            )
    space = SPACES[origin.space]
    try:
        judge = FittedJudge(fitted, ENCODINGS[origin.encoding](space))
        judge([space.sample(np.random.default_rng(0))], judge.epochs, None)
    except ValueError as error:  # another encoding, or a space that has none
        raise DataError(f"{path}: {error}") from error
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return SurrogateBenchmark(f"{KIND}{_spelled(path)}", digest[:8], space, judge)


def _spelled(path: Path) -> str:
    """Spell a path without dots that lead elsewhere, which are no names of results."""
    plain = os.path.normpath(path)
    return str(path.resolve()) if plain.startswith("..") else plain


def moved(errors: NDArray[np.float64], by: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move errors on the scale log(e / (1 - e)), which keeps them in [0, 1].

    Example:
        >>> moved(np.array([0.0, 0.5]), np.log(np.array([3.0, 3.0]))).round(3).tolist()
        [0.0, 0.75]
    """
    odds = np.exp(by)
    result: NDArray[np.float64] = errors * odds / (1 + errors * (odds - 1))
    return result


class FittedJudge:
    """A fitted model.

    Attributes:
        epochs: Those that it was fitted to.
        noisy: True.
    """

    noisy = True

    def __init__(self, fitted: Fitted, encode: Encode) -> None:
        """Take a model, and what makes its rows."""
        self.epochs = fitted.epochs
        self._model, self._encode = fitted.model, encode
        self._noise = fitted.origin.metrics.get(RUN_NOISE)
        self._column = {epochs: k for k, epochs in enumerate(self.epochs)}

    def __call__(
        self, archs: Sequence[Architecture], epochs: tuple[int, ...], seed: int | None
    ) -> Predicted:
        """Predict trainings; see `surrogate.Judge`."""
        rows = self._encode(archs)
        if seed is None:
            said = self._model.predict(rows).mean
        elif self._noise is None:
            draws = [
                self._model.sample(rows[n : n + 1], stream(arch, seed))
                for n, arch in enumerate(archs)
            ]
            said = np.concatenate(draws)
        else:
            normal = [stream(arch, seed).standard_normal() for arch in archs]
            mean = self._model.predict(rows).mean.reshape(len(archs), -1)
            said = moved(mean, self._noise * np.array(normal)[:, None])
        curves: NDArray[np.float64] = said.reshape(len(archs), -1)
        errors = curves[:, [self._column[epoch] for epoch in epochs]]
        share = np.array(epochs) / self.epochs[-1]
        return Predicted(errors, self._model.seconds(rows)[:, None] * share)
