"""A process that is there for one command: how it begins, and how it ends.

It has one BLAS thread, and copies of it may work beside it (`verdict.base.blas`). The garbage collector would look
again and again at what the imports have made, and once more at the end, and find nothing: a fifth of what a short
question costs. And once the answer is out the process ends where it stands: to take every module apart takes longer
than to bound a small network.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
import threading
from typing import Literal, NoReturn

from verdict.base.blas import for_this_process

# New objects until the first look: more than the imports of a question make.
IMPORTED = 150_000
# New objects from then on until a look, and looks at younger ones before the older two generations have theirs.
THRESHOLDS = 50_000, 20, 100


def begin() -> None:
    """Before the first import of what a command needs."""
    for_this_process()
    gc.set_threshold(IMPORTED)
    gc.callbacks.append(_settle)


def _settle(phase: Literal["start", "stop"], info: dict[str, int]) -> None:
    """Behind the first look: what is there by now is modules, mostly, and no look comes back to it."""
    if phase == "stop":
        gc.callbacks.remove(_settle)
        gc.freeze()
        gc.set_threshold(*THRESHOLDS)


def end(code: int) -> NoReturn:
    """End this process with an exit code: at once, unless a thread has to be waited for."""
    gc.freeze()
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        sys.exit(code)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()
    os._exit(code)
