"""SYNTHETIC learning curves: a formula with noise, no network was ever trained.

It stands in where no official table with learning curves is installed, to try a
multi-fidelity strategy out. Its rows say nothing about any network, and belong in no
table beside those of real benchmarks.
"""

import numpy as np
from numpy.typing import NDArray

from benchsuite.benchmarks.tabular import Figure, TabularBenchmark
from benchsuite.spaces import SearchSpace
from surrogates import Split, Table, Training

SPACE = SearchSpace("synthetic", (("o0", "o1", "o2", "o3"),) * 6)
EPOCHS = np.arange(1, 82)
_IMAGES = 10_000
_RUNS = 3


def curves() -> TabularBenchmark:
    """4^6 = 4,096 made-up architectures, three runs each, after 1 to 81 epochs.

    An option takes a penalty of 0 to 3, another one in each place, and two neighbours
    with the same option half a penalty more; b in [0, 1] is the mean of the sum. A
    larger index makes training slower: s in [0, 1] is the mean index over 3. After e
    epochs the error is near

        final + (.9 - final) * (1 + e)^(.7 s - 1.4),    final = .05 + .2 b + .1 (1 - s)

    so what is slow ends lower, and curves cross. The runs differ by normal noise: one
    draw for a run, of standard deviation .004, and one for every epoch, of .003. Both
    are drawn for the test figures again, with another seed. An epoch takes 10 (1 + s)
    seconds, and validation none.
    """
    archs = np.array(list(SPACE), dtype=np.uint8)
    expected = _expected(archs)
    slow = archs.mean(axis=1) / 3
    starts = np.arange(len(archs) + 1) * _RUNS
    training = Training(
        epochs=EPOCHS,
        starts=starts,
        seeds=np.tile(np.arange(_RUNS), len(archs)),
        seconds=np.repeat(10 * (1 + slow), _RUNS),
        splits={
            name: Split(EPOCHS, _counts(expected, seed), _IMAGES)
            for seed, name in enumerate(("valid", "test"))
        },
    )
    table = Table(
        source="synthetic: a formula with noise",
        choices=SPACE.choices,
        archs=archs,
        keys=SPACE.keys(archs),
        trainings={"synthetic@81": training},
    )
    return TabularBenchmark(
        "synthetic/curves",
        SPACE,
        table,
        seen=Figure("synthetic@81", "valid", frozenset({"synthetic noise, seed 0"})),
        reported=Figure("synthetic@81", "test", frozenset({"synthetic noise, seed 1"})),
    )


def _expected(archs: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Give the error without noise, [N, E], of architectures [N, 6]."""
    options = archs.astype(np.int64)
    penalties = (5 * options + 3 * np.arange(6)) % 4  # 5 is 1 modulo 4
    alike = options[:, 1:] == options[:, :-1]
    bad = (penalties.sum(axis=1) + 0.5 * alike.sum(axis=1)) / 20.5
    slow = options.mean(axis=1) / 3
    final = 0.05 + 0.2 * bad + 0.1 * (1 - slow)
    fall = (1.0 + EPOCHS) ** (0.7 * slow - 1.4)[:, None]
    errors: NDArray[np.float64] = final[:, None] + (0.9 - final[:, None]) * fall
    return errors


def _counts(expected: NDArray[np.float64], seed: int) -> NDArray[np.uint16]:
    """Count the images that are right in every run, [3 N, E]."""
    rng = np.random.default_rng(seed)
    errors = np.repeat(expected, _RUNS, axis=0)
    errors += 0.004 * rng.standard_normal((len(errors), 1))
    errors += 0.003 * rng.standard_normal(errors.shape)
    right: NDArray[np.uint16] = np.rint(_IMAGES * (1 - errors)).astype(np.uint16)
    return right
