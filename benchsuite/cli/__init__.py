"""The command line; a command imports the heavy rooms it needs itself."""

import os
import sys

import typer

from benchsuite.cli import (
    agreement,
    estimators,
    fit,
    report,
    results,
    search,
    tables,
    validate,
)
from benchsuite.cli.options import app

__all__ = [
    "agreement",
    "app",
    "estimators",
    "fit",
    "main",
    "report",
    "results",
    "search",
    "tables",
    "validate",
]


def main() -> None:
    """Run the command line; what a user can mend is one line and exit code 2."""
    # Before NumPy comes in: small arrays only wait for more threads than one.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        app()
    except ValueError as error:
        from benchsuite.core import InputError
        from surrogates import DataError

        if not isinstance(error, InputError | DataError):
            raise
        # One line, whatever the name of a file or an architecture has in it.
        typer.echo(f"benchsuite: {' '.join(str(error).split())}", err=True)
        sys.exit(2)
