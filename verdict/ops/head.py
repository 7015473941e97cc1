"""Softmax, LogSoftmax and ArgMax over all outputs: dropped, because they keep which output is the largest.

The tensor in front of them becomes the network's output and remembers the head. They are supported only
there: over part of the outputs, or in the middle of a network, they do change comparisons.
"""

import math

from .lowering import Constant, Context, Symbol, Value, operator


def _in_front(ctx: Context) -> Symbol:
    x = ctx.value(0)
    if isinstance(x, Constant):
        ctx.fail(f"{ctx.op_type} of a constant")
    return x


def _dropped(ctx: Context, x: Symbol, covered: int) -> list[Value]:
    if covered != math.prod(x.shape):
        ctx.fail(f"an axis that does not cover all outputs (shape {x.shape})")
    return [Symbol(x.node, x.shape, ctx.op_type)]


@operator("Softmax", "LogSoftmax")
def softmax(ctx: Context) -> list[Value]:
    x = _in_front(ctx)
    if ctx.opset >= 13:
        axis = ctx.axis(int(ctx.attribute("axis", -1)), len(x.shape))
        return _dropped(ctx, x, x.shape[axis])
    # Before operator set 13 all axes from this one on count as one.
    axis = int(ctx.attribute("axis", 1))
    axis = axis if axis == len(x.shape) else ctx.axis(axis, len(x.shape))
    return _dropped(ctx, x, math.prod(x.shape[axis:]))


@operator("ArgMax")
def arg_max(ctx: Context) -> list[Value]:
    x = _in_front(ctx)
    if ctx.attribute("select_last_index", 0):
        ctx.fail("select_last_index = 1 (ties go to the first output)")
    axis = ctx.axis(int(ctx.attribute("axis", 0)), len(x.shape))
    return _dropped(ctx, x, x.shape[axis])
