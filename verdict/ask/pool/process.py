"""One process that answers cases, seen from the one that asks: it is started, asked, watched and, if need be, ended.

A limit holds whatever the process does: nothing in it has to look at a clock. What it leaves behind, files and
processes of its own, goes with it.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...base import processes
from ...base.blas import VARIABLES
from ...base.deadline import TIME_LIMIT
from ...base.errors import InputError, SolverError
from ...base.memory import GIB
from .case import Case, Reply

# Seconds after its limit before a case is answered for; a process that holds this share of its limit after a case is
# replaced by a new one.
GRACE, GROWN = 2.0, 0.5
# Seconds in which a process has to begin.
STARTING = 120.0
# What a process says, and None at its end.
Said = tuple["Process", "Mapping[str, Any] | None"]


class Process:
    """A process and the case that it is at. What it says is put into `heard`; its files are in a room in `folder`."""

    def __init__(self, folder: Path, memory: int, heard: queue.SimpleQueue[Said]) -> None:
        self.memory, self.is_ready, self.retires = memory, False, False
        self.case: Case | None = None
        self.held: Mapping[str, Any] | None = None
        self.began, self.until = time.monotonic(), math.inf
        made = processes.room(str(folder))
        if made is None:
            raise InputError(f"{folder}: cannot be written: no folder can be made in it")
        self.room, self._proofs = Path(made), Path(made, "proofs")
        self._proofs.mkdir()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        environment = {**os.environ, **dict.fromkeys(VARIABLES, "1"), "TMPDIR": made, "PYTHONSAFEPATH": "1"}
        self._child = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.worker", str(self._proofs)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, env=environment, start_new_session=True,
        )
        threading.Thread(target=self._listen, args=(heard,), daemon=True).start()

    def _listen(self, heard: queue.SimpleQueue[Said]) -> None:
        lines = self._child.stdout
        for line in lines or ():
            heard.put((self, json.loads(line)))
        heard.put((self, None))

    def ask(self, case: Case) -> None:
        """Send a case; from now on its limits hold, or from when the process has begun."""
        self.case, self.held = case, None
        if self.is_ready:
            self._start_clock()
        line = json.dumps(case.parcel(), allow_nan=False).encode() + b"\n"
        try:
            if self._child.stdin is not None:
                self._child.stdin.write(line)
                self._child.stdin.flush()
        except OSError:
            return  # it has ended, and says so

    def ready(self) -> None:
        """It has begun."""
        self.is_ready = True
        self._start_clock()

    def _start_clock(self) -> None:
        limit = None if self.case is None else self.case.options.timeout
        self.began = time.monotonic()
        self.until = math.inf if limit is None else self.began + limit + GRACE

    def replied(self, data: Mapping[str, Any]) -> Reply:
        """The reply to its case, which it is no longer at."""
        found = Reply.of(data, files={path.name: path for path in self._proofs.iterdir()})
        self.case = None
        return found

    def late(self) -> Reply | None:
        """What is to be said of a case that is past a limit, None of one that is not."""
        if self.case is None:
            return None
        if not self.is_ready and self.age > STARTING:
            raise SolverError(f"a process that answers questions has not begun after {STARTING:.0f} s")
        if time.monotonic() > self.until:
            if self.held is not None:
                return Reply.of({**self.held, "predicted": None})
            return Reply("timed-out", f"{TIME_LIMIT}, and its process was ended from outside", seconds=self.age)
        most = self.memory if self.case.options.memory is None else int(self.case.options.memory * GIB)
        if self.used() > most:
            reason = f"it needs more than {most / GIB:.3g} GiB of memory, and its process was ended from outside"
            return Reply("out-of-memory", reason, seconds=self.age)
        return None

    @property
    def age(self) -> float:
        """Seconds since it was asked."""
        return time.monotonic() - self.began

    def used(self) -> int:
        """Bytes of memory that it and its processes hold."""
        return sum(map(processes.resident, processes.family(self._child.pid)))

    def has_grown(self) -> bool:
        """Whether it has kept so much from its cases that the next one gets a new process."""
        return self.used() > GROWN * self.memory

    def crashed(self) -> Reply:
        """What is to be said of the case of a process that has ended by itself."""
        code = self._child.wait()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        if code == -9:
            how += ", as the system ends what takes too much memory"
        said = self.last_words()
        return Reply("crashed", f"its process ended: {how}{': ' if said else ''}{said}", seconds=self.age)

    def last_words(self) -> str:
        """The last line that it wrote on stderr."""
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else ""

    def end(self) -> None:
        """End it at once, with all that comes from it and its files."""
        processes.end(self._child.pid)
        self._child.wait()
        self._log.close()
        if self._child.stdin is not None:
            with contextlib.suppress(OSError):
                self._child.stdin.close()
        processes.clear(str(self.room))
