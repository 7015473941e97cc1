"""Where(x > c, a, b) as max(x - c, 0) times a number, plus b: where it is piecewise linear and has no jump.

A comparison only chooses: it is kept as the difference x - c. Then a and b must be multiples of one tensor plus
constants, entry by entry, and equal where x = c: that makes a - b a multiple of x - c. The sign of x is a choice as
well, where a comparison or a multiple of x follows. Whatever else follows reads the numbers (`jumps.py`), 0 or 1 of a
comparison, and so does a Where between constants; of one number at the output it is the label of two classes.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

from ..network.builder import Builder
from ..network.exact import Coefficients
from ..network.graph import Affine
from ..network.head import COMPARISON, SIGN, Head, Label
from ..network.maps import Diagonal
from .arithmetic import add, multiply, scale
from .head import as_label, as_number, stripped
from .lowering import Constant, Context, Symbol, Value, behind

# Entries are compared as Python's fractions.
MOST = 2**16


@behind("Greater GreaterOrEqual Less LessOrEqual")
def compared(ctx: Context) -> list[Value]:
    """Which end of a comparison the threshold itself belongs to does not matter where there is no jump, nor to a label,
    of which a tie is unsafe."""
    first, second, steps = _without_heads(ctx, ctx.value(0), ctx.value(1))
    low, high = (second, first) if ctx.op_type.startswith("Greater") else (first, second)
    difference = add(ctx, high, scale(ctx, low, -1.0))
    return [replace(difference, head=Head((*steps, COMPARISON), is_closed=_holds_at_zero(ctx)))]


def _holds_at_zero(ctx: Context) -> bool | None:
    """Whether a comparison holds where the numbers are equal that are compared in the end; of a sign with a number
    between -1 and 1 these are what it is the sign of and 0, of which the number tells."""
    is_closed = ctx.op_type.endswith("OrEqual")
    a, b = ctx.value(0), ctx.value(1)
    signed = [isinstance(v, Symbol) and v.head is not None and v.head.is_sign for v in (a, b)]
    if not any(signed):
        return is_closed
    by = b if signed[0] else a
    # Whether the sign has to be the larger side.
    is_larger = signed[0] == ctx.op_type.startswith("Greater")
    numbers = by.fractions() if isinstance(by, Constant) else []
    found = {(is_closed if c == 0 else (c < 0) == is_larger) for c in numbers}
    return found.pop() if len(found) == 1 else None


def _without_heads(ctx: Context, a: Value, b: Value) -> tuple[Value, Value, tuple[str, ...]]:
    """What to compare instead, and the steps in front of the comparison that the file has."""
    behind_head = [v for v in (a, b) if isinstance(v, Symbol) and v.head is not None]
    if not behind_head:
        return a, b, ()
    ((x, by),) = [(v, w) for v, w in ((a, b), (b, a)) if v is behind_head[0]]
    head = behind_head[0].head or Head()
    if not isinstance(by, Constant) or len(behind_head) > 1:
        ctx.fail(f"a comparison of two tensors, of which one is behind {head}")
    if head.is_sign:
        if not all(-1 < number < 1 for number in by.fractions()):
            ctx.fail("a comparison of Sign with other numbers than those between -1 and 1")
    elif head != Head(("Sigmoid",)) or not all(number == Fraction(1, 2) for number in by.fractions()):
        ctx.fail(f"a comparison behind {head}: only Sigmoid with 1/2, which it has at 0")
    zeros = Constant.of_fractions([Fraction(0)] * math.prod(by.shape), by.shape)
    pair = (stripped(behind_head[0]), zeros)
    first, second = pair if x is a else pair[::-1]
    return first, second, () if head.is_sign else head.steps


@behind("Sign")
def sign(ctx: Context) -> list[Value]:
    """Of the sign of a tensor only the tensor is kept."""
    x = ctx.symbol(0)
    if x.head is not None:
        ctx.fail(x.head.limits)
    return [replace(x, head=Head((SIGN,)))]


@behind("Mul")
def signed(ctx: Context) -> list[Value]:
    """sign(x) t is t where x > 0 and else -t, and a comparison times t is t where it holds and else 0: where t is a
    multiple of what is compared."""
    values = [ctx.value(0), ctx.value(1)]
    heads = [v.head if isinstance(v, Symbol) else None for v in values]
    if heads[0] is None:
        heads, values = heads[::-1], values[::-1]
    head, (by, t) = heads[0] or Head(), values
    if heads[1] is not None or not (head.is_sign or head.is_open_choice):
        ctx.fail(head.limits)
    return [_chosen(ctx, by, t, scale(ctx, t, -1.0 if head.is_sign else 0.0))]


@behind("Not")
def opposite(ctx: Context) -> list[Value]:
    """A comparison the other way round."""
    x = ctx.value(0)
    if not isinstance(x, Symbol) or x.head is None or not x.head.is_open_choice:
        ctx.fail("the operator is supported only on comparisons and constants")
    head = replace(x.head, is_closed=None if x.head.is_closed is None else not x.head.is_closed)
    return [replace(ctx.lift(scale(ctx, stripped(x), -1.0)), head=head)]


@behind("Where")
def chosen_by_sign(ctx: Context) -> list[Value]:
    condition, a, b = ctx.value(0), ctx.value(1), ctx.value(2)
    if not isinstance(condition, Symbol):
        from .slice import where

        return where(ctx)
    if condition.head is None or not condition.head.is_open_choice:
        ctx.fail("a choice by something else than a comparison with a constant")
    if any(isinstance(v, Symbol) and v.head is not None for v in (a, b)):
        ctx.fail("a choice between tensors behind a head")
    shape = ctx.common_shape(condition.shape, a.shape, b.shape)
    if math.prod(shape) == 1 and isinstance(a, Constant) and isinstance(b, Constant) and a.fractions() != b.fractions():
        labels = [_label(ctx, v) for v in (b, a)]
        return [replace(as_label(ctx.builder, condition, ctx.name, tuple(labels)), shape=shape)]
    if isinstance(a, Constant) and isinstance(b, Constant):
        rise = add(ctx, a, scale(ctx, b, -1.0))
        return [add(ctx, b, multiply(ctx, as_number(ctx.builder, condition, ctx.name), rise))]
    return [_chosen(ctx, condition, a, b)]


def _label(ctx: Context, value: Constant) -> Label:
    """One constant as the name of a class."""
    label: Label = value.array.item()
    if value.exact is not None or not isinstance(label, int | float | str):
        ctx.fail("a label that the file computes")
    return label


def _chosen(ctx: Context, condition: Value, a: Value, b: Value) -> Symbol:
    """a where the number under the condition is above 0, else b."""
    shape = ctx.common_shape(condition.shape, a.shape, b.shape)
    if math.prod(shape) > MOST:
        ctx.fail(f"a choice between more than {MOST} entries")
    condition = stripped(condition) if isinstance(condition, Symbol) else condition
    by, yes, no = (ctx.lift(ctx.broadcast(v, shape)) for v in (condition, a, b))
    slopes = _slopes(ctx, by, yes, no)
    positive = Symbol(ctx.builder.relu(by.node, ctx.name), shape)
    return add(ctx, no, multiply(ctx, positive, Constant.of_fractions(slopes, shape)))


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


