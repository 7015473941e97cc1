"""One VNN-COMP instance: from the competition's arguments to `verdict verify`, and its answer into the results file.

Everything is done by the command itself; here only its words are those of the competition, `timeout` for `timed-out`
and `error` for bad input.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

STARTED = time.monotonic()
# Seconds that are left for loading Python before this script's clock starts, and for writing the answer.
RESERVE = 1.0


def networks(onnx: str) -> list[str]:
    """The `--network` options for the onnx column of instances.csv: a path, or a list of (name, path) pairs."""
    if not onnx.lstrip().startswith("["):
        return ["--network", onnx]
    return [word for name, path in ast.literal_eval(onnx) for word in ("--network", f"{name}={path}")]


def run(onnx: str, vnnlib: str, results: str, timeout: str) -> None:
    """Decide one instance and write the results file; it exists whatever happens."""
    from verdict.cli.main import main

    Path(results).write_text("error\n", encoding="utf-8")
    out = io.StringIO()
    threads = str(os.cpu_count() or 1)
    limit = max(0.01, float(timeout) - RESERVE - (time.monotonic() - STARTED))
    with contextlib.redirect_stdout(out):
        code = main(["verify", vnnlib, *networks(onnx), "--timeout", str(limit), "--threads", threads, "--verbose"])
    text = out.getvalue()
    if code in (0, 3):
        answer, _, assignment = text.partition("\n")
        text = ("timeout" if answer == "timed-out" else answer) + "\n" + assignment
        Path(results).write_text(text, encoding="utf-8")


def prepare(onnx: str, vnnlib: str) -> int:
    """Read query and networks once; 0 where that works."""
    import verdict
    from verdict.cli.verify import load_networks
    from verdict.property.vnnlib import read_query
    from verdict.property.vnnlib_bind import bound

    try:
        asked = read_query(vnnlib)
        bound(asked, load_networks(asked, networks(onnx)[1::2]))
    except verdict.VerdictError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def command(words: Sequence[str]) -> int:
    if words[0] == "prepare":
        return prepare(*words[1:])
    run(*words[1:])
    return 0


if __name__ == "__main__":
    from verdict.cli import own

    own.begin()
    own.end(command(sys.argv[1:]))
