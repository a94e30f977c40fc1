"""Where runs come from, and the commands that do them again."""

import platform
import shlex
import sys
from importlib.metadata import version

import pytest

from benchsuite import provenance
from benchsuite.results import Run
from benchsuite.runner import Rules

RUN = Run("nb201/cifar10", "8bb01850", "tpe", "gamma=0.5", "", 0, "12345678")


def test_here_names_the_versions_and_the_machine():
    asked, versions, machine = provenance.here("own.py:Own")
    assert asked == "own.py:Own"
    assert versions["python"] == ".".join(map(str, sys.version_info[:3]))
    assert versions["numpy"] == version("numpy")
    assert machine["system"].startswith(platform.system())
    assert int(machine["cores"]) >= 1
    assert machine["processor"]


@pytest.mark.parametrize(
    "rules",
    [
        Rules(trials=200),
        Rules(budget=12000.0, workers=4, overrun="keep", promotion="restart"),
        Rules(trials=9, objectives=("error", "params"), constraints={"params": 1e6}),
    ],
    ids=str,
)
def test_a_command_says_the_rules_so_that_they_are_read_as_they_were(rules):
    run = Run("nb201/cifar10", "8bb01850", "tpe", "", str(rules), 0, "")
    words = shlex.split(provenance.command(run, [0]))
    assert Rules.parse(words[words.index("--rules") + 1]) == rules


def test_a_command_quotes_what_a_shell_would_take_for_its_own():
    asked = "./it's; rm -rf.py:Own[nap=1]"
    words = shlex.split(provenance.command(RUN, [0, 1], asked))
    assert words[:3] == ["benchsuite", "run", asked]


@pytest.mark.parametrize(
    ("seeds", "spelled"),
    [
        ([0], ["1"]),
        ([3, 1, 2], ["1:4"]),
        ([0, 1, 5, 9, 10], ["2", "5:6", "9:11"]),
        ([], []),
    ],
)
def test_spans_cover_the_seeds_and_no_other(seeds, spelled):
    assert list(provenance.spans(seeds)) == spelled
    covered = []
    for span in spelled:
        first, last = span.split(":") if ":" in span else ("0", span)
        covered += range(int(first), int(last))
    assert covered == sorted(seeds)
