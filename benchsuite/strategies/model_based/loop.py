"""The surrogate-assisted loop: fit a model, propose, score and select, train, repeat.

Liu, Zhang & Jin, "A Survey on Computationally Efficient Neural Architecture Search",
2022. https://arxiv.org/abs/2206.01520

Model, proposal, acquisition and selection are four functions; a strategy of this room
is a choice of them, and of a fifth: what of the observations is to become low.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from benchsuite.core import Observation, Trial
from benchsuite.spaces import Architecture, SearchSpace

_TRIES = 100  # draws for one that is new, before what is left is listed


class Belief(NamedTuple):
    """What a model expects of B architectures, on a scale of its own; low is good.

    Attributes:
        mean: [B].
        std: [B], 0 or more.
        best: The lowest value that the model was fitted to, on the same scale.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    best: float


Predict = Callable[[Sequence[Architecture]], Belief]
Score = Callable[[Sequence[Architecture]], NDArray[np.float64]]


class Fit(Protocol):
    """The model: learns from architectures and their targets, [N], all finite."""

    def __call__(
        self,
        archs: Sequence[Architecture],
        targets: NDArray[np.float64],
        rng: np.random.Generator,
        /,
    ) -> Predict:
        """Return what predicts others."""


class Propose(Protocol):
    """The proposal: lists candidates, of which some may have been trained before."""

    def __call__(
        self,
        space: SearchSpace,
        ranked: Sequence[Architecture],
        score: Score,
        rng: np.random.Generator,
        /,
    ) -> Sequence[Architecture]:
        """Propose, knowing what was trained, best first, and how anything scores."""


Acquire = Callable[[Belief, np.random.Generator], NDArray[np.float64]]
"""The acquisition: a belief about B candidates to their scores, [B]; high is good."""

Select = Callable[[NDArray[np.float64], Belief], NDArray[np.intp]]
"""The selection: scores of, and belief about, B candidates to their order, [B]."""


Target = Callable[[Sequence[Observation], np.random.Generator], NDArray[np.float64]]
"""What is to become low: N observations to one number each, [N]."""


