"""Watching one solve: its best bound and incumbent, and whether it should stop."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from verdict.solvers.model import Vector
from verdict.solvers.results import Progress, Raw, Status


class Monitor:
    """Collects the reports of one solve: keeps the best, passes on improvements, decides when to stop.

    `stop()` is asked by the running backend: None to go on, else the status under which to end.
    """

    def __init__(
        self,
        progress: Callable[[Progress], object] | None,
        cancel: threading.Event | None,
        target_bound: float | None,
    ) -> None:
        self._progress = progress
        self._cancel = cancel
        self._target = target_bound
        self._started = time.monotonic()
        self.bound = -math.inf
        self.incumbent = math.inf
        self.point: Vector | None = None

    def report(self, bound: float, incumbent: float, point: Vector | None = None) -> None:
        """Takes one report; forwards it when it improves on what is known. The callback's exceptions
        propagate.
        """
        if point is not None and incumbent <= self.incumbent:
            self.point = point
        better = bound > self.bound or incumbent < self.incumbent
        self.bound = max(self.bound, bound)
        self.incumbent = min(self.incumbent, incumbent)
        if better and self._progress is not None:
            seconds = time.monotonic() - self._started
            self._progress(Progress(seconds, self.bound, self.incumbent, self.point))

    def stop(self) -> Status | None:
        """Why the run should stop now, or None."""
        if self._cancel is not None and self._cancel.is_set():
            return Status.INTERRUPTED
        if self._target is not None and self.bound >= self._target:
            return Status.TARGET
        return None

    def quiet(self) -> Monitor:
        """For a second solve within the same call: it can be cancelled, and its values are not reported."""
        return Monitor(None, self._cancel, None)

    def seconds(self) -> float:
        """Wall time since the start."""
        return time.monotonic() - self._started

    def stopped(self, status: Status, message: str) -> Raw:
        """What is left when the backend was killed: the last bound and, if it was handed over, the last
        point.
        """
        if self.point is None and self.incumbent < math.inf:
            message += f"; its incumbent of value {self.incumbent!r} was lost with it"
        return Raw(status, self.bound, self.point, message=message)
