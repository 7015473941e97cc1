"""Splits with bounds of hidden neurons found anew on domains, as a way to a proof beside splits of ReLUs in rounds.

It begins within the bounds that the rounds have sharpened by then: what they say of the whole box is found once.
Better ones that the rounds find later it takes over.
"""

from __future__ import annotations

from collections.abc import Sequence

from ....answer import credit
from ....base.deadline import Deadline
from ....network.graph import Graph
from ....property import Polytope
from ...means import Means
from ...observer import Watch
from ...outcome import Outcome
from ...relus.anew_tree import AnewTree, step_domains
from .relu_rounds import ReluRounds, behind_round


class AnewSplit:
    """A proof that no input of the box of the `rounds` reaches any of the polytopes."""

    name = credit.ANEW

    def __init__(
        self, graph: Graph, rounds: ReluRounds, polytopes: Sequence[Polytope], watch: Watch, means: Means
    ) -> None:
        self._graph, self._rounds, self._polytopes = graph, rounds, list(polytopes)
        self._watch, self._means = watch, means
        self._tree: AnewTree | None = None
        self._bounds = rounds.bounds

    @property
    def needs(self) -> float:
        """What its first step takes: each worker takes one, behind a round of sharpening that is cheaper."""
        if self._tree is not None:
            return 0.0
        step = step_domains(self._rounds.bounds.unstable(self._graph)) * self._rounds.pace
        return behind_round(self._rounds, self._means.workers.count * step)

    def run(self, deadline: Deadline) -> Outcome:
        """Search until all is closed, a counterexample is found, or `deadline` has passed; then it may go on."""
        if self._tree is None:
            self._bounds = self._rounds.bounds
            self._tree = AnewTree(self._graph, self._bounds, self._polytopes, self._watch, self._means)
        elif self._rounds.bounds is not self._bounds:
            self._bounds = self._rounds.bounds
            self._tree.sharpen(self._bounds)
        return self._tree.run(deadline)
