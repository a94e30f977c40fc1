"""Imports: what becomes a table, what is refused, and what is left behind."""

import bz2
import fcntl
import json
import math
import os
import pickle
import resource
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from benchsuite import load
from benchsuite.benchmarks.installed import installed
from benchsuite.core import InputError, Trial
from benchsuite.importer import Request, children, import_file, nats, plan, road
from benchsuite.importer.figures import published_order
from benchsuite.spaces import NATS_SSS, NATS_TSS, NB101
from surrogates import DataError, Table
from tests import official
from tests.test_nb101_reader import metrics, written
from tests.test_nb101_reader import record as nb101_record


@pytest.fixture
def apart(tmp_path, monkeypatch):
    """An empty data folder, filled by child processes."""
    folder = tmp_path / "data.d"  # as tables that are being written, it has a suffix
    monkeypatch.setenv("BENCHSUITE_DATA", str(folder))
    return folder


@pytest.fixture
def data(apart, monkeypatch):
    """An empty data folder, filled by this process: a child takes a second to start."""

    def work(function, tasks, *, jobs, limit):
        return ((task, function(task)) for task in tasks)

    monkeypatch.setattr(children, "work", work)
    monkeypatch.setattr(children, "_end_with_parent", lambda: None)
    monkeypatch.setattr(children, "_limit", lambda memory: None)
    monkeypatch.setattr(os, "fsync", lambda file: None)
    return apart


@pytest.fixture(scope="module")
def made(shared, tmp_path_factory):
    """The genuine records 0 and 11 of NATS-tss as all that they are published in."""
    folder = official.genuine_folder(shared, tmp_path_factory.mktemp("made"))
    return folder, official.single_file(folder), official.pth(folder, folder.parent)


@pytest.fixture
def source(made, tmp_path):
    """A folder of them."""
    return shutil.copytree(made[0], tmp_path / "source" / made[0].name)


@pytest.fixture
def single(made, tmp_path):
    """A single file of them."""
    return shutil.copy(made[1], tmp_path / made[1].name)


@pytest.fixture
def pth(made, tmp_path):
    """A file of NAS-Bench-201 of them."""
    return shutil.copy(made[2], tmp_path / made[2].name)


def take(path, **options):
    return import_file(Request(path, partial=True, **options))


def refused(path, message, **options):
    """Import in vain; nothing may be left behind."""
    before = contents()
    with pytest.raises((DataError, InputError), match=message) as caught:
        import_file(Request(path, **options))
    assert "\n" not in str(caught.value)
    assert contents() == before


def contents():
    folder = os.environ["BENCHSUITE_DATA"]
    return {
        os.path.join(parent, name): os.stat(os.path.join(parent, name)).st_mtime_ns
        for parent, _, names in os.walk(folder)
        for name in names
    }


def command(*arguments, **environment):
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "benchsuite", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


def test_a_folder_a_single_file_and_a_pth_of_the_same_records_are_one_table(
    source, single, pth, apart
):
    folder, single, pth = (take(path).table for path in (source, single, pth))
    assert folder.digest == single.digest == pth.digest
    assert list(installed()) == ["nats_tss", "nb201_v1_1"]
    assert folder.about["expected"] == 15_625
    assert pth.source == "NAS-Bench-201-v1_1-096897.pth, in part: 2 of 15,625"
    assert single.about["origin"]["md5"].endswith("not as in the name")
    assert sorted(path.name for path in apart.iterdir()) == ["nats_tss", "nb201_v1_1"]


