"""Softmax inside a network: sigmoid(-log s_i), s_i the sum of exp(x_j - x_i) over the other entries j of the group.

The logarithm of the sum is taken pair by pair, from the first two on: log(exp(a) + exp(b)) = b + softplus(a - b).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...functions.sigmoid import SIGMOID
from ...functions.softplus import SOFTPLUS
from ...network import Linear
from .table import Node
from .tensors import Builder, Tensor, axis_of, small


def softmax_groups(node: Node, x: Tensor) -> Any:
    """The flat places of the entries that have a sum of 1 together, (groups, entries)."""
    given = (-1 if node.opset >= 13 else 1) if node["axis"] is None else node["axis"]
    axis = axis_of(given, len(x.shape))
    places = np.arange(math.prod(x.shape)).reshape(x.shape)
    if node.opset >= 13:
        return np.moveaxis(places, axis, -1).reshape(-1, x.shape[axis])
    return places.reshape(math.prod(x.shape[:axis]), -1)


def inner_softmax(builder: Builder, node: Node, x: Tensor) -> Tensor:
    places = softmax_groups(node, x)
    groups, count = places.shape
    small(groups * count * count)
    if count == 1:
        return builder.affine(x, [], np.ones(x.shape), x.shape, -1)
    builder.rounded = builder.rounded or "Softmax"
    entries = x.positions.ravel()[places]
    # For each entry a row of the others in its group, in order.
    others = np.array([np.delete(np.arange(count), i) for i in range(count)])
    own = np.broadcast_to(entries[:, :, None], (groups, count, count - 1))
    row = _less(builder, x.moved(entries[:, others].reshape(-1, count - 1)), own.reshape(-1, count - 1))
    while row.shape[1] > 1:
        pairs = row.shape[1] // 2
        grown = builder.pointwise(SOFTPLUS, _less(builder, row.moved(row.positions[:, 0 : 2 * pairs : 2]),
                                                  row.positions[:, 1 : 2 * pairs : 2]))
        # An odd one at the end stays as it is: -1 reads a zero.
        kept = np.concatenate([row.positions[:, 1 : 2 * pairs : 2], row.positions[:, 2 * pairs :]], axis=1)
        added = np.concatenate([grown.positions, np.full((len(kept), kept.shape[1] - pairs), -1)], axis=1)
        row = builder.total([row.moved(kept), grown.moved(added)], [1.0, 1.0])
    shares = builder.pointwise(SIGMOID, builder.total([row], [-1.0], -1))
    return shares.moved(shares.positions.ravel()[np.argsort(places.ravel())].reshape(x.shape))


def _less(builder: Builder, x: Tensor, positions: Any) -> Tensor:
    """x less other entries of its node."""
    pairs = np.stack([x.positions, positions], axis=-1).reshape(1, -1, 2)
    difference = Linear(pairs, np.array([[[1.0], [-1.0]]]), builder.sizes[x.node])
    return builder.affine(x, [(difference, x.node)], None, x.shape)
