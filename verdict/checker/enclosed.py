"""The outputs at one rational point, between rationals: for witnesses of networks with functions that are not rational.

Each node lies between two vectors of integers over denominators; functions are evaluated to so many bits, and rounded
outward.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from .clock import Ask, nobody
from .network import Affine, Linear, Network, Pointwise, Product, add, integers, no_rule


def enclosed(network: Network, x: list[Fraction], bits: int, ask: Ask = nobody) -> list[tuple[Fraction, Fraction]]:
    """Rationals between which each output lies at one rational point, with functions evaluated to so many bits."""
    point = integers(np.array(x, dtype=object))
    values: list[Any] = [(point, point)]
    for node in network.nodes[1:]:
        ask()
        if isinstance(node, Pointwise):
            ends = ([Fraction(int(t), under) for t in top] for top, under in values[node.source])
            found = [_short(*node.function.between(low, high, bits), bits) for low, high in zip(*ends, strict=True)]
            low, high = (integers(np.array(side, dtype=object)) for side in zip(*found, strict=True))
        elif isinstance(node, Product):
            low, high = _products(values[node.left], values[node.right], bits)
        elif isinstance(node, Affine):
            low = high = integers(node.bias)
            for linear, source in node.terms:
                weight, below = linear.integers
                rising, falling = np.maximum(weight, 0), np.minimum(weight, 0)
                sides = values[source]
                low, high = (add(total, _sum(linear, (sides[i], rising), (sides[1 - i], falling), below))
                             for i, total in enumerate((low, high)))
        else:
            raise no_rule(node)
        values.append((low, high))
    low, high = values[network.output]
    return [(Fraction(int(a), low[1]), Fraction(int(b), high[1])) for a, b in zip(low[0], high[0], strict=True)]


def _products(left: Any, right: Any, bits: int) -> Any:
    """The ends of products, rounded outward where they are no point."""
    corners = [(a * b, under * below) for a, under in left for b, below in right]
    ends = [[Fraction(int(t), under) for t in top] for top, under in corners]
    found = [(min(four), max(four)) for four in zip(*ends, strict=True)]
    found = [(a, b) if a == b else _short(a, b, bits) for a, b in found]
    return tuple(integers(np.array(side, dtype=object)) for side in zip(*found, strict=True))


def _sum(linear: Linear, one: Any, other: Any, below: int) -> tuple[Any, int]:
    """The sum of two vectors over denominators, each mapped with weights of its own over `below`."""
    return add(*((linear.forward(top[None], weight)[0], under * below) for (top, under), weight in (one, other)))


def _short(low: Fraction, high: Fraction, bits: int) -> tuple[Fraction, Fraction]:
    """The interval rounded outward to a grid, so that numbers do not grow from layer to layer."""
    grid = 2 ** (bits + 2)
    return Fraction(math.floor(low * grid), grid), Fraction(math.ceil(high * grid), grid)
