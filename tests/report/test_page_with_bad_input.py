"""The page in Chromium: hostile texts, and reports that lack something."""

import math
from dataclasses import replace
from urllib.parse import quote

import pytest

from benchsuite.report import tables
from benchsuite.report.facts import (
    ArchitectureFacts,
    Dossier,
    Drawing,
    Origin,
    StrategyFacts,
)
from benchsuite.report.leaderboard import Contest, Line, contests
from benchsuite.report.page import page
from tests.report.browser import (
    MISSING,
    cells,
    clipboard,
    open_first,
    standings,
)
from tests.report.samples import report, run, table
from tests.report.test_leaderboard import nothing, runs

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "\"'><svg onload=alert(1)>",
    "{{ 7*7 }}${7*7}{% raw %}",
    '=HYPERLINK("http://example.org/")',
    "\u202egnp.exe",
    "javascript:alert(1)",
    "<!--",
    "<iframe src=http://example.org/></iframe>",
    "<a href=javascript:alert(1)>x</a>",
    "<style>@import 'http://example.org/'</style>",
    "%s&lt;b&gt;\\u003cb\\u003e",
]
NAMES = ["benchmark", "rules", "reports", "strategy"]


def hostile(text, number):
    """A contest all of whose texts are one text, past what constructors refuse."""
    rows = [row for seed in range(2) for row in run(f"toy/{number}", "a", seed)]
    (contest,) = contests(rows)
    names = [*NAMES, "table", "backend", "settings"]
    for row in rows:
        for name in (*names, "source", "arch", "metrics"):
            object.__setattr__(row, name, text)
    (line,) = contest.lines
    standing = replace(line.standing, group=text, **dict.fromkeys(names, text))
    return Contest(text, text, text, text, [Line(standing, line.runs)])


def hostile_report():
    found = [hostile(text, number) for number, text in enumerate(HOSTILE)]
    facts = {text: hostile_architecture(text) for text in HOSTILE}
    texts = {line.row: line.strategy for line in standings(found)}
    return found, Dossier(
        strategies={
            row: StrategyFacts(text, {text: text}, text, text)
            for row, text in texts.items()
        },
        architectures={text: {text: facts[text]} for text in HOSTILE},
        origins={
            row: Origin(text, {text: text}, {text: text}) for row, text in texts.items()
        },
        failures=HOSTILE,
    )


def hostile_architecture(text):
    cell = Drawing(text, (text, text), [(0, 1, text)])
    return ArchitectureFacts([cell], {text: text}, [(0, 1, 0.1, 2.0)])


def test_hostile_texts_are_shown_in_the_table_as_they_are(visit):
    found, dossier = hostile_report()
    tab = visit((found, dossier))
    tab.click("#menu-column summary")
    for name in ("settings", "rules", "table", "reports", "backend"):
        tab.check(f'#menu-column input[value="{name}"]')
    tab.keyboard.press("Escape")
    tab.click("#find")
    for name in [*NAMES, "table", "settings", "group"]:
        cell = f'#board .tabulator-cell[tabulator-field="{name}"]'
        assert sorted(tab.locator(cell).all_text_contents()) == sorted(HOSTILE)
    assert tab.text_content("#failures pre") == "\n".join(HOSTILE)
    for name in ("benchmark", "strategy"):
        tab.click(f"#menu-{name} summary")
        tab.wait_for_selector(f"#menu-{name} label")
        labels = tab.locator(f"#menu-{name} label").all_text_contents()
        for text in HOSTILE:
            assert any(text in label for label in labels)
        tab.keyboard.press("Escape")
    for text in HOSTILE:
        tab.fill("#find", text.split()[0])
        assert text in tab.locator("#board .named a").all_text_contents()


