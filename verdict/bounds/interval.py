"""Interval bounds: push the box through the network, one node at a time.

Every affine node maps a centre and a radius: the centre by M, the radius by |M|. It is the cheapest sound
bound and the loosest, because it forgets how neurons depend on each other. Rounding is charged outward
(Rump's midpoint-radius arithmetic), so the result is sound in the
float type that it is computed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..base.never import assert_never
from ..network.graph import Affine, Graph, Input, Pointwise, Product
from ..network.maps.namespace import namespace, next_above, next_below, zeros_like_shape
from .bounds import Bounds
from .planes import product_interval
from .rounding import gamma, tiny, unit

# Improves the bounds of the last node of some bounds, a pre-activation behind another ReLU: its (low, high).
Improve = Callable[[Bounds], tuple[Any, Any]]


def interval_bounds(graph: Graph, lower: Any, upper: Any) -> Bounds:
    """Bounds of every node over the boxes [lower, upper], each of shape (batch, input_size), any array library."""
    return carry_up(graph, Bounds((lower,), (upper,)))


def carry_up(graph: Graph, below: Bounds, known: Bounds | None = None, improve: Improve | None = None) -> Bounds:
    """Bounds of every node from `below`, those of the first ones: intervals, layer by layer.

    What `known` bounds all nodes by already is never lost, and pre-activations and factors that intervals are loose
    for, those behind another ReLU or a product, are improved by `improve`, so that every layer starts from the best
    bounds of the ones before.
    """
    lows, highs = list(below.lower), list(below.upper)
    # Intervals are exact for the first layer, on a box.
    exact = graph.plain if below.ball is None else frozenset({0})
    behind = set(graph.in_front) - exact
    for number in range(len(lows), len(graph.nodes)):
        node = graph.nodes[number]
        if isinstance(node, Affine):
            low, high = affine_interval(node, lows, highs)
        elif isinstance(node, Pointwise):
            low, high = node.function.enclosure(lows[node.source], highs[node.source])
        elif isinstance(node, Product):
            low, high = product_interval(*((lows[source], highs[source]) for source in node.sources))
        elif isinstance(node, Input):
            raise ValueError("the bounds to carry up begin with those of the input")
        else:
            assert_never(node)
        if known is not None:
            xp = namespace(low)
            low, high = xp.maximum(low, known.lower[number]), xp.minimum(high, known.upper[number])
        if improve is not None and number in behind and isinstance(node, Affine | Product):
            low, high = improve(below.with_ends((*lows, low), (*highs, high)))
        lows.append(low)
        highs.append(high)
    return below.with_ends(lows, highs)


def affine_interval(
    node: Affine, lows: Sequence[Any] | Mapping[int, Any], highs: Sequence[Any] | Mapping[int, Any]
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
