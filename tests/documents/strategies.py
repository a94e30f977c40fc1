"""docs/strategies.md: what the registry has, costs, and where it stands."""

import csv
import inspect
import re
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import fmean

import numpy as np

from benchsuite import catalogue
from benchsuite.spaces import NATS_TSS
from benchsuite.strategies import ONE_FIDELITY, STRATEGIES
from benchsuite.strategies.model_based.loop import ModelBased

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "strategies.md"
HEAD = """\
# Strategies

Written by `make docs`, from the registry, `results/leaderboard.csv` and
`docs/proposals.csv`. Settings stand in brackets behind a name, as in
`benchsuite run 'regularized_evolution[sample_size=10]'`.

- *Needs*: `several fidelities` are learning curves, or trainings of several lengths;
  with one, the strategy amounts to what is said there. A metric, such as `zc_synflow`,
  must be one that the benchmark has. `objectives` and `constraints` are used if the
  rules have them. A model is fitted with scikit-learn or NumPy.
- *A proposal* is the time of `ask` and `tell` for one trial after two hundred, as
  `python -m tests.bench.proposals` measured it on one core of a shared machine; other
  runs of it differ by a factor of up to two.
- *Rank* is the mean rank over `nb201/cifar10`, `cifar100` and `imagenet16_120` after
  200 trials, with the ranks in brackets; 1 is the best of {lines}. The table has one
  fidelity, and no scores: those that need several amount to what is said, and those
  that need a score were given `params`. Ranks close to each other mean little: the
  leaderboard's letters say which strategies can be told apart.

"""


def strategies():
    """Compose the document."""
    standings, costs = _standings(), _costs()
    rows = [
        "| strategy | paper | needs | settings | a proposal | rank |",
        "|---|---|---|---|---|---|",
    ]
    for name, make in sorted(STRATEGIES.items()):
        cells = (
            *(f"`{name}`", _paper(name, make), _needs(name, make), _settings(name)),
            *(_cost(costs[name]), _rank(standings.get(name))),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return HEAD.format(lines=len(standings)) + "\n".join(rows) + "\n"


def _standings():
    """Read the ranks of each strategy, by name, in the order of the tasks."""
    with (ROOT / "results" / "leaderboard.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    ranks = {}
    for line in lines:
        ranks.setdefault(line["strategy"], []).append(int(line["rank"]))
    return ranks


def _costs():
    with (ROOT / "docs" / "proposals.csv").open(newline="") as file:
        return {
            line["strategy"]: float(line["seconds"]) for line in csv.DictReader(file)
        }


def _cost(seconds):
    scale, unit = (1e3, "ms") if seconds >= 1e-3 else (1e6, "us")
    return f"{float(f'{seconds * scale:.2g}'):g} {unit}"


def _rank(ranks):
    return f"{fmean(ranks):.1f} ({', '.join(map(str, ranks))})" if ranks else ""


def _paper(name, make):
    """Take the title that a module cites beside the name's last word, or its first."""
    while isinstance(make, partial):
        make = make.func
    words = " ".join(inspect.getmodule(make).__doc__.split())
    titles = list(re.finditer(r'"([^"]{12,})"', words))
    ends = [0, *(title.end() for title in titles)]
    last = name.rpartition("_")[2]
    cited = [last in words[n:m].lower() for n, m in pairwise(ends)]
    title = titles[cited.index(True) if any(cited) else 0]
    # its address, if it comes before anything else is spoken of
    address = re.match(r'[^;"]*?(https?://[^\s,]+[^\s,.])', words[title.end() :])
    text = title[1].rstrip(",")
    return f"[{text}]({address[1]})" if address else text


def _needs(name, make):
    """Say what a benchmark must have, what the rules give, and what is fitted."""
    entry = catalogue.find(name)
    needs = []
    if name in ONE_FIDELITY:
        needs.append(f"several fidelities (else {ONE_FIDELITY[name]})")
    needs += [f"`{metric}`" for metric in entry.metrics]
    needs += [f"`{rule}`" for rule in entry.wants]
    strategy = make(NATS_TSS, (1, 3, 9), np.random.default_rng(0))
    if isinstance(strategy, ModelBased):
        model = inspect.unwrap(strategy._fit).__module__.rpartition(".")[2]
        needs.append(f"a model: {model.replace('_', ' ')}")
    return ", ".join(needs)


def _settings(name):
    parameters = catalogue.hyper_parameters(name, STRATEGIES[name])
    return ", ".join(f"{p.name}={_short(p.default)}" for p in parameters.values())


def _short(value):
    return f"{value:.3g}" if isinstance(value, float) else str(value)
