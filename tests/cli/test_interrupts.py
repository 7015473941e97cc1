"""Ctrl-C that comes where Python swallows the handler's exception."""

from __future__ import annotations

import subprocess
import sys

import pytest

# A press in the callback of a weak reference, where importing modules runs, in a `__del__`, in a library that catches
# whatever comes, or in one of our own functions; then the long work.
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

LIBRARY = '''
import signal
def careless():
    try:
        signal.raise_signal(signal.SIGINT)
    except:
        pass
'''
library = {"__name__": "__main__" if sys.argv[1] == "ours" else "some.library"}
exec(LIBRARY, library)
signal.signal(signal.SIGINT, signal.default_int_handler)
with heard(), Interrupts() as pressed:
    thing = Thing()
    reference = weakref.ref(thing, gone)
    del thing
    if sys.argv[1] in ("library", "ours"):
        library["careless"]()
    assert pressed.seen
    try:
        time.sleep(3 if sys.argv[1] == "ours" else 60)
        print("once")
    except KeyboardInterrupt:
        print("heard")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("where", ["callback", "del", "library"])
def test_a_press_that_python_swallows_comes_again(where: str) -> None:
    done = subprocess.run([sys.executable, "-c", SWALLOWED, where], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "heard\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_press_that_was_heard_does_not_come_again() -> None:
    done = subprocess.run([sys.executable, "-c", SWALLOWED, "ours"], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "once\n", "")
