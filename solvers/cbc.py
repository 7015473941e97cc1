"""CBC, the binary that PuLP ships (or one on the PATH), run as a child process without PuLP's own driver.

PuLP prints coefficients with 13 digits, reads values that CBC prints with 8, and says Optimal for a CBC that
stopped at its time limit with an incumbent. Here the model goes out in full precision, values come back from
CBC's binary solution file, the status from the first line of its text file, and the proved bound from its
log, rounded outward.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import platform
import queue
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from verdict.base.errors import SolverError
from verdict.solvers import farkas, logs, mps, watchdog
from verdict.solvers.base import Solver
from verdict.solvers.model import LinearModel, Vector
from verdict.solvers.monitor import Monitor
from verdict.solvers.results import Features, Raw, Request, Status

TOLERANCE = "1e-9"


class Cbc(Solver):
    """CBC: LP with duals and MILP; progress from its log; killed when cancelled.

    Statuses are what stands before " - objective value" in its solution file.
    """

    name = "cbc"
    drops_below = 1e-9
    features = Features(duals=True, warm_start=True, progress=True, threads=True)
    statuses: ClassVar = {
        "Optimal": Status.OPTIMAL,
        "Infeasible": Status.INFEASIBLE,
        "Integer infeasible": Status.INFEASIBLE,
        # Its preprocessing says "infeasible or unbounded" in one breath and files either under this.
        "Unbounded": Status.INFEASIBLE_OR_UNBOUNDED,
        "Stopped on time": Status.TIME_LIMIT,
        "Stopped on time (no integer solution - continuous used)": Status.TIME_LIMIT,
        "Stopped on user event": Status.INTERRUPTED,
    }

    def available(self) -> str | None:
        return (
            None
            if _binary() is not None
            else "pip install 'pulp>=2.9' (it ships CBC), or put cbc on the PATH"
        )

    def _solve(self, model: LinearModel, request: Request, monitor: Monitor) -> Raw:
        if model.columns == 0:
            # CBC refuses an empty model.
            feasible = bool(np.all((model.row_lower <= 0) & (model.row_upper >= 0)))
            return Raw("Optimal", model.offset, np.empty(0)) if feasible else Raw("Infeasible")
        with tempfile.TemporaryDirectory(prefix="verdict-cbc-") as folder:
            raw = self._run(model, request, monitor, Path(folder))
        if raw.status == "Infeasible" and model.is_lp and model.rows:
            with tempfile.TemporaryDirectory(prefix="verdict-cbc-") as folder:
                left = request.time_limit
                if left is not None:
                    left = max(0.1, left - monitor.seconds())
                request = replace(request, time_limit=left, hint=None)
                again = self._run(farkas.elastic(model), request, monitor.quiet(), Path(folder))
            raw = replace(raw, ray=farkas.ray(model, again.duals))
        return raw

    def _run(self, model: LinearModel, request: Request, monitor: Monitor, folder: Path) -> Raw:
        source = mps.write(model, folder / "model.mps")
        ended = _watch(_command(model, request, folder), folder, model.offset, request, monitor)
        text, values = folder / "solution.txt", folder / "solution.bin"
        if ended is not None:
            return monitor.stopped(*ended)
        if not text.exists():
            return Raw(Status.ERROR, monitor.bound, message="CBC wrote no solution")
        with text.open(encoding="ascii", errors="replace") as lines:
            word = lines.readline().rpartition(" - objective value")[0].strip()
        point = duals = reduced = None
        found = "no integer solution" not in word
        if self._status(Raw(word)) in (Status.OPTIMAL, Status.TIME_LIMIT, Status.INTERRUPTED) and found:
            point, duals, reduced = _values(values, model, source)
        if not model.is_lp or self._status(Raw(word)) is not Status.OPTIMAL:
            duals = reduced = None
        bound = monitor.bound
        if self._status(Raw(word)) is Status.OPTIMAL and point is not None:
            # A finished search closes at the incumbent; the log's figure is that figure rounded outward. With
            # a gap allowed, that gap is what it may have left open.
            bound = max(bound, model.value(point) - request.gap)
        return Raw(word, bound, point, duals=duals, reduced_costs=reduced)


BACKENDS: dict[str, Callable[..., Solver]] = {"cbc": Cbc}


@functools.cache
def _binary() -> str | None:
    """CBC on the PATH, else PuLP's copy."""
    own = shutil.which("cbc")
    if own is not None:
        return own
    # Found without importing PuLP: that would load highspy, whose HiGHS clashes with OR-Tools' in one
    # process.
    spec = importlib.util.find_spec("pulp")
    system = {"linux": "linux", "darwin": "osx", "win32": "win"}.get(sys.platform, "none")
    machine = platform.machine().lower()
    folder = "arm64" if machine in ("arm64", "aarch64") and system == "linux" else "i64"
    for root in (spec.submodule_search_locations or ()) if spec is not None else ():
        for path in Path(root, "solverdir", "cbc", system, folder).glob("cbc*"):
            if not os.access(path, os.X_OK):
                with contextlib.suppress(OSError):
                    path.chmod(path.stat().st_mode | 0o111)
            if path.is_file() and os.access(path, os.X_OK):
                return str(path)
    return None


