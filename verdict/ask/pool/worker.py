"""The process that answers cases: it reads one as a line of JSON on standard input and writes what comes of it.

It lives for many cases. Its replies have a pipe of their own, since solvers print to standard output, and it ends when
standard input does: with the process that has started it, however that ends.
"""

from __future__ import annotations

import gc
import json
import os
import queue
import sys
import threading
from pathlib import Path
from typing import Any

from ...base.blas import for_this_process


def main(folder: str) -> None:
    """Answer cases until standard input ends; certificates go to a folder."""
    for_this_process()
    replies = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    cases: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(cases,), daemon=True).start()
    from .work import answered, as_json

    _load()
    gc.freeze()
    _write(replies, {"ready": True})
    while True:
        parcel = json.loads(cases.get())

        def hold(held: Any) -> None:
            _write(replies, {"held": held})

        reply = answered(parcel, Path(folder), hold)
        _write(replies, {"reply": as_json(reply)})


def _load() -> None:
    """What every case needs, before the clock of the first one runs."""
    import onnxruntime  # noqa: F401

    from .. import radius, robust, verify  # noqa: F401


def _read(cases: queue.SimpleQueue[bytes]) -> None:
    # Not by sys.stdin, whose lock a thread that waits would hold when Python ends.
    rest = b""
    while data := os.read(0, 2**20):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            cases.put(line)
    # Whoever has asked is gone: nobody needs the answer.
    os._exit(0)


def _write(descriptor: int, words: dict[str, Any]) -> None:
    data = json.dumps(words, allow_nan=False).encode() + b"\n"
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
