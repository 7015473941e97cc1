"""One clock for a whole question: every step asks it how much time is left.

A search asks its own clock between steps and then ends in good order. What goes on within a step, or reads, or
replays, asks the clock that is `running`: `checkpoint` raises OutOfTime once it has run out, which ends whatever is
being done as Ctrl-C does, so that only what was complete before is kept. A clock made while another runs is a part of
that one.
"""

from __future__ import annotations

import contextlib
import functools
import math
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

from . import interrupted
from .arguments import seconds
from .errors import TimeLimitError

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

# The share of a search whose result is to be certified in the rest of the time.
SEARCH_SHARE = 0.5
# Seconds of processor time that others have used for this process.
_elsewhere = 0.0
# What a search may still do, in seconds, to tell what it holds when its time is up.
LAST_WORDS = 0.2
TIME_LIMIT = "the time limit was reached"


class OutOfTime(KeyboardInterrupt):
    """The running clock has run out in the middle of a step. Whoever keeps a result at Ctrl-C keeps it here too."""


_running: ContextVar[Deadline | None] = ContextVar("running", default=None)


class Deadline:
    """`seconds` from now, or never, and at the latest when the `whole` ends that this is a part of."""

    def __init__(
        self, seconds: float | None = None, whole: Deadline | None = None, *, started: float | None = None
    ) -> None:
        self.started = self.clock() if started is None else started
        self._whole = _running.get() if whole is None else whole
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

    @contextlib.contextmanager
    def running(self) -> Iterator[Deadline]:
        """While inside, in this thread, `checkpoint` asks this clock."""
        before = _running.set(self)
        try:
            yield self
        finally:
            _running.reset(before)

    def limit(self) -> float | None:
        """What to give a solver as its own time limit: None without one, never 0."""
        left = self.remaining()
        return None if math.isinf(left) else max(left, 0.05)


class ProcessorTime(Deadline):
    """The same in seconds of processor time that this process has used, and its copies for it: a limit that other work
    on the machine does not move."""

    @staticmethod
    def clock() -> float:
        return time.process_time() + _elsewhere

    def share(self, fraction: float, most: float) -> Deadline:
        return ProcessorTime(min(fraction * self.remaining(), most), self)


def spent_elsewhere(seconds: float) -> None:
    """Count processor time that another process has used for this one."""
    global _elsewhere
    _elsewhere += seconds


def checkpoint() -> None:
    """Raise OutOfTime if the running clock has run out; costs less than a microsecond. For every step of long work."""
    clock = _running.get()
    if clock is not None and clock.passed():
        raise OutOfTime(TIME_LIMIT)


def seconds_left() -> float:
    """Seconds left on the running clock, infinite without one."""
    clock = _running.get()
    return math.inf if clock is None else clock.remaining()


@contextlib.contextmanager
def last_words() -> Iterator[Deadline]:
    """A short time of its own, whatever clock has run out: to tell what a search holds, after its end."""
    clock = _running.get()
    before = _running.set(None)
    try:
        left = LAST_WORDS if clock is None else max(LAST_WORDS, clock.remaining())
        with Deadline(None if clock is None else left).running() as own:
            yield own
    finally:
        _running.reset(before)


@contextlib.contextmanager
def time_limit(limit: float | None) -> Iterator[None]:
    """While inside, in this thread, work ends after so many seconds.

    Where the time runs out before there is anything to answer with, TimeLimitError is raised, but in a question that is
    a part of another, which ends then.
    """
    whole = _running.get()
    if limit is None:
        yield
        return
    try:
        with Deadline(limit).running():
            yield
    except OutOfTime as end:
        if whole is not None:
            raise
        raise TimeLimitError(f"{TIME_LIMIT} before there was anything to answer with") from end


def limited(question: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """A question with a keyword `timeout`: it holds from the call on, for what is loaded and read as well."""

    @functools.wraps(question)
    def asked(*args: Given.args, **given: Given.kwargs) -> Answer:
        with time_limit(seconds(given.get("timeout"))):
            return question(*args, **given)

    return asked


@contextlib.contextmanager
def may_end() -> Iterator[None]:
    """While inside, Ctrl-C or the clock ends the work, and that is all."""
    try:
        yield
    except KeyboardInterrupt as end:
        why(end)


def why(end: KeyboardInterrupt) -> str:
    """What ended a search: the time, with what it had to say of itself, or the user."""
    if isinstance(end, OutOfTime):
        return str(end) or TIME_LIMIT
    interrupted.remember()
    return "interrupted"
