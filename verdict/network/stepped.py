"""Functions of sums of steps in one tensor, as sums of steps again.

A sum of steps is constant between their jumps, and at each jump it has a value of its own: a closed table. So is any
function of it, and a table with the values l, m and r left of a jump t, at it and right of it is a sum of
(m - l) step(x - t) and (r - m) (1 - step(t - x)). So sign(sign(x) + 0.1), as exporters write the sign of a binarised
layer, is 2 step(x) - 1. The same has to hold in every entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from .exact import ExactVector
from .functions import STEP, Function
from .graph import Node, Pointwise
from .multiples import Multiples, multiples

# Sums of more steps are left as they are.
MOST = 16


@dataclass(frozen=True)
class Stepped:
    """`constant`, and for each (t, is_closed, node, factor) the factor where x >= t, or where x > t, of the tensor x
    that is node number `root`; `node` is that of step(x - t), or of step(t - x), where there is one already."""

    root: int
    constant: Fraction
    parts: tuple[tuple[Fraction, bool, int | None, Fraction], ...]


@dataclass(frozen=True)
class _Jump:
    """Of a sum of steps: by how much it rises from the left to the value at a jump, and from there to the right; and
    the nodes that do so."""

    closed: Fraction = Fraction(0)
    strict: Fraction = Fraction(0)
    nodes: tuple[tuple[bool, int], ...] = ()


def stepped(nodes: Sequence[Node], function: Function, source: int) -> Stepped | None:
    """The function of node `source`, if that is a sum of steps of multiples of one tensor."""
    whole = multiples(nodes, source)
    if not 0 < len(whole.factors) <= MOST:
        return None
    jumps: dict[Fraction, _Jump] = {}
    root, start = None, whole.constant
    for number, factor in whole.factors.items():
        node = nodes[number]
        inner = _line(nodes, node)
        if inner is None or root not in (None, inner[0]):
            return None
        root, slope, constant = inner
        at, rises = -constant / slope, slope > 0
        known = jumps.get(at, _Jump())
        if rises:
            # 1 from the jump on.
            jumps[at] = _Jump(known.closed + factor, known.strict, (*known.nodes, (True, number)))
        else:
            # 1 up to the jump.
            start += factor
            jumps[at] = _Jump(known.closed, known.strict - factor, (*known.nodes, (False, number)))
    if root is None:
        return None
    return _table(root, start, sorted(jumps.items()), lambda z: function.exact(ExactVector.of([z])).fractions()[0])


def _line(nodes: Sequence[Node], node: Node) -> tuple[int, Fraction, Fraction] | None:
    """The root, slope and constant of what a step is of."""
    if not isinstance(node, Pointwise) or node.function is not STEP:
        return None
    z = multiples(nodes, node.source)
    if len(z.factors) != 1:
        return None
    ((root, slope),) = z.factors.items()
    return root, slope, z.constant


def _table(
    root: int, start: Fraction, jumps: list[tuple[Fraction, _Jump]], f: Callable[[Fraction], Fraction]
) -> Stepped:
    """What f makes of the values left of each jump, at it, and right of it."""
    value, parts = start, []
    for at, jump in jumps:
        left, here, right = f(value), f(value + jump.closed), f(value + jump.closed + jump.strict)
        value += jump.closed + jump.strict
        for is_closed, rise in ((True, here - left), (False, right - here)):
            if rise:
                node = next((n for closed, n in jump.nodes if closed == is_closed), None)
                parts.append((at, is_closed, node, rise))
    return Stepped(root, f(start), tuple(parts))


def as_sum(found: Stepped, make: Callable[[int, Fraction, bool], int]) -> Multiples:
    """The sum of multiples; `make` gives the node of step(x - t), or of step(t - x), of the root x."""
    total, factors = found.constant, dict[int, Fraction]()
    for at, is_closed, known, rise in found.parts:
        node = make(found.root, at, is_closed) if known is None else known
        if not is_closed:
            # x > t is what step(t - x) leaves of 1.
            total, rise = total + rise, -rise
        factors[node] = factors.get(node, Fraction(0)) + rise
    return Multiples({n: v for n, v in factors.items() if v}, total)
