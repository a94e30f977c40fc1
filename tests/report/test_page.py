"""The page as text: its data, what is escaped, and what lies in it of others."""

import csv
import hashlib
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchsuite.report import anytime, statistics
from benchsuite.report import page as package
from benchsuite.report.facts import Dossier, StrategyFacts
from benchsuite.report.leaderboard import CANONICAL, contests
from benchsuite.report.page import blocks, page
from benchsuite.report.page.encoding import encode, figure
from benchsuite.results import write
from tests.report.samples import CELLS, report, table
from tests.report.test_leaderboard import nothing, runs

HERE = files(package)
HOSTILE = (
    "</script><script>alert(1)</script><!-- <img src=x onerror=alert(1)> {{ 7*7 }}"
)


class Tags(HTMLParser):
    """Every tag of a text with its attributes, and what stands in scripts."""

    def __init__(self, text):
        super().__init__()
        self.found, self.scripts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.found and self.found[-1][0] == "script":
            self.scripts[-1] += data


def data(text):
    """The blocks of a page: name -> what is in them."""
    tags = Tags(text)
    scripts = [attrs for tag, attrs in tags.found if tag == "script"]
    return {
        attrs["id"]: json.loads(content)
        for attrs, content in zip(scripts, tags.scripts, strict=True)
        if attrs.get("type") == "application/json"
    }


