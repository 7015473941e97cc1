"""Copies of this process that work on items beside it, for work in Python's short steps, where threads wait for the
one lock that they share.

A copy is made by fork, in some milliseconds: it has all that is in memory at that moment and nothing of what comes
later, so the function that it applies must not depend on more than its items. What a copy cannot do, for whatever
reason, is done here. Only a process of Verdict's own is copied, as a command is: in somebody else's nobody knows what a
fork meets.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from . import blas, memory
from .deadline import checkpoint, spent_elsewhere
from .workers import alone

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Item = TypeVar("Item")
Result = TypeVar("Result")

# A copy that takes so many times as long as an item takes here, and seconds more, is not waited for.
PATIENCE, SECONDS = 10.0, 2.0
# Seconds between two looks at the clock.
LOOK = 0.05


class Copies(Generic[Item, Result]):
    """Copies of this process that apply `function`; they end with `end`, or with this process.

    They `are_to_be_had` where this process is our own, on Linux, and there is room for a second one.
    """

    def __init__(self, function: Callable[[Item], Result]) -> None:
        self._function = function
        self._copies: list[_Copy[Item, Result]] = []
        self.are_to_be_had = blas.is_own and sys.platform == "linux" and memory.left() > 2 * memory.resident()

    def map(self, items: Sequence[Item], here: Callable[[Item], Result]) -> list[Result]:
        """The results in order, the first item's made `here`, by what does the same as the function; an exception in
        that, or of the clock, is raised."""
        if not items:
            return []
        try:
            while len(self._copies) < len(items) - 1:
                self._copies.append(_Copy(self._function))
            asked = [copy.ask(item) for copy, item in zip(self._copies, items[1:], strict=False)]
            began = time.monotonic()
            results = [here(items[0])]
            latest = time.monotonic() + SECONDS + PATIENCE * (time.monotonic() - began)
            for copy, item, is_asked in zip(self._copies, items[1:], asked, strict=False):
                found = copy.answer(latest) if is_asked else None
                # One that failed once is not asked again, nor is another one made.
                self.are_to_be_had &= found is not None
                results.append(here(item) if found is None else found[0])
            return results
        except BaseException:
            # Answers to what nobody waits for any more.
            self.end()
            raise

    def end(self) -> None:
        for copy in self._copies:
            copy.end()
        self._copies.clear()


class _Copy(Generic[Item, Result]):
    """One copy: it is asked, and then answers; once it has failed it is at its end."""

    def __init__(self, function: Callable[[Item], Result]) -> None:
        from multiprocessing import Pipe

        self._here, there = Pipe()
        with warnings.catch_warnings():
            # Of other threads none is needed in the copy.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process = os.fork()
        if self._process == 0:
            _serve(function, self._here, there)
        there.close()

    def ask(self, item: Item) -> bool:
        """Whether it has taken the item."""
        try:
            self._here.send_bytes(pickle.dumps(item, pickle.HIGHEST_PROTOCOL))
        except OSError:
            self.end()
            return False
        return True

    def answer(self, latest: float) -> tuple[Result] | None:
        """What it has found, in a tuple; None if it could not, or not until the `latest` moment."""
        try:
            while not self._here.poll(LOOK):
                checkpoint()
                if time.monotonic() > latest:
                    raise EOFError
            seconds: float
            found: Result
            seconds, found = pickle.loads(self._here.recv_bytes())
        except (EOFError, OSError, pickle.UnpicklingError):
            self.end()
            return None
        spent_elsewhere(seconds)
        return (found,)

    def end(self) -> None:
        """End it, at once."""
        if self._process:
            self._here.close()
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._process, 0)
            self._process = 0


def _serve(function: Callable[[Item], Result], others: Connection, own: Connection) -> None:
    """The copy's side: answer until there is nobody to answer to, and never return. Whatever is raised ends it, and
    the process that asks will meet it too."""
    try:
        others.close()
        # Ctrl-C is for the process that has the answer; what is in memory now is not looked through for what to free.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        gc.freeze()
        context, last = alone(), time.process_time()
        while True:
            item = pickle.loads(own.recv_bytes())
            found = context.run(function, item)
            seconds, last = time.process_time() - last, time.process_time()
            own.send_bytes(pickle.dumps((seconds, found), pickle.HIGHEST_PROTOCOL))
    finally:
        os._exit(0)