@pytest.mark.parametrize("form", ["csv", "latex"])
def test_hostile_texts_are_copied_neutralised(visit, form):
    found, dossier = hostile_report()
    tab = visit((found, dossier))
    tab.click(f"#copy-{form}")
    tab.wait_for_selector(".said:not(:empty)")
    if form == "csv":
        assert sorted(clipboard(tab).splitlines()) == sorted(
            tables.as_csv(standings(found)).splitlines()
        )
    else:
        for text in HOSTILE:
            assert tables.escape_latex(text) in clipboard(tab)


def test_hostile_texts_are_shown_in_views_as_they_are(visit):
    found, dossier = hostile_report()
    tab = visit((found, dossier))
    body = tab.locator("#view-body")
    for line in standings(found):
        text = line.strategy
        tab.goto(f"{tab.url.split('#')[0]}#row={line.row}")
        tab.wait_for_selector("#runs .tabulator-row")
        assert tab.text_content("#view-title").strip() == line.label
        assert body.text_content().count(text) >= 12
        assert tab.text_content(".command pre") == text
        assert body.locator("a[target=_blank]").count() == 0
        tab.locator("#runs .mono").first.click()
        assert tab.text_content("#view-title") == text
        assert tab.locator(".cell text").all_text_contents() == [text] * 3
        assert tab.text_content("figcaption") == text


def test_hostile_texts_in_the_address_are_only_text(visit):
    words = "&".join(
        f"{name}={quote(text)}"
        for name in ("find", "sort", "budget", "figure", "contest", "row", "theme")
        for text in HOSTILE
    )
    tab = visit(report(), f"#{words}")
    assert tab.input_value("#find") == HOSTILE[0]
    assert tab.inner_text("#count") == "0 of 6 lines"


def test_hostile_texts_are_drawn_in_charts(visit):
    found, dossier = hostile_report()
    tab = visit((found, dossier))
    names = tab.locator("#contest option").all_text_contents()
    for text, name in zip(HOSTILE, names, strict=True):
        assert " ".join(f"{text}, {text}".split()) == " ".join(name.split())
        tab.select_option("#contest", index=HOSTILE.index(text))
        tab.hover("#chart .u-over")
        legend = tab.text_content("#legend tbody th")
        assert legend.strip() == f"{text}[{text}]"


def test_the_policy_stops_what_got_in_all_the_same(chromium, tmp_path):
    """Were a text not escaped, it would still neither run nor load anything."""
    inside = (
        "<script>document.title = 'run'</script>"
        "<img src=http://example.org/ onerror=\"document.title = 'run'\">"
        "<img src=data:, onerror=\"document.title = 'run'\">"
        "<iframe src=http://example.org/></iframe><base href=http://example.org/>"
        "<b style='color: red' id=red>x</b><form action=http://example.org/></form>"
    )
    text = page(*report(), title="Title").replace("<main>", f"<main>{inside}")
    (tmp_path / "index.html").write_text(text)
    tab = chromium.new_page()
    answered, stopped = [], []
    tab.on("requestfinished", lambda request: answered.append(request.url))
    tab.on("requestfailed", lambda request: stopped.append(request.failure))
    tab.goto((tmp_path / "index.html").as_uri())
    tab.wait_for_selector("html[data-ready]")
    assert tab.title() == "Title"
    assert tab.locator("#board .tabulator-row").count() == 6
    plain, red = tab.locator("main, #red").evaluate_all(
        "all => all.map(e => getComputedStyle(e).color)"
    )
    assert plain == red
    tab.evaluate("document.querySelector('form').submit()")
    tab.wait_for_timeout(200)
    assert {url.split(":")[0] for url in answered} <= {"file", "data"}
    assert set(stopped) == {"csp"}
    tab.close()


PAPERS = {
    "https://arxiv.org/abs/1": ["https://arxiv.org/abs/1"],
    'A, "B". http://a.b/c. And http://d.e/.': ["http://a.b/c", "http://d.e/"],
    "javascript:alert(1)//https://a.b": [],
    "data:text/html,<script>alert(1)</script>": [],
    " JaVaScRiPt:alert(1)": [],
    "https:alert(1)": [],
    "file:///etc/passwd": [],
    "": [],
}


