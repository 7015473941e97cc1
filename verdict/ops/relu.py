"""Relu: the one non-linear primitive."""

from .lowering import Context, Symbol, Value, operator
from .signature import since


@operator("Relu", since(6, "X:T -> Y:T"))
def relu(ctx: Context) -> list[Value]:
    x = ctx.symbol(0)
    return [Symbol(ctx.builder.relu(x.node, ctx.name), x.shape)]
