"""Clip, which is also HardTanh and Relu6, and HardSigmoid, a Clip of an affine function.

With both ends it is low + max(x - low, 0) - max(x - high, 0): two ReLUs side by side, not one in the other.
An end at or beyond the largest number of the element type clips nothing that such a tensor can hold, and counts as
absent.
"""

import math
from fractions import Fraction

import numpy as np

from .arithmetic import add, scale
from .folding import elementwise
from .lowering import Constant, Context, Symbol, Value, operator
from .signature import NUMBERS, Types, real, since

ALL: Types = {"T": NUMBERS}
LOWEST = float(np.finfo(np.float32).min)


def clip(ctx: Context, x: Symbol, low: Fraction | None, high: Fraction | None) -> Symbol:
    """min(max(x, low), high), where None is no limit."""
    if low is not None and high is not None and low >= high:
        return ctx.lift(ctx.expanded(Constant.of_fractions([high]), x.shape))
    if low is None:
        return x if high is None else add(ctx, x, scale(ctx, _excess(ctx, x, high), -1.0))
    result = add(ctx, _excess(ctx, x, low), Constant.of_fractions([low]))
    return result if high is None else add(ctx, result, scale(ctx, _excess(ctx, x, high), -1.0))


def _excess(ctx: Context, x: Symbol, limit: Fraction) -> Symbol:
    """max(x - limit, 0)"""
    shifted = add(ctx, x, Constant.of_fractions([-limit]))
    return Symbol(ctx.builder.relu(shifted.node, ctx.name), x.shape)


def _limit(ctx: Context, name: str, position: int) -> Fraction | None:
    """An end of the range: an attribute before operator set 11, an input since."""
    given = ctx.constant(position, name) if ctx.has(position) else None
    if given is None:
        value = ctx.attribute(name)
        if value is None:
            return None
        given = Constant(np.array(value))
    if given.array.size != 1:
        ctx.fail(f"{name} of shape {given.shape}, expected a single number")
    value = float(given.array.reshape(()))
    if math.isnan(value):
        ctx.fail(f"{name} is NaN")
    harmless = -1 if name == "min" else 1
    if abs(value) >= float(np.finfo(ctx.kind()).max):
        if math.copysign(1, value) != harmless:
            ctx.fail(f"{name} = {value} leaves nothing")
        return None
    return given.fractions()[0]


def _clip_integers(ctx: Context) -> list[Value]:
    """An absent end is that of the type."""
    limits = np.iinfo(ctx.kind())
    low, high = (ctx.value(i) if ctx.has(i) else Constant(np.array(e)) for i, e in ((1, limits.min), (2, limits.max)))
    ctx.inputs = [ctx.value(0), low, high]
    return elementwise(lambda x, least, most: min(max(x, least), most))(ctx)


@operator(
    "Clip",
    # Its default ends are those of float32, whatever the type: a double has none here.
    since(6, "input:T -> output:T", {"T": frozenset({"float32"})}, min=real(LOWEST), max=real(-LOWEST)),
    since(11, "input:T min:T? max:T? -> output:T"),
    since(12, "input:T min:T? max:T? -> output:T", ALL),
    fold=_clip_integers,
)
def clip_operator(ctx: Context) -> list[Value]:
    return [clip(ctx, ctx.symbol(0), _limit(ctx, "min", 1), _limit(ctx, "max", 2))]


@operator("HardSigmoid", since(6, "X:T -> Y:T", alpha=real(0.2), beta=real(0.5)))
def hard_sigmoid(ctx: Context) -> list[Value]:
    alpha, beta = float(ctx.attribute("alpha")), float(ctx.attribute("beta"))
    line = add(ctx, scale(ctx, ctx.symbol(0), alpha), Constant(np.array(beta)))
    return [clip(ctx, line, Fraction(0), Fraction(1))]
