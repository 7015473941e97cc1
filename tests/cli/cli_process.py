"""Starting the real command in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def start(*words: object, **options: Any) -> subprocess.Popen[str]:
    """The real command in a session of its own, as a terminal would start it."""
    return subprocess.Popen(
        [sys.executable, "-m", "verdict", *map(str, words)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_default_interrupt,
        # Colour that is forced by the environment must not reach a pipe either.
        env={**os.environ, "FORCE_COLOR": "1", "PYTHONHASHSEED": "0"},
        **options,
    )


def _default_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finish(child: subprocess.Popen[str], seconds: float = 120) -> Outcome:
    """Wait for a started command; one that hangs is killed and fails the test."""
    try:
        out, err = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        # Ctrl-C first: a process that is killed outright cannot end its solvers.
        child.send_signal(signal.SIGINT)
        time.sleep(2)
        child.kill()
        child.communicate()
        raise
    return Outcome(child.returncode, out, err)
