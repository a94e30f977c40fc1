"""Records of NATS-Bench: nothing taken for granted, no digit lost."""

import contextlib
import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite.spaces import NATS_SSS, NATS_TSS
from surrogates import DataError, Split, nats
from tests import official

ARCH = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
OTHER = ARCH.replace("none~2", "skip_connect~2")
SIZES = sorted(set(nats.IMAGES.values()))


def average(right_by_batch, images):
    """Average accuracies as the authors' code did: batches in float32, sum in float64.

    A batch of n images with c right has the accuracy c * (100 / n) in single precision;
    a meter adds it n times to a sum in double precision.
    """
    total = 0.0
    for start, right in zip(range(0, images, 256), right_by_batch, strict=True):
        n = min(256, images - start)
        accuracy = np.float32(right) * np.float32(100.0 / n)
        total += float(accuracy) * n
    return total / images


@pytest.mark.parametrize("images", SIZES)
def test_every_published_digit_comes_back_from_counts(images):
    """Against the averaging itself, for batches drawn at random."""
    rng = np.random.default_rng(images)
    sizes = [min(256, images - start) for start in range(0, images, 256)]
    draws = [rng.integers(0, np.array(sizes) + 1) for _ in range(60)]
    draws += [np.array(sizes), np.zeros(len(sizes), dtype=int)]
    percent = np.array([[average(draw, images) for draw in draws], [np.nan] * 62])
    epochs = np.arange(1, 63)
    split = nats._counted(Split(epochs, percent.copy(), 100), images)
    assert split.counted
    assert split.whole == images
    assert split.right[0].tolist() == [int(draw.sum()) for draw in draws]
    np.testing.assert_array_equal(nats.published(split), percent)
    np.testing.assert_array_equal(nats.published(split, (0, 3)), percent[0, 3])
    np.testing.assert_array_equal(
        split.errors()[0], [(images - draw.sum()) / images for draw in draws]
    )
    assert np.isnan(split.errors()[1]).all()


def test_what_is_no_count_is_kept_as_it_was_published():
    split = Split(np.array([1, 2]), np.array([[33.123456, 50.0]]), 100)
    assert nats._counted(split, 10_000) is split
    np.testing.assert_array_equal(nats.published(split), split.right)


@pytest.mark.parametrize(
    ("space", "ours"), [("tss", NATS_TSS), ("sss", NATS_SSS)], ids=["tss", "sss"]
)
def test_genuine_records_keep_every_figure(space, ours, shared, tmp_path):
    folder = official.genuine_folder(shared, tmp_path, space)
    files = sorted(folder.glob("[0-9]*"))
    raw = [official.load(path) for path in files]
    cells = [nats.read(record) for record in raw]
    table = nats.table(cells, "genuine", ours.choices, ours.parse, ours.key)
    seen = 0
    for number, record in enumerate(raw):
        row = table.keys.tolist().index(ours.key(ours.parse(cells[number].arch)))
        for schedule, state in record.items():
            for (name, seed), trial in state["all_results"].items():
                training = nats.compact(table.trainings[f"{name}@{schedule}"], name)
                run = next(r for r in training.runs(row) if training.seeds[r] == seed)
                assert all(split.counted for split in training.splits.values())
                for split, figures in training.splits.items():
                    percent = nats.published(figures, run)
                    for column, epoch in enumerate(figures.epochs.tolist()):
                        if split == "train":
                            accuracy = trial["train_acc1es"][epoch - 1]
                            loss = trial["train_losses"][epoch - 1]
                        elif split == nats.TOP5:
                            accuracy, loss = trial["train_acc5es"][epoch - 1], None
                        else:
                            key = f"{split}@{epoch - 1}"
                            accuracy = trial["eval_acc1es"][key]
                            loss = trial["eval_losses"][key]
                            assert trial["eval_times"][key] == figures.seconds[run]
                        assert percent[column] == accuracy
                        assert loss is None or figures.loss[run, column] == loss
                        seen += 1
                assert set(trial["train_times"].values()) == {training.seconds[run]}
                recorded = {n: v[run] for n, v in training.recorded.items()}
                assert recorded["params"] / 1e6 == trial["params"]
                assert recorded["macs"] / 1e6 == trial["flop"]
                assert recorded["latency"] == trial["latency"][0]
    assert seen > {"tss": 10_000, "sss": 4_000}[space]


