"""Optuna's samplers as strategies, and strategies as Optuna's samplers.

Akiba, Sano, Yanase, Ohta & Koyama, "Optuna: A Next-generation Hyperparameter
Optimization Framework", KDD 2019. https://arxiv.org/abs/1907.10902

    from functools import partial
    from optuna.samplers import GPSampler
    from benchsuite.compat.optuna import OptunaSampler, StrategySampler

    gp = partial(OptunaSampler, sampler=lambda seed: GPSampler(seed=seed))
    study = optuna.create_study(sampler=StrategySampler(LocalSearch, NATS_TSS, seed=0))

An architecture is a set of categorical parameters, named "0", "1", ... by their
decision, whose values are the names of the options.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from types import MappingProxyType
from typing import Any

import numpy as np

try:
    import optuna
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "benchsuite.compat.optuna needs the package optuna: pip install"
        " 'benchsuite[optuna]'",
        name=error.name,
    ) from error
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from benchsuite.core import MakeStrategy, Observation, Trial
from benchsuite.spaces import Architecture, SearchSpace

_TRIES = 1000  # suggestions for one trial, where a space has constraints
_NOTHING: Mapping[str, float] = MappingProxyType({})


def distributions(space: SearchSpace) -> dict[str, BaseDistribution]:
    """Describe a space to Optuna.

    Example:
        >>> distributions(SearchSpace("toy", (("conv", "skip"),)))
        {'0': CategoricalDistribution(choices=('conv', 'skip'))}
    """
    return {
        f"{d}": CategoricalDistribution(options)
        for d, options in enumerate(space.choices)
    }


def _architecture(space: SearchSpace, params: Mapping[str, Any]) -> Architecture:
    """Read what Optuna suggested.

    Raises:
        KeyError: A decision is missing.
        ValueError: A value is no option of its decision.
    """
    return tuple(
        options.index(params[f"{d}"]) for d, options in enumerate(space.choices)
    )


def _tpe(seed: int) -> BaseSampler:
    return TPESampler(seed=seed)


class OptunaSampler:
    """A strategy that asks an Optuna study; trains to the end what it suggests.

    Optuna knows no constraints between parameters. A suggestion outside the space is
    told to the study as failed, and the next is tried; after a thousand in a row, an
    architecture is drawn uniformly. A diverged trial is told as inf. Never waits.

    Args:
        space: What is searched.
        epochs: Only the last fidelity is used.
        rng: For the seed of the sampler, below 2^31, and for uniform draws.
        sampler: Makes the sampler from the seed.
    """

    def __init__(
        self,
        space: SearchSpace,
        epochs: tuple[int, ...],
        rng: np.random.Generator,
        *,
        sampler: Callable[[int], BaseSampler] = _tpe,
    ) -> None:
        self._space, self._full, self._rng = space, epochs[-1], rng
        self._distributions = distributions(space)
        storage = optuna.storages.InMemoryStorage()
        # create_study would write a line about it to the log.
        storage.create_new_study([StudyDirection.MINIMIZE], "search")
        self._study = optuna.load_study(
            study_name="search",
            storage=storage,
            sampler=sampler(int(rng.integers(1 << 31))),
        )
        self._running: defaultdict[Architecture, list[int]] = defaultdict(list)

    def ask(self) -> Trial:
        """Pass on what the study suggests."""
        for _ in range(_TRIES):
            suggestion = self._study.ask(self._distributions)
            arch = _architecture(self._space, suggestion.params)
            if arch in self._space:
                self._running[arch].append(suggestion.number)
                return Trial(arch, self._full)
            self._study.tell(suggestion.number, state=TrialState.FAIL)
        arch = self._space.sample(self._rng)
        params = {f"{d}": c[a] for d, (c, a) in enumerate(self._pairs(arch))}
        self._study.enqueue_trial(params)
        self._running[arch].append(self._study.ask(self._distributions).number)
        return Trial(arch, self._full)

    def _pairs(self, arch: Architecture) -> list[tuple[tuple[str, ...], int]]:
        return list(zip(self._space.choices, arch, strict=True))

    def tell(self, trial: Trial, observation: Observation) -> None:
        """Pass the error on."""
        self._study.tell(self._running[trial.arch].pop(0), observation.error)


class StrategySampler(BaseSampler):
    """An Optuna sampler that asks a strategy.

    The objective suggests every decision as a categorical parameter; see
    `distributions`. The strategy is told its value as an error, or 1 minus it where the
    study maximises, and inf for a trial that failed or was pruned. What an objective
    was given in another way, as by `enqueue_trial`, the strategy does not learn. Optuna
    cannot wait: when the strategy does, or is over, a trial is drawn uniformly, and
    the strategy is not told of it.

    Args:
        make: Builds the strategy.
        space: What is searched.
        seed: Of all randomness; None takes one from the operating system.
        epochs: The one fidelity that the strategy sees.
    """

    def __init__(
        self,
        make: MakeStrategy,
        space: SearchSpace,
        *,
        seed: int | None = None,
        epochs: int = 1,
    ) -> None:
        own, others = np.random.default_rng(seed).spawn(2)
        self._strategy, self._space, self._rng = (
            make(space, (epochs,), own),
            space,
            others,
        )
        self._distributions = distributions(space)
        self._asked: dict[int, Trial] = {}  # by the number of Optuna's trial
        self._unused: list[Trial] = []
        self._lock = Lock()  # a study may optimise in several threads

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Give all decisions.

        Raises:
            ValueError: The study has several objectives.
        """
        if len(study.directions) > 1:
            raise ValueError(
                f"a strategy has one objective, not {len(study.directions)}"
            )
        return self._distributions

    def sample_relative(
        self,
        study: Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """Ask the strategy.

        Raises:
            ValueError: It asks for what is known of a network without training it.
        """
        with self._lock:
            asked = self._unused.pop(0) if self._unused else self._strategy.ask()
            if asked is not None and not asked.epochs:
                raise ValueError(
                    "this strategy asks for metrics of untrained networks, which an"
                    " Optuna objective does not give"
                )
            if asked is None:
                arch = self._space.sample(self._rng)
            else:
                self._asked[trial.number], arch = asked, asked.arch
        pairs = zip(self._space.choices, arch, strict=True)
        return {f"{d}": options[a] for d, (options, a) in enumerate(pairs)}

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Refuse parameters that are no decision.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            f"the parameters of {self._space.name} are those of distributions(space),"
            f" {', '.join(self._distributions)}; {param_name!r}, {param_distribution},"
            " is none"
        )

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Tell the strategy.

        Raises:
            ValueError: A finished objective did not suggest every decision.
        """
        with self._lock:
            asked = self._asked.pop(trial.number, None)
            if asked is None:
                return
            error = math.inf
            if state == TrialState.COMPLETE and values is not None:
                if missing := self._distributions.keys() - trial.params.keys():
                    raise ValueError(
                        f"the objective did not suggest {', '.join(sorted(missing))} of"
                        f" {self._space.name}"
                    )
                if _architecture(self._space, trial.params) != asked.arch:
                    self._unused.append(asked)
                    return
                maximised = study.direction == StudyDirection.MAXIMIZE
                error = 1 - values[0] if maximised else values[0]
            self._strategy.tell(asked, Observation(error, 0.0, _NOTHING))
