"""Benchmarks that compute their answers with PyTorch: trained, or inherited weights.

    training/<space>/<data set>[@<epochs>][+<option>-<number>...]
    inherited/<space>/<data set>[+<method>]

The data set is one of `supernet.datasets.DATA_SETS`, or the path of an .npz file.
"""

import os
from collections.abc import Callable
from pathlib import Path

from benchsuite.benchmarks.installed import data_folder
from benchsuite.core import Benchmark, InputError
from benchsuite.names import pick

TRAINING, INHERITED = "training", "inherited"
_OPTIONS = {"channels": None, "cells": None, "batch_size": None}


def images_folder() -> Path:
    """Where official image files lie: $BENCHSUITE_IMAGES, or `images` among the data.

    Raises:
        InputError: See `data_folder`.
    """
    chosen = os.environ.get("BENCHSUITE_IMAGES")
    return Path(chosen).expanduser() if chosen else data_folder() / "images"


def supernets_folder(space: str, data: str, method: str) -> Path:
    """Where the supernets that a method trained are kept.

    Raises:
        InputError: See `data_folder`.
    """
    return data_folder() / "supernets" / space / data / method


def need_torch() -> None:
    """Check that PyTorch, and what checkpoints are written with, are there.

    Raises:
        InputError: It is not; the message names the extra that brings it.
    """
    try:
        import safetensors  # noqa: F401
        import torch  # noqa: F401
    except ModuleNotFoundError as error:
        raise InputError(
            f"this needs {error.name}, which is not installed:"
            " pip install 'benchsuite[supernet]'"
        ) from error


def training(name: str, device: str | None = None) -> Benchmark:
    """Open a benchmark that trains.

    Args:
        name: As above.
        device: Where it trains; $BENCHSUITE_DEVICE or the CPU if not given.

    Raises:
        InputError: The name cannot be read, or the data set cannot.
    """
    need_torch()
    from benchsuite.supernet.alone import TrainingBenchmark, recipe
    from benchsuite.supernet.datasets import load
    from benchsuite.supernet.networks import NETWORKS

    space, rest = _space(name)
    head, *additions = rest.split("+")
    data_name, at, epochs = head.partition("@")
    numbers = {key: _number(name, text) for key, text in map(_pair, additions)}
    for key in numbers:
        pick("option of a training", key, _OPTIONS)
    pick("space with a network", space, NETWORKS)
    data = load(data_name, images_folder())
    changes = {"batch_size": numbers.pop("batch_size", 0)}
    if at:
        changes["epochs"] = _number(name, epochs)
    how = recipe(space, data.name, **changes)
    spelled = "".join(
        f"+{key}-{value}"
        for key, value in {**numbers, **changes}.items()
        if value and key != "epochs"
    )
    return TrainingBenchmark(
        f"{TRAINING}/{space}/{data.name}@{how.epochs}{spelled}",
        space,
        data,
        how,
        options=numbers,
        device=device or os.environ.get("BENCHSUITE_DEVICE", "cpu"),
    )


def inherited(name: str, truth: Callable[[str, str], Benchmark]) -> Benchmark:
    """Open a benchmark that judges by the weights of trained supernets.

    Args:
        name: As above.
        truth: What is reported, by space and data set.

    Raises:
        InputError: No supernet was trained there; the command that does is named.
    """
    need_torch()
    from benchsuite.supernet.datasets import load
    from benchsuite.supernet.inherited import InheritedBenchmark
    from benchsuite.supernet.methods import METHODS
    from benchsuite.supernet.networks import NETWORKS

    space, rest = _space(name)
    data_name, _, method = rest.partition("+")
    method = method or "spos"
    pick("space with a network", space, NETWORKS)
    pick("method", method, METHODS)
    data = load(data_name, images_folder())
    folder = supernets_folder(space, data.name, method)
    files = sorted(folder.glob("*.safetensors"), key=lambda path: int(path.stem))
    if not files:
        raise InputError(
            f"no supernet in {folder}: benchsuite search {method} --space {space}"
            f" --data {data_name} trains some"
        )
    return InheritedBenchmark(
        f"{INHERITED}/{space}/{data.name}+{method}",
        files,
        data,
        truth(space, data_name),
        device=os.environ.get("BENCHSUITE_DEVICE", "cpu"),
    )


def _space(name: str) -> tuple[str, str]:
    kind, _, rest = name.partition("/")
    space, slash, rest = rest.partition("/")
    if not slash or not rest:
        raise InputError(f"{kind} benchmarks are {kind}/<space>/<data set>, not {name}")
    return space, rest


def _pair(addition: str) -> tuple[str, str]:
    key, _, value = addition.partition("-")
    return key, value


def _number(name: str, text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise InputError(f"{name} has {text!r} where a number from 1 on stands")
    return int(text)
