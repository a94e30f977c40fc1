"""A few processes that work through tasks, and outlive any task that kills one."""

import math
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Died:
    """What came of a task instead of a result: the reason, in one line."""

    reason: str


@dataclass(slots=True)
class _Worker(Generic[Task]):
    process: BaseProcess
    pipe: Connection
    task: Task | None = None
    deadline: float = math.inf


def work(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    jobs: int,
    limit: float = math.inf,
) -> Iterator[tuple[Task, Result | Died]]:
    """Yield each task with its result, in the order in which they finish.

    Leaving the generator early ends the processes at once; a keyboard interrupt
    reaches this process only.

    Args:
        function: Importable by name; so must tasks and results be picklable.
        tasks: Taken one by one as processes become idle.
        jobs: Number of processes.
        limit: Seconds a task may take before its process is killed.
    """
    # A worker starts with one thread for each numeric library: on small arrays more of
    # them only wait for one another, and last digits would depend on their number.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    queue, workers = iter(tasks), [_start(function) for _ in range(jobs)]
    try:
        for worker in workers:
            _feed(worker, queue, limit)
        while busy := [w for w in workers if w.task is not None]:
            nearest = min(w.deadline for w in busy) - time.monotonic()
            ready = wait(
                [w.pipe for w in busy], None if nearest == math.inf else nearest
            )
            for worker in busy:
                late = time.monotonic() > worker.deadline
                if worker.pipe not in ready and not late:
                    continue
                task, outcome = worker.task, _receive(worker, late, limit)
                assert task is not None  # it is busy
                if isinstance(outcome, Died):
                    workers[workers.index(worker)] = worker = _start(function)
                _feed(worker, queue, limit)
                yield task, outcome
    finally:
        for worker in workers:
            worker.process.kill()
        for worker in workers:  # so that nothing is written any more
            worker.process.join()


def _start(function: Callable[[Task], Result]) -> _Worker[Task]:
    # Spawned: a fork would copy the locks of threads that it leaves behind.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(function, theirs), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _serve(function: Callable[[Task], Result], pipe: Connection) -> None:
    """Answer tasks until the other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        pipe.send(function(task))


def _feed(worker: _Worker[Task], queue: Iterator[Task], limit: float) -> None:
    worker.task = next(queue, None)
    worker.deadline = time.monotonic() + limit
    if worker.task is not None:
        worker.pipe.send(worker.task)


def _receive(worker: _Worker[Task], late: bool, limit: float) -> "Result | Died":
    """Take a result, or tell why there is none."""
    if worker.pipe.poll():
        try:
            result: Result = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join()
            return Died(f"its process died with exit code {worker.process.exitcode}")
        return result
    assert late  # or it would not have been asked
    worker.process.kill()
    return Died(f"it was still busy after {limit:g} s, and its process was killed")
