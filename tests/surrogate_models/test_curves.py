"""Curves as components, on a scale, and back."""

import numpy as np
import pytest

from surrogates.curves import SCALES, Curves
from surrogates.model import MODELS


@pytest.mark.parametrize("name", SCALES)
def test_scales_lead_back(name):
    errors = np.linspace(0.001, 0.999, 50)
    scale = SCALES[name]
    assert scale.back(scale.forth(errors)) == pytest.approx(errors, abs=1e-12)


@pytest.mark.parametrize("name", SCALES)
def test_slopes_are_derivatives(name):
    errors, step = np.linspace(0.1, 0.9, 9), 1e-6
    scale = SCALES[name]
    z = scale.forth(errors)
    slope = (scale.back(z + step) - scale.back(z - step)) / (2 * step)
    assert scale.slope(errors) == pytest.approx(slope, rel=1e-6)


def test_two_components_tell_curves_of_two_parameters():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(30, 2)) @ rng.normal(size=(2, 9))
    errors = 1 / (1 + np.exp(-z))
    curves = Curves.fit(errors, "logit", 4, False)
    assert len(curves.basis) == 2
    targets = curves.forth(errors)
    assert targets.var(axis=0).sum() <= 30 / 29
    assert curves.back(targets) == pytest.approx(errors, abs=1e-9)
    # Components are uncorrelated: the singular value decomposition says so.
    assert np.corrcoef(targets.T)[0, 1] == pytest.approx(0, abs=1e-9)


def test_one_error_is_one_target_of_variance_one():
    errors = np.random.default_rng(0).uniform(0.05, 0.9, size=(50, 1))
    targets = Curves.fit(errors, "log", 4, False).forth(errors)
    assert targets.mean() == pytest.approx(0, abs=1e-12)
    assert targets.std() == pytest.approx(1)
    assert (np.argsort(targets[:, 0]) == np.argsort(errors[:, 0])).all()


def test_errors_of_none_and_all_are_taken():
    errors = np.array([[0.0], [1.0], [0.5]])
    curves = Curves.fit(errors, "logit", 1, False)
    assert curves.back(curves.forth(errors)) == pytest.approx(errors, abs=1e-4)


def test_recorded_learning_curves_are_predicted(shared):
    # Mean curves of 200 cells of NAS-Bench-201: half of them tell of the other half.
    with np.load(shared / "data/tables/nb201_curves_c10v_200cells.npz") as stored:
        name = next(n for n in stored.files if "val" in n)
        errors = 1 - stored[name].astype(np.float64) / 100
    with np.load(shared / "data/tables/nb201.npz") as stored:
        X = np.eye(5, dtype=np.float32)[stored["ops"][:200]].reshape(200, 30)
    order = np.random.default_rng(0).permutation(200)
    fit, look = order[:120], order[120:]
    model = MODELS["ExtraTrees"]().fit(X[fit], errors[fit])
    mean, std = model.predict(X[look])
    assert mean.shape == (80, 200)
    better = ((errors[fit].mean(axis=0) - errors[look]) ** 2).mean()
    assert ((mean - errors[look]) ** 2).mean() < 0.5 * better
    assert 0.90 <= (np.abs(mean - errors[look]) <= 1.96 * std).mean() <= 1