def test_size_space_is_imported_and_answers_under_all_schedules(shared, data, tmp_path):
    folder = official.genuine_folder(shared, tmp_path, "sss")
    assert take(folder).name == "nats_sss"
    record = official.load(folder / "000011.pickle.pbz2")
    arch = NATS_SSS.parse("8:8:8:16:32")
    for suffix, schedule, epochs in (
        ("", "90", 90),
        ("@12", "12", 12),
        ("@01", "01", 1),
    ):
        benchmark = load(f"nats_sss/cifar100{suffix}")
        assert benchmark.epochs == tuple(range(1, epochs + 1))
        trials = record[schedule]["all_results"]
        seeds = record[schedule]["dataset_seed"]["cifar100"]
        for n, seed in enumerate(seeds):
            trial = trials["cifar100", seed]
            seen = benchmark.evaluate(Trial(arch, 1), n)
            right = trial["eval_acc1es"]["x-valid@0"]
            assert seen.error == pytest.approx(1 - right / 100, abs=1e-9)
            cost = trial["train_times"][0] + trial["eval_times"]["x-valid@0"]
            assert seen.cost == cost
        final = record["90"]["all_results"]["cifar100", 777]["eval_acc1es"]["x-test@89"]
        assert benchmark.reported_error(arch, 0) == pytest.approx(1 - final / 100)


def test_genuine_figures_are_answered_with_train_and_validation_times(source, data):
    take(source)
    record = official.load(source / "000011.pickle.pbz2")
    arch = NATS_TSS.parse(record["200"]["arch_str"])
    trials = record["200"]["all_results"]
    benchmark = load("nats_tss/cifar10")
    for n, seed in enumerate((777, 888, 999)):
        trial = trials["cifar10-valid", seed]
        errors, seconds = benchmark.curve(arch, n)
        for epochs in (1, 77, 200):
            seen = benchmark.evaluate(Trial(arch, epochs), n)
            right = trial["eval_acc1es"][f"x-valid@{epochs - 1}"]
            assert seen.error == pytest.approx(1 - right / 100, abs=1e-9)
            times = [trial["train_times"][e] for e in range(epochs)]
            cost = sum(times) + trial["eval_times"][f"x-valid@{epochs - 1}"]
            assert seen.cost == pytest.approx(cost, rel=1e-12)
            assert (seen.error, seen.cost) == (errors[epochs - 1], seconds[epochs - 1])
    finals = [
        trials["cifar10", s]["eval_acc1es"]["ori-test@199"] for s in (777, 888, 999)
    ]
    assert benchmark.reported_error(arch, 0) == pytest.approx(1 - sum(finals) / 300)
    assert load("nats_tss/cifar100").epochs == (200,)
    with pytest.raises(KeyError, match="all official test images"):
        load("nats_tss/cifar100").evaluate(Trial(arch, 12), 0)
    with pytest.raises(KeyError, match="it has 2 of 15,625 architectures"):
        benchmark.evaluate(Trial((0,) * 6, 200), 0)


def test_the_published_order_is_the_genuine_one(shared):
    for space, ours in (("tss", NATS_TSS), ("sss", NATS_SSS)):
        path = (
            shared
            / "data"
            / "nats"
            / f"{official.NAMES[space]}-simple__meta.pickle.pbz2"
        )
        archs = official.load(path)["meta_archs"]
        keys = [ours.key(ours.parse(arch)) for arch in archs]
        expected = published_order() if space == "tss" else range(32_768)
        assert keys == list(expected)


def test_an_incomplete_folder_is_named_and_needs_a_word(source, data):
    refused(source, r"lacks 15,623 of 15,625 records, the first of them 000001\.pickle")
    imported = take(source)
    assert imported.new
    assert imported.table.source.endswith("in part: 2 of 15,625")
    assert not take(source).new


def test_a_complete_table_is_not_replaced_by_part_of_one(source, data):
    take(source)
    Table.annotate(data / "nats_tss", {})
    refused(source, "nats_tss is there already, complete", partial=True)
    assert take(source, force=True).new


def test_a_changed_source_is_imported_again(source, data):
    before = take(source).table.digest
    (source / "000011.pickle.pbz2").unlink()
    imported = take(source)
    assert imported.new
    assert imported.table.digest != before
    assert len(imported.table.keys) == 1


def test_a_damaged_table_is_imported_again(source, data):
    digest = take(source).table.digest
    (data / "nats_tss" / "cifar10@200" / "recorded" / "macs.npy").unlink()
    imported = take(source)
    assert (imported.new, imported.table.digest) == (True, digest)


@pytest.mark.parametrize("name", ["mine", "mine/digits", "nats_sss", "nb101"])
def test_a_published_source_goes_by_its_own_name(name, source, data):
    refused(source, "is called nats_tss or nb201_v1_0 or", partial=True, name=name)


