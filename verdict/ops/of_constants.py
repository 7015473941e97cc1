"""Functions that are supported on constants alone: rounding, remainders, running sums, powers, and irrational ones."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from ..base.errors import UnsupportedError
from ..network.functions.nearest import nearest
from ..network.functions.root import SQRT
from .folding import by_reference, constant_of, elementwise, objects, remainder
from .lowering import Context, Value, on_constants
from .signature import INDEX, NUMBERS, REAL, Types, flag, since

UNARY = "X:T -> Y:T"
COUNTED = REAL | {"int32", "int64", "uint32", "uint64"}
# A power of integers beyond this exponent is 0, 1, -1 or outside every type.
MAX_EXPONENT = 64

on_constants("Sign", since(9, UNARY, {"T": NUMBERS}), fold=elementwise(lambda x: (x > 0) - (x < 0)))


def _modulo(ctx: Context) -> list[Value]:
    """The sign is the divisor's, or with `fmod` the dividend's."""
    if ctx.attribute("fmod"):
        return elementwise(remainder)(ctx)
    if ctx.kind() in REAL:
        ctx.fail("fmod = 0 on floats, expected 1")
    return elementwise(lambda a, b: a % b)(ctx)


on_constants("Mod", since(10, "A:T B:T -> C:T", {"T": NUMBERS}, fmod=flag()), fold=_modulo)


def power(ctx: Context) -> list[Value]:
    if ctx.kind() in REAL:
        return _real_power(ctx)

    def whole(base: Any, exponent: Any) -> Any:
        if exponent < 0 or (exponent > MAX_EXPONENT and abs(base) > 1):
            ctx.fail(f"{base} to the power of {exponent} in {ctx.kind()}")
        if exponent.denominator != 1:
            ctx.fail(f"an integer to the power of {exponent}")
        return base ** int(exponent)

    return elementwise(whole)(ctx)


def _real_power(ctx: Context) -> list[Value]:
    """Exactly, of whole exponents and roots; else as ONNX's reference implementation rounds it."""
    exponents = {Fraction(e) for e in ctx.constant(1, "the exponent").fractions()}
    if not all((e.denominator == 1 and abs(e) <= MAX_EXPONENT) or e == Fraction(1, 2) for e in exponents):
        return by_reference(ctx)

    def raised(base: Any, exponent: Any) -> Any:
        return nearest(SQRT, base) if Fraction(exponent).denominator > 1 else base ** int(exponent)

    try:
        return elementwise(raised)(ctx)
    except UnsupportedError:
        ctx.fail("the root of a negative constant")


POWERS: Types = {"T": REAL | INDEX, "T1": NUMBERS}


def _running_sum(ctx: Context) -> list[Value]:
    x, at = ctx.constant(0, "the data"), ctx.constant(1, "the axis").array
    if at.size != 1:
        ctx.fail(f"an axis of shape {at.shape}")
    axis = ctx.axis(int(at.reshape(())), len(x.shape))
    flip: Callable[[Any], Any] = (lambda a: np.flip(a, axis)) if ctx.attribute("reverse") else (lambda a: a)
    entries = flip(objects(ctx, x))
    total = np.cumsum(entries, axis=axis, dtype=object)
    if ctx.attribute("exclusive"):
        total = total - entries
    return [constant_of(ctx, flip(total), ctx.result_kind)]


on_constants(
    "CumSum",
    since(11, "x:T axis:T2 -> y:T", {"T": COUNTED, "T2": INDEX}, exclusive=flag(), reverse=flag()),
    fold=_running_sum,
)
