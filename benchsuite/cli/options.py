"""What the commands share: the application, common options, a table for people."""

from collections.abc import Iterable, Sequence
from typing import Annotated

import typer

app = typer.Typer(
    help="Compare neural architecture search strategies under the same rules.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


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
