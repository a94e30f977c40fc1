"""Parts of a table, converted in child processes that have limits."""

import resource
from collections.abc import Callable, Sequence
from functools import partial
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
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (memory, most))
    folder, what = task
    try:
        function(what).save(folder)
    except DataError as error:
        return str(error)
    except MemoryError:
        return f"{what} needs more than {memory / 1e9:.1f} GB of memory"
    return ""
