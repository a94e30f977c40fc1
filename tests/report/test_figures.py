"""Figures against the numbers that they show, and against what is hard to print."""

import math
import re
import subprocess
import sys
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.colors import to_hex
from matplotlib.text import Text

from benchsuite.report import anytime, fronts, ranking
from benchsuite.report.facts import Dossier, Evaluated, Landscape
from benchsuite.report.figures import critical_difference, pareto
from benchsuite.report.figures.album import captions, draw
from benchsuite.report.figures.cast import call, cast
from benchsuite.report.figures.critical_difference import over_seeds, over_tasks
from benchsuite.report.figures.curves import error_curves, rank_curves, regret_curves
from benchsuite.report.figures.distributions import distributions
from benchsuite.report.figures.landscape import landscape_figure
from benchsuite.report.figures.letters import SMALL, width
from benchsuite.report.figures.pareto import (
    FrontContest,
    front_figure,
    hypervolume_curves,
)
from benchsuite.report.figures.sheet import lay_out, printing, save
from benchsuite.report.leaderboard import contests
from benchsuite.report.palette import BASELINE, Style, styles
from tests.report.test_leaderboard import ROW
from tests.report.test_leaderboard import nothing as without

PLATES = {
    "error": error_curves,
    "regret": regret_curves,
    "rank": rank_curves,
    "final": distributions,
    "ranks": over_seeds,
}
HOSTILE = [
    "$x^2$",
    "a_b^c{",
    "100% \\alpha",
    "<script>alert('&')</script>",
    "a --> ]]>",
    "\N{CJK UNIFIED IDEOGRAPH-4E2D}\N{PILE OF POO}",
    "W" * 80,
    "\N{GREEK SMALL LETTER LAMDA}=\N{LATIN SMALL LETTER E WITH ACUTE}",
]


def searches(strategy, *, seeds=8, luck=0.0, benchmark="toy/a", settings="", **changes):
    """Rows of runs that get better at random moments, each whole."""
    rng = np.random.default_rng(
        [len(strategy), *strategy.encode(), *benchmark.encode()]
    )
    for seed in range(seeds):
        steps = int(rng.integers(2, 9))
        costs = np.cumsum(rng.exponential(20, steps)) + 5
        errors = np.sort(rng.uniform(0.1, 0.9, steps))[::-1] ** (1 + luck)
        for step, (cost, error) in enumerate(zip(costs, errors, strict=True)):
            row = replace(
                ROW,
                benchmark=benchmark,
                strategy=strategy,
                settings=settings,
                seed=seed,
                step=step,
                cost=float(f"{cost:.6g}"),
                arch=f"x{step}",
                error=error,
                reported_error=float(f"{error:.6g}"),
                regret=float(f"{error - 0.001:.6g}"),
                metrics=f"latency={1 / (step + 1):.6g} params={rng.integers(1, 99)}",
            )
            yield replace(row, **changes)


def nothing(strategy, seed):
    """A run that found nothing, in the same contest."""
    return replace(without(strategy, seed), benchmark="toy/a")


def contest_of(*groups):
    (found,) = contests([row for rows in groups for row in rows])
    return found


def several(count, **changes):
    return contest_of(
        *(searches(f"s{n:02}", luck=1 - n / count, **changes) for n in range(count)),
        searches(BASELINE, **changes),
    )


def plain(rows, **changes):
    """The same rows with something else in each."""
    return [replace(row, **changes) for row in rows]


def lines_of(figure, name, panel=0):
    found = [line for line in figure.axes[panel].lines if line.get_label() == name]
    assert found, name
    return found[0]


def landscape(count=500, seed=0):
    rng = np.random.default_rng(seed)
    return Landscape(10 ** rng.uniform(4, 6, count), rng.uniform(0.05, 0.9, count))


def evaluated(contest, count=30):
    return {
        line.standing.row: Evaluated(*(part[:count] for part in landscape(99, n)))
        for n, line in enumerate(contest.lines)
    }


