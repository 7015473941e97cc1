"""Planes over edges as a way to a proof about one box, beside splits of ReLUs by chords.

A domain costs some thousand times as much with planes, so they go on only where they leave of what the worst root
misses less than half of what chords leave. Their proofs have a slope for every
edge, and a checker that knows the edges bounds the leaves anew.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....answer import credit
from ....base.deadline import TIME_LIMIT, Deadline
from ....network.exact import FloatArray
from ....network.graph import Graph
from ....property import Polytope, UnsafeSet
from ...first_box import FirstBox
from ...means import Means
from ...observer import Watch
from ...outcome import Outcome
from ...relus.ascent import optimise
from ...relus.edge_tree import EdgeTree
from ...relus.program import matrix_numbers
from ...relus.space import Space
from ...rows import Rows
from .relu_rounds import ReluRounds

# The most that planes may leave of what the worst root misses with chords.
GAIN = 0.5
# Reduced forms of more numbers, or with more edges, which are those that are not 0, are nothing for planes.
MOST_NUMBERS, MOST_EDGES = 2**23, 2**19
# Why a search by planes ends.
NO_USE, STUCK = "planes over edges do not pay", "planes over edges leave regions that no split makes smaller"


class PlaneSplit:
    """A proof that no input of the `first` box (batch 1) reaches any of the polytopes, of one row each, beside the
    `rounds` of splits."""

    name = credit.PLANES

    def __init__(
        self,
        graph: Graph,
        first: FirstBox,
        rounds: ReluRounds,
        polytopes: Sequence[Polytope],
        watch: Watch,
        means: Means,
    ) -> None:
        self._graph, self._first, self._rounds, self._polytopes = graph, first, rounds, list(polytopes)
        self._watch, self._means = watch, means
        self._tree: EdgeTree | None = None
        # What chords leave of the worst root; the seconds of processor time that a glance at it by planes takes, and
        # whether that has judged them.
        self._missed, self._trial, self._is_judged = 0.0, 0.0, False

    @staticmethod
    def can(first: FirstBox, polytopes: Sequence[Polytope]) -> bool:
        """Whether planes can be about the question at all."""
        return first.bounds.ball is None and all(len(p.offset.values) == 1 for p in polytopes)

    @property
    def needs(self) -> float:
        """What it takes to judge planes, once that is known."""
        return 0.0 if self._is_judged else self._trial

    def run(self, deadline: Deadline) -> Outcome:
        """Search until all is closed, a counterexample is found, or `deadline` has passed; then it may go on."""
        if self._tree is None:
            self._tree = self._begun()
            if self._tree is None:
                return Outcome(False, -np.inf, 0, NO_USE)
            self._trial = self._tree.glance_seconds()
            return Outcome(False, -np.inf, 0, TIME_LIMIT, resumable=True)
        tree = self._tree
        if not self._is_judged:
            # Chords miss less behind bounds that were sharpened since.
            if tree.glance() < GAIN * max(self._missed, self._rounds.root):
                return Outcome(False, -np.inf, 0, NO_USE)
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
        bounds, rows = self._first.completed(self._means.workers), Rows(UnsafeSet(tuple(self._polytopes), self._size))
        space = Space(self._graph, bounds, rows.matrix, rows.limits, means=self._means)
        if space.reduced is None or not space.size or matrix_numbers(space) > MOST_NUMBERS:
            return None
        chords, _ = optimise(space, space.root(), self._means.options.relus.root_steps)
        worst = chords.lower.argsort(kind="stable")
        self._missed = float(chords.lower.min(initial=0))
        tree = EdgeTree(space, space.root().take(worst), None, self._means, self._offer)
        if sum(fan.matrix.nnz for fan in tree.form.fans) > MOST_EDGES:
            return None
        tree.observer = self._watch.proof.planes(space, self._polytopes, rows, tree.form)
        return tree

    @property
    def _size(self) -> int:
        return self._graph.output_size

    def _offer(self, points: FloatArray) -> bool:
        return self._watch.try_points(points)

    def _ways(self, tree: EdgeTree) -> credit.Credits:
        return {credit.PLANES: credit.Credit(closed=min(1.0, tree.share))}
