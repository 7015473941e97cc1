"""Softmax inside a network: exp(x_i) / sum_j exp(x_j) = sigmoid(-log of the sum over j != i of exp(x_j - x_i)).

The logarithm of a sum of exponentials is made pair by pair, log(exp(a) + exp(b)) = b + softplus(a - b). So there are
differences of entries and two functions of slope at most 1: what all entries have in common cancels, nothing grows
beyond any bound, and of two entries the Softmax is a sigmoid. At the end of a network it is a head (`head.py`).
"""

import math

import numpy as np

from ..network.exact import Coefficients
from ..network.maps import Index
from .lowering import Context, Symbol, Value


def softmax(ctx: Context, x: Symbol, axis: int, count: int) -> Symbol:
    """The Softmax of each group of entries: along one axis, or, before operator set 13, over all axes from it on."""
    from ..network.functions.sigmoid import SIGMOID

    builder, flat = ctx.builder, np.arange(math.prod(x.shape)).reshape(x.shape)
    groups = (np.moveaxis(flat, axis, -1) if ctx.opset >= 13 else flat).reshape(-1, count)
    if count == 1:
        return Symbol(builder.constant(Coefficients(np.ones(flat.size)), ctx.name), x.shape)
    ctx.check_size((groups.size, count))
    # For each entry the others of its group: a row each.
    others = np.array([[j for j in range(count) if j != i] for i in range(count)], dtype=np.intp)
    places = groups[:, others].reshape(groups.size, count - 1)
    node = _difference(ctx, x.node, places.ravel(), np.repeat(groups.ravel(), count - 1))
    width = count - 1
    while width > 1:
        node, width = _in_pairs(ctx, node, groups.size, width)
    node = builder.affine([(Index(np.arange(groups.size), groups.size), node)], None, ctx.name)
    node = builder.subtract(builder.constant(Coefficients(np.zeros(groups.size))), node, ctx.name)
    back = np.argsort(groups.ravel())
    shares = builder.pointwise(SIGMOID, node, ctx.name)
    return Symbol(builder.affine([(Index(back, flat.size), shares)], None, ctx.name), x.shape)


def _difference(ctx: Context, node: int, left: np.ndarray, right: np.ndarray) -> int:
    """Entries `left` of a node less its entries `right`."""
    size = ctx.builder.size(node)
    parts = [ctx.builder.affine([(Index(places, size), node)], None, ctx.name) for places in (left, right)]
    return ctx.builder.subtract(parts[0], parts[1], ctx.name)


def _in_pairs(ctx: Context, node: int, rows: int, width: int) -> tuple[int, int]:
    """Each row of numbers with half as many, log(exp(a) + exp(b)) for pairs; one that is left over stays."""
    from ..network.functions.softplus import SOFTPLUS

    places = np.arange(rows * width).reshape(rows, width)
    first, second = places[:, : width - width % 2 : 2], places[:, 1::2]
    grown = ctx.builder.pointwise(SOFTPLUS, _difference(ctx, node, first.ravel(), second.ravel()), ctx.name)
    half = width // 2 + width % 2
    # What is left over has nothing added to it.
    kept = np.concatenate([second, places[:, width - width % 2 :]], axis=1)
    added = np.full((rows, half), -1)
    added[:, : width // 2] = np.arange(rows * (width // 2)).reshape(rows, -1)
    terms = [(Index(kept.ravel(), rows * width), node), (Index(added.ravel(), rows * (width // 2)), grown)]
    return ctx.builder.affine(terms, None, ctx.name), half


def covered(ctx: Context, shape: tuple[int, ...]) -> tuple[int, int]:
    """The axis of a Softmax, and how many entries each of its groups has."""
    if ctx.opset >= 13:
        axis = ctx.axis(ctx.attribute("axis"), len(shape))
        return axis, shape[axis]
    # Before operator set 13 all axes from this one on count as one.
    axis = int(ctx.attribute("axis"))
    axis = axis if axis == len(shape) else ctx.axis(axis, len(shape))
    return axis, math.prod(shape[axis:])


def is_whole(ctx: Context, x: Value) -> bool:
    """Whether the Softmax is one of all entries, so that it can be a head."""
    return covered(ctx, x.shape)[1] == math.prod(x.shape)
