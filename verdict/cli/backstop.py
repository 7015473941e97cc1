"""The last resort of every limit: a process that does nothing but wait beside the one that works.

Native code, or one huge operation, may not look at the clock for a while, and a process that the system kills says
nothing. So a command with a limit is worked on in a child, which tells its parent what it holds; a moment after the
limit the parent answers with that and ends the child and all that it has started. Where processes cannot fork there is
no parent, and the clock alone holds the limit.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Sequence
from types import FrameType
from typing import Any

from verdict.base import processes
from verdict.cli import exitcodes

# Seconds after its limit before a command is answered for, and more where its answer is on its way already.
GRACE, PRINTING = 0.5, 3.0
# Seconds between two looks at the memory of the processes.
LOOK = 0.1
LIMITS = ("--timeout", "--memory")
# Commands whose limits are not for themselves but for each of the processes that they start.
OWN_LIMITS = ("run",)


class Child:
    """The working process's end: what it tells its parent, if it has one, and what it holds."""

    def __init__(self) -> None:
        self._wire: int | None = None
        # What is printed while this is set is only kept, and nobody's to see yet.
        self.is_keeping, self._has_written = False, False
        self.out, self.err, self.code = "", "", exitcodes.UNKNOWN

    def connect(self, wire: int, lifeline: int) -> None:
        """Speak on `wire`; end when `lifeline` does, with the parent."""
        self._wire = wire
        threading.Thread(target=_outlive, args=(lifeline,), daemon=True).start()

    @property
    def is_watched(self) -> bool:
        return self._wire is not None

    def limits(self, seconds: float | None, memory: int | None) -> None:
        """From now on these limits hold: seconds from now, and bytes."""
        until = None if seconds is None else time.monotonic() + seconds
        self._tell(until=until, memory=memory)

    def hold(self, out: str, err: str = "", code: int = exitcodes.UNKNOWN) -> None:
        """What is to be said, and the exit code, if nothing better comes in time."""
        self.out, self.err, self.code = out, err, code
        self._has_written = False
        self._tell(out=out, err=err, code=code, printing=False, written=False)

    def printing(self) -> None:
        """The answer is on its way."""
        if not self.is_keeping:
            self._tell(printing=True)

    def writing(self) -> None:
        """The first of it is written now, and is nothing that the parent should say again."""
        if not (self.is_keeping or self._has_written):
            self._has_written = True
            self._tell(printing=True, written=True)

    def done(self, code: int) -> None:
        """The answer is out."""
        self._tell(done=code)

    def _tell(self, **words: Any) -> None:
        if self._wire is None:
            return
        data = json.dumps(words).encode() + b"\n"
        try:
            while data:
                data = data[os.write(self._wire, data) :]
        except OSError:
            self._wire = None


CHILD = Child()


def _outlive(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    os._exit(exitcodes.INTERRUPTED)


def watched(words: Sequence[str]) -> int | None:
    """Split into a parent and a child if these words set a limit: None in the child, its exit code in the parent."""
    is_own = next((word for word in words if not word.startswith("-")), "") in OWN_LIMITS
    if is_own or not hasattr(os, "fork") or not any(word.partition("=")[0] in LIMITS for word in words):
        return None
    hear, tell = os.pipe()
    lifeline, hold = os.pipe()
    room = processes.room(os.environ.get("TMPDIR") or "/tmp")
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(hear)
        os.close(hold)
        os.setpgid(0, 0)
        if room is not None:
            os.environ["TMPDIR"] = room
        CHILD.connect(tell, lifeline)
        return None
    os.close(tell)
    os.close(lifeline)
    try:
        return _Parent(child, hear).wait()
    finally:
        if room is not None:
            processes.clear(room)


class _Parent:
    """The waiting process."""

    def __init__(self, child: int, wire: int) -> None:
        self.child, self.wire, self.rest = child, wire, b""
        self.state: dict[str, Any] = {"until": None, "memory": None, "out": "", "err": "", "printing": False}
        self.state["written"] = False
        self.state["code"] = exitcodes.UNKNOWN
        self.used = 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._pass_on)
        signal.signal(signal.SIGTSTP, self._pause)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        _send(self.child, number)

    def _pause(self, number: int, frame: FrameType | None) -> None:
        _send(self.child, signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        _send(self.child, signal.SIGCONT)

    def wait(self) -> int:
        """The exit code: that of the child, or of what it held when its limit had passed."""
        while True:
            until = self.state["until"]
            late = None if until is None else until + (GRACE + PRINTING if self.state["printing"] else GRACE)
            left = LOOK if late is None else max(0.0, min(LOOK, late - time.monotonic()))
            if select.select([self.wire], [], [], left)[0]:
                data = os.read(self.wire, 2**16)
                if not data:
                    return self._ended()
                self._hear(data)
                if "done" in self.state:
                    self._kill()
                    return int(self.state["done"])
            elif late is not None and time.monotonic() >= late:
                return self._answer()
            elif self.state["memory"] is not None and not self.state["printing"]:
                self.used = sum(map(processes.resident, processes.family(self.child)))
                if self.used > self.state["memory"]:
                    return self._too_large()

    def _hear(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.state |= json.loads(line)

    def _answer(self) -> int:
        self._kill()
        _erase_progress()
        # What it has said last.
        while select.select([self.wire], [], [], 0)[0] and (data := os.read(self.wire, 2**16)):
            self._hear(data)
        if not self.state["written"]:
            _write(1, self.state["out"])
            _write(2, self.state["err"])
        return int(self.state["code"])

    def _too_large(self) -> int:
        self._kill()
        _erase_progress()
        most = self.state["memory"] / 2**30
        _write(2, f"error: it needs more than {most:.3g} GiB of memory (--memory, else most of what is free)\n")
        return exitcodes.BAD_INPUT

    def _ended(self) -> int:
        """The child is gone without a word: with an exit code, or by a signal, which is then ours too."""
        _, status = os.waitpid(self.child, 0)
        code = os.waitstatus_to_exitcode(status)
        if code >= 0:
            return code
        if -code in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(-code, signal.SIG_DFL)
            os.kill(os.getpid(), -code)
        if code == -signal.SIGKILL:
            _write(2, "error: the system killed the search, as it does where memory runs out (--memory sets a limit)\n")
            return exitcodes.BAD_INPUT
        _write(2, f"error: the search ended by signal {-code} (this is a defect, please report it)\n")
        return exitcodes.INTERNAL

    def _kill(self) -> None:
        processes.end(self.child)
        os.waitpid(self.child, 0)


def _send(process: int, number: int) -> None:
    try:
        os.kill(process, number)
    except OSError:
        return


def _erase_progress() -> None:
    """What a child that was killed cannot do: clear its progress line, and show the cursor again."""
    if os.isatty(2):
        _write(2, "\x1b[?25h\r\x1b[2K")


def _write(descriptor: int, text: str) -> None:
    try:
        os.write(descriptor, text.encode(errors="replace"))
    except OSError:
        return
