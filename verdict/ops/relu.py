"""Relu: the one non-linear primitive."""

from .lowering import Context, Symbol, Value, operator


@operator("Relu")
def relu(ctx: Context) -> list[Value]:
    x = ctx.symbol(0)
    return [Symbol(ctx.builder.relu(x.node, ctx.name), x.shape)]
