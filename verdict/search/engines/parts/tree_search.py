"""The radius by trees over ReLUs: the last proof, just below the witness, and smaller radii beside it while it is long.

Each attempt is one tree behind bounds of hidden neurons that are sharpened as far as that pays; sharpening and
searching take turns, as for a yes or no (`bab`), but nothing is begun anew. A proof near the witness uses bounds of the
whole ball, and where these are loose it tells nothing of smaller radii; so, unless it promises to end soon, attempts in
the middle of the interval get half as much of the time.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from functools import partial

from ....answer.credit import PROGRAMS, RELUS
from ....base.deadline import Deadline, ProcessorTime
from ....base.workers import Workers
from ....network.exact import float_below
from ...means import Means
from ...neurons.sharpen import Round, sharpen
from ...radius import RadiusSearch
from ...relus.program import matrix_numbers
from ...relus.relu_split import TOUCHED
from .bab import unfit
from .beside import Beside
from .by_edges import ByEdges
from .last_programs import LastByPrograms
from .radius_tree import RadiusTree, last_radius

# The last proof gets all the time as long as it promises to end within so many times what it has taken, or seconds.
PATIENCE, SOON = 2.0, 2.0
# A promise to end soon keeps planes away for so many seconds.
TRUSTED = 4.0
# What attempts at smaller radii may take beside it, as a share of what it takes.
SMALLER_SHARE = 0.5
# The longest slice while another way is at work, in seconds.
BRIEF = 0.5
# An interval no wider than this, relatively, is left to the last proof.
NARROW = Fraction(1, 100)


class Attempt:
    """The proof of one radius, in turns: at first behind linear bounds, then behind ever sharper ones.

    `expected` is how many seconds of processor time the rest takes at the pace at which the latest slice has closed
    parts of the space, which tells when the large ones are closed; `rest` the same at the pace at which the radius that
    all domains reach has risen in the latter half of the time.
    """

    def __init__(self, search: RadiusSearch, radius: float, means: Means, clock: Deadline) -> None:
        self.search, self.means, self.options = search, means, means.options
        stopwatch = ProcessorTime(None, clock)
        numbers = [i for i, low in enumerate(search.lowers) if float_below(low) < radius]
        self.tree = RadiusTree(search, numbers, radius, search.bounds_at(radius), means)
        self._spent, self.expected, self.rest, self.done = stopwatch.elapsed(), math.inf, 0.0, False
        # The turn that is not over yet.
        self._turn: Deadline | None = None
        # What the last bounds have cost, whether better ones would be of no use, and the search behind them so far.
        self._sharpening, self._last, self._rounds = self._spent, False, -1
        self._slice, self._share, self._behind = 0.0, 0.0, 0.0
        # The radius that all domains reached, after so many seconds.
        self._ascent = [(0.0, float_below(search.lower))]
        # Whether another way is ahead, so that bounds behind the first ones are no use.
        self.is_behind = False
        # The longest slice, in seconds; who looks around within a turn that takes long, and tells whether to end it.
        self.most = math.inf
        self.look: Callable[[], bool] = lambda: False
        # The least that it was to take in all by its own estimates.
        self._promised = math.inf
        self._restart()

    def _restart(self) -> None:
        self._slice, self._behind = max(self.options.least_search, self.options.share * self._sharpening), 0.0

    def work(self, clock: Deadline) -> None:
        """One turn: a slice of the search, and bounds anew where the rest would take longer than these."""
        self._turn, began, inside = ProcessorTime(None, clock), time.monotonic(), self.tree.in_programs
        self.done = self._search(clock)
        pays = self._behind + self.expected > self.options.growth * self._sharpening
        pays &= self.tree.space.size > self.options.short and not (self.is_behind and self._rounds >= 0)
        if not (self.done or clock.passed()) and pays and not (self._last and self.expected < math.inf):
            self._sharpen(clock)
        self._spent, self._turn = self.spent, None
        inside = self.tree.in_programs - inside
        self.search.spend(PROGRAMS, inside)
        self.search.spend(RELUS, time.monotonic() - began - inside)
        self._ascent.append((self.spent, self.tree.reached))
        since, low = next(step for step in reversed(self._ascent) if step[0] <= self.spent / 2)
        risen = self.tree.reached - low
        self.rest = (self.spent - since) * (self.tree.goal - self.tree.reached) / risen if risen > 0 else math.inf
        self._promised = min(self._promised, self.spent + min(self.expected, self.rest) + self._slice)

    @property
    def spent(self) -> float:
        """The seconds of processor time so far."""
        return self._spent + (0.0 if self._turn is None else self._turn.elapsed())

    @property
    def is_near(self) -> bool:
        """Whether the proof promises to end before another way would have done much. Whoever has taken twice as long as
        was promised once is not believed: shares of the space say little of what is hard in it."""
        is_soon = min(self.expected, self.rest) < max(SOON, self.spent)
        return is_soon and self.spent <= PATIENCE * self._promised

    def _search(self, clock: Deadline) -> bool:
        self._slice = min(self._slice, self.most)
        while self.tree.explore(ProcessorTime(self._slice, clock)):
            if not self.tree.is_stale:
                return True
            self.tree.move(self.tree.goal, self.tree.bounds_at(self.tree.goal))
        gained, self._share = self.tree.share - self._share, self.tree.share
        self._behind += self._slice
        self.expected = self._slice * (1 - self._share) / gained if gained > 0 else math.inf
        self._slice = max(self.options.least_search, min(self.expected, self._behind))
        return False

    def _sharpen(self, clock: Deadline) -> None:
        splits = self.options.rounds if self._rounds == 0 else self.options.growth * self._rounds
        self._rounds = 0 if self._rounds < 0 else splits
        stopwatch, before = ProcessorTime(None, clock), self.tree.space.size
        graph, lock = self.tree.graph, threading.Lock()

        def ended() -> bool:
            # Several threads ask, and one of them looks.
            if not clock.passed() and lock.acquire(blocking=False):
                try:
                    return self.look()
                finally:
                    lock.release()
            return clock.passed()

        bounds = sharpen(graph, self.tree.bounds, Round(self._rounds), self.means, ended)
        self._sharpening = stopwatch.elapsed()
        self._last = self._rounds > 0 and bounds.unstable(graph) > self.options.saturated * before
        self.tree.move(self.tree.radius, bounds)
        self._restart()


def search_tree(search: RadiusSearch, clock: Deadline, threads: int, beside: Beside | None = None) -> None:
    """Close the interval of a family of boxes, or stop when `clock` runs out or nothing is left that splits can do.

    Where that takes long, `beside` works on one core as long as it keeps up.
    """
    search.enter("bab")
    search.way = RELUS
    if all(float_below(low) >= last_radius(search) for low in search.lowers):
        return
    if reason := unfit([search.unsafe.polytopes[i] for i in search.open_polytopes()]):
        search.notes.append(reason)
        return
    with Workers(threads) as workers:
        means = Means(workers, search.device)
        last = Attempt(search, last_radius(search), means, clock)
        programs, planes = LastByPrograms(search), ByEdges(search)
        turns = clock
        if beside is not None:
            last.look = partial(_look_beside, last, beside, workers)
            beside.expect(matrix_numbers(last.tree.space))
            turns = beside.turns(clock)
        smaller: Attempt | None = None
        failed = math.inf
        while not clock.passed() and search.is_open():
            if beside is not None and turns.passed():
                beside.harvest()
                turns = clock
                continue
            if planes.leads(last.spent, last.rest):
                planes.work(last.tree, last.spent, turns)
                if beside is not None and beside.started:
                    workers.spare = int(beside.look(last.spent + planes.spent))
                continue
            last.is_behind = planes.pay
            last.work(turns)
            if beside is not None and not last.done:
                _look_beside(last, beside, workers, programs.spent + planes.spent)
            if last.done:
                if search.is_open() and not clock.passed():
                    search.notes.append(f"radius {last.tree.goal:.6g} was not proved: {TOUCHED}")
                return
            programs.work(last.tree, last.spent, turns)
            if not planes.are_judged and (last.spent > TRUSTED or not last.is_near):
                planes.work(last.tree, last.spent, turns)
            if not search.is_open() or not _is_long(last, search):
                continue
            if smaller is None or smaller.done or smaller.tree.radius <= float_below(search.lower):
                if smaller is not None and smaller.done and smaller.tree.reached < smaller.tree.goal:
                    failed = smaller.tree.radius
                between = _between(search, failed)
                if between <= float_below(search.lower):
                    continue  # no float lies between
                smaller = Attempt(search, between, means, turns)
            while smaller.spent < SMALLER_SHARE * last.spent and not (smaller.done or turns.passed()):
                smaller.work(turns)
                if _is_stuck(smaller, last):
                    failed, smaller.done = smaller.tree.radius, True


def _look_beside(last: Attempt, beside: Beside, workers: Workers, others: float = 0.0) -> bool:
    """Let another way work beside the last proof, and what works with that, which has taken so many seconds, while that
    is long and it keeps up, on a core of its own. Where the proof promises to end before the other way would be at
    work, none begins. Whether the interval is closed."""
    if beside.started or beside.is_quick or not last.is_near:
        is_running = beside.look(last.spent + others)
        last.most = BRIEF if is_running else math.inf
        workers.spare = int(is_running)
    return not last.search.is_open()


def _is_long(last: Attempt, search: RadiusSearch) -> bool:
    """Whether the last proof is so long, and the interval so wide, that smaller radii are worth their time."""
    soon = max(SOON, min(PATIENCE * last.spent, search.deadline.remaining()))
    return last.spent > SOON and last.rest > soon and search.cap - search.lower > NARROW * search.cap


def _is_stuck(attempt: Attempt, last: Attempt) -> bool:
    """Whether an attempt would take much more than the last proof has taken so far."""
    return attempt.rest > PATIENCE * max(SOON, last.spent)


def _between(search: RadiusSearch, failed: float) -> float:
    """The next radius: in the middle of what is proved and the least that was not."""
    top = min(Fraction(failed), search.cap) if float_below(search.lower) < failed < math.inf else search.cap
    return float_below((search.lower + top) / 2)
