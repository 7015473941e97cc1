"""MaxPool, GlobalMaxPool, ReduceMax and ReduceMin: trees of pairwise maxima.

A window over several axes is maximised one axis at a time, and windows that overlap share their pairs: both
mean fewer ReLUs. Only real entries compete; padding counts as minus infinity and so is left out.
"""

import math

import numpy as np
import numpy.typing as npt

from ..network.maps import Index
from .arithmetic import scale
from .axes import WIDE, axes_versions, reduced_axes, reduced_shape
from .folding import reduction
from .lowering import Context, Shape, Symbol, Value, operator
from .signature import flag, integers, since
from .windows import WINDOW, windows

Positions = npt.NDArray[np.intp]

# `storage_order` is about the indices alone, which are not computed.
FORM = "X:T -> Y:T Indices:int64?"
POOL = WINDOW | {"kernel_shape": integers(required=True), "storage_order": flag()}


def maximum_of_groups(ctx: Context, node: int, groups: Positions, members: Positions) -> int:
    """The node with, for each group, the maximum of its members.

    `groups` (sorted, each of 0, 1, ... at least once) and `members` (positions in `node`) belong together.
    """
    builder = ctx.builder
    count = int(groups[-1]) + 1 if len(groups) else 0
    while len(groups) > count:
        starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
        sizes = np.diff(np.r_[starts, len(groups)])
        rank = np.arange(len(groups)) - np.repeat(starts, sizes)
        size = np.repeat(sizes, sizes)
        first = np.flatnonzero((rank % 2 == 0) & (rank + 1 < size))
        single = np.flatnonzero((rank % 2 == 0) & (rank + 1 == size))
        width = builder.size(node)
        pairs, place = np.unique(members[first] * width + members[first + 1], return_inverse=True)
        alone, kept = np.unique(members[single], return_inverse=True)
        left = builder.affine([(Index(pairs // width, width), node)], None, ctx.name)
        right = builder.affine([(Index(pairs % width, width), node)], None, ctx.name)
        best = builder.maximum(left, right, ctx.name)
        if len(alone):
            over = Index(np.r_[np.arange(len(pairs)), np.full(len(alone), -1)], len(pairs))
            rest = Index(np.r_[np.full(len(pairs), -1), alone], width)
            best = builder.affine([(over, best), (rest, node)], None, ctx.name)
        order = np.argsort(np.r_[groups[first], groups[single]], kind="stable")
        groups = np.r_[groups[first], groups[single]][order]
        members = np.r_[place, len(pairs) + kept][order]
        node = best
    return builder.affine([(Index(members, builder.size(node)), node)], None, ctx.name)


def maximum_along(ctx: Context, x: Symbol, axis: int, positions: Positions) -> Symbol:
    """The maximum over windows on one axis; `positions` (windows, kernel) may lie outside the axis."""
    size, count = x.shape[axis], len(positions)
    if count == size and positions.shape[1] == 1 and (positions[:, 0] == np.arange(size)).all():
        return x
    inside = (positions >= 0) & (positions < size)
    if not inside.any(axis=1).all():
        ctx.fail("a window that lies in the padding alone")
    window, _ = np.nonzero(inside)
    place = positions[inside]
    lead, trail = math.prod(x.shape[:axis]), math.prod(x.shape[axis + 1 :])
    outer, inner = np.arange(lead)[:, None, None], np.arange(trail)
    groups = ((outer * count + window[:, None]) * trail + inner).ravel()
    members = ((outer * size + place[:, None]) * trail + inner).ravel()
    order = np.argsort(groups, kind="stable")
    node = maximum_of_groups(ctx, x.node, groups[order], members[order])
    return Symbol(node, (*x.shape[:axis], count, *x.shape[axis + 1 :]))


def maximum_over(ctx: Context, x: Symbol, axes: list[int], shape: Shape) -> Symbol:
    """The maximum over whole axes, read with `shape`."""
    for axis in axes:
        x = maximum_along(ctx, x, axis, np.arange(x.shape[axis])[None])
    return Symbol(x.node, shape)


@operator(
    "MaxPool",
    since(1, "X:T -> Y:T", **WINDOW, kernel_shape=integers(required=True)),
    since(8, FORM, **POOL),
    since(10, FORM, **POOL, ceil_mode=flag(), dilations=integers()),
)
def max_pool(ctx: Context) -> list[Value]:
    x = ctx.symbol(0)
    if len(x.shape) < 3:
        ctx.fail(f"an input of shape {x.shape} has no spatial axes")
    seen = windows(ctx, x.shape[2:], tuple(ctx.attribute("kernel_shape")))
    for axis in reversed(range(len(seen.spatial))):
        x = maximum_along(ctx, x, axis + 2, seen.positions(axis))
    return [x]


@operator("GlobalMaxPool", since(1, "X:T -> Y:T"))
def global_max_pool(ctx: Context) -> list[Value]:
    x = ctx.symbol(0)
    axes = list(range(2, len(x.shape)))
    return [maximum_over(ctx, x, axes, reduced_shape(x.shape, axes, keep=True))]


def _folded(ctx: Context) -> list[Value]:
    return reduction(max if ctx.op_type == "ReduceMax" else min)(ctx)


@operator("ReduceMax ReduceMin", *axes_versions(18, WIDE), fold=_folded)
def reduce_max(ctx: Context) -> list[Value]:
    x = ctx.symbol(0)
    axes = reduced_axes(ctx, len(x.shape))
    shape = reduced_shape(x.shape, axes, bool(ctx.attribute("keepdims")))
    if ctx.op_type == "ReduceMax":
        return [maximum_over(ctx, x, axes, shape)]
    # min(x) = -max(-x)
    negated = ctx.lift(scale(ctx, x, -1.0))
    return [scale(ctx, maximum_over(ctx, negated, axes, shape), -1.0)]
