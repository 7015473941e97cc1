"""Constants and what is known of shapes: Constant, ConstantOfShape, Range, Shape, Size."""

import math

import numpy as np

from .lowering import Constant, Context, Value, operator

FIELDS = {
    "value_float": np.float32,
    "value_floats": np.float32,
    "value_int": np.int64,
    "value_ints": np.int64,
}


@operator("Constant", moves=True)
def constant(ctx: Context) -> list[Value]:
    if "value" in ctx.attributes:
        return [Constant(np.asarray(ctx.attributes["value"]))]
    found = [name for name in FIELDS if name in ctx.attributes]
    if not found:
        ctx.fail(f"attributes {sorted(ctx.attributes)} (only value, {', '.join(FIELDS)})")
    return [Constant(np.array(ctx.attributes[found[0]], dtype=FIELDS[found[0]]))]


@operator("ConstantOfShape", moves=True)
def constant_of_shape(ctx: Context) -> list[Value]:
    shape = tuple(ctx.integers(0, "the shape"))
    if min(shape, default=0) < 0:
        ctx.fail(f"shape {shape}")
    ctx.check_size(shape)
    value = np.asarray(ctx.attribute("value", np.zeros(1, dtype=np.float32)))
    if value.size != 1:
        ctx.fail(f"a value of shape {value.shape}, expected a single number")
    return [Constant(np.full(shape, value.reshape(()), dtype=value.dtype))]


@operator("Range", moves=True)
def range_operator(ctx: Context) -> list[Value]:
    ends = [ctx.constant(i, "start, limit and step") for i in range(3)]
    if any(e.array.dtype.kind != "i" or e.array.size != 1 for e in ends):
        ctx.fail("start, limit and step that are not single integers")
    start, limit, step = (int(e.array.reshape(())) for e in ends)
    if not step:
        ctx.fail("a step of 0")
    numbers = range(start, limit, step)
    ctx.check_size((len(numbers),))
    return [Constant(np.array(numbers, dtype=ends[0].array.dtype))]


@operator("Shape", moves=True)
def shape_operator(ctx: Context) -> list[Value]:
    start, end = int(ctx.attribute("start", 0)), ctx.attribute("end")
    return [Constant(np.array(ctx.value(0).shape[start:end], dtype=np.int64))]


@operator("Size", moves=True)
def size_operator(ctx: Context) -> list[Value]:
    return [Constant(np.array(math.prod(ctx.value(0).shape), dtype=np.int64))]
