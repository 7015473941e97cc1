"""Proved bounds of hidden neurons, kept with the trees that prove them: the lemmas of a certificate.

Sharpening grows a tree for each end of each unstable neuron, several times over with more and more splits. For every
end the best tree is kept, as long as it beats what a checker finds by itself. With the slopes of all its lines fixed, a
tree proves no less when the bounds of the layers before get tighter later on: what a fixed multiplier loses, the least
value over an interval, only shrinks with the interval.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...bounds.bounds import Bounds
from ...certificate.proof import Lemma, ProofTree
from ...network.graph import Graph
from ..observer import BoundsObserver
from ..relus.space import Space
from .grown import Grown, absolute

if TYPE_CHECKING:
    from ...certificate.neurons import NeuronMap

# A tree is worth its bytes where it moves an end by so much of the distance between the ends.
WORTH = 0.01


class Lemmas(BoundsObserver):
    """The trees kept for one network over one box, in the checker's numbers `neurons`."""

    keeps_trees = True

    def __init__(self, graph: Graph, neurons: NeuronMap) -> None:
        self.graph, self.neurons = graph, neurons
        # By pre-activation node, then by side (+1: lower end, -1: upper end) and neuron: the bound and its tree.
        self._kept: dict[int, dict[tuple[int, int], tuple[float, ProofTree]]] = {}
        # By node: which neurons linear bounds were computed for; a checker's better intervals must not leave any out.
        self.bounded: dict[int, Any] = {}
        # What was kept of the node in hand before its turn, and its ends by that: others may rest on it.
        self._before: dict[tuple[int, int], tuple[float, ProofTree]] = {}
        self._ends: tuple[Any, Any] = (None, None)

    def known(self, bounds: Bounds) -> None:
        """Nothing: what was found otherwise a checker does not find."""

    def begin(self, bounds: Bounds, low: Any, high: Any) -> tuple[Any, Any]:
        """The linear bounds, and what the trees kept so far prove of the node."""
        number = len(bounds.lower) - 1
        bends = self.graph.bends(number, bounds.lower[-1][0], bounds.upper[-1][0])
        self.bounded[number] = bends | self.bounded.get(number, False)
        low, high = low.copy(), high.copy()
        self._before = dict(self._kept.get(number, {}))
        for (side, neuron), (bound, _) in self._before.items():
            if side > 0:
                low[0, neuron] = max(low[0, neuron], bound)
            else:
                high[0, neuron] = min(high[0, neuron], -bound)
        self._ends = low, high
        return low, high

    def grown(self, space: Space, unstable: Any, row: Any, grown: Grown, known: Any) -> Any:
        """Keep the trees that are worth it; the bounds of the others are -infinity."""
        count = len(unstable)
        width = -(known[:count] + known[count:])
        proved = grown.proved
        worth = (proved >= 0) | (proved - known[row] > WORTH * width[row % count])
        columns, kept = self.neurons.of_space(space.columns), self._kept.setdefault(space.number, {})
        bounds = absolute(proved.astype(np.float64), space.offsets[row])
        for i in np.flatnonzero(worth).tolist():
            key = (1 if row[i] < count else -1), int(unstable[row[i] % count])
            kept[key] = float(bounds[i]), grown.tree(i, columns, space.quick_chords, space.thresholds)
        return np.where(worth, proved, -np.inf)

    def end(self, number: int, plain: tuple[Any, Any], low: Any, high: Any) -> tuple[Any, Any]:
        """Of a neuron that is stable only the end that makes it so matters: new trees about the other one are
        forgotten. Those from before its turn stay: what was proved by then may have its chord for this neuron, which
        loses the more, the wider the interval is, on the stable side too."""
        split, stable = self.graph.threshold(number, *plain), ~self.graph.bends(number, low, high)
        on, off = stable & (low >= split), stable & (high <= split)
        kept = self._kept.get(number, {})
        for side, neuron in list(kept):
            if (off if side > 0 else on)[0, neuron]:
                if (side, neuron) in self._before:
                    kept[side, neuron] = self._before[side, neuron]
                else:
                    del kept[side, neuron]
        return np.where(off, self._ends[0], low), np.where(on, self._ends[1], high)

    def written(self) -> list[Lemma]:
        """The lemmas of a certificate's part, in the order of layers."""
        result: list[Lemma] = []
        for number in sorted(self._kept):
            relu = max(i for i in self.graph.consumers[number] if i in self.graph.pointwise)
            # The trees of a lemma have the same columns and chords.
            groups: dict[Any, Lemma] = {}
            for (side, neuron), (_, tree) in sorted(self._kept[number].items(), key=lambda item: item[0]):
                lemma = groups.setdefault(tree.space, Lemma(self.neurons.layer(relu)))
                lemma.add(neuron, side, tree)
            result += groups.values()
        return sorted(result, key=lambda lemma: lemma.layer)
