"""The proof tree of a search over input splits, grown while it runs: what becomes its part of a certificate.

One tree excludes all polytopes at once; every box carries the number of its node. The checker bounds a leaf's box anew,
so a leaf needs nothing but its place in the tree, or the weights of the mean of rows that excludes a polytope on it, or
slopes that are better than CROWN's.
Where a box was closed by hard work, its node goes on with ReLU splits, and their leaves have slopes and betas too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...certificate.proof import Goal, Part, ProofTree
from ...certificate.recording import Recording
from ...network.exact import FloatArray
from ...network.functions import Feature
from ...network.graph import Graph
from ...property import Polytope, UnsafeSet
from ..neurons.lemmas import Lemmas
from ..observer import BoxObserver, InsideObserver, ReluObserver
from ..relus.recorded import RecordedSplits
from ..relus.space import Space
from ..relus.trees import SplitTrees
from ..rows import Rows
from .boxes import Boxes, confirmed

if TYPE_CHECKING:
    from ...certificate.neurons import NeuronMap


class BoxTree(BoxObserver):
    """The tree of a search for the polytopes of `unsafe`; the whole box is node 0. With `again` the checker bounds the
    whole box too, and on a leaf's box only the neurons that this leaves unstable."""

    def __init__(self, proof: Recording, graph: Graph, unsafe: UnsafeSet, rows: Rows, again: bool = False) -> None:
        self.again = again
        self.proof, self.graph, self.unsafe, self.rows = proof, graph, unsafe, rows
        # Slopes of other functions than ReLUs are the checker's own.
        kinds = [np.full(graph.nodes[i].size, f.has(Feature.ON_OFF)) for i, f in graph.functions.items()]
        self.columns = np.flatnonzero(np.concatenate([np.zeros(0, bool), *kinds]))
        self.tree = ProofTree(self.columns)

    def judge(self, boxes: Boxes) -> Boxes:
        return confirmed(self.graph, self.rows, boxes)

    def split(self, parents: Boxes, halves: Boxes) -> Boxes:
        """The halves of boxes (see `halving.halve`) with their numbers."""
        thresholds = halves.high[np.arange(len(parents)), parents.coordinate]
        nodes = self.tree.split_inputs(parents.node, parents.coordinate, thresholds)
        return replace(halves, node=np.concatenate(nodes))

    def close(self, boxes: Boxes) -> None:
        """Store what closes these boxes."""
        mixed = boxes.take(boxes.weights.any(axis=1))
        if len(mixed):
            self.tree.close(mixed.node, rows=self._weights(mixed.weights))
        sloped = boxes.take(boxes.sloped)
        if len(sloped):
            self.tree.close(sloped.node, slopes=sloped.slopes[:, self.columns])

    def halve(self, node: int, coordinate: int, threshold: float) -> tuple[int, int]:
        lower, upper = self.tree.split_inputs(node, coordinate, threshold)
        return int(lower[0]), int(upper[0])

    def exclude(self, node: int, weights: FloatArray) -> None:
        mixed = self._weights(weights[None]) if weights.any() else None
        if mixed is not None:
            self.tree.close(node, rows=mixed)

    def reopen(self, boxes: Boxes) -> None:
        self.tree.unsplit(boxes.node)

    def inside(self) -> InsideRecorder:
        return InsideRecorder(self.proof.neurons, len(self.rows.owner))

    def close_inside(self, node: int, inside: InsideObserver) -> None:
        """Let a box be split and closed as hard work has done it."""
        found = inside.found if isinstance(inside, InsideRecorder) else None
        if found is None:
            raise ValueError("nobody has watched the box")
        proof = found

        def weights(own: Any) -> Any:
            rows = proof.shares[:1] if own is None else own @ proof.shares
            return self._weights(rows + proof.others)

        self.tree.graft(node, proof.tree, weights)

    def _weights(self, weights: FloatArray) -> Any:
        """Weights (n, rows of all polytopes) as those of the rows of all the goal's disjuncts; None if unknown."""
        parts = np.split(weights, self.rows.starts[1:], axis=1)
        found = [self.proof.weights(i, self.unsafe.polytopes[i], part) for i, part in enumerate(parts)]
        return None if any(part is None for part in found) else np.concatenate(found, axis=1)

    def proved(self) -> None:
        """Add the part that the tree makes to the recording."""
        disjuncts = [d for found in self.proof.disjuncts for d in found]
        if disjuncts:
            self.proof.parts.append(Part(not self.again, [Goal(disjuncts, self.tree)], again=self.again))


@dataclass(frozen=True, eq=False)
class ReluProof:
    """What closed a box: a tree of ReLU splits about one polytope, and weights (rows,) of the others' rows.

    The weights that the tree's leaves have are of the rows of `shares` (k, rows of all polytopes), each a mean of rows.
    """

    tree: ProofTree
    shares: FloatArray
    others: FloatArray


class InsideRecorder(InsideObserver):
    """Writes down how one box is closed by splits of neurons; `count` rows are those of all polytopes."""

    def __init__(self, neurons: NeuronMap, count: int) -> None:
        self._recording, self._count = Recording(neurons, [[0]], any_order=True), count
        self.found: ReluProof | None = None

    def __getstate__(self) -> dict[str, Any]:
        """From another process comes what was found."""
        return {"found": self.found}

    def relus(self, space: Space, polytopes: Sequence[Polytope], rows: Rows) -> ReluObserver:
        proof = self._recording
        return RecordedSplits(proof, SplitTrees(proof, space, polytopes, rows), Lemmas(space.graph, proof.neurons))

    def closed(self, own: Any, means: FloatArray, weights: FloatArray) -> bool:
        (goal,) = self._recording.parts[0].goals
        shares, others = np.zeros((len(means), self._count)), weights
        shares[:, own], others[own] = means, 0
        self.found = ReluProof(goal.tree, shares, others)
        # Raw multipliers are those of one disjunct, and this tree becomes part of a goal of any number.
        return not goal.tree.has_raw
