"""Products of a tensor with a function of that same tensor, z f(z), as functions of one number.

x Sigmoid(x), as exporters write Silu, and x (1 + Erf(x / c)) / 2, as they write Gelu, or with Tanh of a cubic, are
functions of one number, and lines of those are far closer than planes of a product. Both factors are read as sums of
multiples of whole tensors: one has to be r x + s, the other p f(z) + q with z = c x + d, so that the product is a sum
of z f(z), f(z) and x.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from .exact import Coefficients
from .functions import RELU, Function
from .graph import Affine, Node, Pointwise
from .maps import Diagonal, Index

# Longer chains of multiples are not followed.
LONGEST = 100


@dataclass(frozen=True)
class Multiples:
    """sum of factor * node + `constant`, the same in every entry; `factors` by node number, none of them 0."""

    factors: dict[int, Fraction]
    constant: Fraction


@dataclass(frozen=True)
class Rewritten:
    """outer times(inner) + sum of factor * node + constant; `inner` is a node or a sum."""

    times: Function
    inner: int | Multiples
    outer: Fraction
    rest: Multiples


def rewritten(nodes: Sequence[Node], a: int, b: int) -> Rewritten | None:
    """The product of two nodes, if it is one of a tensor with a known function of it."""
    for one, other in ((a, b), (b, a)):
        x, f = multiples(nodes, one), multiples(nodes, other)
        if len(x.factors) == 1:
            found = (_of_one(nodes, x, f) or _of_cubic(nodes, x, f)) if len(f.factors) == 1 else _of_clip(nodes, x, f)
            if found is not None:
                return found
    return None


def _of_clip(nodes: Sequence[Node], x: Multiples, f: Multiples) -> Rewritten | None:
    """(r x + s) (p clip(c x + d, 0, w) + q), where r x + s is a multiple k of y = 6 (c x + d) / w - 3, which makes it
    k p w HardSwish(y) + q (r x + s); a Clip is the difference of two Relus."""
    from .functions.hard_swish import HARD_SWISH

    parts = []
    for number, p in f.factors.items():
        node = nodes[number]
        if not isinstance(node, Pointwise) or node.function is not RELU:
            return None
        z = multiples(nodes, node.source)
        parts.append((z.constant, z.factors, p))
    ((root, r),) = x.factors.items()
    if len(parts) != 2 or any(factors.keys() != {root} for _, factors, _ in parts):
        return None
    (e, other, minus), (d, factors, p) = sorted(parts, key=lambda part: part[0])
    if other != factors or minus != -p or d == e:
        return None
    w, c = d - e, factors[root]
    k = r * w / (6 * c)
    if x.constant != k * (6 * d / w - 3):
        return None
    inner = Multiples({root: 6 * c / w}, 6 * d / w - 3)
    rest = Multiples({root: f.constant * r} if f.constant else {}, f.constant * x.constant)
    return Rewritten(HARD_SWISH, inner, k * p * w, rest)


def _of_one(nodes: Sequence[Node], x: Multiples, f: Multiples) -> Rewritten | None:
    from .functions.registry import times

    ((root, r),), ((outermost, p),) = x.factors.items(), f.factors.items()
    chain, number = [], outermost
    while True:
        node = nodes[number]
        if not isinstance(node, Pointwise):
            return None
        chain.append(node.function)
        z = multiples(nodes, node.source)
        if z.factors.keys() == {root}:
            break
        # From function to function nothing may stand between.
        if z != Multiples({node.source: Fraction(1)}, Fraction(0)):
            return None
        number = node.source
    product = times().get(tuple(chain))
    if product is None:
        return None
    c, d, s, q = z.factors[root], z.constant, x.constant, f.constant
    # (r x + s) (p f(z) + q) with x = (z - d) / c
    rest = {root: q * r, outermost: p * (s - r * d / c)}
    return Rewritten(product, node.source, p * r / c, Multiples({n: v for n, v in rest.items() if v}, q * s))


def _of_cubic(nodes: Sequence[Node], x: Multiples, f: Multiples) -> Rewritten | None:
    """(r x + s) (p tanh(w) + q) with w = m v + b v^3 of a multiple v = c x + d: with z = m v and k = b / m^3 a multiple
    of z tanh(z + k z^3), and the rest."""
    from .functions.cubic_tanh import LEAST, MOST, cubic_tanh
    from .functions.power import CUBE
    from .functions.tanh import TANH

    ((root, r),), ((outermost, p),) = x.factors.items(), f.factors.items()
    node = nodes[outermost]
    if not isinstance(node, Pointwise) or node.function is not TANH:
        return None
    w = multiples(nodes, node.source)
    cubes = [n for n in w.factors if n != root]
    cube = nodes[cubes[0]] if len(cubes) == 1 and root in w.factors else None
    if not isinstance(cube, Pointwise) or cube.function is not CUBE:
        return None
    v = multiples(nodes, cube.source)
    if v.factors.keys() != {root}:
        return None
    c, d = v.factors[root], v.constant
    m = w.factors[root] / c
    k = w.factors[cubes[0]] / m**3
    if w.constant != m * d or not LEAST <= k <= MOST:
        return None
    # r x + s = (r / c) v + (s - r d / c)
    rest = {root: f.constant * r, outermost: p * (x.constant - r * d / c)}
    others = Multiples({n: factor for n, factor in rest.items() if factor}, f.constant * x.constant)
    return Rewritten(cubic_tanh(k), Multiples({root: m * c}, m * d), p * r / (c * m), others)


def multiples(nodes: Sequence[Node], number: int, known: dict[int, Multiples] | None = None) -> Multiples:
    """A node as a sum of others, as far back as there are nothing but multiples of whole tensors and constants; `known`
    are those of nodes that this was asked for before."""
    known = {} if known is None else known
    if number not in known:
        itself = Multiples({number: Fraction(1)}, Fraction(0))
        known[number] = _sum(nodes, number, known) or _beside(nodes, number) or itself
    return known[number]


def _beside(nodes: Sequence[Node], number: int) -> Multiples | None:
    """A node that an earlier one differs from by a constant alone, as that one and the constant."""
    node = nodes[number]
    if not isinstance(node, Affine) or not node.terms:
        return None
    for i, other in enumerate(nodes[:number]):
        if isinstance(other, Affine) and len(other.terms) == len(node.terms) and other.size == node.size:
            pairs = zip(other.terms, node.terms, strict=True)
            if all(a is b and m == n for (a, m), (b, n) in pairs):
                gap = set(node.bias.fractions() - other.bias.fractions())
                return Multiples({i: Fraction(1)}, gap.pop()) if len(gap) == 1 else None
    return None


def _sum(nodes: Sequence[Node], number: int, known: dict[int, Multiples]) -> Multiples | None:
    node = nodes[number]
    if not isinstance(node, Affine) or not node.terms or len(known) > LONGEST:
        return None
    known[number] = Multiples({number: Fraction(1)}, Fraction(0))
    total = _same(node.bias)
    if total is None:
        return None
    factors: dict[int, Fraction] = {}
    for linear, source in node.terms:
        if isinstance(linear, Index) and linear.is_identity:
            factor: Fraction | None = Fraction(1)
        else:
            factor = _same(linear.coefficients) if isinstance(linear, Diagonal) else None
        if factor is None:
            return None
        inner = multiples(nodes, source, known)
        total += factor * inner.constant
        for origin, share in inner.factors.items():
            factors[origin] = factors.get(origin, Fraction(0)) + factor * share
    return Multiples({n: v for n, v in factors.items() if v}, total)


def _same(numbers: Coefficients) -> Fraction | None:
    """The number that all of them are."""
    if not numbers.size or (numbers.values != numbers.values.flat[0]).any():
        return None
    if numbers.is_dyadic:
        return Fraction(float(numbers.values.flat[0]))
    exact = numbers.fractions().ravel()
    return Fraction(exact[0]) if (exact == exact[0]).all() else None
