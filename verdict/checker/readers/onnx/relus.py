"""Functions that are made of ReLUs, entry by entry."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import UnreadableError
from .table import Attribute, Node, Operator
from .tensors import Builder, Tensor, fractions, spread

_FLOATS, _FLOAT = ((7, "fd"),), ((7, "f"),)


def _relu(builder: Builder, node: Node, x: Tensor) -> Tensor:
    return builder.relu(x)


def _two_slopes(builder: Builder, x: Tensor, slope: Any) -> Tensor:
    """slope * x below zero: slope * x + (1 - slope) * relu(x)."""
    below = spread(fractions(slope), x.shape, "the slope")
    positive = builder.relu(x)
    terms = [(builder.scaled(x, below), x.node), (builder.scaled(positive, 1 - below), positive.node)]
    return builder.affine(x, terms, None, x.shape, 0)


def _leaky(builder: Builder, node: Node, x: Tensor) -> Tensor:
    return _two_slopes(builder, x, node["alpha"])


def _prelu(builder: Builder, node: Node, x: Tensor, slope: Any) -> Tensor:
    return _two_slopes(builder, x, slope)


def magnitude(builder: Builder, x: Tensor) -> Tensor:
    """|x|."""
    return _two_slopes(builder, x, -1.0)


def _abs(builder: Builder, node: Node, x: Tensor) -> Tensor:
    return magnitude(builder, x)


def _clip(builder: Builder, node: Node, x: Tensor, low: Any = None, high: Any = None) -> Tensor:
    largest = float(np.finfo(x.type).max)
    floor = _limit(node["min"] if low is None else low, -largest)
    return _between(builder, x, floor, _limit(node["max"] if high is None else high, largest))


def _hard_sigmoid(builder: Builder, node: Node, x: Tensor) -> Tensor:
    """min(max(alpha x + beta, 0), 1)."""
    line = builder.plus(builder.times(x, node["alpha"]), np.float64(node["beta"]))
    return _between(builder, line, Fraction(0), Fraction(1))


def _between(builder: Builder, x: Tensor, floor: Fraction | None, ceiling: Fraction | None) -> Tensor:
    if floor is not None and ceiling is not None and floor >= ceiling:
        raise UnreadableError("min is not below max")
    result, bias = ([(x, 1.0)], None) if floor is None else ([(_excess(builder, x, floor), 1.0)], floor)
    if ceiling is not None:
        result.append((_excess(builder, x, ceiling), -1.0))
    terms = [(builder.scaled(t, np.full(t.shape, s)), t.node) for t, s in result]
    return builder.affine(x, terms, None if bias is None else np.full(x.shape, bias, dtype=object), x.shape, -1)


def _limit(given: Any, nothing: float) -> Fraction | None:
    """The limit; None where it is `nothing`, the end of the element type, or beyond it."""
    if given is None:
        return None
    if np.size(given) != 1 or np.isnan(given).any():
        raise UnreadableError("a limit that is no number")
    value = float(np.asarray(given).item())
    if value * np.sign(nothing) >= abs(nothing):
        return None
    if value * np.sign(nothing) <= -abs(nothing):
        raise UnreadableError("a limit that leaves nothing")
    return Fraction(value)


def _excess(builder: Builder, x: Tensor, limit: Fraction) -> Tensor:
    # A clip does not round; as a node of its own the shift stays out of the float32 accounting.
    return builder.relu(builder.plus(x, np.full(x.shape, -limit, dtype=object), -1))


OPERATORS = {
    "Relu": Operator(_relu, (6, 13, 14), ((7, "x"),), _FLOATS),
    "LeakyRelu": Operator(_leaky, (6, 16), ((7, "x"),), _FLOAT, {"alpha": Attribute("FLOAT", float(np.float32(0.01)))}),
    "PRelu": Operator(_prelu, (7, 9, 16), ((7, "x c"),), _FLOAT),
    "Abs": Operator(_abs, (6, 13), ((7, "x"),), _FLOATS),
    "HardSigmoid": Operator(_hard_sigmoid, (6, 22), ((7, "x"),), _FLOATS,
                            {"alpha": Attribute("FLOAT", float(np.float32(0.2))), "beta": Attribute("FLOAT", 0.5)}),
    "Clip": Operator(_clip, (6, 11, 12, 13), ((7, "x"), (11, "x c? c?")), ((7, "f"), (12, "fd")),
                     {"min": Attribute("FLOAT", until=11), "max": Attribute("FLOAT", until=11)}),
}
