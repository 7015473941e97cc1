"""Proofs by planes over edges, beside the tree of domains: where these bound roots much better than chords.

A domain costs some thousand times as much with planes, so they are tried once the tree has worked for a while. They go
on only where they leave of what the roots miss less than a third of what chords leave; then they get most of the time,
the more the more radii they prove. First they look for nearer witnesses, where their minimisers are. Then radii in the
middle of the interval are proved, each in some time: a bound over a large ball tells little of smaller ones where
neurons turn on all at once as it grows. One that is open then waits with its tree, to go on later.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from fractions import Fraction

from ....answer.credit import PLANES
from ....answer.results import Trust
from ....base.deadline import Deadline, ProcessorTime
from ....network.exact import float_below
from ...radius import RadiusSearch
from ...relus.ascent import optimise
from ...relus.edge_gains import Rounds
from ...relus.edge_tree import EdgeTree
from ...relus.radii import Radii
from ...relus.space import Space
from .near_minimisers import NearMinimisers
from .radius_tree import RadiusTree, last_radius

# The first turn comes after so many seconds of the other tree; one turn takes about so many.
FIRST, TURN = 2.0, 1.0
# Until it is known whether planes pay a turn may take so many seconds.
JUDGING = 4.0
# The most that planes may leave of what roots miss with chords, and how much more time they get than the other tree;
# how much where that seems to need at most so many times what it has taken.
GAIN, FAVOUR, BESIDE, PATIENCE = 0.33, 4.0, 0.1, 2.0
# The first radii get so many seconds, later ones more by this factor once the radius that failed is this near to the
# one proved, as a share of the interval.
TRIAL, LONGER, NEAR = 2.0, 2.0, 0.25
# And one but the last gets more by the square of the factor where its domains miss no more than this share of what
# roots missed.
NEARLY = 0.25
# The next radius lies so far on the way once one was proved by at most so many domains a root.
FAR, FEW = 0.75, 3
# The last radius is tried once the interval is so narrow, relatively, or one was proved whose roots missed this share
# of what those of the last one do; it gets this share of all the time so far.
NARROW, CLOSE, LAST_SHARE = Fraction(1, 2000), 0.5, 0.5
# A tree keeps to its box where a witness makes its radius smaller by no more than this share: bounds on the box are
# told for smaller ones in closed form.
FALLEN = Fraction(1, 10000)
# The first trees, on the ball of the witness, are for witnesses alone, as long as each makes the interval narrower by
# this share.
SCOUTING = Fraction(1, 10)


@dataclass
class Goal:
    """A radius to prove, for the polytopes with these `numbers`, by a tree on the ball of the radius `box`; whether it
    has waited and `went_on`."""

    radius: float
    numbers: list[int]
    tree: EdgeTree
    box: float
    went_on: bool = False

    @property
    def is_near(self) -> bool:
        """Whether its domains miss little of what its roots missed, as far as known."""
        return self.tree.least >= NEARLY * min(self.tree.roots.values(), default=0.0)

    @property
    def is_promising(self) -> bool:
        """Whether it may go on before the last radius."""
        return self.tree.is_begun and self.is_near and not self.went_on


class ByEdges:
    """The planes' side of one search."""

    def __init__(self, search: RadiusSearch) -> None:
        self._search, self._is_out, self.spent = search, False, 0.0
        # The radius to prove now, and the seconds that it has had; those that have had their time and are open, the
        # least first.
        self._goal: Goal | None = None
        self._taken, self._waiting = 0.0, list[Goal]()
        # The least radius at which nothing is left to split, and the seconds that one gets.
        self._failed, self._most = math.inf, TRIAL
        # Whether the last radius was proved by little more than its roots.
        self._is_judged, self._is_easy = False, False
        # What the roots of the last radius miss, as far as known, and whether it is to be tried; whether it was just
        # left open, so that it is another's turn.
        self._missed, self._is_close, self._is_left = math.inf, False, False
        # How many radii were proved since the other tree has raised the lower end, which is from then on `_raised`.
        self._proved, self._raised = 0, search.lower
        # What rounds of gradient steps gain, in all trees.
        self._rounds = Rounds()
        # Who looks for witnesses, and whether the present tree is for them alone.
        self._near, self._is_scouting = NearMinimisers(search), True

    @property
    def are_judged(self) -> bool:
        """Whether it is known if planes pay, so that they have their time by that."""
        return self._is_judged

    @property
    def pay(self) -> bool:
        """Whether planes are known to pay."""
        return self._is_judged and not self._is_out

    def leads(self, spent: float, rest: float) -> bool:
        """Whether the time is the planes' for now, with so many seconds of the other tree, which may need as many more
        as `rest`."""
        favour = BESIDE if rest < PATIENCE * spent else FAVOUR * (1 + self._proved)
        return self.pay and self.spent < favour * spent

    def work(self, tree: RadiusTree, spent: float, clock: Deadline) -> None:
        """One turn beside `tree`, which has worked for `spent` seconds."""
        if self._is_out or spent < FIRST:
            return
        stopwatch, turn = ProcessorTime(None, clock), ProcessorTime(TURN if self._is_judged else JUDGING, clock)
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
        goal = self._aimed(self._goal) or self._next(tree)
        self._goal = goal
        if goal is None:
            self._is_out = True
            return
        ended = goal.tree.explore(turn, lambda: self._is_over(goal))
        reached = [goal.tree.reached(row) for row in range(len(goal.numbers))]
        for number, radius in zip(goal.numbers, reached, strict=True):
            if radius > 0:
                self._search.prove(number, Fraction(radius), Trust.RIGOROUS)
        self._raised = self._search.lower
        if goal.tree.is_begun and not self._is_judged:
            self._judge(goal.tree, tree)
        self._near.learn(goal.tree, goal.numbers)
        if self._is_scouting:
            if not self._is_out and (ended or self._near.are_enough or self._taken > self._most):
                self._scout(goal, tree, ended)
            return
        if self._near.is_due(self.spent):
            self._seek(tree)
        if ended or self._taken > self._limit(goal):
            self._leave(goal, min(reached) >= goal.radius, ended)

    def _is_over(self, goal: Goal) -> bool:
        """Whether a turn ends before its time: the goal is beyond a witness, or it can be told whether planes pay."""
        return goal.radius > float_below(self._search.cap) or (goal.tree.is_begun and not self._is_judged)

    def _aimed(self, goal: Goal | None) -> Goal | None:
        """The goal no farther out than the witness; None where its box is too large for that."""
        last = last_radius(self._search)
        if goal is None or goal.radius <= last:
            return goal
        if last < goal.box * float(1 - FALLEN):
            return None
        goal.radius = last
        goal.tree.aim(self._radii(goal.tree.space, goal.numbers, last))
        return goal

    def _radii(self, space: Space, numbers: list[int], radius: float) -> Radii:
        lowest = min(float_below(self._search.lowers[number]) for number in numbers)
        return Radii(space, self._search.family, min(lowest, radius), radius)

    def _limit(self, goal: Goal) -> float:
        """How many seconds this radius gets."""
        if goal.radius >= last_radius(self._search):
            return max(self._most, LAST_SHARE * self.spent)
        return self._most * (LONGER**2 if goal.is_near else 1.0)

    def _scout(self, goal: Goal, tree: RadiusTree, has_ended: bool) -> None:
        """Be done with a tree that is for witnesses alone, for now."""
        before, lower = self._search.cap, self._search.lower
        self._seek(tree)
        if goal.tree.roots:
            self._missed = -min(goal.tree.roots.values())
        self._is_scouting, self._goal = before - self._search.cap > SCOUTING * (before - lower), None
        if not has_ended:
            self._put_off(goal)

    def _seek(self, tree: RadiusTree) -> None:
        """Look for a nearer witness; that is no time of the radius."""
        before = self._near.spent
        if self._near.seek():
            tree.aim()
        self._taken -= self._near.spent - before

    def _leave(self, goal: Goal, is_proved: bool, has_ended: bool) -> None:
        """Be done with this radius, for now where it is open."""
        self._goal, missed = None, -min([0.0, *goal.tree.roots.values()])
        self._is_easy = is_proved and goal.tree.visited <= FEW * len(goal.numbers)
        self._is_close = is_proved and missed >= CLOSE * self._missed
        self._is_left = goal.radius >= last_radius(self._search)
        if is_proved:
            self._proved += 1
            return
        if self._is_left:
            self._missed = missed
        elif has_ended:
            self._failed = goal.radius
        if not has_ended:
            self._put_off(goal)

    def _put_off(self, goal: Goal) -> None:
        goal.tree.rest()
        self._waiting.append(goal)

    def _judge(self, found: EdgeTree, tree: RadiusTree) -> None:
        """Whether planes leave much less open at the worst of the roots than chords do."""
        chords, _ = optimise(found.space, found.begin, tree.options.root_steps)
        missed, usual = min([0.0, *found.roots.values()]), float(chords.lower.min(initial=0))
        if usual < 0:
            self._is_judged, self._is_out = True, missed < GAIN * usual

    def _next(self, tree: RadiusTree) -> Goal | None:
        """The next radius, one that waits or another with a tree of its own; None where there is none, or planes cannot
        be about it."""
        lower, last = float_below(self._search.lower), last_radius(self._search)
        waiting = [goal for goal in map(self._aimed, self._waiting) if goal is not None and goal.radius > lower]
        self._waiting, self._taken = sorted(waiting, key=lambda goal: goal.radius), 0.0
        is_narrow = last - lower <= float(NARROW) * last and not self._is_left
        is_last = self._is_scouting or self._is_close or is_narrow
        if is_last:
            # One that is nearly proved goes on before it, once.
            again = next((goal for goal in self._waiting if goal.radius >= last or goal.is_promising), None)
            return self._resumed(again) if again is not None else self._begun(tree, last)
        open_ones = [self._failed, *(goal.radius for goal in self._waiting)]
        top = min([last, *(radius for radius in open_ones if radius > lower)])
        if top < last and top - lower < NEAR * (last - lower):
            # What is below it would say little more.
            self._failed, self._most = math.inf, LONGER * self._most
            if self._waiting and self._waiting[0].radius == top:
                return self._resumed(self._waiting[0])
            top = last
        return self._begun(tree, float_below(Fraction(lower + (FAR if self._is_easy else 0.5) * (top - lower))))

    def _resumed(self, goal: Goal) -> Goal:
        self._waiting.remove(goal)
        goal.went_on = True
        return goal

    def _begun(self, tree: RadiusTree, radius: float) -> Goal | None:
        """A radius with a tree that begins now."""
        numbers = [i for i, low in enumerate(self._search.lowers) if float_below(low) < radius]
        at = {number: row for row, number in enumerate(tree.numbers)}
        rows = [at[number] for number in numbers if number in at]
        if not numbers or len(rows) < len(numbers):
            return None
        space, roots = tree.space_on(tree.bounds_at(radius), rows)
        if space.reduced is None or space.reduced.ball is not None:
            return None
        radii = self._radii(space, numbers, radius)
        found = EdgeTree(space, roots, radii, tree.means, tree.offer, apart=True)
        found.gains.rounds = self._rounds
        return Goal(radius, numbers, found, radius)
