"""A search in the words of a user, and the search that follows from them."""

import hashlib
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, cast

import torch
from torch.optim.optimizer import ParamsT

from benchsuite.core import InputError
from benchsuite.memory import free_memory
from benchsuite.names import pick
from benchsuite.spaces import SearchSpace
from benchsuite.supernet.data import Blank, Shuffled, Split, crop_and_flip
from benchsuite.supernet.datasets import DataSet
from benchsuite.supernet.methods import METHODS
from benchsuite.supernet.network import Network
from benchsuite.supernet.networks import NETWORKS
from benchsuite.supernet.objectives import (
    cross_entropy,
    error_rate,
    expected_error,
)
from benchsuite.supernet.preference import STRONGEST, Cost, Preference, typical
from benchsuite.supernet.relaxed_table import RelaxedTable
from benchsuite.supernet.search import Method, Search, generator

STEPS = 100  # of an epoch on a relaxed table
Normalisation = Literal["batch", "running"]


@dataclass(frozen=True)
class Setting:
    """What a search depends on, beside the data and its seed; 0 is a default.

    Attributes:
        method: Of `METHODS`.
        space: Of `NETWORKS`.
        epochs: 0 is the method's.
        batch_size: 0 is the method's.
        channels: Of the network's first cells; 0 is the network's.
        cells: How many; in NAS-Bench-201, of each of the three stages.
        images: How many images of each split are used; 0 is all.
        alpha_rate: Learning rate of the alphas; 0 is the method's.
        normalisation: By the statistics of the batch, always; or by running ones where
            architectures are judged.
        objective: Name of what architectures cost, of which less is preferred; "" is
            nothing.
        exponent: How much: see `Preference`.
    """

    method: str
    space: str
    epochs: int = 0
    batch_size: int = 0
    channels: int = 0
    cells: int = 0
    images: int = 0
    alpha_rate: float = 0.0
    normalisation: Normalisation = "batch"
    objective: str = ""
    exponent: float = Preference.exponent

    def __post_init__(self) -> None:
        """Raises: InputError: A name is unknown, or a number out of its range."""
        pick("method", self.method, METHODS)
        for name in ("epochs", "batch_size", "channels", "cells", "images"):
            if getattr(self, name) < 0:
                raise InputError(
                    f"{name} is a number from 0, not {getattr(self, name)}"
                )
        if not 0 <= self.alpha_rate < math.inf:
            raise InputError(f"alpha_rate is a number from 0, not {self.alpha_rate}")
        if self.normalisation not in ("batch", "running"):
            raise InputError(
                f"normalisation is batch or running, not {self.normalisation!r}"
            )
        if not abs(self.exponent) <= STRONGEST:
            raise InputError(
                f"exponent is a number from -{STRONGEST:g} to {STRONGEST:g}, not"
                f" {self.exponent}"
            )
        if not self.objective and self.exponent != Preference.exponent:
            raise InputError("exponent is that of an objective: --objective names one")
        if self.objective and not METHODS[self.method].weighs_costs:
            able = ", ".join(name for name, m in METHODS.items() if m.weighs_costs)
            raise InputError(
                f"{self.method} takes no objective but the error: {able} does"
            )

    def complete(self) -> "Setting":
        """Fill in the defaults of the method."""
        method = METHODS[self.method]
        epochs, size = (
            self.epochs or method.epochs,
            self.batch_size or method.batch_size,
        )
        return Setting(**{**asdict(self), "epochs": epochs, "batch_size": size})

    def spelled(self) -> str:
        """Spell what differs from the defaults, "name=value ...", for a table."""
        return " ".join(
            f"{field.name}={getattr(self, field.name)}"
            for field in sorted(fields(self), key=lambda field: field.name)
            if field.name not in ("method", "space")
            and getattr(self, field.name) != field.default
        )


def network(
    space: str,
    classes: int,
    options: Mapping[str, Any],
    source: torch.Generator,
) -> Network:
    """Build the network of a space; numbers that are 0 are its defaults.

    Raises:
        InputError: It has no such option, or refuses a value.
    """
    make = cast(Callable[..., Network], NETWORKS[space])
    known = inspect.signature(make).parameters
    wanted = {
        name: value
        for name, value in options.items()
        if value or isinstance(value, bool)
    }
    for name in wanted:
        if name not in known:
            raise InputError(f"the network of {space} has no {name} to set")
    try:
        return make(classes=classes, generator=source, **wanted)
    except ValueError as error:
        raise InputError(f"the network of {space}: {error}") from error


def build(
    setting: Setting,
    data: DataSet,
    *,
    seed: int,
    device: str = "cpu",
    cost: Cost | None = None,
) -> Search:
    """Make the search that a setting describes, at its start.

    Args:
        setting: See `Setting`.
        data: Its training images move weights, its validation images alphas.
        seed: Of weights, alphas, batches and samples, each on its own.
        device: Where the network and the images live.
        cost: What the setting's objective is, if it has one.

    Raises:
        InputError: There is no such device, the network cannot be built so, there are
            fewer images than a batch has, or costs are no numbers above 0.
    """
    pick("space with a network", setting.space, NETWORKS)
    setting = setting.complete()
    method, place = _method(setting), find_device(device)
    check_needs(setting.method, setting.space)
    options = {
        "channels": setting.channels,
        "cells": setting.cells,
        "running": setting.normalisation == "running",
        **method.network,
    }
    net = network(setting.space, data.classes, options, generator(seed, "init"))
    augment = crop_and_flip if data.augmented else None
    streams = []
    for purpose, split in (("train", data.train), ("valid", data.valid)):
        part = first(split, setting.images).to(place)
        if len(part) < setting.batch_size:
            raise InputError(
                f"{data.name} has {len(part)} images to {purpose} with, which is less"
                f" than a batch of {setting.batch_size}: --batch-size takes fewer"
            )
        source = generator(seed, purpose)
        changed = augment if purpose == "train" else None
        streams.append(Shuffled(part, setting.batch_size, source, changed))
    return Search(
        method,
        net.to(place),
        *streams,
        objective=cross_entropy,
        error=error_rate,
        epochs=setting.epochs,
        seed=seed,
        preference=_preference(setting, cost, net.space),
    )


