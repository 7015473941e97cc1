"""A polytope of several rows as its first row, on one side of neurons: its other rows, which are off there.

What lies in {C y <= d} fulfils all rows, so what excludes it by the first one may add any multiples of the others, at
least 0, as it adds those of a ReLU's side (beta-CROWN, Wang et al. 2103.06624). So the other rows become neurons of a
network that computes the same, off from the root on, and gradient steps, programs and planes need no rule for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...bounds import Bounds
from ...bounds.interval import carry_up
from ...bounds.linear import tighten
from ...network.exact import Coefficients, FloatArray
from ...network.functions import RELU
from ...network.graph import Affine, Graph, Pointwise
from ...network.maps import Dense, Index, identity
from ...property import Polytope
from .space import Domains, Space


class Sides:
    """The network `graph` with such neurons, and the `first` row of each polytope as a polytope of its own.

    Coefficients of all rows have to be floats; where each polytope has one row the network stays as it is.
    """

    def __init__(self, graph: Graph, polytopes: Sequence[Polytope]) -> None:
        self.graph, self.first = graph, [_row(polytope) for polytope in polytopes]
        numbers: dict[tuple[float, ...], int] = {}
        others = [[numbers.setdefault(row, len(numbers)) for row in _others(polytope)] for polytope in polytopes]
        # Which of the neurons are off for which polytope, (polytopes, neurons).
        self._off = np.zeros((len(polytopes), len(numbers)), bool)
        for polytope, entries in enumerate(others):
            self._off[polytope, entries] = True
        self._node = None if not numbers else len(graph.nodes) + 1
        if numbers:
            self.graph = _with_rows(graph, np.array(list(numbers)))

    def around(self, known: Bounds) -> Bounds:
        """Bounds of the network with the neurons from those of the network without."""
        if self._node is None:
            return known
        return carry_up(self.graph, known, improve=lambda bounds: tighten(self.graph, bounds, {}))

    def root(self, space: Space, polytopes: Sequence[int]) -> tuple[Domains, Any]:
        """One domain for each of the polytopes with these numbers, whose first rows a space of the network is about, in
        this order; and which of them (domains,) may hold a point: in the others a row is positive everywhere."""
        domains, alive = space.root(), np.ones(len(polytopes), bool)
        if self._node is not None:
            off, low = self._off[list(polytopes)], space.bounds.in_front(space.graph, self._node)[0][0]
            domains.signs[:, space.slices[self._node]] = -off[:, space.columns[self._node]].astype(np.int8)
            # The neurons are the rows less a float above their limits.
            alive = ~(off & (low >= 0)).any(axis=1)
        return domains, alive


def _row(polytope: Polytope) -> Polytope:
    """The first row of a polytope."""
    if len(polytope.offset.values) == 1:
        return polytope
    matrix, offset = polytope.matrix.fractions()[:1], polytope.offset.fractions().ravel()[:1]
    return Polytope(Coefficients.from_fractions(matrix), Coefficients.from_fractions(offset), polytope.name)


def _others(polytope: Polytope) -> list[tuple[float, ...]]:
    """Each further row of a polytope: its coefficients, and a float above its limit."""
    limits = np.nextafter(polytope.offset.values, np.inf)
    return [(*row, limit) for row, limit in zip(polytope.matrix.values.tolist(), limits.tolist(), strict=True)][1:]


def _with_rows(graph: Graph, rows: FloatArray) -> Graph:
    """The network with neurons for rows, (rows, outputs and the limit), that nothing depends on."""
    count, size, number = len(rows), graph.output_size, len(graph.nodes)
    before = Affine(((Dense(Coefficients(rows[:, :-1])), graph.output),), Coefficients(-rows[:, -1]))
    nothing = Index(np.full(size, -1), count)
    output = Affine(((identity(size), graph.output), (nothing, number + 1)), Coefficients(np.zeros(size)))
    names = (*graph.names, *[""] * (number - len(graph.names)), "rows", "rows", "outputs")
    return Graph((*graph.nodes, before, Pointwise(RELU, number, count), output), number + 2, names)
