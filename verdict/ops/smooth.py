"""Smooth functions, entry by entry: Sigmoid, Tanh and Exp inside a network, and squares.

A Sigmoid that nothing but heads follow is a head itself (`head.py`); `importer/tails.py` says which ones are.
"""

from ..network.functions import EXP, SIGMOID, SQUARE, TANH
from .folding import by_reference
from .lowering import Constant, Context, Symbol, Value, operator
from .of_constants import POWERS, power
from .signature import since

FUNCTIONS = {"Sigmoid": SIGMOID, "Tanh": TANH, "Exp": EXP}


@operator("Sigmoid Tanh Exp", since(6, "X:T -> Y:T"))
def smooth(ctx: Context) -> list[Value]:
    if isinstance(ctx.value(0), Constant):
        return by_reference(ctx)
    x = ctx.symbol(0)
    return [Symbol(ctx.builder.pointwise(FUNCTIONS[ctx.op_type], x.node, ctx.name), x.shape)]


@operator("Pow", since(7, "X:T Y:T -> Z:T"), since(12, "X:T Y:T1 -> Z:T", POWERS), fold=power)
def square(ctx: Context) -> list[Value]:
    if isinstance(ctx.value(0), Constant):
        ctx.constant(1, "the exponent")
        return power(ctx)
    x, exponent = ctx.symbol(0), ctx.constant(1, "the exponent")
    if any(e != 2 for e in exponent.fractions()) or ctx.common_shape(x.shape, exponent.shape) != x.shape:
        ctx.fail("a power of what depends on the input, expected the exponent 2")
    return [Symbol(ctx.builder.pointwise(SQUARE, x.node, ctx.name), x.shape)]
