"""Runs a function in a child process that can always be killed, and keeps what it reported until then.

A solver that ignores its time limit, crashes or eats the memory must not take the verifier with it, and
native code cannot be stopped from inside its process. The child is a fresh interpreter (a fork would copy the
locks of the parent's threads; multiprocessing's spawn would import the user's __main__ again), about a
third of a second; so one that is kept takes one piece of work after another. It gets them as pickles on stdin and
sends back pickled frames. It dies with its parent: end of file on stdin ends it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, BinaryIO

from verdict.base.errors import SolverError
from verdict.solvers.results import Status

# Seconds between two looks at the clock and at the caller's wish to stop.
TICK = 0.02
# What a backend gets beyond its own time limit, and after a soft interrupt, before it is killed.
GRACE = 1.0
# What is sent to a child: the length of a pickle before it, or no pickle at all, which asks it to end its work.
_LENGTH = 8
_CANCEL = bytes(_LENGTH)
# The share of its time limit that a child has for its work at least, however long it took to start, and the most that
# this is, in seconds: no limit is overrun by more than that and GRACE.
LEAST, LEAST_SECONDS = 0.5, 1.0
# How much others go first: beside two busy threads on two cores, such a process has a quarter of one.
NICE = 5


@dataclass(frozen=True)
class Ending:
    """How a child ended: with a result, or with the status and the message that stand for it."""

    result: Any = None
    status: Status | None = None
    message: str = ""


@dataclass(frozen=True)
class Limits:
    """What a child may take: `seconds` from now, GRACE on top, before it is killed (TIME_LIMIT); MiB of address space
    (RLIMIT_AS; POSIX only). A `soft` one that is stopped is asked first and gets GRACE to hand over its result. One in
    the `background` has the processors that nothing else wants. Native code may keep to the `threads` of its first
    call."""

    seconds: float | None = None
    soft: bool = False
    memory: int | None = None
    background: bool = False
    threads: int = 1

    def of_process(self) -> Limits:
        """Those that a process has for good."""
        return replace(self, seconds=None, soft=False)


class Child:
    """A child process that calls one function after another; a context manager, at whose end it is killed.

    `start` begins it before there is work, so that it loads these modules meanwhile. One that has been killed, or has
    begun with other limits than the next call asks for, but for its time, has a successor.
    """

    def __init__(self, *modules: str) -> None:
        self._modules = modules
        self._process: _Process | None = None

    def start(self, limits: Limits | None = None) -> _Process:
        """Begin, unless it has."""
        limits = limits or Limits()
        if self._process is not None and not self._process.fits(limits):
            self.end()
        if self._process is None:
            self._process = _Process(self._modules, limits)
        return self._process

    def run(
        self,
        target: str,
        payload: object,
        *,
        on_report: Callable[[Any], None],
        stop: Callable[[], Status | None],
        limits: Limits | None = None,
    ) -> Ending:
        """Calls `target` in the child as target(payload, emit, cancelled) and returns how that ended.

        Args:
            target: "module:function"; the function may call emit(object) and should poll cancelled().
            payload: its argument; it and everything that comes back must pickle.
            on_report: called here with each emitted object; what it raises kills the child and propagates.
            stop: polled here; a status ends the child and becomes the ending's.
            limits: what it may take.
        A crash is an ending with status ERROR (MEMORY_LIMIT if it ran out of a given one). KeyboardInterrupt
        kills the child and propagates.

        Raises:
            SolverError: the function raised one in the child.
        """
        limits, ending = limits or Limits(), None
        process = self.start(limits)
        try:
            process.ask(target, payload)
            ending = _attend(process.frames, process.outbox, on_report, stop, limits)
            return process.crashed() if ending is None else ending
        finally:
            # One that was stopped, or was told to, may still be at its work.
            if ending is None or ending.status is not None:
                self.end()

    def end(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


def run(
    target: str,
    payload: object,
    *,
    on_report: Callable[[Any], None],
    stop: Callable[[], Status | None],
    limits: Limits | None = None,
) -> Ending:
    """`Child.run` in a child process for this alone."""
    with Child() as child:
        return child.run(target, payload, on_report=on_report, stop=stop, limits=limits)


class _Process:
    """One process: what it is sent, and what comes back."""

    def __init__(self, modules: Sequence[str], limits: Limits) -> None:
        self._limits = limits.of_process()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        self._child = subprocess.Popen(
            [sys.executable, "-m", "verdict.solvers.watchdog", *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            # Its own session: Ctrl-C reaches the parent alone, which then decides.
            start_new_session=True,
        )
        if limits.background:
            _give_way(self._child.pid)
        self.outbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.frames: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        threading.Thread(target=_read, args=(self._child.stdout, self.frames), daemon=True).start()
        threading.Thread(target=_write, args=(self._child.stdin, self.outbox), daemon=True).start()

    def fits(self, limits: Limits) -> bool:
        """Whether it is there, and has these limits but for the time."""
        return self._child.poll() is None and self._limits == limits.of_process()

    def ask(self, target: str, payload: object) -> None:
        work = target, payload, self._limits.memory, sys.path, time.monotonic()
        self.outbox.put(_framed(pickle.dumps(work, protocol=pickle.HIGHEST_PROTOCOL)))

    def crashed(self) -> Ending:
        """How it ended, which is gone without a word."""
        self._child.wait()
        self._errors.seek(0)
        tail = self._errors.read().decode(errors="replace").strip()[-300:]
        code = self._child.returncode
        # Native code that is refused memory throws, and an exception nobody catches aborts.
        aborted = code == -signal.SIGABRT or "bad_alloc" in tail or "MemoryError" in tail
        status = Status.MEMORY_LIMIT if self._limits.memory is not None and aborted else Status.ERROR
        return Ending(None, status, f"the solver's process ended with code {code}: {tail}")

    def end(self) -> None:
        self._child.kill()
        self._child.wait()
        self.outbox.put(b"")  # ends the writer
        for pipe in (self._child.stdin, self._child.stdout):
            _close(pipe)
        self._errors.close()


def _give_way(process: int) -> None:
    """Let others go first, where the system knows such a thing.

    Linux may share processors among sessions first, and weigh niceness only within one (sched(7), autogroups), so that
    of a session of its own is said as well.
    """
    with contextlib.suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, process, NICE)
    with contextlib.suppress(OSError):
        Path(f"/proc/{process}/autogroup").write_text(str(NICE), encoding="ascii")


def _attend(
    frames: queue.SimpleQueue[tuple[str, Any]],
    outbox: queue.SimpleQueue[bytes],
    on_report: Callable[[Any], None],
    stop: Callable[[], Status | None],
    limits: Limits,
) -> Ending | None:
    """The parent's loop; None when the child is gone without a word."""
    # Until it says that it begins, and then what it has from there.
    deadline = None if limits.seconds is None else time.monotonic() + limits.seconds + GRACE
    asked: Status | None = None
    while True:
        try:
            kind, value = frames.get(timeout=TICK)
        except queue.Empty:
            kind, value = "", None
        if kind == "report":
            on_report(value)
        elif kind == "begun" and asked is None:
            deadline = time.monotonic() + value + GRACE
        elif kind == "result":
            return Ending(value, asked)
        elif kind == "refused":
            raise SolverError(value)
        elif kind == "memory":
            return Ending(None, Status.MEMORY_LIMIT, "the solver ran out of its memory limit")
        elif kind == "end":
            # A child that broke while it was being stopped was stopped.
            return None if asked is None else Ending(None, asked, "the solver was stopped and broke")
        if asked is None:
            asked = stop()
            if asked is not None:
                if not limits.soft:
                    return Ending(None, asked, "the solver was stopped")
                deadline = time.monotonic() + GRACE
                outbox.put(_CANCEL)
        if deadline is not None and time.monotonic() > deadline:
            return Ending(None, asked or Status.TIME_LIMIT, "the solver ignored its limit and was killed")


