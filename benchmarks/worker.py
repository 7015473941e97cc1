"""The process that measures: reads one JSON instance a line, answers one JSON outcome a line.

`Worker` is the other end. Solvers print to the process's standard output, so the answers have a pipe of their
own.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from benchmarks import ENVIRONMENT
from benchmarks.registry import Instance, Outcome, find
from verdict.base.blas import VARIABLES

# Seconds beyond an instance's own limit before its worker is interrupted, and then killed.
GRACE = 30.0


class Worker:
    """One worker process with the code in `tree` (a folder that holds `verdict` and `benchmarks`)."""

    def __init__(self, case: str, tree: Path) -> None:
        self._case, self._tree = case, tree
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def measure(self, instance: Instance) -> Outcome:
        """The outcome of one instance; a worker that dies or hangs gives status "crashed" or "killed"."""
        child = self._start()
        line = json.dumps(asdict(instance)).encode() + b"\n"
        try:
            self._pipe.write(line)
            self._pipe.flush()
            answer = self._answers.get(timeout=instance.timeout + GRACE)
        except queue.Empty:
            self.close()
            return Outcome("killed", instance.timeout + GRACE, 0.0, note="the worker did not answer")
        except OSError:
            answer = b""
        if answer:
            return Outcome(**json.loads(answer))
        child.wait()
        said = self._errors()
        self.close()
        return Outcome("crashed", 0.0, 0.0, note=f"exit code {child.returncode}: {said}")

    def _start(self) -> subprocess.Popen[bytes]:
        if self._child is not None:
            return self._child
        reader, writer = os.pipe()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", self._case, str(writer)],
            cwd=self._tree,
            env={**dict.fromkeys(VARIABLES, "1"), **ENVIRONMENT, "PYTHONPATH": str(self._tree)},
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            pass_fds=(writer,),
        )
        os.close(writer)
        if self._child.stdin is None:
            raise OSError("the worker has no standard input")
        self._pipe = self._child.stdin
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=_read, args=(reader, self._answers), daemon=True).start()
        return self._child

    def _errors(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else ""

    def close(self) -> None:
        """End the process, politely first so that it ends its own children."""
        if self._child is None:
            return
        child, self._child = self._child, None
        self._pipe.close()
        try:
            child.wait(timeout=2)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGINT)
            try:
                child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._log.close()


def _read(reader: int, answers: queue.SimpleQueue[bytes]) -> None:
    with os.fdopen(reader, "rb") as lines:
        for line in lines:
            answers.put(line)
    answers.put(b"")


def main() -> None:
    """Serve instances of the case in argv[1] until standard input ends; answers go to descriptor argv[2]."""
    case = find(sys.argv[1])
    with os.fdopen(int(sys.argv[2]), "w") as answers:
        for line in sys.stdin:
            outcome = case.measure(Instance(**json.loads(line)))
            answers.write(json.dumps(asdict(outcome)) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
