"""An ensemble of multilayer perceptrons.

White et al., "BANANAS", AAAI 2021, predicts with an ensemble of such networks.
https://arxiv.org/abs/1910.11858
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surrogates.ensemble import Ensemble, Members
from surrogates.extras import library
from surrogates.networks import Networks, trained


@dataclass(kw_only=True, eq=False)
class MlpEnsemble(Ensemble):
    """Perceptrons with ReLU, trained side by side.

    Attributes:
        members: M.
        width: Of a hidden layer.
        depth: Hidden layers.
        epochs: Passes over the rows.
        batch_size: Rows a step, at most, while `steps` allow.
        steps: Of an epoch, at most.
        learning_rate: Of AdamW, at its largest.
        weight_decay: Of AdamW.
        splits: As in `Ensemble`; two, as a fit takes long.
    """

    splits: int = 2
    members: int = 5
    width: int = 64
    depth: int = 3
    epochs: int = 100
    batch_size: int = 100
    steps: int = 50
    learning_rate: float = 0.01
    weight_decay: float = 0.001

    def _learn(
        self,
        X: NDArray[np.float32],
        targets: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> Members:
        weights = trained(
            _forward,
            self._shapes(X.shape[1], targets.shape[1]),
            X,
            targets,
            rng,
            epochs=self.epochs,
            batch_size=max(self.batch_size, len(X) // self.steps),
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
        )
        return Networks(_forward, weights)

    def _load(self, files: Mapping[str, bytes], features: int, targets: int) -> Members:
        return Networks.read(files, _forward, self._shapes(features, targets))

    def _shapes(self, features: int, targets: int) -> dict[str, tuple[int, ...]]:
        """Tell the shapes of weights and biases, by layer."""
        sizes = [features, *[self.width] * self.depth, targets]
        shapes: dict[str, tuple[int, ...]] = {}
        for layer in range(len(sizes) - 1):
            shapes[f"weight{layer}"] = (self.members, *sizes[layer : layer + 2])
            shapes[f"bias{layer}"] = (self.members, sizes[layer + 1])
        return shapes


def _forward(weights: Mapping[str, Any], rows: Any) -> Any:
    """Map rows [M, B, F] to [M, B, K]."""
    torch = library("torch", "supernet")
    last = len(weights) // 2 - 1
    for layer in range(last + 1):
        bias = weights[f"bias{layer}"].unsqueeze(1)
        rows = torch.baddbmm(bias, rows, weights[f"weight{layer}"])
        rows = rows.relu() if layer < last else rows
    return rows
