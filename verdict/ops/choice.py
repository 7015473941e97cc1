"""Where(x > c, a, b) as max(x - c, 0) times a number, plus b: where it is piecewise linear and has no jump.

A comparison with a constant only chooses: it is kept as the difference x - c. Then a and b must be multiples of one
tensor plus constants, entry by entry, and equal where x = c: that makes a - b a multiple of x - c. A jump is refused,
since it is none that a network of ReLUs has.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

from ..network.builder import Builder
from ..network.exact import Coefficients
from ..network.graph import Affine
from ..network.maps import Diagonal
from .arithmetic import add, multiply, scale
from .head import CHOICE, stripped
from .lowering import Constant, Context, Symbol, Value, behind

# Entries are compared as Python's fractions.
MOST = 2**16


@behind("Greater GreaterOrEqual Less LessOrEqual")
def compared(ctx: Context) -> list[Value]:
    """Which end of a comparison the threshold itself belongs to does not matter where there is no jump."""
    a, b = ctx.value(0), ctx.value(1)
    if any(isinstance(v, Symbol) and v.head is not None for v in (a, b)):
        ctx.fail("a comparison behind a head")
    low, high = (b, a) if ctx.op_type.startswith("Greater") else (a, b)
    difference = add(ctx, high, scale(ctx, low, -1.0))
    return [replace(difference, head=CHOICE)]


@behind("Where")
def chosen_by_sign(ctx: Context) -> list[Value]:
    condition, a, b = ctx.value(0), ctx.value(1), ctx.value(2)
    if not isinstance(condition, Symbol):
        from .slice import where

        return where(ctx)
    if condition.head != CHOICE or any(isinstance(v, Symbol) and v.head is not None for v in (a, b)):
        ctx.fail("a choice by something else than a comparison with a constant")
    shape = ctx.common_shape(condition.shape, a.shape, b.shape)
    if math.prod(shape) > MOST:
        ctx.fail(f"a choice between more than {MOST} entries")
    by, yes, no = (ctx.lift(ctx.broadcast(v, shape)) for v in (stripped(condition), a, b))
    slopes = _slopes(ctx, by, yes, no)
    positive = Symbol(ctx.builder.relu(by.node, ctx.name), shape)
    return [add(ctx, no, multiply(ctx, positive, Constant.of_fractions(slopes, shape)))]


def _slopes(ctx: Context, by: Symbol, yes: Symbol, no: Symbol) -> list[Fraction]:
    """The k of each entry with yes - no = k by, exactly."""
    lines = [_Line.of(ctx.builder, v.node) for v in (by, yes, no)]
    roots = {line.root for line in lines if line.root is not None}
    if len(roots) != 1 or lines[0].root is None:
        ctx.fail("the branches are no multiples of what is compared: only x > c with multiples of x is supported")
    found = []
    for d, d0, a, a0, b, b0 in zip(*(part for line in lines for part in (line.slopes, line.offsets)), strict=True):
        k = (a - b) / d if d else Fraction(0)
        if (a - b, a0 - b0) != (k * d, k * d0):
            ctx.fail("the branches are not equal at the threshold: the function jumps there")
        found.append(k)
    return found


class _Line:
    """A node as slopes * root + offsets, entry by entry; a constant has no root.

    The root is a node, or the sum of maps of nodes that one begins with, whatever its bias.
    """

    def __init__(self, root: object, slopes: list[Fraction], offsets: list[Fraction]) -> None:
        self.root, self.slopes, self.offsets = root, slopes, offsets

    @classmethod
    def of(cls, builder: Builder, node: int) -> _Line:
        size = builder.size(node)
        slopes, offsets = [Fraction(1)] * size, [Fraction(0)] * size
        while True:
            made = builder.nodes[node]
            if not isinstance(made, Affine):
                return cls(node, slopes, offsets)
            bias = _fractions(made.bias)
            offsets = [s * v + o for s, v, o in zip(slopes, bias, offsets, strict=True)]
            if not made.terms:
                return cls(None, [Fraction(0)] * size, offsets)
            linear, source = made.terms[0]
            if len(made.terms) > 1 or not isinstance(linear, Diagonal):
                return cls(tuple((id(m), s) for m, s in made.terms), slopes, offsets)
            slopes = [s * f for s, f in zip(slopes, _fractions(linear.coefficients), strict=True)]
            node = source


def _fractions(values: Coefficients) -> list[Fraction]:
    return list(values.fractions().ravel()) if values.size else []


