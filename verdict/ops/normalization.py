"""LayerNormalization, InstanceNormalization and GroupNormalization: (x - mean) / sqrt(variance + epsilon) * scale + B.

Mean and variance are those of the entries of one group at the input at hand, so the quotient is no linear map: it is
lowered to a difference from a mean, a mean of squares, a square root, its reciprocal and a product.
"""

import math

import numpy as np

from ..network.functions import SQUARE
from ..network.functions.reciprocal import RECIPROCAL
from ..network.functions.root import SQRT
from .arithmetic import add, multiply, scale
from .lowering import Constant, Context, Symbol, Value, operator
from .reduce import mean_over
from .signature import integer, real, since


def normalised(ctx: Context, x: Symbol, axes: list[int]) -> Symbol:
    """x less its mean over `axes`, over the root of its variance there and epsilon."""
    builder = ctx.builder
    centred = add(ctx, x, scale(ctx, mean_over(ctx, x, axes, keep=True), -1.0))
    squares = Symbol(builder.pointwise(SQUARE, centred.node, ctx.name), x.shape)
    epsilon = float(ctx.attribute("epsilon"))
    if not epsilon > 0:
        ctx.fail(f"epsilon {epsilon:g}, expected a number above 0")
    variance = add(ctx, mean_over(ctx, squares, axes, keep=True), Constant(np.array(epsilon)))
    root = builder.pointwise(SQRT, variance.node, ctx.name)
    return multiply(ctx, centred, Symbol(builder.pointwise(RECIPROCAL, root, ctx.name), variance.shape))


@operator(
    "LayerNormalization",
    since(17, "X:T Scale:T B:T? -> Y:T Mean:float32? InvStdDev:float32?", axis=integer(-1), epsilon=real(1e-5),
          stash_type=integer(1, among=(1,))),
)
def layer_normalization(ctx: Context) -> list[Value]:
    x = ctx.symbol(0)
    first = ctx.axis(int(ctx.attribute("axis")), len(x.shape))
    found = normalised(ctx, x, list(range(first, len(x.shape))))
    found = multiply(ctx, found, _part(ctx, 1, x.shape[first:]))
    return [add(ctx, found, _part(ctx, 2, x.shape[first:])) if ctx.has(2) else found]


def _part(ctx: Context, position: int, shape: tuple[int, ...]) -> Constant:
    """A constant that fits the normalised axes."""
    value = ctx.constant(position, f"input {position}")
    if ctx.common_shape(value.shape, shape) != shape:
        ctx.fail(f"input {position} of shape {value.shape} for normalised axes of shape {shape}")
    return value


def _channels(ctx: Context, x: Symbol, position: int) -> Constant:
    """A constant for each channel, ready to be broadcast."""
    value = ctx.constant(position, f"input {position}")
    if value.shape != x.shape[1:2]:
        ctx.fail(f"input {position} of shape {value.shape} for the channels of {x.shape}")
    return value.map(lambda a: a.reshape(-1, *(1,) * (len(x.shape) - 2)))


@operator("InstanceNormalization", since(6, "input:T scale:T B:T -> output:T", epsilon=real(1e-5)))
def instance_normalization(ctx: Context) -> list[Value]:
    return [_in_groups(ctx, ctx.symbol(0), None)]


@operator(
    "GroupNormalization",
    # Before, scale and bias were one for a group.
    since(21, "X:T scale:T bias:T -> Y:T", epsilon=real(1e-5), num_groups=integer(required=True),
          stash_type=integer(1, among=(1,))),
)  # fmt: skip
def group_normalization(ctx: Context) -> list[Value]:
    return [_in_groups(ctx, ctx.symbol(0), int(ctx.attribute("num_groups")))]


def _in_groups(ctx: Context, x: Symbol, groups: int | None) -> Symbol:
    """Groups of channels, one channel each where no number is given, with all that lies behind them."""
    if len(x.shape) < 3:
        ctx.fail(f"an input of shape {x.shape}, expected (batch, channels, ...)")
    groups = x.shape[1] if groups is None else groups
    if groups < 1 or x.shape[1] % groups:
        ctx.fail(f"{groups} groups of {x.shape[1]} channels")
    parts = ctx.reshape(x, (x.shape[0], groups, math.prod(x.shape[1:]) // groups))
    found = ctx.reshape(normalised(ctx, ctx.lift(parts), [2]), x.shape)
    return add(ctx, multiply(ctx, found, _channels(ctx, x, 1)), _channels(ctx, x, 2))
