"""Products that are a derivative of tanh or of the logistic function, read as functions of one number.

A factor counts if it is a sum of multiples of f(z), of derivatives and powers of it: a polynomial in f. A product of
degree 2 to 4 is compared with the derivative of that degree; the rest may be a number, for degree 3 with a multiple of
f.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

from ...functions.base import exponent_of
from ...functions.sigmoid import SIGMOID
from ...functions.slopes import SIGMOID_SLOPES, TANH_SLOPES, Slope
from ...functions.tanh import TANH
from ...network import Pointwise
from .alike import Found, summed

_SLOPES: dict[Any, tuple[Slope, ...]] = {TANH: TANH_SLOPES, SIGMOID: SIGMOID_SLOPES}
_MOST = 4
# Factors by power of f.
Powers = dict[int, Fraction]


def as_derivative(nodes: list[Any], factors: list[int]) -> Found | None:
    """What the product of some nodes is the sum of, or None. What it is a derivative of has to stand in front."""
    if len(factors) > _MOST:
        return None
    product, root = {0: Fraction(1)}, -1
    for number in factors:
        found = _in_powers(nodes, number)
        if found is None or root not in (-1, found[0]):
            return None
        root, product = found[0], _product(product, found[1])
        if max(product) > _MOST:
            return None
    degree = max(product)
    if root < 0 or degree < 2:
        return None
    slope = _SLOPES[nodes[root].function][degree - 2]
    known = _powers_of(slope.base, slope.order)
    share = product[degree] / known[degree]
    rest = _sum(product, known, -share)
    if set(rest) - ({0, 1} if degree == 3 else {0}):
        return None
    others = [(root, rest[1])] if 1 in rest else []
    return slope, nodes[root].source, share, others, rest.get(0, Fraction(0))


@cache
def _powers_of(base: Any, order: int) -> Powers:
    """The derivative in powers of f: of f^n it is n f^(n - 1) P(f)."""
    if order == 0:
        return {1: Fraction(1)}
    law = {n: Fraction(c) for n, c in enumerate(base.law) if c}
    found: Powers = {}
    for n, factor in _powers_of(base, order - 1).items():
        if n:
            found = _sum(found, _product({n - 1: factor * n}, law), Fraction(1))
    return found


def _in_powers(nodes: list[Any], number: int) -> tuple[int, Powers] | None:
    """The node of f, and a node in powers of it, among them not only a number."""
    terms, constant = summed(nodes, number)
    root, total = -1, {0: constant} if constant else {}
    for n, factor in terms.items():
        found = _of_node(nodes, n)
        if found is None or root not in (-1, found[0]):
            return None
        root, total = found[0], _sum(total, found[1], factor)
    return (root, total) if root >= 0 and total and max(total) > 0 else None


def _of_node(nodes: list[Any], number: int) -> tuple[int, Powers] | None:
    node = nodes[number]
    if not isinstance(node, Pointwise):
        return None
    if node.function in _SLOPES:
        return number, {1: Fraction(1)}
    if isinstance(node.function, Slope):
        for i, other in enumerate(nodes[:number]):
            if isinstance(other, Pointwise) and (other.function, other.source) == (node.function.base, node.source):
                return i, _powers_of(node.function.base, node.function.order)
        return None
    exponent = exponent_of(node.function)
    inner = _in_powers(nodes, node.source) if 0 < exponent <= _MOST else None
    if inner is None or max(inner[1]) * exponent > _MOST:
        return None
    powers = {0: Fraction(1)}
    for _ in range(exponent):
        powers = _product(powers, inner[1])
    return inner[0], powers


def _product(a: Powers, b: Powers) -> Powers:
    found: Powers = {}
    for n, x in a.items():
        found = _sum(found, {n + m: x * y for m, y in b.items()}, Fraction(1))
    return found


def _sum(a: Powers, b: Powers, share: Fraction) -> Powers:
    total = {n: a.get(n, Fraction(0)) + share * b.get(n, Fraction(0)) for n in {*a, *b}}
    return {n: v for n, v in total.items() if v}
