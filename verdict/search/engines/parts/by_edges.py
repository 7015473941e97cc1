"""Proofs by planes over edges, beside the tree of domains: where these bound roots much better than chords.

A domain costs some thousand times as much with planes, so they are tried once the tree has worked for a while. They go
on only where they leave of what the roots miss less than half of what chords leave; then they get most of the time, the
more the more radii they prove. First they look for nearer witnesses, where their minimisers are. Then radii in the
middle of the interval are proved, each in some time: a bound over a large ball tells little of smaller ones where
neurons turn on all at once as it grows.
"""

from __future__ import annotations

import math
import time
from collections import deque
from fractions import Fraction

import numpy as np

from ....answer.credit import PLANES
from ....answer.results import Trust
from ....base.deadline import Deadline, ProcessorTime
from ....network.exact import FloatArray, float_below
from ...points.downhill import seek_downhill
from ...radius import RadiusSearch
from ...relus.ascent import optimise
from ...relus.edge_tree import EdgeTree
from ...relus.radii import Radii
from .radius_tree import RadiusTree, last_radius

# The first turn comes after so many seconds of the other tree; one turn takes about so many.
FIRST, TURN = 2.0, 1.0
# The most that planes may leave of what roots miss with chords, and how much more time they get than the other tree;
# how much where that seems to need at most so many times what it has taken.
GAIN, FAVOUR, BESIDE, PATIENCE = 0.5, 4.0, 0.25, 2.0
# The first radii get so many seconds, later ones more by this factor once the radius that failed is this near to the
# one proved, as a share of the interval.
TRIAL, LONGER, NEAR = 2.0, 2.0, 0.25
# And one gets more by the square of the factor where its domains miss no more than this share of what roots missed.
NEARLY = 0.25
# The next radius lies so far on the way once one was proved by at most so many domains a root.
FAR, FEW = 0.75, 3
# The last radius is tried once the interval is so narrow, relatively, or one was proved whose roots missed this share
# of what those of the last one do; it gets this share of all the time so far.
NARROW, CLOSE, LAST_SHARE = Fraction(1, 2000), 0.5, 0.5
# Witnesses are looked for at the minimisers of so many of the latest domains, once so many are new, in this share of
# the time. The first trees, on the ball of the witness, are for that alone, as long as each makes the interval narrower
# by this share.
REMEMBERED, ENOUGH, SEEKING, SCOUTING = 32, 12, 0.25, Fraction(1, 10)


