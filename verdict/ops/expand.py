"""Expand and Tile: entries repeated."""

import numpy as np

from .lowering import Context, Value, operator
from .signature import ANY, since


@operator("Expand", since(8, "input:T shape:int64 -> output:T", {"T": ANY}), moves=True)
def expand(ctx: Context) -> list[Value]:
    x = ctx.value(0)
    wanted = tuple(ctx.integers(1, "the shape"))
    if min(wanted, default=0) < 0:
        ctx.fail(f"shape {wanted}")
    return [ctx.broadcast(x, ctx.common_shape(x.shape, wanted))]


@operator("Tile", since(6, "input:T repeats:int64 -> output:T", {"T": ANY}), moves=True)
def tile(ctx: Context) -> list[Value]:
    x, repeats = ctx.value(0), ctx.integers(1, "the repeats")
    if len(repeats) != len(x.shape) or min(repeats, default=0) < 0:
        ctx.fail(f"repeats {repeats} for a tensor of shape {x.shape}")
    ctx.check_size(tuple(n * r for n, r in zip(x.shape, repeats, strict=True)))
    return [ctx.move(x, lambda a: np.tile(a, repeats))]
