"""Operators on constants alone: comparisons, logic, shapes, whole numbers, and weights of eight bits.

Everything is exact: a result that its type does not hold is refused. Only DequantizeLinear may give numbers that no
float32 equals, (x - zero point) * scale; they are kept as they are, and every sum that they go into is charged for the
rounding.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import UnreadableError
from .constants import MOST_COMPUTED, array_of, numbers, whole_numbers
from .moves import listed
from .reductions import reduced_axes
from .table import LETTERS, Attribute, Node, Operator
from .tensors import Builder, Folded, axis_of, broadcast, reduced, small

_COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "Equal": operator.eq, "Greater": operator.gt, "Less": operator.lt, "GreaterOrEqual": operator.ge,
    "LessOrEqual": operator.le, "And": operator.and_, "Or": operator.or_, "Xor": operator.xor,
}
# Whole numbers up to here are float32 numbers.
MOST_WHOLE = 2**24


def truth(builder: Builder, node: Node, a: Any, b: Any) -> Any:
    shape = broadcast(a.shape, b.shape)
    if a.dtype.kind == "f" and not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise UnreadableError("a comparison with what is no number")
    return np.broadcast_to(_COMPARED[node.operator](a, b), shape)


def _not(builder: Builder, node: Node, a: Any) -> Any:
    return ~a


def _of_shape(builder: Builder, node: Node, shape: Any) -> Any:
    sides = listed(shape)
    value = np.zeros(1, np.float32) if node["value"] is None else array_of(node["value"])
    if min(sides, default=0) < 0 or value.size != 1 or value.dtype not in [LETTERS[letter] for letter in "fdilbquh"]:
        raise UnreadableError(f"shape {sides}, a value of shape {value.shape} and type {value.dtype}")
    small(math.prod(sides))
    return np.full(sides, value.reshape(()))


def _range(builder: Builder, node: Node, start: Any, limit: Any, step: Any) -> Any:
    if start.size != 1 or limit.size != 1 or step.size != 1 or not step.any():
        raise UnreadableError("start, limit and step are three numbers, and the step is not 0")
    found = range(int(start.item()), int(limit.item()), int(step.item()))
    small(len(found))
    return np.array(found, start.dtype)


def _size(builder: Builder, node: Node, x: Any) -> Any:
    return np.array(math.prod(x.shape), np.int64)


def _product(builder: Builder, node: Node, x: Any, axes: Any = None) -> Any:
    over = reduced_axes(node, x.ndim, axes, 18)
    kept = [a for a in range(x.ndim) if a not in over]
    small(math.prod(x.shape))
    if x.size > MOST_COMPUTED:
        raise UnreadableError(f"a product of {x.size} constants")
    rows = x.transpose(kept + over).reshape(math.prod(x.shape[a] for a in kept), -1)
    values = [math.prod(numbers(row), start=1) for row in rows]
    return whole_numbers(values, reduced(x.shape, over, bool(node["keepdims"])), x.dtype)


def _along(node: Node, value: Any, x: Any) -> Any:
    """One number for all of x, or one for each index of an axis, ready to be broadcast."""
    if value.size == 1 and value.ndim <= 1:
        return value.reshape(())
    axis = axis_of(node["axis"], x.ndim) if node["axis"] is not None and value.ndim == 1 else None
    if axis is None or len(value) != x.shape[axis]:
        raise UnreadableError(f"scales or zero points of shape {value.shape} for the shape {x.shape}")
    return value.reshape([-1 if a == axis else 1 for a in range(x.ndim)])


def _dequantized(builder: Builder, node: Node, x: Any, scale: Any, zero: Any = None) -> Any:
    if x.dtype not in (np.int8, np.uint8, np.int32) or (zero is not None and (zero.dtype, zero.shape) !=
                                                        (x.dtype, scale.shape)):
        raise UnreadableError("INT8, UINT8 and INT32 are read, with a zero point of the same type for each scale")
    steps = x.astype(np.int64) - (0 if zero is None else _along(node, zero, x).astype(np.int64))
    # No float64 is rounded here: at most 25 binary digits times 24.
    found = steps * _along(node, scale, x).astype(np.float64)
    if np.abs(steps).max(initial=0) > MOST_WHOLE or not np.isfinite(found).all():
        raise UnreadableError("numbers that are no float32 numbers before they are scaled")
    if np.abs(found).max(initial=0) > np.finfo(np.float32).max:
        raise UnreadableError("a number that float32 does not hold")
    plain = found.astype(np.float32)
    if (plain == found).all():
        return plain
    builder.is_rounded = True
    return Folded(found, LETTERS["f"])


def _compared(versions: tuple[int, ...], types: tuple[tuple[int, str], ...]) -> Operator:
    return Operator(truth, versions, ((7, "c c"),), types)


NUMBERS = "fdilquh"
OPERATORS = {
    "Equal": _compared((7, 11, 13, 19), ((7, "ilb"), (11, NUMBERS + "b"))),
    **{name: _compared((7,), ((7, "b"),)) for name in ("And", "Or", "Xor")},
    "Not": Operator(_not, (1,), ((7, "v"),), ((7, "b"),)),
    "ConstantOfShape": Operator(_of_shape, (9, 20, 21, 23, 24, 25), ((7, "n"),), ((7, ""),),
                                {"value": Attribute("TENSOR")}),
    "Range": Operator(_range, (11, 27), ((7, "c c c"),), ((7, "il"),)),
    "Size": Operator(_size, (1, 13, 19, 21, 23, 24, 25), ((7, "v"),), ((7, "fdilbquh"),)),
    "ReduceProd": Operator(_product, (1, 11, 13, 18), ((7, "c"), (18, "c n?")), ((7, "il"),),
                           {"keepdims": Attribute("INT", 1, (0, 1)), "axes": Attribute("INTS", until=18),
                            "noop_with_empty_axes": Attribute("INT", 0, (0, 1), since=18)}),
    "DequantizeLinear": Operator(
        _dequantized, (10, 13, 19, 21, 23, 24, 25, 28), ((7, "k c k?"),), ((7, "f"),),
        {"axis": Attribute("INT", 1, since=13), "block_size": Attribute("INT", 0, (0,), since=21),
         "output_dtype": Attribute("INT", 0, (0,), since=23)}),
}
