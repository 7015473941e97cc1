"""MaxPool: one spatial axis after the other, the last first, as a tournament of max(a, b) = b + relu(a - b)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...errors import UnreadableError
from .table import Attribute, Node, Operator
from .tensors import Builder, Tensor
from .windows import SIZE, WINDOWS, geometry, places


def _max_pool(builder: Builder, node: Node, x: Tensor) -> Tensor:
    axes = geometry(node, x, node["kernel_shape"])
    for axis, part in reversed([*enumerate(axes)]):
        others = math.prod(x.shape) // x.shape[axis + 2]
        x = maximum_along(builder, x, axis + 2, places([part], others)[0])
    return x


def maximum_along(builder: Builder, x: Tensor, axis: int, windows: Any) -> Tensor:
    """Maxima over windows (count, members) of one axis; members outside the axis do not compete."""
    size = x.shape[axis]
    if windows.shape[1] == 1 and np.array_equal(windows[:, 0], np.arange(size)):
        return x
    node = builder.flat(x)
    inside = (windows >= 0) & (windows < size)
    if not inside.any(axis=1).all():
        raise UnreadableError("a window that lies in the padding alone")
    places = np.moveaxis(np.arange(math.prod(x.shape)).reshape(x.shape), axis, -1)
    shape = (*places.shape[:-1], len(windows))
    # One list of members for each entry of the result, row-major with `axis` in its own place.
    lists = [[places[where][windows[w][inside[w]]] for w in range(len(windows))] for where in np.ndindex(shape[:-1])]
    order = np.moveaxis(np.arange(math.prod(shape)).reshape(shape), -1, axis).ravel()
    flat = [members for row in lists for members in row]
    node, members = _tournament(builder, x, node, [flat[i].tolist() for i in order])
    result = (*x.shape[:axis], len(windows), *x.shape[axis + 1 :])
    return Tensor(node, np.array(members).reshape(result), x.type)


def _tournament(builder: Builder, like: Tensor, node: int, groups: list[list[int]]) -> tuple[int, list[int]]:
    """Pairwise maxima until every group has one member: equal pairs are computed once.

    Each round's neurons are numbered by their pairs (first, second) in ascending order.
    """
    while max(map(len, groups)) > 1:
        pairs = sorted({(g[i], g[i + 1]) for g in groups for i in range(0, len(g) - 1, 2)})
        alone = sorted({g[-1] for g in groups if len(g) % 2})
        first, second = (Tensor(node, np.array(side), like.type) for side in zip(*pairs, strict=True))
        won = builder.relu(builder.total([first, second], [1.0, -1.0], -1))
        padded = [np.r_[second.positions, alone], np.r_[won.positions, np.full(len(alone), -1)]]
        terms = [(builder.scaled(Tensor(n, p.astype(np.intp), like.type), np.ones(len(p))), n)
                 for n, p in zip((node, won.node), padded, strict=True)]
        node = builder.affine(like, terms, None, (len(padded[0]),), -1).node
        place = {pair: k for k, pair in enumerate(pairs)}
        rest = {member: len(pairs) + k for k, member in enumerate(alone)}
        groups = [[place[g[i], g[i + 1]] if i + 1 < len(g) else rest[g[i]] for i in range(0, len(g), 2)]
                  for g in groups]
    return node, [g[0] for g in groups]


OPERATORS = {
    # The indices are an output that nothing may read.
    "MaxPool": Operator(_max_pool, (1, 8, 10, 11, 12, 22), ((7, "x"),), ((7, "f"), (8, "fd")),
                        {**WINDOWS, **SIZE, "dilations": Attribute("INTS", since=10),
                         "storage_order": Attribute("INT", 0, (0,), since=8)}, outputs=2),
}
