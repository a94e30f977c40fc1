"""One thread for numeric libraries: on small arrays more of them wait for one another.

On two cores, with `OMP_NUM_THREADS` not set, boosting runs 10 to 100 times slower, and
last digits depend on how many threads there are.
"""

from contextlib import AbstractContextManager

from threadpoolctl import threadpool_limits


def one_thread() -> AbstractContextManager[object]:
    """Hold BLAS and OpenMP libraries that are loaded to one thread, in a `with`."""
    limits: AbstractContextManager[object] = threadpool_limits(limits=1)
    return limits
