"""Compare neural architecture search strategies under the same rules.

    import benchsuite

    benchmark = benchsuite.load("nb201/cifar10")
    frame = benchsuite.compare(["random_search", MyStrategy], on=["nb201/cifar10"])

Names are imported when they are first used, so that the command line starts quickly.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchsuite.benchmarks import load
    from benchsuite.campaign import compare
    from benchsuite.core import Incumbent, InputError, Observation, Strategy, Trial
    from benchsuite.runner import Rules, search
    from benchsuite.spaces import Architecture, SearchSpace

_HOMES = {
    "Architecture": "spaces",
    "Incumbent": "core",
    "InputError": "core",
    "Observation": "core",
    "Rules": "runner",
    "SearchSpace": "spaces",
    "Strategy": "core",
    "Trial": "core",
    "compare": "campaign",
    "load": "benchmarks",
    "search": "runner",
}

__all__ = [
    "Architecture",
    "Incumbent",
    "InputError",
    "Observation",
    "Rules",
    "SearchSpace",
    "Strategy",
    "Trial",
    "compare",
    "load",
    "search",
]


def __getattr__(name: str) -> object:
    """Import what is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'benchsuite' has no attribute {name!r}")
    return getattr(import_module(f"benchsuite.{_HOMES[name]}"), name)
