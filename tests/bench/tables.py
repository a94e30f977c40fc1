"""What tables of published files cost, beside the package that reads those files.

The files are generated: `CELLS` records of NATS-tss in the official format, their
accuracies rounded to whole numbers of images as the genuine ones are. A table of all
15,625 cells is made of them too, in which cell k has the figures of record k modulo
`CELLS`: what opens and answers here has its full size, and so has the last step of its
import.
"""

import gc
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np

from benchsuite import load
from benchsuite.core import Trial
from benchsuite.importer import Request, import_file, nats, road
from benchsuite.runner import Rules, search
from benchsuite.spaces import NATS_TSS, NB101
from benchsuite.strategies.random_search import RandomSearch
from surrogates import Split, Table, Training, safe_pickle
from surrogates import nats as records
from tests import development
from tests.conftest import ROOT

CELLS = 600
TSS = "nats_tss/cifar10"
BASE = "NATS-tss-v1_0-3ffb9"
ALL = NATS_TSS.size
RUNS = {"12": 15_625, "200": 39_419}
"""Published runs on a data set; cifar10-valid@12 has twice as many."""

_PACKAGE = importlib.util.find_spec("nats_bench") is not None
_IMPORT = """
import json, multiprocessing, resource, sys, time
from pathlib import Path
from benchsuite.importer import Request, import_file

start = time.perf_counter()
import_file(Request(Path(sys.argv[1]), partial=True, jobs=int(sys.argv[2])))
wall = time.perf_counter() - start
for child in multiprocessing.active_children():
    child.join()
of = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
(peak,) = [line for line in open("/proc/self/status") if "VmHWM" in line]
print(json.dumps({
    "wall": wall,
    "processor": sum(one.ru_utime + one.ru_stime for one in of),
    "parent": int(peak.split()[1]) / 1024,  # ru_maxrss begins with that of its parent
    "child": of[1].ru_maxrss / 1024,
}))
"""
_FIRST = """
import time, benchsuite.benchmarks
start = time.perf_counter()
benchsuite.load({!r})
print(time.perf_counter() - start)
"""
_OURS = """
from benchsuite import load
from benchsuite.core import Trial
benchmark = load({!r})
arch = tuple(benchmark.table.archs[0].tolist())
seen = benchmark.evaluate(Trial(arch, benchmark.epochs[-1]), 0)
benchmark.curve(arch, 0)
"""
_THEIRS = """
import sys, time, nats_bench
start = time.process_time()
api = nats_bench.create(sys.argv[1], "tss", verbose=False)
took = time.process_time() - start
(peak,) = [line for line in open("/proc/self/status") if "VmHWM" in line]
print(took, peak.split()[1])
"""
_RESIDENT = "print(*[x for x in open('/proc/self/status') if 'VmHWM' in x])"


def tables(best, tell):
    """Measure on generated files, with `best`, and `tell` the figures."""
    shared = Path(os.environ.get("BENCHSUITE_SHARED", ROOT.parent / "shared"))
    tool = shared / "tools" / "make_official_files.py"
    if not tool.is_file():
        print(f"tables of published files: not measured, there is no {tool}")
        return
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the files name a module of NumPy 1
        folder = Path(name)
        _generate(tool, folder)
        with _data(folder / "full"):
            _conversion(folder, shared, best, tell)
            _opening(folder, shared, best, tell)
            api = _original(folder)
            _queries(api, best, tell)
            _clock(api, best, tell)
            _nb101(folder, shared, best, tell)


def _data(folder):
    """Keep tables in a folder while the context lasts."""
    return mock.patch.dict(os.environ, BENCHSUITE_DATA=str(folder))


