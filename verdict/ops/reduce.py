"""ReduceSum and ReduceMean: sums over axes, and for the mean an exact division by how many there are."""

import math
from fractions import Fraction

from ..network.maps import Total
from .arithmetic import multiply
from .lowering import Constant, Context, Symbol, Value, operator


def reduced_axes(ctx: Context, rank: int) -> list[int]:
    """The axes to reduce, from the attribute or the input; all of them when none is named."""
    axes = ctx.integers_from("axes", 1)
    if axes:
        return ctx.axes(axes, rank)
    return [] if ctx.attribute("noop_with_empty_axes", 0) else list(range(rank))


def reduced_shape(shape: tuple[int, ...], axes: list[int], keep: bool) -> tuple[int, ...]:
    return tuple(1 if a in axes else n for a, n in enumerate(shape) if keep or a not in axes)


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


@operator("ReduceSum")
def reduce_sum(ctx: Context) -> list[Value]:
    x = ctx.symbol(0)
    return [sum_over(ctx, x, reduced_axes(ctx, len(x.shape)), bool(ctx.attribute("keepdims", 1)))]


@operator("ReduceMean")
def reduce_mean(ctx: Context) -> list[Value]:
    x = ctx.symbol(0)
    return [mean_over(ctx, x, reduced_axes(ctx, len(x.shape)), bool(ctx.attribute("keepdims", 1)))]
