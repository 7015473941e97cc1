"""Reshape, Flatten, Squeeze and Unsqueeze: the same entries in another shape, free of charge."""

import math

from .lowering import Context, Value, operator
from .signature import ANY, TEXT, Types, flag, integer, integers, since

ALL: Types = {"T": ANY | TEXT}


@operator(
    "Reshape",
    since(5, "data:T shape:int64 -> reshaped:T", ALL),
    since(14, "data:T shape:int64 -> reshaped:T", ALL, allowzero=flag()),
    moves=True,
)
def reshape(ctx: Context) -> list[Value]:
    x = ctx.value(0)
    wanted = ctx.integers(1, "the shape")
    if not ctx.attribute("allowzero"):
        if any(n == 0 and i >= len(x.shape) for i, n in enumerate(wanted)):
            ctx.fail(f"shape {wanted} copies an axis that {x.shape} does not have")
        wanted = [n or x.shape[i] for i, n in enumerate(wanted)]
    if wanted.count(-1) > 1 or min(wanted, default=0) < -1:
        ctx.fail(f"shape {wanted}")
    if -1 in wanted:
        known, total = math.prod(n for n in wanted if n != -1), math.prod(x.shape)
        if not known or total % known:
            ctx.fail(f"a tensor of shape {x.shape} does not fit the shape {wanted}")
        wanted = [total // known if n == -1 else n for n in wanted]
    return [ctx.reshape(x, tuple(wanted))]


@operator(
    "Flatten",
    since(1, "input:T -> output:T", axis=integer(1)),
    since(9, "input:T -> output:T", ALL, axis=integer(1)),
    moves=True,
)
def flatten(ctx: Context) -> list[Value]:
    x, axis = ctx.value(0), int(ctx.attribute("axis"))
    rank = len(x.shape)
    if not -rank <= axis <= rank:
        ctx.fail(f"axis {axis} of a tensor of rank {rank}")
    axis += rank if axis < 0 else 0
    return [ctx.reshape(x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))]


@operator(
    "Squeeze",
    since(1, "data:T -> squeezed:T", ALL, axes=integers()),
    since(13, "data:T axes:int64? -> squeezed:T", ALL),
    moves=True,
)
def squeeze(ctx: Context) -> list[Value]:
    x = ctx.value(0)
    axes = ctx.integers_from("axes", 1)
    if axes is None:
        return [ctx.reshape(x, tuple(n for n in x.shape if n != 1))]
    dropped = ctx.axes(axes, len(x.shape))
    if any(x.shape[a] != 1 for a in dropped):
        ctx.fail(f"axes {axes} of the shape {x.shape} are not all of size 1")
    return [ctx.reshape(x, tuple(n for a, n in enumerate(x.shape) if a not in dropped))]


@operator(
    "Unsqueeze",
    since(1, "data:T -> expanded:T", ALL, axes=integers(required=True)),
    since(13, "data:T axes:int64 -> expanded:T", ALL),
    moves=True,
)
def unsqueeze(ctx: Context) -> list[Value]:
    x, given = ctx.value(0), ctx.integers_from("axes", 1)
    if given is None:
        ctx.fail("axes are missing")
    rank = len(x.shape) + len(given)
    axes, sizes = ctx.axes(given, rank), iter(x.shape)
    return [ctx.reshape(x, tuple(1 if a in axes else next(sizes) for a in range(rank)))]
