"""What a report tells of strategies, architectures and runs beside their figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Landscape(NamedTuple):
    """All architectures of a benchmark, by size and error.

    Attributes:
        params: Numbers of parameters, float64 [N].
        errors: Reported errors, in [0, 1], float64 [N].
    """

    params: NDArray[np.float64]
    errors: NDArray[np.float64]


class Evaluated(NamedTuple):
    """What one run of a strategy evaluated, in order.

    Attributes:
        params: Numbers of parameters, float64 [n].
        errors: Reported errors, in [0, 1], float64 [n].
    """

    params: NDArray[np.float64]
    errors: NDArray[np.float64]


class Drawing(NamedTuple):
    """A cell as a picture: vertices with names, and arrows between them with names.

    Attributes:
        title: Such as "normal cell"; "" if there is only one.
        vertices: Names, in an order in which every arrow goes forward.
        edges: From, to, and what stands at the arrow.
    """

    title: str
    vertices: Sequence[str]
    edges: Sequence[tuple[int, int, str]]


@dataclass(frozen=True, slots=True)
class StrategyFacts:
    """What a line of the leaderboard is.

    Attributes:
        about: What the strategy is, in one sentence.
        settings: Every hyper-parameter with its value in this line.
        paper: Where it was published: an address, or a reference; may be empty.
        defined: File or module, and the fingerprint of the source.
    """

    about: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    paper: str = ""
    defined: str = ""


@dataclass(frozen=True, slots=True)
class ArchitectureFacts:
    """What is recorded of an architecture.

    Attributes:
        drawings: Its cells.
        figures: Name -> value with its unit.
        runs: Of each recorded run seed, epochs, validation error, seconds.
        test_errors: Of the recorded runs, if there are any.
    """

    drawings: Sequence[Drawing] = ()
    figures: Mapping[str, str] = field(default_factory=dict)
    runs: Sequence[tuple[int, int, float, float]] = ()
    test_errors: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """What it takes to repeat the runs of a line.

    Attributes:
        command: A command line that does them again.
        versions: Of packages, where the runs were done here.
        machine: Facts of the machine on which time was measured.
    """

    command: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dossier:
    """All of that, for one report; what is not known is left out.

    Attributes:
        strategies: By `Standing.row`.
        architectures: By benchmark, then by spelling.
        origins: By `Standing.row`.
        failures: In one line each: runs that came to no result, and why.
        landscapes: By benchmark.
        evaluated: By `Standing.row`.
    """

    strategies: Mapping[str, StrategyFacts] = field(default_factory=dict)
    architectures: Mapping[str, Mapping[str, ArchitectureFacts]] = field(
        default_factory=dict
    )
    origins: Mapping[str, Origin] = field(default_factory=dict)
    failures: Sequence[str] = ()
    landscapes: Mapping[str, Landscape] = field(default_factory=dict)
    evaluated: Mapping[str, Evaluated] = field(default_factory=dict)
