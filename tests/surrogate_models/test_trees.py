"""Trees as arrays answer as the libraries that grew them do."""

import numpy as np
import pytest
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)

from surrogates.histogram_boosting import boosted
from surrogates.model import MODELS
from surrogates.table import DataError
from surrogates.trees import Trees


def data(n=400):
    rng = np.random.default_rng(0)
    X = np.hstack([rng.random((n, 3)), rng.random((n, 4)) < 0.5]).astype(np.float32)
    y = np.stack([X[:, 0] * X[:, 3], np.sin(5 * X[:, 1]) + X[:, 4]], axis=1)
    return X, y + 0.1 * rng.normal(size=y.shape)


@pytest.mark.parametrize("kind", [RandomForestRegressor, ExtraTreesRegressor])
def test_forests_equal_scikit_learn_to_the_bit(kind):
    X, y = data()
    forest = kind(n_estimators=7, random_state=0).fit(X[:300], y[:300])
    trees = Trees.grown(tree.tree_ for tree in forest.estimators_)
    for said, tree in zip(trees(X), forest.estimators_, strict=True):
        assert (said == tree.predict(X)).all()


def test_boosting_equals_scikit_learn():
    X, y = data()
    weights = np.random.default_rng(1).exponential(size=(2, len(X)))
    ours = boosted(X, y, weights, np.random.default_rng(2), iterations=60)
    said = ours(X)
    rng = np.random.default_rng(2)
    for member, target in np.ndindex(2, 2):
        theirs = HistGradientBoostingRegressor(
            max_iter=60,
            max_depth=6,
            min_samples_leaf=5,
            early_stopping=False,
            random_state=int(rng.integers(2**31)),
        ).fit(X, y[:, target], sample_weight=weights[member])
        off = said[member, :, target] - theirs.predict(X)
        assert np.abs(off).max() < 1e-12


def test_lightgbm_trees_equal_the_library():
    lightgbm = pytest.importorskip("lightgbm")
    X, y = data()
    model = MODELS["LightGBM"](members=3, iterations=40)
    members = model._learn(X, y, np.random.default_rng(0))
    text = members.files()["lightgbm.txt"].decode()
    theirs = lightgbm.Booster(model_str=text).predict(X, raw_score=True)
    said = members(X).transpose(1, 0, 2).reshape(len(X), -1)
    assert np.abs(said - theirs).max() < 1e-12


def test_xgboost_trees_equal_the_library():
    xgboost = pytest.importorskip("xgboost")
    X, y = data()
    members = MODELS["XGBoost"](members=3, iterations=40)._learn(
        X, y, np.random.default_rng(0)
    )
    booster = xgboost.Booster()
    booster.load_model(bytearray(members.files()["xgboost.ubj"]))
    theirs = booster.inplace_predict(X, predict_type="margin")  # sums in float32
    said = members(X).transpose(1, 0, 2).reshape(len(X), -1)
    assert np.abs(said - theirs).max() < 1e-5


def test_a_target_that_one_tree_tells_ends_boosting_early():
    X = np.repeat(np.eye(2, dtype=np.float32), 20, axis=0)
    trees = boosted(X, X[:, :1] * 0 + 0.5, np.ones((1, 40)), np.random.default_rng(0))
    assert np.abs(trees(X) - 0.5).max() < 1e-12


def test_the_posterior_mean_equals_scikit_learn():
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    X, y = data()
    model = MODELS["GaussianProcess"](tuned=50, anchors=400)
    members = model._learn(X, y, np.random.default_rng(0))
    variance, length, noise = members.kernel
    kernel = ConstantKernel(variance) * Matern(length, nu=1.5) + WhiteKernel(noise)
    theirs = GaussianProcessRegressor(kernel, optimizer=None)
    theirs.fit(members.rows, y[np.random.default_rng(0).permutation(len(X))])
    mean, std = theirs.predict(X / members.size, return_std=True)
    said = members(X)
    assert np.abs(said.mean(axis=0) - mean).max() < 1e-8
    assert np.abs(said.std(axis=0) / std - 1).max() < 1e-2


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("left", lambda a: a * 0),  # a circle
        ("left", lambda a: a + 1),
        ("roots", lambda a: a - 1),
        ("feature", lambda a: a + 99),
        ("threshold", np.zeros_like),
        ("value", lambda a: a[:-1]),
        ("roots", lambda a: a[:0]),
    ],
)
def test_arrays_that_are_no_trees_are_refused(name, change):
    from surrogates.arrays import packed

    X, y = data()
    forest = RandomForestRegressor(n_estimators=2, random_state=0).fit(X, y)
    trees = Trees.grown(tree.tree_ for tree in forest.estimators_)
    names = ("feature", "threshold", "left", "value", "roots")
    arrays = {key: getattr(trees, key) for key in names}
    Trees.read({"trees.npz": packed(arrays)}, 7, 2)
    arrays[name] = change(arrays[name])
    with pytest.raises(DataError, match=r"trees\.npz of the model is damaged"):
        Trees.read({"trees.npz": packed(arrays)}, 7, 2)
