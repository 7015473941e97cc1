"""A process for one command: it leaves nothing unsaid and nobody waiting, though it ends where it stands."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from verdict.cli import own

SCRIPTS = Path(__file__).resolve().parents[2] / "vnncomp"
WORK = """
import atexit, sys, threading, time
from verdict.base import blas
from verdict.cli import own

own.begin()
assert blas.is_own
atexit.register(print, "goodbye")
{step}
print("said", end=" ")
own.end(3)
"""
LATE = "threading.Thread(target=lambda: (time.sleep(0.2), print('late', end=' '))).start()"
ENDLESS = "threading.Thread(target=time.sleep, args=[60], daemon=True).start()"


@pytest.mark.parametrize(
    ("step", "said"), [("", "said goodbye"), (LATE, "said late goodbye"), (ENDLESS, "said goodbye")]
)
def test_the_end_of_a_process(step: str, said: str) -> None:
    code = WORK.format(step=step)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout.split(), done.stderr, done.returncode) == (said.split(), "", 3)


def test_the_first_look_at_garbage_is_the_last_at_what_was_imported() -> None:
    before = gc.get_threshold()
    try:
        own.begin()
        assert gc.get_threshold()[0] == own.IMPORTED
        gc.collect()
        assert gc.get_threshold() == own.THRESHOLDS
        assert gc.get_freeze_count() > 0
        assert own._settle not in gc.callbacks
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def test_an_instance_of_the_competition_is_such_a_process() -> None:
    code = f"""
import runpy, sys
from verdict.base import blas
sys.argv = ["instance.py", "prepare", "xor.onnx", "no.vnnlib"]
import atexit
atexit.register(lambda: print(blas.is_own))
runpy.run_path({str(SCRIPTS / "instance.py")!r}, run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == ("True\n", 1), done
