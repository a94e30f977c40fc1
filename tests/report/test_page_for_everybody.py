"""The page in Chromium: by keyboard, on a phone, in light and dark."""

import pytest

from tests.report.browser import open_first, standings
from tests.report.samples import CELLS, report


def test_the_keyboard_is_enough(visit):
    found, dossier = report()
    tab = visit((found, dossier))
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "board"
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", " "):
        tab.keyboard.press(key)
    current = tab.locator("#board .tabulator-row.current")
    assert current.count() == 1
    assert tab.get_attribute(
        "#board", "aria-activedescendant"
    ) == current.get_attribute("id")
    assert current.locator(".named").inner_text() == standings(found)[1].strategy
    assert "1 selected line" in tab.inner_text("#tools")
    marked = current.locator(".tabulator-cell").first
    assert "inset" in marked.evaluate("e => getComputedStyle(e).boxShadow")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#runs .tabulator-row")
    assert tab.inner_text("#view-title").strip() == standings(found)[1].label
    assert tab.get_attribute("#view", "aria-labelledby") == "view-title"
    for _ in range(40):  # the focus stays in the dialog, or goes to the browser
        tab.keyboard.press("Tab")
        assert tab.evaluate(
            """() => document.activeElement === document.body
              || document.getElementById("view").contains(document.activeElement)"""
        )
    tab.focus("#runs")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    assert tab.inner_text("#view-title") in CELLS
    tab.keyboard.press("Escape")
    assert not tab.is_visible("#view")
    assert tab.evaluate("document.activeElement.id") == "board"
    tab.focus('#board .tabulator-col[tabulator-field="error_mean"] .sorter')
    tab.keyboard.press("Enter")
    head = tab.locator('#board .tabulator-col[tabulator-field="error_mean"]')
    assert head.get_attribute("aria-sort") == "ascending"


def test_every_control_has_a_name(visit):
    tab = visit(report())
    open_first(tab)
    bare = tab.evaluate(
        """() => [...document.querySelectorAll("button, input, select, a, summary")]
          .filter(e => !(e.getAttribute("aria-label") || e.textContent.trim()
                         || e.labels?.length))
          .map(e => e.outerHTML)"""
    )
    assert bare == []
    counts = "[...document.querySelectorAll('[role=status]')].map(e => e.ariaLive)"
    assert tab.evaluate(counts) == ["polite"] * 3


def test_a_phone_shows_it_without_scrolling_sideways(visit):
    found, dossier = report()
    tab = visit((found, dossier), width=360, height=700)
    wide = "[document.documentElement.scrollWidth, document.body.scrollWidth]"
    assert tab.evaluate(wide) == [360, 360]
    for name in ("benchmark", "strategy", "column"):
        tab.click(f"#menu-{name} summary")
        box = tab.locator(f"#menu-{name} .list").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
        tab.keyboard.press("Escape")
    open_first(tab)
    inner = "(e => e.scrollWidth - e.clientWidth)(document.getElementById('view-body'))"
    assert tab.evaluate(wide) == [360, 360]
    assert tab.evaluate(inner) <= 0
    tab.locator("#runs .mono").first.click()
    assert tab.evaluate(inner) <= 0
    box = tab.locator("#close").bounding_box()
    assert box["x"] + box["width"] <= 360
    assert box["height"] >= 24  # WCAG 2.2, criterion 2.5.8


def luminance(colour):
    """Relative luminance of "rgb(r, g, b)" (WCAG 2.1)."""
    parts = [float(part) / 255 for part in colour[4:-1].split(",")[:3]]
    linear = [
        p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(tab, path):
    """Contrast of a text to what lies under it."""
    ink, ground = tab.evaluate(
        """(path) => {
          let e = document.querySelector(path);
          const ink = getComputedStyle(e).color;
          const ground = () => getComputedStyle(e).backgroundColor;
          while (ground() === "rgba(0, 0, 0, 0)") e = e.parentElement;
          return [ink, ground()];
        }""",
        path,
    )
    light, dark = sorted([luminance(ink), luminance(ground)], reverse=True)
    return (light + 0.05) / (dark + 0.05)


PLACES = (
    "h1",
    "#count",
    "#board .sorter",
    "#board .tabulator-cell span",
    "#board .named a",
)


@pytest.mark.parametrize("dark", [False, True])
def test_light_and_dark_can_be_read(visit, dark):
    """Contrast is at least 4.5, as WCAG 2.1, criterion 1.4.3, asks of text."""
    tab = visit(report(), dark=dark)
    for theme in ("", "dark", "light"):
        tab.goto(f"{tab.url.split('#')[0]}#theme={theme}")
        ground = luminance(
            tab.evaluate("getComputedStyle(document.body).backgroundColor")
        )
        assert (ground < 0.1) == (theme == "dark" or (dark and not theme))
        for path in PLACES:
            assert contrast(tab, path) >= 4.5, path
        strokes = tab.locator("#legend .swatch line").evaluate_all(
            "all => all.map(e => getComputedStyle(e).stroke)"
        )
        assert len(strokes) == 3
        for stroke in strokes:  # 3 of graphics
            low, high = sorted([luminance(stroke), ground])
            assert (high + 0.05) / (low + 0.05) >= 3


def test_the_theme_is_kept_in_the_address(visit):
    tab = visit(report())
    for word in ("light", "dark", "auto"):
        tab.click("#theme")
        assert tab.inner_text("#theme") == f"Theme: {word}"
        assert (f"theme={word}" in tab.url) == (word != "auto")
