"""A random forest; the spread of its trees is its uncertainty.

Hutter, Hoos & Leyton-Brown, "Sequential Model-Based Optimization for General Algorithm
Configuration", LION 2011, sec. 4.1.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchsuite.spaces import Architecture
from benchsuite.strategies.model_based.encodings import Encode
from benchsuite.strategies.model_based.loop import Belief, Fit, Predict, log_errors


def random_forest(encode: Encode, trees: int) -> Fit:
    """Model standardised log errors with bootstrapped regression trees.

    A split chooses among all features and trees grow to single samples, as by default
    in the paper's package, SMAC3. With the ten samples to a split of the paper itself,
    search on an additive toy was no better than chance at 60 trials.
    """

    def fit(
        archs: Sequence[Architecture],
        errors: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> Predict:
        from sklearn import config_context  # takes a second to import
        from sklearn.ensemble import RandomForestRegressor

        values = log_errors(errors)
        forest = RandomForestRegressor(
            n_estimators=trees,
            random_state=int(rng.integers(1 << 31)),
        )
        # Its checks of what it is given take longer than the fit.
        with config_context(assume_finite=True, skip_parameter_validation=True):
            forest.fit(encode(archs), values)

        def predict(archs: Sequence[Architecture]) -> Belief:
            codes = encode(archs).astype(np.float32)  # what a tree takes
            leaves = np.stack([t.tree_.predict(codes) for t in forest.estimators_])
            each = leaves[:, :, 0]  # [trees, B]
            return Belief(each.mean(axis=0), each.std(axis=0), float(values.min()))

        return predict

    return fit
