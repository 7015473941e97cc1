"""Runs a function in a child process that can always be killed, and keeps what it reported until then.

A solver that ignores its time limit, crashes or eats the memory must not take the verifier with it, and
native code cannot be stopped from inside its process. The child is a fresh interpreter (a fork would copy the
locks of the parent's threads; multiprocessing's spawn would import the user's __main__ again), about a
quarter of a second; it gets its work as a pickle on stdin and sends back pickled frames. It dies with its
parent: end of file on stdin ends it.
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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, BinaryIO

from verdict.base.errors import SolverError
from verdict.solvers.results import Status

# Seconds between two looks at the clock and at the caller's wish to stop.
TICK = 0.02
# What a backend gets beyond its own time limit, and after a soft interrupt, before it is killed.
GRACE = 1.0
_CANCEL = b"cancel\n"
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
    the `background` has the processors that nothing else wants."""

    seconds: float | None = None
    soft: bool = False
    memory: int | None = None
    background: bool = False


def run(
    target: str,
    payload: object,
    *,
    on_report: Callable[[Any], None],
    stop: Callable[[], Status | None],
    limits: Limits | None = None,
) -> Ending:
    """Calls `target` in a child process as target(payload, emit, cancelled) and returns how that ended.

    Args:
        target: "module:function"; the function may call emit(object) and should poll cancelled().
        payload: its argument; it and everything that comes back must pickle.
        on_report: called here with each emitted object; what it raises kills the child and propagates.
        stop: polled here; a status ends the child and becomes the ending's.
    A crash is an ending with status ERROR (MEMORY_LIMIT if it ran out of a given one). KeyboardInterrupt
    kills the child and propagates.

    Raises:
        SolverError: the function raised one in the child.
    """
    limits = limits or Limits()
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", "verdict.solvers.watchdog"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            # Its own session: Ctrl-C reaches the parent alone, which then decides.
            start_new_session=True,
        )
        if limits.background:
            _give_way(child.pid)
        outbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        try:
            frames: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
            threading.Thread(target=_read, args=(child.stdout, frames), daemon=True).start()
            work = target, payload, limits.memory, sys.path, time.monotonic()
            outbox.put(pickle.dumps(work, protocol=pickle.HIGHEST_PROTOCOL))
            threading.Thread(target=_write, args=(child.stdin, outbox), daemon=True).start()
            ending = _attend(frames, outbox, on_report, stop, limits)
            if ending is not None:
                return ending
            child.wait()
            errors.seek(0)
            return _crashed(child.returncode, errors.read().decode(errors="replace").strip()[-300:], limits)
        finally:
            child.kill()
            child.wait()
            outbox.put(b"")  # ends the writer
            for pipe in (child.stdin, child.stdout):
                _close(pipe)


def _give_way(process: int) -> None:
    """Let others go first, where the system knows such a thing.

    Linux may share processors among sessions first, and weigh niceness only within one (sched(7), autogroups), so that
    of a session of its own is said as well.
    """
    with contextlib.suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, process, NICE)
    with contextlib.suppress(OSError):
        Path(f"/proc/{process}/autogroup").write_text(str(NICE), encoding="ascii")


def _crashed(code: int, tail: str, limits: Limits) -> Ending:
    """The ending of a child that is gone without a word; `tail` is the end of what it wrote on stderr."""
    # Native code that is refused memory throws, and an exception nobody catches aborts.
    ran_out = limits.memory is not None and (code == -signal.SIGABRT or "bad_alloc" in tail or "MemoryError" in tail)
    status = Status.MEMORY_LIMIT if ran_out else Status.ERROR
    return Ending(None, status, f"the solver's process ended with code {code}: {tail}")


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


def _child() -> None:
    """The child's side."""
    sys.excepthook = _end
    # Native code prints where it likes; the frames keep a descriptor of their own.
    wire = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    target, payload, memory_limit, path, asked = pickle.load(sys.stdin.buffer)
    sys.path[:] = path
    cancelled = threading.Event()
    threading.Thread(target=_listen, args=(cancelled,), daemon=True).start()
    lock = threading.Lock()

    def send(kind: str, value: object) -> None:
        with lock:
            pickle.dump((kind, value), wire, protocol=pickle.HIGHEST_PROTOCOL)
            wire.flush()

    # `begins` is asked of this module as others import it, which here is `__main__`.
    vars(importlib.import_module("verdict.solvers.watchdog"))["_start"] = asked, send
    module, _, name = target.partition(":")
    function = getattr(importlib.import_module(module), name)
    if memory_limit is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory_limit << 20, memory_limit << 20))
    try:
        send("result", function(payload, lambda value: send("report", value), cancelled.is_set))
    except SolverError as error:
        send("refused", str(error))
    except MemoryError:
        send("memory", None)
    # No interpreter shutdown: native threads may still be running.
    os._exit(0)


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


def _listen(cancelled: threading.Event) -> None:
    while line := sys.stdin.buffer.readline():
        if line == _CANCEL:
            cancelled.set()
    os._exit(3)  # the parent is gone


if __name__ == "__main__":
    _child()
