"""One line on the terminal that says what the search has reached; nothing at all when stderr is piped."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from verdict.base.visible import visible
from verdict.cli.backstop import CHILD
from verdict.cli.limits import HOLD, printed, reached

if TYPE_CHECKING:
    from rich.text import Text

    from verdict.search.radius import Progress

LONGEST_NAME = 20


class Line:
    """The text of the line; rich asks for it a few times a second, so the clock runs between two reports."""

    def __init__(self, name: str) -> None:
        self.name, self.text, self.started = name, "starting", time.monotonic()
        # How an answer is printed, for commands whose answer grows.
        self.show: Callable[[Any], object] | None = None
        self._held: object = None
        self._told = 0.0

    def stage(self, stage: str) -> None:
        """Report of `robust`: the stage that starts."""
        self.text = stage
        reached(stage)

    def interval(self, progress: Progress) -> None:
        """Report of `maxeps`: the interval so far."""
        lower = float(progress.lower)
        if progress.upper is None:
            ends = f"at least {lower:.6g}, no violation yet"
        else:
            upper = float(progress.upper)
            gap = 0.0 if upper == 0 else (upper - lower) / upper
            ends = f"in [{lower:.6g}, {upper:.6g}]  gap {gap:.3g}"
        self.text = f"{progress.stage}  radius {ends}"
        if self.show is not None and progress.answer is not None and CHILD.is_watched:
            self._hold(progress, self.show)

    def _hold(self, progress: Progress, show: Callable[[Any], object]) -> None:
        """Tell what would be answered now, where it is better than what was told before, and not too often."""
        ends, now = (progress.lower, progress.upper), time.monotonic()
        if ends == self._held or now - self._told < HOLD or progress.answer is None:
            return
        self._held, self._told = ends, now
        answer = progress.answer()
        CHILD.hold(printed(lambda: show(answer)))

    def __rich__(self) -> Text:
        from rich.text import Text

        seconds = time.monotonic() - self.started
        name = self.name if len(self.name) <= LONGEST_NAME else "..." + self.name[3 - LONGEST_NAME :]
        text = f"{seconds:4.0f} s  {name}  {self.text}"
        return Text(visible(text), style="dim", no_wrap=True, overflow="ellipsis")


@contextmanager
def line(name: str) -> Iterator[Line]:
    """A `Line`, shown while the block runs if stderr is a terminal; the block must print nothing."""
    shown = Line(name)
    if sys.stderr is None or not sys.stderr.isatty():
        yield shown
        return
    from rich.console import Console
    from rich.live import Live

    # Without redirection: rich would send what is meant for stdout to stderr.
    live = Live(
        shown,
        console=Console(stderr=True),
        transient=True,
        refresh_per_second=5,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with live:
        yield shown
