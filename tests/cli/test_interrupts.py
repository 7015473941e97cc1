"""Ctrl-C that comes where nobody gets the handler's exception."""

from __future__ import annotations

import subprocess
import sys

import pytest

# A press in the callback of a weak reference, where importing modules runs, in a `__del__`, in a library that catches
# whatever comes, that makes another error of it or that keeps it, or in one of our own functions, which hears it; then
# the long work.
SWALLOWED = """
import signal, sys, time, weakref
from verdict.base.deadline import may_end
from verdict.cli.interrupts import Interrupts, quietly

def press():
    signal.raise_signal(signal.SIGINT)

class Thing:
    def __del__(self):
        if where == "del":
            press()

def gone(reference):
    if where == "callback":
        press()

def careless():
    try:
        press()
    except:
        pass

def importing():
    try:
        try:
            press()
        except BaseException as error:
            raise ImportError("no such library") from error
    except ImportError:
        pass

def keeping():
    global kept
    try:
        press()
    except BaseException as error:
        kept = error

def ours():
    with may_end():
        press()

where = sys.argv[1]
signal.signal(signal.SIGINT, signal.default_int_handler)
with Interrupts() as pressed, quietly():
    thing = Thing()
    reference = weakref.ref(thing, gone)
    del thing
    for function in (careless, importing, keeping, ours):
        if where == function.__name__:
            function()
    assert pressed.seen
    try:
        time.sleep(3 if where == "ours" else 60)
        print("once")
    except KeyboardInterrupt:
        print("heard")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("where", ["callback", "del", "careless", "importing", "keeping"])
def test_a_press_that_nobody_hears_comes_again(where: str) -> None:
    done = subprocess.run([sys.executable, "-c", SWALLOWED, where], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "heard\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_press_that_was_heard_does_not_come_again() -> None:
    done = subprocess.run([sys.executable, "-c", SWALLOWED, "ours"], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "once\n", "")
