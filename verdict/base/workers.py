"""Using the second core: the same function on several batches at once, in threads.

NumPy lets go of Python's lock inside its loops and products, and BLAS is kept to one thread (`verdict.base.blas`), so
two batches of bounds run side by side in one process without copying anything. A thread sees what was set for the one
that asks, its clock above all: long steps look at the clock that is `running` (`verdict.base.deadline`), and a thread
that begins with none would never be late.

Where a search has one batch only its other cores are idle, and a long step deep inside may have them: it asks for the
workers `at_hand`. Work that is being shared out has none, so cores are shared out once, at the outermost place.
"""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

Item = TypeVar("Item")
Result = TypeVar("Result")

# Multiplications that are worth a thread: some milliseconds, beside which its beginning and its end are little.
WORTH = 2**25


class Workers:
    """A pool of `count` threads, at most one per core, which begin with the first work for them; a context manager."""

    def __init__(self, count: int) -> None:
        self.count = max(1, min(count, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else count))
        # How many of them are left to other work for now.
        self.spare = 0
        self._pool: ThreadPoolExecutor | None = None
        self._making = threading.Lock()
        self._before: Token[Workers | None] | None = None

    @property
    def busy(self) -> int:
        """How many of them are not left to other work."""
        return max(1, self.count - self.spare)

    def shares(self, count: int, most: int | None = None) -> list[slice]:
        """The numbers below `count` cut into equal runs, one for each worker, or more of at most `most`."""
        return _cut(count, min(-(-count // self.busy), count if most is None else most))

    def runs(self, count: int, work: int) -> list[slice]:
        """The numbers below `count` cut into equal runs, as many as there are workers, or as are worth a thread: each
        of the numbers stands for so many multiplications."""
        number = max(1, min(self.busy, count, count * work // WORTH))
        return _cut(count, -(-count // number))

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """The results in order; an exception of any of them is raised here."""
        if self.count < 2 or len(items) < 2 or _at_hand.get() is ALONE:
            return [function(item) for item in items]
        # A context is entered by one thread at a time, so each item has a copy.
        contexts = [alone() for _ in items]
        return list(self._threads().map(lambda context, item: context.run(function, item), contexts, items))

    def _threads(self) -> ThreadPoolExecutor:
        # The module is none of those that a question needs which is answered at once.
        from concurrent.futures import ThreadPoolExecutor

        with self._making:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.count)
            return self._pool

    def __enter__(self) -> Workers:
        if _at_hand.get() is not ALONE:
            self._before = _at_hand.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            _at_hand.reset(self._before)
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


# The workers whose context this thread is in; those of work that is a share of some.
_at_hand: ContextVar[Workers | None] = ContextVar("at_hand", default=None)
ALONE, NOBODY = Workers(1), Workers(1)


def at_hand() -> Workers:
    """The workers that a long step in this thread may use: those of the context it is in, or a single one."""
    return _at_hand.get() or NOBODY


def _cut(count: int, size: int) -> list[slice]:
    """The numbers below `count` in runs of at most `size`."""
    return [slice(i, min(i + size, count)) for i in range(0, count, max(1, size))]


def alone() -> contextvars.Context:
    """A copy of this thread's context for another one, in which no workers are at hand."""
    context = contextvars.copy_context()
    context.run(_at_hand.set, ALONE)
    return context
