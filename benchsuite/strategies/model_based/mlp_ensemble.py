"""An ensemble of multilayer perceptrons, trained side by side on the absolute error.

White, Neiswanger & Savani, "BANANAS: Bayesian Optimization with Neural Architectures
for Neural Architecture Search", AAAI 2021. https://arxiv.org/abs/1910.11858
Kingma & Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, Algorithm 1.
"""

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchsuite.spaces import Architecture
from benchsuite.strategies.model_based.encodings import Encode
from benchsuite.strategies.model_based.loop import Belief, Fit, Predict, standardised

Floats = NDArray[np.float32]


class Perceptrons:
    """M networks of the same shape: affine maps with ReLU between them.

    Args:
        members: M.
        widths: Of the input, the hidden layers and the output.
        rng: For the weights, uniform as by Glorot & Bengio (2010); biases are 0.
    """

    def __init__(
        self, members: int, widths: Sequence[int], rng: np.random.Generator
    ) -> None:
        shapes = [(n + 1, m) for n, m in itertools.pairwise(widths)]
        # One array for all, of which each layer is a view: so Adam is a few lines.
        total = sum(n * m for n, m in shapes)
        self.parameters: Floats = np.zeros(members * total, dtype=np.float32)
        self.gradient: Floats = np.zeros_like(self.parameters)
        self._layers = list(self._views(self.parameters, members, shapes))
        self._slopes = list(self._views(self.gradient, members, shapes))
        self._values: dict[int, list[Floats]] = {}  # room for B rows, used again
        for layer in self._layers:
            bound = (6 / (layer.shape[1] - 1 + layer.shape[2])) ** 0.5
            layer[:, :-1] = rng.uniform(-bound, bound, layer[:, :-1].shape)

    @staticmethod
    def _views(
        flat: Floats, members: int, shapes: Sequence[tuple[int, int]]
    ) -> list[Floats]:
        """Cut an array into layers, [M, inputs + 1, outputs]; the bias comes last."""
        layers, start = [], 0
        for n, m in shapes:
            stop = start + members * n * m
            layers.append(flat[start:stop].reshape(members, n, m))
            start = stop
        return layers

    def __call__(self, inputs: Floats) -> Floats:
        """Map inputs, [M, B, F], to outputs, [M, B]."""
        return self._forward(inputs)[-1][:, :, 0]

    def _forward(self, inputs: Floats) -> list[Floats]:
        """Give the inputs of every layer, [M, B, width + 1], and the output.

        To the inputs a 1 is added, so that the bias is a weight like others.
        """
        members, rows, _ = inputs.shape
        if rows not in self._values:
            self._values[rows] = [
                np.ones((members, rows, layer.shape[1]), dtype=np.float32)
                for layer in self._layers
            ]
        values = self._values[rows]
        values[0][:, :, :-1] = inputs
        for layer, before, after in zip(self._layers, values, values[1:], strict=False):
            np.matmul(before, layer, out=after[:, :, :-1])
            np.maximum(after, 0, out=after)  # a 1 stays 1
        return [*values, values[-1] @ self._layers[-1]]

    def differentiate(self, inputs: Floats, targets: Floats) -> None:
        """Set `gradient` to that of every network's mean absolute error.

        Args:
            inputs: [M, B, F].
            targets: [M, B].
        """
        *values, output = self._forward(inputs)
        slope = np.sign(output - targets[:, :, None])
        slope /= slope.shape[1]
        for n in range(len(self._layers) - 1, -1, -1):
            np.matmul(values[n].transpose(0, 2, 1), slope, out=self._slopes[n])
            if n:
                slope = slope @ self._layers[n].transpose(0, 2, 1)
                slope *= values[n] > 0
                slope = slope[:, :, :-1]


def train(
    networks: Perceptrons,
    inputs: Floats,
    targets: Floats,
    members: int,
    rng: np.random.Generator,
    *,
    epochs: int = 150,
    batch: int = 32,
    learning_rate: float = 0.01,
) -> None:
    """Minimise the absolute error by Adam; every member shuffles for itself.

    Args:
        networks: What is trained.
        inputs: [N, F].
        targets: [N].
        members: Number of networks.
        rng: For the order of examples.
        epochs: Sweeps through the examples.
        batch: Examples to a step.
        learning_rate: Of Adam.
    """
    parameters, gradient = networks.parameters, networks.gradient
    first, second = np.zeros_like(gradient), np.zeros_like(gradient)
    spread = np.empty_like(gradient)
    steps = 0
    for _ in range(epochs):
        first += 1e-30  # what decays must not end among the slow subnormal numbers
        orders = rng.random((members, len(inputs))).argsort(axis=1)
        for start in range(0, len(inputs), batch):
            rows = orders[:, start : start + batch]
            networks.differentiate(inputs[rows], targets[rows])
            steps += 1
            # The moments grow to 10 and 1,000 times those of the paper, whose factors
            # 1 - beta go into the rate; nothing is allocated, for speed.
            first *= 0.9  # beta_1
            first += gradient
            gradient *= gradient
            second *= 0.999  # beta_2
            second += gradient
            np.sqrt(second, out=spread)
            root = ((1 - 0.999**steps) / 0.001) ** 0.5
            spread += 1e-8 * root
            np.divide(first, spread, out=spread)
            spread *= learning_rate * 0.1 / (1 - 0.9**steps) * root
            parameters -= spread


def mlp_ensemble(encode: Encode, members: int, layers: int, width: int) -> Fit:
    """Model standardised errors; mean and spread are those of the members."""

    def fit(
        archs: Sequence[Architecture],
        errors: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> Predict:
        inputs = encode(archs).astype(np.float32)
        values = standardised(errors)
        widths = (inputs.shape[1], *[width] * layers, 1)
        networks = Perceptrons(members, widths, rng)
        train(networks, inputs, values.astype(np.float32), members, rng)

        def predict(archs: Sequence[Architecture]) -> Belief:
            codes = encode(archs).astype(np.float32)
            each = networks(np.broadcast_to(codes, (members, *codes.shape)))
            outputs = each.astype(np.float64)
            return Belief(
                outputs.mean(axis=0), outputs.std(axis=0), float(values.min())
            )

        return predict

    return fit