def front_contest(objectives=("error", "latency"), names=("a", "b")):
    rng = np.random.default_rng(1)
    by_name = {
        name: [
            list(run) for line in contest_of(searches(name)).lines for run in line.runs
        ]
        for name in names
    }
    exact = rng.uniform(0.001, 1, (200, len(objectives)))
    return FrontContest("toy/a", "objectives", objectives, exact, by_name)


# Curves


@pytest.mark.parametrize(
    ("plate", "figure"),
    [(error_curves, anytime.reported_error), (regret_curves, anytime.regret)],
)
def test_curves_and_intervals_are_those_of_the_band(plate, figure):
    contest = several(4)
    drawn = plate(contest, styles([contest])).figure
    axes = drawn.axes[0]
    assert len(axes.lines) == len(axes.collections) == 5
    for line, shade in zip(contest.lines, axes.collections, strict=True):
        curve = lines_of(drawn, line.standing.label)
        times, means = curve.get_data()
        band = anytime.band(anytime.values(line.runs, times, figure))
        np.testing.assert_array_equal(means, band.mean)
        assert curve.get_drawstyle() == "steps-post"
        corners = {tuple(c) for path in shade.get_paths() for c in path.vertices}
        known = np.isfinite(band.mean)
        for end in (band.low, band.high):
            assert set(zip(times[known], end[known], strict=True)) <= corners
        heights = [y for _, y in corners]
        assert min(heights) == np.nanmin(band.low)
        assert max(heights) == np.nanmax(band.high)
        assert to_hex(shade.get_facecolor()[0]) == curve.get_color()


def test_a_curve_ends_at_the_mean_of_the_leaderboard():
    contest = several(3)
    drawn = error_curves(contest, styles([contest])).figure
    for line in contest.lines:
        last = lines_of(drawn, line.standing.label).get_ydata()[-1]
        assert last == pytest.approx(line.standing.error_mean, abs=1e-6)


def test_ranks_over_time_are_those_among_all_even_if_some_are_not_shown():
    contest = several(11)
    plate = rank_curves(contest, styles([contest]))
    axes = plate.figure.axes[0]
    assert len(axes.lines) == 8
    curve = lines_of(plate.figure, BASELINE)
    labels = [line.standing.label for line in contest.lines]
    ranks = anytime.rank_over_time(contest, curve.get_xdata())
    np.testing.assert_array_equal(curve.get_ydata(), ranks[labels.index(BASELINE)])
    low, high = axes.get_ylim()
    assert low > high  # rank 1 is at the top
    assert f"best 7 and {BASELINE} of 12 strategies" in plate.caption


def test_what_reaches_zero_regret_is_said_and_leaves_the_rest_readable():
    contest = contest_of(
        searches("a"), plain(searches("b"), regret=0.0), plain(searches("c"), regret=-1)
    )
    plate = regret_curves(contest, styles([contest]))
    low, high = plate.figure.axes[0].get_ylim()
    assert 0 < low < high
    assert "reaches 0" in plate.caption
    alone = contest_of(plain(searches("b"), regret=0.0))
    assert regret_curves(alone, styles([alone])).figure is not None


# Distributions


def test_dots_are_the_final_errors_and_boxes_their_quartiles():
    contest = several(3)
    drawn = distributions(contest, styles([contest])).figure
    axes = drawn.axes[0]
    dots = [line for line in axes.lines if line.get_label() == "runs"]
    means = [line for line in axes.lines if line.get_label() == "mean"]
    order = [label.get_text() for label in axes.get_yticklabels()]
    assert order == [line.standing.label for line in contest.lines]
    assert axes.yaxis_inverted()  # the best at the top
    for n, line in enumerate(contest.lines):
        finals = sorted(run[-1].reported_error for run in line.runs)
        assert sorted(dots[n].get_xdata()) == finals
        assert np.abs(dots[n].get_ydata() - n).max() < 0.4
        assert means[n].get_xdata() == [line.standing.error_mean]
        corners = axes.collections[n].get_paths()[0].vertices[:, 0]
        # of eight values, by hand: a quarter of the way is 3/4 from the 2nd to the 3rd
        first = finals[1] + 0.75 * (finals[2] - finals[1])
        third = finals[5] + 0.25 * (finals[6] - finals[5])
        assert (corners.min(), corners.max()) == pytest.approx((first, third))


