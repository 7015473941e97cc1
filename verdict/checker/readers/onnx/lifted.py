"""Operators whose inputs are all constants, where their readers expect a tensor that depends on the network's input.

The first input is read as the value of a node without sources, in a network of its own, and what the reader makes of
it is evaluated in rationals: a constant of the file's network from then on. Of a function without rational values it
is, by definition, the float64 that is nearest to the function's.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import UnreadableError
from ...functions.base import Function
from ...functions.hard_swish import HARD_SWISH
from ...functions.positive import SQRT
from ...network import Affine, Network, Pointwise, Product, integers, needed, no_rule
from .constants import MOST_COMPUTED
from .table import Node
from .tensors import Builder, Folded, Tensor, fractions

# Operators that read two tensors, one or none, and refuse to read none.
_EITHER = {"MatMul", "Einsum", "Sum", "Mean"}
# Those, beside operators that only move entries, that take constants as Fractions.
TAKE_FRACTIONS = {*_EITHER, "Add", "Sub", "Mul", "Div", "Gemm", "Max", "Min"}
# What float32 runs are not bounded behind.
COMPUTED = "constants that the file computes"
# Beyond these bits a power is not written down.
_MOST_BITS = 2**16
# Binary digits that values are asked for with, one after the other; what is closer to 0 in the end is 0.
_BITS = (80, 160, 320, 1200)
# What a run in the file's type may make of computed constants: within this share of the largest number on the way.
SHARE = 1e-5


def is_lifted(name: str, first: str, kind: Any) -> bool:
    """Whether an operator of constants alone is read here: real ones, the first of the kind `first` in its table."""
    return kind.kind == "f" and (first == "x" or name in _EITHER or name in _DIRECT)


def computed_of(lower: Callable[..., Any], node: Node, values: list[Any]) -> list[Any]:
    """The constants that an operator makes of constants. Raises UnreadableError."""
    kind = values[0].type if isinstance(values[0], Folded) else values[0].dtype
    is_rounded = any(isinstance(v, Folded) for v in values)
    arrays = [v.array if isinstance(v, Folded) else v for v in values]
    if max(v.size for v in arrays if v is not None) > MOST_COMPUTED:
        raise UnreadableError(f"arithmetic on more than {MOST_COMPUTED} constants")
    if node.operator in _DIRECT:
        found = _entries(_DIRECT[node.operator], *arrays)
        largest = max((abs(v) for v in found.flat), default=Fraction(0))
        # One operation is rounded once.
        return [_constant(found, kind, float(largest) * SHARE if is_rounded or node.operator == "Pow" else 0.0)]
    if any(v is not None and v.dtype == object for v in arrays[1:]) and node.operator not in TAKE_FRACTIONS:
        raise UnreadableError("a constant that no float64 equals")
    builder = Builder()
    builder.sizes[0] = 1
    vector = fractions(arrays[0]).ravel()
    x = Tensor(builder.append(Affine((), vector)), np.arange(vector.size).reshape(arrays[0].shape), kind)
    result = lower(builder, node, x, *arrays[1:])
    return [_evaluated(builder, r) for r in (result if isinstance(result, list) else [result])]


def cast(x: Folded, kind: Any) -> Folded:
    """The same numbers, which one type more rounds; but doubles become the nearest floats, as everywhere."""
    largest = float(max(map(abs, x.array.flat), default=0))
    narrow = x.type.itemsize > kind.itemsize and x.array.dtype != object
    array = x.array.astype(kind).astype(np.float64) if narrow else x.array
    return Folded(array, kind, x.room + max(largest, 2.0**-120) * SHARE)


def _evaluated(builder: Builder, x: Any) -> Folded:
    if not isinstance(x, Tensor) or x.head is not None:
        raise UnreadableError("of constants: no number")
    output = builder.flat(x)
    nodes, numbers = needed(builder.nodes, output)
    network = Network(1, nodes, numbers[output])
    values = _values(network)
    found = np.empty(len(values[-1]), object)
    found[:] = values[-1]
    # Sums may be rounded on the way where their results are not.
    made: Folded = _constant(found.reshape(x.shape), x.type, _largest(network, values) * SHARE + 2.0**-149)
    return made


def _values(network: Network) -> list[list[Fraction]]:
    """What all nodes are, one after the other."""
    found: list[list[Fraction]] = [[Fraction(0)]]
    for node in network.nodes[1:]:
        if isinstance(node, Pointwise):
            f = node.function
            if f.is_rational:
                top, under = f.value(*integers(np.array(found[node.source], object)))
                found.append([Fraction(int(t), under) for t in top])
            else:
                known = {z: _EXACT[f](z) if f in _EXACT else _nearest(f, z) for z in set(found[node.source])}
                found.append([known[z] for z in found[node.source]])
        elif isinstance(node, Product):
            found.append([a * b for a, b in zip(found[node.left], found[node.right], strict=True)])
        elif isinstance(node, Affine):
            total = node.bias.copy()
            for linear, source in node.terms:
                weight, below = linear.integers
                top, under = integers(np.array(found[source], object))
                under *= below
                total = total + np.array([Fraction(int(t), under) for t in linear.forward(top[None], weight)[0]])
            found.append(total.tolist())
        else:
            raise no_rule(node)
    return found


def _largest(network: Network, values: list[list[Fraction]]) -> float:
    """The largest number that is added up on the way."""
    found = [0.0]
    for node in network.nodes[1:]:
        if isinstance(node, Affine):
            total = np.abs(node.floats)
            for linear, source in node.terms:
                sizes = np.abs(np.array([[float(v) for v in values[source]]]))
                total = total + linear.forward(sizes, np.abs(linear.weight))[0]
            found.append(float(total.max(initial=0)))
    return max(found)


def _constant(values: Any, kind: Any, room: float) -> Any:
    """Fractions as an array of their type if it holds them all, else as float64 or Fractions, which are exact."""
    flat = values.ravel().tolist()
    if any(abs(v) > Fraction(float(np.finfo(kind).max)) for v in flat):
        raise UnreadableError(f"a number that {kind} does not hold")
    near = np.array([float(v) for v in flat])
    for form in (kind, np.dtype(np.float64)):
        rounded = near.astype(form)
        if all(Fraction(r) == v for r, v in zip(rounded.astype(np.float64).tolist(), flat, strict=True)):
            rounded = rounded.reshape(values.shape)
            return rounded if form == kind and not room else Folded(rounded.astype(np.float64), kind, room)
    return Folded(values, kind, room)


def _entries(function: Callable[..., Fraction], *values: Any) -> Any:
    arrays = np.broadcast_arrays(*map(fractions, values))
    if arrays[0].size > MOST_COMPUTED:
        raise UnreadableError(f"arithmetic on {arrays[0].size} constants")
    found = np.empty(arrays[0].size, object)
    found[:] = [function(*row) for row in zip(*(a.ravel() for a in arrays), strict=True)]
    return found.reshape(arrays[0].shape)


def _nearest(function: Function, z: Fraction) -> Fraction:
    """The float64 nearest to f(z)."""
    for bits in _BITS:
        low, high = function.between(z, z, bits)
        if float(low) == float(high):
            return Fraction(float(low))
    return Fraction(0)


def _inverse(x: Fraction) -> Fraction:
    if not x:
        raise UnreadableError("a quotient by zero")
    return 1 / x


def _raised(x: Fraction, exponent: Fraction) -> Fraction:
    if exponent == Fraction(1, 2):
        return _nearest(SQRT, x)
    bits = max(x.numerator.bit_length(), x.denominator.bit_length())
    if exponent.denominator != 1 or bits * abs(exponent) > _MOST_BITS:
        raise UnreadableError(f"a constant to the power of {float(exponent):g}")
    return (x if exponent >= 0 else _inverse(x)) ** abs(int(exponent))


def _swished(z: Fraction) -> Fraction:
    return z * min(max(z + 3, Fraction(0)), Fraction(6)) / 6


# Functions with rational values that a certificate does not need as such.
_EXACT: dict[Function, Callable[[Fraction], Fraction]] = {HARD_SWISH: _swished}
_DIRECT: dict[str, Callable[..., Fraction]] = {
    "Add": operator.add, "Sub": operator.sub, "Mul": operator.mul, "Div": lambda a, b: a * _inverse(b),
    "Reciprocal": _inverse, "Pow": _raised,
}
