"""What a large page costs in Chromium: `python -m tests.bench.page`.

5,000 lines of the leaderboard and 20,000 runs, opened from disk; the median of a few
times, in seconds of the page's own clock:

- load: from the start of navigation to a table that can be used;
- sort: from a click on the head of a column to the rows in their new order;
- filter: from a letter typed to the rows that are left;
- open: from a click on a line to its runs.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import shutil
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchsuite.report.facts import Dossier
from benchsuite.report.page import page
from tests.report.conftest import ARGUMENTS
from tests.report.samples import large

TIMES = 5
LOAD = """new Promise((done) => {
  const look = () => document.documentElement.hasAttribute("data-ready")
    ? done(performance.now() / 1000)
    : requestAnimationFrame(look);
  look();
})"""
ACT = """([path, what]) => new Promise((done) => {
  const start = performance.now();
  const target = document.querySelector(path);
  if (what === null) target.click();
  else {
    target.value = what;
    target.dispatchEvent(new Event("input"));
  }
  requestAnimationFrame(() => requestAnimationFrame(  // after what is painted
    () => done((performance.now() - start) / 1000)));
})"""


def sorter(field):
    return f'#board .tabulator-col[tabulator-field="{field}"] .sorter'


ACTS = {
    "sort by figures": (sorter("error_mean"), None),
    "sort by names": (sorter("strategy"), None),
    "filter": ("#find", "strategy_12"),
    "open": ("#board .named a", None),
}


def measure(browser, address):
    """Seconds of loading and of each act, once."""
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.goto(address, wait_until="commit")
    times = {"load": tab.evaluate(LOAD)}
    for name, act in ACTS.items():
        times[name] = tab.evaluate(ACT, list(act))
    times["rows in the document"] = tab.locator("#board .tabulator-row").count()
    tab.close()
    return times


def main():
    """Print what the page weighs and how long acts take."""
    contests = large()
    made = time.perf_counter()
    text = page(contests, Dossier())
    print(f"written in {time.perf_counter() - made:.2f} s, {len(text) / 1e6:.2f} MB")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "index.html"
        file.write_text(text, encoding="utf-8")
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=ARGUMENTS
        )
        found = [measure(browser, file.as_uri()) for _ in range(TIMES)]
        browser.close()
    for name in found[0]:
        print(f"{name}: {statistics.median(times[name] for times in found):.3g}")


if __name__ == "__main__":
    main()