def error(
    observations: Sequence[Observation], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Take the validation error."""
    return np.array([observation.error for observation in observations])


def best_first(scores: NDArray[np.float64], belief: Belief) -> NDArray[np.intp]:
    """Order candidates by descending score; of equals, the first stays first.

    Example:
        >>> nothing = np.zeros(3)
        >>> best_first(np.array([1.0, 3.0, 1.0]), Belief(nothing, nothing, 0.0))
        array([1, 0, 2])
    """
    return np.argsort(-scores, kind="stable")


class ModelBased:
    """Trains random architectures, then what a model recommends; nothing twice.

    Until `initial` outcomes are known, it draws uniformly. Then it takes `batch`
    architectures from one round of proposal and selection, and fits the model anew
    once `batch` outcomes have come in. Architectures of one isomorphism class count as
    one. What a round lacks is drawn uniformly. A target that is not finite counts as
    the highest that is, or as 1 if there is none. Never waits: what is still training
    is only kept from being chosen again. Is over when the space is.

    Args:
        space: What is searched.
        epochs: Only the last fidelity is used.
        rng: For everything random.
        fit: The model.
        propose: The proposal.
        acquire: The acquisition.
        select: The selection.
        target: What the model learns.
        first: What to train before anything else, as far as it is new.
        initial: Outcomes before the first model.
        batch: Architectures to a round, and outcomes to a model.
        random_fraction: Probability of a uniform draw in place of a recommendation.

    Raises:
        ValueError: A count is below 1, or the fraction is outside [0, 1].
    """

    def __init__(
        self,
        space: SearchSpace,
        epochs: tuple[int, ...],
        rng: np.random.Generator,
        *,
        fit: Fit,
        propose: Propose,
        acquire: Acquire,
        select: Select = best_first,
        target: Target = error,
        first: Sequence[Architecture] = (),
        initial: int = 10,
        batch: int = 10,
        random_fraction: float = 0.0,
    ) -> None:
        if min(initial, batch) < 1:
            raise ValueError(
                f"initial and batch must be at least 1, not {initial} and {batch}"
            )
        if not 0 <= random_fraction <= 1:
            raise ValueError(
                f"random_fraction must be in [0, 1], not {random_fraction}"
            )
        self._space, self._full, self._rng = space, epochs[-1], rng
        self._fit, self._propose = fit, propose
        self._acquire, self._select, self._target = acquire, select, target
        self._first = list(reversed(first))
        self._initial, self._batch = initial, batch
        self._random_fraction = random_fraction
        self._claimed: set[Architecture] = set()  # classes that were chosen
        self._queue: list[Architecture] = []
        self._archs: list[Architecture] = []
        self._observations: list[Observation] = []
        self._predict: Predict | None = None
        self._fresh = 0  # outcomes that the model does not know

    def ask(self) -> Trial | None:
        """Train what the model recommends, or a newcomer; None once all are taken."""
        arch = None
        ready = len(self._observations) >= self._initial
        if ready and self._rng.random() >= self._random_fraction:
            self._queue = self._queue or self._round()[::-1]
        else:
            arch = self._newcomer()
        if arch is None and self._queue:  # where the last of a space may stand
            arch = self._queue.pop()
        return None if arch is None else Trial(arch, self._full)

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Remember."""
        self._archs.append(trial.arch)
        self._observations.append(observation)
        self._fresh += 1

    def _claim(self, arch: Architecture) -> bool:
        """Choose an architecture, unless one of its class has been chosen."""
        representative = self._space.canonical(arch)
        new = representative not in self._claimed
        self._claimed.add(representative)
        return new

    def _newcomer(self) -> Architecture | None:
        """Choose what is to come first, or uniformly; None if nothing is left."""
        while self._first:
            if self._claim(arch := self._first.pop()):
                return arch
        for _ in range(_TRIES):
            if self._claim(arch := self._space.sample(self._rng)):
                return arch
        # Where a hundred draws hit only known classes, few architectures are left.
        left = [a for a in self._space if self._space.canonical(a) not in self._claimed]
        if not left:
            return None
        arch = left[int(self._rng.random() * len(left))]
        self._claim(arch)
        return arch

    def _round(self) -> list[Architecture]:
        """Choose up to `batch`, best first; fewer only if no more are left."""
        targets = self._targets()
        predict = self._model(targets)

        def score(archs: Sequence[Architecture]) -> NDArray[np.float64]:
            return self._acquire(predict(archs), self._rng)

        order = np.argsort(targets, kind="stable").tolist()
        ranked = [self._archs[n] for n in order]
        pool = list(dict.fromkeys(self._propose(self._space, ranked, score, self._rng)))
        self._rng.shuffle(pool)  # of equals, any may be chosen
        chosen: list[Architecture] = []
        if pool:
            belief = predict(pool)
            scores = self._acquire(belief, self._rng)
            for n in self._select(scores, belief).tolist():
                if len(chosen) == self._batch:
                    break
                if self._claim(pool[n]):
                    chosen.append(pool[n])
        while len(chosen) < self._batch and (arch := self._newcomer()) is not None:
            chosen.append(arch)
        return chosen

    def _targets(self) -> NDArray[np.float64]:
        """Say of all outcomes what is to become low; of none is it infinite."""
        targets = self._target(self._observations, self._rng)
        finite = targets[np.isfinite(targets)]
        worst = finite.max() if finite.size else 1.0
        return np.where(np.isfinite(targets), targets, worst)

    def _model(self, targets: NDArray[np.float64]) -> Predict:
        """Give the model, fitted anew if enough has been told since."""
        if self._predict is None or self._fresh >= self._batch:
            self._predict = self._fit(self._archs, targets, self._rng)
            self._fresh = 0
        return self._predict


def log_errors(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standardise the logarithms of errors, [N], to mean 0 and variance 1.

    Below 1e-4, an image in ten thousand, errors count as equal. Equal errors become 0.

    Example:
        >>> log_errors(np.array([0.01, 0.1, 1.0])).round(3)
        array([-1.225,  0.   ,  1.225])
    """
    return standardised(np.log(np.maximum(errors, 1e-4)))


def standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shift and scale values, [N], to mean 0 and variance 1; equal ones become 0.

    Example:
        >>> standardised(np.array([3.0, 5.0])), standardised(np.array([0.1, 0.1, 0.1]))
        (array([-1.,  1.]), array([0., 0., 0.]))
    """
    if values.min() == values.max():
        return np.zeros(len(values))
    scaled: NDArray[np.float64] = (values - values.mean()) / values.std()
    return scaled
