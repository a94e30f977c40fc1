"""A pairwise ranker: logistic regression on the differences of encodings.

Burges et al., "Learning to Rank using Gradient Descent", ICML 2005, eq. 3, with a score
that is linear, as in Herbrich, Graepel & Obermayer, "Large Margin Rank Boundaries for
Ordinal Regression", 2000.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchsuite.spaces import Architecture
from benchsuite.strategies.model_based.encodings import Encode
from benchsuite.strategies.model_based.loop import Belief, Fit, Predict

_STEPS = 20  # of Newton's method; it stops earlier


def rank_weights(
    codes: NDArray[np.float64], errors: NDArray[np.float64], ridge: float
) -> NDArray[np.float64]:
    """Minimise the mean of -log sigma(g(a) - g(b)) over pairs with a the better.

    The score g is linear, g(x) = w x; a `ridge` |w|^2 / 2 is added. Ties are no pairs.

    Args:
        codes: x, [N, F].
        errors: [N].
        ridge: Above 0, so that there is one minimum.

    Returns:
        w, [F].
    """
    better = (errors[:, None] < errors[None]).astype(np.float64)
    better /= max(better.sum(), 1.0)
    penalty = ridge * np.eye(codes.shape[1])
    weights = np.zeros(codes.shape[1])
    for _ in range(_STEPS):
        scores = codes @ weights
        # sigma(g(b) - g(a)), what the ranker still believes against the pair
        doubt = 0.5 - 0.5 * np.tanh(0.5 * (scores[:, None] - scores[None]))
        pull = better * doubt
        gradient = codes.T @ (pull.sum(axis=0) - pull.sum(axis=1)) + ridge * weights
        bend = pull * (1 - doubt)
        bend += bend.T
        laplacian = np.diag(bend.sum(axis=0)) - bend
        curvature = codes.T @ laplacian @ codes + penalty
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if np.abs(step).max() < 1e-6:
            break
    return weights


def pairwise_ranker(encode: Encode, ridge: float) -> Fit:
    """Model the order of errors alone; the mean is the negative score.

    It knows no uncertainty.
    """

    def fit(
        archs: Sequence[Architecture],
        errors: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> Predict:
        codes = encode(archs)
        weights = rank_weights(codes, errors, ridge)
        best = float(-(codes @ weights).max())

        def predict(archs: Sequence[Architecture]) -> Belief:
            scores = encode(archs) @ weights
            return Belief(-scores, np.zeros(len(scores)), best)

        return predict

    return fit
