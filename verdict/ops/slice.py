"""Slice, Gather with constant indices, and Where with a constant condition: choosing entries."""

import numpy as np

from ..network.maps import Index
from .lowering import Constant, Context, Symbol, Value, operator
from .signature import ANY, BOOL, INDEX, TEXT, integer, integers, since


@operator(
    "Slice",
    since(
        1,
        "data:T -> output:T",
        {"T": ANY},
        axes=integers(),
        starts=integers(required=True),
        ends=integers(required=True),
    ),
    since(10, "data:T starts:I ends:I axes:I? steps:I? -> output:T", {"T": ANY, "I": INDEX}),
    moves=True,
)
def slice_operator(ctx: Context) -> list[Value]:
    x = ctx.value(0)
    starts, ends = ctx.integers_from("starts", 1), ctx.integers_from("ends", 2)
    if starts is None or ends is None or len(starts) != len(ends):
        ctx.fail(f"starts {starts} and ends {ends}")
    axes = ctx.integers_from("axes", 3)
    axes = ctx.axes(list(range(len(starts))) if axes is None else axes, len(x.shape))
    steps = ctx.integers_from("steps", 4) or [1] * len(starts)
    if len(axes) != len(starts) or len(steps) != len(starts) or 0 in steps:
        ctx.fail(f"starts {starts}, axes {axes} and steps {steps}")
    # Negative and huge ends mean in ONNX what they mean in Python.
    taken = [slice(None)] * len(x.shape)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        taken[axis] = slice(start, end, step)
    return [ctx.move(x, lambda a: a[tuple(taken)])]


@operator(
    "Gather", since(1, "data:T indices:I -> output:T", {"T": ANY | TEXT, "I": INDEX}, axis=integer(0)), moves=True
)
def gather(ctx: Context) -> list[Value]:
    x, indices = ctx.value(0), ctx.constant(1, "the indices").array
    axis = ctx.axis(ctx.attribute("axis"), len(x.shape))
    size = x.shape[axis]
    if indices.dtype.kind != "i" or ((indices < -size) | (indices >= size)).any():
        ctx.fail(f"indices that are not integers from {-size} to {size - 1}")
    ctx.check_size((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))
    return [ctx.move(x, lambda a: np.take(a, indices % max(size, 1), axis=axis))]


@operator("Where", since(9, "condition:B X:T Y:T -> output:T", {"T": ANY, "B": BOOL}), moves=True)
def where(ctx: Context) -> list[Value]:
    condition, x, y = ctx.constant(0, "the condition"), ctx.value(1), ctx.value(2)
    shape = ctx.common_shape(condition.shape, x.shape, y.shape)
    chosen = ctx.expanded(condition, shape).array.astype(bool)
    x, y = ctx.broadcast(x, shape), ctx.broadcast(y, shape)
    if isinstance(x, Constant) and isinstance(y, Constant) and x.exact is None and y.exact is None:
        return [Constant(np.where(chosen, x.array, y.array))]
    if any(isinstance(v, Symbol) and v.head for v in (x, y)):
        ctx.fail("Softmax, LogSoftmax and ArgMax are supported only at the output")
    numbers = np.arange(chosen.size).reshape(shape)
    yes, no = (
        Index(np.where(chosen, numbers, -1), chosen.size),
        Index(np.where(chosen, -1, numbers), chosen.size),
    )
    terms = [(yes, ctx.lift(x).node), (no, ctx.lift(y).node)]
    return [Symbol(ctx.builder.affine(terms, None, ctx.name), shape)]
