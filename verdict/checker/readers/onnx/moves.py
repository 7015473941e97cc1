"""Operators that only move entries: the same NumPy function on positions and on constants."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import UnreadableError
from .table import Attribute, Node, Operator
from .tensors import Builder, Tensor, axes_of, axis_of, small

FREELY = (1, 13, 14, 16, 19, 21, 23, 24, 25)
_ANY, _CONCAT = ((7, "fdilbsquhg"),), (1, 4, 11, 13)


def move(function: Callable[..., Any]) -> Callable[..., Any]:
    """The reader of an operator: `function(node, array, *others)` is plain NumPy, and gives an array or several."""

    def lower(builder: Builder, node: Node, x: Any, *others: Any) -> Any:
        if not isinstance(x, Tensor):
            return function(node, x, *others)
        moved = function(node, x.positions, *others)
        return [x.moved(m) for m in moved] if isinstance(moved, list) else x.moved(moved)

    return lower


def _identity(node: Node, x: Any) -> Any:
    return x


def _dropout(node: Node, x: Any, ratio: Any = None, training: Any = None) -> Any:
    if training is not None and (training.size != 1 or training.any()):
        raise UnreadableError("training mode")
    # ONNX Runtime looks at the ratio even where nothing is dropped.
    if ratio is not None and not (ratio.size == 1 and 0 <= ratio.item() < 1):
        raise UnreadableError("a ratio that is no number in [0, 1)")
    return x


def _reshape(node: Node, x: Any, shape: Any) -> Any:
    wanted = [int(v) for v in listed(shape)]
    if not node["allowzero"]:
        if any(v == 0 and k >= x.ndim for k, v in enumerate(wanted)):
            raise UnreadableError(f"shape {wanted} takes over an axis that {x.shape} does not have")
        wanted = [x.shape[k] if v == 0 else v for k, v in enumerate(wanted)]
    known = math.prod(v for v in wanted if v >= 0)
    if min(wanted, default=0) < -1 or wanted.count(-1) > 1 or (-1 in wanted and (known == 0 or x.size % known)):
        raise UnreadableError(f"shape {wanted} does not fit {x.shape}")
    if -1 not in wanted and known != x.size:
        raise UnreadableError(f"shape {wanted} does not fit {x.shape}")
    return x.reshape(wanted)


def _flatten(node: Node, x: Any) -> Any:
    axis = axis_of(node["axis"], x.ndim, beyond=1)
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


def _squeeze(node: Node, x: Any, axes: Any = None) -> Any:
    axes = node["axes"] if axes is None else listed(axes)
    if axes is None:
        return np.squeeze(x)
    found = axes_of(axes, x.ndim)
    if not found or any(x.shape[a] != 1 for a in found):
        raise UnreadableError(f"axes {list(axes)} are not axes of length 1 of {x.shape}")
    return np.squeeze(x, tuple(found))


def _unsqueeze(node: Node, x: Any, axes: Any = None) -> Any:
    axes = node["axes"] if axes is None else listed(axes)
    return np.expand_dims(x, tuple(axes_of(axes, x.ndim + len(axes))))


def _transpose(node: Node, x: Any) -> Any:
    order = node["perm"]
    if order is not None and sorted(order) != list(range(x.ndim)):
        raise UnreadableError(f"{order} is no order of {x.ndim} axes")
    return np.transpose(x, order)


def _gather(node: Node, x: Any, indices: Any) -> Any:
    axis = axis_of(node["axis"], x.ndim)
    size = x.shape[axis]
    if ((indices < -size) | (indices >= size)).any():
        raise UnreadableError(f"indices outside an axis of length {size}")
    small(x.size // size * indices.size)
    return np.take(x, indices.astype(np.int64), axis=axis)


def _gather_nd(node: Node, x: Any, indices: Any) -> Any:
    """Each row of indices is a place in the first axes."""
    depth = indices.shape[-1] if indices.ndim else 0
    if not 0 < depth <= x.ndim or any(not -n <= k < n for row in indices.reshape(-1, depth).tolist()
                                      for k, n in zip(row, x.shape, strict=False)):
        raise UnreadableError(f"indices of shape {indices.shape} outside the shape {x.shape}")
    small(indices.size // depth * math.prod(x.shape[depth:]))
    return x[tuple(indices[..., axis] for axis in range(depth))]


def _slice(node: Node, x: Any, starts: Any = None, ends: Any = None, axes: Any = None, steps: Any = None) -> Any:
    begin, end = (node[n] if given is None else listed(given) for n, given in (("starts", starts), ("ends", ends)))
    which = node["axes"] if axes is None else listed(axes)
    which = range(len(begin)) if which is None else which
    by = [1] * len(begin) if steps is None else listed(steps)
    if len({len(part) for part in (begin, end, which, by)}) > 1 or 0 in by:
        raise UnreadableError("starts, ends, axes and steps of different lengths, or a step of 0")
    found = axes_of(which, x.ndim)
    for a, b, axis, step in zip(begin, end, found, by, strict=True):
        size = x.shape[axis]
        # Limits count from the end where they are negative, and then stop at the ends of the axis.
        start, stop = (v + size if v < 0 else v for v in (a, b))
        low, high = (0, size) if step > 0 else (-1, size - 1)
        start, stop = min(max(start, max(low, 0)), high), min(max(stop, low), high)
        x = np.take(x, np.arange(start, stop, step, dtype=np.int64), axis=axis)
    return x


def _split(node: Node, x: Any, sizes: Any = None) -> Any:
    axis = axis_of(node["axis"], x.ndim)
    length, count = x.shape[axis], node.outputs
    given = node["split"] if sizes is None else listed(sizes)
    if node["num_outputs"] is not None and (given is not None or node["num_outputs"] != count):
        raise UnreadableError(f"num_outputs {node['num_outputs']} beside sizes or {count} outputs")
    if given is None:
        if length % count and node.opset < 18:
            raise UnreadableError(f"{count} equal parts of {length}")
        # The last one is smaller where the parts cannot be equal.
        part = -(-length // count)
        given = [*[part] * (count - 1), length - part * (count - 1)]
    if len(given) != count or sum(given) != length or min(given) < 1:
        raise UnreadableError(f"{length} entries in parts of {list(given)}, {count} outputs")
    return list(np.split(x, np.cumsum(given)[:-1], axis))


def _concat(builder: Builder, node: Node, *values: Any) -> Any:
    rank = len(values[0].shape)
    axis = axis_of(node["axis"], rank)
    others = {tuple(n for k, n in enumerate(v.shape) if k != axis) for v in values}
    if any(len(v.shape) != rank for v in values) or len(others) > 1:
        raise UnreadableError("shapes that do not fit")
    small(sum(math.prod(v.shape) for v in values))
    return builder.concatenated(list(values), axis)


def listed(values: Any) -> list[int]:
    """A constant list of whole numbers."""
    if values.ndim != 1:
        raise UnreadableError(f"a list of numbers is expected, found the shape {values.shape}")
    return [int(v) for v in values]


_AXES = Attribute("INTS", until=13)

OPERATORS = {
    "Identity": Operator(move(_identity), FREELY, ((7, "v"),), _ANY),
    # The mask is an output that nothing may read.
    "Dropout": Operator(move(_dropout), (7, 10, 12, 13, 22), ((7, "v"), (12, "v r? b?")), ((7, "fd"),),
                        {"ratio": Attribute("FLOAT", until=12), "seed": Attribute("INT", since=12)}, outputs=2),
    "Reshape": Operator(move(_reshape), (5, 13, 14, 19, 21, 23, 24, 25), ((7, "v n"),), _ANY,
                        {"allowzero": Attribute("INT", 0, (0, 1), since=14)}),
    "Flatten": Operator(move(_flatten), (1, 9, 11, 13, 21, 23, 24, 25), ((7, "v"),), ((7, "fd"), (9, "fdilbsquhg")),
                        {"axis": Attribute("INT", 1)}),
    "Squeeze": Operator(move(_squeeze), (1, 11, 13, 21, 23, 24, 25), ((7, "v"), (13, "v n-")), _ANY, {"axes": _AXES}),
    "Unsqueeze": Operator(move(_unsqueeze), (1, 11, 13, 21, 23, 24, 25), ((7, "v"), (13, "v n")), _ANY,
                          {"axes": Attribute("INTS", until=13, required=True)}),
    "Transpose": Operator(move(_transpose), (1, 13, 21, 23, 24, 25), ((7, "v"),), _ANY, {"perm": Attribute("INTS")}),
    "Gather": Operator(move(_gather), (1, 11, 13), ((7, "v j"),), _ANY, {"axis": Attribute("INT", 0)}),
    "GatherND": Operator(move(_gather_nd), (11, 12, 13), ((7, "v n"),), _ANY,
                         {"batch_dims": Attribute("INT", 0, (0,), since=12)}),
    "Slice": Operator(move(_slice), (1, 10, 11, 13), ((7, "v"), (10, "v j j j? j?")), _ANY,
                      {"starts": Attribute("INTS", until=10, required=True),
                       "ends": Attribute("INTS", until=10, required=True), "axes": Attribute("INTS", until=10)}),
    "Split": Operator(move(_split), (2, 11, 13, 18), ((7, "v"), (13, "v n?")), _ANY,
                      {"axis": Attribute("INT", 0), "split": Attribute("INTS", until=13),
                       "num_outputs": Attribute("INT", since=18)}, outputs=0),
    "Concat": Operator(_concat, _CONCAT, ((7, "v*"),), _ANY, {"axis": Attribute("INT", required=True)}),
}
