"""A limit on the memory of this process, for what may ask for all that there is."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def memory_limit(more: int) -> Iterator[None]:
    """Let the block have that many bytes more, and then meet a MemoryError.

    Does nothing where the system has no such limit: it is one of Linux.
    """
    if sys.platform != "linux":
        yield
        return
    import resource

    status = Path("/proc/self/status").read_text(encoding="utf-8")
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    used = int(lines["VmData"].split()[0]) * 1024
    before = resource.getrlimit(resource.RLIMIT_DATA)
    allowed = used + more
    if before[1] != resource.RLIM_INFINITY:
        allowed = min(allowed, before[1])
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