def test_a_record_by_hand_is_read():
    cell = nats.read(official.record(5, ARCH))
    (run,) = cell.runs
    assert (cell.number, cell.arch, run.training, run.seed) == (
        5,
        ARCH,
        "cifar10-valid@2",
        777,
    )
    assert run.seconds == 2.0
    assert run.splits["x-valid"].percent.tolist() == [40.0, 50.0]
    assert run.recorded == {"params": 73_306, "macs": 7_783_050, "latency": 0.0125}


def at(record):
    """The trial of a record by hand."""
    return record["2"]["all_results"]["cifar10-valid", 777]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.clear(), "not a dict of training schedules"),
        (lambda r: r.update({"two": r["2"]}), "'two' is not a schedule"),
        (lambda r: r["2"].pop("arch_str"), "schedule 2 has no arch_str"),
        (lambda r: r["2"].update(arch_index="5"), "arch_index is a str, not a int"),
        (lambda r: r["2"]["dataset_seed"].clear(), "dataset_seed is not what it has"),
        (lambda r: at(r).pop("flop"), "it has no flop"),
        (lambda r: at(r).update(name="mnist"), "calls its data set 'mnist'"),
        (lambda r: at(r).update(seed="0888"), "epochs 2, seed '0888'"),
        (lambda r: at(r).update(epochs=12), "epochs 12"),
        (lambda r: at(r)["train_losses"].pop(1), "train_losses has nothing at 1"),
        (lambda r: at(r)["train_times"].pop(0), "train_times has nothing at 0"),
        (lambda r: at(r)["eval_times"].pop("x-valid@1"), "nothing at 'x-valid@1'"),
        (lambda r: at(r)["eval_losses"].pop("x-valid@1"), "nothing at 'x-valid@1'"),
        (lambda r: at(r)["eval_acc1es"].update({"x-valid@2": 1.0}), "no known split"),
        (lambda r: at(r)["eval_losses"].update({"x-valid@2": 1.0}), "no known split"),
        (lambda r: at(r)["eval_acc1es"].update({"x-valid@1": "9"}), "no numbers"),
        (lambda r: at(r)["eval_acc1es"].update({"x-valid@1": 101.0}), "accuracy 101"),
        (lambda r: at(r)["eval_acc1es"].update({"x-valid@1": -1.0}), "accuracy -1"),
        (lambda r: at(r)["eval_names"].append("y-test"), "no split 'y-test'"),
        (lambda r: at(r).update(params="many"), "is a str, not a number"),
        (lambda r: at(r).update(params=10**400), "params or flop is too large"),
        (lambda r: at(r).update(flop=1e305), "params or flop is too large"),
        (lambda r: at(r)["train_losses"].update({1: 10**400}), "that is too large"),
        (lambda r: r["2"]["all_results"].update({5: {}}), "is not what it has"),
        (
            lambda r: (
                r["2"]["all_results"].update({5: {}}),
                r["2"]["dataset_seed"]["cifar10-valid"].append(777),
            ),
            "is not what it has",
        ),
        (lambda r: r["2"]["dataset_seed"].update({5: [1]}), "data set is a int"),
        (
            lambda r: at(r).update(eval_acc1es={}, eval_losses={}),
            "x-valid was never evaluated",
        ),
    ],
)
def test_what_a_record_lacks_is_named(change, message):
    record = official.record(5, ARCH)
    change(record)
    with pytest.raises(DataError, match=message):
        nats.read(record)