def test_runs_that_found_nothing_are_counted_and_diverged_ones_have_error_one():
    contest = contest_of(
        searches("a"),
        [nothing("b", 0), *plain(searches("b", seeds=1), seed=1)],
        plain(searches("c"), reported_error=math.inf),
    )
    contest = contest_of(
        [row for line in contest.lines for run in line.runs for row in run],
    )
    plate = distributions(contest, styles([contest]))
    assert "found nothing: b (1)." in plate.caption
    axes = plate.figure.axes[0]
    dots = [line for line in axes.lines if line.get_label() == "runs"]
    labels = [line.standing.label for line in contest.lines]
    assert set(dots[labels.index("c")].get_xdata()) == {1.0}
    assert len(dots[labels.index("b")].get_xdata()) == 1


# Critical differences


def test_bars_join_the_cliques_and_names_hang_at_their_ranks():
    contest = several(6, seeds=40)
    plate = over_seeds(contest, styles([contest]))
    axes = plate.figure.axes[0]
    table = np.array(
        [[run[-1].reported_error for run in line.runs] for line in contest.lines]
    ).T
    ranks = ranking.average_ranks(table)
    for line, rank in zip(contest.lines, ranks, strict=True):
        at = lines_of(plate.figure, line.standing.label).get_xdata()
        assert at[0] == at[1] == rank
    groups = ranking.cliques(ranks.tolist(), ranking.nemenyi(table))
    bars = [line.get_xdata() for line in axes.lines if line.get_label() == "bar"]
    assert len(groups) > 1
    spans = [(min(ranks[group]), max(ranks[group])) for group in groups]
    assert sorted(map(tuple, bars)) == sorted(spans)
    ruler = lines_of(plate.figure, "critical difference").get_xdata()
    width = ranking.critical_difference(7, 40)
    assert ruler[1] - ruler[0] == pytest.approx(width)
    assert f"{width:.2f}" in plate.caption
    for group in groups:  # Nemenyi's test and its critical difference say the same
        assert max(ranks[group]) - min(ranks[group]) < width


def test_only_seeds_that_all_ran_count():
    contest = contest_of(searches("a", seeds=9), searches("b", seeds=7), searches("c"))
    looks = styles([contest])
    for make in (over_seeds, rank_curves):
        assert "over 7 seeds that all ran" in make(contest, looks).caption


def test_over_tasks_leaves_out_who_is_missing_on_one():
    names = ["a", "bb", "ccc", "dddd"]
    tasks = [f"toy/{n}" for n in range(5)]
    found = contests(
        row
        for task in tasks
        for name in names
        if (name, task) != ("bb", tasks[3])
        for row in searches(name, benchmark=task, luck=len(name) / 4)
    )
    plate = over_tasks(found, styles(found))
    assert "Without a mean on every task: bb." in plate.caption
    kept = ["a", "ccc", "dddd"]
    means = [
        [{x.standing.label: x.standing.error_mean for x in c.lines}[n] for n in kept]
        for c in found
    ]
    for name, rank in zip(kept, ranking.average_ranks(means), strict=True):
        assert lines_of(plate.figure, name).get_xdata()[0] == rank


def test_too_little_data_is_said_in_a_sentence():
    two = contest_of(searches("a", seeds=1), searches("b", seeds=1))
    plate = over_seeds(two, styles([two]))
    assert plate.figure is not None
    assert "No bars: " in plate.caption
    alone = contest_of(searches("a"))
    plate = over_seeds(alone, styles([alone]))
    assert plate.figure is None
    assert plate.caption.startswith("Not drawn: Ranks compare two or more")
    apart = contest_of(searches("a"), plain(searches("b"), seed=99)[-1:])
    assert over_seeds(apart, styles([apart])).figure is None
    assert over_tasks([], {}).figure is None


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9)).map(sorted), max_size=12).map(
        sorted
    )
)
def test_bars_of_one_level_never_touch(spans):
    levels = critical_difference._levels(spans)
    assert set(levels) == set(range(len(set(levels))))
    for (m, a), (n, b) in combinations(enumerate(spans), 2):
        if levels[m] == levels[n]:
            assert a[1] < b[0] or b[1] < a[0]