def _generate(tool, folder):
    """Write records and the single file of them."""
    spec = importlib.util.spec_from_file_location(tool.stem, tool)
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    generated = maker.trial

    def trial(arch, dataset, *rest):
        one = generated(arch, dataset, *rest)
        for field in ("train_acc1es", "train_acc5es"):
            if one[field] is not None:
                one[field] = _whole(one[field], dataset, lambda key: "train")
        one["eval_acc1es"] = _whole(
            one["eval_acc1es"], dataset, lambda key: key.partition("@")[0]
        )
        return one

    maker.trial = trial
    maker.write(folder, "tss", CELLS, level=1)


def _whole(figures, dataset, split):
    """Round accuracies to those that whole images give, as they are published."""
    images = np.array([records.IMAGES[dataset, split(key)] for key in figures])
    percent = np.array(list(figures.values()))
    for whole in np.unique(images).tolist():
        at = images == whole
        right = np.round(percent[at] * whole / 100).astype(np.uint32)[:, None]
        tail = np.round(percent[at] * (whole % records.BATCH) / 100)[:, None]
        counts = Split(np.array([1]), right, whole, tail.astype(np.uint8))
        percent[at] = records.published(counts)[:, 0]
    return dict(zip(figures, percent.tolist(), strict=True))


def _run(code, *arguments):
    """Run code in an interpreter of its own; return what it printed last."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip().splitlines()[-1]


def _conversion(folder, shared, best, tell):
    """Import, by one process and by two, and the single file."""
    source, single = folder / f"{BASE}-simple", folder / f"{BASE}.pickle.pbz2"
    few = folder / "few" / source.name
    few.mkdir(parents=True)
    for name in ("meta", "000000", "000001"):
        (few / f"{name}.pickle.pbz2").symlink_to(source / f"{name}.pickle.pbz2")

    def imported(path, jobs, data):
        with _data(folder / data):
            return json.loads(_run(_IMPORT, path, jobs))

    start = imported(few, 1, "few_data")
    one, two = imported(source, 1, "one"), imported(source, 2, "two")
    whole = imported(single, 1, "single")
    full = imported(*_all_but_the_end(folder, source), "full")
    each = (one["processor"] - start["processor"]) / (CELLS - 2)
    both = (two["wall"] - start["wall"]) / (CELLS - 2)
    stream = (whole["processor"] - start["processor"]) / (CELLS - 2)
    print(
        f"NATS-tss converted: {CELLS} generated records, less the {start['wall']:.1f} s"
        f" of 2, times {ALL:,}; and the end of it, measured with all {ALL:,}"
    )
    tell("  a record", each, "", "ms")
    if genuine := list((shared / "data" / "nats").glob(f"{BASE}-simple__0*")):
        text = "  a genuine record of three seeds, only read"
        tell(text, *_genuine(source, genuine, best))
    tell("  the end: parts put together, counted, looked over", full["wall"], "", "s")
    text = "  all, one process"
    tell(text, each * ALL + full["processor"], "600 s", "s")
    tell("  all, two processes, wall", both * ALL + full["wall"], "", "s")
    tell("  all, from the single file", stream * ALL + full["processor"], "600 s", "s")
    for text, of, jobs in (
        ("one process", one, 1),
        ("two processes", two, 2),
        ("single file", whole, 1),
    ):
        # The children are gone before the end begins.
        peak = max(of["parent"] + jobs * of["child"], full["parent"])
        tell(f"  memory of all processes, {text}", peak, "1000 MB", "MB")
    table = Table.open(folder / "full" / "nats_tss")
    size = _size(table)
    tell("  on disk, without losses", size["other"] / 1e6, "250 MB", "MB")
    tell("  on disk, losses too", sum(size.values()) / 1e6, "", "MB")


def _genuine(source, genuine, best):
    """Seconds to read a genuine record, and a generated one of as many runs."""

    def read(file):
        return records.read(safe_pickle.loads(unpacked(file), allow=safe_pickle.NUMPY))

    def unpacked(file):
        return safe_pickle.read_bz2(file, nats._RECORD)

    runs = {len(read(file).runs) for file in genuine}
    generated = [
        f for f in sorted(source.glob("00*"))[:20] if len(read(f).runs) in runs
    ]
    took = [
        best(lambda files=files: list(map(read, files))) / len(files)
        for files in (genuine, generated)
    ]
    return took[0], "", "ms", "a generated one", took[1]


def _all_but_the_end(folder, source):
    """Stop an import of all cells where only the putting together is left.

    Returns:
        The folder of records and how many processes are to work on it.
    """
    everything = folder / "all" / source.name
    everything.mkdir(parents=True)
    (everything / "meta.pickle.pbz2").symlink_to(source / "meta.pickle.pbz2")
    for cell in range(ALL):
        file = source / f"{cell % CELLS:06d}.pickle.pbz2"
        (everything / f"{cell:06d}.pickle.pbz2").symlink_to(file)
    with _data(folder / "full"):
        request = Request(everything, partial=True)
        plan = nats.folder(request)
        work = road.data_folder() / "nats_tss.importing"
        work.mkdir(parents=True)
        stamp = road._stamp(request, plan)
        (work / "plan.json").write_text(json.dumps({"stamp": stamp}))
        archs = nats._meta(everything / "meta.pickle.pbz2")
        numbers = range(CELLS)
        files = [source / f"{cell:06d}.pickle.pbz2" for cell in numbers]
        part = nats._Part(
            tuple(zip(numbers, files, strict=True)), archs[:CELLS], "nats_tss"
        )
        table = nats._convert(part, losses=True)
        row = {NATS_TSS.format(a): n for n, a in enumerate(map(tuple, table.archs))}
        rows = np.array([row[arch] for arch in archs[:CELLS]])
        for first in range(0, ALL, nats._CELLS):
            cells = np.arange(first, min(first + nats._CELLS, ALL))
            spread = _spread(table, rows[cells % CELLS], [archs[c] for c in cells])
            spread.save(work / "parts" / f"{first:06d}")
    return everything, 1


def _spread(table, rows, spellings):
    """Give cells the figures of some rows of a table."""
    archs = np.array([NATS_TSS.parse(arch) for arch in spellings], dtype=np.uint8)
    keys = NATS_TSS.keys(archs)
    order = np.argsort(keys)
    rows = rows[order]
    trainings = {}
    for title, training in table.trainings.items():
        counts = np.diff(training.starts)[rows]
        runs = np.concatenate([np.array(training.runs(row)) for row in rows.tolist()])
        splits = {
            name: replace(
                split,
                right=split.right[runs],
                loss=None if split.loss is None else split.loss[runs],
                seconds=None if split.seconds is None else split.seconds[runs],
            )
            for name, split in training.splits.items()
        }
        trainings[title] = Training(
            training.epochs,
            np.append(0, np.cumsum(counts)),
            training.seeds[runs],
            training.seconds[runs],
            splits,
            {name: values[runs] for name, values in training.recorded.items()},
        )
    return replace(
        table,
        archs=archs[order],
        keys=keys[order],
        trainings=trainings,
        about={"files": {spelling: "" for spelling in spellings}},
    )


def _size(table):
    """Bytes on disk of all cells: those of a run, times the published numbers of runs.

    Raises:
        ValueError: An accuracy was no whole number of images.
    """
    total = {"loss": 0, "other": 0}
    for title, training in table.trainings.items():
        schedule = title.partition("@")[2]
        runs = RUNS[schedule] * (2 if title == "cifar10-valid@12" else 1)
        for name, split in training.splits.items():
            if not split.counted:
                raise ValueError(f"{name} of {title} is not in whole images")
            for what in ("right", "tail", "loss", "seconds"):
                if (array := getattr(split, what)) is not None:
                    kind = "loss" if what == "loss" else "other"
                    total[kind] += array.nbytes // len(array) * runs
        total["other"] += 8 * ((2 + len(training.recorded)) * runs + ALL + 1)
    return total


def _fresh(code):
    """Peak memory of an interpreter that runs code, in MB as Linux counts it."""
    return int(_run(f"{code}\n{_RESIDENT}").split()[1]) / 1024


def _opening(folder, shared, best, tell):
    """Open the table of all cells, and then with figures joined to it."""
    alone, time_of, memory_of = _fresh("import numpy"), (), ()
    if _PACKAGE:
        file = folder / f"{BASE}.pickle.pbz2"
        took, peak = map(float, _run(_THEIRS, file).split())
        each = f"nats_bench, projected from {CELLS}"
        time_of = each, took * ALL / CELLS
        memory_of = each, (peak / 1024 - alone) * ALL / CELLS
    tell(
        "open nats_tss, all cells", best(lambda: load(TSS), 20), "10 ms", "ms", *time_of
    )
    first = float(_run(_FIRST.format(TSS)))
    tell("  first in a process, wall", first, "10 ms", "ms")
    text = "  memory over an interpreter with NumPy"
    tell(text, _fresh(_OURS.format(TSS)) - alone, "50 MB", "MB", *memory_of)
    gathered = shared / "data" / "tables"
    if not gathered.is_dir():
        print(f"hardware and robustness joined: not measured, there is no {gathered}")
        return
    with np.load(gathered / "nb201.npz") as arrays:
        development.write_hw_nas_bench(arrays, folder / "HW-NAS-Bench-v1_0.pickle")
    import_file(Request(folder / "HW-NAS-Bench-v1_0.pickle"))
    import_file(Request(gathered / "nb201_robust.npz"))
    took = best(lambda: load(TSS), 20)
    tell("open it with hardware and robustness joined", took, "10 ms", "ms")
    for text, name in (
        ("  memory, with all metrics of an architecture", TSS),
        ("  memory, with its robustness too", f"{TSS}+robustness"),
    ):
        code = f"{_OURS.format(name)}\ndict(seen.metrics)"
        tell(text, _fresh(code) - alone, "50 MB", "MB")


def _original(folder):
    """Open the single file of generated records with nats_bench, if it is there."""
    if not _PACKAGE:
        print("nats_bench: not measured beside ours, it is not installed")
        return None
    import nats_bench

    file = folder / f"{BASE}.pickle.pbz2"
    api = nats_bench.create(str(file), "tss", verbose=False)
    gc.freeze()  # or every measurement would pay for looking through its objects
    return api


def _each(action, things):
    """Do something with each of some things, as one action."""

    def all_of_them():
        for thing in things:
            action(thing)

    return all_of_them


def _queries(api, best, tell):
    benchmark, source = load(TSS), np.random.default_rng(0)
    archs = [benchmark.space.sample(source) for _ in range(20_000)]
    epochs = source.integers(1, 201, len(archs)).tolist()
    trials = list(map(Trial, archs, epochs))
    others = [trial._replace(epochs=trial.epochs % 200 + 1) for trial in trials]
    point = curve = ()
    if api is not None:
        asked = list(zip(source.integers(0, CELLS, 200).tolist(), epochs, strict=False))

        def get(pair):
            cell, epoch = pair
            api.get_more_info(cell, "cifar10-valid", epoch - 1, "200", 777)

        point = "nats_bench", best(_each(get, asked)) / len(asked)
        one = [(asked[0][0], epoch) for epoch in range(1, 201)]
        curve = "nats_bench, 200 queries", best(_each(get, one), 3)
    ask = partial(benchmark.evaluate, seed=3)
    draw = partial(benchmark.curve, seed=3)
    n = len(trials)
    cell, epoch = best(_each(ask, trials), 1) / n, best(_each(ask, others), 1) / n
    warm = best(_each(ask, others)) / n
    tell("query, random cells and epochs", warm, "1 us", "us", *point)
    tell("  first time at the epoch", epoch, "1 us", "us", *point)
    tell("  first time of the cell", cell, "1 us", "us", *point)
    first = best(_each(draw, archs), 1) / n
    tell("curve of 200 epochs", best(_each(draw, archs)) / n, "1 us", "us", *curve)
    tell("  first time", first, "1 us", "us", *curve)
    block = np.array(archs[:1000])
    many = best(lambda: benchmark.evaluate_many(block, 77, 3), 50) / 1000
    tell("1,000 cells at an epoch batched, each", many, ".3 us", "us", *point)


class _Given:
    """Asks for trials that were drawn before, and learns nothing."""

    def __init__(self, trials):
        self._trials = iter(trials)

    def ask(self):
        return next(self._trials, None)

    def tell(self, trial, observation):
        pass


def _clock(api, best, tell):
    """Ask the table and keep a clock: by hand, through the runner, in a search."""
    benchmark, source = load(TSS), np.random.default_rng(1)
    trials = [Trial(benchmark.space.sample(source), 200) for _ in range(5000)]

    def by_hand():
        clock = 0.0
        for trial in trials:
            clock += benchmark.evaluate(trial, 3).cost

    def runner():
        list(search(_Given(trials), benchmark, Rules(), seed=3))

    def searches():
        rng = np.random.default_rng(1)
        strategy = RandomSearch(benchmark.space, benchmark.epochs, rng)
        list(search(strategy, benchmark, Rules(trials=5000), seed=3))

    theirs = ()
    if api is not None:
        cells = source.integers(0, CELLS, 100).tolist()

        def simulate(cell):
            api.simulate_train_eval(cell, "cifar10", None, "200")

        theirs = "simulate_train_eval", best(_each(simulate, cells), 3) / len(cells)
    by_hand()  # the cells are known from here on
    for text, action, goal in (
        ("query, and its cost added to a clock", by_hand, "2 us"),
        ("  clock, repeats, incumbents of the runner", runner, "2 us"),
        ("  a random search, which draws the cells too", searches, ""),
    ):
        tell(text, best(action) / len(trials), goal, "us", *theirs)


def _nb101(folder, shared, best, tell):
    """Query all of NAS-Bench-101, one run of one budget made of gathered figures."""
    file = shared / "data" / "tables" / "nb101.npz"
    if not file.is_file():
        print(f"nb101: not measured, there is no {file}")
        return
    with np.load(file) as arrays:
        table = development.nb101(arrays)
        some = np.random.default_rng(0).choice(len(arrays["params"]), 2000, False)
        spelled = list(development.spellings_of_nb101(arrays, some))
    table.save(folder / "full" / "nb101")
    rows = np.random.default_rng(0).choice(len(table.keys), 2000, False)
    archs = [tuple(a) for a in table.archs[rows].tolist()]
    took = best(lambda: load("nb101/cifar10"), 20)
    tell("open nb101, all 423,624 cells", took, "10 ms", "ms")
    alone = _fresh("import numpy")
    ours = _fresh(_OURS.format("nb101/cifar10")) - alone
    tell("  memory over an interpreter with NumPy", ours, "50 MB", "MB")
    benchmark = load("nb101/cifar10")
    ask = _each(partial(benchmark.evaluate, seed=0), [Trial(a, 108) for a in archs])
    first, warm = best(ask, 1) / len(archs), best(ask) / len(archs)
    tell("  query", warm, "1 us", "us")
    tell("  first time of the cell, with its key", first, "", "us")
    key = best(_each(NB101.key, archs), 1) / len(archs)
    tell("  key of a cell, its class among the isomorphic", key, "", "us")
    block = np.array(archs, dtype=np.uint8)
    many = best(lambda: NB101.keys(block), 3) / len(block)
    tell("  keys of 2,000 batched, each", many, "", "us")
    parse = best(_each(NB101.parse, spelled), 1) / len(spelled)
    tell("  a spelling parsed", parse, "", "us")
