"""Files and dicts of the official formats, and how answers are compared.

Records are the genuine ones of cells 0 and 11, and generated ones around them: with
two or three runs, one of them with losses that became nan, one with parameters that
differ between runs, as some published ones do.
"""

import importlib.util
import math
import random
import warnings
from collections.abc import Mapping

import numpy as np
import pytest

from benchsuite.importer import Request, import_file

BASES = {"tss": "NATS-tss-v1_0-3ffb9", "sss": "NATS-sss-v1_0-50262"}
NAN_FROM, CONTRADICTS = 5, 7  # indexes of generated records that were altered


def maker(shared):
    """Import the tool that makes files of the official formats."""
    spec = importlib.util.spec_from_file_location(
        "make_official_files", shared / "tools" / "make_official_files.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def contents(shared, space, n, genuine=(0, 11)):
    """What `nats_bench` loads from a single file with the first n records."""
    tool = maker(shared)
    archs = tool.tss_archs() if space == "tss" else tool.sss_archs()
    make = tool.tss_record if space == "tss" else tool.sss_record
    infos = {i: make(i, archs[i]) for i in range(n) if i not in genuine}
    _alter(infos, "200" if space == "tss" else "12")
    for i in genuine:
        path = shared / "data" / "nats" / f"{BASES[space]}-simple__{i:06d}.pickle.pbz2"
        infos[i] = load(path)
    return {
        "meta_archs": archs,
        "total_archs": len(archs),
        "arch2infos": infos,
        "evaluated_indexes": set(infos),
    }


def _alter(infos, hp):
    if NAN_FROM in infos:
        trials = infos[NAN_FROM][hp]["all_results"]
        losses = trials["ImageNet16-120", 888]["train_losses"]
        losses.update({e: math.nan for e in losses if e >= len(losses) // 3})
    if CONTRADICTS in infos:
        trial = infos[CONTRADICTS][hp]["all_results"]["cifar10", 777]
        trial["params"] = np.float64(round(trial["params"] * 1e6 + 5850) / 1e6)
        trial["flop"] = round(trial["flop"] * 1e6 + 5850) / 1e6


def load(path):
    """Unpickle one of our own files as the package does, which names numpy.core."""
    nats_bench = pytest.importorskip("nats_bench")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return nats_bench.pickle_load(path)


def folder(shared, space, data, where):
    """Write a folder of records as published."""
    tool, where = maker(shared), where / f"{BASES[space]}-simple"
    where.mkdir(parents=True)
    meta = {**data, "arch2infos": None, "evaluated_indexes": set()}
    tool.dump(meta, where / "meta.pickle.pbz2", level=1)
    for i, record in data["arch2infos"].items():
        tool.dump(record, where / f"{i:06d}.pickle.pbz2", level=1)
    return where


def install(path, data_folder, **options):
    """Import a path, incomplete as it is, into a data folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHSUITE_DATA", str(data_folder))
        return import_file(Request(path, partial=True, **options))


def outcome(ask, api):
    """What a call gives or raises, what it printed aside, and what it drew."""
    random.seed(88)
    try:
        answer = ask(api)
    except Exception as error:
        answer = type(error)
    return answer, random.getstate()


def assert_same(ask, original, ours):
    """Ask both, with the same random state."""
    (theirs, drawn), (mine, mine_drawn) = outcome(ask, original), outcome(ask, ours)
    assert drawn == mine_drawn
    assert_identical(theirs, mine)


def assert_identical(theirs, mine, ordered=True):
    """Equal to the last digit, of the same type, keys in the same order."""
    if hasattr(theirs, "state_dict"):
        assert type(theirs).__name__ in {k.__name__ for k in type(mine).__mro__}
        assert repr(theirs) == repr(mine)
        # Records have their runs in an order of no meaning, which tables do not keep.
        assert_identical(theirs.state_dict(), mine.state_dict(), ordered=False)
        return
    assert type(theirs) is type(mine), (theirs, mine)
    if isinstance(theirs, Mapping):
        assert (list if ordered else set)(theirs) == (list if ordered else set)(mine)
        for key in theirs:
            assert_identical(theirs[key], mine[key], ordered)
    elif isinstance(theirs, list | tuple):
        assert len(theirs) == len(mine)
        for one, other in zip(theirs, mine, strict=True):
            assert_identical(one, other, ordered)
    elif isinstance(theirs, np.ndarray):
        assert np.array_equal(theirs, mine)
    else:
        assert theirs == mine or (theirs != theirs and mine != mine)
