"""A whole process of the command `verdict`, here and as a script.

It lives for one question. The garbage collector would look again and again at what the imports have made, and once more
at the end, and find nothing: a fifth of what a short question costs. And once the answer is out the process ends where
it stands: to take every module apart takes longer than to bound a small network.
"""

import atexit
import contextlib
import gc
import os
import sys
import threading
import time
from typing import Literal

from verdict.base.blas import for_this_process
from verdict.cli.backstop import CHILD, watched
from verdict.cli.main import main

# New objects until the first look: more than the imports of a question make.
IMPORTED = 150_000
# New objects from then on until a look, and looks at younger ones before the older two generations have theirs.
THRESHOLDS = 50_000, 20, 100


def run() -> int:
    """Run the command in sys.argv, with the garbage collector out of the way; its exit code."""
    started = time.monotonic() - age()
    for_this_process()
    code = watched(sys.argv[1:])
    if code is not None:
        return code
    gc.set_threshold(IMPORTED)
    gc.callbacks.append(_settle)
    code = main(started=started)
    CHILD.done(code)
    gc.freeze()
    return code


def age() -> float:
    """Seconds since this process has started: at least what it has worked, exactly where the system tells."""
    try:
        with open("/proc/self/stat", encoding="ascii", errors="replace") as file:
            ticks = int(file.read().rpartition(")")[2].split()[19])
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError, AttributeError):
        return time.process_time()


def _settle(phase: Literal["start", "stop"], info: dict[str, int]) -> None:
    """Behind the first look: what is there by now is modules, mostly, and no look comes back to it."""
    if phase == "stop":
        gc.callbacks.remove(_settle)
        gc.freeze()
        gc.set_threshold(*THRESHOLDS)


def script() -> None:
    """Run the command and end this process with its exit code: at once, unless a thread has to be waited for."""
    code = run()
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        sys.exit(code)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    script()
