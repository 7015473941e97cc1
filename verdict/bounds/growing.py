"""The reduced form of a network (`reduced`) while it grows: bounds of each layer's neurons, found in the form so far.

Every variable, an input or an unstable ReLU, is pushed forward to the next layer. There the neurons are functions of
the variables, and backward substitution through the few that there are, in float32, bounds them; those that stay
unstable are the next variables. So bounds of all neurons cost little more than making the form, where bounding them on
the network itself takes as many passes back through all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..base.deadline import checkpoint
from ..base.workers import Workers
from ..network.exact import FloatArray
from ..network.functions import Feature
from ..network.graph import Affine, Graph, Pointwise, Product
from ..network.maps.base import IndexArray
from ..network.maps.namespace import Constant
from .bounds import Bounds
from .reduce import LARGEST, PUSHED, affine_error, own, size_of, summed
from .reduced import ROOM, Layer, Reduced, Sizes, scale_of, unscaled_error
from .rounding import gamma
from .zoom import Zoom, chunks

# Numbers in the functions of the widest node, of all variables together.
MOST = 2**27


@dataclass(eq=False)
class _Group:
    """The variables `start` to `stop`, and the nodes that they have been pushed to, (variables, size) each."""

    start: int
    stop: int
    forms: dict[int, Any]


class Growing:
    """The form of node `number` of a graph over the box of `inputs` (batch 1, float64), as far as bounds are known.

    It `is_lost` where it would have more than `most` coefficients, or its numbers are too large. Raises
    UnsupportedError where a function is not ON_OFF.
    """

    def __init__(self, graph: Graph, inputs: Bounds, number: int, most: int, workers: Workers) -> None:
        graph.require(Feature.ON_OFF, "the reduced form of a network", number)
        self.graph, self.most, self.workers, self.is_lost = graph, most, workers, inputs.ball is not None
        self.nodes = graph.ancestors(number)
        for node in (graph.nodes[i] for i in self.nodes):
            if isinstance(node, Product):
                raise node.without("the reduced form of a network")
        self._readers = {source: i for i in self.nodes for source in graph.nodes[i].sources}
        self._widest = max(graph.nodes[i].size for i in self.nodes)
        self._at = 0
        center, radius = scale_of(inputs)
        moving = np.flatnonzero(radius)
        self.inputs = len(moving)
        matrix = np.zeros((self.inputs + 1, len(center)))
        matrix[np.arange(self.inputs), moving], matrix[-1] = radius[moving], center
        self._groups = self._cut(matrix, 0, 0)
        self._largest = [np.ones(self.inputs + 1)]
        self._layers: list[Layer] = []
        # Of the neurons of these: bounds, what is wrong with their sums, and how large these get.
        self._known: list[FloatArray] = [np.zeros((4, 0))]
        self._sizes: dict[int, FloatArray] = {0: np.abs(matrix).sum(axis=0)}
        self._errors: dict[int, FloatArray] = {0: unscaled_error(inputs)}

    @property
    def count(self) -> int:
        """How many variables there are."""
        return sum(map(len, self._largest))

    def _cut(self, rows: Any, start: int, at: int) -> list[_Group]:
        """New variables, which are these rows at node `at`, in groups that fit the processor's cache."""
        size = max(1, PUSHED // self._widest)
        cuts = range(0, len(rows), size)
        return [_Group(start + i, start + min(i + size, len(rows)), {at: rows[i : i + size]}) for i in cuts]

    def reach(self, bounds: Bounds, number: int) -> bool:
        """Push all variables to node `number`, of which, and all before, `bounds` are known. False: that cannot be."""
        if number not in self.nodes:
            return False
        where = self.nodes.index(number) + 1
        steps, self._at = self.nodes[self._at : where], max(self._at, where)
        behind: dict[int, tuple[Any, IndexArray, Any]] = {}
        for i in steps:
            node = self.graph.nodes[i]
            if isinstance(node, Pointwise):
                behind[i] = self._bent(bounds, i)
        if self.is_lost:
            return False
        with np.errstate(over="ignore", invalid="ignore"):
            found = self.workers.map(lambda group: self._pushed(group, steps, behind), self._groups)
        largest = np.concatenate(self._largest)
        for i in steps:
            node = self.graph.nodes[i]
            sizes = [part[i] for part in found if i in part]
            self._sizes[i] = np.sum([np.zeros(node.size), *sizes], axis=0) if i else self._sizes[0]
            if isinstance(node, Affine):
                self._errors[i] = affine_error(node, self._errors, self._sizes, largest)
            elif isinstance(node, Pointwise):
                on, columns, matrix = behind[i]
                low, high = (ends[0][columns] for ends in bounds.in_front(self.graph, i))
                error, size = self._errors[node.source], self._sizes[node.source][columns]
                self._errors[i] = error * on
                self._known.append(np.stack([low, high, error[columns], size + np.maximum(-low, high)]))
                start = matrix.shape[1]
                self._layers.append(Layer(start, start + len(columns), Constant(matrix)))
        self.is_lost |= not self._sizes[number].max(initial=0) <= LARGEST
        return not self.is_lost

    def _bent(self, bounds: Bounds, number: int) -> tuple[Any, IndexArray, Any]:
        """Of a ReLU node which neurons are on, (size,), which are unstable, and room for what these are made of; they
        are variables from here on."""
        low, high = (ends[0] for ends in bounds.in_front(self.graph, number))
        columns, start = np.flatnonzero(self.graph.bent_by(number, low, high)), self.count
        rooms = sum(layer.matrix.values.size for layer in self._layers) + start * len(columns)
        self.is_lost |= rooms > self.most or (start + len(columns)) * self._widest > MOST
        if self.is_lost:
            return low >= 0, columns, None
        units = np.zeros((len(columns), len(low)))
        units[np.arange(len(columns)), columns] = 1
        self._groups += self._cut(units, start, number)
        self._largest.append(high[columns])
        return low >= 0, columns, np.zeros((len(columns), start), np.float32)

    def _pushed(self, group: _Group, steps: tuple[int, ...], behind: dict[int, Any]) -> dict[int, FloatArray]:
        """Push a group over some nodes, and write what unstable neurons have of it. Returns for each node what the
        coefficients, times the variables' largest magnitudes, come to."""
        forms, sizes = group.forms, {}
        largest = np.concatenate(self._largest)[group.start : group.stop]
        for i in steps:
            checkpoint()
            node, form = self.graph.nodes[i], forms.get(i)
            if isinstance(node, Affine):
                form = summed([own(linear.apply(forms[s]), forms[s]) for linear, s in node.terms if s in forms])
                if group.start <= self.inputs < group.stop:
                    form = np.zeros((group.stop - group.start, node.size)) if form is None else form
                    form[-1] += node.bias.values
            elif isinstance(node, Pointwise) and node.source in forms:
                on, columns, matrix = behind[i]
                matrix[:, group.start : group.stop] = forms[node.source][:, columns].T
                form = forms[node.source] * on
            if form is not None:
                forms[i] = form
                sizes[i] = size_of(form, largest)
            for source in node.sources:
                if self._readers[source] == i:
                    forms.pop(source, None)
        return sizes

    def tighten(self, bounds: Bounds) -> tuple[Any, Any]:
        """The ends of the last node of `bounds`, which has been reached, met with those of the form so far."""
        number = len(bounds.lower) - 1
        low, high = bounds.lower[number].copy(), bounds.upper[number].copy()
        neurons = np.flatnonzero(self.graph.bends(number, low, high)[0])
        if not len(neurons) or not self._layers:
            return low, high
        zoom = Zoom.of(self._form(number, neurons))
        if not zoom.form.is_finite:
            return low, high
        # The end nearer to zero first: where it shows a neuron to be stable, the other one would say nothing new.
        side = np.where((low + high)[0, neurons] > 0, 1, -1)
        self._meet(zoom, neurons, side, (low, high))
        left = self.graph.bends(number, low, high)[0, neurons]
        self._meet(zoom, neurons, np.where(left, -side, 0), (low, high))
        return low, high

    def _meet(self, zoom: Zoom, neurons: IndexArray, side: Any, ends: tuple[Any, Any]) -> None:
        """Bound the lower ends of those neurons whose side is 1, and the upper ones where it is -1."""
        (low, high), lines = ends, zoom.lines
        parts = chunks(np.flatnonzero(side), len(zoom.form.largest))
        least = self.workers.map(lambda part: zoom.signed(part, side[part], lines)[0], parts)
        for some, found in zip(parts, least, strict=True):
            up = side[some] > 0
            at, under = neurons[some[up]], neurons[some[~up]]
            low[0, at], high[0, under] = np.maximum(low[0, at], found[up]), np.minimum(high[0, under], -found[~up])

    def _form(self, number: int, columns: IndexArray, rows: FloatArray | None = None) -> Reduced:
        """The form so far with some entries of a node as its rows, or with `rows` @ these entries."""
        count = self.count
        taken = np.zeros((len(columns), count))
        for group in self._groups:
            if number in group.forms:
                taken[:, group.start : group.stop] = group.forms[number][:, columns].T
        error, size = self._errors[number][columns], self._sizes[number][columns]
        if rows is not None:
            taken = rows @ taken
            error = np.abs(rows) @ error + 4 * gamma(rows.shape[1] + 2) * (np.abs(rows) @ size)
        largest = np.concatenate(self._largest)
        reach = ROOM * (np.abs(taken) @ largest)
        low, high, wrong, large = np.concatenate(self._known, axis=1)
        sizes = Sizes(low, high, wrong, large, ROOM * error, reach)
        return Reduced(self.inputs, tuple(self._layers), Constant(taken.astype(np.float32)), sizes)

    def finished(self, bounds: Bounds, rows: FloatArray) -> Reduced | None:
        """The form of `rows` @ the node that all this is about, once `bounds` are known of all nodes; None where it is
        lost."""
        number = self.nodes[-1]
        if not self.reach(bounds, number):
            return None
        form = self._form(number, np.arange(self.graph.nodes[number].size), rows)
        return form if form.sizes.row_reach.max(initial=0) <= LARGEST and form.is_finite else None
