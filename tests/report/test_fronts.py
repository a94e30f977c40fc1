"""Hypervolume and IGD+ of found fronts, against hand-computed values."""

import json
from dataclasses import replace
from itertools import combinations, pairwise

import moocore
import numpy as np
import pytest
from typer.testing import CliRunner

from benchsuite import load
from benchsuite.cli import app
from benchsuite.report.anytime import band
from benchsuite.report.fronts import (
    Scale,
    figures,
    hypervolume_band,
    hypervolume_over_time,
)
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


def dominated(points, reference=1.0):
    """Volume of a union of boxes, by inclusion and exclusion."""
    total = 0.0
    for size in range(1, len(points) + 1):
        for chosen in combinations(points, size):
            sides = np.clip(reference - np.max(chosen, axis=0), 0, None)
            total -= (-1) ** size * sides.prod()
    return total


@pytest.mark.parametrize("objectives", [2, 3])
def test_hypervolume_over_time_is_recomputed_from_scratch_at_every_step(objectives):
    """Of ten points on a grid, so that some are equal, dominated, or at the worst."""
    source = np.random.default_rng(objectives)
    for _ in range(20):
        points = source.integers(0, 6, (10, objectives)) / 5
        corners = np.vstack([np.zeros(objectives), np.ones(objectives)])
        scale = Scale(corners)  # the exact front is the origin, its volume 1
        volumes = scale.volumes(points)
        expected = [dominated(points[: n + 1]) for n in range(10)]
        np.testing.assert_allclose(volumes, expected, atol=1e-12)
        assert (np.diff(volumes) >= 0).all()


def test_hypervolume_over_time_ends_where_the_run_is_judged():
    source = np.random.default_rng(4)
    space = source.random((500, 3)) * (1, 1e6, 1e-3)
    scale, found = Scale(space), space[source.permutation(500)[:60]]
    found[7, 1] = np.nan  # unknown: it dominates nothing
    judged = [scale.judge(found[: n + 1])[0] for n in range(60)]
    np.testing.assert_allclose(scale.volumes(found), judged, rtol=1e-12)
    outside = np.vstack([found, [2.0, 2e6, 2e-3]])
    assert scale.volumes(outside)[-1] == scale.volumes(found)[-1]


def trail(seed, *steps):
    """A run from its steps (cost, error, latency)."""
    key = ["toy/x", "0" * 8, "s", "", "", seed, "0" * 8, "test", "table"]
    return [
        Row(*key, n, float(cost), "a", 1, 0.5, error, 0.0, f"latency={latency}")
        for n, (cost, error, latency) in enumerate(steps)
    ]


OBJECTIVES = ("error", "latency")
SQUARE = Scale(np.array([[0.0, 0.0], [1.0, 10.0]]))


def test_a_run_s_hypervolume_steps_at_its_costs():
    run = trail(0, (1, 0.5, 5), (2, 0.75, 5), (4, 0.25, 7.5), (9, 0.0, 0))
    costs, volumes = hypervolume_over_time(run, OBJECTIVES, SQUARE)
    np.testing.assert_array_equal(costs, [1, 2, 4, 9])
    np.testing.assert_allclose(volumes, [0.25, 0.25, 0.3125, 1])
    empty = replace(run[0], arch="", cost=np.nan, reported_error=np.nan, metrics="")
    costs, volumes = hypervolume_over_time([empty], OBJECTIVES, SQUARE)
    assert len(costs) == len(volumes) == 0


def test_a_band_of_hypervolumes_begins_at_nothing():
    """Until 2 s the second run has found nothing, which is no unknown."""
    runs = [trail(0, (1, 0.5, 5), (3, 0.25, 5)), trail(1, (2, 0.5, 0)), []]
    times = np.array([0.5, 1.0, 2.5, 3.0])
    found = hypervolume_band(runs, OBJECTIVES, SQUARE, times)
    table = np.array([[0, 0.25, 0.25, 0.375], [0, 0, 0.5, 0.5], [0, 0, 0, 0]])
    for ours, theirs in zip(found, band(table), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)
    assert np.isnan(hypervolume_band([], OBJECTIVES, SQUARE, times).mean).all()


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
