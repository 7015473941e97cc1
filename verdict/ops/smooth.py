"""Smooth functions, entry by entry: those that the files of `network/functions` name, and powers.

A Sigmoid that nothing but heads follow is a head itself (`head.py`); `importer/tails.py` says which ones are.
"""

from fractions import Fraction

from ..base.errors import UnsupportedError
from ..network.functions.nearest import all_nearest
from ..network.functions.onnx_operator import Scaled
from ..network.functions.registry import operators as of_functions
from ..network.functions.registry import powers
from .arithmetic import multiply
from .folding import objects
from .lowering import Constant, Context, Symbol, Value, operator
from .of_constants import POWERS as TYPES
from .of_constants import power as folded_power
from .signature import real, since, text


def described(ctx: Context) -> list[Value]:
    """outer f(inner x), of a constant in float64."""
    known = of_functions()[ctx.op_type]
    try:
        made = known.make(**{name: ctx.attribute(name) for name in (*known.reals, *known.words)})
    except ValueError as error:
        ctx.fail(str(error))
    x = ctx.value(0)
    if isinstance(x, Constant):
        return folded(ctx, x, made)
    node = ctx.lift(_times(ctx, x, made.inner)).node
    return [_times(ctx, Symbol(ctx.builder.pointwise(made.function, node, ctx.name), x.shape), made.outer)]


def _times(ctx: Context, x: Value, factor: Fraction) -> Value:
    return x if factor == 1 else multiply(ctx, x, Constant.of_fractions([factor]))


def folded(ctx: Context, x: Constant, made: Scaled) -> list[Value]:
    """Of a constant: exactly, or the nearest float64 of f."""
    entries = [made.inner * z for z in objects(ctx, x).ravel().tolist()]
    try:
        values = [made.outer * y for y in all_nearest(made.function, entries)]
    except (UnsupportedError, OverflowError, ZeroDivisionError):
        ctx.fail(f"{ctx.op_type} of a constant gives no finite number")
    return [Constant.of_fractions(values, x.shape)]


for known in of_functions().values():
    attributes = {name: real(default) for name, default in known.reals.items()}
    attributes |= {name: text(*words) for name, words in known.words.items()}
    operator(known.name, since(known.since, "X:T -> Y:T", **attributes))(described)


def exponents(joined: str) -> str:
    """The constant exponents that are read, for people: the whole numbers from 1 on, and the others."""
    last = 1
    while last + 1 in powers():
        last += 1
    others = [str(e) for e in sorted(powers(), reverse=True) if not (e.denominator == 1 and 1 <= e <= last)]
    return f"1 to {last}, {', '.join(others[:-1])} {joined} {others[-1]}"


@operator("Pow", since(7, "X:T Y:T -> Z:T"), since(12, "X:T Y:T1 -> Z:T", TYPES), fold=folded_power)
def raised(ctx: Context) -> list[Value]:
    if isinstance(ctx.value(0), Constant):
        ctx.constant(1, "the exponent")
        return folded_power(ctx)
    x, exponent = ctx.symbol(0), ctx.constant(1, "the exponent")
    found = set(exponent.fractions())
    if len(found) != 1 or ctx.common_shape(x.shape, exponent.shape) != x.shape:
        ctx.fail("powers with several exponents of what depends on the input, expected one")
    (e,) = found
    if e not in powers():
        ctx.fail(f"the exponent {float(e):g}, expected {exponents('or')}")
    node = x.node
    for function in powers()[e]:
        node = ctx.builder.pointwise(function, node, ctx.name)
    return [Symbol(node, x.shape)]
