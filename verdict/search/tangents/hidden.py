"""Bounds of hidden neurons by lines that climb, one set for each end of each neuron, kept with what proves them.

A neuron of the second layer on is bounded by rows of its own, and the lines that are best for it are others than those
that lie closest (`bounds/tangents.py`). What an end gains by them is a lemma of a certificate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ...bounds.alpha import Ascent, ascend_lines, climbed, climbing
from ...bounds.backward import backward
from ...bounds.bounds import Bounds
from ...bounds.interval import carry_up
from ...bounds.layers import replaced
from ...bounds.linear import tighten, unit_rows
from ...bounds.lines import crown_lines
from ...bounds.mixtures import Mixture, mixed, mixtures, on_grid
from ...bounds.tangents import Climb
from ...certificate.proof import Lemma, ProofTree
from ...network.graph import Graph

if TYPE_CHECKING:
    from ...certificate.neurons import NeuronMap

# Steps for each end, and by how much of its width a neuron has to gain for the lines to be kept.
STEPS, WORTH = 6, 0.01
# As many numbers may be climbed with in one batch, and in all of a layer.
BATCH, MOST = 2**22, 2**27


class Hidden:
    """The bounds of one box, and what proves them; `neurons` are the checker's numbers, where a proof is wanted."""

    def __init__(self, graph: Graph, bounds: Bounds, neurons: NeuronMap | None) -> None:
        self.graph, self.bounds, self.neurons = graph, bounds, neurons
        self.lemmas: list[Lemma] = []
        # How many layers are done, and neurons of the next one.
        self._done = 0, 0

    def climb(self, stop: Callable[[], bool]) -> bool:
        """Bound layer after layer anew, going on where it was stopped, until `stop` returns True; whether all is
        done."""
        for number in self.graph.in_front[self._done[0] :]:
            # A function that reads another's values has their intervals.
            behind = () if number in self.graph.bent else self.graph.ancestors(number)
            before = [i for i in behind if i in self.graph.pointwise]
            if self.neurons is not None and before and not self._done[1]:
                self._begin(number, stop)
            low, high = (ends[number][0] for ends in (self.bounds.lower, self.bounds.upper))
            chosen = np.flatnonzero(self.graph.bends(number, low, high))
            width = sum(self.graph.nodes[i].size for i in (*before, *self._products(number)))
            readers = [i for i in self.graph.consumers[number] if i in self.graph.pointwise]
            is_worth = before and readers and 2 * len(chosen) * width * STEPS <= MOST
            size = max(1, BATCH // (2 * max(1, width)))
            while is_worth and self._done[1] < len(chosen):
                if stop():
                    return False
                start = self._done[1]
                self._layer(number, before, chosen[start : start + size])
                self._done = self._done[0], start + size
            self._done = self._done[0] + 1, 0
        return True

    def _begin(self, number: int, stop: Callable[[], bool]) -> None:
        """Bounds of one node as a checker finds them, from those of the nodes before: better ones it has not."""
        before = self.bounds.with_ends(self.bounds.lower[:number], self.bounds.upper[:number])
        plain = carry_up(self.graph, before)
        known = self.bounds.with_ends(plain.lower[: number + 1], plain.upper[: number + 1])
        low, high = tighten(self.graph, known, {}, stop)
        self.bounds = replaced(self.graph, self.bounds, number, low, high)

    def _layer(self, number: int, before: list[int], chosen: Any) -> None:
        graph, size, count = self.graph, self.graph.nodes[number].size, len(chosen)
        picks = unit_rows(chosen, size, np.float32)
        rows = np.concatenate([picks, -picks])[:, None, :]
        quick = self.bounds.astype(np.float32)
        lines = {i: crown_lines(graph, quick, i) for i in before}
        planes = mixtures(graph, quick, self._products(number), len(rows))
        climbs: dict[int, Climb | Mixture] = {**climbing(graph, quick, lines, len(rows), also_relus=True), **planes}
        _, _, both = ascend_lines(graph, quick, number, rows, lines, Ascent(STEPS, climbs=climbs))
        shares = {i: tuple(map(on_grid, both.pop(i))) for i in planes}
        wide = {i: tuple(s.astype(np.float64) for s in state) for i, state in both.items()}
        around, sloped = mixed(graph, self.bounds, shares), climbed(graph, self.bounds, wide)
        found = backward(graph, around, number, rows.astype(np.float64), sloped)
        known = np.concatenate([self.bounds.lower[number][0, chosen], -self.bounds.upper[number][0, chosen]])
        width = np.tile(-(known[:count] + known[count:]), 2)
        better = found.lower[:, 0] > known + WORTH * width
        best = np.where(better, found.lower[:, 0], known)
        low, high = self.bounds.lower[number].copy(), self.bounds.upper[number].copy()
        low[0, chosen], high[0, chosen] = best[:count], -best[count:]
        self.bounds = replaced(graph, self.bounds, number, low, high)
        if self.neurons is not None and better.any():
            self._keep(self.neurons, number, chosen, better, (both, shares))

    def _products(self, number: int) -> list[int]:
        """The products behind a node whose planes climb: those that a checker, if any, numbers alike."""
        if self.neurons is not None and not self.neurons.has_products:
            return []
        return [i for i in self.graph.ancestors(number) if i in self.graph.products]

    def _keep(self, neurons: NeuronMap, number: int, chosen: Any, better: Any, states: tuple[Any, Any]) -> None:
        """One tree without splits for each end that has gained."""
        both, shares = states
        columns = np.concatenate([neurons.numbers(i, np.arange(state[0].shape[1])) for i, state in both.items()])
        order = np.argsort(columns)
        below, above = (np.concatenate([pair[side] for pair in both.values()], axis=1)[:, order] for side in (0, 1))
        lemma = Lemma(neurons.layer(max(i for i in self.graph.consumers[number] if i in self.graph.pointwise)))
        for row in np.flatnonzero(better).tolist():
            tree = ProofTree(columns[order])
            tree.close_between(0, below[row], above[row])
            if shares:
                tree.mix(0, neurons.shares({i: (pair[0][row], pair[1][row]) for i, pair in shares.items()}))
            lemma.add(int(chosen[row % len(chosen)]), 1 if row < len(chosen) else -1, tree)
        self.lemmas.append(lemma)