class ByEdges:
    """The planes' side of one search."""

    def __init__(self, search: RadiusSearch) -> None:
        self._search, self._is_out, self.spent = search, False, 0.0
        self._tree: EdgeTree | None = None
        # The radius to prove now, the numbers of the polytopes that are open there, and the seconds that it has had.
        self._goal, self._numbers, self._taken = 0.0, list[int](), 0.0
        # The least radius that was given up, and the seconds that one gets.
        self._failed, self._most = math.inf, TRIAL
        # Whether the last radius was proved by little more than its roots.
        self._is_judged, self._is_easy = False, False
        # What the roots of the last radius miss, as far as known; whether it is to be tried; and its tree, if that has
        # had its time and proved nothing, with its radius and the numbers of its polytopes.
        self._missed, self._is_close = math.inf, False
        self._waiting: tuple[float, list[int], EdgeTree] | None = None
        # How many radii were proved since the other tree has raised the lower end, which is from then on `_raised`.
        self._proved, self._raised = 0, search.lower
        # The seconds that went to witnesses, and whether the present tree is for them alone; where the latest domains
        # have their minimisers, with the numbers of their polytopes, how many are new since the last look, and how many
        # have to be for the next.
        self._sought, self._is_scouting = 0.0, True
        self._minimisers: deque[tuple[int, FloatArray]] = deque(maxlen=REMEMBERED)
        self._new, self._wait = 0, ENOUGH

    def leads(self, spent: float, rest: float) -> bool:
        """Whether the time is the planes' for now, with so many seconds of the other tree, which may need as many more
        as `rest`."""
        favour = BESIDE if rest < PATIENCE * spent else FAVOUR * (1 + self._proved)
        return not self._is_out and self._is_judged and self.spent < favour * spent

    def work(self, tree: RadiusTree, spent: float, clock: Deadline) -> None:
        """One turn beside `tree`, which has worked for `spent` seconds."""
        if self._is_out or spent < FIRST:
            return
        stopwatch, turn = ProcessorTime(None, clock), ProcessorTime(TURN, clock)
        began, before, self._search.way = time.monotonic(), self._search.way, PLANES
        try:
            self._go(tree, turn)
        finally:
            self._search.way = before
            self._search.spend(PLANES, time.monotonic() - began)
        self.spent += stopwatch.elapsed()
        self._taken += stopwatch.elapsed()

    def _go(self, tree: RadiusTree, turn: Deadline) -> None:
        if self._search.lower > self._raised:
            self._proved = 0
        found = self._tree
        if found is None or self._goal > float_below(self._search.cap):
            found = self._begin(tree)
        if found is None:
            self._is_out = True
            return
        ended = found.explore(turn, lambda: self._goal > float_below(self._search.cap))
        reached = [found.reached(row) for row in range(len(self._numbers))]
        for number, radius in zip(self._numbers, reached, strict=True):
            if radius > 0:
                self._search.prove(number, Fraction(radius), Trust.RIGOROUS)
        self._raised = self._search.lower
        if found.is_begun and not self._is_judged:
            self._judge(found, tree)
        for row, point in found.minimisers():
            self._minimisers.append((self._numbers[row], point))
            self._new += 1
        if self._is_scouting:
            if not self._is_out and (ended or self._new >= ENOUGH or self._taken > self._most):
                self._scout(tree)
            return
        if self._new >= self._wait and self._sought <= SEEKING * self.spent:
            self._seek(tree)
        if ended or self._taken > self._limit(found):
            self._give_up(min(reached) >= self._goal, ended)

    def _limit(self, found: EdgeTree) -> float:
        """How many seconds this radius gets."""
        is_last = self._goal >= last_radius(self._search)
        usual = max(self._most, LAST_SHARE * self.spent) if is_last else self._most
        is_near = found.least >= NEARLY * min(found.roots.values(), default=0.0)
        return usual * (LONGER**2 if is_near else 1.0)

    def _scout(self, tree: RadiusTree) -> None:
        """Be done with a tree that is for witnesses alone."""
        before, lower = self._search.cap, self._search.lower
        self._seek(tree)
        if self._tree is not None and self._tree.roots:
            self._missed = -min(self._tree.roots.values())
        self._is_scouting, self._tree = before - self._search.cap > SCOUTING * (before - lower), None

    def _seek(self, tree: RadiusTree) -> None:
        """Look for a nearer witness where the domains have their minimisers."""
        if not self._minimisers:
            return
        stopwatch = ProcessorTime()
        points = np.array([point for _, point in self._minimisers])
        polytopes = [self._search.unsafe.polytopes[number] for number, _ in self._minimisers]
        is_nearer = seek_downhill(self._search, points, polytopes, self._search.deadline.share(0.1, math.inf))
        if is_nearer:
            tree.aim()
        self._new, self._wait = 0, ENOUGH if is_nearer else 2 * self._wait
        self._sought += stopwatch.elapsed()
        self._taken -= stopwatch.elapsed()

    def _give_up(self, is_proved: bool, has_ended: bool) -> None:
        """Be done with this radius."""
        found, self._tree = self._tree, None
        if found is None:
            return
        missed = -min([0.0, *found.roots.values()])
        self._is_easy = is_proved and found.visited <= FEW * len(self._numbers)
        self._is_close = is_proved and missed >= CLOSE * self._missed
        if is_proved:
            self._proved += 1
            return
        if self._goal >= last_radius(self._search):
            self._missed = missed
            self._waiting = None if has_ended else (self._goal, self._numbers, found)
            return
        self._failed = self._goal
        lower, cap = float_below(self._search.lower), float_below(self._search.cap)
        if self._failed - lower < NEAR * (cap - lower):
            self._failed, self._most = math.inf, LONGER * self._most

    def _judge(self, found: EdgeTree, tree: RadiusTree) -> None:
        """Whether planes leave much less open at the worst of the roots than chords do."""
        chords, _ = optimise(found.space, found.begin, tree.options.root_steps)
        missed, usual = min([0.0, *found.roots.values()]), float(chords.lower.min(initial=0))
        if usual < 0:
            self._is_judged, self._is_out = True, missed < GAIN * usual

    def _begin(self, tree: RadiusTree) -> EdgeTree | None:
        """A tree for the next radius; None where there is none, or planes cannot be about it."""
        search = self._search
        lower, last = float_below(search.lower), last_radius(search)
        top = self._failed if lower < self._failed < last else last
        is_narrow = top == last and last - lower <= float(NARROW) * last
        is_last = self._is_scouting or self._is_close or is_narrow
        if is_last and self._waiting is not None and self._waiting[0] == last:
            (self._goal, self._numbers, self._tree), self._taken = self._waiting, 0.0
            return self._tree
        goal = last if is_last else float_below(Fraction(lower + (FAR if self._is_easy else 0.5) * (top - lower)))
        numbers = [i for i, low in enumerate(search.lowers) if float_below(low) < goal]
        if not numbers:
            return None
        at = {number: row for row, number in enumerate(tree.numbers)}
        rows = [at[number] for number in numbers if number in at]
        if len(rows) < len(numbers):
            return None
        space, roots = tree.space_on(tree.bounds_at(goal), rows)
        if space.reduced is None or space.reduced.ball is not None:
            return None
        lowest = min(float_below(search.lowers[number]) for number in numbers)
        radii = Radii(space, search.family, min(lowest, goal), goal)
        self._goal, self._numbers, self._taken = goal, numbers, 0.0
        self._tree = EdgeTree(space, roots, radii, tree.means, tree.offer, apart=True)
        return self._tree
