"""The page in Chromium: what a person does with a report."""

import math
from dataclasses import replace

import numpy as np
import pytest

from benchsuite.report import anytime, statistics, tables
from benchsuite.report.facts import (
    Dossier,
)
from benchsuite.report.leaderboard import contests
from benchsuite.results import round_to_six
from tests.report.browser import (
    MISSING,
    cells,
    clipboard,
    full,
    open_first,
    sort,
    standings,
)
from tests.report.samples import BEST, DRAWING, large, report, run, table
from tests.report.test_leaderboard import nothing


def test_loads(visit):
    found, dossier = report()
    tab = visit((found, dossier))
    assert cells(tab, "strategy") == [line.strategy for line in standings(found)]
    assert tab.inner_text("#count") == "6 lines"
    assert "rules trials=2" in tab.inner_text("#common")  # the same everywhere
    assert tab.locator("#chart canvas").count() == 1
    assert tab.locator("#legend tbody tr").count() == 3


def test_what_is_copied_is_the_csv(visit):
    found, dossier = report()
    tab = visit((found, dossier))
    tab.click("#copy-csv")
    tab.wait_for_selector(".said:not(:empty)")
    assert clipboard(tab) == tables.as_csv(standings(found))


def test_what_is_shown_is_the_csv(visit):
    found, dossier = report()
    tab = visit((found, dossier))
    for field in ("error_mean", "error_low", "error_high", "error_std", "regret_mean"):
        expected = [round_to_six(getattr(line, field)) for line in standings(found)]
        assert full(tab, field) == expected
        assert cells(tab, field) == [f"{value:.5f}" for value in expected]


def test_one_figure_is_copied_with_all_digits(visit):
    found, dossier = report()
    tab = visit((found, dossier))
    tab.evaluate(
        """() => getSelection().selectAllChildren(document.querySelector(
             '#board .tabulator-cell[tabulator-field="error_mean"] [data-full]'))"""
    )
    tab.keyboard.press("Control+C")
    assert clipboard(tab) == f"{standings(found)[0].error_mean:.6g}"


def test_sorts_with_what_is_missing_last_in_either_direction(visit):
    rows = [*table(benchmarks=("toy/one",)), *run("toy/one", "d", 0)]
    rows += [replace(nothing("e", 0), benchmark="toy/one")]
    found = contests(rows)
    tab = visit((found, Dossier()))
    means = [line.error_mean for line in standings(found)]
    assert math.isnan(means[-1])
    known = sorted(means[:-1])
    head = tab.locator('#board .tabulator-col[tabulator-field="error_mean"]')
    for order, word in ((1, "ascending"), (-1, "descending")):
        sort(tab, "error_mean")
        assert head.get_attribute("aria-sort") == word
        shown = full(tab, "error_mean")
        assert shown[:-1] == [round_to_six(value) for value in known[::order]]
        assert cells(tab, "error_mean")[-1] == MISSING
    assert "sort=error_mean:desc" in tab.url
    for order in (1, -1):  # deviations are missing of one run, too
        sort(tab, "error_std")
        assert cells(tab, "error_std")[-2:] == [MISSING, MISSING]
        assert full(tab, "error_std")[:3] == sorted(full(tab, "error_std")[:3])[::order]


def test_filters_by_words_and_by_conditions(visit):
    found, dossier = report()
    tab = visit((found, dossier))
    tab.fill("#find", "TWO strategy=a")
    assert tab.inner_text("#count") == "1 of 6 lines"
    assert cells(tab, "benchmark") == ["toy/two"]
    limit = sorted(line.error_mean for line in standings(found))[2]
    tab.fill("#find", f"error_mean<{limit}")
    assert len(cells(tab, "strategy")) == 2
    tab.fill("#find", f"error_mean<={limit:.6g} strategy=b")
    expected = [
        line
        for line in standings(found)
        if line.error_mean <= limit and line.strategy == "b"
    ]
    assert len(cells(tab, "strategy")) == len(expected)
    tab.fill("#find", "nowhere")
    assert tab.inner_text("#count") == "0 of 6 lines"
    assert tab.is_visible(".tabulator-placeholder")
    assert "Nothing of what is chosen" in tab.inner_text("#curve-note")
    tab.fill("#find", "")
    assert tab.inner_text("#count") == "6 lines"


