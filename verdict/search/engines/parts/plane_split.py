"""Planes over edges as a way to a proof about one box, beside splits of ReLUs by chords.

A domain costs some thousand times as much with planes, so they go on only where they leave of what the worst root
misses less than half of what chords leave behind sharpened bounds, or so little that these need not be waited for.
Their proofs have a slope for every edge, and a checker that knows the edges bounds the leaves anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np

from ....answer import credit
from ....base.deadline import TIME_LIMIT, Deadline
from ....bounds.edges import edge_count
from ....network.exact import FloatArray
from ....property import Polytope
from ...first_box import FirstBox
from ...means import Means
from ...observer import Watch
from ...outcome import Outcome
from ...relus.ascent import optimise
from ...relus.edge_tree import EdgeTree
from ...relus.program import matrix_numbers
from .relu_rounds import ReluRounds

# The most that planes may leave of what the worst root misses with chords.
GAIN = 0.5
# Reduced forms of more numbers, or with more edges, which are those that are not 0, are nothing for planes.
MOST_NUMBERS, MOST_EDGES = 2**23, 2**19
# Planes that leave no more than this share of what chords leave pay whatever sharpening does for these.
CLEAR = GAIN**2
# So many looks are taken before sharpened bounds are waited for, and to judge by these then takes so many seconds.
LOOKS, SOON = 2, 1e-3
# Why a search by planes ends.
NO_USE, STUCK = "planes over edges do not pay", "planes over edges leave regions that no split makes smaller"


class PlaneSplit:
    """A proof that no input of the box of the `rounds` of splits reaches any of the polytopes, of one row each, beside
    these."""

    name = credit.PLANES

    def __init__(self, rounds: ReluRounds, polytopes: Sequence[Polytope], watch: Watch, means: Means) -> None:
        self._rounds, self._polytopes, self._watch, self._means = rounds, list(polytopes), watch, means
        self._tree: EdgeTree | None = None
        # What chords leave of the worst root behind the first bounds; what planes do, how many looks there were at
        # that, each twice as long as the one before, the seconds of processor time that the first one takes, and
        # whether planes are judged.
        self._missed, self._seen, self._looks, self._trial, self._is_judged = 0.0, -inf, 0, 0.0, False

    @staticmethod
    def can(first: FirstBox, polytopes: Sequence[Polytope]) -> bool:
        """Whether planes can be about the question at all."""
        return first.bounds.ball is None and all(len(p.offset.values) == 1 for p in polytopes)

    @property
    def needs(self) -> float:
        """What it takes to judge planes: first a form of edges, about what that of the whole box takes, then a look at
        the worst root. Without end where sharpened bounds are waited for."""
        if self._is_judged:
            return 0.0
        if self._tree is None:
            return self._rounds.form_seconds
        if self._waits:
            return inf if self._rounds.root is None else SOON
        return (1 << self._looks) * self._trial

    @property
    def _waits(self) -> bool:
        """Whether another look would tell less than bounds that are sharpened."""
        return self._looks == LOOKS

    @property
    def _chords(self) -> float:
        """What chords leave of the worst root behind the best bounds so far."""
        return self._missed if self._rounds.root is None else max(self._missed, self._rounds.root)

    def run(self, deadline: Deadline) -> Outcome:
        """Search until all is closed, a counterexample is found, or `deadline` has passed; then it may go on. A turn in
        which sharpened bounds were to be waited for judges by those at hand."""
        if self._tree is None:
            self._tree = self._begun()
            if self._tree is None:
                return Outcome(False, -np.inf, 0, NO_USE)
            self._trial = self._tree.glance_seconds()
            return Outcome(False, -np.inf, 0, TIME_LIMIT, resumable=True)
        tree = self._tree
        if not self._is_judged:
            waits = self._waits
            if not waits:
                self._seen, self._looks = tree.glance(1 << self._looks), self._looks + 1
            if self._seen < GAIN * self._chords:
                self._tree = None
                return Outcome(False, -np.inf, 0, NO_USE)
            if self._seen < CLEAR * self._chords and self._rounds.root is None and not waits:
                return Outcome(False, -np.inf, 0, TIME_LIMIT, resumable=True)
            self._is_judged = True
            # What a whole root takes is known only behind it.
            tree.explore(self._rounds.whole, lambda: bool(tree.roots))
        ended = tree.explore(deadline, lambda: False)
        ways = self._ways(tree)
        if tree.is_refuted:
            reason = "a counterexample was found"
            return Outcome(False, -np.inf, tree.visited, reason, refuted=True, ways=ways)
        if tree.is_proved:
            tree.observer.proved()
            return Outcome(True, 0.0, tree.visited, share=1.0, ways=ways)
        if ended:
            return Outcome(False, tree.least, tree.visited, STUCK, tree.share, ways=ways)
        return Outcome(False, tree.least, tree.visited, TIME_LIMIT, tree.share, resumable=True, ways=ways)

    def _begun(self) -> EdgeTree | None:
        """The tree, with nothing bounded yet, the worst roots first; None where the reduced form is none, or too
        large."""
        space, rows = self._rounds.whole_box()
        if space.reduced is None or not space.size or matrix_numbers(space) > MOST_NUMBERS:
            return None
        if edge_count(space.reduced) > MOST_EDGES:
            return None
        chords, _ = optimise(space, space.root(), self._means.options.relus.root_steps)
        worst = chords.lower.argsort(kind="stable")
        self._missed = float(chords.lower.min(initial=0))
        tree = EdgeTree(space, space.root().take(worst), None, self._means, self._offer)
        tree.observer = self._watch.proof.planes(space, self._polytopes, rows, tree.form)
        return tree

    def _offer(self, points: FloatArray) -> bool:
        return self._watch.try_points(points)

    def _ways(self, tree: EdgeTree) -> credit.Credits:
        return {credit.PLANES: credit.Credit(closed=min(1.0, tree.share))}
