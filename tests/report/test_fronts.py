"""Hypervolume and IGD+ of found fronts, against hand-computed values."""

import json
from itertools import pairwise

import moocore
import numpy as np
import pytest
from typer.testing import CliRunner

from benchsuite import load
from benchsuite.cli import app
from benchsuite.report.fronts import Scale, figures
from benchsuite.results import Row, Run


def test_the_card_s_golden_values_are_moocores():
    volume = moocore.hypervolume(np.array([[1, 5], [2, 3], [4, 1.0]]), ref=[6, 6])
    assert volume == 17
    distance = moocore.igd(
        np.array([[0, 1], [1, 1.0]]), ref=np.array([[0, 1], [1, 0.0]])
    )
    assert distance == 0.5


def test_a_front_is_judged_by_its_share_of_the_exact_volume():
    """Scaled to [0, 1]^2, (0, 1/2) and (1/2, 0) dominate 3/4; one of them 1/2."""
    space = np.array([[0.0, 10.0], [5.0, 0.0], [10.0, 20.0], [7.0, 15.0], [np.nan, 0]])
    scale = Scale(space)
    np.testing.assert_array_equal(scale.front, [[0, 0.5], [0.5, 0]])
    assert scale.judge(space[:2]) == (1.0, 0.0, 2)
    volume, distance, members = scale.judge(space[:1])
    assert (volume, distance, members) == (pytest.approx(2 / 3), 0.25, 1)
    assert scale.judge(space[2:4])[0] == pytest.approx(0.3 * 0.25 / 0.75)
    assert scale.judge(np.zeros((0, 2))) == (0.0, float("inf"), 0)


def test_more_points_never_dominate_less():
    rng = np.random.default_rng(0)
    space = rng.random((300, 3))
    scale = Scale(space)
    volumes = [scale.judge(space[:n])[0] for n in range(1, 301, 13)]
    assert all(a <= b + 1e-12 for a, b in pairwise(volumes))


def test_figures_are_the_reported_error_and_the_metrics_of_a_row():
    run = Run("toy/x", "0" * 8, "s", "", "", 0, "0" * 8)
    key = [getattr(run, name) for name in run.__slots__]
    row = Row(
        *key, "test", "table", 0, 1.0, "a", 1, 0.5, 0.25, 0.0, "latency=3 params=1e+06"
    )
    found = figures([row], ["params", "error", "latency"])
    np.testing.assert_array_equal(found, [[1e6, 0.25, 3.0]])
    with pytest.raises(KeyError):
        figures([row], ["energy"])


def test_the_command_ranks_contests_of_several_objectives_only(tmp_path):
    def call(*words):
        done = CliRunner().invoke(app, [*words, "--results", str(tmp_path)])
        assert done.exit_code == 0, done.output
        return done.stdout

    run = ("run", "random_search", "nsga2", "--on", "nb201/cifar10", "--seeds", "4")
    call(*run, "--trials", "60")
    objectives = ("--objectives", "error,latency", "--constraints", "params<8e5")
    call(*run, "--trials", "60", *objectives)
    found = json.loads(call("fronts", "--json"))
    assert {line["rules"] for line in found} == {
        "trials=60 objectives=error&latency constraints=params<800000"
    }
    assert {line["strategy"] for line in found} == {"random_search", "nsga2"}
    assert all(0.5 < line["hypervolume"] < 1.05 for line in found)
    assert (tmp_path / "fronts.csv").read_text().count("\n") == 3
    board = json.loads(call("leaderboard", "--json"))
    assert {line["rules"] for line in board} == {"trials=60"}


def test_what_a_benchmark_lacks_or_cannot_meet_is_said_before_the_run():
    def refused(*words):
        from benchsuite.core import InputError

        done = CliRunner().invoke(
            app, ["run", "nsga2", "--on", "nb201/cifar10", *words]
        )
        assert isinstance(done.exception, InputError)
        return str(done.exception)

    metrics = ("latency", "macs", "params", "peak_activation_bytes", "size_bytes")
    assert sorted(load("nb201/cifar10").metrics) == list(metrics)
    text = refused("--objectives", "error,speed")
    assert "nb201/cifar10 has no speed, it has latency, " in text
    assert "; benchmarks with speed: none that is installed" in text
    text = refused("--constraints", "params<10")
    assert "meets all constraints; the lowest figures are params 73306" in text
