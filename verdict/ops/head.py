"""Softmax, LogSoftmax and ArgMax over all outputs: dropped, because they keep which output is the largest.

The tensor in front of them becomes the network's output and remembers the head. They are supported only
there: over part of the outputs, or in the middle of a network, they do change comparisons.
"""

import math

import numpy as np

from .folding import constant_of, objects
from .lowering import Constant, Context, Symbol, Value, on_constants, operator
from .signature import NUMBERS, flag, integer, since


def _in_front(ctx: Context) -> Symbol:
    x = ctx.value(0)
    if isinstance(x, Constant):
        ctx.fail(f"{ctx.op_type} of a constant")
    return x


def _dropped(ctx: Context, x: Symbol, covered: int) -> list[Value]:
    if covered != math.prod(x.shape):
        ctx.fail(f"an axis that does not cover all outputs (shape {x.shape})")
    return [Symbol(x.node, x.shape, ctx.op_type)]


@operator("Softmax LogSoftmax", since(1, "X:T -> Y:T", axis=integer(1)), since(13, "X:T -> Y:T", axis=integer(-1)))
def softmax(ctx: Context) -> list[Value]:
    x = _in_front(ctx)
    if ctx.opset >= 13:
        axis = ctx.axis(ctx.attribute("axis"), len(x.shape))
        return _dropped(ctx, x, x.shape[axis])
    # Before operator set 13 all axes from this one on count as one.
    axis = int(ctx.attribute("axis"))
    axis = axis if axis == len(x.shape) else ctx.axis(axis, len(x.shape))
    return _dropped(ctx, x, math.prod(x.shape[axis:]))


FORM = "data:T -> reduced:int64"
EXTREMES = (
    since(1, FORM, {"T": NUMBERS}, axis=integer(0), keepdims=flag(1)),
    # Ties go to the first index.
    since(12, FORM, {"T": NUMBERS}, axis=integer(0), keepdims=flag(1), select_last_index=integer(0, among=(0,))),
)


def _position(ctx: Context) -> list[Value]:
    """The first index of the largest or smallest entry of constants."""
    x = ctx.constant(0, "the data")
    axis = ctx.axis(ctx.attribute("axis"), len(x.shape))
    if not x.shape[axis]:
        ctx.fail("nothing to compare")
    entries = objects(ctx, x)
    found = (entries.argmax if ctx.op_type == "ArgMax" else entries.argmin)(axis=axis)
    shape = tuple(1 if a == axis else n for a, n in enumerate(x.shape) if a != axis or ctx.attribute("keepdims"))
    return [constant_of(ctx, np.asarray(found).reshape(shape), "int64")]


on_constants("ArgMin", *EXTREMES, fold=_position)


@operator("ArgMax", *EXTREMES, fold=_position)
def arg_max(ctx: Context) -> list[Value]:
    if isinstance(ctx.value(0), Constant):
        return _position(ctx)
    x = _in_front(ctx)
    axis = ctx.axis(ctx.attribute("axis"), len(x.shape))
    return _dropped(ctx, x, x.shape[axis])
