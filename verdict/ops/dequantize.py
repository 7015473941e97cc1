"""DequantizeLinear of constants: eight-bit weights as the exact rationals (x - zero point) * scale.

One scale serves the whole tensor, or one each index along an axis. A block of indices that share a scale is refused.
"""

import math

import onnx

from .folding import constant_of, objects
from .lowering import Constant, Context, Value, on_constants
from .signature import REAL, Types, integer, since

QUANTISED = frozenset({"int8", "uint8", "int32"})
FORM = "x:Q x_scale:S x_zero_point:Q? -> y:S"
TYPES: Types = {"Q": QUANTISED, "S": REAL & {"float32"}}


def _dequantize(ctx: Context) -> list[Value]:
    x, scale = ctx.constant(0, "the quantised tensor"), ctx.constant(1, "the scale")
    zero = ctx.constant(2, "the zero point") if ctx.has(2) else None
    if zero is not None and zero.shape != scale.shape:
        ctx.fail(f"a zero point of shape {zero.shape} and a scale of shape {scale.shape}")
    entries = objects(ctx, x) - objects(ctx, _along(ctx, zero, x), x.shape) if zero is not None else objects(ctx, x)
    if any(not -(2**31) <= v < 2**31 for v in entries.ravel()):
        # ONNX Runtime subtracts in INT32, where this would wrap around.
        ctx.fail("a difference to the zero point that is outside the range of int32")
    return [constant_of(ctx, entries * objects(ctx, _along(ctx, scale, x), x.shape), ctx.kind("S"))]


def _along(ctx: Context, value: Constant, x: Constant) -> Constant:
    """One number for all of `x`, or one for each index along the axis, ready to be broadcast."""
    axis = ctx.attribute("axis")
    if math.prod(value.shape) == 1 and len(value.shape) <= 1:
        return value.map(lambda a: a.reshape(()))
    if axis is None or len(value.shape) != 1:
        ctx.fail(f"a scale or zero point of shape {value.shape}, expected one number or one for each index of an axis")
    axis = ctx.axis(axis, len(x.shape))
    if value.shape[0] != x.shape[axis]:
        ctx.fail(f"{value.shape[0]} scales or zero points for an axis of size {x.shape[axis]}")
    return value.map(lambda a: a.reshape([-1 if a_ == axis else 1 for a_ in range(len(x.shape))]))


AXIS, BLOCK = {"axis": integer(1)}, {"block_size": integer(0, among=(0,))}
# 0 is the type of the scale.
KIND = {"output_dtype": integer(0, among=(0, onnx.TensorProto.FLOAT))}

on_constants(
    "DequantizeLinear",
    since(10, FORM, TYPES),
    since(13, FORM, TYPES, **AXIS),
    since(21, FORM, TYPES, **AXIS, **BLOCK),
    since(23, FORM.replace("y:S", "y:O"), {**TYPES, "O": TYPES["S"]}, **AXIS, **BLOCK, **KIND),
    fold=_dequantize,
)
