"""Constants: where they come from, casts that keep every value, and arithmetic in whole numbers.

Integers are Python's, and a result that its type cannot hold is refused: ONNX would wrap it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from onnx import TensorProto, numpy_helper

from ...errors import UnreadableError
from .table import LETTERS, Attribute, Node, Operator
from .tensors import Builder, Tensor

# What a constant may be: numbers that float64 or Python's integers hold, and texts, which are labels alone.
KINDS = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.INT8,
         TensorProto.INT16, TensorProto.INT32, TensorProto.INT64, TensorProto.UINT8, TensorProto.UINT16,
         TensorProto.UINT32, TensorProto.UINT64, TensorProto.BOOL, TensorProto.STRING}
_CAST = {TensorProto.FLOAT: "f", TensorProto.DOUBLE: "d", TensorProto.INT32: "i", TensorProto.INT64: "l",
         TensorProto.BOOL: "b"}
MOST_COMPUTED = 2**16


def array_of(tensor: Any) -> Any:
    """The values of a tensor in the file. Raises UnreadableError."""
    if tensor.data_location or tensor.external_data:
        raise UnreadableError(f"{tensor.name!r}: weights in external files are not read")
    if tensor.HasField("segment") or tensor.data_type not in KINDS:
        kind = TensorProto.DataType.Name(tensor.data_type) if tensor.data_type < 64 else tensor.data_type
        raise UnreadableError(f"the constant {tensor.name!r} is of the type {kind}, which is not read")
    return numpy_helper.to_array(tensor)


def _constant(builder: Builder, node: Node) -> Any:
    given = {name: value for name, value in node.attributes.items() if value is not None}
    if len(given) != 1:
        raise UnreadableError("a constant without a value, or with several")
    ((name, value),) = given.items()
    if name == "value":
        return array_of(value)
    return np.array(value, np.float32 if "float" in name else np.int64)


def _shape(builder: Builder, node: Node, x: Any) -> Any:
    rank = len(x.shape)
    ends = (rank if end is None else end for end in (node["start"] or 0, node["end"]))
    start, end = (min(max(v + rank if v < 0 else v, 0), rank) for v in ends)
    return np.array(x.shape[start:end], np.int64)


def cast_kind(node: Node) -> Any:
    """The element type that a Cast makes."""
    return LETTERS[_CAST[node["to"]]]


def _cast(builder: Builder, node: Node, x: Any) -> Any:
    kind = cast_kind(node)
    if isinstance(x, Tensor):
        return _cast_tensor(builder, x, kind)
    if x.dtype == object:
        raise UnreadableError("a cast of texts")
    if kind.kind == "b":
        return x.astype(np.float64) != 0 if x.dtype.kind not in "iub" else x != 0
    if kind.kind == "f":
        # To the nearest, as everywhere; what is no number any more is refused.
        with np.errstate(over="ignore"):
            found = x.astype(np.float64).astype(kind) if x.dtype.kind not in "iu" else x.astype(kind)
        if not np.isfinite(found).all() or (x.dtype.kind in "iu" and [*map(int, found.flat)] != [*map(int, x.flat)]):
            raise UnreadableError(f"a cast to {kind} that does not keep the values")
        return found
    whole = x.astype(np.float64) if x.dtype.kind not in "iub" else x
    if not np.isfinite(whole).all() or (whole.dtype.kind == "f" and (whole != np.rint(whole)).any()):
        raise UnreadableError(f"a cast of fractions to {kind}")
    return whole_numbers([int(v) for v in whole.flat], whole.shape, kind)


def _cast_tensor(builder: Builder, x: Tensor, kind: Any) -> Tensor:
    """Nothing happens to a real number; a float32 run rounds it where the type has fewer digits."""
    if kind.kind != "f":
        raise UnreadableError(f"a cast to {kind} of a tensor that depends on the input")
    if kind.itemsize >= x.type.itemsize:
        return replace(x, type=kind)
    term = builder.scaled(x, np.ones(x.shape)), x.node
    return replace(builder.affine(x, [term], None, x.shape), type=kind)


def whole_numbers(values: list[int], shape: tuple[int, ...], kind: Any) -> Any:
    """Python integers as an array of an integer type. Raises UnreadableError where one does not fit."""
    limits = np.iinfo(kind)
    if any(not limits.min <= v <= limits.max for v in values):
        raise UnreadableError(f"a number that {kind} does not hold")
    return np.array(values, kind).reshape(shape)


def numbers(values: Any) -> list[int]:
    """The entries as Python's integers."""
    return [int(v) for v in values.ravel().tolist()]


def _quotient(a: int, b: int) -> int:
    if b == 0:
        raise UnreadableError("a quotient by zero")
    if a % b and (a < 0) != (b < 0):
        raise UnreadableError("a whole quotient that is rounded below zero")
    return a // b


COMPUTED: dict[str, Callable[[Any, Any], Any]] = {"Add": operator.add, "Sub": operator.sub, "Mul": operator.mul,
                                                  "Div": _quotient}


def computed(node: Node, a: Any, b: Any) -> Any:
    """The sum, difference, product or quotient of two constants of whole numbers; of real ones see `lifted.py`."""
    one, other = np.broadcast_arrays(a, b)
    if one.size > MOST_COMPUTED:
        raise UnreadableError(f"arithmetic on {one.size} constants")
    pairs = zip(numbers(one), numbers(other), strict=True)
    return whole_numbers([COMPUTED[node.operator](p, q) for p, q in pairs], one.shape, a.dtype)


def is_constant(*values: Any) -> bool:
    """Whether none of the values depends on the input."""
    return not any(isinstance(v, Tensor) for v in values)


_NUMBERS = {name: Attribute(kind, since=12) for name, kind in (
    ("value_float", "FLOAT"), ("value_floats", "FLOATS"), ("value_int", "INT"), ("value_ints", "INTS"))}

OPERATORS = {
    "Constant": Operator(_constant, (1, 9, 11, 12, 13, 19, 21, 23, 24, 25), ((7, ""),), ((7, ""),),
                         {"value": Attribute("TENSOR"), **_NUMBERS}),
    "Shape": Operator(_shape, (1, 13, 15, 19, 21, 23, 24, 25), ((7, "v"),), ((7, "fdilb"),),
                      {"start": Attribute("INT", 0, since=15), "end": Attribute("INT", since=15)}),
    "Cast": Operator(_cast, (6, 9, 13, 19, 21, 23, 24, 25, 28), ((7, "t"),), ((7, ""),),
                     {"to": Attribute("INT", None, tuple(_CAST), required=True),
                      "saturate": Attribute("INT", 1, (1,), since=19),
                      "round_mode": Attribute("STRING", b"up", (b"up",), since=24)}),
}
