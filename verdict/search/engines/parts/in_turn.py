"""Several searches for the same proof, in turn, as they get on.

None of them can be judged beforehand, and each says what share of the whole it has closed, or what it expects to need.
So the time goes to the one that will end first if it goes on like that, in ever longer slices, and the others keep a
small share of it: none that could have won is left out, and what they cost is bounded (Gomes and Selman 2001, on
portfolios). One that needs much before anything can be said of it says how much, and is tried once that is little
beside what the best expects to take in all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf
from time import monotonic
from typing import Protocol

from ....answer import credit
from ....base.deadline import TIME_LIMIT, Deadline, OutOfTime, ProcessorTime
from ...outcome import Outcome, credited

# Seconds of processor time in the first slice, by how much slices grow with what their search has spent, and the share
# of the best search's time that the others keep together: less where they expect to need so many times as long as it,
# and as much as it has where it expects that of itself, for then it has stalled.
FIRST, GROWTH, KEPT = 0.25, 0.5, 0.15
FAR, FAR_KEPT = 100.0, 0.05
# The share of what the best search expects to take in all that trials of others may take.
TRIED = 0.3
# What is known of a search that has not told anything yet.
NOTHING = Outcome(False, -inf, 0)


class Way(Protocol):
    """A search that can be stopped by its clock and go on; `name` is the way's (`answer.credit`)."""

    name: str

    @property
    def needs(self) -> float:
        """The seconds of processor time that its next turn takes at least, where that is a trial: before that nothing
        can be said of it. 0 where it gets on in turns of any length."""
        ...

    def run(self, deadline: Deadline) -> Outcome: ...


def in_turn(ways: Sequence[Way], deadline: Deadline, patience: float = 0.0) -> Outcome:
    """How the first of the searches to end has ended; none of it resumable.

    One that gives up leaves the time to the others, and the first one has so many seconds of processor time of
    `patience` before the others begin.
    """
    spent, ahead, wall = [0.0] * len(ways), [inf] * len(ways), [0.0] * len(ways)
    # What it all took, with what a search starts from: that is paid for like the rest, once somebody has told anything.
    took = [0.0] * len(ways)
    outcomes: list[Outcome | None] = [None] * len(ways)
    reached: list[list[tuple[float, float]]] = [[(0.0, 0.0)] for _ in ways]
    going = set(range(len(ways)))
    while True:
        needs = [way.needs for way in ways]
        endless = {way for way, last in enumerate(outcomes) if last is not None and last.ahead == inf}
        way = _next(going, spent, took, ahead, needs, endless)
        least = patience if way == 0 and not spent[way] else 0.0
        slice_ = max(FIRST, least, needs[way], GROWTH * spent[way])
        stopwatch, began = ProcessorTime(None), monotonic()
        try:
            outcome = ways[way].run(ProcessorTime(slice_, deadline) if len(going) > 1 else deadline)
        except OutOfTime:
            # The whole question's time is up: what the search said last is what is known of it.
            outcome = replace(outcomes[way] or NOTHING, resumable=False, reason=TIME_LIMIT)
            going.clear()
        turn = stopwatch.elapsed()
        # What the first slice is longer than it should be is for what the search starts from, and not spent again.
        spent[way] += turn if spent[way] else min(turn, slice_)
        took[way] += turn
        wall[way] += monotonic() - began
        reached[way].append((spent[way], outcome.share))
        ahead[way], outcomes[way] = _ahead(outcome, reached[way]), outcome
        domains = sum(each.domains for each in outcomes if each is not None)
        if not outcome.resumable:
            going.discard(way)
        if outcome.proved or outcome.refuted or deadline.passed() or not going:
            done: credit.Credits = {}
            for each, seconds, last in zip(ways, wall, outcomes, strict=True):
                if last is not None:
                    credit.beside(done, credited(last, each.name, seconds))
            return replace(outcome, domains=domains, resumable=False, ways=done)


def _ahead(outcome: Outcome, reached: Sequence[tuple[float, float]]) -> float:
    """The seconds that a search will need yet: by its own word, or going on as in the last half of its time, or as in
    its last slice where that was slower; without end where nothing is closed yet. What it has `reached` are seconds and
    shares, ascending seconds.

    The easy part of a whole is closed first, and a search that has stalled since would long live on that.
    """
    if outcome.ahead is not None:
        return outcome.ahead
    points = [*reached]
    for at in range(len(reached) - 1, 0, -1):
        if reached[at][1] < reached[at - 1][1]:
            # What begins again behind better bounds closes anew what it had.
            points = [(reached[at - 1][0], 0.0), *reached[at:]]
            break
    spent, share = points[-1]
    if not share:
        return inf
    middle = (points[0][0] + spent) / 2
    half = max(point for point in points if point[0] <= middle)
    return max((spent - before) * (1 - share) / max(share - closed, 1e-9) for before, closed in (half, points[-2]))


def _next(
    going: set[int],
    spent: Sequence[float],
    took: Sequence[float],
    ahead: Sequence[float],
    needs: Sequence[float],
    endless: set[int],
) -> int:
    """Which search goes on: one that has not begun, one with less than its share, or the one that will end first. Those
    that see no end say so by their own word."""
    order = sorted(going)
    best = min(order, key=lambda way: ahead[way])
    new = [way for way in order if not (spent[way] or needs[way])]
    # In the first half of its time no word is worth much, and in the second a start may take longer than the rest.
    if new and not ahead[best] < took[best]:
        return new[0]

    def missing(way: int) -> float:
        if needs[way]:
            # With trials the others may take as long as the best has taken, unless that will have ended before it pays.
            room = 2 * took[best] - sum(took)
            return min(room, TRIED * (spent[best] + ahead[best])) - needs[way]
        if way in endless:
            kept = FAR_KEPT
        elif FAR * took[best] < ahead[best] < inf:
            kept = 1.0
        else:
            # One that has closed nothing yet may only have begun.
            kept = FAR_KEPT if FAR * ahead[best] < ahead[way] < inf else KEPT
        if ahead[best] == inf:
            # Nobody has told anything yet, so a long start says nothing against a search.
            return kept * spent[best] - spent[way]
        return kept / (len(going) - 1) * took[best] - took[way]

    others = [way for way in order if way != best and way not in new]
    least = max(others, key=missing, default=best)
    return least if others and missing(least) > 0 else best
