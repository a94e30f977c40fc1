"""Stand-alone training: one architecture, from scratch, by its benchmark's recipe."""

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import torch
import torch.nn.functional as F

from benchsuite.core import Observation, Trial
from benchsuite.spaces import Architecture, SearchSpace
from benchsuite.supernet.data import Shuffled, Split, crop_and_flip, cutout
from benchsuite.supernet.datasets import DataSet
from benchsuite.supernet.network import Alone
from benchsuite.supernet.networks import NETWORKS
from benchsuite.supernet.search import Moment, cosine, generator, sgd
from benchsuite.supernet.setting import digest, find_device, network


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: SGD with momentum 0.9 and a cosine schedule to 0.

    The defaults are those of NAS-Bench-201 (Dong & Yang, ICLR 2020, section 2.3).

    Attributes:
        epochs: Passes over the training images.
        batch_size: Images in a batch; what is left of an epoch is left out.
        rate: Learning rate at the start.
        weight_decay: Of all parameters.
        nesterov: Which momentum.
        clip: Largest norm of a gradient.
        cutout: Side of the square that is erased from images that are augmented.
        auxiliary: Weight of the auxiliary head's loss.
        drop_path: Share of paths that is dropped at the end; it grows linearly.
    """

    epochs: int = 200
    batch_size: int = 256
    rate: float = 0.1
    weight_decay: float = 5e-4
    nesterov: bool = True
    clip: float = math.inf
    cutout: int = 0
    auxiliary: float = 0.0
    drop_path: float = 0.0


_CHAIN = Recipe(200, 256, 0.1, 3e-5, False, 5.0)
_DARTS = Recipe(600, 96, 0.025, 3e-4, False, 5.0, 16, 0.4, 0.2)
RECIPES: Mapping[str, Recipe] = {
    "nats_tss": Recipe(),
    "nats_sss": Recipe(epochs=90),
    "darts": _DARTS,
    **{f"darts_s{n}": _DARTS for n in (1, 2, 3, 4)},
    **{f"chain_{n}": _CHAIN for n in (4, 6, 8)},
}
"""By space, as published: NATS-Bench (hp 200 and 90); Liu et al., DARTS, section 3.2.

The chains' is that of their authors' code for ImageNet-100 (32 channels), without its
label smoothing: for CIFAR there is none, so that there it is a reconstruction.

