"""Fitted models in one file: equal after loading, and never trusted."""

import importlib.util
import json
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from surrogates import MODELS, DataError, Fitted, Origin
from tests.surrogate_models.cells import NEEDS, small, toy

X, Y = toy()
ORIGIN = Origin(
    space="nats_tss",
    encoding="one_hot",
    table="nb201/cifar10",
    digest="0123456789abcdef",
    cells=60,
    seed=3,
    epochs=(200,),
    metrics={"kendall": 0.5},
)
ANSWER = """
import sys, numpy as np
from pathlib import Path
from surrogates import Fitted
folder = Path(sys.argv[1])
X = np.load(folder / "rows.npy")
for path in folder.glob("*.surrogate"):
    fitted = Fitted.load(path)
    np.save(path.with_suffix(".npy"), np.stack([*fitted.draw(X, 7), fitted.seconds(X)]))
"""


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "my.surrogate"
    Fitted(small("RandomForest").fit(X, Y, np.exp(X[:, 1])), ORIGIN).save(path)
    return path


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """All models that can be fitted here, and what another process says of them."""
    folder = tmp_path_factory.mktemp("models")
    np.save(folder / "rows.npy", X)
    models = {}
    for name in MODELS:
        if name not in NEEDS or importlib.util.find_spec(NEEDS[name]):
            model = small(name, splits=1).fit(X, Y, np.exp(X[:, 1]))
            models[name] = Fitted(model, ORIGIN)
            models[name].save(folder / f"{name}.surrogate")
    subprocess.run([sys.executable, "-c", ANSWER, folder], check=True)
    return models, {name: np.load(folder / f"{name}.npy") for name in models}


@pytest.mark.parametrize("name", MODELS)
def test_another_process_predicts_the_same_bits(name, elsewhere):
    models, answers = elsewhere
    if name not in models:
        pytest.skip(f"{NEEDS[name]} is not installed")
    here = np.stack([*models[name].draw(X, 7), models[name].seconds(X)])
    assert answers[name].tobytes() == here.tobytes()


def test_what_a_model_was_fitted_to_is_kept(stored):
    fitted = Fitted.load(stored)
    assert fitted.origin == ORIGIN
    assert fitted.name == "RandomForest"
    assert fitted.manifest["settings"]["members"] == 4


def test_equal_models_are_equal_files(stored, tmp_path):
    Fitted.load(stored).save(tmp_path / "again.surrogate")
    assert (tmp_path / "again.surrogate").read_bytes() == stored.read_bytes()


def test_nothing_is_left_half_written(stored, tmp_path):
    with pytest.raises(DataError, match="not fitted"):
        Fitted(small("RandomForest"), ORIGIN).save(tmp_path / "new.surrogate")
    assert [path.name for path in tmp_path.iterdir()] == ["my.surrogate"]


def test_another_space_or_encoding_is_refused(stored):
    fitted = Fitted.load(stored)
    fitted.expect("nats_tss", "one_hot")
    with pytest.raises(DataError, match="the space 'nats_tss', not 'darts'"):
        fitted.expect("darts")
    with pytest.raises(DataError, match="the encoding 'one_hot', not 'paths'"):
        fitted.expect("nats_tss", "paths")


def rewrite(path, change=None, **files):
    """Write the archive again with a changed manifest, or with other files."""
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    if change:
        manifest = json.loads(held["manifest.json"])
        manifest.update(change)
        held["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**held, **files}.items():
            if data is not None:
                archive.writestr(name, data)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "has the format 99, and this version reads 1"),
        ({"model": "Oracle"}, "has the model 'Oracle', not one of RandomForest"),
        ({"model": ["a"]}, "has the model"),
        ({"settings": 3}, "no settings"),
        ({"settings": {"wings": 2}}, "unexpected keyword argument 'wings'"),
        ({"settings": {"members": "many"}}, "members is 'many', not int"),
        ({"space": None}, "its space is None"),
        ({"epochs": []}, "its epochs are"),
        ({"cells": "many"}, "its cells is 'many'"),
        ({"files": {}}, "its files are not those of manifest.json"),
    ],
)
def test_manifests_of_other_models_are_refused(stored, change, message):
    rewrite(stored, change)
    with pytest.raises(DataError, match=message) as caught:
        Fitted.load(stored)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"manifest.json": None}, "has no manifest.json"),
        ({"../evil.npz": b""}, "which no surrogate has"),
        ({"model.pkl": b""}, "which no surrogate has"),
        ({"trees.npz": b""}, "its files are not those"),
        ({"manifest.json": b"[" * 100_000}, "is damaged"),
        ({"manifest.json": b"{"}, "is damaged"),
        ({"manifest.json": b" " * 2**21}, "more than"),
        ({f"{'a' * n}.npz": b"" for n in range(1, 20)}, "more than 16"),
    ],
)
def test_archives_of_something_else_are_refused(stored, files, message):
    rewrite(stored, **files)
    with pytest.raises(DataError, match=message) as caught:
        Fitted.load(stored)
    assert "\n" not in str(caught.value)


def test_a_truncated_file_is_refused(stored):
    data = stored.read_bytes()
    for n in (0, 10, len(data) // 2, len(data) - 1):
        stored.write_bytes(data[:n])
        with pytest.raises(DataError, match="surrogate"):
            Fitted.load(stored)


def test_a_flipped_byte_is_refused(stored):
    data = bytearray(stored.read_bytes())
    data[len(data) // 3] ^= 1
    stored.write_bytes(data)
    with pytest.raises(DataError):
        Fitted.load(stored)


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("it was unpickled",))


def test_a_renamed_pickle_is_refused(tmp_path):
    path = tmp_path / "my.surrogate"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(DataError, match="is no surrogate"):
        Fitted.load(path)


def test_a_pickle_in_an_array_is_refused(stored):
    import hashlib
    import io

    file = io.BytesIO()
    np.savez(file, features=np.array([Trap()], dtype=object))
    with zipfile.ZipFile(stored) as archive:
        digests = json.loads(archive.read("manifest.json"))["files"]
    digests["shape.npz"] = hashlib.sha256(file.getvalue()).hexdigest()
    rewrite(stored, {"files": digests}, **{"shape.npz": file.getvalue()})
    with pytest.raises(DataError, match=r"shape\.npz of the model is damaged"):
        Fitted.load(stored)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"cannot read .*none\.surrogate: No such file"):
        Fitted.load(tmp_path / "none.surrogate")