def test_benchmarks_and_strategies_are_chosen_from_menus(visit):
    tab = visit(report())
    tab.click("#menu-benchmark summary")
    tab.check('#menu-benchmark input[value="toy/two"]')
    assert set(cells(tab, "benchmark")) == {"toy/two"}
    assert tab.inner_text("#menu-benchmark summary") == "1 of 2 benchmarks"
    tab.keyboard.press("Escape")
    assert not tab.is_visible("#menu-benchmark .list")
    tab.click("#menu-strategy summary")
    tab.check('#menu-strategy input[value="a"]')
    tab.check('#menu-strategy input[value="c"]')
    assert set(cells(tab, "strategy")) == {"a", "c"}
    assert tab.locator("#legend tbody tr").count() == 2
    tab.click("#menu-strategy button")
    assert len(cells(tab, "strategy")) == 3
    tab.click("h1")
    assert not tab.is_visible("#menu-strategy .list")


def test_columns_are_chosen_from_a_menu(visit):
    tab = visit(report())
    assert tab.is_hidden('.tabulator-col[tabulator-field="rules"]')
    tab.click("#menu-column summary")
    tab.check('#menu-column input[value="rules"]')
    tab.uncheck('#menu-column input[value="error_std"]')
    assert set(cells(tab, "rules")) == {"trials=2"}
    assert tab.is_hidden('.tabulator-col[tabulator-field="error_std"]')
    assert tab.is_visible('.tabulator-col[tabulator-field="error_mean"]')


def test_errors_at_a_budget_are_those_of_the_curves(visit):
    """Checked at moments between steps, before the first ones, and after the last."""
    found, dossier = report()
    tab = visit((found, dossier))
    first, last = (
        end(line.runs[0][0].cost for c in found for line in c.lines)
        for end in (min, max)
    )
    for seconds in (first / 2, 300.0, 401.5, 512.25, 777.0, 10 * last):
        tab.fill("#seconds", str(seconds))
        tab.keyboard.press("Enter")
        expected = [
            statistics.means(
                anytime.values(line.runs, np.array([seconds]), anytime.reported_error)
            )[0]
            for contest in found
            for line in contest.lines
        ]
        np.testing.assert_allclose(full(tab, "error_at_budget"), expected, rtol=5e-6)
    ends = [line.error_mean for line in standings(found)]
    np.testing.assert_allclose(full(tab, "error_at_budget"), ends, rtol=5e-6)
    tab.fill("#seconds", "")
    tab.keyboard.press("Enter")
    assert tab.is_hidden('.tabulator-col[tabulator-field="error_at_budget"]')


def test_a_slider_sets_the_budget(visit):
    found, dossier = report()
    tab = visit((found, dossier))
    sort(tab, "error_mean")
    slider = tab.locator("#budget input[type=range]")
    slider.fill("300")
    slider.press("ArrowRight")
    seconds = float(tab.input_value("#seconds"))
    assert f"budget={seconds:.6g}" in tab.url
    sort(tab, "error_at_budget")
    shown = full(tab, "error_at_budget")
    assert shown == sorted(shown)
    slider.press("End")
    assert tab.input_value("#seconds") == ""


def moment(caption):
    """Seconds that the legend names."""
    return float(caption.removeprefix("At ").removesuffix(" s").replace(",", ""))


def test_hovering_tells_every_curve_at_that_time(visit):
    found, dossier = report()
    tab = visit((found, dossier))
    for name, read in (("error", anytime.reported_error), ("regret", anytime.regret)):
        tab.click(f"#show-{name}")
        tab.hover("#chart .u-over", position={"x": 400, "y": 100})
        seconds = moment(tab.inner_text("#legend caption"))
        times = anytime.moments(found[0])
        at = np.abs(times - seconds).argmin()
        assert times[at] == pytest.approx(seconds, rel=0.01)
        rows = tab.locator("#legend tbody tr").all_inner_texts()
        for line, text in zip(found[0].lines, rows, strict=True):
            mean, low, high = anytime.band(anytime.values(line.runs, times, read))
            label, *figures = text.split()
            assert label == line.standing.label
            figures.remove("to")
            expected = [mean[at], low[at], high[at]]
            assert list(map(float, figures)) == pytest.approx(expected, abs=6e-6)


