"""Intervals of 95 % hold 95 % of what is observed, within 5 points."""

import numpy as np
import pytest

from surrogates.calibration import FOLDS, WIDTH, Calibration, held_out
from surrogates.model import MODELS
from tests.surrogate_models.cells import NEEDS, embedded, halves

QUICK = ("RandomForest", "ExtraTrees", "GaussianProcess", "LightGBM")
ROWS = [name for name in MODELS if name != "GraphNetwork"]  # which wants graphs


def coverage(name, n, seed):
    X, y, _, groups = embedded()
    fit, look = halves(seed)
    fit = fit[:n]
    mean, std = (
        MODELS[name](seed=seed).fit(X[fit], y[fit], None, groups[fit]).predict(X[look])
    )
    return (np.abs(y[look] - mean) <= WIDTH * std).mean()


@pytest.mark.parametrize("name", QUICK)
def test_intervals_cover_cells_of_classes_never_seen(name):
    # Few classes hold many cells, and which are held out is chance: a split is off by 2
    # points (standard deviation over seeds), so one split by more than 5 now and then.
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    assert 0.90 <= coverage(name, 1000, seed=0) <= 1.0


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("n", [300, 1000, 5000])
def test_intervals_cover_on_the_average_of_splits(name, n):
    assert 0.90 <= np.mean([coverage(name, n, seed) for seed in range(4)]) <= 1.0


def test_noise_without_spread_is_found():
    # The quantile of 4,000 normal errors is off by 4 % about once in 10,000 draws.
    rng = np.random.default_rng(0)
    errors = 0.03 * rng.normal(size=(4000, 1))
    found = Calibration.fit(errors, np.zeros_like(errors), np.ones_like(errors))
    std = found.std(np.zeros((1, 1)), np.ones((1, 1)))
    assert std.item() == pytest.approx(0.03, rel=0.04)


def test_a_spread_that_is_half_as_wide_is_doubled():
    rng = np.random.default_rng(0)
    spread = rng.uniform(0.1, 1, size=(4000, 1))
    errors = 2 * spread * rng.normal(size=spread.shape)
    found = Calibration.fit(errors, spread, np.full_like(spread, 1e-6))
    assert found.factor.item() == pytest.approx(2, rel=0.05)


def test_no_errors_need_no_interval():
    zeros = np.zeros((10, 2))
    found = Calibration.fit(zeros, zeros, np.ones_like(zeros))
    assert (found.std(np.ones((1, 2)), np.ones((1, 2))) == 0).all()


def test_groups_are_never_on_both_sides_and_each_is_held_out_once():
    rng = np.random.default_rng(0)
    groups = rng.integers(40, size=300)
    groups = np.unique(groups, return_inverse=True)[1]
    out = []
    for kept, held in held_out(groups, FOLDS, rng):
        assert not set(groups[kept]) & set(groups[held])
        assert len(kept) + len(held) == 300
        out += held.tolist()
    assert sorted(out) == list(range(300))


def test_large_groups_are_dealt_out():
    groups = np.repeat(np.arange(105), [100] * 5 + [1] * 100)
    for _, held in held_out(groups, FOLDS, np.random.default_rng(0)):
        assert len(held) == 120
