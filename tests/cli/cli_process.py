"""Starting the real command in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
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


# The command, which makes a file when its engine begins: after start, attack and bounds, before the long work.
TELLING = """
import sys
from pathlib import Path
from verdict.search.engines import engine

told, sys.argv = Path(sys.argv[1]), ["verdict", *sys.argv[2:]]
register = engine.register

def telling(method):
    def begin(*words):
        told.touch()
        return method(*words)
    return begin

def registered(cls):
    cls.decide, cls.close = telling(cls.decide), telling(cls.close)
    return register(cls)

engine.register = registered
from verdict.__main__ import run
sys.exit(run())
"""


def start(*words: object, **options: Any) -> subprocess.Popen[str]:
    """The real command in a session of its own, as a terminal would start it."""
    return _popen("-m", "verdict", *words, **options)


def start_until_engine(folder: Path, *words: object, **options: Any) -> subprocess.Popen[str]:
    """The same, back once its engine has begun, however long the machine takes until then."""
    told = folder / "engine-has-begun"
    child = _popen("-c", TELLING, told, *words, **options)
    wait_until(lambda: told.exists() or child.poll() is not None)
    told.unlink(missing_ok=True)
    return child


def wait_until(is_so: Callable[[], bool], seconds: float = 120) -> None:
    """Until it is so; that long only in a test that fails."""
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "nothing has happened"
        time.sleep(0.01)


def _popen(*words: object, **options: Any) -> subprocess.Popen[str]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        [sys.executable, *map(str, words)],
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        preexec_fn=_default_interrupt,
        # Colour that is forced by the environment must not reach a pipe either.
        env={**os.environ, "FORCE_COLOR": "1", "PYTHONHASHSEED": "0", **options.pop("env", {})},
        **pipes | options,
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
