"""One clock for a whole question: every step asks it how much time is left."""

from __future__ import annotations

import math
import time

# The share of a search whose result is to be certified in the rest of the time.
SEARCH_SHARE = 0.5


class Deadline:
    """`seconds` from now, or never, and at the latest when the `whole` ends that this is a part of."""

    def __init__(self, seconds: float | None = None, whole: Deadline | None = None) -> None:
        self.started, self._whole = self.clock(), whole
        self.seconds = math.inf if seconds is None else seconds

    @staticmethod
    def clock() -> float:
        """The time now, in seconds."""
        return time.monotonic()

    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self.clock() - self.started

    def stop(self) -> None:
        """End now, and with this all its shares."""
        self.seconds = 0.0

    def share(self, fraction: float, most: float) -> Deadline:
        """A deadline for one stage: a fraction of the time left, at most so many seconds."""
        return Deadline(min(fraction * self.remaining(), most), self)

    def for_search(self, certifying: bool) -> Deadline:
        """What a search may take: half of the time where what it proves is to be certified in the rest, else all."""
        return self.share(SEARCH_SHARE, math.inf) if certifying else self

    def remaining(self) -> float:
        """Seconds left, at least 0; infinite without a limit."""
        left = max(0.0, self.seconds - self.elapsed())
        return left if self._whole is None else min(left, self._whole.remaining())

    def passed(self) -> bool:
        return self.remaining() <= 0

    def limit(self) -> float | None:
        """What to give a solver as its own time limit: None without one, never 0."""
        left = self.remaining()
        return None if math.isinf(left) else max(left, 0.05)


class ProcessorTime(Deadline):
    """The same in seconds of processor time that this process has used: a limit that other work on the machine does
    not move."""

    @staticmethod
    def clock() -> float:
        return time.process_time()

    def share(self, fraction: float, most: float) -> Deadline:
        return ProcessorTime(min(fraction * self.remaining(), most), self)
