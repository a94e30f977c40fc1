"""The command `search`: one-shot methods on a supernet, or on a relaxed table."""

from __future__ import annotations

import json
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from benchsuite.cli.options import HERE, AsJson, Results, app
from benchsuite.cli.results import read_seeds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from torch.utils.tensorboard import SummaryWriter

    from benchsuite.one_shot import Epoch, Job
    from benchsuite.store import Store
    from benchsuite.supernet.setting import Normalisation


@app.command()
def search(
    method: Annotated[
        str, typer.Argument(help="Such as darts, gdas or spos; or file.py:record.")
    ],
    data: Annotated[
        str,
        typer.Option(
            help="cifar10, cifar100, digits, synthetic, an .npz file; or the name of a"
            " table, which is relaxed."
        ),
    ],
    space: Annotated[str, typer.Option(help="Such as nats_tss or darts.")] = "",
    data_root: Annotated[
        Path | None, typer.Option(help="Folder that has cifar-10-batches-py.")
    ] = None,
    epochs: Annotated[int, typer.Option(help="0: as published.", min=0)] = 0,
    batch_size: Annotated[int, typer.Option(help="0: as published.", min=0)] = 0,
    channels: Annotated[int, typer.Option(help="0: as published.", min=0)] = 0,
    cells: Annotated[
        int, typer.Option(help="In nats_tss, of each stage; 0: as published.", min=0)
    ] = 0,
    images: Annotated[
        int, typer.Option(help="The first of each split; 0: all.", min=0)
    ] = 0,
    normalisation: Annotated[
        str, typer.Option(help="By the statistics of the batch, or running.")
    ] = "batch",
    alpha_rate: Annotated[
        float, typer.Option(help="Learning rate of the alphas; 0: as published.")
    ] = 0.0,
    objective: Annotated[
        str,
        typer.Option(
            help="What to have less of beside the error: params, macs, or a metric of"
            " the table that reports."
        ),
    ] = "",
    exponent: Annotated[
        float,
        typer.Option(
            help="Of that objective in the reward; the further below 0, the more it"
            " counts."
        ),
    ] = -0.07,
    seeds: Annotated[str, typer.Option(help="How many, or FROM:TO.")] = "1",
    truth: Annotated[
        str,
        typer.Option(
            help="What reports the error: a benchmark. The table of the space and the"
            " data if there is one, else stand-alone training."
        ),
    ] = "",
    device: Annotated[str, typer.Option(help="Such as cpu or cuda.")] = "cpu",
    force: Annotated[
        bool, typer.Option("--force", help="Search again, replacing what is recorded.")
    ] = False,
    tensorboard: Annotated[
        Path | None, typer.Option(help="Folder for TensorBoard's event files.")
    ] = None,
    results: Results = HERE,
    as_json: AsJson = False,
) -> None:
    """Search by weight sharing; an interrupted search goes on where it was."""
    from benchsuite.benchmarks.live import need_torch
    from benchsuite.store import Store

    need_torch()
    from benchsuite.one_shot import find_method, plan
    from benchsuite.supernet.setting import Setting

    name, source = find_method(method)
    setting = Setting(
        method=name,
        space=space,
        epochs=epochs,
        batch_size=batch_size,
        channels=channels,
        cells=cells,
        images=images,
        alpha_rate=alpha_rate,
        normalisation=cast("Normalisation", normalisation),  # which checks it
        objective=objective,
        exponent=exponent,
    )
    jobs = plan(
        setting,
        data,
        read_seeds(seeds),
        source=source,
        truth=truth,
        root=data_root,
        device=device,
        results=results,
    )
    with Store(results / "runs.sqlite") as store:
        failed = _follow(jobs, store, method, force, tensorboard, as_json)
    if failed:
        raise typer.Exit(1)


def _follow(
    jobs: Sequence[Job],
    store: Store,
    asked: str,
    force: bool,
    tensorboard: Path | None,
    as_json: bool,
) -> int:
    """Do searches one after another and show how they go; count those that failed."""
    from benchsuite.one_shot import StoppedError, do
    from benchsuite.supernet.search import DivergedError

    known = failed = 0
    with _stoppable() as stop:
        for job in jobs:
            if job.run in store and not force:
                known += 1
                continue
            try:
                epochs = do(job, store, asked=asked, stop=stop, replace=force)
                for epoch in _shown(epochs, job, tensorboard, as_json):
                    if as_json:
                        facts = {"method": job.setting.method, "seed": job.run.seed}
                        typer.echo(json.dumps({**facts, **epoch.line()}))
            except StoppedError:
                typer.echo(
                    f"stopped: where it stands is in {job.checkpoint}; the same command"
                    " goes on",
                    err=True,
                )
                raise typer.Exit(130) from None
            except DivergedError as error:
                failed += 1
                typer.echo(f"failed: {job.run.strategy}: {error}", err=True)
    if not as_json:
        done = len(jobs) - known - failed
        typer.echo(
            f"{len(jobs)} searches: {done} recorded, {known} there already, {failed}"
            " failed"
        )
    return failed


def _shown(
    epochs: Iterable[Epoch], job: Job, tensorboard: Path | None, as_json: bool
) -> Iterator[Epoch]:
    """Pass epochs on, and show each on the screen, and to TensorBoard if wished."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    screen = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn())
    title = f"{job.setting.method}, seed {job.run.seed}"
    writer = _writer(tensorboard, title) if tensorboard else None
    bar = Progress(*columns, TimeRemainingColumn(), console=screen)
    with bar if screen.is_terminal else nullcontext():
        line = bar.add_task(title, total=None)
        for epoch in epochs:
            incumbent = epoch.incumbent
            loss = incumbent.metrics["loss"]
            text = (
                f"{title}: loss {loss:.3f}, error {incumbent.error:.3f}, {epoch.arch}"
            )
            bar.update(
                line, total=epoch.epochs, completed=incumbent.epochs, description=text
            )
            if not screen.is_terminal and not as_json:
                typer.echo(f"{incumbent.epochs}/{epoch.epochs} {text}", err=True)
            if writer is not None:
                writer.add_scalar("loss", loss, incumbent.epochs)
                writer.add_scalar("error", incumbent.error, incumbent.epochs)
                writer.add_text("arch", epoch.arch, incumbent.epochs)
            yield epoch
    if writer is not None:
        writer.close()


def _writer(folder: Path, title: str) -> SummaryWriter:
    """Open TensorBoard's event file of a search.

    Raises:
        InputError: TensorBoard is not installed.
    """
    from benchsuite.core import InputError

    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise InputError(
            "TensorBoard is not installed: pip install 'benchsuite[tensorboard]'"
        ) from error
    return SummaryWriter(folder / title.replace(", ", "_").replace(" ", "_"))


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Yield what tells whether SIGTERM or an interrupt has come; a second one kills."""
    import signal

    told: list[int] = []

    def note(signum: int, frame: object) -> None:
        told.append(signum)
        if len(told) > 1:
            raise KeyboardInterrupt

    before = {s: signal.signal(s, note) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: bool(told)
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
