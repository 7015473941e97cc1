"""What child processes of the watchdog do in tests."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

from verdict.base.errors import SolverError


def process(payload: object, emit: Any, cancelled: Callable[[], bool]) -> tuple[int, object]:
    """Its number, and what it was given."""
    return os.getpid(), payload


def dying(payload: object, emit: Any, cancelled: Callable[[], bool]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refusing(payload: object, emit: Any, cancelled: Callable[[], bool]) -> None:
    raise SolverError("not that")


def endless(payload: object, emit: Any, cancelled: Callable[[], bool]) -> None:
    while True:
        time.sleep(1)


def patient(payload: object, emit: Any, cancelled: Callable[[], bool]) -> str:
    """Ends when it is asked to."""
    while not cancelled():
        time.sleep(0.01)
    return "asked to end"


def impatient(payload: object, emit: Any, cancelled: Callable[[], bool]) -> str:
    time.sleep(0.1)
    return "asked to end" if cancelled() else "not asked to end"
