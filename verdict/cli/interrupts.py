"""Ctrl-C: the first ends the search and keeps its answer, a later one leaves at once."""

from __future__ import annotations

import signal
import time
from types import FrameType, TracebackType

# Two presses within this many seconds are one: the second must not hit the code that saves the answer.
SAME_PRESS = 1.0


class Interrupts:
    """While entered, SIGINT raises KeyboardInterrupt, but not twice within `SAME_PRESS`; `seen` says if any came.

    A SIGINT that the parent has chosen to ignore (a background job) stays ignored.
    """

    def __init__(self) -> None:
        self._last: float | None = None

    @property
    def seen(self) -> bool:
        return self._last is not None

    def __enter__(self) -> Interrupts:
        self._previous = signal.getsignal(signal.SIGINT)
        if self._previous is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # After a Ctrl-C the program is about to end with its answer; a late press must not turn that into a
        # death by signal.
        signal.signal(signal.SIGINT, signal.SIG_IGN if self.seen else self._previous)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._last is not None and now - self._last < SAME_PRESS:
            return
        self._last = now
        raise KeyboardInterrupt
