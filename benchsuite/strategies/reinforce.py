"""REINFORCE: follow the policy gradient of a softmax for each decision.

Williams, "Simple Statistical Gradient-Following Algorithms for Connectionist
Reinforcement Learning", Machine Learning 8, 1992; in the form in which NAS-Bench-201
and NATS-Bench compare it. https://arxiv.org/abs/2009.00437
Kingma & Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, Algorithm 1.
"""

import math

import numpy as np

from benchsuite.core import Observation, Trial
from benchsuite.spaces import SearchSpace

_TRIES = 1000  # draws for one trial, where a space has constraints


class Reinforce:
    """Samples from a policy and makes what earned more than usual more probable.

    The reward is the validation accuracy in percent, 0 if training diverged. The
    baseline is its bias-corrected moving average, which takes the new reward in before
    the advantage is formed, so the first advantage is 0. Never waits: with several
    workers, an outcome is credited to the policy at the time when it is told.

    Raises:
        ValueError: The learning rate is not positive, or the momentum not in [0, 1).
    """

    def __init__(
        self,
        space: SearchSpace,
        epochs: tuple[int, ...],
        rng: np.random.Generator,
        *,
        learning_rate: float = 0.01,  # the default of NATS-Bench's code
        momentum: float = 0.9,  # of the baseline
    ) -> None:
        if not learning_rate > 0 or not 0 <= momentum < 1:
            raise ValueError(
                "learning_rate must be above 0 and momentum in [0, 1), not"
                f" {learning_rate} and {momentum}"
            )
        self._space, self._full, self._rng = space, epochs[-1], rng
        self._rate, self._momentum = learning_rate, momentum
        sizes = np.array([len(options) for options in space.choices])
        self._rows = np.arange(len(sizes))
        exists = np.arange(sizes.max()) < sizes[:, None]  # [D, C]
        start = 1e-3 * rng.standard_normal(exists.shape)
        self._theta = np.where(exists, start, -np.inf)  # [D, C] logits
        self._baseline = self._weight = 0.0
        self._first = np.zeros_like(start)  # Adam's moments, [D, C]
        self._second = np.zeros_like(start)
        self._steps = 0
        self._refresh()

    def _refresh(self) -> None:
        """Compute the policy, [D, C], from its logits."""
        weights = np.exp(self._theta - self._theta.max(axis=1, keepdims=True))
        self._policy = weights / weights.sum(axis=1, keepdims=True)
        self._thresholds = self._policy.cumsum(axis=1)

    def ask(self) -> Trial:
        """Sample every decision from its softmax, until they make an architecture."""
        for _ in range(_TRIES):
            draws = self._rng.random((len(self._rows), 1)) * self._thresholds[:, -1:]
            arch = tuple((self._thresholds <= draws).sum(axis=1).tolist())
            if arch in self._space:
                return Trial(arch, self._full)
        return Trial(self._space.sample(self._rng), self._full)

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Take one step of Adam down -advantage * log policy(arch)."""
        error = observation.error
        advantage = self._advantage(100 * (1 - error) if math.isfinite(error) else 0.0)
        gradient = advantage * self._policy  # d/dtheta of -advantage * log policy
        gradient[self._rows, trial.arch] -= advantage
        self._steps += 1
        self._first += 0.1 * (gradient - self._first)  # beta_1 = 0.9
        self._second += 0.001 * (gradient**2 - self._second)  # beta_2 = 0.999
        mean = self._first / (1 - 0.9**self._steps)
        spread = np.sqrt(self._second / (1 - 0.999**self._steps))
        self._theta -= self._rate * mean / (spread + 1e-8)
        self._refresh()

    def _advantage(self, reward: float) -> float:
        """Update the baseline by a reward, and tell how far the reward is above it."""
        fresh = 1 - self._momentum
        self._weight = self._momentum * self._weight + fresh
        # The published quotient of two moving averages, of rewards and of ones, in the
        # form of an update: so the first advantage is 0 without a rounding error.
        self._baseline += fresh / self._weight * (reward - self._baseline)
        return reward - self._baseline
