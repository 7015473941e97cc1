"""MatMul, with NumPy's rules for batches and for vectors.

One matrix for all rows is a `Dense` map on blocks, or a `Sparse` one; a stack of different matrices is a convolution
with one group per matrix and a kernel of one position. Of two matrices that both depend on the input every product of
entries is written down, and summed.
"""

import math

from ..network.maps import Conv, Total, matrix_map
from .lowering import Constant, Context, Symbol, Value, operator
from .signature import since


def matmul(ctx: Context, a: Value, b: Value) -> Value:
    """The product of tensors of rank two or more."""
    if isinstance(b, Symbol) and isinstance(a, Constant):
        return _swapped(ctx, matmul(ctx, _swapped(ctx, b), _swapped(ctx, a)))
    if a.shape[-1] != b.shape[-2]:
        ctx.fail(f"the inner sizes of {a.shape} and {b.shape} differ")
    batch = ctx.common_shape(a.shape[:-2], b.shape[:-2])
    ctx.check_size((*batch, a.shape[-2], b.shape[-1]))
    if isinstance(b, Symbol):
        return _of_two(ctx, a, b, batch)
    if math.prod(b.shape[:-2]) == 1:
        return _by_one(ctx, ctx.lift(a), b, (*batch, a.shape[-2], b.shape[-1]))
    return _by_many(ctx, a, b, batch)


def _swapped(ctx: Context, value: Value) -> Value:
    return ctx.move(value, lambda x: x.swapaxes(-1, -2))


def _by_one(ctx: Context, a: Symbol, b: Constant, shape: tuple[int, ...]) -> Symbol:
    """Every row of `a` times the same matrix."""
    weight = b.map(lambda w: w.reshape(w.shape[-2:]).T)
    linear = matrix_map(weight.coefficients, math.prod(a.shape[:-1]))
    return Symbol(ctx.builder.affine([(linear, a.node)], None, ctx.name), shape)


def _by_many(ctx: Context, a: Value, b: Constant, batch: tuple[int, ...]) -> Value:
    """Every matrix of `a` times a matrix of its own."""
    count, rows, inner, cols = math.prod(batch), a.shape[-2], a.shape[-1], b.shape[-1]
    kernel = ctx.expanded(b, (*batch, inner, cols)).map(lambda w: w.swapaxes(-1, -2).reshape(count * cols, inner, 1))
    x = ctx.lift(_swapped(ctx, ctx.broadcast(a, (*batch, rows, inner))))
    linear = Conv(
        kernel.coefficients, (count * inner, rows), groups=count, strides=(1,), pads=((0, 0),), dilations=(1,)
    )
    node = ctx.builder.affine([(linear, x.node)], None, ctx.name)
    return _swapped(ctx, Symbol(node, (*batch, cols, rows)))


def _of_two(ctx: Context, a: Value, b: Symbol, batch: tuple[int, ...]) -> Value:
    """Entry (i, j) is the sum over k of a[i, k] b[k, j]: the products with k last, and their sums."""
    shape = (*batch, a.shape[-2], b.shape[-1])
    all_of_them = (*shape, a.shape[-1])
    left = ctx.broadcast(ctx.move(a, lambda x: x[..., :, None, :]), all_of_them)
    right = ctx.broadcast(ctx.move(b, lambda x: x.swapaxes(-1, -2)[..., None, :, :]), all_of_them)
    products = ctx.builder.product(ctx.lift(left).node, ctx.lift(right).node, ctx.name)
    total = Total((math.prod(shape), a.shape[-1]), (1,))
    return Symbol(ctx.builder.affine([(total, products)], None, ctx.name), shape)


@operator("MatMul", since(1, "A:T B:T -> Y:T"))
def matmul_operator(ctx: Context) -> list[Value]:
    a, b = ctx.value(0), ctx.value(1)
    if not a.shape or not b.shape:
        ctx.fail("a factor of rank 0")
    # A vector counts as a row on the left and as a column on the right; that axis is dropped afterwards.
    row, column = len(a.shape) == 1, len(b.shape) == 1
    left = ctx.reshape(a, (1, *a.shape)) if row else a
    right = ctx.reshape(b, (*b.shape, 1)) if column else b
    result = matmul(ctx, left, right)
    lead, tail = result.shape[:-2], result.shape[-2:]
    kept = (() if row else tail[:1]) + (() if column else tail[1:])
    return [ctx.reshape(result, lead + kept)]