def places(value, path=()):
    """Every place in a record, as a path of keys."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for n in range(len(value)):
            yield from places(value[n], (*path, n))


JUNK = [
    None,
    -1,
    10**400,
    1e305,
    1.5,
    float("nan"),
    float("inf"),
    "x",
    b"x",
    [],
    {},
    (),
    True,
]


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_record_spoilt_anywhere_is_refused_or_read(data):
    """Whatever stands anywhere: a cell or a DataError, no other exception."""
    record = official.record(5, ARCH)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(record))))
        if not path:
            continue
        parent = record
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = copy.deepcopy(data.draw(st.sampled_from(JUNK)))
    with contextlib.suppress(DataError):
        cell = nats.read(record)
        nats.table([cell], "", NATS_TSS.choices, NATS_TSS.parse, NATS_TSS.key)


def test_two_records_of_one_network_are_refused():
    cells = [nats.read(official.record(n, ARCH)) for n in (1, 2)]
    with pytest.raises(DataError, match="cell 2 repeats cell 1"):
        nats.table(cells, "", NATS_TSS.choices, NATS_TSS.parse, NATS_TSS.key)
    wrong = cells[0]._replace(arch=ARCH.replace("none~2", "conv~2"))
    with pytest.raises(DataError, match=r"cell 1: nats_tss has no 'conv' at edge 2->3"):
        nats.table([wrong], "", NATS_TSS.choices, NATS_TSS.parse, NATS_TSS.key)


def test_every_split_that_any_run_has_is_in_the_table():
    records = [official.record(5, ARCH), official.record(6, OTHER)]
    for record, kept in zip(records, ("x-valid", "ori-test"), strict=True):
        trial = at(record)
        trial["eval_names"] = [kept]
        for name in ("eval_acc1es", "eval_losses", "eval_times"):
            trial[name] = {k: v for k, v in trial[name].items() if k.startswith(kept)}
    cells = [nats.read(record) for record in records]
    table = nats.table(cells, "", NATS_TSS.choices, NATS_TSS.parse, NATS_TSS.key)
    splits = table.trainings["cifar10-valid@2"].splits
    nothing, shares = [np.nan, np.nan], [40.0, 50.0]
    np.testing.assert_array_equal(splits["x-valid"].right, [shares, nothing])
    np.testing.assert_array_equal(splits["ori-test"].right, [nothing, shares])


def test_latency_is_the_mean_of_its_measurements():
    record = official.record(5, ARCH)
    at(record)["latency"] = [0.25, 0.5, 0.75, 1.0]
    assert nats.read(record).runs[0].recorded["latency"] == 0.625


@pytest.mark.parametrize("millions", [0.073306, 0.129314, 1.004439, 0.0733065])
def test_parameters_give_their_published_digits_back(millions):
    """0.129314 times a million is not 129,314 in floating point; half a weight is."""
    run = nats.read(official.record(5, ARCH, params=millions)).runs[0]
    assert run.recorded["params"] / 1e6 == millions
    assert run.recorded["params"] % 0.5 == 0


def test_times_alike_in_one_network_only_are_multiplied_out():
    records = [
        official.record(5, ARCH),
        official.record(6, OTHER),
    ]
    at(records[1])["train_times"][1] = 3.0
    cells = [nats.read(record) for record in records]
    table = nats.table(cells, "", NATS_TSS.choices, NATS_TSS.parse, NATS_TSS.key)
    assert table.trainings["cifar10-valid@2"].seconds.tolist() == [[2, 4], [2, 5]]


def test_times_that_differ_between_epochs_are_kept_from_the_start():
    record = official.record(5, ARCH)
    at(record)["train_times"][1] = 3.0
    at(record)["eval_times"]["x-valid@1"] = 1.5
    cell = nats.read(record)
    table = nats.table([cell], "", NATS_TSS.choices, NATS_TSS.parse, NATS_TSS.key)
    training = table.trainings["cifar10-valid@2"]
    assert training.seconds.tolist() == [[2.0, 5.0]]
    assert training.splits["x-valid"].seconds.tolist() == [[1.0, 1.5]]
