"""Several searches for the same proof, in turn, as they get on.

None of them can be judged beforehand, and each says what share of the whole it has closed. So the time goes to the one
that will end first if it goes on like that, in ever longer slices, and the others keep a small share of it: none that
could have won is left out, and what they cost is bounded (Gomes and Selman 2001, on portfolios).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import monotonic
from typing import Protocol

from ....answer import credit
from ....base.deadline import Deadline, ProcessorTime
from ...outcome import Outcome, credited

# Seconds of processor time in the first slice, by how much slices grow with what their search has spent, and the share
# of the best search's time that the others keep.
FIRST, GROWTH, KEPT = 0.25, 0.5, 0.15


class Way(Protocol):
    """A search that can be stopped by its clock and go on; `name` is the way's (`answer.credit`)."""

    name: str

    def run(self, deadline: Deadline) -> Outcome: ...


def in_turn(ways: Sequence[Way], deadline: Deadline, patience: float = 0.0) -> Outcome:
    """How the first of the searches to end has ended; none of it resumable.

    One that gives up leaves the time to the others, and the first one has so many seconds of processor time of
    `patience` before the others begin.
    """
    spent, shares, wall = ([0.0] * len(ways) for _ in range(3))
    outcomes: list[Outcome | None] = [None] * len(ways)
    going = set(range(len(ways)))
    while True:
        way = _next(going, spent, shares)
        ahead = patience if way == 0 and not spent[way] else 0.0
        slice_ = max(FIRST, ahead, GROWTH * spent[way])
        stopwatch, began = ProcessorTime(None), monotonic()
        outcome = ways[way].run(ProcessorTime(slice_, deadline) if len(going) > 1 else deadline)
        spent[way] += stopwatch.elapsed()
        wall[way] += monotonic() - began
        shares[way], outcomes[way] = outcome.share, outcome
        domains = sum(each.domains for each in outcomes if each is not None)
        if not outcome.resumable:
            going.remove(way)
        if outcome.proved or outcome.refuted or deadline.passed() or not going:
            done: credit.Credits = {}
            for each, seconds, last in zip(ways, wall, outcomes, strict=True):
                if last is not None:
                    credit.beside(done, credited(last, each.name, seconds))
            return replace(outcome, domains=domains, resumable=False, ways=done)


def _next(going: set[int], spent: Sequence[float], shares: Sequence[float]) -> int:
    """Which search goes on: one that has not begun, one with less than its share, or the one that will end first."""
    order = sorted(going)
    for way in order:
        if not spent[way]:
            return way
    best = min(order, key=lambda way: spent[way] * (1 - shares[way]) / max(shares[way], 1e-9))
    least = min(order, key=lambda way: spent[way])
    return least if spent[least] < KEPT * spent[best] else best