# Fronts


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        arrays(
            float, st.tuples(st.integers(0, 5), st.just(2)), elements=st.floats(0, 3)
        ),
        min_size=1,
        max_size=5,
    )
)
def test_half_of_the_runs_attain_the_front_drawn_and_nothing_below_it(runs):
    """A run attains a point if one of its own is no worse in both."""
    places, heights = pareto._attained(runs)
    assert (np.diff(places) > 0).all()
    assert (np.diff(heights) < 0).all()
    grid = np.unique(np.concatenate([np.zeros(1), *(run.ravel() for run in runs)]))
    for x in grid:
        for y in grid:
            attain = sum(bool((run <= (x, y)).all(axis=1).any()) for run in runs)
            drawn = bool(((places <= x) & (heights <= y)).any())
            assert drawn == (2 * attain >= len(runs))


def test_the_exact_front_is_what_no_architecture_dominates():
    contest = front_contest()
    drawn = front_figure(contest, styles([], ["a", "b"])).figure
    exact = lines_of(drawn, "exact front")
    kept = [
        point
        for point in contest.exact[:, ::-1]  # latency across, error up
        if not any(
            (other <= point).all() and (other < point).any()
            for other in contest.exact[:, ::-1]
        )
    ]
    np.testing.assert_array_equal(
        np.array(exact.get_data()).T, sorted(map(tuple, kept))
    )


def test_hypervolume_curves_are_those_of_the_band():
    contest = front_contest()
    drawn = hypervolume_curves(contest, styles([], ["a", "b"])).figure
    scale = fronts.Scale(contest.exact)
    ends = []
    for line in drawn.axes[0].lines:
        times, means = line.get_data()
        runs = contest.runs[line.get_label()]
        band = fronts.hypervolume_band(runs, contest.objectives, scale, times)
        np.testing.assert_array_equal(means, band.mean)
        ends.append(means[-1])
    assert ends == sorted(ends, reverse=True)


def test_with_three_objectives_each_stands_against_the_error():
    contest = front_contest(("latency", "error", "params"))
    drawn = front_figure(contest, styles([], ["a", "b"])).figure
    assert [axes.get_xlabel() for axes in drawn.axes] == ["latency", "params"]
    assert drawn.axes[0].get_ylabel() == "error"
    runs = [fronts.figures(run, ["params", "error"]) for run in contest.runs["a"]]
    places, heights = lines_of(drawn, "a", panel=1).get_data()
    for x, y in zip(places, heights, strict=True):
        attain = sum(bool((run <= (x, y)).all(axis=1).any()) for run in runs)
        assert 2 * attain >= len(runs)


def test_fronts_of_runs_that_found_nothing_are_not_drawn():
    contest = replace(front_contest(), runs={"a": [[nothing("a", 0)]]})
    for plate in (front_figure, hypervolume_curves):
        made = plate(contest, styles([], ["a"]))
        assert made.figure is None
        assert made.caption == "Not drawn: no run found anything."


# Landscapes


def test_a_panel_shows_what_its_strategy_evaluated_in_order():
    contest, ground = several(3), landscape()
    own = evaluated(contest)
    drawn = landscape_figure(contest, ground, own, styles([contest])).figure
    for line, axes in zip(contest.lines, drawn.axes, strict=False):
        assert axes.get_title(loc="left") == line.standing.label
        density, dots = axes.collections
        points = np.array(own[line.standing.row]).T
        np.testing.assert_array_equal(dots.get_offsets(), points)
        np.testing.assert_array_equal(dots.get_array(), np.linspace(0, 1, len(points)))
        counts = np.expm1(density.get_array().filled(0))
        assert counts.sum() == pytest.approx(len(ground.errors))


