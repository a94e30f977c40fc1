"""HW-NAS-Bench's file, written from the genuine figures; and robustness results."""

import contextlib
import json
import pickle
import shutil
import zipfile

import numpy as np
import pytest

from surrogates import DataError, hardware, robustness

PUBLISHED = [
    "edgegpu_latency", "edgegpu_energy", "raspi4_latency", "edgetpu_latency",
    "pixel3_latency", "eyeriss_latency", "eyeriss_energy",
    "eyeriss_arithmetic_intensity", "fpga_latency", "fpga_energy",
]  # fmt: skip
META, FOG = "meta.json", "cifar10/fog_accuracy.json"
DATA_SETS = ["cifar10", "cifar100", "ImageNet16-120"]


@pytest.fixture(scope="module")
def genuine(shared):
    """By data set and published metric: float32 [15,625], in official order."""
    with np.load(shared / "data" / "tables" / "nb201.npz") as file:
        return {
            data_set: {metric: file[f"hw_{data_set}_{metric}"] for metric in PUBLISHED}
            for data_set in DATA_SETS
        }


@pytest.fixture
def content(monkeypatch):
    """Cell n of only 40 costs n + 1 everywhere."""
    monkeypatch.setattr(hardware, "CELLS", 40)
    spaces = {
        data: {metric: [n + 1.0 for n in range(40)] for metric in PUBLISHED}
        for data in DATA_SETS
    }
    return {"nasbench201": spaces, "fbnet": {"cifar100": [1, 2]}}


def read(tmp_path, content):
    path = tmp_path / "HW.pickle"
    path.write_bytes(pickle.dumps(content))
    return hardware.read(path)


def test_genuine_figures_come_back(tmp_path, genuine):
    lists = {
        data_set: {metric: values.tolist() for metric, values in metrics.items()}
        for data_set, metrics in genuine.items()
    }
    figures = read(tmp_path, {"nasbench201": lists, "fbnet": None})
    assert list(figures) == ["cifar10", "cifar100", "imagenet16_120"]
    for ours, theirs in zip(figures.values(), genuine.values(), strict=True):
        assert ours.keys() == hardware.UNITS.keys()
        assert len(ours) == 10
        for name, metric in hardware.METRICS.items():
            values = theirs[metric.published].astype(np.float64)
            np.testing.assert_array_equal(
                ours[name], np.where(values == -1, np.nan, values)
            )
        missing = {name: int(np.isnan(values).sum()) for name, values in ours.items()}
        assert missing.pop("latency_edgetpu") == 4_699
        assert not any(missing.values())


def test_units_are_those_of_the_magnitudes(genuine):
    """Energy over latency is power: 1 to 20 W for these devices, mJ and ms."""
    figures = genuine["cifar10"]
    for device, watts in (("edgegpu", (2, 15)), ("fpga", (6.9, 7.1))):
        power = figures[f"{device}_energy"] / figures[f"{device}_latency"]
        assert watts[0] < np.median(power) < watts[1]
    units = hardware.UNITS
    for what, unit in (("latency_", "ms"), ("energy_", "mJ")):
        said = {units[name] for name in units if name.startswith(what)}
        assert said == {f"{unit} for one image"}
    assert units["intensity_eyeriss"] == "ops/byte for one image"


@pytest.mark.parametrize("value", [0, 0.0, -1, -1.0, float("nan"), float("inf"), -3])
def test_what_is_not_positive_is_refused_with_its_place(value, content, tmp_path):
    metrics = content["nasbench201"]["cifar100"]
    metrics["fpga_energy"] = [*metrics["fpga_energy"][:-1], value]
    error = r"^HW.pickle: nasbench201 cifar100 fpga_energy has .* for cell 39,"
    with pytest.raises(DataError, match=error):
        read(tmp_path, content)


