"""Interval bounds: push the box through the network, one node at a time.

Every affine node maps a centre and a radius: the centre by M, the radius by |M|. It is the cheapest sound
bound and the loosest, because it forgets how neurons depend on each other. Rounding is charged outward
(Rump's midpoint-radius arithmetic), so the result is sound in the
float type that it is computed in.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..network.graph import Affine, Graph, Input
from ..network.maps.namespace import namespace, next_above, next_below, positive, zeros_like_shape
from .bounds import Bounds
from .rounding import gamma, tiny, unit


def interval_bounds(graph: Graph, lower: Any, upper: Any) -> Bounds:
    """Bounds of every node over the boxes [lower, upper], each of shape (batch, input_size), any array library."""
    lows: list[Any] = []
    highs: list[Any] = []
    for node in graph.nodes:
        if isinstance(node, Input):
            low, high = lower, upper
        elif isinstance(node, Affine):
            low, high = affine_interval(node, lows, highs)
        else:
            low, high = positive(lows[node.source]), positive(highs[node.source])
        lows.append(low)
        highs.append(high)
    return Bounds(tuple(lows), tuple(highs))


def affine_interval(
    node: Affine, lows: list[Any], highs: list[Any]
) -> tuple[Any, Any]:
    """The interval of one affine node from the intervals of its sources, rounded outward.

    With c, r the centre and radius of a source: |M x + b - fl(M c + b)| is at most
    |M| r + gamma (|M| |c| + |b|); gamma counts the products, the bias, the sum over terms, and one rounding
    of each coefficient.
    """
    xp, first = namespace(lows[0]), lows[0]
    count = 4 + len(node.terms) + sum(linear.fan_in for linear, _ in node.terms)
    error, bias = gamma(count, unit(first.dtype)), node.bias.like(first)
    center = zeros_like_shape(first, (len(first), node.size)) + bias
    radius = zeros_like_shape(first, (len(first), node.size)) + error * xp.abs(bias)
    with np.errstate(over="ignore", invalid="ignore"):
        for linear, source in node.terms:
            low, high = lows[source], highs[source]
            middle = low / 2 + high / 2
            # The two differences round; one more ulp covers them, and `tiny` what underflows below.
            reach = next_above(xp.maximum(high - middle, middle - low)) + tiny(first.dtype)
            center = center + linear.apply(middle)
            radius = radius + linear.apply_abs(reach + error * xp.abs(middle))
        radius = radius * (1 + 2 * error) + tiny(first.dtype)
        below, above = next_below(center - radius), next_above(center + radius)
    # An overflow knows nothing.
    return xp.where(xp.isnan(below), -np.inf, below), xp.where(xp.isnan(above), np.inf, above)
