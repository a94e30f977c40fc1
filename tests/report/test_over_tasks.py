"""Figures over several tasks, against the averages that they show."""

import numpy as np
import pytest

from benchsuite.report import anytime
from benchsuite.report.figures.over_tasks import rank_over_tasks, regret_over_tasks
from benchsuite.report.leaderboard import contests
from benchsuite.report.palette import BASELINE, styles
from tests.report.test_figures import assert_readable, lines_of, searches

NAMES = ("good", "fair", BASELINE)


def tasks(names=NAMES, count=3):
    rows = [
        row
        for n in range(count)
        for name in names
        for row in searches(name, luck=len(name) / 20, benchmark=f"toy/{n}")
    ]
    return contests(rows)


def test_ranks_are_the_average_over_tasks_and_seeds():
    found = tasks()
    plate = rank_over_tasks(found, styles(found))
    averages = anytime.average_rank(found, 100)
    for label, ranks in zip(averages.labels, averages.ranks, strict=True):
        line = lines_of(plate.figure, label)
        assert line.get_ydata() == pytest.approx(ranks)
        assert line.get_xdata()[-1] == 1
    assert plate.figure.axes[0].yaxis.get_inverted()
    assert_readable(plate)


def test_the_baselines_regret_ends_at_one():
    found = tasks()
    plate = regret_over_tasks(found, styles(found))
    line = lines_of(plate.figure, BASELINE)
    assert line.get_ydata()[-1] == pytest.approx(1)
    for contest in found:
        assert {line.standing.label for line in contest.lines} == set(NAMES)
    bands = anytime.normalised_regret(found, 100)
    for label, band in zip(bands.labels, bands.bands, strict=True):
        line = lines_of(plate.figure, label)
        assert np.asarray(line.get_ydata()) == pytest.approx(band.mean, nan_ok=True)
    assert_readable(plate)


def test_who_is_missing_on_a_task_or_has_no_scale_is_said():
    rows = [
        *searches("good", benchmark="toy/0"),
        *searches("good", benchmark="toy/1"),
        *searches("fair", benchmark="toy/1"),
    ]
    found = contests(rows)
    looks = styles(found)
    assert (
        "fair: did not take part in every contest"
        in rank_over_tasks(found, looks).caption
    )
    plate = regret_over_tasks(found, looks)
    assert plate.figure is None
    assert plate.caption.startswith("Not drawn.")
    assert "random_search has no final regret above 0" in plate.caption


def test_one_label_on_two_backends_is_two_curves():
    rows = [
        row
        for n in range(2)
        for backend in ("table", "surrogate")
        for row in searches("good", benchmark=f"toy/{n}", backend=backend)
    ]
    found = contests(rows)
    plate = rank_over_tasks(found, styles(found))
    assert len(plate.figure.axes[0].lines) == 2
