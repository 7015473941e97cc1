"""A whole command as a user runs it: wall time from before its start, CPU time and peak memory of it and its children.

The kernel counts them (wait4), so nothing runs beside the command that is measured.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from benchmarks import ENVIRONMENT


@dataclass(frozen=True)
class Finished:
    """How a command ended: `code` (negative: the signal), what it printed, wall and CPU seconds (user and system,
    children that it waited for included), peak memory of the largest process in MB; whether it was `killed`."""

    code: int
    stdout: str
    stderr: str
    seconds: float
    cpu: float
    memory: float
    killed: bool


def measured(command: Sequence[str], limit: float) -> Finished:
    """Run the command in a process group of its own; after `limit` seconds the whole group is killed."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=ENVIRONMENT, start_new_session=True
        )
        late = threading.Event()
        timer = threading.Timer(limit, _kill, (child.pid, late))
        timer.start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
            seconds = time.perf_counter() - started
            child.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            # Ctrl-C does not reach a session of its own.
            _kill(child.pid, late)
            raise
        finally:
            timer.cancel()
        said, complained = _text(out), _text(err)
    cpu = usage.ru_utime + usage.ru_stime
    return Finished(child.returncode, said, complained, seconds, cpu, usage.ru_maxrss / 1024, late.is_set())


def _kill(group: int, late: threading.Event) -> None:
    late.set()
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        late.clear()  # it ended just in time


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
