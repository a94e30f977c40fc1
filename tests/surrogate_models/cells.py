"""Rows and errors of NAS-Bench-201, and of toys, for tests of surrogate models."""

import functools

import numpy as np

from surrogates import nb201
from surrogates.model import MODELS

SMALL = {
    "RandomForest": {"members": 4, "trees": 2},
    "ExtraTrees": {"members": 4, "trees": 2},
    "GradientBoosting": {"members": 3, "iterations": 10},
    "GaussianProcess": {"tuned": 30, "most": 60, "anchors": 40},
    "LightGBM": {"members": 3, "iterations": 10},
    "XGBoost": {"members": 3, "iterations": 10},
    "MlpEnsemble": {"members": 2, "epochs": 40, "width": 8},
    "GraphNetwork": {
        "members": 2,
        "epochs": 40,
        "width": 8,
        "vertices": 4,
        "labels": 3,
    },
}
"""Settings that take a moment; rows of toys are graphs of 4 vertices and 3 labels."""
NEEDS = {"LightGBM": "lightgbm", "XGBoost": "xgboost"} | dict.fromkeys(
    ("MlpEnsemble", "GraphNetwork"), "torch"
)


def small(name, **settings):
    """Make a model that fits in a moment."""
    return MODELS[name](**{**SMALL[name], **settings})


def toy(n=60, seed=0):
    """Make rows [n, 28] of zeros and ones, and errors that depend on five of them."""
    rng = np.random.default_rng(seed)
    X = (rng.random((n, 28)) < 0.4).astype(np.float32)
    z = X[:, 16:21] @ np.array([1.0, -0.7, 0.5, 0.3, -0.2]) + 0.05 * rng.normal(size=n)
    return X, 1 / (1 + np.exp(2 - z))


@functools.cache
def embedded(task="cifar10"):
    """Give rows, errors, seconds and isomorphism classes of all 15,625 cells."""
    from benchsuite.spaces import NATS_TSS

    table = nb201.read(task)
    (training,) = table.trainings.values()
    (split,) = training.splits.values()
    archs = np.asarray(table.archs)
    starts = training.starts[:-1]
    classes = [hash(NATS_TSS.canonical(tuple(arch))) for arch in archs.tolist()]
    runs = np.diff(training.starts)
    return (
        np.eye(5, dtype=np.float32)[archs].reshape(-1, 30),
        np.add.reduceat(split.errors()[:, 0], starts) / runs,
        np.add.reduceat(training.seconds[:, 0], starts) / runs,
        np.unique(classes, return_inverse=True)[1],
    )


def halves(seed=0):
    """Split the cells by class: rows to fit to, and rows to look at."""
    groups = embedded()[3]
    rng = np.random.default_rng(seed)
    kept = rng.random(groups.max() + 1) < 0.6
    return (
        rng.permutation(np.flatnonzero(kept[groups])),
        rng.permutation(np.flatnonzero(~kept[groups])),
    )
