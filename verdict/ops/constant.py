"""Constants and what is known of shapes: Constant, ConstantOfShape, Range, Shape, Size."""

import math

import numpy as np

from .lowering import Constant, Context, Value, operator
from .signature import ANY, TEXT, integer, integers, real, reals, since, tensor

# What Range counts in.
STEPS = frozenset({"int16", "int32", "int64"})
FIELDS = {
    "value_float": np.float32,
    "value_floats": np.float32,
    "value_int": np.int64,
    "value_ints": np.int64,
}


@operator(
    "Constant",
    since(1, "-> output:T", value=tensor(required=True)),
    since(9, "-> output:T", {"T": ANY | TEXT}, value=tensor(required=True)),
    since(11, "-> output:T", {"T": ANY | TEXT}, value=tensor()),
    since(
        12,
        "-> output:T",
        {"T": ANY | TEXT},
        value=tensor(),
        value_float=real(),
        value_floats=reals(),
        value_int=integer(),
        value_ints=integers(),
    ),
    moves=True,
)
def constant(ctx: Context) -> list[Value]:
    found = [(name, value) for name, value in ctx.reading.attributes.items() if value is not None]
    if len(found) != 1:
        ctx.fail(f"the values {[name for name, _ in found]}, expected one of value, {', '.join(FIELDS)}")
    ((name, value),) = found
    return [Constant(value if name == "value" else np.array(value, dtype=FIELDS[name]))]


@operator("ConstantOfShape", since(9, "input:int64 -> output:T", {"T": ANY - {"bfloat16"}}, value=tensor()), moves=True)
def constant_of_shape(ctx: Context) -> list[Value]:
    shape = tuple(ctx.integers(0, "the shape"))
    if min(shape, default=0) < 0:
        ctx.fail(f"shape {shape}")
    ctx.check_size(shape)
    given = ctx.attribute("value")
    value = np.zeros(1, dtype=np.float32) if given is None else given
    if value.size != 1:
        ctx.fail(f"a value of shape {value.shape}, expected a single number")
    return [Constant(np.full(shape, value.reshape(()), dtype=value.dtype))]


@operator(
    "Range",
    since(11, "start:T limit:T delta:T -> output:T", {"T": STEPS}),
    # `stash_type` is about half precision alone, which is not read.
    since(27, "start:T limit:T delta:T -> output:T", {"T": STEPS}, stash_type=integer(1)),
    moves=True,
)
def range_operator(ctx: Context) -> list[Value]:
    ends = [ctx.constant(i, "start, limit and step") for i in range(3)]
    if any(e.array.size != 1 for e in ends):
        ctx.fail("start, limit and step that are not single integers")
    start, limit, step = (int(e.array.reshape(())) for e in ends)
    if not step:
        ctx.fail("a step of 0")
    numbers = range(start, limit, step)
    ctx.check_size((len(numbers),))
    return [Constant(np.array(numbers, dtype=ends[0].array.dtype))]


@operator(
    "Shape",
    since(1, "data:T -> shape:int64", {"T": ANY}),
    since(15, "data:T -> shape:int64", {"T": ANY}, start=integer(0), end=integer()),
    moves=True,
)
def shape_operator(ctx: Context) -> list[Value]:
    start, end = ctx.attribute("start"), ctx.attribute("end")
    return [Constant(np.array(ctx.value(0).shape[start:end], dtype=np.int64))]


@operator("Size", since(1, "data:T -> size:int64", {"T": ANY}), moves=True)
def size_operator(ctx: Context) -> list[Value]:
    return [Constant(np.array(math.prod(ctx.value(0).shape), dtype=np.int64))]
