"""Products x f(x) of a tensor with a function of itself, read as functions of one number: Silu, Gelu and Mish as
exporters write them.

A tensor is looked at as a sum of multiples of whole tensors, one factor each, and a constant. If one side of a product
is r x + s and the other p f(c x + d) + q, then with z = c x + d it is
(p r / c) z f(z) + p (s - r d / c) f(z) + q r x + q s.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ...functions.cubic import LEAST, cubic_tanh
from ...functions.cubic import MOST as GREATEST
from ...functions.families import tables
from ...functions.hard_swish import HARD_SWISH
from ...functions.power import CUBE
from ...functions.relu import RELU
from ...functions.tanh import TANH
from ...network import Affine, Linear, Pointwise

# A sum of multiples: factors by node, and a constant.
Sum = tuple[dict[int, Fraction], Fraction]
# A function, its node z or a sum, its factor; nodes with factors, and a constant.
Found = tuple[Any, int | Sum, Fraction, list[tuple[int, Fraction]], Fraction]
# So many steps back are looked at.
_FARTHEST = 100


def of_itself(nodes: list[Any], left: int, right: int) -> Found | None:
    """What the product of two nodes is the sum of, if one is a function of the other; None for all other products."""
    sides, ways = ((left, right), (right, left)), (_of_itself, _of_cubic, _of_hard)
    return next((found for way in ways for a, b in sides if (found := way(nodes, a, b))), None)


def _of_itself(nodes: list[Any], plain: int, other: int) -> Found | None:
    (one, s), (two, q) = summed(nodes, plain), summed(nodes, other)
    if len(one) != 1 or len(two) != 1:
        return None
    ((x, r),), ((f, p),) = one.items(), two.items()
    found = _argument(nodes, f, x)
    if found is None:
        return None
    function, z = found
    factors, d = summed(nodes, z)
    c = factors[x]
    rest = [(x, q * r), (f, p * (s - r * d / c))]
    return function, z, p * r / c, [(n, v) for n, v in rest if v], q * s


def _of_cubic(nodes: list[Any], plain: int, other: int) -> Found | None:
    """(r x + s) (p tanh(a x + b y^3 + g) + q) with y = c x + d. If a x + g is a multiple u = n y of y, this is in the
    function z tanh(z + k z^3) of u: (r / (c n)) p times it, p (s - r d / c) tanh, and q (r x + s)."""
    (one, s), (two, q) = summed(nodes, plain), summed(nodes, other)
    if len(one) != 1 or len(two) != 1:
        return None
    ((x, r),), ((f, p),) = one.items(), two.items()
    if not isinstance(nodes[f], Pointwise) or nodes[f].function is not TANH:
        return None
    inside, g = summed(nodes, nodes[f].source)
    powers = [n for n in inside if n != x]
    if x not in inside or len(powers) != 1 or not isinstance(nodes[powers[0]], Pointwise):
        return None
    cube = nodes[powers[0]]
    y, d = summed(nodes, cube.source)
    if cube.function is not CUBE or set(y) != {x}:
        return None
    a, b, c = inside[x], inside[powers[0]], y[x]
    n = a / c
    k = b / (n * n * n)
    if g != n * d or not LEAST <= k <= GREATEST:
        return None
    rest = [(x, q * r), (f, p * (s - r * d / c))]
    return cubic_tanh(k), ({x: a}, g), p * r / a, [(i, v) for i, v in rest if v], q * s


def _of_hard(nodes: list[Any], left: int, right: int) -> Found | None:
    """A tensor a = k y times p clip(y + 3, 0, 6) w / 6 + q, where the Clip is relu(t) - relu(t - w), t = w (y + 3) / 6:
    k p w times HardSwish(y), and q a. It is the argument y that stands in place of a node."""
    (one, s), (two, q) = summed(nodes, left), summed(nodes, right)
    clips = [nodes[f] for f in two]
    if len(one) != 1 or len(two) != 2 or any(not isinstance(n, Pointwise) or n.function is not RELU for n in clips):
        return None
    ((x, r),), (p, minus) = one.items(), two.values()
    (first, d), (second, e) = (summed(nodes, n.source) for n in clips)
    if d < e:
        d, e, p, minus = e, d, minus, p
    if first != second or set(first) != {x} or minus != -p or d == e:
        return None
    w, c = d - e, first[x]
    y = {x: 6 * c / w}, 6 * d / w - 3
    k = r / y[0][x]
    if s != k * y[1]:
        return None
    return HARD_SWISH, y, k * p * w, [(x, q * r)] if q else [], q * s


def _argument(nodes: list[Any], f: int, x: int) -> tuple[Any, int] | None:
    """The function z times f(z) and the node z, if node `f` is a known function of a multiple of node `x`."""
    chain: tuple[Any, ...] = ()
    while isinstance(nodes[f], Pointwise):
        chain, f = (*chain, nodes[f].function), nodes[f].source
        if set(summed(nodes, f)[0]) == {x}:
            times = tables("TIMES").get(chain)
            return None if times is None else (times, f)
    return None


def summed(nodes: list[Any], number: int) -> Sum:
    """A node as a sum, as far back as there are only multiples of whole tensors; else it is its own."""
    known: dict[int, Sum] = {}

    def look(i: int) -> Sum:
        if i not in known:
            known[i] = {i: Fraction(1)}, Fraction(0)
            found = (_step(nodes[i]) or _sibling(nodes, i)) if len(known) <= _FARTHEST else None
            if found is not None:
                terms, constant = found
                factors: dict[int, Fraction] = {}
                for source, factor in terms:
                    inner, more = look(source)
                    constant += factor * more
                    for n, share in inner.items():
                        factors[n] = factors.get(n, Fraction(0)) + factor * share
                known[i] = {n: v for n, v in factors.items() if v}, constant
        return known[i]

    return look(number)


def _step(node: Any) -> tuple[list[tuple[int, Fraction]], Fraction] | None:
    """One node in front: its sources with the one factor of each, and the constant."""
    if not isinstance(node, Affine) or not node.terms or not node.size:
        return None
    bias = node.bias
    factors = [_factor(linear) for linear, _ in node.terms]
    if any(v is None for v in factors) or any(v != bias[0] for v in bias.tolist()):
        return None
    return [(source, v) for (_, source), v in zip(node.terms, factors, strict=True) if v is not None], Fraction(bias[0])


def _sibling(nodes: list[Any], number: int) -> tuple[list[tuple[int, Fraction]], Fraction] | None:
    """The first node with the same maps of the same nodes, if they differ by one constant."""
    node = nodes[number]
    if not isinstance(node, Affine) or not node.terms:
        return None
    for i in range(1, number):
        other = nodes[i]
        if not isinstance(other, Affine) or len(other.terms) != len(node.terms) or other.size != node.size:
            continue
        if all(a is b and m == n for (a, m), (b, n) in zip(other.terms, node.terms, strict=True)):
            gap = set((node.bias - other.bias).tolist())
            return ([(i, Fraction(1))], Fraction(gap.pop())) if len(gap) == 1 else None
    return None


def _factor(linear: Linear) -> Fraction | None:
    """The factor of a map that multiplies all entries by one and leaves them in their places."""
    count = linear.in_size
    shape = linear.index.shape, linear.weight.shape
    if shape != ((count, 1, 1), (count, 1, 1)) or not np.array_equal(linear.index.ravel(), np.arange(count)):
        return None
    weight = (linear.weight if linear.exact is None else linear.exact).ravel()
    return Fraction(weight[0]) if all(v == weight[0] for v in weight.tolist()) else None
