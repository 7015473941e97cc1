"""LayerNormalization, InstanceNormalization and GroupNormalization, written out: d / sqrt(mean of d^2 + epsilon) with
d = x - mean of x, each over the entries of one group, times a scale, plus a bias."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...errors import UnreadableError
from ...functions.positive import RECIPROCAL, SQRT
from ...functions.square import SQUARE
from .reductions import mean_over
from .table import Attribute, Node, Operator
from .tensors import Builder, Tensor, axis_of, spread

_FLOATS = ((7, "fd"),)


def _normal(builder: Builder, node: Node, x: Tensor, over: list[int]) -> Tensor:
    if not node["epsilon"] > 0:
        raise UnreadableError(f"epsilon {node['epsilon']:g}")
    # Nobody says in which way the variance is computed.
    builder.rounded = builder.rounded or node.operator
    less = builder.total([x, mean_over(builder, x, over, True)], [1.0, -1.0])
    spreads = mean_over(builder, builder.pointwise(SQUARE, less), over, True)
    root = builder.pointwise(SQRT, builder.plus(spreads, np.full(spreads.shape, node["epsilon"])))
    factor = builder.pointwise(RECIPROCAL, root)
    return builder.product(less, factor.moved(np.broadcast_to(factor.positions, x.shape)))


def _layer(builder: Builder, node: Node, x: Tensor, scale: Any, bias: Any = None) -> Tensor:
    first = axis_of(node["axis"], len(x.shape))
    found = _normal(builder, node, x, list(range(first, len(x.shape))))
    found = builder.times(found, spread(scale, x.shape[first:], "the scale"))
    return found if bias is None else builder.plus(found, spread(bias, x.shape[first:], "the bias"))


def _channels(builder: Builder, node: Node, x: Tensor, scale: Any, bias: Any) -> Tensor:
    """Groups of channels, or each of its own, with all axes behind."""
    count = node["num_groups"] if node.operator == "GroupNormalization" else x.shape[1]
    if len(x.shape) < 3 or count < 1 or x.shape[1] % count or not scale.shape == bias.shape == x.shape[1:2]:
        raise UnreadableError(f"{count} groups, scales of shape {scale.shape} for the shape {x.shape}")
    parts = x.moved(x.positions.reshape(x.shape[0], count, math.prod(x.shape[1:]) // count))
    found = _normal(builder, node, parts, [2])
    shape = -1, *(1,) * (len(x.shape) - 2)
    found = builder.times(found.moved(found.positions.reshape(x.shape)), scale.reshape(shape))
    return builder.plus(found, bias.reshape(shape))


_EPSILON = Attribute("FLOAT", float(np.float32(1e-5)))
_STASH = Attribute("INT", 1, (1,))
# Mean and inverse deviation of a LayerNormalization are outputs that nothing may read.
OPERATORS = {
    "LayerNormalization": Operator(_layer, (17,), ((7, "x c c?"),), _FLOATS, {
        "axis": Attribute("INT", -1), "epsilon": _EPSILON, "stash_type": _STASH}, outputs=3),
    "InstanceNormalization": Operator(_channels, (6, 22), ((7, "x c c"),), _FLOATS, {"epsilon": _EPSILON}),
    "GroupNormalization": Operator(_channels, (21,), ((7, "x c c"),), _FLOATS, {
        "epsilon": _EPSILON, "num_groups": Attribute("INT", required=True), "stash_type": _STASH}),
}
