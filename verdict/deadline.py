"""One clock for a whole question: every step asks it how much time is left."""

from __future__ import annotations

import math
import time


class Deadline:
    """`seconds` from now, or never. `start` moves the beginning back, for time already spent."""

    def __init__(self, seconds: float | None = None) -> None:
        self.started = time.monotonic()
        self.seconds = math.inf if seconds is None else seconds

    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.started

    def share(self, fraction: float, most: float) -> Deadline:
        """A deadline for one stage: a fraction of the time left, at most so many seconds."""
        return Deadline(min(fraction * self.remaining(), most))

    def remaining(self) -> float:
        """Seconds left, at least 0; infinite without a limit."""
        return max(0.0, self.seconds - self.elapsed())

    def passed(self) -> bool:
        return self.remaining() <= 0

    def limit(self) -> float | None:
        """What to give a solver as its own time limit: None without one, never 0."""
        left = self.remaining()
        return None if math.isinf(left) else max(left, 0.05)
