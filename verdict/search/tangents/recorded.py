"""What a search over splits of smooth neurons says of its proof, and who writes it down for a certificate."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ...certificate.proof import Goal, Lemma, Part, ProofTree
from ...certificate.recording import Recording
from ...property import Polytope
from ..observer import TangentObserver
from .domains import Cut, Domain

if TYPE_CHECKING:
    from ..rows import Rows


class RecordedTangents(TangentObserver):
    """A tree for each polytope, which become a part with the lemmas."""

    def __init__(self, recording: Recording, polytopes: Sequence[Polytope], rows: Rows) -> None:
        self.recording, self.polytopes, self.rows = recording, polytopes, rows
        self.neurons = recording.neurons
        self._columns = np.arange(recording.neurons.count)
        self._trees = [ProofTree(self._columns) for _ in polytopes]

    def split(self, owner: int, node: int, cut: Cut) -> tuple[int, int]:
        number = int(self.recording.neurons.numbers(cut.node, cut.neuron))
        on, off = self._trees[owner].split_neurons(node, number, cut.at)
        return int(on[0]), int(off[0])

    def close(self, owner: int, row: int, domain: Domain) -> None:
        below, above, betas = (np.zeros(len(self._columns), np.float32) for _ in range(3))
        products = self.recording.neurons.graph.products
        for i, state in domain.states.items():
            if i in products:
                continue
            at = self.recording.neurons.numbers(i, np.arange(len(state[0])))
            below[at], above[at], betas[at] = state
        weights = np.eye(self.rows.counts[owner])[row]
        self._trees[owner].close_between(domain.node, below, above, betas, weights)
        if products and self.recording.neurons.has_products:
            self._trees[owner].mix(domain.node, self.recording.neurons.shares(domain.states))

    def proved(self, lemmas: Sequence[Lemma]) -> None:
        goals = []
        for disjuncts, polytope, tree in zip(self.recording.disjuncts, self.polytopes, self._trees, strict=True):
            if disjuncts:
                convert: Any = partial(self.recording.weights_of, disjuncts, polytope)
                goals.append(Goal(disjuncts, tree.reweighted(convert)))
        self.recording.parts.append(Part(False, goals, sorted(lemmas, key=lambda lemma: lemma.layer)))
