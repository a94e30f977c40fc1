"""Documents that are written from the registry say what the registry has."""

import re

import pytest

from benchsuite.strategies import STRATEGIES
from tests.documents.strategies import FILE, strategies


def test_the_strategies_document_is_up_to_date():
    """`make docs` writes it."""
    assert FILE.read_text(encoding="utf-8") == strategies()


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("local_search", ("2005.02960", "initial=10")),
        ("asha", ("several fidelities (else random search)", "eta=4")),
        (
            "reinforce_tunas",
            ("TuNAS](https://arxiv.org/abs/2008.06120)", "constraints"),
        ),
        ("regularized_evolution_warm_start", ("`zc_synflow`", "candidates=3000")),
        ("bananas", ("a model: mlp ensemble", "members=5")),
        ("nsga2", ("NSGA-II |", "`objectives`, `constraints`")),
    ],
)
def test_a_line_says_what_its_module_does(name, cells):
    (line,) = re.findall(rf"^\| `{name}` .*$", strategies(), re.MULTILINE)
    assert all(cell in line for cell in cells)


def test_every_strategy_has_a_line_with_a_rank():
    lines = strategies().splitlines()
    named = [line for line in lines if re.match(r"\| `\w+` \|.* \d+\.\d \(", line)]
    assert len(named) == len(STRATEGIES)
