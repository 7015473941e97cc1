"""Time limits: whoever works for long asks now and then, and is ended by an error if the time is over."""

from __future__ import annotations

import time
from collections.abc import Callable

from .errors import OutOfTimeError

Ask = Callable[[], None]


def nobody() -> None:
    """Ask nobody: there is no limit."""


def limit(seconds: float | None) -> Ask:
    """What raises OutOfTimeError once so many seconds have passed from now."""
    if seconds is None:
        return nobody
    end = time.monotonic() + seconds

    def ask() -> None:
        if time.monotonic() > end:
            raise OutOfTimeError(f"the time limit of {seconds:g} s was reached before the certificate was checked")

    return ask