def test_a_landscape_of_nan_and_unknown_ones_are_no_trouble():
    contest = several(2)
    looks = styles([contest])
    ground = Landscape(np.array([np.nan, 1e5, 0.0]), np.array([0.5, 0.5, 0.5]))
    assert landscape_figure(contest, ground, evaluated(contest), looks).figure
    for plate in (
        landscape_figure(contest, None, evaluated(contest), looks),
        landscape_figure(contest, ground, {}, looks),
    ):
        assert plate.figure is None
        assert plate.caption.startswith("Not drawn: ")


# Who is shown, and how


def test_the_best_seven_and_the_baseline_are_shown():
    labels = [f"s{n}" for n in range(20)] + [BASELINE]
    looks = dict.fromkeys(labels, Style("#000000", (), "o"))
    assert cast(labels, looks, 8).places == [0, 1, 2, 3, 4, 5, 6, 20]
    assert cast(labels[::-1], looks, 8).places == list(range(8))
    assert cast(labels[:3], looks, 8).remarks == []


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(max_size=60), max_size=9), st.floats(0.5, 2))
def test_names_are_short_and_different_and_all_is_said_in_full(labels, inches):
    names, remarks = call(labels, inches)
    assert len(names) == len(labels)
    assert all(width(name, SMALL) <= inches + width(" (9)", SMALL) for name in names)
    by_name = {}
    for name, label in zip(names, labels, strict=True):
        by_name.setdefault(name, set()).add(label)
        if name != label:
            assert label in remarks[0]
    assert len(by_name) == len(labels)


def test_every_strategy_has_its_colour_dash_and_marker_in_every_figure():
    contest = several(6, seeds=12)
    looks = styles([contest], ["z"])
    several_fronts = front_contest(names=("s00", BASELINE))
    plates = [make(contest, looks) for make in PLATES.values()]
    plates += [over_tasks([contest, contest], looks)]
    plates += [front_figure(several_fronts, looks)]
    plates += [hypervolume_curves(several_fronts, looks)]
    plates += [landscape_figure(contest, landscape(), evaluated(contest), looks)]
    seen = 0
    for plate in plates:
        for line in (line for axes in plate.figure.axes for line in axes.lines):
            if look := looks.get(line.get_label()):
                assert line.get_color() == look.colour
                assert line.get_marker() == look.marker
                solid = line.get_linestyle() == "-"
                assert solid == (not look.dash)
                seen += 1
    assert seen == 7 * 3 + 7 * 2 + 2 * 2 + 7
    dots = [
        line.get_color()
        for line in plates[3].figure.axes[0].lines
        if line.get_label() == "runs"
    ]
    assert dots == [looks[line.standing.label].colour for line in contest.lines]


def test_one_label_on_two_backends_has_two_names_and_two_looks():
    table = [*searches("a"), *searches("a", backend="surrogate")]
    contest = contest_of(table)
    drawn = error_curves(contest, styles([contest])).figure
    first, second = drawn.axes[0].lines
    assert first.get_label() != second.get_label()
    assert first.get_marker() != second.get_marker()


# On paper


def visible(figure):
    """Every text that is drawn, with its place on the page."""
    ticks = {}
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                for label in (tick.label1, tick.label2):
                    shown = low <= tick.get_loc() <= high
                    ticks[label] = shown and axes.get_visible() and axis.get_visible()
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip() and ticks.get(text, True):
            yield text, text.get_window_extent()


