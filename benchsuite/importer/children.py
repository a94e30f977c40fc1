"""Parts of a table, converted in child processes that have limits."""

import multiprocessing
import os
import resource
import threading
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

from benchsuite.workers import Died, work
from surrogates import DataError, Table

Task = TypeVar("Task")


def convert(
    function: Callable[[Task], Table],
    tasks: Sequence[tuple[Path, Task]],
    *,
    jobs: int,
    seconds: float,
    memory: int,
    progress: Callable[[int, int], None],
) -> list[Table]:
    """Write a table for each task, unless it is there, and open all of them.

    Args:
        function: Importable by name; raises DataError.
        tasks: Each with the folder that its table goes to.
        jobs: Child processes.
        seconds: What a task may take.
        memory: Bytes that a child may map.
        progress: Told how many of how many tasks are done.

    Raises:
        DataError: The first that a child raised, or that it broke a limit.
    """
    missing = [task for task in tasks if not (task[0] / "table.json").exists()]
    done = len(tasks) - len(missing)
    progress(done, len(tasks))
    child = partial(_child, function, memory)
    jobs = min(jobs, len(missing))
    for (_, task), outcome in work(child, missing, jobs=jobs, limit=seconds):
        if isinstance(outcome, Died):
            raise DataError(f"{task}: {outcome.reason}")
        if outcome:
            raise DataError(outcome)
        done += 1
        progress(done, len(tasks))
    return [Table.open(folder) for folder, _ in tasks]


def _child(
    function: Callable[[Task], Table], memory: int, task: tuple[Path, Task]
) -> str:
    """Write one part; return what is wrong with its source, in one line."""
    _end_with_parent()
    _limit(memory)
    folder, what = task
    try:
        function(what).save(folder)
    except DataError as error:
        return str(error)
    except MemoryError:
        return f"{what} needs more than {memory / 1e9:.1f} GB of memory"
    except OSError as error:
        return f"{error.filename or folder}: {error.strerror or error}"
    return ""


@cache
def _end_with_parent() -> None:
    """End this process at once when the one that started it is gone, even if killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # this is a child

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _limit(memory: int) -> None:
    """Keep this process from mapping more, or than its own limit if that is lower."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY:
        memory = min(memory, most)
    resource.setrlimit(resource.RLIMIT_AS, (memory, most))
