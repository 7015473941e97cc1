"""LeakyRelu, PRelu and Abs: one slope below zero, slope one above.

With slope a below zero the value is a x + (1 - a) max(x, 0), whatever the sign and size of a.
"""

import math

import numpy as np

from ..network.maps import Diagonal
from .folding import elementwise
from .lowering import Constant, Context, Symbol, Value, operator
from .signature import NUMBERS, real, since


def two_slopes(ctx: Context, x: Symbol, slope: Constant) -> Symbol:
    """`slope` * x where x < 0, and x elsewhere."""
    below = ctx.expanded(slope, x.shape)
    jump = ctx.expanded(Constant.of_fractions([1 - s for s in slope.fractions()], slope.shape), x.shape)
    positive = ctx.builder.relu(x.node, ctx.name)
    terms = [
        (Diagonal(below.coefficients.reshape(-1)), x.node),
        (Diagonal(jump.coefficients.reshape(-1)), positive),
    ]
    return Symbol(ctx.builder.affine(terms, None, ctx.name), x.shape)


@operator("LeakyRelu", since(6, "X:T -> Y:T", alpha=real(0.01)))
def leaky_relu(ctx: Context) -> list[Value]:
    slope = float(ctx.attribute("alpha"))
    if not math.isfinite(slope):
        ctx.fail(f"alpha = {slope}")
    return [two_slopes(ctx, ctx.symbol(0), Constant(np.array(slope)))]


@operator("PRelu", since(7, "X:T slope:T -> Y:T"))
def prelu(ctx: Context) -> list[Value]:
    return [two_slopes(ctx, ctx.symbol(0), ctx.constant(1, "the slope"))]


def magnitude(ctx: Context, x: Symbol) -> Symbol:
    """|x|"""
    return two_slopes(ctx, x, Constant(np.array(-1.0)))


@operator("Abs", since(6, "X:T -> Y:T", {"T": NUMBERS}), fold=elementwise(abs))
def absolute(ctx: Context) -> list[Value]:
    return [magnitude(ctx, ctx.symbol(0))]