def test_only_the_edge_tpu_may_lack_figures(content, tmp_path):
    metrics = content["nasbench201"]["cifar10"]
    metrics["edgetpu_latency"] = [-1, -1.0, *metrics["edgetpu_latency"][2:]]
    figures = read(tmp_path, content)["cifar10"]["latency_edgetpu"]
    assert np.isnan(figures[:2]).all()
    assert figures[2:].tolist() == [n + 1.0 for n in range(2, 40)]
    metrics["edgetpu_latency"][0] = -2
    with pytest.raises(DataError, match="has -2 for cell 0"):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ([1.0] * 39, "has 39 figures, not 40"),
        ([1.0] * 41, "has 41 figures, not 40"),
        (None, "has no list of figures"),
        ({"0": 1.0}, "has no list of figures"),
        (["1.0"] * 40, "figures that are no numbers"),
        ([True] * 40, "figures that are no numbers"),
        ([10**400] * 40, "a figure that is too large"),
    ],
)
def test_other_lists_are_refused(value, error, content, tmp_path):
    content["nasbench201"]["ImageNet16-120"]["pixel3_latency"] = value
    error = f"^HW.pickle: nasbench201 ImageNet16-120 pixel3_latency .*{error}"
    with pytest.raises(DataError, match=error):
        read(tmp_path, content)


def test_missing_parts_are_named(content, tmp_path):
    del content["nasbench201"]["cifar100"]["raspi4_latency"]
    with pytest.raises(DataError, match="no 'raspi4_latency' in nasbench201 cifar100"):
        read(tmp_path, content)
    del content["nasbench201"]["cifar10"]
    with pytest.raises(DataError, match="no 'cifar10' in nasbench201"):
        read(tmp_path, content)
    for other in ({}, [], None, 5, {"nasbench201": 3}):
        with pytest.raises(DataError, match=r"^HW.pickle: there is no"):
            read(tmp_path, other)


def test_a_pickle_that_names_anything_is_refused(content, tmp_path):
    content["fbnet"] = print
    with pytest.raises(DataError, match=r"^HW.pickle: .*print"):
        read(tmp_path, content)


def test_a_pickle_cut_anywhere_is_refused(content, tmp_path):
    whole = pickle.dumps(content)
    path = tmp_path / "HW.pickle"
    for end in range(0, len(whole), 7):
        path.write_bytes(whole[:end])
        with pytest.raises(DataError, match=r"^HW.pickle"):
            hardware.read(path)


def test_a_huge_file_is_refused_unread(tmp_path):
    with (tmp_path / "HW.pickle").open("wb") as file:
        file.truncate(10**10)
    with pytest.raises(DataError, match="has 10,000,000,000 bytes"):
        hardware.read(tmp_path / "HW.pickle")


