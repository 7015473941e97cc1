"""One memory budget for a whole question: whoever is about to make a large array asks for it first.

`need` refuses, with one sentence that says how much would be needed, instead of letting the machine swap or the system
kill the process. Without a budget of its own a question may take most of what is free.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

from .errors import MemoryLimitError

GIB = 2**30
# The share of the free memory that a question may take, where no budget is given; what is free where no one can tell.
MOST, UNKNOWN = 0.8, 8 * GIB
# Smaller arrays are not worth asking for.
SMALL = 2**25

_budget: ContextVar[int | None] = ContextVar("budget", default=None)


def free() -> int:
    """Bytes of memory that are free now: the least of what the system and its control group have left."""
    left = [size for size in (_meminfo(), _group("memory.max", "memory.current")) if size is not None]
    if left:
        return max(0, min(left))
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return UNKNOWN


def _meminfo() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        return None


def _group(most: str, now: str) -> int | None:
    try:
        root = Path("/sys/fs/cgroup")
        return int((root / most).read_text(encoding="ascii")) - int((root / now).read_text(encoding="ascii"))
    except (OSError, ValueError):  # no control group, or one without a limit ("max")
        return None


def resident() -> int:
    """Bytes of memory that this process holds now, 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


@contextlib.contextmanager
def budget(size: int | None) -> Iterator[None]:
    """While inside, in this thread, at most so many bytes are taken; None is no budget of its own."""
    before = _budget.set(size)
    try:
        yield
    finally:
        _budget.reset(before)


def left() -> int:
    """Bytes that may still be taken."""
    size = _budget.get()
    return int(MOST * free()) if size is None else max(0, min(size - resident(), free()))


def need(size: int, what: str) -> None:
    """Raise MemoryLimitError if there is no room for `size` bytes more; `what` they are for, in words."""
    if size <= SMALL:
        return
    room = left()
    if size > room:
        raise MemoryLimitError(
            f"{what} would take {size / GIB:.2g} GiB of memory, and {room / GIB:.2g} GiB may be taken (--memory, else "
            "most of what is free)"
        )
