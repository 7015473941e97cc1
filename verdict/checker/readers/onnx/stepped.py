"""Sums of steps in one tensor: what a function makes of them is a sum of steps again.

Such a sum is constant between its jumps. A function of it has, left of a jump t, at it and right of it, values l, m and
r, a closed table: together (m - l) where x >= t and (r - m) where x > t. So the sign of sign(x) + 0.1 is 2 step(x) - 1.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ...functions.step import STEP
from ...network import Pointwise
from .alike import Sum, summed

# Longer sums of steps are left as they are.
_MOST = 16
ZERO, ONE = Fraction(0), Fraction(1)
# How much is added from where on, or beyond it (-1), and the node of that step if there is one.
Rise = tuple[Fraction, Fraction, int, int | None]


def of_steps(nodes: list[Any], function: Any, source: int) -> tuple[int, Fraction, list[Rise]] | None:
    """A function of node `source` as a constant and what is added at jumps of multiples of a node, its root; None where
    the node is no sum of steps of one root."""
    factors, value = summed(nodes, source)
    if not function.is_rational or not 0 < len(factors) <= _MOST:
        return None
    # For each jump what is added from it on, and beyond it, and the nodes that do so.
    jumps: dict[Fraction, list[Any]] = {}
    roots = set()
    for number, factor in factors.items():
        node = nodes[number]
        is_step = isinstance(node, Pointwise) and node.function is STEP
        inner, offset = summed(nodes, node.source) if is_step else ({}, ZERO)
        if len(inner) != 1:
            return None
        ((root, slope),) = inner.items()
        roots.add(root)
        jump, side = jumps.setdefault(-offset / slope, [ZERO, ZERO, None, None]), 0 if slope > 0 else 1
        jump[side] += factor if slope > 0 else -factor
        jump[2 + side] = number if jump[2 + side] is None else jump[2 + side]
        value += factor if slope < 0 else ZERO
    if len(roots) != 1:
        return None
    first, rises = _at(function, value), []
    for at, (here, beyond, *known) in sorted(jumps.items(), key=lambda jump: jump[0]):
        heights = [_at(function, z) for z in (value, value + here, value + here + beyond)]
        value += here + beyond
        rises += [(at, heights[side + 1] - heights[side], way, known[side]) for side, way in ((0, 1), (1, -1))]
    return roots.pop(), first, [rise for rise in rises if rise[1]]


def _at(function: Any, z: Fraction) -> Fraction:
    top, under = function.value(np.array([z.numerator], object), z.denominator)
    return Fraction(int(top[0]), under)


def together(parts: list[tuple[Sum, Fraction]], constant: Fraction) -> Sum:
    """The sum of multiples of sums, and a constant."""
    factors: dict[int, Fraction] = {}
    for (inner, more), share in parts:
        constant += share * more
        for node, factor in inner.items():
            factors[node] = factors.get(node, ZERO) + share * factor
    return {node: v for node, v in factors.items() if v}, constant
