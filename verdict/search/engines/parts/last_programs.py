"""The last proof by linear programs, beside the tree of domains: as long as each is cheap and the tree is not done.

Which of the two is better depends on the network: many unstable ReLUs over many inputs make programs dear, and near a
tie of a small network nothing but programs closes a domain. So both work, in turn and for the same time, the programs
only as long as one costs little.
"""

from __future__ import annotations

import time
from fractions import Fraction

from ....answer.credit import PROGRAMS
from ....answer.results import Trust
from ....base.deadline import Deadline, ProcessorTime
from ....base.errors import SolverError
from ...radius import RadiusSearch
from ...relus.program import can_say, matrix_numbers
from ...relus.program_tree import ProgramTree
from .radius_tree import RadiusTree

# The first turn comes after so many seconds of the other tree; one turn takes at least so many.
FIRST, TURN = 0.3, 0.2
# Programs of more numbers than this are too dear: a solver needs tens of milliseconds for each.
MOST_NUMBERS = 30_000


class LastByPrograms:
    """The programs' side of one search."""

    def __init__(self, search: RadiusSearch) -> None:
        self._search, self._is_out, self.spent = search, False, 0.0
        self._tree: ProgramTree | None = None
        # The radius of the ball that it is on.
        self._goal = 0.0

    def work(self, tree: RadiusTree, spent: float, clock: Deadline) -> None:
        """One turn beside `tree`, which has worked for `spent` seconds: of as much time as that has had more."""
        if self._is_out or spent < FIRST:
            return
        stopwatch, turn = ProcessorTime(None, clock), ProcessorTime(max(TURN, spent - self.spent), clock)
        began, before, self._search.way = time.monotonic(), self._search.way, PROGRAMS
        try:
            self._go(tree, turn)
        except SolverError:
            self._is_out = True
        finally:
            self._search.way = before
            self._search.spend(PROGRAMS, time.monotonic() - began)
        self.spent += stopwatch.elapsed()

    def _go(self, tree: RadiusTree, turn: Deadline) -> None:
        if not self._fits(tree):
            self._is_out = True
            return
        while not turn.passed() and self._search.is_open():
            found, goal = self._at(tree), tree.goal
            ended = found.explore(turn, lambda: tree.goal < self._goal)
            for row, left in found.left.items():
                if not left:
                    self._search.prove(tree.numbers[row], Fraction(goal), Trust.RIGOROUS)
            if ended and tree.goal >= goal:
                self._is_out = True
                return

    def _fits(self, tree: RadiusTree) -> bool:
        """Whether programs are small."""
        return can_say(tree.space) and matrix_numbers(tree.space) <= MOST_NUMBERS

    def _at(self, tree: RadiusTree) -> ProgramTree:
        """The tree of programs on the ball of the present goal."""
        if self._tree is None or self._goal > tree.goal:
            bounds = tree.bounds if tree.goal == tree.radius else tree.bounds_at(tree.goal)
            space, roots = tree.space_on(bounds)
            if self._tree is None:
                self._tree = ProgramTree(space, roots, tree.offer)
            else:
                self._tree.move(space)
            self._goal = tree.goal
        return self._tree