def check_needs(method: str, space: str = "") -> None:
    """Refuse a method that makes no sense on a space, or without one: on a table.

    Raises:
        InputError: It needs weights, or decisions that are edges.
    """
    edges = [name for name, net in NETWORKS.items() if net.layout.into]
    has = {"weights"} if space else set()
    if space in edges:
        has.add("edges")
    if lacks := sorted(METHODS[method].needs - has):
        raise InputError(
            f"{method} is not defined on {space or 'a relaxed table'}, which has no"
            f" {' and no '.join(lacks)}: --space takes"
            f" {' or '.join(edges if 'edges' in METHODS[method].needs else NETWORKS)},"
            " and --data a data set of images"
        )


def relaxed(
    setting: Setting, table: RelaxedTable, *, seed: int, cost: Cost | None = None
) -> Search:
    """Make the search on a relaxed table: no images, and no weights to train.

    An epoch has a hundred steps.

    Raises:
        InputError: The method needs more than a table has, or costs are no numbers
            above 0.
    """
    check_needs(setting.method)
    setting = setting.complete()
    return Search(
        _method(setting),
        table,
        Blank(STEPS),
        Blank(STEPS),
        objective=expected_error,
        error=expected_error,
        epochs=setting.epochs,
        seed=seed,
        preference=_preference(setting, cost, table.space),
    )


def _method(setting: Setting) -> Method:
    """Find the method, and give its alphas the learning rate that is set."""
    method = METHODS[setting.method]

    def at_rate(params: ParamsT) -> torch.optim.Optimizer:
        optimizer = method.alpha_optimizer(params)
        for group in optimizer.param_groups:
            group["lr"] = setting.alpha_rate
        return optimizer

    return replace(method, alpha_optimizer=at_rate) if setting.alpha_rate else method


def _preference(
    setting: Setting, cost: Cost | None, space: SearchSpace
) -> Preference | None:
    name = setting.objective
    if not name:
        return None
    if cost is None:
        raise ValueError(f"nothing says how much {name} an architecture has")
    return Preference(name, cost, typical(name, cost, space), setting.exponent)


def first(split: Split, images: int) -> Split:
    """Keep the first images of a split; 0 keeps all."""
    if not images or images >= len(split):
        return split
    return split.part(torch.arange(images))


def find_device(name: str) -> torch.device:
    """Find a device.

    Raises:
        InputError: There is none of that name here.
    """
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        there = "cpu"
        if torch.cuda.is_available():
            there += "".join(f", cuda:{n}" for n in range(torch.cuda.device_count()))
        raise InputError(f"no device {name!r} here: --device takes {there}") from error
    return device


def digest(data: DataSet) -> str:
    """Fingerprint images and labels: eight hex digits of a sha256."""
    sha = hashlib.sha256()
    for split in (data.train, data.valid, data.test):
        for tensor in (split.images, split.labels):
            sha.update(str((tensor.dtype, tuple(tensor.shape))).encode())
            sha.update(tensor.cpu().numpy().tobytes())
        sha.update(str((split.mean, split.std)).encode())
    return sha.hexdigest()[:8]


def memory_needed(state: Search) -> int:
    """Estimate the bytes that a step takes, beside what is there already.

    What one forward of two images saves for its backward pass is counted and scaled to
    a batch; gradients and momentum take as much as the weights, each. What a step of
    second order keeps beyond one pass is not counted.
    """
    images, labels = next(iter(state.train.whole()))
    size, saved = len(labels), dict[int, int]()

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    kept = state.generator.get_state()
    mixture = state.relax()[0]
    state.generator.set_state(kept)
    alphas = [alpha.untyped_storage().data_ptr() for alpha in state.alphas.values()]
    weights = [w.untyped_storage().data_ptr() for w in state.supernet.parameters()]

    def forward(images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = state.supernet(images, mixture)
        return logits

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = state.objective(forward, (images[:2], labels[:2]))
    del loss  # until here the graph kept every storage at its own address
    activations = sum(n for at, n in saved.items() if at not in {*alphas, *weights})
    own = sum(w.numel() * w.element_size() for w in state.supernet.parameters())
    return activations * size // 2 + 3 * own


def check_memory(state: Search) -> None:
    """Refuse what will not fit, before it starts.

    Raises:
        InputError: A step takes more than there is; both are named.
    """
    device = next((w.device for w in state.supernet.parameters()), None)
    if device is None:
        return
    if device.type == "cuda":
        there = torch.cuda.mem_get_info(device)[0]
    else:
        there = free_memory()
    needed = memory_needed(state)
    if needed > there:
        raise InputError(
            f"a step takes some {needed / 1e9:.1f} GB, and {there / 1e9:.1f} GB are"
            f" free on {device}: lower --batch-size, --channels or --cells"
        )
