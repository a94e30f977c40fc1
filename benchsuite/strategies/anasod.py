"""ANASOD: search for how often a cell takes each operation, not where.

Wan, Ru, Esperança & Carlucci, "Approximate Neural Architecture Search via Operation
Distribution Learning", WACV 2022. https://arxiv.org/abs/2111.04670
The encoding and its sampler are as in the authors' code; the strategies on top are a
reconstruction, since no code of theirs was found.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from benchsuite.core import Observation, Strategy, Trial
from benchsuite.spaces import Architecture, SearchSpace
from benchsuite.spaces.operation_distribution import (
    OperationDistributionSpace,
    operation_distributions,
)
from benchsuite.strategies.model_based.acquisitions import expected_improvement
from benchsuite.strategies.model_based.gaussian_process import gaussian_process
from benchsuite.strategies.model_based.kernels import Kernel
from benchsuite.strategies.model_based.loop import ModelBased, Propose, Score

_DRAWS = 20  # cells drawn for an encoding, to find one that was not trained


class Over(Protocol):
    """Builds the strategy that moves among the encodings."""

    def __call__(
        self,
        space: OperationDistributionSpace,
        epochs: tuple[int, ...],
        rng: np.random.Generator,
        /,
    ) -> Strategy:
        """Return a strategy that has seen nothing yet."""


class Anasod:
    """Lets another strategy search the encodings, and trains a cell drawn from each.

    The other one is told the cell's error as the encoding's. Of isomorphic cells one is
    trained, as far as a few draws find another. Where the other strategy is over, since
    it has asked for every encoding once, a new one starts, and draws other cells. Waits
    where the other one does.
    """

    def __init__(
        self,
        space: SearchSpace,
        epochs: tuple[int, ...],
        rng: np.random.Generator,
        *,
        over: Over,
    ) -> None:
        self._space = operation_distributions(space)
        self._epochs, self._over = epochs, over
        self._lifting, self._rng = rng.spawn(2)
        self._asked: set[Architecture] = set()  # representatives of cells
        self._running = 0
        self._strategy = over(self._space, epochs, self._rng)

    def ask(self) -> Trial | None:
        """Draw a cell from the next encoding."""
        trial = self._next()
        if trial is None and not self._running:
            self._strategy = self._over(self._space, self._epochs, self._rng)
            trial = self._next()
        self._running += trial is not None
        return trial

    def _next(self) -> Trial | None:
        while (trial := self._strategy.ask()) is not None:
            if (cell := self._draw(trial.arch)) is not None:
                return Trial(cell, trial.epochs)
            # What no cell has cannot be trained: the same as if all of them diverged.
            self._strategy.tell(trial, Observation(math.inf, 0.0, {}))
        return None

    def _draw(self, encoding: Architecture) -> Architecture | None:
        """Draw a cell, if possible one that has not been asked for."""
        for _ in range(_DRAWS):
            cell = self._space.lift(encoding, self._lifting)
            if cell is None:
                return None
            meaning = self._space.base.canonical(cell)
            if meaning not in self._asked:
                self._asked.add(meaning)
                break
        return cell

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Tell the encoding's error."""
        self._running -= 1
        encoding = self._space.encode(trial.arch)
        self._strategy.tell(trial._replace(arch=encoding), observation)


def anasod_bo(
    space: SearchSpace,
    epochs: tuple[int, ...],
    rng: np.random.Generator,
    *,
    initial: int = 10,
    batch: int = 5,
    parents: int = 10,
    candidates: int = 100,
) -> ModelBased:
    """Model cells by their encodings, and improve on the best cell.

    Lengths and shares of the kernel are a grid, of which the likeliest count.

    Args:
        space: What is searched.
        epochs: Only the last fidelity is used.
        rng: For everything random.
        initial: Cells before the first model.
        batch: Cells to a model.
        parents: Encodings whose neighbours are candidates.
        candidates: Draws from the Dirichlet distribution.

    Raises:
        ValueError: A count is below 1.
    """
    encodings = operation_distributions(space)
    kernels = [
        matern(encodings, length, within)
        for length in (1.0, 2.0, 4.0, 8.0)
        for within in (0.03, 0.1, 0.3)
    ]
    return ModelBased(
        space,
        epochs,
        rng,
        fit=gaussian_process(kernels),
        propose=_lifted(encodings, parents, candidates),
        acquire=expected_improvement,
        initial=initial,
        batch=batch,
    )


def matern(
    encodings: OperationDistributionSpace, length: float, within: float
) -> Kernel:
    """Make the Matérn 5/2 kernel of the distance between the counts of two cells.

    Rasmussen & Williams, "Gaussian Processes for Machine Learning", eq. 4.17.

    Args:
        encodings: Those of the cells.
        length: Its length scale, in slots.
        within: Share of the variance that the cells of one encoding have of their own.
    """
    slots = list(encodings.slots)
    operations = encodings.first + np.arange(len(encodings.choices))

    def kernel(
        a: Sequence[Architecture], b: Sequence[Architecture]
    ) -> NDArray[np.float64]:
        cells = np.array(a), np.array(b)
        x, y = [(c[:, slots, None] == operations).sum(axis=1) for c in cells]
        square = (x * x).sum(axis=1)[:, None] + (y * y).sum(axis=1) - 2 * x @ y.T
        r = np.sqrt(5.0 * square) / length
        between = (1 + r + r * r / 3) * np.exp(-r)
        differ = np.zeros(square.shape, dtype=np.bool_)
        for u, v in zip(cells[0].T, cells[1].T, strict=True):
            differ |= u[:, None] != v
        similarity: NDArray[np.float64] = (1 - within) * between + within * ~differ
        return similarity

    return kernel


def _lifted(
    encodings: OperationDistributionSpace, parents: int, candidates: int
) -> Propose:
    """Propose a cell of each Dirichlet draw and of each neighbour of the best."""

    def propose(
        space: SearchSpace,
        ranked: Sequence[Architecture],
        score: Score,
        rng: np.random.Generator,
    ) -> list[Architecture]:
        best = list(dict.fromkeys(map(encodings.encode, ranked)))[:parents]
        near = itertools.chain.from_iterable(map(encodings.neighbors, best))
        draws = [encodings.sample(rng) for _ in range(candidates)]
        cells = [encodings.lift(e, rng) for e in (*draws, *best, *near)]
        return [cell for cell in cells if cell is not None]

    return propose
