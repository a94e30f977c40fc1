"""Tables of full size, made of the shared arrays; and genuine records, imported.

They stand in for official files that tests cannot have: whole spaces with the figures
that were gathered of them, so fewer epochs, splits and runs than the files have.
"""

import itertools
import json
import os
import pickle
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from benchsuite import catalogue
from benchsuite.benchmarks import load
from benchsuite.cli import app
from benchsuite.spaces import NATS_TSS, NB101
from surrogates import Split, Table, Training
from tests.test_nb101_space import encodings

BENCHSUITE = Path(sys.executable).parent / "benchsuite"
TSS, SSS = "NATS-tss-v1_0-3ffb9-simple", "NATS-sss-v1_0-50262-simple"
DATA_SETS = {
    "cifar10": "cifar10",
    "cifar100": "cifar100",
    "imagenet16_120": "ImageNet16-120",
}
"""What the shared arrays, and the published files, call each task."""
DEVICES = (
    "edgegpu_latency", "edgegpu_energy", "raspi4_latency", "edgetpu_latency",
    "pixel3_latency", "eyeriss_latency", "eyeriss_energy",
    "eyeriss_arithmetic_intensity", "fpga_latency", "fpga_energy",
)  # fmt: skip
_SHORT = {"cifar10": "c10", "cifar100": "c100", "ImageNet16-120": "in16"}
_SLOWER = {"cifar10-valid": 1, "cifar10": 2, "cifar100": 2, "ImageNet16-120": 6.068}
_VALID = 10_000  # validation images of NAS-Bench-101
_TEST = 29_952  # three runs of 9,984 test images


