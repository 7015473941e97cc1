"""An incremental SMT-LIB 2 session with the z3 binary, whose limits hold.

Z3 answers over pipes from a process of its own, because it sometimes ignores its time limit and its Python
binding cannot be killed. Every command ends with an echo of a fresh marker, so an answer is complete or the
session is dead; an `(error ...)` anywhere in an answer is a SolverError and never a verdict.
"""

from __future__ import annotations

import functools
import importlib.metadata
import itertools
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from verdict.base.errors import SolverError
from verdict.solvers.sexpr import parse, rational

# Seconds that Z3 gets beyond its own time limit, and after an interrupt, before it is killed.
GRACE = 0.5
_TICK = 0.02


@functools.cache
def binary() -> str | None:
    """The z3 executable: the z3-solver wheel's, next to the interpreter, or one on the PATH; else None."""
    name = "z3.exe" if os.name == "nt" else "z3"
    places = [Path(sys.executable).with_name(name)]
    try:
        files = importlib.metadata.files("z3-solver") or []
        places += [Path(str(f.locate())) for f in files if f.name == name]
    except importlib.metadata.PackageNotFoundError:
        places.append(Path(name))
    for place in places:
        if place.is_absolute() and place.is_file() and os.access(place, os.X_OK):
            return str(place)
    return shutil.which("z3")


def _die_with_parent() -> None:
    """In the child: be killed with the thread that started it. A busy Z3 would outlive a killed verifier."""
    import ctypes

    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