def test_curves_are_read_by_keys_too(visit):
    tab = visit(report())
    tab.focus("#chart")
    tab.keyboard.press("Home")
    first = tab.inner_text("#legend caption")
    tab.keyboard.press("ArrowRight")
    second = tab.inner_text("#legend caption")
    tab.keyboard.press("End")
    last = tab.inner_text("#legend caption")
    seconds = [moment(text) for text in (first, second, last)]
    assert seconds == sorted(set(seconds))
    tab.keyboard.press("Enter")
    assert float(tab.input_value("#seconds")) == pytest.approx(seconds[-1], rel=0.01)


def test_chosen_rows_are_copied(visit):
    found, dossier = report()
    tab = visit((found, dossier))
    tab.locator('#board .tabulator-cell[tabulator-field="benchmark"]').nth(1).click()
    assert "1 selected line" in tab.inner_text("#tools")
    assert tab.locator("#board .tabulator-row.tabulator-selected").count() == 1
    tab.click("#copy-csv")
    tab.wait_for_selector(".said:not(:empty)")
    assert clipboard(tab) == tables.as_csv(standings(found)[1:2])
    tab.click("#copy-latex")
    tab.wait_for_selector(".said:has-text('LaTeX')")
    line = standings(found)[1]
    assert clipboard(tab).splitlines()[1] == (
        f"{line.strategy} & toy/one & {100 * line.error_mean:.2f} $\\pm$"
        f" {100 * line.error_std:.2f} & [{100 * line.error_low:.2f},"
        f" {100 * line.error_high:.2f}] & {100 * line.regret_mean:.2f} & 8 \\\\"
    )


def test_a_line_opens(visit):
    found, dossier = report()
    tab = visit((found, dossier))
    open_first(tab)
    line = found[0].lines[0]
    assert tab.inner_text("#view-title").strip() == line.standing.label
    body = tab.inner_text("#view-body")
    for word in ("Tries things.", "some.module", "benchsuite run a", "x86", "8 runs"):
        assert word in body
    link = tab.locator("#view-body a[target=_blank]")
    assert link.get_attribute("href") == "https://example.org/paper"
    assert link.get_attribute("rel") == "noopener noreferrer"
    assert f"{line.standing.error_mean:.6g}" in body
    finals = [run[-1] for run in line.runs]
    for field in ("cost", "error", "reported_error", "regret"):
        assert full(tab, field, "#runs") == [getattr(row, field) for row in finals]
    assert cells(tab, "arch", "#runs") == [row.arch for row in finals]
    tab.click(".command button")
    tab.wait_for_selector(".said:not(:empty)")
    assert clipboard(tab) == "benchsuite run a --on toy/one"
    tab.click("text=Copy row as CSV")
    tab.wait_for_selector(".said:has-text('row')")
    assert clipboard(tab) == tables.as_csv([line.standing])


def test_an_architecture_opens(visit):
    found, dossier = report()
    tab = visit((found, dossier))
    open_first(tab)
    tab.locator("#runs .mono").first.click()
    arch = found[0].lines[0].runs[0][-1].arch
    assert tab.inner_text("#view-title") == arch
    assert tab.locator(".cell .vertex text").all_text_contents() == list(
        DRAWING.vertices
    )
    assert tab.locator(".cell path.arrow").count() == len(DRAWING.edges)
    told = sorted(tab.locator(".cell .operation text").all_text_contents())
    assert told == sorted(text for _, _, text in DRAWING.edges if text)
    boxes = [
        box.bounding_box()
        for box in tab.locator(".cell .vertex, .cell .operation").all()
    ]
    for k, one in enumerate(boxes):  # nothing covers anything
        for other in boxes[:k]:
            assert (
                one["x"] + one["width"] <= other["x"] + 1
                or other["x"] + other["width"] <= one["x"] + 1
                or one["y"] + one["height"] <= other["y"] + 1
                or other["y"] + other["height"] <= one["y"] + 1
            )
    body = tab.inner_text("#view-body")
    for word in ("1,000 weights", "777", "0.07000", "30.5", "0.08", "0.09"):
        assert word in body
    for line in found[0].lines:
        count = sum(run[-1].arch == arch for run in line.runs)
        if count:
            assert f"{line.standing.label}\t{count}\t8" in body
    tab.click(".back")
    assert tab.inner_text("#view-title").strip() == found[0].lines[0].standing.label