def test_unpadded_names_are_read_and_doubles_refused(source, data):
    digest = take(source).table.digest
    (source / "000011.pickle.pbz2").rename(source / "11.pickle.pbz2")
    assert take(source).table.digest == digest
    shutil.copy(source / "11.pickle.pbz2", source / "00011.pickle.pbz2")
    refused(source, "has 11 twice", partial=True)


def test_an_interrupted_import_goes_on(source, data, monkeypatch):
    monkeypatch.setattr(nats, "_CELLS", 1)
    told = []

    def stop(done, total):
        told.append((done, total))
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_file(Request(source, partial=True), stop)
    assert told == [(0, 2), (1, 2)]
    assert list(installed()) == []
    told.clear()
    request = Request(source, partial=True)
    assert import_file(request, lambda *now: told.append(now)).new
    assert told == [(1, 2), (2, 2)]
    assert [path.name for path in data.iterdir()] == ["nats_tss"]


def test_a_killed_import_goes_on(source, data):
    process = subprocess.Popen(
        [sys.executable, "-m", "benchsuite", "import", str(source), "--partial"]
    )
    work = data / "nats_tss.importing"
    while not (work / "plan.json").exists():
        time.sleep(0.01)
        assert process.poll() is None
    process.kill()
    process.wait()
    assert list(installed()) == []
    assert take(source).new
    assert [path.name for path in data.iterdir()] == ["nats_tss"]


def linger(path):
    print("at work", flush=True)
    time.sleep(60)


def test_children_of_a_killed_import_end():
    """They hold the pipe that is read here, until 60 s are over."""
    script = (
        "from pathlib import Path; from benchsuite.importer.children import convert;"
        "from tests.test_import import linger; convert(linger, [(Path('x'), 0)],"
        " jobs=3, seconds=99, memory=10**10, progress=lambda done, total: None)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "at work\n"
    process.kill()
    assert process.communicate(timeout=30) == ("", None)


def test_what_stops_a_child_is_one_line(data, tmp_path):
    def gone(path):
        return path.read_bytes()

    def large(path):
        raise MemoryError

    task = tmp_path, tmp_path / "gone"
    assert children._child(gone, 1, task).endswith("/gone: No such file or directory")
    assert children._child(large, 10**9, task).endswith("more than 1.0 GB of memory")


def test_a_limit_of_the_user_is_kept(monkeypatch):
    limits = []
    monkeypatch.setattr(resource, "setrlimit", lambda kind, both: limits.append(both))
    for most in (10**9, resource.RLIM_INFINITY):
        monkeypatch.setattr(resource, "getrlimit", lambda kind, most=most: (0, most))
        children._limit(2 * 10**9)
    assert limits == [(10**9, 10**9), (2 * 10**9, resource.RLIM_INFINITY)]


def test_parts_of_another_source_are_not_used(source, data, tmp_path, monkeypatch):
    monkeypatch.setattr(nats, "_CELLS", 1)

    def stop(done, total):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_file(Request(source, partial=True), stop)
    os.utime(source / "000000.pickle.pbz2", ns=(1, 1))
    told = []
    import_file(Request(source, partial=True), lambda *now: told.append(now))
    assert told[0] == (0, 2)


def test_two_imports_at_once_are_told_apart(source, data):
    with (
        road._alone(data / "nats_tss.importing", "stamp", 0),
        pytest.raises(DataError, match="another import is at work"),
    ):
        take(source)


def test_a_lock_in_a_folder_that_is_gone_is_none(source, data, monkeypatch):
    """Another import completed, and took its folder away, while this one came in."""
    flock = fcntl.flock

    def late(lock, how):
        os.unlink(lock.name)
        flock(lock, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(DataError, match="another import is at work"):
        take(source)


def test_no_more_children_start_than_there_are_parts(source, data, monkeypatch):
    started = []

    def work(function, tasks, *, jobs, limit):
        started.append(jobs)
        return ((task, function(task)) for task in tasks)

    monkeypatch.setattr(children, "work", work)
    monkeypatch.setattr(nats, "_CELLS", 1)
    monkeypatch.setattr(nats, "memory", lambda each, jobs: jobs)
    take(source, jobs=16)
    assert started == [2]


def test_too_little_disk_or_memory_is_said_before_the_work_starts(
    source, data, monkeypatch
):
    with monkeypatch.context() as patch:
        usage = shutil.disk_usage(source)
        patch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=10**8))
        refused(source, "needs 0.2 GB of disk in .* 0.1 GB free", partial=True)
    with monkeypatch.context() as patch:
        patch.setattr(nats, "_MEMORY", 10**15)
        refused(source, "needs 1000000.0 GB of memory", partial=True)
    assert plan.memory(1, 3) == 3
    assert plan.memory(10**9, 10**6) < 10**6