NAS-Bench-101's was RMSProp for 108 epochs; here its networks get the defaults, 108
epochs long."""
_EVALUATION = {"channels": 36, "cells": 20, "auxiliary": True, "pool_norm": False}
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    **{name: _EVALUATION for name in RECIPES if name.startswith("darts")},
    **{f"nb1shot1_{n}": {"channels": 128} for n in (1, 2, 3)},
    **{f"chain_{n}": {"channels": 32} for n in (4, 6, 8)},
}
"""What a network has when it stands alone, by space, where it differs."""
QUICK = {"digits": 12, "synthetic": 12}
"""Epochs for data sets that are there to try things on."""


def recipe(space: str, data: str, **changes: Any) -> Recipe:
    """Find the recipe of a space, shortened for data sets that are easy."""
    found = RECIPES.get(space, Recipe(epochs=108))
    if data in QUICK:
        found = replace(found, epochs=QUICK[data], batch_size=64)
    return replace(found, **{name: v for name, v in changes.items() if v})


def train(
    net: Alone, split: Split, how: Recipe, *, seed: int, augmented: bool
) -> Iterator[float]:
    """Train a network, yielding the mean loss of every epoch; nan or inf is the last.

    Args:
        net: Is changed.
        split: The training images.
        how: The recipe.
        seed: Of the order of images, and of what is done to them.
        augmented: Whether images may be cropped, mirrored and cut.
    """
    source = generator(seed, "alone")
    size = min(how.batch_size, len(split))
    erase = partial(cutout, length=how.cutout) if augmented and how.cutout else None
    stream = Shuffled(split, size, source, crop_and_flip if augmented else None, erase)
    parameters = list(net.parameters())
    optimizer = sgd(
        parameters, how.rate, nesterov=how.nesterov, weight_decay=how.weight_decay
    )
    for epoch in range(how.epochs):
        moment = Moment(epoch, how.epochs)
        for group in optimizer.param_groups:
            group["lr"] = cosine(moment, start=how.rate, end=0.0)
        total = torch.zeros((), device=split.labels.device)
        for _ in range(len(stream)):
            images, labels = stream.draw()
            drop = how.drop_path * epoch / how.epochs
            logits, side = net.with_auxiliary(images, drop, source)
            loss = F.cross_entropy(logits, labels)
            if side is not None:
                loss = loss + how.auxiliary * F.cross_entropy(side, labels)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(parameters, how.clip, foreach=True)
            optimizer.step()
            total = total + loss.detach()
        mean = float(total) / len(stream)
        yield mean
        if not math.isfinite(mean):
            return


@torch.no_grad()
def error_of(net: Alone, split: Split, size: int = 256) -> float:
    """Fraction of a split that a network gets wrong, by running statistics."""
    wrong = torch.zeros((), dtype=torch.int64, device=split.labels.device)
    for start in range(0, len(split), size):
        index = torch.arange(start, min(start + size, len(split)))
        images, labels = split.batch(index.to(wrong.device))
        wrong += (net(images, "running").argmax(-1) != labels).sum()
    return int(wrong) / len(split)


class Training:
    """The training of one architecture, as far as it has gone.

    Attributes:
        curve: Validation errors by epoch, where they were asked for.
        seconds: Spent on training, to the end of each epoch.
        test: Test error after the last epoch; nan before.
    """

    def __init__(
        self,
        make: Callable[[], Alone],
        data: DataSet,
        how: Recipe,
        seed: int,
        clock: Callable[[], float],
    ) -> None:
        self.curve: dict[int, float] = {}
        self.seconds: list[float] = [0.0]
        self.test = math.nan
        self._make, self._data, self._how, self._seed = make, data, how, seed
        self._clock, self._diverged = clock, False
        self._begin()

    def _begin(self) -> None:
        self._net: Alone | None = self._make()
        self.params = sum(parameter.numel() for parameter in self._net.parameters())
        self._epoch = 0
        self._losses = train(
            self._net,
            self._data.train,
            self._how,
            seed=self._seed,
            augmented=self._data.augmented,
        )

    def go(self, epochs: int) -> float:
        """Train to `epochs`, and return the validation error; inf if it diverged."""
        if self._diverged:
            return math.inf
        if epochs in self.curve:
            return self.curve[epochs]
        if epochs < self._epoch or self._net is None:
            self._begin()  # deterministic: what lies behind is done once more
        assert self._net is not None
        while self._epoch < epochs:
            start = self._clock()
            loss = next(self._losses)
            self._epoch += 1
            if self._epoch == len(self.seconds):
                self.seconds.append(self.seconds[-1] + self._clock() - start)
            if not math.isfinite(loss):
                self._diverged, self.test = True, math.inf
                return math.inf
        self.curve[epochs] = error_of(self._net, self._data.valid)
        if self._epoch == self._how.epochs:
            self.test = error_of(self._net, self._data.test)
            self._net = None  # numbers are all that is left of it
        return self.curve[epochs]


class TrainingBenchmark:
    """A benchmark that answers by training: nothing was recorded before.

    A trial of e epochs is the first e epochs of the recipe's whole schedule, so that a
    longer trial goes on where a shorter one stopped. Weights are trained on the
    training images only; the validation images judge, and the test images are for the
    report: the error of the same training after its last epoch.

    Attributes:
        name: `training/<space>/<data set>`, with what differs from the defaults.
        data: Fingerprint of images, recipe and network.
        space: The architectures.
        epochs: All from 1 to the recipe's.
        metrics: `params`, counted.
        recipe: How networks are trained.
    """

    reports: Literal["trained"] = "trained"
    backend: Literal["training"] = "training"
    best_error = math.nan
    metrics = ("params",)

    def __init__(
        self,
        name: str,
        space: str,
        data: DataSet,
        how: Recipe,
        *,
        options: Mapping[str, Any] | None = None,
        device: str = "cpu",
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Prepare to train; without an auxiliary head if images are not of 32 pixels.

        Args:
            name: Of the benchmark.
            space: Of `NETWORKS`.
            data: What is trained on.
            how: The recipe.
            options: Of the network, such as channels and cells.
            device: Where it is trained.
            clock: What costs are measured by.

        Raises:
            InputError: The network cannot be built so, or there is no such device.
        """
        self.name, self.recipe, self._clock = name, how, clock
        place = find_device(device)
        splits = {n: getattr(data, n).to(place) for n in ("train", "valid", "test")}
        self._data, self._network, self._place = data._replace(**splits), space, place
        self._options = {
            "affine": True, "running": True, **OPTIONS.get(space, {}), **(options or {})
        }  # fmt: skip
        if "auxiliary" in self._options and data.train.images.shape[-1] // 4 != 8:
            self._options["auxiliary"] = False  # it is made for 32 pixels
        self.space: SearchSpace = NETWORKS[space].space
        self.epochs = tuple(range(1, how.epochs + 1))
        self._trainings: dict[tuple[Architecture, int], Training] = {}
        facts = f"{space} {how} {sorted(self._options.items())} {digest(data)}"
        self.data = hashlib.sha256(facts.encode()).hexdigest()[:8]

    def _make(self, arch: Architecture, seed: int) -> Alone:
        """Build the network of one architecture, with its initial weights."""
        classes = self._data.classes
        whole = network(self._network, classes, self._options, torch.Generator())
        return whole.alone(arch, generator(seed, "init")).to(self._place)

    def _training(self, arch: Architecture, seed: int) -> Training:
        if arch not in self.space:
            raise KeyError(f"not an architecture of {self.space.name}: {arch}")
        if (arch, seed) not in self._trainings:
            make = partial(self._make, arch, seed)
            self._trainings[arch, seed] = Training(
                make, self._data, self.recipe, seed, self._clock
            )
        return self._trainings[arch, seed]

    def evaluate(self, trial: Trial, seed: int) -> Observation:
        """Train, or go on training; the cost is what the whole training took.

        Raises:
            KeyError: `trial` is outside `space` or `epochs`.
        """
        if trial.epochs and trial.epochs not in self.epochs:
            raise KeyError(f"{self.name} trains 1 to {self.recipe.epochs} epochs")
        training = self._training(trial.arch, seed)
        metrics = {"params": float(training.params)}
        if not trial.epochs:
            return Observation(math.nan, 0.0, metrics)
        error = training.go(trial.epochs)
        took = training.seconds[: trial.epochs + 1][-1]  # less if it diverged before
        return Observation(error, took, metrics)

    def reported_error(self, arch: Architecture, seed: int) -> float:
        """Test error of `arch` after its whole training, which is done if need be."""
        training = self._training(arch, seed)
        training.go(self.recipe.epochs)
        return training.test
