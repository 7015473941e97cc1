"""A real Dask cluster on this machine, on the loopback alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The address of a scheduler, and its workers, on the loopback alone."""
    file = tmp_path / "scheduler.json"
    started = [_started("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", file,
                        "--no-dashboard", folder=tmp_path)]
    until = time.monotonic() + 60
    while not file.exists() and time.monotonic() < until:
        time.sleep(0.05)
    for _ in range(2):
        started.append(_started("dask_worker", "--scheduler-file", file, "--nthreads", "1", "--no-nanny",
                                "--no-dashboard", "--host", "127.0.0.1", folder=tmp_path))
    try:
        yield json.loads(file.read_text())["address"], started[1:]
    finally:
        for process in started:
            process.kill()
            process.wait()


def _started(what: str, *words: object, folder: Path) -> subprocess.Popen[bytes]:
    # A scheduler asks for 30 seconds whether a worker that is gone has only lost its way.
    patience = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s"}
    return subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.{what}", *map(str, words)], cwd=folder,
        env={**os.environ, "TMPDIR": str(folder), **patience}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
