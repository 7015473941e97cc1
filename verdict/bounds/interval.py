"""Interval bounds: push the box through the network, one node at a time.

Every affine node maps a centre and a radius: the centre by M, the radius by |M|. It is the cheapest sound
bound and the loosest, because it forgets how neurons depend on each other. Rounding is charged outward
(Rump's midpoint-radius arithmetic), so the result is sound in the
float type that it is computed in.
"""

from __future__ import annotations

import numpy as np

from ..network.exact import FloatArray
from ..network.graph import Affine, Graph, Input
from .bounds import Bounds
from .rounding import gamma, tiny, unit


def interval_bounds(graph: Graph, lower: FloatArray, upper: FloatArray) -> Bounds:
    """Bounds of every node over the boxes [lower, upper], each of shape (batch, input_size), float64."""
    lows: list[FloatArray] = []
    highs: list[FloatArray] = []
    for node in graph.nodes:
        if isinstance(node, Input):
            low, high = lower, upper
        elif isinstance(node, Affine):
            low, high = affine_interval(node, lows, highs)
        else:
            low, high = np.maximum(lows[node.source], 0), np.maximum(highs[node.source], 0)
        lows.append(low)
        highs.append(high)
    return Bounds(tuple(lows), tuple(highs))


def affine_interval(
    node: Affine, lows: list[FloatArray], highs: list[FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """The interval of one affine node from the intervals of its sources, rounded outward.

    With c, r the centre and radius of a source: |M x + b - fl(M c + b)| is at most
    |M| r + gamma (|M| |c| + |b|); gamma counts the products, the bias, the sum over terms, and one rounding
    of each coefficient.
    """
    batch = len(lows[0])
    count = 4 + len(node.terms) + sum(linear.fan_in for linear, _ in node.terms)
    dtype = lows[0].dtype
    error, bias = gamma(count, unit(dtype)), node.bias.like(lows[0])
    center = np.zeros((batch, node.size), dtype=dtype) + bias
    radius = np.zeros((batch, node.size), dtype=dtype) + error * np.abs(bias)
    with np.errstate(over="ignore", invalid="ignore"):
        for linear, source in node.terms:
            low, high = lows[source], highs[source]
            middle = low / 2 + high / 2
            # The two differences round; one more ulp covers them.
            reach = np.nextafter(np.maximum(high - middle, middle - low), np.inf)
            center = center + linear.apply(middle)
            radius = radius + linear.apply_abs(reach + error * np.abs(middle))
        radius = radius * (1 + 2 * error) + tiny(dtype)
        below, above = np.nextafter(center - radius, -np.inf), np.nextafter(center + radius, np.inf)
    # An overflow knows nothing.
    return np.where(np.isnan(below), -np.inf, below), np.where(np.isnan(above), np.inf, above)