def assert_readable(plate):
    figure = plate.figure
    with printing():
        lay_out(figure)
        figure.draw_without_rendering()
        texts = list(visible(figure))
        legends = [legend.get_window_extent() for legend in figure.legends]
        axes = [a.get_window_extent() for a in figure.axes]
    page = figure.bbox
    for text, box in texts:
        words = (plate.title, text.get_text())
        assert text.get_fontsize() >= 7, words
        assert box.x0 >= page.x0 - 1, words
        assert box.x1 <= page.x1 + 1, words
        assert box.y0 >= page.y0 - 1, words
        assert box.y1 <= page.y1 + 1, words
    for (one, a), (other, b) in combinations(texts, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        up = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across < 1 or up < 1.5, (plate.title, one.get_text(), other.get_text())
    for legend in legends:
        assert not any(legend.overlaps(a) for a in axes), plate.title
    assert not any(a.get_legend() for a in figure.axes)
    assert figure.get_figwidth() in (3.4, 7.0)
    assert axes[0].height > 20
    assert axes[0].width > 0.35 * figure.bbox.width / len(axes)


def every_plate(contest, looks, ground):
    yield from (make(contest, looks) for make in PLATES.values())
    yield over_tasks([contest, replace(contest, benchmark="toy/b")], looks)
    yield landscape_figure(contest, ground, evaluated(contest), looks)


CASES = {
    "one strategy": lambda: contest_of(searches("a")),
    "one seed": lambda: several(3, seeds=1),
    "one run": lambda: contest_of(searches("a", seeds=1)),
    "twelve": lambda: several(12, seeds=20),
    "thirty": lambda: several(30, seeds=5),
    "identical": lambda: contest_of(*(searches("a", settings=f"n={n}") for n in "123")),
    "hostile": lambda: contest_of(
        searches("long" * 30, settings="x" * 90),
        *(searches(f"s{n}", settings=name) for n, name in enumerate(HOSTILE)),
        searches(BASELINE),
    ),
    "hostile benchmark": lambda: contest_of(
        *(searches(s, benchmark="b/" + "W" * 90, rules="$x$ " * 60) for s in "ab")
    ),
    "one step": lambda: contest_of(*([next(iter(searches(s)))] for s in "ab")),
    "wide": lambda: contest_of(
        *(searches(s) for s in "ab"),
        plain(list(searches("c", seeds=1))[:1], cost=1e9, reported_error=1e-5),
    ),
    "diverged": lambda: contest_of(
        searches("a"), plain(searches("b"), reported_error=math.inf, regret=math.inf)
    ),
    "nothing": lambda: contest_of(searches("a"), [nothing("b", n) for n in range(4)]),
}


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_cut_nor_lies_over_anything_else(case):
    contest = CASES[case]()
    drawn = 0
    for plate in every_plate(contest, styles([contest]), landscape()):
        if plate.figure is None:
            assert plate.caption.startswith("Not drawn: ")
        else:
            assert_readable(plate)
            drawn += 1
    assert drawn >= 4


def test_fronts_are_readable_too():
    names = ("a", "b" * 70, BASELINE, *(f"s{n}" for n in range(9)))
    looks = styles([], names)
    for objectives in (("error", "latency"), ("error", "latency", "params")):
        contest = front_contest(objectives, names)
        assert_readable(front_figure(contest, looks))
        assert_readable(hypervolume_curves(contest, looks))


def test_curves_that_are_not_recorded_are_said_to_be():
    finals = [row for row in searches("a") if row.reported_error < 0.3]
    last = {row.seed: row for row in searches("a")}.values()
    assert finals
    contest = contest_of(last)
    for make in (error_curves, regret_curves, rank_curves):
        plate = make(contest, styles([contest]))
        assert plate.figure is None
        assert plate.caption == "Not drawn: curves are not recorded."
    both = contest_of(last, searches("b"))
    plate = error_curves(both, styles([both]))
    assert "Curves are not recorded of a." in plate.caption
    assert [line.get_label() for line in plate.figure.axes[0].lines] == ["b"]


def test_unknown_regret_is_said_to_be():
    contest = contest_of(plain(searches("a"), regret=math.nan))
    plate = regret_curves(contest, styles([contest]))
    assert plate.figure is None
    assert plate.caption == "Not drawn: regret is not known of every run."
    assert error_curves(contest, styles([contest])).figure is not None


# Files


@pytest.fixture(scope="module")
def albums(tmp_path_factory):
    """The same report, drawn twice."""
    names = list(enumerate(HOSTILE[:5]))
    found = contests(
        row
        for task in ("toy/a", "toy/b")
        for n, name in names
        for row in searches(f"s{n}", settings=name, benchmark=task, seeds=3)
    )
    facts = Dossier(landscapes={"toy/a": landscape()}, evaluated=evaluated(found[0]))
    folders = [tmp_path_factory.mktemp("album") for _ in range(2)]
    return [draw(found, facts, folder, [front_contest()]) for folder in folders]


def test_an_album_has_every_figure_once_and_the_same_bytes_each_time(albums):
    first, again = albums
    assert len({drawn.name for drawn in first}) == len(first) == 3 + 2 * 6 + 2
    assert [d[:3] for d in first] == [d[:3] for d in again]
    for one, other in zip(first, again, strict=True):
        assert [file.name for file in one.files] == [file.name for file in other.files]
        for file, same in zip(one.files, other.files, strict=True):
            assert file.read_bytes() == same.read_bytes()
            assert file.stat().st_size < 300_000
    missing = [drawn.caption for drawn in first if not drawn.files]
    assert "Not drawn: the landscape is not known." in missing
    (regret,) = (text for text in missing if "regret" in text)
    assert "toy/a, trials=2: random_search has no final regret" in regret
    assert len(missing) == 2
    written = {file for drawn in first for file in drawn.files}
    assert written == set(first[0].files[0].parent.iterdir())


def test_an_svg_has_no_date_no_script_and_no_address_outside(albums):
    for file in (drawn.files[0] for drawn in albums[0] if drawn.files):
        nodes = list(ElementTree.fromstring(file.read_text(encoding="utf-8")).iter())
        tags = {node.tag.split("}")[-1] for node in nodes}
        assert "path" in tags
        assert not tags & {"script", "text", "date", "foreignObject"}
        links = [
            value
            for node in nodes
            for key, value in node.attrib.items()
            if key.endswith("href")
        ]
        assert links
        assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)


