"""Which input of a box to halve: the one that the bound depends on most, through all that was relaxed.

A bound is too low for two reasons. Its linear function falls along the inputs, and every neuron that bends has lost
what lies between its two lines, times the coefficient that the neuron is met with. A neuron's loss shrinks with its
interval, and a product's with those of both factors, so it is shared out among the inputs by how far each moves the
neuron (`bounds.forward`). Both are known when a box is bounded; to bound the halves along every input (strong
branching) finds no better splits and costs ten times as much.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...bounds.bounds import Bounds
from ...bounds.forward import ForwardBounds
from ...bounds.planes import band
from ...bounds.walk import LinearBound
from ...network.exact import FloatArray
from ...network.graph import Graph
from ...network.maps.namespace import namespace, zeros_like_shape

# Keeps a quotient finite.
TINY = 1e-30


def lost_to(graph: Graph, bounds: Bounds, bound: LinearBound, forward: ForwardBounds, row: Any) -> Any:
    """What the bounds of one row a box, `row` (batch,), lose to lines, by the free inputs that it is due to, (batch,
    free); `bound` has kept its coefficients."""
    xp = namespace(bounds.lower[0])
    lost = zeros_like_shape(bounds.lower[0], (bounds.batch, len(forward.free)))
    at = xp.arange(bounds.batch)
    for number, nu in bound.coefficients.items():
        sources = graph.nodes[number].sources
        if not set(sources) <= forward.spread.keys():
            continue
        with np.errstate(invalid="ignore", over="ignore"):
            gap = xp.abs(nu[at, row]) * 2 * _half(graph, bounds, number) / len(sources)
            for source in sources:
                spread = forward.spread[source]
                share = gap / (xp.sum(spread, axis=1) + TINY)
                low, high = bounds.lower[source], bounds.upper[source]
                bends = low < high if number in graph.products else graph.bends(source, low, high)
                share = xp.where(bends, share, 0)
                lost = lost + xp.sum(spread * xp.where(xp.isfinite(share), share, 0)[:, None], axis=2)
    return lost


def _half(graph: Graph, bounds: Bounds, number: int) -> Any:
    """Half of what lies between the lines of a function, or the planes of a product, (batch, size)."""
    if number in graph.products:
        return band(*bounds.factors(graph, number))[3]
    return graph.functions[number].band(*bounds.in_front(graph, number))[2]


def best_coordinate(low: FloatArray, high: FloatArray, slope: FloatArray, free: Any, lost: FloatArray) -> Any:
    """The input to halve, (batch,), among those that have a float between their ends, if any has one."""
    width = high - low
    effect = np.abs(slope) * width
    effect[:, free] += lost
    effect = np.where(np.isfinite(effect), effect, 0.0)
    # Where nothing is known, as after an overflow, the widest one.
    effect = np.where(effect.any(axis=1, keepdims=True), effect, width)
    middle = low / 2 + high / 2
    return np.where((low < middle) & (middle < high), effect, -1.0).argmax(axis=1)
