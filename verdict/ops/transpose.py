"""Transpose: the axes in another order."""

from .lowering import Context, Value, operator


@operator("Transpose", moves=True)
def transpose(ctx: Context) -> list[Value]:
    x = ctx.value(0)
    rank = len(x.shape)
    order = [int(a) for a in ctx.attribute("perm", range(rank - 1, -1, -1))]
    if sorted(order) != list(range(rank)):
        ctx.fail(f"perm = {order} for a tensor of rank {rank}")
    return [ctx.move(x, lambda a: a.transpose(order))]
