"""One linear region as an affine function: with the side of every ReLU fixed, all nodes are affine in the input.

Its rows are what least distances are about: the sides of the ReLUs, and an unsafe polytope, over steps from a centre.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from verdict.encoders.writer import Phases

from ...base.never import assert_never
from ...network.exact import FloatArray
from ...network.functions import Feature
from ...network.graph import Affine, Graph, Input, Pointwise, Product
from ...property import Polytope


def values_within(graph: Graph, phases: Phases, rows: FloatArray, points: int) -> list[FloatArray]:
    """The value of every node (k, size) within the region of `phases`: of the `rows` (k, inputs) the first `points` are
    points, and the others steps, to which no constant is added."""
    values: list[FloatArray] = []
    for number, node in enumerate(graph.nodes):
        if isinstance(node, Input):
            values.append(rows)
        elif isinstance(node, Affine):
            total = np.zeros((len(rows), node.size))
            total[:points] += node.bias.values
            for linear, source in node.terms:
                total = total + linear.apply(values[source])
            values.append(total)
        elif isinstance(node, Pointwise):
            values.append(values[node.source] * (phases[number] > 0))
        elif isinstance(node, Product):
            raise node.without("a linear region")
        else:
            assert_never(node)
    return values


class AffineRegion:
    """The affine functions of all nodes within the region of `phases`, around `center` (inputs,), in floats."""

    def __init__(self, graph: Graph, phases: Phases, center: FloatArray) -> None:
        graph.require(Feature.ON_OFF, "linear regions")
        self.graph, self.center = graph, center
        # Per node its value at the centre, then its slopes, (1 + inputs, size).
        self.values = values_within(graph, phases, np.concatenate([center[None], np.eye(len(center))]), 1)

    def sides(self, signs: Mapping[int, FloatArray]) -> tuple[FloatArray, FloatArray]:
        """Rows (k, inputs) and ends (k,) with rows @ step >= ends: ReLU node i's pre-activations have the signs
        `signs[i]` (node size,), where these are not 0."""
        rows, ends = [np.zeros((0, len(self.center)))], [np.zeros(0)]
        for number, sign in signs.items():
            chosen = np.flatnonzero(sign)
            value = self.values[self.graph.nodes[number].sources[0]][:, chosen] * sign[chosen]
            rows.append(value[1:].T)
            ends.append(-value[0])
        return np.concatenate(rows), np.concatenate(ends)

    def unsafe(self, polytope: Polytope) -> tuple[FloatArray, FloatArray]:
        """As `sides`, of the polytope of outputs."""
        value = self.values[self.graph.output] @ polytope.matrix.values.T
        return -value[1:].T, value[0] - polytope.offset.values


def around(center: FloatArray, eps: float, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The box [low, high] in steps from a centre in it, in units of `eps`; ends farther than that do not matter."""
    below, above = np.minimum((low - center) / eps, 0), np.maximum((high - center) / eps, 0)
    return np.where(below > -1, below, -np.inf), np.where(above < 1, above, np.inf)
