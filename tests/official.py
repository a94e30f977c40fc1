"""Files in the official formats, from the genuine records and by hand."""

import bz2
import hashlib
import pickle
import shutil
import warnings
from collections import OrderedDict

import numpy as np

NAMES = {
    "tss": "NATS-tss-v1_0-3ffb9",
    "sss": "NATS-sss-v1_0-50262",
    "201": "NAS-Bench-201-v1_1-096897",
}


def genuine_folder(shared, parent, space="tss"):
    """Copy the genuine records, under their real names, into a folder of theirs."""
    folder = parent / f"{NAMES[space]}-simple"
    folder.mkdir(parents=True)
    for file in (shared / "data" / "nats").glob(f"{NAMES[space]}*"):
        shutil.copy(file, folder / file.name.partition("__")[2])
    return folder


def load(path):
    """Read a genuine file with Python's own unpickler."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they name a module of NumPy 1
        return pickle.loads(bz2.decompress(path.read_bytes()))


def dump(content, path):
    path.write_bytes(bz2.compress(pickle.dumps(content, protocol=4), 1))


def whole(folder):
    """Put the records of a folder together as a single file has them."""
    meta = load(folder / "meta.pickle.pbz2")
    records = {
        int(path.name.partition(".")[0]): load(path) for path in folder.glob("[0-9]*")
    }
    return {**meta, "arch2infos": records, "evaluated_indexes": set(records)}


def single_file(folder, name=None):
    """Write the records of a folder as a single file beside it."""
    path = folder.with_name(name or folder.name.replace("-simple", ".pickle.pbz2"))
    dump(whole(folder), path)
    return path


def pth(folder, parent):
    """Write the records of a folder as NAS-Bench-201 has them, without torch."""
    content = whole(folder)
    content["arch2infos"] = {
        number: {"full": record["200"], "less": record["12"]}
        for number, record in content["arch2infos"].items()
    }
    content["evaluated_indexes"] = sorted(content["evaluated_indexes"])
    path = parent / f"{NAMES['201']}.pth"
    header = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})
    parts = [pickle.dumps(part, protocol=2) for part in (*header, content, [])]
    path.write_bytes(b"".join(parts))
    return path


def with_its_md5(path):
    """Rename a file so that its name ends in the digits of its md5."""
    digits = hashlib.md5(path.read_bytes()).hexdigest()[-5:]
    old = path.name.split("-")[-1].split(".")[0]
    return path.rename(path.with_name(path.name.replace(old, digits)))


def trial(data_set, splits, epochs=2, seed=777, params=0.073306, flop=7.78305):
    """A trial of few epochs, by hand: accuracies are whole images."""
    curve = {e: 50.0 + 10 * e for e in range(epochs)}
    keys = [f"{split}@{e}" for split in splits for e in range(epochs)]
    return {
        "name": data_set,
        "train_acc1es": dict(curve),
        "train_acc5es": None,
        "train_losses": {e: 1.5 - 0.25 * e for e in range(epochs)},
        "train_times": OrderedDict((e, 2.0) for e in range(epochs)),
        "arch_config": {"channel": 16, "num_cells": 5},
        "params": np.float64(params),
        "flop": flop,
        "seed": f"{seed:04d}",
        "epochs": epochs,
        "latency": [np.float64(0.0125)],
        "eval_names": list(splits),
        "eval_acc1es": {key: 40.0 + 10 * int(key[-1]) for key in keys},
        "eval_losses": dict.fromkeys(keys, 0.5),
        "eval_times": dict.fromkeys(keys, 1.0),
        "net_state_dict": None,
    }


def record(number, arch, **change):
    """A record of one schedule of two epochs and one data set, by hand."""
    one = trial("cifar10-valid", ["x-valid", "ori-test"], **change)
    state = {
        "arch_index": number,
        "arch_str": arch,
        "all_results": {("cifar10-valid", 777): one},
        "dataset_seed": {"cifar10-valid": [777]},
        "clear_net_done": True,
    }
    return OrderedDict([("2", state)])
