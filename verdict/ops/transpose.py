"""Transpose: the axes in another order."""

from .lowering import Context, Value, operator
from .signature import ANY, integers, since


@operator("Transpose", since(1, "data:T -> transposed:T", {"T": ANY}, perm=integers()), moves=True)
def transpose(ctx: Context) -> list[Value]:
    x = ctx.value(0)
    rank = len(x.shape)
    given = ctx.attribute("perm")
    order = list(range(rank - 1, -1, -1)) if given is None else given
    if sorted(order) != list(range(rank)):
        ctx.fail(f"perm = {order} for a tensor of rank {rank}")
    return [ctx.move(x, lambda a: a.transpose(order))]
