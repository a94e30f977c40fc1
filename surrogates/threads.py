"""One thread for numeric libraries: on small arrays more of them wait for one another.

On two cores, with `OMP_NUM_THREADS` not set, boosting runs 10 to 100 times slower, and
last digits depend on how many threads there are.
"""

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[object]:
    """Hold BLAS and OpenMP to one thread, in a `with`.

    Libraries are looked for once, which takes milliseconds; scikit-learn, which brings
    OpenMP, must have been imported by then.
    """
    limit: AbstractContextManager[object] = _libraries().limit(limits=1)
    return limit


@cache
def _libraries() -> ThreadpoolController:
    """Find the libraries that have threads."""
    import sklearn  # noqa: F401

    return ThreadpoolController()