def test_links_lead_to_views_and_the_back_button_back(visit):
    found, dossier = report()
    tab = visit((found, dossier))
    tab.fill("#find", "one")
    sort(tab, "strategy")
    open_first(tab)
    tab.locator("#runs .mono").first.click()
    link, title = tab.url, tab.inner_text("#view-title")
    tab.go_back()
    assert tab.inner_text("#view-title").strip() == "a"
    tab.go_back()
    assert not tab.is_visible("#view")
    tab.go_back()
    head = tab.locator('#board .tabulator-col[tabulator-field="strategy"]')
    assert head.get_attribute("aria-sort") == "none"
    tab.go_forward()
    assert head.get_attribute("aria-sort") == "ascending"
    other = visit(None, link[link.index("#") :])
    assert other.inner_text("#view-title") == title
    assert other.input_value("#find") == "one"
    assert cells(other, "strategy") == ["a", "b", "c"]
    assert (
        other.locator(
            '#board .tabulator-col[tabulator-field="strategy"]'
        ).get_attribute("aria-sort")
        == "ascending"
    )


def test_a_link_to_nothing_shows_the_report(visit):
    view = "#row=nowhere&sort=none:up&contest=x&budget=-1&column=x&theme=x"
    tab = visit(report(), f"{view}&strategy=%3Cb%3E")
    assert not tab.is_visible("#view")
    assert tab.inner_text("#said") == "There is no such line in this report"
    assert tab.inner_text("#count") == "0 of 6 lines"


def test_regret_is_the_error_less_the_best(visit):
    found, dossier = report(benchmarks=("toy/one",))
    tab = visit((found, dossier))
    tab.hover("#chart .u-over", position={"x": 500, "y": 100})
    error = tab.locator("#legend td:first-of-type").all_inner_texts()
    tab.click("#show-regret")
    tab.focus("#chart")
    tab.hover("#chart .u-over", position={"x": 501, "y": 101})
    regret = tab.locator("#legend td:first-of-type").all_inner_texts()
    for one, other in zip(error, regret, strict=True):
        assert float(one) - float(other) == pytest.approx(BEST, abs=2e-5)


@pytest.fixture(scope="module")
def thousands():
    return large()


def test_a_large_leaderboard_keeps_few_rows_in_the_document(visit, thousands):
    """5,000 lines of 20,000 runs; times are printed by tests.bench.page."""
    tab = visit((thousands, Dossier()))
    assert tab.inner_text("#count") == "5,000 lines"
    assert tab.locator("#board .tabulator-row").count() < 100
    sort(tab, "error_mean")
    shown = full(tab, "error_mean")
    assert shown == sorted(shown)
    assert shown[0] == 0.05
    tab.focus("#board")
    tab.keyboard.press("End")
    assert tab.locator("#board .current .named").is_visible()
    assert tab.locator("#board .tabulator-row").count() < 200


def test_large_blocks_are_parsed_when_they_are_needed(visit, thousands):
    tab = visit((thousands, Dossier()))
    sizes = tab.evaluate(
        "[...document.querySelectorAll('script[type]')].map(e => e.textContent.length)"
    )
    assert sum(sizes) > 1e6
    assert tab.evaluate("parsedLengths") == [sizes[0]]  # the leaderboard
    open_first(tab)
    assert len(tab.evaluate("parsedLengths")) == 3  # facts and runs of one contest


def test_contests_are_told_apart_by_what_differs(visit):
    rows = [*table(("toy/one",)), *table(("toy/two",))]
    older = [replace(row, table="1" * 8) for row in table(("toy/two",))]
    tab = visit((contests([*rows, *older]), Dossier()))
    assert tab.locator("#contest option").all_inner_texts() == [
        "toy/one, trials=2",
        "toy/two, trials=2, test, 00000000",
        "toy/two, trials=2, test, 11111111",
    ]
    assert set(cells(tab, "table")) == {"0" * 8, "1" * 8}  # shown, since it differs
