"""Planes over edges as a way to a proof about one box, beside splits of ReLUs by chords.

A domain costs some thousand times as much with planes, so they are tried in steps of which each is dearer and tells
more: looks at the worst root, then the worst roots and the first split, which says how large their tree will get. Their
proofs have a slope for every edge, and a checker that knows the edges bounds the leaves anew.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....answer import credit
from ....base.deadline import TIME_LIMIT, Deadline, ProcessorTime
from ....bounds.edges import edge_count
from ....network.exact import FloatArray
from ....property import Polytope
from ...first_box import FirstBox
from ...means import Means
from ...observer import Watch
from ...outcome import Outcome
from ...relus.ascent import optimise
from ...relus.edge_domain import GLANCE_STEPS, ROOT_STEPS
from ...relus.edge_tree import EdgeTree
from ...relus.program import matrix_numbers
from .relu_rounds import ReluRounds, behind_round

# Reduced forms of more numbers, or with more edges, which are those that are not 0, are nothing for planes.
MOST_NUMBERS, MOST_EDGES = 2**23, 2**19
# Planes that leave no more than this share of what chords leave of the worst root, after so many looks, each twice as
# long as the one before, are taken at once.
CLEAR, LOOKS = 0.25, 2
# What the first two roots take, and the first split, in first looks.
ROOTS, SPLIT = 2 * ROOT_STEPS / GLANCE_STEPS, 20.0
# Why a search by planes ends.
NO_USE, STUCK = "planes over edges do not pay", "planes over edges leave regions that no split makes smaller"


class PlaneSplit:
    """A proof that no input of the box of the `rounds` of splits reaches any of the polytopes, of one row each, beside
    these."""

    name = credit.PLANES

    def __init__(self, rounds: ReluRounds, polytopes: Sequence[Polytope], watch: Watch, means: Means) -> None:
        self._rounds, self._polytopes, self._watch, self._means = rounds, list(polytopes), watch, means
        self._tree: EdgeTree | None = None
        # What chords leave of the worst root; how many looks there were at what planes do, the seconds of processor
        # time that the first one takes, and whether they have been tried.
        self._missed, self._looks, self._trial, self._is_tried = 0.0, 0, 0.0, False

    @staticmethod
    def can(first: FirstBox, polytopes: Sequence[Polytope]) -> bool:
        """Whether planes can be about the question at all."""
        return first.bounds.ball is None and all(len(p.offset.values) == 1 for p in polytopes)

    @property
    def needs(self) -> float:
        """What the next step of the trial takes: a form of edges, about as long as that of the whole box, then looks at
        the worst root, then the worst roots and a split, which wait for a round of sharpening that is cheaper."""
        if self._is_tried:
            return 0.0
        if self._tree is None:
            return self._rounds.form_seconds
        if self._looks < LOOKS:
            return (1 << self._looks) * self._trial
        return behind_round(self._rounds, (ROOTS + SPLIT) * self._trial)

    def run(self, deadline: Deadline) -> Outcome:
        """Search until all is closed, a counterexample is found, or `deadline` has passed; then it may go on. A turn
        before planes were tried is for the next step of that, whatever it takes."""
        if self._tree is None:
            self._tree = self._begun()
            if self._tree is None:
                return Outcome(False, -np.inf, 0, NO_USE)
            self._trial = self._tree.glance_seconds()
            return Outcome(False, -np.inf, 0, TIME_LIMIT, resumable=True)
        tree = self._tree
        if not self._is_tried:
            if self._looks < LOOKS:
                stopwatch = ProcessorTime()
                seen = tree.glance(1 << self._looks)
                self._trial, self._looks = stopwatch.elapsed() / (1 << self._looks), self._looks + 1
                if seen < CLEAR * self._missed:
                    return Outcome(False, -np.inf, 0, TIME_LIMIT, resumable=True)
            self._is_tried = True
            tree.explore(self._rounds.whole, lambda: tree.is_split)
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
        return Outcome(False, tree.least, tree.visited, TIME_LIMIT, tree.share, True, ways=ways, ahead=tree.ahead)

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
