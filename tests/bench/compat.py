"""What the drop-in interfaces cost, beside the packages they stand in for."""

import importlib.util
import os
import random
import tempfile
import time
import warnings
from pathlib import Path
from unittest import mock

import nats_bench as package

from benchsuite.compat import nats_bench
from benchsuite.importer import Request, import_file
from tests.conftest import ROOT

CELLS = 30
BASE = "NATS-tss-v1_0-3ffb9"


def compat(best, tell):
    """Measure on generated files, with `best`, and `tell` the figures."""
    shared = Path(os.environ.get("BENCHSUITE_SHARED", ROOT.parent / "shared"))
    tool = shared / "tools" / "make_official_files.py"
    if not tool.is_file():
        print(f"drop-in interfaces: not measured, there is no {tool}")
        return
    spec = importlib.util.spec_from_file_location(tool.stem, tool)
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    with tempfile.TemporaryDirectory() as folder:
        maker.write(folder, "tss", CELLS, level=1)
        with (
            mock.patch.dict(os.environ, BENCHSUITE_DATA=f"{folder}/data"),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")  # numpy.core in the files; the leak
            import_file(Request(Path(folder) / f"{BASE}-simple", partial=True))
            _measure(Path(folder) / f"{BASE}.pickle.pbz2", best, tell)


def _measure(file, best, tell):
    start = time.process_time()
    original = package.create(str(file), "tss", verbose=False)
    took = time.process_time() - start
    ours = nats_bench.create(None, "tss", verbose=False)
    opening = best(lambda: nats_bench.create(None, "tss", verbose=False))
    tell("nats_bench: open", opening, "50 ms", "ms", f"package, {CELLS} cells", took)
    cells = random.Random(0).choices(range(CELLS), k=2000)

    def each(api, ask, n):
        def run():
            for cell in cells[:n]:
                ask(api, cell)

        return best(run) / n

    for seed in (True, False, 777):
        for dataset in ("cifar10-valid", "cifar100"):

            def ask(api, cell, dataset=dataset, seed=seed):
                api.get_more_info(cell, dataset, 199, "200", seed)

            text = f"  get_more_info, {dataset}, epoch 200, is_random {seed}"
            tell(
                text,
                each(ours, ask, 2000),
                "",
                "us",
                "package",
                each(original, ask, 100),
            )
    for name, iepoch in (("cifar10", None), ("cifar100", 150)):

        def ask(api, cell, name=name, iepoch=iepoch):
            api.simulate_train_eval(cell, name, iepoch, "200")

        text = f"  simulate_train_eval, {name}"
        tell(text, each(ours, ask, 2000), "", "us", "package", each(original, ask, 20))

    def find(api, _):
        api.find_best("cifar100", "test", hp="200")

    text = f"  find_best of {CELLS}"
    tell(text, each(ours, find, 20), "", "us", "package", each(original, find, 2))

    def record(api, cell):
        api.query_by_index(cell, "cifar100", "200")

    text = "  query_by_index"
    tell(text, each(ours, record, 100), "", "us", "package", each(original, record, 20))
