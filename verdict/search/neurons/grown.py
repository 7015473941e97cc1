"""Trees of splits that bound single neurons, as they grew: one for each end, all of a layer in one batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...certificate.nodes import ROOT
from ...certificate.proof import ProofTree


def absolute(lower: Any, offsets: Any) -> Any:
    """Lower bounds of rows from those relative to their offsets, float64, rounded down."""
    return np.where(offsets == 0, lower, np.nextafter(lower + offsets, -np.inf))


@dataclass(frozen=True, eq=False)
class Grown:
    """Trees of splits: in turn t leaf `leaf[i, t]` of tree i was split on unstable ReLU `column[i, t]`, both (trees,
    turns); -1: it was not. The "on" half took its place, the "off" half became leaf t + 1. `lower` (trees,) are the
    best bounds found, `own` (trees, turns + 1) what the leaves' own multipliers prove; signs, slopes and betas are
    those of the leaves, (trees, turns + 1, size)."""

    lower: Any
    own: Any
    leaf: Any
    column: Any
    signs: Any
    slopes: Any
    betas: Any

    @property
    def proved(self) -> Any:
        """What the leaves' own multipliers prove of each tree, (trees,)."""
        return self.own.min(axis=1)

    def pruned(self, whole: Any, signs: Any, slopes: Any, betas: Any) -> Grown:
        """The trees without the splits that prove less than what they split, which was such a leaf in each turn.

        `whole` (trees, turns) is what it proved, the others (trees, turns, size) are its signs and multipliers. Then a
        tree proves what its best bounds say: along each path the best multipliers are the leaf's.
        """
        trees, turns = self.leaf.shape
        each = np.arange(trees)
        # What is proved below each leaf of a turn, from the last turn on, and whether the turn is worth its split.
        best, useful = self.own.copy(), self.column >= 0
        for turn in range(turns, 0, -1):
            at = self.leaf[:, turn - 1]
            split = np.minimum(best[each, at], best[:, turn])
            useful[:, turn - 1] &= split > whole[:, turn - 1]
            done = self.column[:, turn - 1] >= 0
            best[each, at] = np.where(done, np.maximum(split, whole[:, turn - 1]), best[each, at])
        closed = np.zeros((trees, turns + 1), bool)
        own, column = self.own.copy(), self.column.copy()
        parts = self.signs.copy(), self.slopes.copy(), self.betas.copy()
        for turn in range(1, turns + 1):
            at, done = self.leaf[:, turn - 1], self.column[:, turn - 1] >= 0
            gone = done & closed[each, at]
            ends = done & ~gone & ~useful[:, turn - 1]
            rows = np.flatnonzero(ends)
            own[rows, at[rows]] = whole[rows, turn - 1]
            for part, before in zip(parts, (signs, slopes, betas), strict=True):
                part[rows, at[rows]] = before[rows, turn - 1]
            closed[rows, at[rows]] = True
            dropped = gone | ends
            closed[:, turn] |= dropped
            own[dropped, turn] = np.inf
            column[dropped, turn - 1] = -1
        return Grown(self.lower, own, self.leaf, column, *parts)

    def tree(self, number: int, columns: Any, chords: Any, thresholds: Any) -> ProofTree:
        """One of them as a proof; `columns` are the checker's numbers of the neurons, split at `thresholds`."""
        tree, nodes = ProofTree(columns, chords), {0: ROOT}
        turns = zip(self.leaf[number].tolist(), self.column[number].tolist(), strict=True)
        for turn, (leaf, column) in enumerate(turns):
            if column >= 0:
                on, off = tree.split_neurons(nodes[leaf], columns[column], thresholds[column])
                nodes[leaf], nodes[turn + 1] = int(on[0]), int(off[0])
        leaves = list(nodes)
        slopes = np.where(self.signs[number, leaves] == 0, self.slopes[number, leaves], 0)
        tree.close(list(nodes.values()), slopes, self.betas[number, leaves])
        return tree
