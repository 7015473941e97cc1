"""The proof tree of a search over input splits, grown while it runs: what becomes its part of a certificate.

One tree excludes all polytopes at once; every box carries the number of its node. The checker bounds a leaf's box anew,
so a leaf needs nothing but its place in the tree, or the weights of the mean of rows that excludes a polytope on it, or
slopes that are better than CROWN's.
Where a box was closed by hard work, its node goes on with ReLU splits, and their leaves have slopes and betas too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...certificate.proof import Goal, Part, ProofTree
from ...certificate.recording import Recording
from ...network.exact import FloatArray
from ...property import UnsafeSet
from ..rows import Rows
from .boxes import Boxes
from .hard_box import ReluProof


class BoxTree:
    """The tree of a search for the polytopes of `unsafe`; the whole box is node 0."""

    def __init__(self, proof: Recording, unsafe: UnsafeSet, rows: Rows) -> None:
        self.proof, self.unsafe, self.rows = proof, unsafe, rows
        self.tree = ProofTree(np.arange(proof.neurons.count))

    def split(self, parents: Boxes, halves: Boxes, coordinates: Any) -> Boxes:
        """The halves of boxes (see `halving.halve`) with their numbers."""
        thresholds = halves.high[np.arange(len(parents)), coordinates]
        return replace(halves, node=np.concatenate(self.tree.split_inputs(parents.node, coordinates, thresholds)))

    def close(self, boxes: Boxes) -> None:
        """Store what closes these boxes."""
        mixed = boxes.take(boxes.weights.any(axis=1))
        if len(mixed):
            self.tree.close(mixed.node, rows=self._weights(mixed.weights))
        sloped = boxes.take(boxes.sloped)
        if len(sloped):
            self.tree.close(sloped.node, slopes=sloped.slopes)

    def graft(self, node: int, proof: ReluProof) -> None:
        """Let a box be split and closed as hard work has done it."""

        def weights(own: Any) -> Any:
            row = proof.shares[0] if own is None else own @ proof.shares
            found = self._weights((row + proof.others)[None])
            return None if found is None else found[0]

        self.tree.graft(node, proof.tree, weights)

    def _weights(self, weights: FloatArray) -> Any:
        """Weights (n, rows of all polytopes) as those of the rows of all the goal's disjuncts; None if unknown."""
        parts = np.split(weights, self.rows.starts[1:], axis=1)
        found = [self.proof.weights(i, self.unsafe.polytopes[i], part) for i, part in enumerate(parts)]
        return None if any(part is None for part in found) else np.concatenate(found, axis=1)

    def finish(self) -> None:
        """Add the part that the tree makes to the recording."""
        disjuncts = [d for found in self.proof.disjuncts for d in found]
        if disjuncts:
            self.proof.parts.append(Part(True, [Goal(disjuncts, self.tree)]))