def test_a_child_that_needs_more_than_its_share_is_refused(source, apart, monkeypatch):
    monkeypatch.setattr(nats, "_MEMORY", 60_000_000)
    with pytest.raises(DataError, match=r"more than 0\.1 GB|its process died"):
        take(source)


def test_the_md5_in_a_name_is_checked(single, data):
    refused(single, "which does not end in 3ffb9 as its name says")
    right = official.with_its_md5(single)
    refused(right, r"lacks 15,623 of 15,625 architectures")
    assert take(right).table.about["origin"]["md5"] == "as in the name"
    named = right.rename(right.with_name("mine.pickle.pbz2"))
    refused(named, "does not tell its release", partial=True)
    origin = take(named, name="nats_tss", force=True).table.about["origin"]
    assert origin["md5"] == "the name carries none"


def test_losses_can_be_left_out_and_change_no_answer(source, data):
    whole = take(source).table
    bare = take(source, losses=False).table
    assert bare.digest == whole.digest
    splits = bare.trainings["cifar100@200"].splits
    assert splits["train"].loss is None
    assert not list((data / "nats_tss").rglob("loss.npy"))


def size_of_all(table):
    """Bytes that all 15,625 cells take: 39,419 runs of 200 epochs, 78,125 of 12."""
    total = {"loss": 0, "other": 0}
    runs = {"200": 39_419, "12": 15_625}
    for title, training in table.trainings.items():
        schedule = title.partition("@")[2]
        twice = 2 if title == "cifar10-valid@12" else 1
        for split in training.splits.values():
            for name in ("right", "tail", "loss", "seconds"):
                if (array := getattr(split, name)) is not None:
                    each = array.nbytes // len(array) * runs[schedule] * twice
                    total["loss" if name == "loss" else "other"] += each
        each = 8 * (2 + len(training.recorded)) * runs[schedule] * twice
        total["other"] += each + 8 * 15_626
    return total


def test_all_of_nats_tss_takes_less_than_250_mb_without_losses(source, data):
    """Bytes a run as measured, times the published numbers of runs."""
    total = size_of_all(take(source).table)
    assert 170e6 < total["other"] < 250e6
    assert total["loss"] < 560e6


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: f.write_bytes(b""), "000011.pickle.pbz2: it is no bz2 file"),
        (lambda f: f.write_bytes(f.read_bytes()[:-9]), "incomplete"),
        (lambda f: f.write_bytes(f.read_bytes() + b"x"), "no bz2 file"),
        (lambda f: f.write_bytes(flipped(f.read_bytes())), "cannot read|no bz2|pickle"),
        (lambda f: f.write_bytes(bz2.compress(bytes(10**8))), "more than 16,000,000"),
        (lambda f: os.truncate(f, 10**10), "000011.pickle.pbz2 has 10,000,000,000"),
        (lambda f: official.dump(print, f), r"names 'builtins\.print'"),
        (lambda f: official.dump([1, 2], f), "cell 11: it is not a dict"),
        (lambda f: shutil.copy(f.with_name("000000.pickle.pbz2"), f), "about cell 0"),
        (lambda f: edited(f, lambda r: r["12"].pop("all_results")), "no all_results"),
        (
            lambda f: edited(f, lambda r: accuracies(r).update({"ori-test@3": 101.0})),
            r"cell 11: cifar10@200, seed 777: ori-test has the accuracy 101",
        ),
        (
            lambda f: edited(f, lambda r: r["12"].update(arch_str="|none~0|")),
            "schedules are of different cells",
        ),
    ],
)
def test_a_damaged_record_is_named_and_nothing_is_left(spoil, message, source, data):
    spoil(source / "000011.pickle.pbz2")
    refused(source, message, partial=True)


