"""The command `fit`: a surrogate of a table, in a file that is a benchmark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchsuite.cli.options import AsJson, app, show

if TYPE_CHECKING:
    from collections.abc import Iterable

    from surrogates.fitted import Fitted


@app.command()
def fit(
    model: Annotated[str, typer.Argument(help="Such as surrogates.GradientBoosting.")],
    on: Annotated[str, typer.Option(help="A table, such as nb201/cifar10.")],
    train_size: Annotated[
        int, typer.Option(help="Architectures to learn from, none isomorphic.")
    ],
    out: Annotated[Path, typer.Option(help="Where to write, such as my.surrogate.")],
    test_size: Annotated[
        int, typer.Option(help="Architectures to judge it on, none of those.")
    ] = 500,
    seed: Annotated[
        int, typer.Option(help="Draws architectures; seeds the model.", min=0)
    ] = 0,
    encoding: Annotated[
        str, typer.Option(help="one_hot, paths or adjacency; what suits the model.")
    ] = "",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the model, name=value; repeats."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fit a surrogate to a table; then --on surrogate:FILE searches on it."""
    from benchsuite.benchmarks import load
    from benchsuite.core import InputError
    from benchsuite.fitting import fit as fit_model

    if not out.parent.is_dir():
        raise InputError(f"there is no folder {out.parent} to write {out.name} to")
    fitted = fit_model(
        load(on),
        model,
        train_size=train_size,
        test_size=test_size,
        seed=seed,
        encoding=encoding,
        settings=_pairs(set_ or ()),
    )
    try:
        fitted.save(out)
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror or error}") from error
    if as_json:
        typer.echo(json.dumps({**fitted.manifest, "out": str(out)}, indent=1))
        return
    _show(fitted, out, test_size)


def _pairs(texts: Iterable[str]) -> dict[str, str]:
    """Read name=value, several times."""
    from benchsuite.core import InputError

    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--set takes name=value, not {text!r}")
        pairs[name.strip()] = value.strip()
    return pairs


def _show(fitted: Fitted, out: Path, test_size: int) -> None:
    """Print what was fitted and how good it is."""
    origin = fitted.origin
    last = origin.epochs[-1]
    span = f"{last}" if len(origin.epochs) == 1 else f"{origin.epochs[0]} to {last}"
    facts = [
        ("model", fitted.name),
        ("fitted to", f"{origin.table} (table {origin.digest[:8]}), {origin.space}"),
        (
            "cells",
            f"{origin.cells:,} of different networks, encoding {origin.encoding}",
        ),
        ("epochs", span),
        *((name, f"{value:.4f}") for name, value in origin.metrics.items()),
        ("judged on", f"{test_size:,} other networks, after {last} epochs"),
        ("use", f"--on surrogate:{out}"),
    ]
    show(f"{out}", ("", ""), facts)
