"""What surrogate models cost: `python -m tests.bench.surrogate_models [model ...]`.

Seconds are of processor time, on one core; predictions are the best of five. The plain
call is that of the library that grew the model, of means alone.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import sys
import time

import numpy as np

from surrogates import MODELS
from tests.surrogate_models.cells import embedded

BATCH = 1000


def best(action, times=5):
    """Seconds of the quickest call."""
    took = []
    for _ in range(times):
        start = time.process_time()
        action()
        took.append(time.process_time() - start)
    return min(took)


def plain(name, X, y, members):
    """Fit what the library offers, as large as ours, and give its prediction."""
    if name in ("RandomForest", "ExtraTrees"):
        import sklearn.ensemble

        kind = getattr(sklearn.ensemble, f"{name}Regressor")
        return kind(50, max_features=0.5, n_jobs=1).fit(X, y).predict
    if name == "GradientBoosting":
        from sklearn.ensemble import HistGradientBoostingRegressor

        one = HistGradientBoostingRegressor(max_depth=6).fit(X, y)
        return lambda rows: [one.predict(rows) for _ in range(members)]
    if name == "GaussianProcess":
        from sklearn.gaussian_process import GaussianProcessRegressor

        process = GaussianProcessRegressor(optimizer=None, alpha=1e-2)
        return process.fit(X[:1000], y[:1000]).predict
    if name == "LightGBM":
        import lightgbm

        settings = {"max_depth": 6, "verbosity": -1, "num_threads": 1}
        one = lightgbm.train(settings, lightgbm.Dataset(X, y), 100)
        return lambda rows: [one.predict(rows, num_threads=1) for _ in range(members)]
    if name == "XGBoost":
        import xgboost

        one = xgboost.train({"nthread": 1}, xgboost.DMatrix(X, y), 100)
        return lambda rows: [one.inplace_predict(rows) for _ in range(members)]
    return None


def rows(name, width, n, rng):
    """Make rows that are as sparse as one-hot ones: of `width` features."""
    if name == "GraphNetwork":
        return (rng.random((n, width)) < 0.2).astype(np.float32)
    return np.eye(5, dtype=np.float32)[rng.integers(5, size=(n, width // 5))].reshape(
        n, -1
    )


def report(name, title, X, y, n, **settings):
    """Fit to n rows and print what fitting and predicting cost."""
    model = MODELS[name](**settings)
    fit = best(lambda: model.fit(X[:n], y[:n]), 1)
    few, rng = X[-BATCH:], np.random.default_rng(0)
    batch = best(lambda: model.draw(few, rng)) / BATCH
    single = best(lambda: [model.draw(few[:1], rng) for _ in range(20)]) / 20
    line = (
        f"{name:16} {title:18} fit {n} {fit:6.1f} s (<= 60); mean, std and sample"
        f" {1e6 * batch:5.1f} us (<= 20), single {1e3 * single:5.2f} ms (<= 1)"
    )
    if y.ndim == 1 and (theirs := plain(name, X[:n], y[:n], model.members)):
        call = best(lambda: theirs(few)) / BATCH
        line += f"; library, means alone {1e6 * call:.1f} us, {call / batch:.1f} x ours"
    print(line, flush=True)


def main():
    """Print a line for every model and kind of rows."""
    rng = np.random.default_rng(0)
    hot, errors, *_ = embedded()
    order = rng.permutation(len(hot))
    for name in sys.argv[1:] or MODELS:
        if name == "GraphNetwork":
            X = rows(name, 8 * 14, 11_000, rng)
            y = 1 / (1 + np.exp(-X[:, :5] @ rng.normal(size=5)))
            report(name, "8 vertices", X, y, 10_000)
            X = rows(name, 30 * 52, 2_000, rng)
            report(name, "30 vertices", X, y[:2000], 1000, vertices=30, labels=22)
            continue
        report(name, "nb201, 30 features", hot[order], errors[order], 10_000)
        X = rows(name, 150, 2_000, rng)
        y = 1 / (1 + np.exp(-X[:, :5] @ rng.normal(size=5)))
        report(name, "150 features", X, y, 1000)
        curves = y[:, None] + (1 - y[:, None]) * np.exp(-np.arange(98) / 20)
        curves = np.clip(curves + X[:, 5:6] * np.linspace(0, 0.02, 98), 0, 1)
        report(name, "curves of 98 epochs", X, curves, 1000)


if __name__ == "__main__":
    main()
