"""Proved bounds of hidden neurons, kept with the trees that prove them: the lemmas of a certificate.

Sharpening grows a tree for each end of each unstable neuron, several times over with more and more splits. For every
end the best tree is kept, as long as it beats what a checker finds by itself. With the slopes of all its lines fixed, a
tree proves no less when the bounds of the layers before get tighter later on: what a fixed multiplier loses, the least
value over an interval, only shrinks with the interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...certificate.proof import ROOT, Lemma, ProofTree
from ...network.graph import Graph
from ..relus.space import Space

if TYPE_CHECKING:
    from ...certificate.neurons import NeuronMap

# A tree is worth its bytes where it moves an end by so much of the distance between the ends.
WORTH = 0.01


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


class Lemmas:
    """The trees kept for one network over one box, in the checker's numbers `neurons`."""

    def __init__(self, graph: Graph, neurons: NeuronMap) -> None:
        self.graph, self.neurons = graph, neurons
        # By pre-activation node, then by side (+1: lower end, -1: upper end) and neuron: the bound and its tree.
        self._kept: dict[int, dict[tuple[int, int], tuple[float, ProofTree]]] = {}
        # By node: which neurons linear bounds were computed for; a checker's better intervals must not leave any out.
        self.bounded: dict[int, Any] = {}

    def apply(self, number: int, low: Any, high: Any) -> tuple[Any, Any]:
        """The bounds (1, size) of node `number`, and what the trees prove of it."""
        low, high = low.copy(), high.copy()
        for (side, neuron), (bound, _) in self._kept.get(number, {}).items():
            if side > 0:
                low[0, neuron] = max(low[0, neuron], bound)
            else:
                high[0, neuron] = min(high[0, neuron], -bound)
        return low, high

    def offer(self, space: Space, unstable: Any, row: Any, grown: Grown, known: Any) -> Any:
        """Keep the trees that are worth it; the bounds (trees,), -infinity for the others.

        Tree i is about row `row[i]` of the space, which are +e_j and then -e_j for the neurons j that are `unstable`;
        `known` (rows,) are the bounds known before.
        """
        count = len(unstable)
        width = -(known[:count] + known[count:])
        proved = grown.proved
        worth = (proved >= 0) | (proved - known[row] > WORTH * width[row % count])
        columns, kept = self.neurons.of_space(space.columns), self._kept.setdefault(space.number, {})
        for i in np.flatnonzero(worth).tolist():
            key = (1 if row[i] < count else -1), int(unstable[row[i] % count])
            kept[key] = float(proved[i]), grown.tree(i, columns, space.quick_chords, space.thresholds)
        return np.where(worth, proved, -np.inf)

    def settle(self, number: int, plain: tuple[Any, Any], low: Any, high: Any) -> tuple[Any, Any]:
        """The final bounds (1, size) of node `number`, whose bounds without trees are `plain`.

        Of a neuron that is stable only the end that makes it so matters: trees about the other one are forgotten.
        """
        on, off = low >= 0, high <= 0
        kept = self._kept.get(number, {})
        for side, neuron in list(kept):
            if (off if side > 0 else on)[0, neuron]:
                del kept[side, neuron]
        return np.where(off, plain[0], low), np.where(on, plain[1], high)

    def written(self) -> list[Lemma]:
        """The lemmas of a certificate's part, in the order of layers."""
        result: list[Lemma] = []
        for number in sorted(self._kept):
            relu = max(i for i in self.graph.consumers[number] if i in self.graph.relus)
            # The trees of a lemma have the same columns and chords.
            groups: dict[Any, Lemma] = {}
            for (side, neuron), (_, tree) in sorted(self._kept[number].items(), key=lambda item: item[0]):
                lemma = groups.setdefault(tree.space, Lemma(self.neurons.layer(relu)))
                lemma.add(neuron, side, tree)
            result += groups.values()
        return sorted(result, key=lambda lemma: lemma.layer)
