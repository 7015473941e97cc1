"""Clip, which is also HardTanh and Relu6, and HardSigmoid, a Clip of an affine function.

With both ends it is low + max(x - low, 0) - max(x - high, 0): two ReLUs side by side, not one in the other.
An end at or beyond the largest float32 clips nothing that a float32 network can hold and counts as absent.
"""

import math
from fractions import Fraction

import numpy as np

from .arithmetic import add, scale
from .lowering import Constant, Context, Symbol, Value, operator

LARGEST = float(np.finfo(np.float32).max)


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
    if abs(value) >= LARGEST:
        if math.copysign(1, value) != harmless:
            ctx.fail(f"{name} = {value} leaves nothing")
        return None
    return given.fractions()[0]


@operator("Clip")
def clip_operator(ctx: Context) -> list[Value]:
    return [clip(ctx, ctx.symbol(0), _limit(ctx, "min", 1), _limit(ctx, "max", 2))]


@operator("HardSigmoid")
def hard_sigmoid(ctx: Context) -> list[Value]:
    # ONNX attributes are float32, and so are their defaults.
    alpha, beta = (float(ctx.attribute(n, np.float32(d))) for n, d in (("alpha", 0.2), ("beta", 0.5)))
    line = add(ctx, scale(ctx, ctx.symbol(0), alpha), Constant(np.array(beta)))
    return [clip(ctx, line, Fraction(0), Fraction(1))]
