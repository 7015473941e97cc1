"""ReduceSum and ReduceMean: sums over axes, and for the mean an exact division by how many there are."""

import math
import operator as python
from fractions import Fraction

from ..network.maps import Total
from .arithmetic import multiply
from .axes import WIDE, axes_versions, reduced_axes, reduced_shape
from .folding import reduction
from .leaky_relu import magnitude
from .lowering import Constant, Context, Symbol, Value, on_constants, operator
from .signature import REAL


def sum_over(ctx: Context, x: Symbol, axes: list[int], keep: bool) -> Symbol:
    """The sum of `x` over `axes`."""
    shape = reduced_shape(x.shape, axes, keep)
    if all(x.shape[a] == 1 for a in axes):
        return Symbol(x.node, shape)
    return Symbol(ctx.builder.affine([(Total(x.shape, tuple(axes)), x.node)], None, ctx.name), shape)


def mean_over(ctx: Context, x: Symbol, axes: list[int], keep: bool) -> Symbol:
    """The mean of `x` over `axes`."""
    count = math.prod(x.shape[a] for a in axes)
    if not count:
        ctx.fail("a mean of nothing")
    result = sum_over(ctx, x, axes, keep)
    return result if count == 1 else multiply(ctx, result, Constant.of_fractions([Fraction(1, count)]))


on_constants("ReduceProd", *axes_versions(18, WIDE), fold=reduction(python.mul, 1))


@operator("ReduceSum", *axes_versions(13, WIDE), fold=reduction(python.add, 0))
def reduce_sum(ctx: Context) -> list[Value]:
    x = ctx.symbol(0)
    return [sum_over(ctx, x, reduced_axes(ctx, len(x.shape)), bool(ctx.attribute("keepdims")))]


@operator("ReduceMean", *axes_versions(18, REAL))
def reduce_mean(ctx: Context) -> list[Value]:
    x = ctx.symbol(0)
    return [mean_over(ctx, x, reduced_axes(ctx, len(x.shape)), bool(ctx.attribute("keepdims")))]


@operator("ReduceL1", *axes_versions(18, REAL))
def reduce_l1(ctx: Context) -> list[Value]:
    x = ctx.symbol(0)
    return [sum_over(ctx, magnitude(ctx, x), reduced_axes(ctx, len(x.shape)), bool(ctx.attribute("keepdims")))]
