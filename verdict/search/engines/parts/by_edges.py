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
from fractions import Fraction

from ....answer.credit import PLANES
from ....answer.results import Trust
from ....base.deadline import Deadline, ProcessorTime
from ....network.exact import float_below
from ...points.downhill import seek_downhill
from ...radius import RadiusSearch
from ...relus.ascent import optimise
from ...relus.edge_tree import EdgeTree
from ...relus.radii import Radii
from .radius_tree import RadiusTree, last_radius

# The first turn comes after so many seconds of the other tree; one turn takes about so many.
FIRST, TURN = 2.0, 1.0
# The most that planes may leave of what roots miss with chords, and how much more time they get than the other tree.
GAIN, FAVOUR = 0.5, 4.0
# The first radii get so many seconds, later ones more by this factor once the radius that failed is this near to the
# one proved, as a share of the interval.
TRIAL, LONGER, NEAR = 2.0, 2.0, 0.25
# The next radius lies so far on the way once one was proved by at most so many domains a root.
FAR, FEW = 0.75, 3
# The last radius is tried once the interval is so narrow, relatively.
NARROW = Fraction(1, 2000)
# Witnesses are looked for where so many domains have their minimisers, in this share of the time. The first trees, on
# the ball of the witness, are for that alone, as long as each makes the interval narrower by this share.
ENOUGH, SEEKING, SCOUTING = 12, 0.25, Fraction(1, 10)


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
        # How many radii were proved since the other tree has raised the lower end, which is from then on `_raised`.
        self._proved, self._raised = 0, search.lower
        # The seconds that went to witnesses, and whether the present tree is for them alone.
        self._sought, self._is_scouting = 0.0, True

    def leads(self, spent: float, is_near: bool = False) -> bool:
        """Whether the time is the planes' for now, with so many seconds of the other tree, which promises to end soon
        or not."""
        favour = 1.0 if is_near else FAVOUR * (1 + self._proved)
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
        if self._is_scouting:
            if not self._is_out and (ended or found.remembered >= ENOUGH or self._taken > self._most):
                self._scout(found, tree)
            return
        if found.remembered >= ENOUGH and self._sought <= SEEKING * self.spent:
            self._seek(found, tree)
        if ended or self._taken > self._most:
            self._give_up(is_proved=min(reached) >= self._goal)

    def _scout(self, found: EdgeTree, tree: RadiusTree) -> None:
        """Be done with a tree that is for witnesses alone."""
        before, lower = self._search.cap, self._search.lower
        if found.remembered:
            self._seek(found, tree)
        self._is_scouting, self._tree = before - self._search.cap > SCOUTING * (before - lower), None

    def _seek(self, found: EdgeTree, tree: RadiusTree) -> None:
        """Look for a nearer witness where the domains have their minimisers."""
        stopwatch = ProcessorTime()
        rows, points = found.minimisers()
        polytopes = [self._search.unsafe.polytopes[self._numbers[row]] for row in rows]
        if seek_downhill(self._search, points, polytopes, self._search.deadline.share(0.1, math.inf)):
            tree.aim()
        self._sought += stopwatch.elapsed()
        self._taken -= stopwatch.elapsed()

    def _give_up(self, is_proved: bool) -> None:
        """Be done with this radius."""
        visited = 0 if self._tree is None else self._tree.visited
        self._tree, self._is_easy = None, is_proved and visited <= FEW * len(self._numbers)
        if is_proved:
            self._proved += 1
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
        is_last = self._is_scouting or (top == last and last - lower <= float(NARROW) * last)
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
        self._tree = EdgeTree(space, roots, radii, tree.means, tree.offer)
        return self._tree