@pytest.fixture(scope="module")
def robust(shared):
    """The figures as another collection has them."""
    with np.load(shared / "data" / "tables" / "nb201_robust.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def official(shared):
    """Spellings and representatives of all cells."""
    with np.load(shared / "data" / "tables" / "nb201.npz") as file:
        return file["arch"].tolist(), file["isomorph"].tolist()


def published(folder, robust, official):
    """Write the folder that the authors' loader reads."""
    ids = {
        str(n): {"nb201-string": arch, "isomorph": str(representative)}
        for n, (arch, representative) in enumerate(zip(*official, strict=True))
    }
    meta = {"ids": ids, "epsilons": json.loads(str(robust["epsilons"]))}
    (folder / "meta.json").write_text(json.dumps(meta))
    for name, values in robust.items():
        data_set, bar, key = name.partition("|")
        if bar:
            (folder / data_set).mkdir(exist_ok=True)
            rows = dict(zip(robust["index"].tolist(), values.tolist(), strict=True))
            content = {data_set: {key: {"accuracy": rows}}}
            (folder / data_set / f"{key}_accuracy.json").write_text(json.dumps(content))
    return folder


def test_robustness_is_that_of_the_authors_example(shared, official):
    """Their README: with pgd and epsilon 1, cell 13433 is right on 33.6 % of images."""
    read = robustness.read(shared / "data" / "tables" / "nb201_robust.npz")
    (row,) = np.flatnonzero(read.cells == official[1][13_433])
    assert len(read.cells) == 6_466
    error = read.metrics["cifar10"]["robust_error_pgd@1"][row]
    assert error == pytest.approx(1 - 0.336, abs=1e-6)


def test_folder_and_arrays_give_the_same(tmp_path, shared, robust, official):
    arrays = robustness.read(shared / "data" / "tables" / "nb201_robust.npz")
    folder = robustness.read(published(tmp_path, robust, official))
    assert folder.cells.tolist() == arrays.cells.tolist() == robust["index"].tolist()
    assert arrays.spellings == ()
    assert folder.spellings == tuple(official[0][n] for n in folder.cells)
    assert list(folder.metrics) == ["cifar10", "cifar100"]
    for task, metrics in folder.metrics.items():
        assert len(metrics) == 11 + 3 * 7 + 15 * 5
        for name, values in metrics.items():
            np.testing.assert_array_equal(values, arrays.metrics[task][name])
    by_hand = {
        "robust_error_fgsm@255": ("cifar10|fgsm@Linf", 10),
        "robust_error_aa_apgd-ce@0.1": ("cifar10|aa_apgd-ce@Linf", 0),
        "robust_error_fog@5": ("cifar10|fog", 4),
    }
    for name, (key, column) in by_hand.items():
        expected = 1 - robust[key][:, column].astype(np.float64)
        np.testing.assert_array_equal(folder.metrics["cifar10"][name], expected)
    assert not any("clean" in name for name in folder.metrics["cifar10"])  # test error


@pytest.fixture(scope="module")
def template(tmp_path_factory, robust, official):
    """A folder with one corruption and one attack, to be copied and spoilt."""
    few = ("index", "epsilons", "cifar10|fog", "cifar10|pgd@Linf")
    part = {key: robust[key] for key in few}
    folder = published(tmp_path_factory.mktemp("template"), part, official)
    assert len(robustness.read(folder).metrics["cifar10"]) == 5 + 7
    return folder


@pytest.mark.parametrize(
    ("file", "change", "error"),
    [
        (META, lambda c: c["ids"].pop("7"), "not the ids of 15,625 cells"),
        (META, lambda c: c["ids"]["7"].pop("isomorph"), "id 7 has no 'isomorph'"),
        (META, lambda c: c["ids"]["7"].update({"nb201-string": 1}), "id 7 has no s"),
        (META, lambda c: c["ids"].update({"7": []}), "id 7 has no 'nb201-string'"),
        (META, lambda c: c.pop("epsilons"), "meta.json has no 'epsilons'"),
        (META, lambda c: c["epsilons"].pop("pgd@Linf"), "no 'pgd@Linf'"),
        (META, lambda c: c["epsilons"].update({"pgd@Linf": [2, 1]}), "not ascending"),
        (META, lambda c: c["epsilons"].update({"pgd@Linf": ["1"]}), "not ascending"),
        (META, lambda c: c["epsilons"].update({"pgd@Linf": [1]}),
         r"pgd@Linf_accuracy.json is \(6466, 7\), not one row of 1"),
        (META, lambda c: c["ids"]["1"].update(isomorph="0"), "about the 6,465"),
        (FOG, lambda c: c.update(cifar100=c.pop("cifar10")), "has no 'cifar10'"),
        (FOG, lambda c: c["cifar10"]["fog"]["accuracy"].pop("0"),
         "fog_accuracy.json is not about the 6,466 cells"),
        *(
            (
                FOG,
                lambda c, row=row: c["cifar10"]["fog"]["accuracy"].update({"0": row}),
                f"fog_accuracy.json .*{error}",
            )
            for row, error in [
                ([0.5] * 4, "not a list of numbers"),
                ([0.5, 0.5, 0.5, 0.5, 94], r"has the accuracy 94, not one in \[0, 1\]"),
                ([0.5, 0.5, 0.5, 0.5, -1], "has the accuracy -1"),
                ([0.5, 0.5, 0.5, 0.5, np.nan], "has the accuracy nan"),
                ([0.5, 0.5, 0.5, 0.5, "0"], "not a list of numbers"),
                ([0.5, 0.5, 0.5, 0.5, None], "not a list of numbers"),
                ([0.5, 0.5, 0.5, 0.5, 10**400], "a number that is too large"),
                (0.5, "0.5, not a list of numbers"),
            ]
        ),
    ],
)  # fmt: skip
def test_a_wrong_folder_is_refused(file, change, error, tmp_path, template):
    folder = shutil.copytree(template, tmp_path / "folder")
    content = json.loads((folder / file).read_text())
    change(content)
    (folder / file).write_text(json.dumps(content))
    with pytest.raises(DataError, match=f"^folder: .*{error}") as caught:
        robustness.read(folder)
    assert "\n" not in str(caught.value)


def test_missing_and_damaged_files_of_the_folder_are_named(tmp_path, template):
    with pytest.raises(DataError, match=r"no meta.json; unpack meta.zip"):
        robustness.read(tmp_path)
    folder = shutil.copytree(template, tmp_path / "folder")
    file = folder / "cifar10" / "fog_accuracy.json"
    text = file.read_text()
    for damaged in ("", text[:-1], "[" * 100_000):
        file.write_text(damaged)
        with pytest.raises(DataError, match=r"fog_accuracy.json is no JSON"):
            robustness.read(folder)
    shutil.rmtree(folder / "cifar10")
    with pytest.raises(DataError, match="unpack the zips"):
        robustness.read(folder)


@pytest.fixture
def small():
    """Two cells, one attack."""
    epsilons = {f"{attack}@Linf": [1.0, 8.0] for attack in robustness.ATTACKS}
    return {
        "index": np.array([3, 5]),
        "epsilons": np.array(json.dumps(epsilons)),
        "cifar100|pgd@Linf": np.array([[0.5, 0.25], [1.0, 0.0]]),
    }


def test_a_small_file_by_hand(small, tmp_path):
    path = tmp_path / "robust.npz"
    np.savez(path, **small)
    metrics = robustness.read(path).metrics
    assert {name: m.tolist() for name, m in metrics["cifar100"].items()} == {
        "robust_error_pgd@1": [0.5, 0.0],
        "robust_error_pgd@8": [0.75, 1.0],
    }


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"index": np.array([5, 3])}, "index is not ascending, from 0 to 15624"),
        ({"index": np.array([3, 3])}, "index is not ascending"),
        ({"index": np.array([3, 15_625])}, "index is not ascending"),
        ({"index": np.array([-1, 3])}, "index is not ascending"),
        ({"index": np.array([3.0, 5.0])}, "not a row of whole numbers"),
        ({"index": np.array([[3, 5]])}, "not a row of whole numbers"),
        ({"index": np.array([3, 4, 5])}, "not about the 3 cells of index"),
        ({"epsilons": np.array("{")}, "epsilons are no JSON"),
        ({"epsilons": np.array("[]")}, "epsilons has no 'aa_apgd-ce@Linf'"),
        ({"cifar100|pgd@Linf": np.array([0.5, 1.0])}, "is .2,., not one row of 2"),
        ({"cifar100|pgd@Linf": np.array([["a", "b"]] * 2)}, "not about the 2 cells"),
        ({"cifar100|pgd@Linf": np.array([[0.5, 50.0]] * 2)}, "has the accuracy 50"),
        ({"cifar100|pgd@Linf": np.array([[0.5, None]] * 2)}, "no .npz file, or d"),
        ({"cifar100|pgd@Linf": None}, "no array <data set>|<key>"),
        ({"index": None}, "it has no array index"),
    ],
)  # fmt: skip
def test_wrong_arrays_are_refused(changes, error, small, tmp_path):
    path = tmp_path / "robust.npz"
    arrays = {k: v for k, v in {**small, **changes}.items() if v is not None}
    np.savez(path, **arrays)
    with pytest.raises(DataError, match=error) as caught:
        robustness.read(path)
    assert str(caught.value).startswith("robust.npz: ")


def test_an_archive_cut_or_damaged_anywhere_is_refused_or_the_same(small, tmp_path):
    """A zip file has bytes that nobody reads, such as dates."""
    path = tmp_path / "robust.npz"
    np.savez_compressed(path, **small)
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with pytest.raises(DataError, match=r"is no .npz file, or damaged"):
            robustness.read(path)
    expected = [[0.5, 0.0], [0.75, 1.0]]
    for byte in range(len(whole)):
        data = bytearray(whole)
        data[byte] ^= 1 << byte % 8
        path.write_bytes(data)
        with contextlib.suppress(DataError):
            metrics = robustness.read(path).metrics
            assert [m.tolist() for m in metrics["cifar100"].values()] == expected


def test_a_decompression_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "robust.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("index.npy", "w") as file,
    ):
        for _ in range(201):
            file.write(bytes(1_000_000))
    assert path.stat().st_size < 400_000
    with pytest.raises(DataError, match="unpacks to more than 200,000,000 bytes"):
        robustness.read(path)
