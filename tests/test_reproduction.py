"""docs/reproduction.md: its arithmetic, its rows, and that they come out again."""

import math
import os
import subprocess
import sys

import pytest

from benchsuite import catalogue
from tests.reproduction.document import (
    CLAIMANTS,
    FILE,
    Found,
    claim,
    compose,
    compose_claims,
    difference,
    run,
    tables,
)
from tests.reproduction.published import PROTOCOLS, PUBLISHED, TASKS


def test_differences_by_hand():
    """Ours: mean 3, deviation 1, 4 runs; theirs: 2 with 0.6 of 9: sqrt(.25 + .04)."""
    points, errors = difference([2.0, 2.0, 4.0, 4.0], (2.0, 0.6), 9)
    assert points == 1
    assert errors == pytest.approx(1 / math.sqrt(0.25 + 0.04))


def test_every_row_is_of_a_protocol_and_of_a_strategy():
    for row in PUBLISHED:
        assert catalogue.find(row.strategy).name in row.strategy
        assert row.protocol in PROTOCOLS
        assert len(row.figures) == len(TASKS)
        assert row.tag in "CR"
    assert {row.protocol for row in PUBLISHED} == PROTOCOLS.keys()


def test_a_row_says_what_was_found_and_a_row_that_is_not_known_is_left_out():
    row = next(row for row in PUBLISHED if row.name == "BOHB")
    text = compose([Found(row, ([93.0, 94.0], None, None))])
    (line,) = [line for line in text.splitlines() if "bohb_nats` |" in line]
    # -.11 over sqrt((.5 / sqrt 2)^2 + (.52 / sqrt 500)^2)
    assert line.endswith("| cifar10 | 93.61 ± 0.52 | R | 93.50 ± 0.50 | -0.11 | -0.3 |")


def test_a_protocol_comes_out_as_the_document_has_it(shared):
    """Random search under NATS-Bench's, all 500 runs on all three data sets."""
    row = next(r for r in PUBLISHED if (r.protocol, r.name) == ("nats", "RANDOM"))
    with tables(shared):
        lines = compose([run(row)]).splitlines()
    known = FILE.read_text(encoding="utf-8").splitlines()
    mine = [line for line in lines if line.startswith("| RANDOM")]
    assert len(mine) == 3
    assert set(mine) <= set(known)


@pytest.mark.slow
def test_all_of_the_protocols_come_out_as_the_document_has_them(shared):
    with tables(shared):
        text = compose([run(row) for row in PUBLISHED])
    assert FILE.read_text(encoding="utf-8").startswith(text)


def test_trials_to_a_good_cell_come_out_as_the_document_has_them(shared):
    """Without a model: those with one differ in the last digits between machines."""
    text = FILE.read_text(encoding="utf-8")
    with tables(shared):
        for name in ("random_search", "local_search"):
            *_, line = compose_claims([claim(name)]).splitlines()
            assert line in text
    assert all(f"| `{name}` |" in text for name in CLAIMANTS)


def test_without_the_tables_it_says_what_is_missing(tmp_path):
    environment = {**os.environ, "BENCHSUITE_SHARED": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.reproduction"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=FILE.parents[1],
    )
    assert done.returncode == 2
    assert done.stderr.startswith("no development tables in ")
    assert done.stderr.count("\n") == 1
