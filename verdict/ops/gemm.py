"""Gemm: alpha * A' B' + beta * C, the fully connected layer."""

from .arithmetic import add, scale
from .lowering import Context, Value, operator
from .matmul import matmul
from .signature import flag, real, since

ATTRIBUTES = {"alpha": real(1.0), "beta": real(1.0), "transA": flag(), "transB": flag()}


@operator("Gemm", since(7, "A:T B:T C:T -> Y:T", **ATTRIBUTES), since(11, "A:T B:T C:T? -> Y:T", **ATTRIBUTES))
def gemm(ctx: Context) -> list[Value]:
    a, b = ctx.value(0), ctx.value(1)
    if len(a.shape) != 2 or len(b.shape) != 2:
        ctx.fail(f"factors of rank {len(a.shape)} and {len(b.shape)}, expected 2 and 2")
    if ctx.attribute("transA"):
        a = ctx.move(a, lambda x: x.T)
    if ctx.attribute("transB"):
        b = ctx.move(b, lambda x: x.T)
    product = matmul(ctx, a, b)
    result = scale(ctx, product, ctx.attribute("alpha"))
    if ctx.has(2):
        result = add(ctx, result, scale(ctx, ctx.value(2), ctx.attribute("beta")))
        if result.shape != product.shape:
            ctx.fail(f"C of shape {ctx.value(2).shape} does not broadcast to {product.shape}")
    return [result]