def test_figures_equal_those_of_the_csv(tmp_path):
    found, dossier = report()
    columns = data(page(found, dossier))["leaderboard"]["columns"]
    lines = [line.standing for contest in found for line in contest.lines]
    write(tmp_path / "leaderboard.csv", CANONICAL, lines)
    with (tmp_path / "leaderboard.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    for number, row in enumerate(rows):
        for name, cell in row.items():
            value = columns[name][number]
            if value is None:
                assert cell == "nan"
            elif name in ("seeds", "rank"):
                assert str(value) == cell
            elif isinstance(value, str):
                assert value == cell
            else:
                assert f"{value:.6g}" == cell
                assert float(cell) == value  # not a digit more


def test_runs_are_the_last_rows_of_the_table():
    rows = table()
    found = contests(rows)
    for contest in found:
        block = blocks.runs(contest)
        for line, columns in zip(contest.lines, block["lines"], strict=True):
            own = [
                row
                for row in rows
                if row.benchmark == contest.benchmark
                and row.strategy == line.standing.strategy
                and row.step == 3
            ]
            archs = [block["archs"][place] for place in columns["arch"]]
            assert columns["seed"] == [row.seed for row in own]
            assert columns["cost"] == [row.cost for row in own]
            assert columns["error"] == [row.error for row in own]
            assert columns["reported_error"] == [row.reported_error for row in own]
            assert columns["regret"] == [row.regret for row in own]
            assert archs == [row.arch for row in own]


def test_curves_are_means_and_intervals_over_seeds():
    (contest,) = contests(table(benchmarks=("toy/one",)))
    block = blocks.curves(contest)
    times = anytime.moments(contest)
    assert block["seconds"] == pytest.approx(times, rel=1e-5)
    for line, bands in zip(contest.lines, block["lines"], strict=True):
        for name, read in (
            ("error", anytime.reported_error),
            ("regret", anytime.regret),
        ):
            expected = anytime.band(anytime.values(line.runs, times, read))
            for told, part in zip(bands[name], expected, strict=True):
                told = [math.nan if value is None else value for value in told]
                np.testing.assert_allclose(told, part, rtol=1e-5)


def test_steps_are_every_change_of_incumbent():
    rows = table(benchmarks=("toy/one",), strategies=("a",), seeds=3)
    (contest,) = contests(rows)
    (steps,) = blocks.steps(contest)
    assert [len(run) for run in steps["seconds"]] == [4, 4, 4]
    assert list(chain(*steps["seconds"])) == [row.cost for row in rows]
    assert list(chain(*steps["error"])) == [row.reported_error for row in rows]


def test_the_clock_begins_when_a_line_has_a_mean():
    (contest,) = contests(table(benchmarks=("toy/one",)))
    first, last = blocks.leaderboard([contest])["contests"][0]["clock"]
    means = [
        statistics.means(
            anytime.values(line.runs, np.array([t]), anytime.reported_error)
        )
        for line in contest.lines
        for t in (first * 0.99999,)
    ]
    assert np.isnan(means).all()
    at = np.array([first * 1.00001])
    assert any(
        np.isfinite(statistics.means(anytime.values(line.runs, at, anytime.regret)))
        for line in contest.lines
    )
    assert last == max(
        row.cost for line in contest.lines for r in line.runs for row in r
    )


def test_lines_without_curves_have_none():
    finals = [row for row in table(strategies=("a",)) if row.step == 3]
    mixed = contests([*finals, *table(strategies=("b",))])
    block = blocks.leaderboard(mixed)
    for contest in mixed:
        whole = [line.standing.strategy == "b" for line in contest.lines]
        assert [line is not None for line in blocks.curves(contest)["lines"]] == whole
        assert [line is not None for line in blocks.steps(contest)] == whole
    assert sorted(block["recorded"]) == [False, False, True, True]
    (bare, _) = contests(finals)
    assert blocks.leaderboard([bare])["contests"][0]["clock"] == []
    assert blocks.curves(bare)["seconds"] == []


def test_runs_that_found_nothing_have_no_steps_and_no_figures():
    (contest,) = contests([*runs("a", [0.1, 0.2]), nothing("a", 2)])
    (steps,) = blocks.steps(contest)
    assert [len(run) for run in steps["seconds"]] == [2, 2, 0]
    assert blocks.runs(contest)["lines"][0]["regret"][-1] is None
    assert blocks.leaderboard([contest])["contests"][0]["clock"] == []


def test_only_what_was_returned_is_told_of_architectures():
    found, dossier = report(benchmarks=("toy/one",), strategies=("a",), seeds=1)
    (returned,) = {run[-1].arch for run in found[0].lines[0].runs}
    assert returned in CELLS
    assert set(blocks.architectures(found[0], dossier)) == {returned}


def test_what_diverged_or_is_missing_has_no_place_in_json():
    assert [figure(value) for value in (math.nan, math.inf, -math.inf)] == [
        None,
        "inf",
        "-inf",
    ]
    with pytest.raises(ValueError, match="JSON compliant"):
        encode([math.nan])


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_figures_keep_six_digits(value):
    told = figure(value)
    assert float(f"{value:.6g}") == told
    assert len(re.sub(r"e.*|\D", "", f"{told:.6g}").strip("0")) <= 6


@given(st.text() | st.text(alphabet="<>&'\"\\/!-scriptSCRIPT\u2028\u2029\ud800"))
def test_no_text_means_anything_to_html(text):
    encoded = encode({text: [text]})
    assert not set("<>&\u2028\u2029") & set(encoded)
    assert encoded.isascii()
    assert json.loads(encoded) == {text: [text]}


def hostile_report():
    """Every text that a report takes, hostile."""
    found, dossier = report()
    (first, *others) = found[0].lines
    standing = replace(
        first.standing, strategy=HOSTILE, settings=HOSTILE, group=HOSTILE
    )
    changed = replace(found[0], lines=[replace(first, standing=standing), *others])
    facts = StrategyFacts(HOSTILE, {HOSTILE: HOSTILE}, HOSTILE, HOSTILE)
    return [changed, *found[1:]], replace(
        dossier,
        strategies={standing.row: facts},
        failures=[HOSTILE],
    )


def test_texts_add_no_tag():
    plain, hostile = report(), hostile_report()
    tags = [Tags(page(*given, title=HOSTILE)).found for given in (plain, hostile)]
    assert len(tags[0]) > 20
    assert [tag for tag, _ in tags[0]] == [tag for tag, _ in tags[1]]
    blocks = data(page(*hostile))
    assert HOSTILE in blocks["leaderboard"]["columns"]["strategy"]


def test_the_policy_allows_what_carries_the_nonce_and_nothing_else():
    pages = [page(*report()) for _ in range(2)]
    nonces = []
    for text in pages:
        tags = Tags(text).found
        (policy,) = [
            attrs["content"]
            for tag, attrs in tags
            if tag == "meta" and "http-equiv" in attrs
        ]
        rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
        nonce = rules["script-src"].removeprefix("'nonce-").removesuffix("'")
        assert rules == {
            "default-src": "'none'",
            "script-src": f"'nonce-{nonce}'",
            "style-src": f"'nonce-{nonce}'",
            "img-src": "data:",
            "base-uri": "'none'",
            "form-action": "'none'",
        }
        for tag, attrs in tags:
            if tag == "style" or (tag == "script" and "type" not in attrs):
                assert attrs["nonce"] == nonce
            assert not {"style", "src"} & set(attrs)
            assert not [name for name in attrs if name.startswith("on")]
            if tag == "link":
                assert attrs["href"] == "data:,"
        nonces.append(nonce)
    assert nonces[0] != nonces[1]


def test_no_file_is_left_out():
    written = page([], Dossier())
    for folder in ("script", "style"):
        for file in (HERE / folder).iterdir():
            assert file.read_text() in written, file.name


def test_no_script_writes_markup_or_runs_text():
    for file in (HERE / "script").iterdir():
        text = file.read_text()
        for word in (
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "document.write",
            "eval",
        ):
            assert word not in text, (file.name, word)


def test_nothing_to_show_is_a_page():
    text = page([], Dossier())
    assert "0 contests" in text
    assert list(data(text)) == ["leaderboard"]
    assert "Failed runs" not in text


def test_what_others_wrote_is_unchanged():
    """The sums are those of the files in the packages of the npm registry."""
    listed = re.findall(
        r"^\| `([\w.]+)` \|.*\| `([0-9a-f]{64})` \|$",
        (HERE / "vendored" / "README.md").read_text(),
        re.MULTILINE,
    )
    there = {file.name for file in (HERE / "vendored").iterdir()} - {"README.md"}
    assert {name for name, _ in listed} == there
    for name, digest in listed:
        content = (HERE / "vendored" / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest, name
        assert len(content) < 1e6
        assert b"</script" not in content.lower()
        assert b"<!--" not in content


def test_licences_lie_beside_what_others_wrote():
    for name in ("tabulator.LICENSE", "uPlot.LICENSE"):
        assert "MIT License" in (HERE / "vendored" / name).read_text()