def _read(pipe: BinaryIO, frames: queue.SimpleQueue[tuple[str, Any]]) -> None:
    try:
        while True:
            frames.put(pickle.load(pipe))
    except (EOFError, pickle.UnpicklingError, OSError, ValueError):
        frames.put(("end", None))


def _write(pipe: BinaryIO, outbox: queue.SimpleQueue[bytes]) -> None:
    try:
        while data := outbox.get():
            pipe.write(data)
            pipe.flush()
    except (OSError, ValueError):
        return  # the child is gone: its end of file on the other pipe tells


def _close(pipe: IO[bytes] | None) -> None:
    try:
        if pipe is not None:
            pipe.close()
    except OSError:
        return  # flushing into a dead child's pipe


def _framed(pickled: bytes) -> bytes:
    return len(pickled).to_bytes(_LENGTH, "big") + pickled


def _child(modules: Sequence[str]) -> None:
    """The child's side."""
    sys.excepthook = _end
    # Native code prints where it likes; the frames keep a descriptor of their own.
    wire = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    inbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    cancelled, lock = threading.Event(), threading.Lock()
    threading.Thread(target=_listen, args=(inbox, cancelled), daemon=True).start()

    def send(kind: str, value: object) -> None:
        with lock:
            pickle.dump((kind, value), wire, protocol=pickle.HIGHEST_PROTOCOL)
            wire.flush()

    for module in modules:
        # What cannot be loaded is missed, and told, when it is needed.
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    while True:
        try:
            send("result", _called(pickle.loads(inbox.get()), send, cancelled))
        except SolverError as error:
            send("refused", str(error))
        except MemoryError:
            send("memory", None)


