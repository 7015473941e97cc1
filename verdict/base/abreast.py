"""Items worked on side by side, by whatever the machine has for it: copies of this process, or else threads.

Most of what a step of a search does is too short for threads, which wait for one lock; copies have none in common. They
are made once there is more than one item and, since that takes milliseconds, after some time, and end with this.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from .copies import Copies
from .deadline import ProcessorTime
from .workers import Workers

Item = TypeVar("Item")
Result = TypeVar("Result")

# Seconds of processor time after which a copy of the process is worth what it takes to make.
COPIED = 0.1


class Abreast(Generic[Item, Result]):
    """The `workers` threads, or as many processes."""

    def __init__(self, workers: Workers) -> None:
        self._workers, self._clock = workers, ProcessorTime()
        self.copies: Copies[Item, Result] | None = None

    def map(
        self,
        items: Sequence[Item],
        here: Callable[[Item], Result],
        copied: Callable[[], Callable[[Item], Result]] | None = None,
    ) -> list[Result]:
        """The results in order: what copies apply is made by `copied`, if that is another function than `here`."""
        if self.copies is None and len(items) > 1 and self._clock.elapsed() > COPIED:
            self.copies = Copies(here if copied is None else copied())
            # They end with whoever has this, however that ends.
            weakref.finalize(self, self.copies.end)
        if self.copies is not None and self.copies.are_to_be_had:
            return self.copies.map(items, here)
        return self._workers.map(here, items)
