"""Sums, means, maxima and minima over whole axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...errors import UnreadableError
from ...network import Linear
from .maxima import maximum_along
from .relus import magnitude
from .table import Attribute, Node, Operator
from .tensors import Builder, Tensor, axes_of, reduced
from .windows import average

_FLOATS = ((7, "fd"),)


def reduced_axes(node: Node, rank: int, axes: Any, since: int) -> list[int]:
    """The axes that are named in an attribute, or from an operator set on in an input; all, where none are."""
    if axes is not None and axes.ndim != 1:
        raise UnreadableError(f"axes of shape {axes.shape}")
    given = node["axes"] if axes is None else axes.tolist()
    if node.opset < since and given == []:
        raise UnreadableError("an empty list of axes")
    if not given and node["noop_with_empty_axes"]:
        return []
    return axes_of(given or range(rank), rank)


def _groups(x: Tensor, over: list[int]) -> Any:
    """The positions of the entries that go into each entry of the result: (entries, members)."""
    kept = [a for a in range(len(x.shape)) if a not in over]
    return x.positions.transpose(kept + sorted(over)).reshape(math.prod(x.shape[a] for a in kept), -1)


def mean_over(builder: Builder, x: Tensor, over: list[int], keep: bool) -> Tensor:
    """The means over some axes."""
    groups = _groups(x, over)
    return average(builder, x, groups, np.full(len(groups), groups.shape[1]), reduced(x.shape, over, keep))


def _mean(builder: Builder, node: Node, x: Tensor, axes: Any = None) -> Tensor:
    over = reduced_axes(node, len(x.shape), axes, 18)
    return mean_over(builder, x, over, bool(node["keepdims"])) if over or not x.shape else x


def _sum(builder: Builder, node: Node, x: Tensor, axes: Any = None, since: int = 13) -> Tensor:
    over = reduced_axes(node, len(x.shape), axes, since)
    groups = _groups(x, over)
    linear = Linear(groups[None], np.ones((1, groups.shape[1], 1)), builder.sizes[x.node])
    return builder.affine(x, [(linear, x.node)], None, reduced(x.shape, over, bool(node["keepdims"])))


def _sum_of_magnitudes(builder: Builder, node: Node, x: Tensor, axes: Any = None) -> Tensor:
    return _sum(builder, node, magnitude(builder, x), axes, 18)


def _largest(builder: Builder, x: Tensor, over: list[int], shape: tuple[int, ...]) -> Tensor:
    """One axis after the other, in the order in which they are named."""
    for axis in over:
        x = maximum_along(builder, x, axis, np.arange(x.shape[axis])[None])
    return x.moved(x.positions.reshape(shape))


def _extremum(builder: Builder, node: Node, x: Tensor, axes: Any = None) -> Tensor:
    over = reduced_axes(node, len(x.shape), axes, 18)
    shape = reduced(x.shape, over, bool(node["keepdims"]))
    if node.operator == "ReduceMax":
        return _largest(builder, x, over, shape)
    # min(x) = -max(-x); nothing is rounded.
    turned = builder.total([x], [-1.0], -1)
    return builder.total([_largest(builder, turned, over, shape)], [-1.0], -1)


def _global(builder: Builder, node: Node, x: Tensor) -> Tensor:
    if len(x.shape) < 3 or x.shape[0] != 1:
        raise UnreadableError(f"the shape {x.shape}, expected (1, channels, ...)")
    over = list(range(2, len(x.shape)))
    if node.operator == "GlobalMaxPool":
        return _largest(builder, x, over, reduced(x.shape, over, True))
    return mean_over(builder, x, over, True)


def _table(lower: Any, versions: tuple[int, ...], moved: int = 18) -> Operator:
    """From the version `moved` on the axes are an input."""
    attributes = {"keepdims": Attribute("INT", 1, (0, 1)), "axes": Attribute("INTS", until=moved),
                  "noop_with_empty_axes": Attribute("INT", 0, (0, 1), since=moved)}
    return Operator(lower, versions, ((7, "x"), (moved, "x n?")), _FLOATS, attributes)


OPERATORS = {
    "ReduceSum": _table(_sum, (1, 11, 13), 13),
    "ReduceMean": _table(_mean, (1, 11, 13, 18)),
    "ReduceL1": _table(_sum_of_magnitudes, (1, 11, 13, 18)),
    "ReduceMax": _table(_extremum, (1, 11, 12, 13, 18, 20)),
    "ReduceMin": _table(_extremum, (1, 11, 12, 13, 18, 20)),
    "GlobalAveragePool": Operator(_global, (1, 22), ((7, "x"),), ((7, "f"),)),
    "GlobalMaxPool": Operator(_global, (1, 22), ((7, "x"),), _FLOATS),
}
