"""Keeping native code in this process from printing on standard output.

Some versions of HiGHS print a line from the middle of a MILP whatever their log options say; on `--json` it would
stand in front of the document. Redirecting Python's sys.stdout does not reach native code, so the descriptor
itself points elsewhere for the time of a solve, and C's own buffer is emptied before it comes back.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Discard what is written to descriptor 1 inside the block, by any thread."""
    # What is waiting in Python's buffer is meant to be seen. A test's replacement of sys.stdout may be closed.
    with contextlib.suppress(ValueError, OSError):
        sys.stdout.flush()
    _flush_c()
    try:
        kept = os.dup(1)
    except OSError:  # standard output is closed: there is nothing to keep clean
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        _flush_c()
        os.dup2(kept, 1)
        os.close(nowhere)
        os.close(kept)


def _flush_c() -> None:
    """fflush(NULL) of the C library, where Python can find it (not on Windows)."""
    with contextlib.suppress(OSError, TypeError, AttributeError):
        ctypes.CDLL(None).fflush(None)
