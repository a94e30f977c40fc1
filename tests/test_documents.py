"""Documents that are written from the registry say what the registry has."""

import csv
import re

import pytest

from benchsuite.strategies import STRATEGIES
from tests.documents.strategies import FILE, ROOT, strategies


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


@pytest.fixture(scope="module")
def page():
    pytest.importorskip("torch", reason="torch is not installed")
    from tests.documents import methods

    return methods


def test_the_methods_document_is_up_to_date(page):
    """`make docs` writes it."""
    assert page.FILE.read_text(encoding="utf-8") == page.methods()


def test_every_method_is_of_one_paper_and_is_counted(page):
    named = [name for paper in page.PAPERS for name in paper.methods]
    assert sorted(named) == sorted(page.METHODS)
    text = page.methods()
    for name in named:
        assert len(re.findall(rf"^\| `{name}` \| [\d.]+ \| ", text, re.MULTILINE)) == 1


@pytest.mark.parametrize("name", ["gdas", "msg_das", "freedarts_snip"])
def test_counts_are_those_of_the_code(page, name):
    """Operators may differ a little between releases of torch."""
    from tests.bench import costs

    with costs.FILE.open(newline="") as file:
        (known,) = (row for row in csv.DictReader(file) if row["method"] == name)
    counted = costs.cost(name)
    for field in ("forwards", "backwards", "images", "reads"):
        assert counted[field] == float(known[field])
    assert counted["operators"] == pytest.approx(float(known["operators"]), rel=0.05)
    assert counted["saved"] == pytest.approx(float(known["saved"]), rel=0.05)


def test_the_gallery_shows_every_figure_beside_it_and_no_other():
    folder = ROOT / "docs"
    text = (folder / "gallery.md").read_text(encoding="utf-8")
    shown = re.findall(r"\((gallery/[\w-]+\.svg)\)", text)
    assert len(shown) == len(set(shown)) > 8
    assert {folder / name for name in shown} == set((folder / "gallery").iterdir())
    for name in shown:
        figure = (folder / name).read_text(encoding="utf-8")
        assert len(figure) < 160_000
        assert "<script" not in figure
