"""What every model of the registry must do."""

import numpy as np
import pytest

import surrogates
from surrogates import MODELS, DataError
from tests.surrogate_models.cells import NEEDS, SMALL, small, toy


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    """A model, fitted to a toy with seconds."""
    if request.param in NEEDS:
        pytest.importorskip(NEEDS[request.param])
    X, y = toy()
    return small(request.param).fit(X, y, seconds=100 * np.exp(X[:, 0]))


def test_small_settings_cover_the_registry():
    assert SMALL.keys() == MODELS.keys()


def test_a_model_is_an_attribute_of_the_package(model):
    assert getattr(surrogates, type(model).__name__) is type(model)


def test_predictions_are_errors_of_the_rows(model):
    X, _ = toy(7, seed=1)
    mean, std = model.predict(X)
    assert mean.shape == std.shape == (7,)
    assert mean.dtype == std.dtype == np.float64
    assert ((mean >= 0) & (mean <= 1) & (std > 0) & (std < 1)).all()


def test_more_is_learned_than_the_mean(model):
    X, y = toy()
    assert np.corrcoef(model.predict(X).mean, y)[0, 1] > 0.5


def test_equal_states_of_a_generator_give_equal_draws(model):
    X, _ = toy(50, seed=1)
    draws = [model.sample(X, np.random.default_rng(seed)) for seed in (3, 3, 4)]
    assert (draws[0] == draws[1]).all()
    assert (draws[0] != draws[2]).any()


def test_a_draw_is_what_predict_and_sample_say(model):
    X, _ = toy(20, seed=1)
    draw = model.draw(X, np.random.default_rng(5))
    assert (draw.mean == model.predict(X).mean).all()
    assert (draw.std == model.predict(X).std).all()
    assert (draw.sample == model.sample(X, np.random.default_rng(5))).all()


def test_samples_have_the_predicted_mean_and_std(model):
    # 4,000 draws of a row: a mean is off by more than 5 standard errors once in two
    # million; an estimated std by more than a tenth still less often.
    x = toy(1, seed=1)[0]
    mean, std = model.predict(x)
    draws = model.sample(np.repeat(x, 4000, axis=0), np.random.default_rng(0))
    if mean[0] - 5 * std[0] > 0:  # else draws are clipped
        assert abs(draws.mean() - mean[0]) < 5 * std[0] / np.sqrt(4000)
        assert draws.std() == pytest.approx(std[0], rel=0.1)


def test_a_row_does_not_depend_on_the_others(model):
    X, _ = toy(1500, seed=1)
    exact = type(model).__name__ not in ("GaussianProcess", *NEEDS) or type(
        model
    ).__name__ in ("LightGBM", "XGBoost")
    whole = model.predict(X)
    for n in (0, 700, 1499):
        one = model.predict(X[n : n + 1])
        off = max(abs(one.mean[0] - whole.mean[n]), abs(one.std[0] - whole.std[n]))
        assert off <= (0 if exact else 1e-5)


def test_the_same_fit_twice_is_the_same_model(model):
    X, y = toy()
    again = type(model)(**model.settings).fit(X, y, seconds=100 * np.exp(X[:, 0]))
    assert again.state() == model.state()


def test_the_global_generator_is_left_alone(model):
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    X, y = toy(20)
    type(model)(**model.settings).fit(X, y).sample(X, np.random.default_rng(0))
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_seconds_are_learned_on_a_logarithmic_scale(model):
    X, _ = toy(40, seed=1)
    assert np.corrcoef(np.log(model.seconds(X)), X[:, 0])[0, 1] > 0.9


def test_restored_models_are_equal(model):
    X, _ = toy(30, seed=1)
    again = type(model).restore(model.settings, model.state())
    for a, b in zip(again.predict(X), model.predict(X), strict=True):
        assert (a == b).all()
    assert (again.seconds(X) == model.seconds(X)).all()


def test_nothing_stored_is_a_pickle(model):
    for name, data in model.state().items():
        assert name.endswith((".npz", ".txt", ".ubj", ".safetensors"))
        assert not data.startswith(b"\x80")
        assert b"numpy.core.multiarray" not in data


