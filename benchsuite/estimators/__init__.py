"""Estimates of what a network will be worth once trained, by name.

Read `protocol.py`, then `comparison.py`; of the zero-cost proxies, which need torch,
`functional.py` and then `zero_cost.py`, which lists them.

A name is `<family>[/<what>][@<epochs>]`, such as "zero_cost/params", "power_law@20",
"model/RandomForest" or "low_fidelity@12".
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from benchsuite.core import InputError
from benchsuite.estimators.learning_curves import (
    FEWEST,
    CurveMixture,
    LcNet,
    PowerLaw,
    TrainingLosses,
)
from benchsuite.estimators.model_based import ModelBased
from benchsuite.estimators.observed import Observed
from benchsuite.estimators.protocol import Estimator, MissingError
from benchsuite.estimators.recorded import Recorded
from benchsuite.names import pick
from benchsuite.spaces import SearchSpace
from benchsuite.spaces.encodings import ENCODINGS, graph_size
from surrogates import MODELS

if TYPE_CHECKING:
    from benchsuite.estimators.computed import Networks

__all__ = ["ESTIMATORS", "Estimator", "MissingError", "Offer", "defaults", "find"]

_NAME = re.compile(r"(\w+)(?:/([^@]+))?(?:@(\d{1,6}))?")
_MODELS = ("RandomForest", "GaussianProcess")
"""What needs no extra, and takes little time."""


@dataclass(frozen=True)
class Offer:
    """What a benchmark has for estimators.

    Attributes:
        name: Of the benchmark, for messages.
        space: Its architectures.
        epochs: Those that can be seen; the last is full training.
        metrics: Names of figures of untrained networks.
        losses: Whether training losses of every epoch are recorded.
        schedules: Epochs of shorter trainings, with a schedule of their own, that are
            at hand as "@<epochs>".
        inherited: Gives the epochs of a supernet by name.
        networks: Gives what proxies are computed on.

    The last two raise InputError where there is nothing.
    """

    name: str
    space: SearchSpace
    epochs: tuple[int, ...]
    metrics: tuple[str, ...]
    losses: bool
    schedules: tuple[int, ...]
    inherited: Callable[[str], tuple[int, ...]]
    networks: Callable[[], "Networks"]


class _Words(NamedTuple):
    """A name, taken apart; what is left out is empty or 0."""

    name: str
    what: str
    epochs: int


def find(name: str, offer: Offer) -> Estimator:
    """Make an estimator for a benchmark.

    Raises:
        MissingError: The benchmark has not what it needs.
        InputError: There is no such estimator.
    """
    match = _NAME.fullmatch(name)
    if not match:
        raise InputError(
            f"an estimator is <family>[/<what>][@<epochs>], such as"
            f" zero_cost/params or power_law@20, not {name!r:.80}"
        )
    family, what, epochs = match.groups()
    make = pick("estimator", family, ESTIMATORS)
    return make(_Words(name, what or "", int(epochs or 0)), offer)


def defaults(offer: Offer) -> list[str]:
    """Name the estimators that a comparison has unless told otherwise.

    What costs hours, an extra or a trained supernet is left to those who ask.
    """
    scores = [m for m in offer.metrics if m.startswith("zc_")]
    own = [m for m in ("latency", "macs", "params") if m in offer.metrics]
    return [
        "full_fidelity",
        *([f"low_fidelity@{epochs}" for epochs in offer.schedules] or ["low_fidelity"]),
        *("early_stopping", "power_law", "curve_mixture", "lc_net"),
        "sum_of_training_losses",
        *(f"zero_cost/{metric}" for metric in own + scores),
        *(f"model/{model}" for model in _MODELS),
    ]


def _full_fidelity(words: _Words, offer: Offer) -> Estimator:
    return Observed(words.name, "full fidelity", offer.epochs[-1:])


def _low_fidelity(words: _Words, offer: Offer) -> Estimator:
    """A training with a schedule of its own, or what the benchmark sells as one."""
    epochs = words.epochs or next(iter(offer.schedules), 0)
    if epochs in offer.schedules:
        name = f"low_fidelity@{epochs}"
        return Observed(name, "low fidelity", (epochs,), f"@{epochs}")
    if epochs and epochs in offer.epochs[:-1]:
        return Observed(words.name, "low fidelity", (epochs,))
    there = (*offer.schedules, *offer.epochs[:-1])
    raise MissingError(
        words.name,
        f"{offer.name} has no shorter training with a schedule of its own"
        + (f"; low_fidelity@<epochs> takes {_few(there)}" if there else ""),
    )


def _early_stopping(words: _Words, offer: Offer) -> Estimator:
    last = _beginning(words, offer, fewest=1)[-1]
    return Observed(f"early_stopping@{last}", "early stopping", (last,))


def _power_law(words: _Words, offer: Offer) -> Estimator:
    seen = _beginning(words, offer)
    return PowerLaw(f"power_law@{seen[-1]}", seen, offer.epochs[-1])


def _curve_mixture(words: _Words, offer: Offer) -> Estimator:
    seen = _beginning(words, offer)
    return CurveMixture(f"curve_mixture@{seen[-1]}", seen, offer.epochs[-1])


def _lc_net(words: _Words, offer: Offer) -> Estimator:
    seen = _beginning(words, offer)
    return LcNet(f"lc_net@{seen[-1]}", seen, offer.epochs[-1])


def _training_losses(words: _Words, offer: Offer) -> Estimator:
    if not offer.losses:
        raise MissingError(words.name, f"{offer.name} records no training losses")
    last = _beginning(words, offer, fewest=1)[-1]
    return TrainingLosses(f"sum_of_training_losses@{last}", (last,))


def _zero_cost(words: _Words, offer: Offer) -> Estimator:
    if words.what not in offer.metrics:
        raise MissingError(
            words.name,
            f"{offer.name} has no metric {words.what!r:.60}; it has"
            f" {_few(offer.metrics)}",
        )
    return Recorded(words.name, words.what)


def _zero_cost_computed(words: _Words, offer: Offer) -> Estimator:
    networks = offer.networks()  # which says if torch is missing
    from benchsuite.estimators.computed import Computed
    from benchsuite.estimators.zero_cost import PROXIES

    pick("proxy", words.what, PROXIES)
    return Computed(words.name, words.what, networks)


def _model(words: _Words, offer: Offer) -> Estimator:
    model, _, encoding = words.what.partition("+")
    pick("model", model, dict.fromkeys(MODELS))
    graph = model == "GraphNetwork"  # which knows no other rows
    encode = pick(
        "encoding", encoding or ("adjacency" if graph else "one_hot"), ENCODINGS
    )
    try:
        sizes = graph_size(offer.space) if graph else ()
        rows = encode(offer.space)
    except ValueError as error:
        raise MissingError(words.name, f"{error}") from error
    settings = dict(zip(("vertices", "labels"), sizes, strict=False))
    return ModelBased(words.name, model, offer.space, rows, offer.epochs[-1], settings)


def _inherited(words: _Words, offer: Offer) -> Estimator:
    epochs = offer.inherited(words.what)[-1:]
    source = f"inherited/{words.what}"
    return Observed(words.name, "inherited weights", epochs, source)


ESTIMATORS: Mapping[str, Callable[[_Words, Offer], Estimator]] = {
    "full_fidelity": _full_fidelity,
    "low_fidelity": _low_fidelity,
    "early_stopping": _early_stopping,
    "power_law": _power_law,
    "curve_mixture": _curve_mixture,
    "lc_net": _lc_net,
    "sum_of_training_losses": _training_losses,
    "zero_cost": _zero_cost,
    "zero_cost_computed": _zero_cost_computed,
    "model": _model,
    "inherited": _inherited,
}
"""Families: each makes an estimator from its name and what a benchmark offers."""


def _beginning(words: _Words, offer: Offer, fewest: int = FEWEST) -> tuple[int, ...]:
    """Choose the epochs that are seen: up to those named, or a quarter of training.

    Raises:
        MissingError: There are fewer than `fewest` before the last.
    """
    before = [epochs for epochs in offer.epochs if 0 < epochs < offer.epochs[-1]]
    last = words.epochs or max(offer.epochs[-1] // 4, *before[:fewest], 0)
    seen = tuple(epochs for epochs in before if epochs <= last)
    if len(seen) < fewest or (words.epochs and words.epochs != seen[-1]):
        upto = f" up to epoch {words.epochs}" if words.epochs else ""
        raise MissingError(
            words.name,
            f"{offer.name} has no learning curve{upto} to see before it ends; it has"
            f" epochs {_few(offer.epochs)}",
        )
    return seen


def _few(things: tuple[object, ...]) -> str:
    """Name some, and say if there are more."""
    named = ", ".join(map(str, things[:12]))
    return f"{named}, ... {things[-1]}" if len(things) > 12 else named