def _command(model: LinearModel, request: Request, folder: Path) -> list[str]:
    binary = _binary()
    if binary is None:
        raise SolverError("solver cbc is not available")
    options = ["-timeMode", "elapsed", "-ratio", "0", "-allow", repr(request.gap), "-increment", "1e-9"]
    for key in ("-integerT", "-primalT", "-dualT"):
        options += [key, TOLERANCE]
    if request.time_limit is not None:
        options += ["-sec", repr(request.time_limit)]
    if request.threads > 1:
        options += ["-threads", str(request.threads)]
    if request.hint is not None:
        _write_hint(request.hint, folder / "hint.txt")
        options += ["-mips", "hint.txt"]
    solve = [
        "-solve",
        "-printingOptions",
        "all",
        "-solution",
        "solution.txt",
        "-saveSolution",
        "solution.bin",
    ]
    return [binary, "model.mps", *options, *solve]


def _write_hint(hint: Vector, path: Path) -> None:
    known = np.flatnonzero(np.isfinite(hint)).tolist()
    lines = [f"{k:>7} C{j} {float(hint[j])!r} 0\n" for k, j in enumerate(known)]
    path.write_text("Stopped on time - objective value 0\n" + "".join(lines), encoding="ascii")


def _watch(
    command: list[str], folder: Path, offset: float, request: Request, monitor: Monitor
) -> tuple[Status, str] | None:
    """Runs CBC to its end, reporting; None when it ended by itself, else why it was killed or broke.

    Its output goes through a pseudo-terminal, since into a pipe it is held back until the end.
    """
    reader, writer = _terminal()
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    deadline = None if request.time_limit is None else time.monotonic() + request.time_limit + watchdog.GRACE
    try:
        child = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        os.close(reader)
        return Status.ERROR, f"cannot start {command[0]}: {error}"
    finally:
        os.close(writer)
    try:
        threading.Thread(target=_read, args=(reader, lines), daemon=True).start()
        while True:
            try:
                line: str | None = lines.get(timeout=watchdog.TICK)
            except queue.Empty:
                line = ""
            if line is None:
                break
            pair = logs.cbc(line) if line else None
            if pair is not None:
                monitor.report(pair[0] + offset, pair[1] + offset)
            status = monitor.stop()
            if status is not None:
                return status, "CBC was stopped"
            if deadline is not None and time.monotonic() > deadline:
                return Status.TIME_LIMIT, "CBC ignored its limit and was killed"
        code = child.wait()
        return None if code == 0 else (Status.ERROR, f"CBC ended with code {code}")
    finally:
        child.kill()
        child.wait()


def _terminal() -> tuple[int, int]:
    try:
        import pty
    except ImportError:  # Windows
        return os.pipe()
    return pty.openpty()


def _read(reader: int, lines: queue.SimpleQueue[str | None]) -> None:
    rest = b""
    try:
        while data := os.read(reader, 65536):
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                lines.put(line.decode("ascii", errors="replace").rstrip())
    except OSError:
        rest = b""  # how a pseudo-terminal says end of file
    finally:
        os.close(reader)
        lines.put(None)


def _values(
    path: Path, model: LinearModel, source: list[int]
) -> tuple[Vector | None, Vector | None, Vector | None]:
    """Point, duals and reduced costs from the binary solution file.

    It holds two ints (rows, columns) and doubles: objective, row activities, row duals, values, reduced
    costs.
    """
    if not path.exists():
        return None, None, None
    data = path.read_bytes()
    m, n = struct.unpack_from("ii", data) if len(data) >= 8 else (-1, -1)
    if (m, n) != (len(source), model.columns) or len(data) != 16 + 16 * (m + n):
        return None, None, None
    numbers = np.frombuffer(data, dtype=np.float64, offset=16)
    duals, values, reduced = numbers[m : 2 * m], numbers[2 * m : 2 * m + n], numbers[2 * m + n :]
    return values.copy(), mps.fold(duals, source, model.rows), reduced.copy()