def flipped(content):
    half = len(content) // 2
    return content[:half] + bytes([content[half] ^ 4]) + content[half + 1 :]


def edited(path, change):
    record = official.load(path)
    change(record)
    official.dump(record, path)


def accuracies(record):
    return record["200"]["all_results"]["cifar10", 777]["eval_acc1es"]


def test_a_refused_import_leaves_the_earlier_table_alone(source, data):
    digest = take(source).table.digest
    (source / "000011.pickle.pbz2").write_bytes(b"BZh9")
    refused(source, "incomplete", partial=True)
    assert Table.open(data / "nats_tss").digest == digest


@pytest.mark.parametrize("end", [0, 100, -1000, -1])
@pytest.mark.parametrize("kind", ["single", "pth"])
def test_a_half_downloaded_single_file_is_refused(kind, end, single, pth, data):
    path = single if kind == "single" else pth
    path.write_bytes(path.read_bytes()[:end] if end else b"")
    message = "is empty" if not end else "has the md5"
    refused(path, message)
    if end not in (0, -1):
        refused(path, "stops|damaged|no bz2|incomplete|ended|no pickle", partial=True)


def test_a_single_file_is_checked_cell_by_cell(source, single, data):
    path, content = single, official.load(single)
    content["arch2infos"][11] = content["arch2infos"].pop(0)
    official.dump(content, path)
    refused(path, "cell 11 calls itself 0", partial=True)
    content["arch2infos"] = {0: official.load(source / "000000.pickle.pbz2")}
    archs = content["meta_archs"]
    archs[0], archs[1] = archs[1], archs[0]
    official.dump(content, path)
    refused(path, "cell 0 is not .* in meta_archs", partial=True)
    official.dump({**content, "meta_archs": archs[:10]}, path)
    refused(path, "meta_archs is no list of the 15,625", partial=True)
    official.dump({**content, "meta_archs": {1, 2}}, path)
    refused(path, "meta_archs is no list of the 15,625", partial=True)
    official.dump({**content, "meta_archs": [*archs[:-1], b"x"]}, path)
    refused(path, "meta_archs is no list of the 15,625", partial=True)
    official.dump({**content, "arch2infos": {}}, path)
    refused(path, "holds no architecture", partial=True)
    official.dump({"arch2infos": print}, path)
    refused(path, r"names 'builtins\.print'", partial=True)


def test_what_is_noticed_is_told(source, data):
    def spoil(record):
        trial = record["200"]["all_results"]["ImageNet16-120", 888]
        trial["params"] = np.float64(0.5)
        trial["eval_acc1es"]["ori-test@67"] = float("nan")
        trial["eval_losses"]["ori-test@67"] = float("nan")
        trial["eval_losses"]["ori-test@68"] = float("nan")
        trial["eval_acc1es"]["x-valid@199"] = 100 / 120
        trial["eval_acc1es"]["x-test@199"] = 12.3456789
        trial["eval_acc1es"]["ori-test@199"] = 1.25  # half more than chance

    edited(source / "000011.pickle.pbz2", spoil)
    report = take(source).table.about["report"]["ImageNet16-120@200"]
    assert report["runs of an architecture"] == {"3": 2}
    assert report["params that contradict the formula"] == {
        "architectures": 1,
        "such as": "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|"
        "+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|",
    }
    assert report["ori-test"]["missing"] == 1
    assert report["ori-test"]["losses that are nan"] == 1
    assert report["x-valid"]["architectures at chance in the end"] == 1
    assert report["ori-test"]["architectures at chance in the end"] == 0
    assert "not whole images" not in report["x-valid"]
    assert "not whole images" in report["x-test"]
    clean = Table.open(data / "nats_tss").about["report"]["cifar10@200"]
    assert clean["ori-test"] == {
        "figures": 1200,
        "architectures at chance in the end": 0,
    }


