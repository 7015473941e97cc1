"""Smooth functions, entry by entry: Sigmoid and Tanh inside a network.

A Sigmoid that nothing but heads follow is a head itself (`head.py`); `importer/tails.py` says which ones are.
"""

from ..network.functions import SIGMOID, TANH
from .folding import by_reference
from .lowering import Constant, Context, Symbol, Value, operator
from .signature import since

FUNCTIONS = {"Sigmoid": SIGMOID, "Tanh": TANH}


@operator("Sigmoid Tanh", since(6, "X:T -> Y:T"))
def smooth(ctx: Context) -> list[Value]:
    if isinstance(ctx.value(0), Constant):
        return by_reference(ctx)
    x = ctx.symbol(0)
    return [Symbol(ctx.builder.pointwise(FUNCTIONS[ctx.op_type], x.node, ctx.name), x.shape)]
