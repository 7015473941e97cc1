"""Elementwise arithmetic: Add, Sub, Neg, Sum, Mean, Mul, Div and Reciprocal.

Broadcasting follows ONNX. All of it stays linear but the product of two tensors that both depend on the input, which is
a node of its own kind, or a square where they are one tensor, and a quotient by one, which is a product with its
reciprocal. Integers are constants, and their quotient is cut off towards zero.
"""

import operator as python
from fractions import Fraction
from functools import reduce

import numpy as np

from ..network.maps import Diagonal
from .folding import elementwise, quotient
from .lowering import Constant, Context, Symbol, Value, operator
from .signature import NUMBERS, REAL, since

SIGNED = REAL | {"int8", "int16", "int32", "int64"}
BINARY = since(7, "A:T B:T -> C:T", {"T": NUMBERS})


def scale(ctx: Context, value: Value, factor: float) -> Value:
    """`factor` times `value`; the factor is the exact float."""
    if factor == 1:
        return value
    return multiply(ctx, value, Constant(np.array(factor, dtype=np.float64)))


def add(ctx: Context, a: Value, b: Value) -> Symbol:
    """a + b with broadcasting."""
    shape = ctx.common_shape(a.shape, b.shape)
    left, right = ctx.lift(ctx.broadcast(a, shape)), ctx.lift(ctx.broadcast(b, shape))
    return Symbol(ctx.builder.add(left.node, right.node, ctx.name), shape)


def multiply(ctx: Context, a: Value, b: Value) -> Symbol:
    """a * b with broadcasting."""
    if isinstance(a, Constant):
        a, b = b, a
    shape = ctx.common_shape(a.shape, b.shape)
    left = ctx.lift(ctx.broadcast(a, shape))
    if isinstance(b, Symbol):
        right = ctx.lift(ctx.broadcast(b, shape))
        return Symbol(ctx.builder.product(left.node, right.node, ctx.name), shape)
    factors = ctx.expanded(b, shape)
    linear = Diagonal(factors.coefficients.reshape(-1))
    return Symbol(ctx.builder.affine([(linear, left.node)], None, ctx.name), shape)


def reciprocal(ctx: Context, divisor: Value) -> Value:
    """1 / divisor, of a constant as exact rationals."""
    if isinstance(divisor, Symbol):
        from ..network.functions.reciprocal import RECIPROCAL

        return Symbol(ctx.builder.pointwise(RECIPROCAL, divisor.node, ctx.name), divisor.shape)
    fractions = divisor.fractions()
    if not all(fractions):
        ctx.fail("a division by zero")
    return Constant.of_fractions([1 / f for f in fractions], divisor.shape)


def total(ctx: Context, values: list[Value]) -> Value:
    """The sum of one or more tensors with broadcasting."""
    return reduce(lambda a, b: add(ctx, a, b), values)


@operator("Add", BINARY, fold=elementwise(python.add))
def add_operator(ctx: Context) -> list[Value]:
    return [add(ctx, ctx.value(0), ctx.value(1))]


@operator("Sub", BINARY, fold=elementwise(python.sub))
def subtract_operator(ctx: Context) -> list[Value]:
    minuend, subtrahend = ctx.value(0), ctx.value(1)
    return [add(ctx, minuend, scale(ctx, subtrahend, -1.0))]


@operator("Neg", since(6, "X:T -> Y:T", {"T": SIGNED}), fold=elementwise(python.neg))
def negate_operator(ctx: Context) -> list[Value]:
    return [scale(ctx, ctx.value(0), -1.0)]


@operator("Mul", BINARY, fold=elementwise(python.mul))
def multiply_operator(ctx: Context) -> list[Value]:
    return [multiply(ctx, ctx.value(0), ctx.value(1))]


@operator("Reciprocal", since(6, "X:T -> Y:T"))
def reciprocal_operator(ctx: Context) -> list[Value]:
    return [reciprocal(ctx, ctx.value(0))]


@operator("Div", BINARY, fold=elementwise(quotient))
def divide_operator(ctx: Context) -> list[Value]:
    return [multiply(ctx, ctx.value(0), reciprocal(ctx, ctx.value(1)))]


@operator("Sum", since(6, "data_0:T* -> sum:T"))
def sum_operator(ctx: Context) -> list[Value]:
    return [total(ctx, ctx.entries())]


@operator("Mean", since(6, "data_0:T* -> mean:T"))
def mean_operator(ctx: Context) -> list[Value]:
    values = ctx.entries()
    share = Constant.of_fractions([Fraction(1, len(values))])
    return [multiply(ctx, total(ctx, values), share)]
