"""How a question is run: its options, checked, and its clock."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from ..base.deadline import TIME_LIMIT, Deadline, why
from ..base.device import Device, find_device
from ..search.effort import Effort
from ..search.engines.engine import Engine
from ..search.engines.registry import find_engine
from ..search.options import DEFAULTS, SearchOptions
from .options import Options


class Run:
    """The options of one question, checked, and its clock.

    `whole` is the clock of the question, `deadline` that of a search which may have to leave time for a certificate.
    `search` are the numbers that the searches are tuned by.
    """

    def __init__(
        self,
        options: Options,
        on_progress: Callable[[Any], object] | None = None,
        search: SearchOptions = DEFAULTS,
    ) -> None:
        self.options, self.on_progress, self.search = options, on_progress, search
        self.whole, self.threads = Deadline(options.timeout), options.threads
        self.certificate = None if options.certificate is None else Path(options.certificate)
        self.deadline = self.whole.for_search(self.certificate is not None)
        self.report: Callable[[Any], object] = on_progress or (lambda news: None)

    @cached_property
    def engine(self) -> Engine:
        """The engine that was asked for, with its solver and bounds. Raises InputError and SolverError."""
        return find_engine(self.options.engine, self.options.solver, self.options.bounds)

    @cached_property
    def device(self) -> Device:
        return find_device(self.options.device)

    def ready(self) -> None:
        """Refuse options that this machine cannot have, before the work."""
        _ = self.engine, self.device

    @property
    def effort(self) -> Effort:
        """What a search for a yes or no may take: all of the time."""
        return Effort(self.whole, self.threads, self.device, self.report, self.search)

    def within(self, clock: Deadline, **changed: Any) -> Options:
        """The options for a part of the question, in what is left of a clock."""
        return self.options.but(timeout=clock.limit(), memory=None, query=None, **changed)

    def guarded(self, work: Callable[[], object]) -> str:
        """Do the work, which Ctrl-C ends without losing what it has reached; why it ended early, if it did."""
        try:
            with self.deadline.running():
                work()
        except KeyboardInterrupt as end:
            return why(end)
        return TIME_LIMIT if self.deadline.passed() else ""
