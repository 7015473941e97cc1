"""Wall and CPU seconds of one stretch; CPU counts child processes that have ended, so it shows the work done
even where other processes hold the machine."""

from __future__ import annotations

import os
import time
from types import TracebackType


class Clock:
    """`with Clock() as clock: ...`, then `clock.seconds` and `clock.cpu`."""

    seconds = cpu = 0.0

    def __enter__(self) -> Clock:
        self._started, self._cpu = time.perf_counter(), _cpu()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds, self.cpu = time.perf_counter() - self._started, _cpu() - self._cpu


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
