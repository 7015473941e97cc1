"""What a child process of the watchdog says of itself."""

from __future__ import annotations

import os
import time
from collections.abc import Callable


def priority(payload: object, emit: Callable[[object], None], cancelled: Callable[[], bool]) -> None:
    """Report the child's priority once its parent has had time to set it."""
    del payload, cancelled
    time.sleep(0.2)
    emit(os.getpriority(os.PRIO_PROCESS, 0))
