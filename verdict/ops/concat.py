"""Concat and Split: tensors put one after another along an axis, and taken apart again."""

from itertools import accumulate
from operator import itemgetter

import numpy as np

from ..network.maps import Index, LinearMap
from .lowering import Constant, Context, Symbol, Value, operator
from .signature import ANY, integer, integers, since


@operator("Concat", since(4, "inputs:T* -> concat_result:T", {"T": ANY}, axis=integer(required=True)), moves=True)
def concat(ctx: Context) -> list[Value]:
    values = ctx.values()
    first = values[0].shape
    axis = ctx.axis(ctx.attribute("axis"), len(first))
    for value in values:
        if value.shape[:axis] + value.shape[axis + 1 :] != first[:axis] + first[axis + 1 :]:
            ctx.fail(f"shapes {first} and {value.shape} do not fit along axis {axis}")
    shape = (*first[:axis], sum(v.shape[axis] for v in values), *first[axis + 1 :])
    ctx.check_size(shape)
    constants = [v for v in values if isinstance(v, Constant) and v.exact is None]
    if len(constants) == len(values):
        return [Constant(np.concatenate([c.array for c in constants], axis=axis))]
    ends = list(accumulate(v.shape[axis] for v in values))
    places = np.split(np.arange(int(np.prod(shape))).reshape(shape), ends[:-1], axis=axis)
    terms: list[tuple[LinearMap, int]] = []
    for value, place in zip(values, places, strict=True):
        source = np.full(int(np.prod(shape)), -1)
        source[place.ravel()] = np.arange(place.size)
        terms.append((Index(source, place.size), ctx.lift(value).node))
    return [Symbol(ctx.builder.affine(terms, None, ctx.name), shape)]


@operator(
    "Split",
    since(2, "input:T -> outputs:T*", {"T": ANY}, axis=integer(0), split=integers()),
    since(13, "input:T split:int64? -> outputs:T*", {"T": ANY}, axis=integer(0)),
    since(18, "input:T split:int64? -> outputs:T*", {"T": ANY}, axis=integer(0), num_outputs=integer()),
    moves=True,
)
def split(ctx: Context) -> list[Value]:
    x = ctx.value(0)
    axis = ctx.axis(ctx.attribute("axis"), len(x.shape))
    size, sizes = x.shape[axis], ctx.integers_from("split", 1)
    if sizes is None:
        given, parts = ctx.attribute("num_outputs"), len(ctx.outputs)
        if given not in (None, parts):
            ctx.fail(f"num_outputs = {given}, and the node has {parts}")
        each = -(-size // max(parts, 1))
        sizes = [max(min(each, size - i * each), 0) for i in range(parts)]
    if sum(sizes) != size or min(sizes, default=0) < 0 or len(sizes) != len(ctx.outputs):
        ctx.fail(f"{len(ctx.outputs)} parts of sizes {sizes} of an axis of size {size}")
    starts = [end - n for n, end in zip(sizes, accumulate(sizes), strict=True)]
    parts_of_axis = [
        (*(slice(None),) * axis, slice(start, start + part)) for start, part in zip(starts, sizes, strict=True)
    ]
    return [ctx.move(x, itemgetter(part)) for part in parts_of_axis]
