"""The nouns of the suite; everything else is written in terms of these.

A *strategy* asks for a *trial* and is told an *observation*; a *benchmark* turns one
into the other and says what it cost. Errors are fractions in [0, 1], always minimised;
costs are seconds of training on the benchmark's own hardware, simulated or measured.

Trials, observations and incumbents are named tuples, where the rest of the project has
dataclasses: they are made and hashed by the million, at half the price.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, NewType, Protocol

import numpy as np

from benchsuite.spaces import Architecture, SearchSpace


class InputError(ValueError):
    """Something a user named or gave cannot be used; the message is one line."""


Metric = NewType("Metric", str)
"""Name of a figure of a network; a strategy's setting of this type must be there."""


class Trial(NamedTuple):
    """A request: train `arch` for `epochs` epochs; 0 asks for its metrics only."""

    arch: Architecture
    epochs: int


class Observation(NamedTuple):
    """What a strategy may know about a trial. A test figure has no place here.

    Attributes:
        error: Validation error in [0, 1]; inf if training diverged, nan if the network
            is untrained.
        cost: Seconds to train from scratch to the trial's epochs.
        metrics: Figures of the network itself, such as `params`, `macs` or `latency`.
    """

    error: float
    cost: float
    metrics: Mapping[str, float]


class Incumbent(NamedTuple):
    """The architecture a search would return if it were stopped at `cost`.

    Attributes:
        cost: Seconds on the search's clock.
        arch: Best architecture so far.
        epochs: Fidelity at which it was judged.
        error: Validation error that made it the incumbent.
        metrics: What else was observed of it.
    """

    cost: float
    arch: Architecture
    epochs: int
    error: float
    metrics: Mapping[str, float]


Reports = Literal["test", "held_out_runs", "surrogate", "trained"]
"""What a reported error is: the mean test error of all recorded runs (`test`); where no
test figure was recorded, the mean validation error of the runs that the search did not
see (`held_out_runs`); a prediction (`surrogate`); or stand-alone training followed by
the test set (`trained`)."""


Backend = Literal[
    "table", "surrogate", "relaxed_table", "inherited", "supernet", "training"
]
"""What answered a search: recorded trainings, a prediction, the multilinear extension
of a table, the weights of a trained supernet, the supernet that was being trained, or
trainings that were really done."""


class Benchmark(Protocol):
    """A search space whose architectures can be trained, for real or from a table."""

    @property
    def name(self) -> str:
        """Identifier `<space or release>/<task>`, such as "nb201/cifar10"."""

    @property
    def data(self) -> str:
        """Fingerprint of what answers: the first eight hex digits of a sha256."""

    @property
    def space(self) -> SearchSpace:
        """The architectures that may be asked for."""

    @property
    def epochs(self) -> tuple[int, ...]:
        """Fidelities that may be asked for, ascending; the last is full training."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the figures that observations have beside the error."""

    @property
    def reports(self) -> Reports:
        """What `reported_error` is."""

    @property
    def backend(self) -> Backend:
        """What answers."""

    @property
    def best_error(self) -> float:
        """Lowest error to report in the space, averaged over runs; nan if unknown."""

    def evaluate(self, trial: Trial, seed: int) -> Observation:
        """Train `trial.arch` to `trial.epochs` in the training run that `seed` picks.

        0 epochs give the metrics of the untrained network, at what they cost.

        Raises:
            KeyError: `trial` is outside `space` or `epochs`.
        """

    def reported_error(self, arch: Architecture, seed: int) -> float:
        """Error to publish for what a search with `seed` returned. For reports only.

        Nan if nothing was recorded that the search did not see.
        """


class Strategy(Protocol):
    """A black-box search algorithm with an ask-and-tell interface."""

    def ask(self) -> Trial | None:
        """Return the next trial, or None if there is nothing to try now.

        May be called several times before the first outcome is told, once for every
        idle worker. After None it is called again when an outcome has been told; if no
        trial is running then, the search is over.
        """

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Take the outcome of an asked trial; they come in order of completion."""


class MakeStrategy(Protocol):
    """Builds a strategy for one run; hyper-parameters have defaults, its paper's."""

    def __call__(
        self, space: SearchSpace, epochs: tuple[int, ...], rng: np.random.Generator, /
    ) -> Strategy:
        """Return a strategy that has seen nothing yet."""
