"""ReduceSum and ReduceMean: sums over axes, and for the mean an exact division by how many there are."""

import math
import operator as python
from fractions import Fraction

from ..network.maps import Total
from .arithmetic import multiply
from .folding import reduction
from .leaky_relu import magnitude
from .lowering import Constant, Context, Symbol, Value, on_constants, operator
from .signature import REAL, Version, flag, integers, since

# The integers that ONNX reduces in every operator set.
WIDE = REAL | {"int32", "int64", "uint32", "uint64"}


def axes_versions(moved: int, types: frozenset[str]) -> tuple[Version, Version]:
    """The table of a reduction whose axes are an input from operator set `moved` on, and an attribute before."""
    return (
        since(1, "data:T -> reduced:T", {"T": types}, axes=integers(), keepdims=flag(1)),
        since(
            moved,
            "data:T axes:int64? -> reduced:T",
            {"T": types},
            keepdims=flag(1),
            noop_with_empty_axes=flag(),
        ),
    )


def reduced_axes(ctx: Context, rank: int) -> list[int]:
    """The axes to reduce, from the attribute or the input; all of them when none is named."""
    axes = ctx.integers_from("axes", 1)
    if axes:
        return ctx.axes(axes, rank)
    return [] if ctx.attribute("noop_with_empty_axes") else list(range(rank))


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