class Session:
    """One z3 process; use it as a context manager, or `close` it.

    Args:
        memory: MiB, held by Z3 itself; beyond it the check is "unknown" or the session ends.
        path: the executable, found by itself if None.

    After a kill (a limit ignored, `close`, KeyboardInterrupt) `dead` says why, and every use raises a
    SolverError with that reason. `check` alone turns a kill by its limit into "unknown".
    """

    def __init__(self, memory: int | None = None, path: str | None = None) -> None:
        executable = path or binary()
        if executable is None:
            raise SolverError(
                "the z3 executable is missing: pip install 'z3-solver>=4.12', or put z3 on the PATH"
            )
        options = ["-in", "-smt2"] + ([f"-memory:{memory}"] if memory is not None else [])
        self.dead: str | None = None
        self._timeout_set = False
        self._reason = ""
        self._markers = itertools.count()
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        try:
            self._child = subprocess.Popen(
                [executable, *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
        except OSError as error:
            raise SolverError(f"cannot start {executable}: {error}") from error
        for work, pipe in ((_read, self._child.stdout), (_write, self._child.stdin)):
            box = self._lines if work is _read else self._outbox
            threading.Thread(target=work, args=(pipe, box), daemon=True).start()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process; later uses raise."""
        self._kill("the session is closed")

    def _kill(self, why: str) -> None:
        if self.dead is None:
            self.dead = why
        self._outbox.put(b"")
        self._child.kill()
        self._child.wait()

    def interrupt(self) -> None:
        """Asks a running check, from any thread, to end as "unknown"; harmless otherwise."""
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGINT)

    def command(self, text: str, *, timeout: float | None = None) -> str:
        """Sends SMT-LIB commands and returns what Z3 printed, stripped.

        Args:
            text: complete commands.
            timeout: wall seconds, after which the process is killed; None waits.

        Raises:
            SolverError: Z3 reported an error (its text is quoted), died, or the session was dead.
        """
        if self.dead is not None:
            raise SolverError(f"the Z3 session is dead: {self.dead}")
        try:
            answer = self._exchange(text, timeout, None)
        except _ReportedError:
            raise  # a complete answer: the session goes on
        except BaseException:
            # Half an answer in the pipe would be taken for the next one's.
            self._kill("it was interrupted in the middle of a command")
            raise
        if answer is None:
            self._kill(f"no answer within {timeout} s")
            raise SolverError(f"the Z3 session is dead: {self.dead}")
        return answer

    def _exchange(self, text: str, timeout: float | None, watch: Callable[[], bool] | None) -> str | None:
        """Sends, reads up to the marker; None when the time is up. `watch` is polled; True interrupts Z3
        once.
        """
        marker = f"verdict-{next(self._markers)}"
        self._outbox.put(f'{text}\n(echo "{marker}")\n'.encode())
        deadline = None if timeout is None else time.monotonic() + timeout
        lines: list[str] = []
        asked = False
        while True:
            try:
                line: str | None = self._lines.get(timeout=_TICK)
            except queue.Empty:
                line = ""
            if line is None:
                self._child.wait()
                said = " ".join(lines)[-300:]
                self._kill(f"z3 ended with code {self._child.returncode}: {said}")
                raise SolverError(f"the Z3 session is dead: {self.dead}")
            if line == marker:
                break
            if line:
                lines.append(line)
            if watch is not None and not asked and watch():
                asked = True
                self.interrupt()
                deadline = min(deadline or float("inf"), time.monotonic() + GRACE)
            if deadline is not None and time.monotonic() > deadline:
                return None
        answer = "\n".join(lines)
        if any(line.startswith(("(error", "unsupported")) for line in lines):
            raise _ReportedError(answer)
        return answer

    def check(
        self,
        assumptions: Sequence[str] = (),
        timeout: float | None = None,
        watch: Callable[[], bool] | None = None,
    ) -> str:
        """Decides the assertions: "sat", "unsat" or "unknown"; `reason_unknown` then says why.

        Args:
            assumptions: Boolean terms assumed for this check only. Those that are not literals are allowed,
                as Z3 does.
            timeout: wall seconds. It is Z3's own limit too; Z3 is killed GRACE later, and then the session is
                dead.
            watch: polled while Z3 works; once it returns True the check is interrupted.

        Raises:
            SolverError: Z3 reported an error, died by itself, or the session was dead.
        """
        if self.dead is not None:
            raise SolverError(f"the Z3 session is dead: {self.dead}")
        text = f"(check-sat-assuming ({' '.join(assumptions)}))" if assumptions else "(check-sat)"
        if timeout is not None or self._timeout_set:
            # Z3's default, 4294967295, is "no limit".
            limit = 4294967295 if timeout is None else max(1, int(timeout * 1000))
            text = f"(set-option :timeout {limit})\n{text}"
            self._timeout_set = timeout is not None
        self._reason = ""
        hard = None if timeout is None else timeout + GRACE
        try:
            answer = self._exchange(text, hard, watch)
        except _ReportedError as error:
            if error.canceled is None:
                raise
            # How it ends at an interrupt, or its limit, in some of its phases.
            self._reason = "canceled"
            if error.canceled:
                # In the middle of a push, say: what is asserted now, nobody knows.
                self._kill(f"Z3 was interrupted while it did a {error.canceled}")
            return "unknown"
        except BaseException:
            self._kill("a check failed or was interrupted")
            raise
        if answer is None:
            self._reason = "killed: Z3 ignored its limit"
            self._kill("Z3 ignored its time limit or an interrupt and was killed")
            return "unknown"
        # Warnings, if any, come before the answer.
        verdict = answer.splitlines()[-1].strip() if answer else ""
        if verdict not in ("sat", "unsat", "unknown"):
            if verdict == "timeout":
                verdict = "unknown"
            else:
                raise SolverError(f"Z3 answered {answer[:300]!r} to a check, expected sat, unsat or unknown")
        return verdict

    def reason_unknown(self) -> str:
        """Why the last check was "unknown", in Z3's words or, after a kill, in ours."""
        if self._reason or self.dead is not None:
            return self._reason or str(self.dead)
        found = parse(self.command("(get-info :reason-unknown)", timeout=10.0))
        entry = found[0] if found else ""
        return str(entry[1]).strip('"') if isinstance(entry, list) and len(entry) == 2 else str(entry)

    def values(self, names: Sequence[str], timeout: float | None = None) -> dict[str, Fraction]:
        """The model's exact values of the named numeric constants (or terms), after "sat".

        Raises:
            SolverError: a value is not rational (an algebraic number), or Z3 has no model.
        """
        if not names:
            return {}
        pairs = parse(self.command(f"(get-value ({' '.join(names)}))", timeout=timeout))
        entries = pairs[0] if pairs else []
        if not isinstance(entries, list) or len(entries) != len(names):
            raise SolverError(f"Z3 gave {len(entries)} values for {len(names)} names")
        found: dict[str, Fraction] = {}
        for name, entry in zip(names, entries, strict=True):
            if not isinstance(entry, list) or len(entry) != 2:
                raise SolverError(f"Z3 gave no value for {name}")
            found[name] = rational(entry[1])
        return found

    def objectives(self) -> list[Fraction | None]:
        """The optima of `(minimize ...)`/`(maximize ...)` after "sat", in order; None where unbounded."""
        found = parse(self.command("(get-objectives)", timeout=60.0))
        entries = found[0][1:] if found and isinstance(found[0], list) else []
        values: list[Fraction | None] = []
        for entry in entries:
            value = entry[1] if isinstance(entry, list) and len(entry) == 2 else ""
            values.append(None if "oo" in _atoms(value) else rational(value))
        return values

    def push(self) -> None:
        """Opens a scope."""
        self.command("(push 1)")

    def pop(self) -> None:
        """Drops the innermost scope with its declarations and assertions."""
        self.command("(pop 1)")


class _ReportedError(SolverError):
    """Z3 answered with (error ...)."""

    def __init__(self, answer: str) -> None:
        super().__init__(f"Z3 reported: {answer[:500]}")
        parts = [re.fullmatch(r'\(error ".*: (?:(\w+) )?canceled"\)', line) for line in answer.splitlines()]
        # What was canceled: "" for the check as a whole; None where anything else was said.
        self.canceled = "".join({p[1] or "" for p in parts if p}) if parts and all(parts) else None


def _atoms(value: object) -> set[str]:
    if isinstance(value, list):
        return set().union(*(_atoms(part) for part in value))
    return {str(value)}


def _read(pipe: BinaryIO, lines: queue.SimpleQueue[str | None]) -> None:
    try:
        with pipe:
            for line in pipe:
                lines.put(line.decode(errors="replace").strip())
    except (OSError, ValueError):
        pass
    finally:
        lines.put(None)


def _write(pipe: BinaryIO, outbox: queue.SimpleQueue[bytes]) -> None:
    try:
        with pipe:
            while data := outbox.get():
                pipe.write(data)
                pipe.flush()
    except (OSError, ValueError):
        return  # the reader sees the end of file
