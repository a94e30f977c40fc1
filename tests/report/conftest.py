"""What tests of reports share: Chromium, in which a page is opened from disk."""

import shutil

import pytest

from benchsuite.report.page import page

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) =>
  violations.push(`${event.violatedDirective} ${event.blockedURI}`));
window.parsedLengths = [];
const parse = JSON.parse;
JSON.parse = (text) => {
  parsedLengths.push(text.length);
  return parse(text);
};
"""


@pytest.fixture(scope="module")
def chromium():
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if (found := shutil.which(name))), None)
    sync_api = pytest.importorskip("playwright.sync_api")
    if path is None:
        pytest.skip("no Chromium on PATH: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, tmp_path):
    """Open a report, or the one before; at the end, nothing went wrong or out.

    That is: no request but for the page itself was made, no script failed, nothing
    violated the policy, and no dialog of the browser came up.
    """
    troubles, contexts = [], []

    def open_page(given=None, view="", *, width=1200, height=900, dark=False):
        file = tmp_path / "index.html"
        if given is not None:
            file.write_text(page(*given), encoding="utf-8")
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            permissions=["clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        context.add_init_script(WATCH)
        context.set_default_timeout(10_000)
        tab = context.new_page()
        home = file.as_uri()
        tab.on(
            "request",
            lambda request: (
                request.url.split("#")[0] in (home, "data:,")
                or troubles.append(f"request of {request.url}")
            ),
        )
        tab.on("console", lambda message: troubles.append(message.text))
        tab.on("pageerror", lambda error: troubles.append(str(error)))
        tab.on("dialog", lambda dialog: troubles.append(dialog.message))
        tab.on("popup", lambda popup: troubles.append(popup.url))
        tab.goto(home + view)
        tab.wait_for_selector("html[data-ready]")
        return tab

    yield open_page
    for context in contexts:
        for tab in context.pages:
            troubles += tab.evaluate("window.violations")
        context.close()
    assert not troubles