def test_damaged_files_are_refused(model):
    files = model.state()
    for name in files.keys() - {"runtime.npz"}:
        with pytest.raises(DataError, match=name.replace(".", r"\.")):
            type(model).restore(model.settings, {**files, name: files[name][:200]})
        left = {key: data for key, data in files.items() if key != name}
        with pytest.raises(DataError, match=name.replace(".", r"\.")):
            type(model).restore(model.settings, left)


def test_other_features_are_refused(model):
    with pytest.raises(DataError, match="5 features, and the model was fitted to 28"):
        model.predict(np.zeros((2, 5)))


def test_features_that_are_not_finite_are_refused(model):
    X, y = toy()
    X[4, 2] = np.nan
    with pytest.raises(DataError, match="feature 2 of row 4 is nan"):
        model.predict(X)
    with pytest.raises(DataError, match="feature 2 of row 4 is nan"):
        type(model)(**model.settings).fit(X, y)


def test_constant_targets_are_predicted_with_certainty(model):
    X, _ = toy()
    mean, std = type(model)(**model.settings).fit(X, np.full(60, 0.25)).predict(X)
    assert mean == pytest.approx(np.full(60, 0.25), abs=1e-12)
    assert (std == 0).all()


def test_few_rows_are_enough(model):
    X, y = toy(2)  # of 28 features
    mean, std = type(model)(**model.settings).fit(X, y).predict(X)
    assert np.isfinite(mean).all()
    assert np.isfinite(std).all()


def test_a_curve_has_an_error_at_every_epoch(model):
    X, y = toy()
    decay = 0.5 * np.exp(-np.arange(6) / 2)
    curves = y[:, None] * (1 - decay) + decay * (0.8 + 0.1 * X[:, :1])
    curved = type(model)(**{**model.settings, "monotone": True}).fit(X, curves)
    draw = curved.draw(X, np.random.default_rng(0))
    for array in draw:
        assert array.shape == (60, 6)
    assert (np.diff(draw.mean) <= 0).all()
    assert (np.diff(draw.sample) <= 0).all()
    again = type(model).restore(curved.settings, curved.state())
    assert (again.predict(X).mean == draw.mean).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": [0.1]}, "shape"),
        ({"X": np.zeros((1, 3)), "y": [0.1]}, "one row"),
        ({"y": np.full(60, np.nan)}, "the error of row 0 is nan"),
        ({"y": np.full(60, np.inf)}, "a diverged run be 1"),
        ({"y": np.full(60, 93.2)}, "fractions in \\[0, 1\\]"),
        ({"y": ["a"] * 60}, "not numbers"),
        ({"X": np.zeros(60)}, "not \\[rows, features\\]"),
        ({"X": [["a"] * 28] * 60}, "not numbers"),
        ({"X": np.full((60, 28), 1e300)}, "finite"),
        ({"seconds": np.append(np.ones(59), -3.0)}, "row 59 took -3 seconds"),
        ({"seconds": np.ones(3)}, "shape"),
        ({"groups": np.ones(3)}, "groups have the shape"),
    ],
)
def test_bad_training_sets_are_one_clear_line(change, message):
    X, y = toy()
    with pytest.raises(DataError, match=message) as caught:
        small("RandomForest").fit(**{"X": X, "y": y, **change})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"members": 0}, "members is 0, not 1 or more"),
        ({"members": 2.5}, "members is 2.5, not int"),
        ({"scale": "sqrt"}, "not one of logit, log, error"),
        ({"splits": 6}, "not 0 to 5"),
        ({"seed": -1}, "seed is -1"),
        ({"max_features": float("nan")}, "max_features is nan"),
        ({"monotone": 1}, "monotone is 1, not bool"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(DataError, match=message):
        MODELS["RandomForest"](**settings)


def test_a_model_without_a_fit_says_so():
    with pytest.raises(DataError, match="not fitted"):
        small("RandomForest").predict(np.zeros((1, 3)))
    X, y = toy()
    with pytest.raises(DataError, match="without seconds"):
        small("RandomForest").fit(X, y).seconds(X)


def test_unknown_names_are_no_attributes():
    with pytest.raises(AttributeError, match="no attribute 'Oracle'"):
        _ = surrogates.Oracle
