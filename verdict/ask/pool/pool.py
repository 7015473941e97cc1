"""Processes that answer the cases of an agenda side by side, each replaced by a new one when it is lost.

Whoever is free gets the next case before anything else is done with the last answer, so that keeping answers costs the
processes no time.
"""

from __future__ import annotations

import contextlib
import queue
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from ...base import processes
from ...base.errors import SolverError
from ...base.memory import GIB, MOST, free
from .case import Case, Reply
from .process import Process, Said

# Seconds between two looks at the limits.
LOOK = 0.1


class Agenda(Protocol):
    """Which case comes next."""

    def next(self) -> Case | None:
        """The next case; None where there is none now: perhaps there is one when another one is settled."""

    def settle(self, case: Case, reply: Reply) -> None:
        """What came of a case; others may come next because of it."""


class Pool:
    """`count` processes, each with at most `memory` GiB (most of what is free, shared, where None), a context manager.

    Their files are below `folder`, or in a temporary one.
    """

    def __init__(self, count: int, memory: float | None = None, folder: Path | None = None) -> None:
        self.count = count
        self._own = tempfile.TemporaryDirectory(prefix="verdict-") if folder is None else None
        self.folder = Path(self._own.name) if folder is None and self._own is not None else Path(folder or ".")
        self._memory = int(MOST * free() / count) if memory is None else int(memory * GIB)
        self._heard: queue.SimpleQueue[Said] = queue.SimpleQueue()
        self._running: list[Process] = []
        _tidy(self.folder)

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running:
            process.end()
        if self._own is not None:
            self._own.cleanup()

    def answers(self, agenda: Agenda) -> Iterator[tuple[Case, Reply]]:
        """Each case with what came of it, as it comes. Raises SolverError where no process can begin at all."""
        looked = time.monotonic()
        while True:
            self._hand_out(agenda)
            if all(process.case is None for process in self._running):
                return
            with contextlib.suppress(queue.Empty):
                process, said = self._heard.get(timeout=LOOK)
                if process in self._running:
                    yield from self._heard_of(agenda, process, said)
            if time.monotonic() - looked > LOOK:
                yield from self._looked_at(agenda)
                looked = time.monotonic()

    def _heard_of(
        self, agenda: Agenda, process: Process, said: Mapping[str, Any] | None
    ) -> Iterator[tuple[Case, Reply]]:
        if said is None:
            case, reply = process.case, process.crashed()
            if not process.is_ready:
                raise SolverError(f"a process that answers questions cannot begin: {reply.reason}")
            self._drop(process)
            if case is not None:
                yield self._settled(agenda, case, reply)
        elif "held" in said:
            process.held = said["held"]
        elif "ready" in said:
            process.ready()
        elif process.case is not None:
            case, reply = process.case, process.replied(said["reply"])
            process.retires = process.has_grown()
            yield self._settled(agenda, case, reply)
            # Only now, since its files have been taken away.
            if process.retires:
                self._drop(process)

    def _looked_at(self, agenda: Agenda) -> Iterator[tuple[Case, Reply]]:
        """The cases that are past a limit, whose processes are ended."""
        for process in list(self._running):
            reply, case = process.late(), process.case
            if reply is not None and case is not None:
                self._drop(process)
                yield self._settled(agenda, case, reply)

    def _settled(self, agenda: Agenda, case: Case, reply: Reply) -> tuple[Case, Reply]:
        agenda.settle(case, reply)
        self._hand_out(agenda)
        return case, reply

    def _drop(self, process: Process) -> None:
        self._running.remove(process)
        process.end()

    def _hand_out(self, agenda: Agenda) -> None:
        """Give each free process its next case, and make a new one where there are too few."""
        while True:
            idle = next((each for each in self._running if each.case is None and not each.retires), None)
            if idle is None and len(self._running) >= self.count:
                return
            case = agenda.next()
            if case is None:
                return
            if idle is None:
                idle = Process(self.folder, self._memory, self._heard)
                self._running.append(idle)
            idle.ask(case)


def _tidy(folder: Path) -> None:
    """Remove what killed runs have left in a folder."""
    for path in folder.glob("verdict-*-*"):
        owner = path.name.split("-")[1]
        if owner.isdecimal() and path.is_dir() and not processes.is_alive(int(owner)):
            processes.clear(str(path))