def test_a_figure_that_is_nan_is_an_error_without_bound(source, data):
    def spoil(record):
        trial = record["200"]["all_results"]["cifar10-valid", 777]
        trial["eval_acc1es"]["x-valid@67"] = float("nan")

    edited(source / "000011.pickle.pbz2", spoil)
    take(source)
    benchmark = load("nats_tss/cifar10")
    arch = official.load(source / "000011.pickle.pbz2")["12"]["arch_str"]
    arch = NATS_TSS.parse(arch)
    archs = np.array([arch, arch])
    for run in range(3):
        seen = [benchmark.evaluate(Trial(arch, epochs), run) for epochs in (67, 68)]
        finite = [math.isfinite(observation.error) for observation in seen]
        assert finite == [True, run != 0]
        errors, seconds = benchmark.curve(arch, run)
        assert errors[66:68].tolist() == [observation.error for observation in seen]
        many = benchmark.evaluate_many(archs, 68, run)
        assert many[0].tolist() == [seen[1].error] * 2
        assert many[1].tolist() == [seconds[67]] * 2 == [seen[1].cost] * 2


def test_nothing_that_is_no_source_is_imported(data, tmp_path):
    refused(tmp_path / "gone.pth", "no such file or folder")
    (tmp_path / "x.pth").write_bytes(b"")
    refused(tmp_path / "x.pth", "is empty")
    os.mkfifo(tmp_path / "fifo.csv")
    refused(tmp_path / "fifo.csv", "is neither a file nor a folder", name="mine/digits")
    refused(tmp_path / ("x" * 300), "File name too long")
    (tmp_path / "x.txt").write_text("hello")
    refused(tmp_path / "x.txt", "of no known kind; import takes a folder of NATS-Bench")
    (tmp_path / "folder").mkdir()
    refused(tmp_path / "folder", "has no meta.pickle.pbz2")
    official.dump({"meta_archs": []}, tmp_path / "folder" / "meta.pickle.pbz2")
    refused(tmp_path / "folder", "meta_archs is no list")
    (tmp_path / "x.pth").write_bytes(b"PK\3\4")
    refused(tmp_path / "x.pth", "does not tell its release")