def command(*words, code=0):
    """Run the command line in another process; return what it printed."""
    done = subprocess.run(
        [BENCHSUITE, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert done.returncode == code, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done.stdout, done.stderr


def answer(*words, code=0):
    """Run a command with --json in this process; return what it says."""
    done = CliRunner().invoke(app, [*map(str, words), "--json"])
    assert done.exit_code == code, (done.output, done.exception)
    return json.loads(done.stdout)


def scored(names, metric):
    """Have strategies that need a score go by a metric that is there."""
    needy = (name for name in names if catalogue.find(name).metrics)
    settings = dict.fromkeys(needy, f"[score={metric}]")
    return [f"{name}{settings.get(name, '')}" for name in names]


@contextmanager
def data_folder(path):
    """Keep tables in a folder while the context lasts; those of nb201 are there."""
    path.mkdir(exist_ok=True)
    if not (path / "nb201").exists():  # made once a session, where all tests look
        for task in DATA_SETS:
            load(f"nb201/{task}")
        (path / "nb201").symlink_to(Path(os.environ["BENCHSUITE_DATA"]) / "nb201")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHSUITE_DATA", str(path))
        yield path


@contextmanager
def full_size(shared, tmp_path_factory):
    """Install NATS-tss and NAS-Bench-101, made once a session of the shared arrays."""
    with data_folder(tmp_path_factory.getbasetemp() / "full_size") as folder:
        if not (folder / "nb101").exists():
            with np.load(shared / "data" / "tables" / "nb201.npz") as arrays:
                nats_tss(arrays).save(folder / "nats_tss")
            with np.load(shared / "data" / "tables" / "nb101.npz") as arrays:
                nb101(arrays).save(folder / "nb101")
        yield folder


@contextmanager
def genuine(shared, tmp_path_factory):
    """Install the genuine records of NATS-tss and NATS-sss, imported once a session."""
    with data_folder(tmp_path_factory.getbasetemp() / "genuine") as folder:
        if not (folder / "nats_sss").exists():
            for release in (TSS, SSS):
                records = tmp_path_factory.mktemp("records") / release
                records.mkdir()
                for file in (shared / "data" / "nats").glob(f"{release}__*"):
                    shutil.copy(file, records / file.name.partition("__")[2])
                command("import", records, "--partial")
        yield folder


def nats_tss(arrays):
    """All 15,625 cells, in both schedules: mean accuracies after the last epoch.

    What the release calls a run is the mean of all runs here. CIFAR-10's x-valid is of
    the older release. The score `zc_naswot` is that for a batch of CIFAR-10.
    """
    order = NATS_TSS.keys(arrays["ops"])
    rows = np.argsort(order)

    def training(schedule, data_set, **splits):
        seconds = _SLOWER[data_set] * arrays["train_s_per_epoch_c10v"]
        return Training(
            epochs=np.array([schedule]),
            starts=np.arange(len(rows) + 1),
            seeds=np.zeros(len(rows), dtype=np.int64),
            seconds=seconds[rows],
            splits={
                name.replace("_", "-"): Split(
                    epochs=np.array([schedule]),
                    right=arrays[f"e{schedule}_{figure}"][rows, None],
                    whole=100,
                )
                for name, figure in splits.items()
                if f"e{schedule}_{figure}" in arrays
            },
        )

    trainings = {}
    for schedule in (12, 200):
        end = f"@{schedule}"
        trainings |= {
            f"cifar10-valid{end}": training(
                schedule, "cifar10-valid", x_valid="c10v_val"
            ),
            f"cifar10{end}": training(schedule, "cifar10", ori_test="c10_test"),
        }
        for data_set in ("cifar100", "ImageNet16-120"):
            short = _SHORT[data_set]
            trainings[f"{data_set}{end}"] = training(
                schedule,
                data_set,
                x_valid=f"{short}_val",
                x_test=f"{short}_test",
                ori_test=f"{short}_oritest",
            )
    return Table(
        source="development: means of NATS-tss v1.0, gathered from public collections",
        choices=NATS_TSS.choices,
        archs=arrays["ops"][rows],
        keys=order[rows],
        trainings=trainings,
        metrics={"zc_naswot": arrays["zcF_naswot_cifar10"][rows]},
        order=order,
    )


def nb101(arrays):
    """All 423,624 cells after 108 epochs: mean test figures, made-up validation.

    No validation figure was gathered. In its place stands a draw: of 10,000 images,
    each is right with the probability of the cell's test accuracy. The seconds are made
    up too: a second for every 10,000 weights.
    """
    archs, correct = encodings(arrays), arrays["test_correct_of_29952"]
    keys = NB101.keys(archs)
    rows = np.argsort(keys)
    valid = np.random.default_rng(101).binomial(_VALID, correct / _TEST)
    params = arrays["params"].astype(np.float64)
    epochs = np.array([108])
    return Table(
        source="development, for tests only: SYNTHETIC validation, drawn around the"
        " mean test accuracy of NAS-Bench-101; SYNTHETIC seconds",
        choices=NB101.choices,
        archs=archs[rows],
        keys=keys[rows],
        trainings={
            "cifar10": Training(
                epochs=epochs,
                starts=np.arange(len(rows) + 1),
                seeds=np.zeros(len(rows), dtype=np.int64),
                seconds=params[rows, None] / 10_000,
                splits={
                    "valid": Split(epochs, valid[rows, None].astype(np.uint16), _VALID),
                    "test": Split(epochs, correct[rows, None], _TEST),
                },
            )
        },
        metrics={"params": params[rows]},
    )


def spellings_of_nb101(arrays, rows):
    """Spell rows of the array as published: 'adjacency;labels', row by row."""
    names = ("", "conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
    for row in rows:
        n, bits = int(arrays["n_vertices"][row]), int(arrays["adj_upper_bits"][row])
        pairs = list(itertools.combinations(range(n), 2))
        there = set(itertools.compress(pairs, map(int, f"{bits:0{len(pairs)}b}")))
        square = "".join(str(int((v, w) in there)) for v in range(n) for w in range(n))
        labels = [names[op] for op in arrays["ops"][row, : n - 2]]
        yield f"{square};{','.join(['input', *labels, 'output'])}"


def write_hw_nas_bench(arrays, path):
    """Write the file of HW-NAS-Bench as it is published, of the gathered figures."""
    figures = {
        data_set: {
            device: arrays[f"hw_{data_set}_{device}"].tolist() for device in DEVICES
        }
        for data_set in DATA_SETS.values()
    }
    path.write_bytes(pickle.dumps({"nasbench201": figures}))
