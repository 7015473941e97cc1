"""Values of attributes of wide models: mostly legal, with what is rare among them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx

INTEGERS = [-(2**63), -(2**31), -3, -2, -1, 0, 1, 2, 3, 7, 2**31, 2**40, 2**63 - 1]
FLOATS = [0.0, -0.0, 0.5, -0.25, 1.0, 2.0, 1e-5, 3e38, -3e38, 1e-45, np.inf, np.nan]


def axis(m: Any, rank: int) -> int:
    """An axis, rarely one that is not there."""
    return m.whole(-rank - 1, rank) if m.chance(0.05) else m.whole(-rank, max(rank - 1, 0))


def some_axes(m: Any, rank: int) -> list[int]:
    chosen = sorted(m.rng.permutation(rank)[: m.whole(0 if m.chance(0.1) else 1, rank)].tolist())
    if m.chance(0.04):
        return [*chosen, axis(m, rank + 1)]
    return [int(a) - rank * int(m.chance(0.3)) for a in chosen]


# Attributes by name; what is not here is drawn by its type.
def window(m: Any, shape: tuple[int, ...]) -> int:
    return max(len(shape) - 2, 1)


ATTRIBUTES: dict[str, Callable[[Any, tuple[int, ...]], Any]] = {
    "axis": lambda m, s: axis(m, len(s)),
    "axes": lambda m, s: some_axes(m, len(s)),
    "keepdims": lambda m, s: m.whole(0, 1),
    "kernel_shape": lambda m, s: [m.whole(1, min(3, n)) for n in s[2:]],
    "strides": lambda m, s: [m.whole(1, 2) for _ in range(window(m, s))],
    "dilations": lambda m, s: [m.one([1, 1, 2]) for _ in range(window(m, s))],
    "pads": lambda m, s: [m.one([0, 0, 1]) for _ in range(2 * window(m, s))],
    "output_padding": lambda m, s: [m.one([0, 0, 1]) for _ in range(window(m, s))],
    "output_shape": lambda m, s: [m.whole(1, 5) for _ in range(window(m, s))],
    "auto_pad": lambda m, s: m.one(["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]),
    "epsilon": lambda m, s: m.one([0.0, 1e-5, 0.5, 1.0]),
    "alpha": lambda m, s: m.one([0.0, 0.5, -0.25, 1.0, 2.0]),
    "beta": lambda m, s: m.one([0.0, 0.5, -0.25, 1.0, 2.0]),
    "to": lambda m, s: m.one([1, 1, 11, 11, 10, 6, 7, 9, 2, 3]),
    "perm": lambda m, s: m.rng.permutation(len(s)).tolist(),
    "start": lambda m, s: m.whole(-len(s) - 1, len(s) + 1),
    "end": lambda m, s: m.whole(-len(s) - 1, len(s) + 1),
    "blocksize": lambda m, s: m.one([1, 2, 2, 2]),
    "min": lambda m, s: m.one([-1.0, 0.0, -3.4e38]),
    "max": lambda m, s: m.one([0.5, 1.0, 3.4e38]),
    "output_dtype": lambda m, s: 0,
}
MODES = {"Pad": ["constant", "constant", "edge", "reflect", "wrap"], "DepthToSpace": ["DCR", "CRD"]}


def attribute_value(m: Any, op: str, attribute: Any, shape: tuple[int, ...]) -> Any:
    """A value that is mostly legal; None where there is none to give."""
    name, kind = attribute.name, attribute.type.name
    if name in ATTRIBUTES:
        return ATTRIBUTES[name](m, shape)
    if kind == "INT":
        return m.one([0, 0, 0, 1, 1, -1, 2])
    if kind == "FLOAT":
        return float(m.one(FLOATS[:6]))
    if kind == "INTS":
        return [m.whole(0, 2) for _ in range(m.whole(0, 3))]
    if kind == "FLOATS":
        return [m.whole(-8, 8) / 4 for _ in range(m.whole(0, 3))]
    if kind == "STRING":
        return m.one(MODES.get(op, ["constant", "", "floor"]))
    if kind == "TENSOR":
        kinds = ["float32", "float64", "int64", "int32", "bool", "uint8"]
        shape = (1,) if op == "ConstantOfShape" else m.small_shape()
        return onnx.numpy_helper.from_array(np.asarray(m.numbers(shape, m.one(kinds))))
    return None
