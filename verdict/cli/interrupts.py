"""Ctrl-C and SIGTERM: the first ends the search and keeps its answer, a later one leaves at once.

Signals can be handled in the main thread alone; in another one a command runs without. The handler's exception goes up
from wherever the main thread is: in the callback of a weak reference or in a `__del__` nobody gets it, C code that
calls Python may drop it, and libraries catch it where they expect something else (importing modules does all of these).
So a press that nobody has heard comes again.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from types import FrameType, TracebackType
from typing import Any, NamedTuple

from verdict.base import interrupted

# Two presses within this many seconds are one: the second must not hit the code that saves the answer. A press that is
# gone and that nobody has heard comes again after as many,
SAME_PRESS = 1.0
# and after these seconds one that is not gone: a library may hold it, or a clean-up hang.
STUCK = 2.0
# How often that is looked at, in seconds.
LOOK = 0.1


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
        # A handler may put into this kind of queue, whatever the main thread was doing, but not start a thread.
        self._presses: SimpleQueue[_Raised | None] = SimpleQueue()

    def __enter__(self) -> Any:
        threading.Thread(target=_repeat, args=[self._presses], daemon=True, name="presses").start()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._presses.put(None)
        super().__exit__(kind, error, trace)

    @property
    def seen(self) -> bool:
        return self._last is not None

    def _afterwards(self) -> Any:
        # After a Ctrl-C the program is about to end with its answer; a late press must not turn that into a
        # death by signal.
        ended = self.seen or signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        return signal.SIG_IGN if ended else self._previous

    def _handle(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._last is not None and now - self._last < SAME_PRESS:
            return
        self._last = now
        press = Press()
        self._presses.put(_Raised(weakref.ref(press), interrupted.count()))
        try:
            raise press
        finally:
            # The traceback holds this frame, which would keep the press alive.
            del press


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
    """A Ctrl-C, while it looks for somebody to hear it."""


class _Raised(NamedTuple):
    """A press that is on its way, and how many had been heard before."""

    press: weakref.ref[Press]
    heard: int


def _repeat(presses: SimpleQueue[_Raised | None]) -> None:
    """Let each press that nobody has heard (`base.interrupted`) come again, until None comes."""
    last: _Raised | None = None
    since = 0.0
    while True:
        with contextlib.suppress(Empty):
            last, since = presses.get(timeout=None if last is None else LOOK), time.monotonic()
            if last is None:
                return
        if last is None or interrupted.count() != last.heard:
            last = None
        elif time.monotonic() - since > (SAME_PRESS if last.press() is None else STUCK):
            last = None
            _press()


def _press() -> None:
    """Ctrl-C for the main thread, which it wakes where the system can do that."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """While entered, Python does not tell of a Ctrl-C that it had to drop: it comes again."""
    previous = sys.unraisablehook

    def hook(dropped: Any) -> None:
        if not issubclass(dropped.exc_type, Press):
            previous(dropped)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = previous
