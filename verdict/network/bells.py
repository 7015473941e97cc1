"""Products of polynomials in one tanh(z) or Sigmoid(z), as derivatives of these: 1 - tanh(z)^2 and s(z) (1 - s(z)).

Both functions have f' = P(f), so all their derivatives are polynomials in f, the k-th of degree k + 1. A product whose
factors are sums of multiples of f, its derivatives and its powers is a polynomial too; if that is a multiple of one
derivative and a number (of degree 3 also of f), it is written so, as a function of z: nothing else is as close.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from .functions import Function
from .functions.logistic_slopes import LogisticSlope
from .functions.sigmoid import SIGMOID
from .functions.sigmoid_slopes import SIGMOID_1, SIGMOID_2, SIGMOID_3
from .functions.tanh import TANH
from .functions.tanh_slopes import TANH_1, TANH_2, TANH_3
from .graph import Node, Pointwise
from .multiples import Multiples, Rewritten, multiples

# The derivatives, first to third.
_FAMILIES: dict[Function, tuple[LogisticSlope, ...]] = {
    TANH: (TANH_1, TANH_2, TANH_3), SIGMOID: (SIGMOID_1, SIGMOID_2, SIGMOID_3),
}  # fmt: skip
HIGHEST = 4

# Coefficients in ascending order.
Polynomial = list[Fraction]


def bell(nodes: Sequence[Node], factors: Sequence[int]) -> Rewritten | None:
    """The product of some nodes, if it is one of such polynomials."""
    base, total = None, [Fraction(1)]
    for number in factors:
        known = _polynomial(nodes, number)
        if known is None or (base is not None and known[0] != base):
            return None
        base, total = known[0], _times(total, known[1])
        if len(total) > HIGHEST + 1:
            return None
    if base is None or len(total) < 3 or not total[-1]:
        return None
    (f, source), order = base, len(total) - 2
    function = _FAMILIES[nodes[f].function][order - 1]  # type: ignore[union-attr]
    exact = _derivative(function)
    share = total[-1] / exact[-1]
    constant, once, *more = [a - share * b for a, b in zip(total, exact, strict=True)]
    if any(more) or (once and order != 2):
        return None
    return Rewritten(function, source, share, Multiples({f: once} if once else {}, constant))


def _derivative(function: LogisticSlope) -> Polynomial:
    """Of a polynomial Q(f) the derivative is Q'(f) P(f)."""
    found = [Fraction(0), Fraction(1)]
    for _ in range(function.order):
        found = _times([n * c for n, c in enumerate(found)][1:], list(function.law))
    return found


def _polynomial(nodes: Sequence[Node], number: int) -> tuple[tuple[int, int], Polynomial] | None:
    """A node as a polynomial of degree one or more in some node f, with the source of f."""
    found = multiples(nodes, number)
    base, total = None, [found.constant]
    for atom, factor in found.factors.items():
        known = _of_function(nodes, atom)
        if known is None or (base is not None and known[0] != base):
            return None
        base, inner = known
        total = [a + b for a, b in _zipped(total, [factor * c for c in inner])]
    return None if base is None else (base, total)


def _of_function(nodes: Sequence[Node], number: int) -> tuple[tuple[int, int], Polynomial] | None:
    node = nodes[number]
    if not isinstance(node, Pointwise):
        return None
    function = node.function
    if function in _FAMILIES:
        return (number, node.source), [Fraction(0), Fraction(1)]
    if isinstance(function, LogisticSlope):
        of = next((i for i, n in enumerate(nodes[:number]) if _is(n, function.of, node.source)), None)
        return None if of is None else ((of, node.source), _derivative(function))
    exponent = function.exponent
    inner = _polynomial(nodes, node.source) if 0 < exponent <= HIGHEST else None
    if inner is None or (len(inner[1]) - 1) * exponent > HIGHEST:
        return None
    total = [Fraction(1)]
    for _ in range(exponent):
        total = _times(total, inner[1])
    return inner[0], total


def _is(node: Node, function: Function, source: int) -> bool:
    return isinstance(node, Pointwise) and node.function is function and node.source == source


def _times(a: Polynomial, b: Polynomial) -> Polynomial:
    found = [Fraction(0)] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            found[i + j] += x * y
    return found


def _zipped(a: Polynomial, b: Polynomial) -> list[tuple[Fraction, Fraction]]:
    size, zero = max(len(a), len(b)), [Fraction(0)]
    return list(zip(a + zero * (size - len(a)), b + zero * (size - len(b)), strict=True))