def test_only_addresses_of_the_web_become_links(visit):
    names = [f"s{number}" for number in range(len(PAPERS))]
    found, _ = report(benchmarks=("toy/one",), strategies=names, seeds=1)
    lines = sorted(standings(found), key=lambda line: line.strategy)
    papers = {line.row: text for line, text in zip(lines, PAPERS, strict=True)}
    facts = {row: StrategyFacts(paper=text) for row, text in papers.items()}
    tab = visit((found, Dossier(strategies=facts)))
    for row, text in papers.items():
        tab.goto(f"{tab.url.split('#')[0]}#row={row}")
        made = tab.locator("#view-body a[target=_blank]")
        links = made.evaluate_all("all => all.map(a => a.getAttribute('href'))")
        assert links == PAPERS[text]
        assert text in tab.text_content("#view-body")


def test_an_empty_report_says_so(visit):
    tab = visit(([], Dossier()))
    assert tab.inner_text("#count") == "0 lines"
    assert "Nothing to show" in tab.inner_text("#board")
    assert "No curves are recorded" in tab.inner_text("#curves")
    tab.click("#copy-csv")


def test_one_run_is_a_report(visit):
    found = contests(run("toy/one", "a", 0))
    tab = visit((found, Dossier()))
    assert tab.inner_text("#count") == "1 line"
    assert cells(tab, "error_std") == [MISSING]
    assert tab.locator("#legend tbody tr").count() == 1
    open_first(tab)
    assert "1 run" in tab.inner_text("#view-body")


def test_one_run_of_one_step_is_a_report(visit):
    found = contests(run("toy/one", "a", 0, steps=1))
    tab = visit((found, Dossier()))
    tab.click("#show-regret")
    assert tab.locator("#legend tbody tr").count() == 1


def test_a_strategy_may_be_missing_on_a_task(visit):
    rows = [
        *table(benchmarks=("toy/one",)),
        *table(benchmarks=("toy/two",), strategies=("a",)),
    ]
    tab = visit((contests(rows), Dossier()))
    assert cells(tab, "benchmark").count("toy/two") == 1
    tab.click("#menu-strategy summary")
    tab.check('#menu-strategy input[value="b"]')
    assert cells(tab, "benchmark") == ["toy/one"]
    two = tab.locator("#contest option", has_text="toy/two").get_attribute("value")
    tab.select_option("#contest", two)
    assert "Nothing of what is chosen" in tab.inner_text("#curve-note")


def test_without_curves_there_is_no_budget(visit):
    finals = [row for row in table() if row.step == 3]
    tab = visit((contests(finals), Dossier()))
    assert tab.locator("#budget input").count() == 0
    assert "No curves are recorded" in tab.inner_text("#budget")
    open_first(tab)
    assert "8 runs" in tab.inner_text("#view-body")


def test_runs_that_found_nothing_or_diverged_are_told(visit):
    rows = [*runs("a", [0.1, math.inf]), *runs("b", [0.1]), nothing("b", 1)]
    found = contests(rows)
    tab = visit((found, Dossier()), f"#row={found[0].lines[0].standing.row}")
    assert cells(tab, "reported_error", "#runs") == ["0.10000", "∞"]
    tab.keyboard.press("Escape")
    tab.locator("#board .named a", has_text="b").click()
    assert cells(tab, "arch", "#runs") == ["x", MISSING]
    assert cells(tab, "cost", "#runs")[1] == "1"
    assert cells(tab, "regret", "#runs")[1] == MISSING


def test_a_line_without_a_mean_has_an_empty_chart(visit):
    rows = [*runs("a", [0.1, 0.2]), *runs("b", [0.1]), nothing("b", 1)]
    tab = visit((contests(rows), Dossier()), "#strategy=b")
    for name in ("error", "regret"):
        tab.click(f"#show-{name}")
        tab.hover("#chart .u-over")
        assert tab.inner_text("#legend td:first-of-type") == MISSING
