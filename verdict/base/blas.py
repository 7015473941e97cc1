"""One BLAS thread while a search runs.

Bounds are many small matrix products, on which the threads of OpenBLAS only wait for each other (up to 15 times
slower, PERFORMANCE.md), and a search uses the cores itself. A process of Verdict's own, such as a command, settles this
by environment variables before NumPy is loaded. In somebody else's process other libraries need their threads: there
NumPy's own OpenBLAS is found among the libraries beside it and told by name while a search runs. Where that is not
possible nothing happens.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
# What OpenBLAS's functions are called in NumPy's wheels of recent years: prefix and suffix.
SPELLINGS = (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", ""))

# Whether this process is Verdict's own.
is_own = False


def for_this_process() -> None:
    """One BLAS thread for all of this process, which is Verdict's own and has not loaded NumPy; a user who set a
    variable is left alone. Nor is anybody told of flags that kernels raise on lanes which they then drop (numpy#24067,
    OpenBLAS#1924): whoever needs finite products looks at them."""
    global is_own
    is_own = True
    warnings.filterwarnings("ignore", "invalid value encountered in matmul", RuntimeWarning)
    for variable in VARIABLES:
        os.environ.setdefault(variable, "1")


_lock = threading.Lock()
_searches, _before = 0, 1


@contextmanager
def one_thread() -> Iterator[None]:
    """While inside, in any thread, NumPy's OpenBLAS uses one thread; a user who set a variable is left alone."""
    global _searches, _before
    control = None
    if "numpy" in sys.modules and not any(name in os.environ for name in VARIABLES):
        control = openblas()
    if control is None:
        yield
        return
    get, put = control
    with _lock:
        if _searches == 0:
            _before = get()
            put(1)
        _searches += 1
    try:
        yield
    finally:
        with _lock:
            _searches -= 1
            if _searches == 0:
                put(_before)


@cache
def openblas() -> tuple[Callable[[], int], Callable[[int], object]] | None:
    """How to read and set the number of threads of the OpenBLAS that NumPy has loaded; None where it has another."""
    import ctypes

    import numpy as np

    package = Path(np.__file__).parent
    for folder in (package.parent / "numpy.libs", package / ".dylibs", package / ".libs"):
        for path in sorted(folder.glob("*openblas*")):
            try:
                # Only the copy that is loaded already, where the system can tell.
                library = ctypes.CDLL(str(path), mode=getattr(os, "RTLD_NOLOAD", 0) | getattr(os, "RTLD_NOW", 0))
            except OSError:
                continue
            for prefix, suffix in SPELLINGS:
                get = getattr(library, f"{prefix}openblas_get_num_threads{suffix}", None)
                put = getattr(library, f"{prefix}openblas_set_num_threads{suffix}", None)
                if get is not None and put is not None:
                    get.restype, get.argtypes = ctypes.c_int, []
                    put.restype, put.argtypes = None, [ctypes.c_int]
                    return get, put
    return None
