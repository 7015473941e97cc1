"""Ctrl-C that comes where Python swallows the handler's exception."""

from __future__ import annotations

import subprocess
import sys

import pytest

# A press in the callback of a weak reference, where importing modules runs, or in a `__del__`; then the long work.
SWALLOWED = """
import signal, sys, time, weakref
from verdict.cli.interrupts import Interrupts, heard

class Thing:
    def __del__(self):
        if sys.argv[1] == "del":
            signal.raise_signal(signal.SIGINT)

def gone(reference):
    if sys.argv[1] == "callback":
        signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
with heard(), Interrupts() as pressed:
    thing = Thing()
    reference = weakref.ref(thing, gone)
    del thing
    assert pressed.seen
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        print("heard")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("where", ["callback", "del"])
def test_a_press_that_python_swallows_comes_again(where: str) -> None:
    done = subprocess.run([sys.executable, "-c", SWALLOWED, where], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "heard\n", "")
