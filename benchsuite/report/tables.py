"""Leaderboards as tables that people paste: LaTeX, Markdown, CSV and Parquet.

In LaTeX and Markdown a strategy is a row and a benchmark a column: mean error in per
cent and its standard deviation over seeds, the best in bold, and a mark at what cannot
be told from the best.
"""

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from benchsuite.report.leaderboard import CANONICAL, Standing

_FORMULA = re.compile(r"[=+\-@\t\r]")
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#",
    "_": r"\_", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip
_MARKDOWN = re.compile(r"[\\`*_\[\]<>|~$&]")
_CAPTION = (
    "Error in % (reports: {reports}; rules: {rules}), mean and standard deviation over"
    " seeds. Bold is the lowest mean; what is marked {mark} cannot be told from it at"
    " 5 % (paired tests, Holm's correction)."
)


def neutral(text: str) -> str:
    """Write a cell so that no spreadsheet computes it; a number stays one.

    Example:
        >>> neutral("=1+1"), neutral("-0.5"), neutral("a=1")
        ("'=1+1", '-0.5', 'a=1')
    """
    if not _FORMULA.match(text):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


class Cell:
    """How a figure is set: plain, as the best, or as not to be told from it."""

    def __init__(self, between: str, bold: str, mark: str) -> None:
        self._between, self._bold, self._mark = between, bold, mark

    def __call__(self, line: Standing | None, best: Standing) -> str:
        """Set the figure of a line, if there is one, beside the best of its contest."""
        if line is None or math.isnan(line.error_mean):
            return "--"
        text = f"{100 * line.error_mean:.2f}"
        if not math.isnan(line.error_std):
            text = f"{text}{self._between}{100 * line.error_std:.2f}"
        if line.rank == best.rank:
            return self._bold.format(text)
        return f"{text}{self._mark}" if _tied(line, best) else text


_latex_cell = Cell(r" $\pm$ ", r"\textbf{{{}}}", r"\textsuperscript{\textdagger}")
_markdown_cell = Cell(" ± ", "**{}**", " †")


def as_csv(lines: Iterable[object], columns: Sequence[str] = CANONICAL) -> str:
    """Write attributes of objects, six digits, nothing that a spreadsheet computes.

    Args:
        lines: Such as standings.
        columns: Names of attributes.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for line in lines:
        values = [getattr(line, name) for name in columns]
        cells = [f"{v:.6g}" if isinstance(v, float) else str(v) for v in values]
        writer.writerow(map(neutral, cells))
    return text.getvalue()


def write_parquet(standings: Sequence[Standing], path: Path) -> None:
    """Write the canonical columns with their types.

    Raises:
        ImportError: pyarrow is not installed.
        OSError: The file cannot be written.
    """
    from pandas import DataFrame  # takes longer to import than all the rest

    columns = {name: [getattr(line, name) for line in standings] for name in CANONICAL}
    part = path.with_name(f".{path.name}.part")
    try:
        DataFrame(columns).to_parquet(part, index=False)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def latex(standings: Sequence[Standing]) -> str:
    r"""Write a booktabs table for each set of rules.

    It needs `\usepackage{booktabs}`. A dagger marks what cannot be told from the best.
    """
    tables = []
    for (rules, reports), lines in _by_rules(standings):
        columns, rows = _pivot(lines, _latex_cell)
        caption = _CAPTION.format(reports=reports, rules=rules, mark=r"\textdagger")
        escaped = caption.replace("%", r"\%").replace("_", r"\_")
        tables += [
            r"\begin{table}",
            rf"\caption{{{escaped}}}",
            rf"\begin{{tabular}}{{l{'r' * len(columns)}}}",
            r"\toprule",
            " & ".join(["strategy", *map(escape_latex, columns)]) + r" \\",
            r"\midrule",
            *(" & ".join([escape_latex(n), *cells]) + r" \\" for n, *cells in rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    return "".join(f"{line}\n" for line in tables)


def markdown(standings: Sequence[Standing]) -> str:
    """Write a pipe table for each set of rules; † is what cannot be told from best."""
    tables = []
    for (rules, reports), lines in _by_rules(standings):
        columns, rows = _pivot(lines, _markdown_cell)
        tables += [
            escape_markdown(_CAPTION.format(reports=reports, rules=rules, mark="†")),
            "",
            _pipes(["strategy", *map(escape_markdown, columns)]),
            _pipes(["---", *["---:"] * len(columns)]),
            *(_pipes([escape_markdown(name), *cells]) for name, *cells in rows),
            "",
        ]
    return "\n".join(tables)


def _pipes(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escape_latex(text: str) -> str:
    r"""Write text so that LaTeX prints it as it is.

    Example:
        >>> print(escape_latex("a_b & 5%"))
        a\_b \& 5\%
    """
    return "".join(_LATEX.get(sign, sign) for sign in text)


def escape_markdown(text: str) -> str:
    r"""Write text so that Markdown, and HTML in it, print it as it is.

    Example:
        >>> print(escape_markdown("a_b | <i>"))
        a\_b \| \<i\>
    """
    return _MARKDOWN.sub(lambda sign: f"\\{sign.group()}", text)


def _by_rules(
    standings: Sequence[Standing],
) -> Iterable[tuple[tuple[str, str], list[Standing]]]:
    """Gather what may stand in one table: what shares rules and reports."""

    def key(line: Standing) -> tuple[str, str]:
        return line.rules or "no limits", line.reports

    for both, lines in groupby(sorted(standings, key=key), key=key):
        yield both, list(lines)


def _pivot(
    standings: Sequence[Standing], cell: Cell
) -> tuple[list[str], list[list[str]]]:
    """Make a row of every strategy, by its mean rank, and a column of every benchmark.

    A table of another version is another column; what is not there is a dash.
    """
    tables: dict[tuple[str, str], dict[tuple[str, str], Standing]] = {}
    for line in standings:
        own = tables.setdefault((line.benchmark, line.table), {})
        own[line.label, line.backend] = line
    many = len({backend for own in tables.values() for _, backend in own}) > 1
    names = sorted({name for own in tables.values() for name in own})
    ranks = {
        name: [
            own[name].rank if name in own else len(own) + 1 for own in tables.values()
        ]
        for name in names
    }
    best = {column: min(own.values(), key=_place) for column, own in tables.items()}
    rows = [
        [
            f"{name[0]} ({name[1]})" if many else name[0],
            *(cell(own.get(name), best[column]) for column, own in tables.items()),
        ]
        for name in sorted(names, key=lambda name: (sum(ranks[name]), name))
    ]
    versions = [benchmark for benchmark, _ in tables]
    columns = [
        f"{name} ({table})" if versions.count(name) > 1 else name
        for name, table in tables
    ]
    return columns, rows


def _place(line: Standing) -> tuple[int, str]:
    return line.rank, line.label


def _tied(line: Standing, best: Standing) -> bool:
    """Whether two lines of a contest share a letter; see `statistics.letters`."""
    groups = line.group, best.group
    if any("." in group for group in groups):
        one, other = (set(group.split(".")) for group in groups)
    else:
        one, other = map(set, groups)
    return bool(one & other)
