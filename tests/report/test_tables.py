"""Tables that people paste: what is bold, what is marked, what is escaped."""

import csv
import io
import math
import shutil
import subprocess
from dataclasses import replace

import pytest

from benchsuite.report import tables
from benchsuite.report.leaderboard import CANONICAL, Standing, leaderboard
from tests.report.test_leaderboard import runs

HOSTILE = "a_b&50%$x$#{~^}<i>|`*"


def board():
    """On one benchmark a and b cannot be told apart and c is worse; on another c leads.

    Twelve differences of one sign have p = 2 / 2^12; half of either sign, 1.
    """
    near = [0.1 + 0.001 * (-1) ** n for n in range(12)]
    rows = [
        *runs("a", [0.1] * 12),
        *runs("b", near),
        *runs("c", [0.2] * 12),
        *runs("a", [0.3] * 12, benchmark="toy/other"),
        *runs("c", [0.25] * 12, benchmark="toy/other"),
    ]
    return leaderboard(rows)


def cells(text):
    """Read a Markdown table back: strategy -> benchmark -> cell."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if "|" in line]
    header, _, *body = lines
    return {line[0]: dict(zip(header[1:], line[1:], strict=True)) for line in body}


def test_the_best_is_bold_and_what_cannot_be_told_from_it_is_marked():
    table = cells(tables.markdown(board()))
    assert table["a"]["toy/toy"] == "**10.00 ± 0.00**"
    assert table["b"]["toy/toy"].startswith(
        "**10.00"
    )  # the same mean, so the same rank
    assert table["c"]["toy/toy"] == "20.00 ± 0.00"
    assert table["c"]["toy/other"] == "**25.00 ± 0.00**"
    assert table["a"]["toy/other"] == "30.00 ± 0.00"
    assert table["b"]["toy/other"] == "--"
    worse = leaderboard(
        [
            *runs("a", [0.1] * 12),
            *runs("b", [0.102 + 0.004 * (-1) ** n for n in range(12)]),
        ]
    )
    assert cells(tables.markdown(worse))["b"]["toy/toy"] == "10.20 ± 0.40 †"


def test_what_shares_no_letter_with_the_best_is_not_marked():
    lines = board()
    for line in lines:
        best = next(x for x in lines if x.benchmark == line.benchmark and x.rank == 1)
        marked = "†" in tables._markdown_cell(line, best)
        assert marked == (bool(set(line.group) & set(best.group)) and line.rank > 1)


def test_letters_beyond_the_alphabet_are_told_apart():
    first = replace(board()[0], group="a.bc", rank=1)
    assert tables._tied(replace(first, group="bc.d"), first)
    assert not tables._tied(replace(first, group="b.c"), first)


def test_other_rules_are_another_table_and_another_version_another_column():
    lines = board()
    mixed = [*lines, replace(lines[0], rules="budget=9")]
    assert tables.markdown(mixed).count("| --- |") == 2
    two = [*lines, replace(lines[0], table="1" * 8, rank=1)]
    header = tables.markdown(two).splitlines()[2]
    assert "toy/other (00000000)" in header
    assert "toy/other (11111111)" in header
    assert "toy/toy |" in header


def test_latex_compiles_with_hostile_names(tmp_path):
    lines = [replace(line, strategy=HOSTILE, settings="a=1") for line in board()]
    text = tables.latex([*lines, *board()])
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1
    assert r"a\_b\&50\%\$x\$\#\{\textasciitilde{}\textasciicircum{}\}" in text
    (header,) = [line for line in text.splitlines() if line.startswith("strategy")]
    for line in text.splitlines():
        if line.endswith(r"\\"):
            assert line.replace(r"\&", "").count("&") == header.count("&")
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex: only the text was checked")
    document = (
        rf"\documentclass{{article}}\usepackage{{booktabs}}\begin{{document}}{text}"
    )
    (tmp_path / "t.tex").write_text(document + r"\end{document}")
    subprocess.run(
        ["pdflatex", "-halt-on-error", "t.tex"], cwd=tmp_path, check=True, timeout=60
    )


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=HYPERLINK()", "'=HYPERLINK()"),
        ("+cmd", "'+cmd"),
        ("-x", "'-x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("-0.25", "-0.25"),
        ("+1e-3", "+1e-3"),
        ("a=1", "a=1"),
        ("", ""),
    ],
)
def test_a_cell_that_a_spreadsheet_would_compute_is_neutralised(cell, written):
    assert tables.neutral(cell) == written


def test_csv_is_the_canonical_one_with_every_cell_neutral():
    lines = [replace(line, settings='=1+1,"x"') for line in board()]
    (header, *body) = csv.reader(io.StringIO(tables.as_csv(lines)))
    assert header == CANONICAL
    assert {line[CANONICAL.index("settings")] for line in body} == {'\'=1+1,"x"'}
    for line, standing in zip(body, lines, strict=True):
        value = float(line[CANONICAL.index("error_mean")])
        assert value == pytest.approx(standing.error_mean, rel=1e-5)


def test_parquet_has_the_same_figures_with_their_types(tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    lines = board()
    tables.write_parquet(lines, tmp_path / "board.parquet")
    frame = pandas.read_parquet(tmp_path / "board.parquet")
    assert list(frame.columns) == CANONICAL
    assert frame["seeds"].dtype.kind == "i"
    assert frame["error_mean"].tolist() == [line.error_mean for line in lines]
    assert [path.name for path in tmp_path.iterdir()] == ["board.parquet"]


def test_a_strategy_that_found_nothing_has_no_figure():
    lines = [replace(line, error_mean=math.nan) for line in board()[:1]]
    assert "nan" not in tables.markdown(lines)
    assert "nan" not in tables.latex(lines)


def test_no_lines_are_no_table():
    nothing: list[Standing] = []
    assert tables.markdown(nothing) == tables.latex(nothing) == ""
    assert tables.as_csv(nothing).splitlines() == [",".join(CANONICAL)]
