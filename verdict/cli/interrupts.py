"""Ctrl-C and SIGTERM: the first ends the search and keeps its answer, a later one leaves at once.

Signals can be handled in the main thread alone; in another one a command runs without.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

# Two presses within this many seconds are one: the second must not hit the code that saves the answer.
SAME_PRESS = 1.0


class _Handled:
    """While entered, a signal has a handler of ours; one that the parent has chosen to ignore stays ignored."""

    number: int | None

    def __enter__(self) -> Any:
        self._previous: Any = signal.SIG_IGN
        if self.number is not None and threading.current_thread() is threading.main_thread():
            self._previous = signal.getsignal(self.number)
        if self._previous is not signal.SIG_IGN and self._previous is not None and self.number is not None:
            signal.signal(self.number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._previous is not signal.SIG_IGN and self._previous is not None and self.number is not None:
            signal.signal(self.number, self._afterwards())

    def _afterwards(self) -> Any:
        return self._previous

    def _handle(self, number: int, frame: FrameType | None) -> None:
        raise NotImplementedError


class Interrupts(_Handled):
    """While entered, SIGINT raises KeyboardInterrupt, but not twice within `SAME_PRESS`; `seen` says if any came."""

    number = signal.SIGINT

    def __init__(self) -> None:
        self._last: float | None = None

    @property
    def seen(self) -> bool:
        return self._last is not None

    def _afterwards(self) -> Any:
        # After a Ctrl-C the program is about to end with its answer; a late press must not turn that into a
        # death by signal.
        return signal.SIG_IGN if self.seen else self._previous

    def _handle(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._last is not None and now - self._last < SAME_PRESS:
            return
        self._last = now
        raise Press


class Terminated(_Handled):
    """While entered, SIGTERM is Ctrl-C: whatever handles SIGINT then handles it, so that the answer reached is printed,
    child processes end, and files without a name go."""

    number = getattr(signal, "SIGTERM", None)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        handler = signal.getsignal(signal.SIGINT)
        if callable(handler):
            handler(signal.SIGINT, frame)
        else:
            # A shell starts what runs in the background with SIGINT ignored; SIGTERM still has to end it.
            raise Press


class Press(KeyboardInterrupt):
    """A Ctrl-C. One that ends in the code of a library, which catches whatever comes, comes again."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def __del__(self) -> None:
        # At once, and in which frame the last that knew of it is gone; much later it may be any.
        if time.monotonic() - self._since < AT_ONCE:
            frame = sys._getframe(1)
            if not str(frame.f_globals.get("__name__")).startswith(OURS):
                _again()


# Seconds in which a library has caught what it was not to catch.
AT_ONCE = 0.5
# What the modules are called in which a Ctrl-C that is caught has been heard.
OURS = ("verdict", "__main__")
# While `heard` is entered, the presses to come.
_coming: list[threading.Timer] | None = None


def _again() -> None:
    """Let a Ctrl-C come again, late enough to be a press of its own."""
    if _coming is not None:
        _coming.append(threading.Timer(SAME_PRESS, _press))
        _coming[-1].daemon = True
        _coming[-1].start()


@contextlib.contextmanager
def heard() -> Iterator[None]:
    """While entered, a Ctrl-C that somebody swallows comes again.

    The handler's exception goes up from wherever the main thread is. In the callback of a weak reference, as importing
    modules makes them, or in a `__del__` nobody gets it, and libraries catch it where they expect something else.
    """
    global _coming
    previous, _coming = sys.unraisablehook, []

    def hook(swallowed: Any) -> None:
        if issubclass(swallowed.exc_type, KeyboardInterrupt):
            _again()
        else:
            previous(swallowed)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = previous
        coming, _coming = _coming, None
        for timer in coming:
            timer.cancel()


def _press() -> None:
    """Ctrl-C for the main thread, which it wakes where the system can do that."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)