def test_the_command_line_imports_shows_and_answers(source, data):
    first = command("import", source, "--partial", "--json")
    assert first.returncode == 0, first.stderr
    facts = json.loads(first.stdout)
    assert (facts["name"], facts["architectures"], facts["new"]) == (
        "nats_tss",
        2,
        True,
    )
    assert (
        "there already, 2 architectures"
        in command("import", source, "--partial").stdout
    )
    shown = json.loads(command("tables", "--json").stdout)
    assert [table["sha256"] for table in shown] == [facts["sha256"]]
    seeds = shown[0]["trainings"]["cifar10-valid@12"]
    assert (seeds["seeds"], seeds["epochs"]) == ([111, 777], "1 to 12")
    assert shown[0]["origin"]["files"] == 2
    text = command("tables").stdout
    assert "in part: 2 of 15,625" in text
    assert "x-valid (200)" in text
    arch = official.load(source / "000000.pickle.pbz2")["12"]["arch_str"]
    answer = json.loads(
        command("query", "nats_tss/cifar10", arch, "--epochs", 12, "--json").stdout
    )
    assert [run["epochs"] for run in answer["runs"]] == [[12]] * 3
    assert len(answer["test_error"]) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("import", "gone.pth"), "no such file"),
        (("query", "nats_sss/cifar100", "8:8:8:8:8"), "nats_sss is not installed in"),
        (("query", "nats_tss/cifar10", "8:8"), "not installed"),
        (("query", "nb201/cifar10"), "either an architecture or --best"),
        (("query", "nb201/cifar10+robustness", "--best"), "import them first"),
        (("query", "nb201/cifar10+speed", "--best"), "unknown addition 'speed'"),
        (("import", "a.csv", "b.csv", "--name", "x/y"), "--name is for one source"),
    ],
)
def test_what_a_user_can_mend_is_one_line_and_exit_code_2(arguments, message, data):
    done = command(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


SKIP = ("010001000", "input,maxpool3x3,output")  # the edge past the node is missing
LINE = ("0100001000010000", "input,maxpool3x3,conv3x3-bn-relu,output")
LATE = ("0101001000010000", "input,maxpool3x3,conv1x1-bn-relu,output")


def tfrecord(path, *cells, runs=3):
    """Cells with their spellings; cell n gets n more images right, and run r 10 r."""
    return written(
        path,
        [
            metrics_record(n, r, epochs, cell)
            for n, cell in enumerate(cells)
            for epochs in (4, 12, 36, 108)
            for r in range(runs if (n, epochs) == (0, 36) else 3)
        ],
    )


def metrics_record(n, run, epochs, cell):
    count = 10 * run + n
    half = (epochs + run, *(c / 9_984 for c in (3000 + count, 2000 + count, 1000)))
    final = (2 * epochs + run, *(c / 9_984 for c in (9000, 6000 + count, 5000 + count)))
    message = metrics(half, final, params=1000 + n, epochs=epochs)
    return nb101_record(message, f"{n:032x}", epochs, cell)


def test_nasbench_101_answers_what_its_file_has(data, tmp_path):
    """Three cells, whose keys are in another order than the file; a run is missing."""
    path = tfrecord(tmp_path / "nasbench_full.tfrecord", SKIP, LINE, LATE, runs=2)
    refused(path, "runs are missing")
    table = take(path).table
    assert table.source.endswith("in part: 3 of 423,624 cells, without 1 runs")
    archs = [NB101.parse(";".join(cell)) for cell in (SKIP, LINE, LATE)]
    keys = [NB101.key(arch) for arch in archs]
    assert keys != sorted(keys)
    half = table.trainings["cifar10-half-way"]
    assert half.epochs.tolist() == [2, 6, 18, 54]
    benchmark = load("nb101/cifar10")
    for n, arch in enumerate(archs):
        row = sorted(keys).index(keys[n])
        assert table.archs[row].tolist() == list(arch)
        for epochs in (4, 12, 36, 108):
            for run in range(2 if (n, epochs) == (0, 36) else 3):
                seen = benchmark.evaluate(Trial(arch, epochs), run)
                assert seen.error == pytest.approx(1 - (6000 + 10 * run + n) / 9_984)
                assert seen.cost == 2 * epochs + run
                assert seen.metrics["params"] == 1000 + n
                column, at = half.epochs.tolist().index(epochs // 2), 3 * row + run
                right = half.splits["valid"].right[at, column]
                assert (right, half.seconds[at, column]) == (
                    2000 + 10 * run + n,
                    epochs + run,
                )
        test = 1 - (5010 + n) / 9_984
        assert benchmark.reported_error(arch, 0) == pytest.approx(test)
    with pytest.raises(KeyError, match="lacks the run at 36 epochs"):
        benchmark.evaluate(Trial(archs[0], 36), 2)
    assert np.isnan(
        half.splits["valid"].errors()[3 * sorted(keys).index(keys[0]) + 2, 2]
    )


def test_nasbench_101_is_refused_where_it_contradicts_its_space(data, tmp_path):
    path = tmp_path / "nasbench_full.tfrecord"
    dense = ("0111100111000110000100000", "input," + "maxpool3x3," * 3 + "output")
    refused(
        tfrecord(path, SKIP, dense),
        "^nasbench_full.tfrecord: cell 0+1: .* has 10$",
        partial=True,
    )
    longer = ("0100000000010000", "input,maxpool3x3,maxpool3x3,output")
    refused(tfrecord(path, longer), "cell 0+: ", partial=True)
    again = ("0010000000010000", "input,conv1x1-bn-relu,maxpool3x3,output")
    refused(tfrecord(path, SKIP, again), "0+ and 0+1 are isomorphic", partial=True)
    refused(tfrecord(path, SKIP), "has 1 of 423,624 cells: complete it")


TABLE = (
    "arch,epochs,seed,split,accuracy_percent,seconds,metric_mb\n"
    "8:8:8:8:8,1,0,valid,60,1.5,2\n"
    "8:8:8:8:8,2,0,valid,70,3,2\n"
    "8:8:8:8:8,2,0,test,68,,2\n"
    "8:8:8:8:16,1,0,valid,50,1,3\n"
    "8:8:8:8:16,2,0,valid,65,2,3\n"
    "8:8:8:8:16,2,0,test,66,,3\n"
)


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_table_of_the_users_becomes_a_benchmark(bom, newline, data, tmp_path):
    path = tmp_path / os.fsdecode(b"mine \xff.csv")  # the name is no UTF-8
    path.write_bytes(bom + TABLE.replace("\n", newline).encode())
    imported = import_file(Request(path, name="mine/digits", space="nats_sss"))
    assert imported.table.about["expected"] == 32_768
    benchmark = load("mine/digits")
    arch = NATS_SSS.parse("8:8:8:8:8")
    seen = benchmark.evaluate(Trial(arch, 1), 0)
    assert (seen.error, seen.cost, dict(seen.metrics)) == (0.4, 1.5, {"mb": 2.0})
    assert benchmark.epochs == (1, 2)
    assert benchmark.reported_error(arch, 0) == pytest.approx(0.32)
    assert benchmark.space.format(benchmark.best) == "8:8:8:8:8"
    assert command("run", "random_search", "--on", "mine/digitz").returncode == 2


def test_runs_go_with_their_networks_where_keys_are_no_order(data, tmp_path):
    """Keys of NAS-Bench-101 are hashes; the second network has two runs."""
    cells = [";".join(cell) for cell in (SKIP, LINE, LATE)]
    rows = [
        f'"{cell}",4,{seed},valid,0.{n}{seed},{10 * n + seed}'
        for n, cell in enumerate(cells, 1)
        for seed in ((5, 6) if n == 2 else (7,))
    ]
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(["arch,epochs,seed,split,error_fraction,seconds", *rows]))
    import_file(Request(path, name="mine/cells", space="nb101"))
    benchmark = load("mine/cells")
    for n, cell in enumerate(cells, 1):
        record = benchmark.query(cell)
        seeds = [5, 6] if n == 2 else [7]
        assert [run.seed for run in record.runs] == seeds
        assert [run.seconds for run in record.runs] == [(10 * n + s,) for s in seeds]
        errors = [run.valid_error[0] for run in record.runs]
        assert errors == pytest.approx([n / 10 + s / 100 for s in seeds])


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (("", ""), {"name": None}, "--name mine/cifar10"),
        (("", ""), {"name": "mine"}, "needs a name"),
        (("", ""), {"name": "../x/y"}, "is named by small letters"),
        (("", ""), {"name": "nb201/digits"}, "name of a published benchmark"),
        (("", ""), {"name": "robustness/digits"}, "name of a published benchmark"),
        (("", ""), {"space": None}, "needs its search space"),
        (("", ""), {"space": "nats_ssss"}, "did you mean nats_sss"),
        (("percent", "fraction"), {}, "60"),
        (("60", "nan"), {}, "line 2"),
        (("60", "inf"), {}, "line 2"),
        (("60", "6\0"), {}, "NUL"),
        (("60,1.5", "60,1.5,9"), {}, "line 2"),
        (("8:8:8:8:16,1", "8:8:8:8:15,1"), {}, "no '15' at layer 4"),
        (("valid", "test"), {}, "mine.csv"),
    ],
)
def test_a_wrong_table_of_the_users_is_refused(
    change, options, message, data, tmp_path
):
    path = tmp_path / "mine.csv"
    path.write_text(TABLE.replace(*change) if change[0] else TABLE)
    refused(path, message, **{"name": "mine/digits", "space": "nats_sss", **options})


def test_a_pickle_is_read_by_our_machine_only(source, data, monkeypatch):
    monkeypatch.setattr(pickle, "Unpickler", None)
    monkeypatch.setattr(pickle, "loads", None)
    assert nats._meta(source / "meta.pickle.pbz2")[0].startswith("|avg_pool_3x3~0|")
