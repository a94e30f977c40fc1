"""What the commands share: the application, common options, a table for people."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Compare neural architecture search strategies under the same rules.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Results = Annotated[Path, typer.Option(help="Folder of runs.sqlite and the tables.")]
HERE = Path("results")

# What says which runs a command is about.
Strategies = Annotated[
    list[str],
    typer.Argument(
        metavar="STRATEGY...",
        help="Name or file.py:Class; settings in brackets: 'name[setting=value]'.",
    ),
]
On = Annotated[list[str], typer.Option(help="Benchmarks; repeats, takes commas.")]
Seeds = Annotated[str, typer.Option(help="How many, or FROM:TO.")]
Trials = Annotated[
    float | None, typer.Option(help="Most trials of a run; 200 without a budget.")
]
Budget = Annotated[float | None, typer.Option(help="Simulated seconds.")]
Workers = Annotated[int | None, typer.Option(help="Simulated workers.")]
RulesText = Annotated[
    str, typer.Option(help="Preset and changes, e.g. nats,repeat=free.")
]
Timeout = Annotated[
    float, typer.Option(help="Wall-clock seconds that one run may take.")
]
AllCores = Annotated[
    int | None, typer.Option(help="Processes; all cores by default.", min=1)
]


def words(texts: Iterable[str]) -> list[str]:
    """Take apart what may be repeated and have commas; each word counts once.

    Example:
        >>> words(["a,b", "b", " c "])
        ['a', 'b', 'c']
    """
    split = (word.strip() for text in texts for word in text.split(","))
    return list(dict.fromkeys(filter(None, split)))


def known(facts: object) -> object:
    """Say null, at any depth, for numbers that JSON has not.

    Example:
        >>> known({"a": [1.0, float("nan")], "b": (float("inf"), "c")})
        {'a': [1.0, None], 'b': [None, 'c']}
    """
    if isinstance(facts, Mapping):
        return {key: known(value) for key, value in facts.items()}
    if isinstance(facts, list | tuple):
        return [known(value) for value in facts]
    return None if isinstance(facts, float) and not math.isfinite(facts) else facts


def show(title: str, columns: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """Print a table for people; text is shown as it is, never taken for markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=200)  # a pipe or file has no edge to wrap at
    table = Table(title=title, title_justify="left", header_style="")
    for column in columns:
        table.add_column(column, overflow="fold")
    for line in lines:
        table.add_row(*map(Text, line))
    console.print(table)
