"""A trained supernet as a benchmark: architectures are judged by what they inherit.

Guo et al., "Single Path One-Shot Neural Architecture Search with Uniform Sampling",
ECCV 2020. https://arxiv.org/abs/1904.00420
"""

import hashlib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import torch

from benchsuite.core import Benchmark, InputError, Observation, Reports, Trial
from benchsuite.spaces import Architecture
from benchsuite.supernet import checkpoint
from benchsuite.supernet.datasets import DataSet
from benchsuite.supernet.search import Search
from benchsuite.supernet.setting import Setting, build, digest


def keep(
    path: Path, state: Search, arch: Architecture, about: Mapping[str, object]
) -> None:
    """Store a trained supernet for `InheritedBenchmark`, and what a judgement takes.

    Args:
        path: Of the file.
        state: The search at its end.
        arch: What is judged to see how long it takes.
        about: See `facts`.

    Raises:
        InputError: The file cannot be written.
    """
    start = time.perf_counter()
    state.judge(arch)
    seconds = time.perf_counter() - start
    content = {"supernet": state.supernet.state_dict(), "seconds": seconds}
    checkpoint.save(path, content, about)


def facts(setting: Setting, data: DataSet, seed: int) -> dict[str, object]:
    """What a state depends on: the setting, the images, and the seed."""
    return {
        **asdict(setting.complete()),
        "data": data.name,
        "digest": digest(data),
        "seed": seed,
    }


class InheritedBenchmark:
    """Judges architectures by the weights of supernets that were trained before.

    The seed of a run picks one of the supernets, as it picks a recorded training run
    from a table. A judgement is the error on all validation images; what it costs was
    measured when the supernet was stored, so that a search costs the same whenever it
    is run. The supernet's own training is not charged.

    Attributes:
        name: `inherited/<space>/<data set>[+<method>]`.
        data: Fingerprint of the supernets' files and of what is reported.
        epochs: One, the supernet's.
        reports: As `truth` has it.
    """

    backend: Literal["inherited"] = "inherited"
    metrics: tuple[str, ...] = ()

    def __init__(
        self, name: str, files: Sequence[Path], data: DataSet, truth: Benchmark,
        *, device: str = "cpu",
    ) -> None:  # fmt: skip
        """Load the supernets.

        Raises:
            InputError: A file is damaged, or its supernet was trained on other images.
        """
        self.name, self._truth = name, truth
        self.reports: Reports = truth.reports
        self._searches, self._seconds = [], []
        sha = hashlib.sha256(truth.data.encode())
        common: dict[str, object] = {}
        for path in files:
            told = checkpoint.setting_of(path)
            if told["digest"] != digest(data):
                raise InputError(
                    f"{path} was trained on {told['data']} with digest"
                    f" {told['digest']}, and {data.name} here has {digest(data)}"
                )
            seed = int(told.pop("seed"))
            common = common or told
            if told != common:
                raise InputError(
                    f"{path} was trained otherwise than {files[0]}: move one of them"
                    f" away ({told} is not {common})"
                )
            known = Setting.__dataclass_fields__
            setting = Setting(**{n: v for n, v in told.items() if n in known})
            state = build(setting, data, seed=seed, device=device)
            content = checkpoint.load(path)
            state.supernet.load_state_dict(content["supernet"])
            self._searches.append(state)
            self._seconds.append(float(content["seconds"]))
            sha.update(path.read_bytes())
            self.epochs = (setting.epochs,)
        self.space = self._searches[0].space
        self.data = sha.hexdigest()[:8]
        self._judged: dict[tuple[Architecture, int], float] = {}

    @property
    def best_error(self) -> float:
        """As `truth` has it."""
        return self._truth.best_error

    def evaluate(self, trial: Trial, seed: int) -> Observation:
        """Judge `trial.arch` by the weights it inherits; nothing is trained.

        Raises:
            KeyError: `trial` is outside `space` or `epochs`.
        """
        which = seed % len(self._searches)
        if trial.arch not in self.space or trial.epochs not in (0, *self.epochs):
            raise KeyError(f"{self.name} has no {trial}")
        if not trial.epochs:
            return Observation(math.nan, 0.0, {})
        if (trial.arch, which) not in self._judged:
            with torch.no_grad():
                error = self._searches[which].judge(trial.arch)
            self._judged[trial.arch, which] = error
        error = self._judged[trial.arch, which]
        return Observation(error, self._seconds[which], {})

    def reported_error(self, arch: Architecture, seed: int) -> float:
        """Error to publish, as `truth` has it."""
        return self._truth.reported_error(arch, seed)