def _called(work: Any, send: Callable[[str, object], None], cancelled: threading.Event) -> object:
    """In a child: the result of one piece of work."""
    target, payload, memory_limit, path, asked = work
    sys.path[:] = path
    # `begins` is asked of this module as others import it, which here is `__main__`.
    vars(importlib.import_module("verdict.solvers.watchdog"))["_start"] = asked, send
    module, _, name = target.partition(":")
    function = getattr(importlib.import_module(module), name)
    if memory_limit is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory_limit << 20, memory_limit << 20))
    return function(payload, lambda value: send("report", value), cancelled.is_set)


def _end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say what went wrong, and do not let the interpreter end by itself: where a thread waits for input it aborts, and
    says that instead."""
    sys.__excepthook__(kind, error, trace)
    os._exit(1)


# In a child: when it was asked for, and how it tells its parent.
_start: tuple[float, Callable[[str, object], None]] | None = None


def begins(seconds: float | None) -> float | None:
    """In a child, once it has loaded what it needs: what is left of its time limit for the work, LEAST of it at least,
    or LEAST_SECONDS.

    A busy machine takes seconds to start a process: without this it would be killed with the result in its hands.
    Elsewhere the time limit itself.
    """
    if _start is None or seconds is None:
        return seconds
    asked, send = _start
    left = max(seconds - (time.monotonic() - asked), min(LEAST * seconds, LEAST_SECONDS))
    send("begun", left)
    return left


def _listen(inbox: queue.SimpleQueue[bytes], cancelled: threading.Event) -> None:
    """In a child: take in what is sent, and end with the parent."""
    while head := sys.stdin.buffer.read(_LENGTH):
        if head == _CANCEL:
            cancelled.set()
            continue
        pickled = sys.stdin.buffer.read(int.from_bytes(head, "big"))
        cancelled.clear()
        inbox.put(pickled)
    os._exit(3)  # the parent is gone


if __name__ == "__main__":
    _child(sys.argv[1:])