def test_captions_show_what_is_drawn_and_say_what_is_not(albums):
    text = captions(albums[0], "figures/")
    assert not re.search(r"(?<!\\)[<_]", text)
    assert r"\<script\>" in text
    for drawn in albums[0]:
        assert (f"](figures/{drawn.name}.svg)" in text) == bool(drawn.files)
    assert text.count("## ") == len(albums[0])


def test_no_name_is_read_as_a_formula():
    contest = contest_of(
        *(searches(f"s{n}", settings=name) for n, name in enumerate(HOSTILE[:3]))
    )
    looks = styles([contest])
    for make in PLATES.values():
        figure = make(contest, looks).figure
        with printing():  # ticks are made when they are needed
            texts = figure.findobj(Text)
        assert len(texts) > 3
        assert not any(text.get_parse_math() for text in texts)


def test_a_user_s_settings_of_matplotlib_neither_matter_nor_change(tmp_path):
    contest = several(2)
    looks = styles([contest])
    plain_files = save(error_curves(contest, looks), tmp_path / "plain")
    with mpl.rc_context({"text.usetex": True, "font.size": 30, "svg.hashsalt": "x"}):
        before = dict(mpl.rcParams)
        files = save(error_curves(contest, looks), tmp_path / "theirs")
        assert dict(mpl.rcParams) == before
    for file, other in zip(plain_files, files, strict=True):
        assert file.read_bytes() == other.read_bytes()


def test_no_report_is_no_figure_and_a_folder_that_is_a_file_is_an_error(tmp_path):
    assert draw([], Dossier(), tmp_path) == []
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        draw([several(1)], Dossier(), tmp_path / "file")


def test_colours_cost_no_matplotlib():
    code = (
        "import sys, benchsuite.report.palette, benchsuite.report.facts\n"
        "sys.exit('matplotlib' in sys.modules)"
    )
    assert not subprocess.run([sys.executable, "-c", code], check=False).returncode
