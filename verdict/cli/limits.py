"""What --timeout and --memory mean for a command: for all of it, from the start of the process to the answer.

Every command is called here. One clock runs over the whole command, what it reads and loads included, and a memory
budget; a command that comes to neither an answer nor an error in time answers with what it holds (`backstop`).
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from verdict.base.deadline import TIME_LIMIT, Deadline, OutOfTime
from verdict.base.errors import InputError, TimeLimitError
from verdict.cli.backstop import CHILD, OWN_LIMITS
from verdict.cli.declared import grouped

# What a command that has nothing yet says of itself.
NOTHING = f"{TIME_LIMIT} before there was anything to tell"
# Seconds between two words of what is held.
HOLD = 0.1
INTERVALS = ("maxeps", "maxweights", "maxgeneral", "residual")


class _Command:
    """The command that runs: its clock starts with the process, and again with each of several inputs."""

    def __init__(self) -> None:
        self.started: float | None = None
        self.clock = Deadline()
        self.seconds: float | None = None
        # What is said besides where no answer comes in time.
        self.unstated = ""
        self.memory: int | None = None
        # What is said of the first input if no answer comes in time, with a reason; and when that was told last.
        self.late: Callable[[str], tuple[str, str]] | None = None
        self.told = 0.0


_command = _Command()


def starts(at: float) -> None:
    """The process of the next command has started at this time of `Deadline.clock`."""
    _command.started = at


def call(name: str, command: Callable[..., int], given: Mapping[str, Any]) -> int:
    """Run a command with its arguments, under its limits, and write down what it may state."""
    arguments = dict(given)
    if name in OWN_LIMITS:
        return command(**grouped(command, arguments))
    path = arguments.pop("statement", None)
    if path is None:
        return _limited(name, command, arguments)
    from verdict.cli.asking import stated

    _command.unstated = f"note: --statement {path}: nothing is written\n"
    try:
        with stated(path):
            return _limited(name, command, arguments)
    finally:
        _command.unstated = ""


def _limited(name: str, command: Callable[..., int], arguments: dict[str, Any]) -> int:
    if arguments.get("norm") not in (None, "linf"):
        from verdict.property.norms import norm_of

        arguments["norm"] = norm_of(arguments["norm"]).name
    timeout, memory = arguments.get("timeout"), arguments.pop("memory", None)
    if timeout is not None and not (timeout >= 0 and math.isfinite(timeout)):
        raise InputError(f"--timeout is {timeout:g}, expected a positive number of seconds")
    if memory is not None and not (memory > 0 and math.isfinite(memory)):
        raise InputError(f"--memory is {memory:g}, expected a positive number of GiB")
    if timeout is None and memory is None:
        return command(**grouped(command, arguments))
    from verdict.base import memory as budgets

    size = int(budgets.MOST * budgets.free() if memory is None else memory * budgets.GIB)
    clock = Deadline(timeout, started=_command.started)
    _command.clock, _command.seconds, _command.memory, _command.started = clock, timeout, size, None
    CHILD.limits(None if timeout is None else clock.remaining(), size)
    _command.late = partial(empty, name, bool(arguments.get("json")))
    out, err = _command.late(NOTHING)
    CHILD.hold(out, err + _command.unstated)
    try:
        with _command.clock.running(), budgets.budget(size):
            return command(**grouped(command, arguments))
    except (OutOfTime, TimeLimitError):
        return say()


def reached(stage: str) -> None:
    """How far the search is, with which the answer is `unknown` if nothing better comes in time; of a stage that has
    begun before not told too often."""
    now = time.monotonic()
    is_new = ": " not in stage
    if _command.late is not None and CHILD.is_watched and (is_new or now - _command.told >= HOLD):
        _command.told = now
        out, err = _command.late(f"{TIME_LIMIT} in {stage}")
        CHILD.hold(out, err + _command.unstated)


def again(show: Callable[[], object] | None) -> None:
    """The next of several inputs: the limit holds for each; `show` prints the answers so far, if they are not out."""
    if _command.seconds is not None:
        _command.clock.started, _command.late = time.monotonic(), None
        CHILD.limits(_command.seconds, _command.memory)
        err = f"note: {NOTHING} about the next\n{_command.unstated}"
        CHILD.hold("" if show is None or not CHILD.is_watched else printed(show), err)


def printed(show: Callable[[], object]) -> str:
    """What a function prints, kept."""
    out = io.StringIO()
    CHILD.is_keeping = True
    try:
        with contextlib.redirect_stdout(out):
            show()
    finally:
        CHILD.is_keeping = False
    return out.getvalue()


def say() -> int:
    """Print what is held; the exit code."""
    CHILD.writing()
    print(CHILD.out, end="", flush=True)
    print(CHILD.err, end="", file=sys.stderr)
    return CHILD.code


def empty(name: str, as_json: bool, reason: str) -> tuple[str, str]:
    """What a command says, on stdout and stderr, that has no answer, and why."""
    if name in ("encode", "bounds"):
        return "", f"error: {TIME_LIMIT} before there was anything to write\n"
    if name == "verify":
        record: dict[str, Any] = {"result": "timed-out", "trust": None, "assignment": None, "reason": reason}
        return (json.dumps(record) if as_json else "timed-out") + "\n", f"note: {reason}\n"
    if not as_json:
        return "".join(f"  {title:<12} {text}\n" for title, text in (("answer", "unknown"), ("because", reason))), ""
    record = {"status": "unknown", "reason": reason}
    if name in INTERVALS:
        record = {"status": "interval", "lower": 0.0, "upper": None, "exact": None, "reason": reason}
    return json.dumps(record, indent=2) + "\n", ""
