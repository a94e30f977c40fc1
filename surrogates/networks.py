"""What the two ensembles of networks share: their training, and their files.

All members are trained at once, as one network whose weights have a first axis of
members; each has its own start and its own order of the rows.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surrogates.extras import library
from surrogates.table import DataError
from surrogates.threads import one_thread

_FILE = "networks.safetensors"
Forward = Callable[[Mapping[str, Any], Any], Any]
"""From weights and rows [M, B, F] to answers [M, B, K]."""


def trained(
    forward: Forward,
    shapes: Mapping[str, tuple[int, ...]],
    X: NDArray[np.float32],
    targets: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    weight_decay: float,
) -> dict[str, Any]:
    """Train members by AdamW, on squared errors, with a cosine schedule.

    Args:
        forward: The networks.
        shapes: Of the weights, by name, from [M, ...] on: those of three axes, [M, in,
            out], start as uniform as in `torch.nn.Linear`, others at 0.
        X: [N, F].
        targets: [N, K].
        rng: Of the seed.
        epochs: Passes over the rows.
        batch_size: Rows a step, at most.
        learning_rate: At the start.
        weight_decay: Of AdamW.

    Returns:
        Weights by name, float32.
    """
    torch = library("torch", "supernet")
    draw = torch.Generator().manual_seed(int(rng.integers(2**31)))
    weights = {name: _start(torch, shape, draw) for name, shape in shapes.items()}
    members = next(iter(shapes.values()))[0]
    rows = torch.from_numpy(np.ascontiguousarray(X))
    wanted = torch.from_numpy(targets.astype(np.float32))
    steps = epochs * math.ceil(len(rows) / batch_size)
    adam = torch.optim.AdamW(
        weights.values(), lr=learning_rate, weight_decay=weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        adam, learning_rate, total_steps=max(2, steps), cycle_momentum=False
    )
    with one_thread(), Threads(torch), torch.enable_grad():
        for _ in range(epochs):
            order = torch.rand(members, len(rows), generator=draw).argsort(dim=1)
            for some in order.split(batch_size, dim=1):
                adam.zero_grad()
                error = forward(weights, rows[some]) - wanted[some]
                (error**2).sum(dim=-1).mean(dim=1).sum().backward()
                adam.step()
                schedule.step()
    return {name: weight.detach() for name, weight in weights.items()}


class Threads:
    """One thread for torch, in a `with`; afterwards as many as before."""

    def __init__(self, torch: Any) -> None:
        self._torch, self._before = torch, torch.get_num_threads()

    def __enter__(self) -> None:
        if self._before != 1:
            self._torch.set_num_threads(1)

    def __exit__(self, *_: object) -> None:
        if self._before != 1:
            self._torch.set_num_threads(self._before)


class Networks:
    """Trained members."""

    def __init__(self, forward: Forward, weights: Mapping[str, Any]) -> None:
        self._torch = library("torch", "supernet")
        self._forward, self._weights = forward, weights
        self._members = len(next(iter(weights.values())))

    def __call__(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Predict B rows, [M, B, K]."""
        with Threads(self._torch), self._torch.inference_mode():
            rows = self._torch.from_numpy(X).expand(self._members, -1, -1)
            said = self._forward(self._weights, rows)
            answers: NDArray[np.float64] = said.numpy().astype(np.float64)
        return answers

    def files(self) -> dict[str, bytes]:
        """Write the weights."""
        safetensors = library("safetensors.numpy", "supernet")
        return {
            _FILE: safetensors.save({k: w.numpy() for k, w in self._weights.items()})
        }

    @classmethod
    def read(
        cls,
        files: Mapping[str, bytes],
        forward: Forward,
        shapes: Mapping[str, tuple[int, ...]],
    ) -> "Networks":
        """Read what `files` gave.

        Raises:
            DataError: It is damaged, or of other networks.
        """
        torch = library("torch", "supernet")
        safetensors = library("safetensors", "supernet")
        numpy = library("safetensors.numpy", "supernet")
        if _FILE not in files:
            raise DataError(f"the model has no file {_FILE}")
        try:
            arrays = numpy.load(files[_FILE])
        except (safetensors.SafetensorError, LookupError, ValueError) as error:
            raise DataError(
                f"{_FILE} of the model is damaged: {error!s:.80}"
            ) from error
        if {name: array.shape for name, array in arrays.items()} != dict(shapes):
            raise DataError(f"{_FILE} of the model is damaged: it is of other networks")
        if any(array.dtype != np.float32 for array in arrays.values()):
            raise DataError(f"{_FILE} of the model is damaged: it is not float32")
        weights = {name: torch.from_numpy(arrays[name].copy()) for name in shapes}
        return cls(forward, weights)


def _start(torch: Any, shape: tuple[int, ...], draw: Any) -> Any:
    """Draw the weights [M, in, out] from U(-1, 1) / sqrt(in); others are 0."""
    weight = torch.zeros(shape)
    if len(shape) == 3:
        bound = 1 / math.sqrt(shape[1])
        weight.uniform_(-bound, bound, generator=draw)
    return weight.requires_grad_()
