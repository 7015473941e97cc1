"""Another way to close the same interval, on the second core: in a thread, on a search of its own.

The ways share nothing while they work, so neither waits for the other; the first search takes over what the other has
found, proofs with their trust and witnesses, whenever it has the time to look, and at once where that closes the
interval. The other begins when the first turns out to be long, for what the other may take, and ends with it.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from ....base.deadline import Deadline, OutOfTime, ProcessorTime
from ...radius import RadiusSearch

# Another way begins after so many seconds; it gets so many, and this share of what the first has taken, to catch up.
UNDECIDED, TRIAL, TRIAL_SHARE = 3.0, 5.0, 0.25
# Where a program of the first way's domains has at most so many numbers a solver may take hardly longer than to start,
# so it begins after this many seconds of processor time, and so many more for each number; seconds between two looks.
FEW, START, EACH, LOOK = 30_000, 0.2, 1e-5, 0.01


class Beside:
    """`close` tightens a copy of the search in another thread, once it starts; a context manager."""

    def __init__(self, search: RadiusSearch, name: str, close: Callable[[RadiusSearch], object]) -> None:
        self._search, self._name, self._close = search, name, close
        self._other: RadiusSearch | None = None
        self._pool = ThreadPoolExecutor(1, name)
        self._work: Future[None] | None = None
        # Set at the end; whether it begins by itself, however the first way gets on; the clock of its steps.
        self._end, self.is_quick = threading.Event(), False
        self._turns: Deadline | None = None

    def expect(self, numbers: int) -> None:
        """Where programs have few numbers it costs so little that it begins early, whatever the first way promises and
        in the middle of its steps."""
        if numbers <= FEW:
            self.is_quick = True
            self._submit(self._start_after, ProcessorTime(START + EACH * numbers))

    def _submit(self, function: Callable[..., None], given: object) -> None:
        self._work = self._pool.submit(contextvars.copy_context().run, function, given)

    def _start_after(self, wait: Deadline) -> None:
        """Begin then, in the thread."""
        while not wait.passed():
            if self._end.wait(LOOK):
                return
        self._other = other = self._search.copy()
        if not self._end.is_set():
            self._go(other)

    def turns(self, clock: Deadline) -> Deadline:
        """A clock for the steps of the first way, which ends, before `clock` does, where this one has closed the
        interval."""
        self._turns = Deadline(None, clock)
        return self._turns

    @property
    def started(self) -> bool:
        return self._other is not None

    @property
    def is_running(self) -> bool:
        return self.started and self._work is not None and not self._work.done()

    def start(self) -> None:
        """Begin, from what the search has reached."""
        self._other = self._search.copy()
        self._submit(self._go, self._other)

    def _go(self, other: RadiusSearch) -> None:
        """Close the interval, in the thread."""
        try:
            with contextlib.suppress(OutOfTime), other.deadline.running():
                self._close(other)
            if self._turns is not None and not other.is_open():
                self._turns.stop()
        finally:
            self._search.spend(self._name, other.deadline.elapsed())

    def look(self, spent: float) -> bool:
        """Begin once the first way is long, which has taken so many seconds, take over what the other finds, and end it
        if it stays behind. Whether it is at work."""
        if not self.started:
            if spent > UNDECIDED and not self.is_quick:
                self.start()
        else:
            self.harvest()
            if self.is_behind(TRIAL + TRIAL_SHARE * spent):
                self.stop()
        return self.is_running

    def is_behind(self, seconds: float) -> bool:
        """Whether the other way has worked for so many seconds and reached less than the first."""
        if self._other is None or not self.is_running:
            return False
        return self._other.deadline.elapsed() > seconds and self._other.lower < self._search.lower

    def stop(self) -> None:
        """End the other way; what it has found can still be taken over."""
        self._end.set()
        if self._other is not None:
            self._other.stop()

    def harvest(self) -> None:
        """Take over what the other way has found. Raises what it has raised."""
        if self._work is not None and self._work.done():
            self._work.result()
        other = self._other
        if other is None:
            return
        if other.closest is not None:
            self._search.offer(other.closest.point, self._name)
        for number, (radius, trust) in enumerate(zip(list(other.lowers), list(other.trusts), strict=True)):
            self._search.prove(number, radius, trust, {self._name: 1.0})

    def __enter__(self) -> Beside:
        return self

    def __exit__(self, *end: object) -> None:
        self.stop()
        self._pool.shutdown(wait=True)
