"""Using the second core: the same function on several batches at once, in threads.

NumPy lets go of Python's lock inside its loops and products, and BLAS is kept to one thread (`verdict.base.blas`), so
two batches of bounds run side by side in one process without copying anything. A thread sees what was set for the one
that asks, its clock above all: long steps look at the clock that is `running` (`verdict.base.deadline`), and a thread
that begins with none would never be late.
"""

from __future__ import annotations

import contextvars
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers:
    """A pool of `count` threads, at most one per core; a context manager."""

    def __init__(self, count: int) -> None:
        self.count = max(1, min(count, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else count))
        # How many of them are left to other work for now.
        self.spare = 0
        self._pool = ThreadPoolExecutor(self.count) if self.count > 1 else None

    def shares(self, count: int, most: int | None = None) -> list[slice]:
        """The numbers below `count` cut into equal runs, one for each worker, or more of at most `most`."""
        busy = max(1, self.count - self.spare)
        size = max(1, min(-(-count // busy), count if most is None else most))
        return [slice(i, i + size) for i in range(0, count, size)]

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """The results in order; an exception of any of them is raised here."""
        if self._pool is None or len(items) < 2:
            return [function(item) for item in items]
        # A context is entered by one thread at a time, so each item has a copy.
        contexts = [contextvars.copy_context() for _ in items]
        return list(self._pool.map(lambda context, item: context.run(function, item), contexts, items))

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
