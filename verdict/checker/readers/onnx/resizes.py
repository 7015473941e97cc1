"""Resize and Upsample along each axis: the nearest entry, or a mean of the two neighbours.

Where an entry of the result lies among the given ones is a rational number. What a run in floats could place otherwise
is refused: means with weights that no float32 equals, and places between two entries for a scale that is none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import UnreadableError
from .moves import listed
from .table import Attribute, Node, Operator
from .tensors import Builder, Tensor, axes_of, small

_HALF = Fraction(1, 2)
# Weights are read up to this denominator.
FINEST = 2**6


@dataclass(frozen=True)
class _Axis:
    """An axis with so many entries before and after, and the scale between them."""

    before: int
    after: int
    scale: Fraction

    @property
    def is_same(self) -> bool:
        return self.before == self.after and self.scale == 1


# The place of entry i among the given ones.
_PLACES: dict[bytes, Callable[[int, _Axis], Fraction]] = {
    b"half_pixel": lambda i, a: (i + _HALF) / a.scale - _HALF,
    b"pytorch_half_pixel": lambda i, a: (i + _HALF) / a.scale - _HALF if a.after > 1 else Fraction(0),
    b"align_corners": lambda i, a: Fraction(i * (a.before - 1), a.after - 1) if a.after > 1 else Fraction(0),
    b"asymmetric": lambda i, a: i / a.scale,
}
_NEAREST: dict[bytes, Callable[[Fraction], int]] = {
    b"round_prefer_floor": lambda at: math.ceil(at - _HALF),
    b"round_prefer_ceil": lambda at: math.floor(at + _HALF),
    b"floor": math.floor,
    b"ceil": math.ceil,
}


def _axes(node: Node, shape: tuple[int, ...], scales: list[Fraction] | None, sizes: list[int] | None) -> list[_Axis]:
    if (scales is None) == (sizes is None):
        raise UnreadableError("either scales or sizes are expected")
    named = range(len(shape)) if node["axes"] is None else axes_of(node["axes"], len(shape))
    given: list[Any] | None = sizes if scales is None else scales
    if given is None or len(given) != len(named):
        raise UnreadableError(f"scales or sizes of another number than {len(named)} axes")
    found = [_Axis(n, n, Fraction(1)) for n in shape]
    for axis, value in zip(named, given, strict=True):
        n = shape[axis]
        after = int(value) if scales is None else math.floor(n * value)
        if after < 1 or n < 1:
            raise UnreadableError(f"an axis of length {n} that becomes {after}")
        if scales is not None and after != n * value and node["coordinate_transformation_mode"] == b"align_corners":
            raise UnreadableError("align_corners and a scale that gives no whole length")
        found[axis] = _Axis(n, after, Fraction(after, n) if scales is None else Fraction(value))
    small(math.prod(a.after for a in found))
    return found


def _resize(builder: Builder, node: Node, x: Tensor, roi: Any = None, scales: Any = None, sizes: Any = None) -> Tensor:
    factors = None if scales is None or not scales.size else scales
    if factors is not None and (factors.ndim != 1 or not np.isfinite(factors).all() or (factors <= 0).any()):
        raise UnreadableError("scales that are no list of positive numbers")
    # Before operator set 11 there is one way: i / scale, cut off.
    place = _PLACES[node["coordinate_transformation_mode"] or b"asymmetric"]
    exact = None if factors is None else [Fraction(v) for v in factors.tolist()]
    for axis, along in enumerate(_axes(node, x.shape, exact, None if sizes is None else listed(sizes))):
        if along.is_same:
            continue
        at = [place(i, along) for i in range(along.after)]
        if node["mode"] == b"nearest":
            x = _nearest(x, axis, along, at, node["nearest_mode"] or b"floor")
        else:
            x = _linear(builder, x, axis, [min(max(v, Fraction(0)), Fraction(along.before - 1)) for v in at])
    return x


def _nearest(x: Tensor, axis: int, along: _Axis, at: list[Fraction], mode: bytes) -> Tensor:
    # Where the least error would give another entry: whole numbers, or halves.
    doubtful = 1 if mode in (b"floor", b"ceil") else 2
    if Fraction(float(np.float32(along.scale))) != along.scale and any(v and v.denominator == doubtful for v in at):
        raise UnreadableError(f"a scale of {along.scale}, which is no float32 number, and a place where it matters")
    index = [min(max(_NEAREST[mode](v), 0), along.before - 1) for v in at]
    return x.moved(np.take(x.positions, index, axis=axis))


def _linear(builder: Builder, x: Tensor, axis: int, at: list[Fraction]) -> Tensor:
    if any(FINEST % v.denominator for v in at):
        raise UnreadableError("means with weights that no float32 number equals")
    first = [math.floor(v) for v in at]
    second = [min(k + 1, x.shape[axis] - 1) for k in first]
    share = np.array([float(v - k) for v, k in zip(at, first, strict=True)])
    share = share.reshape([-1 if a == axis else 1 for a in range(len(x.shape))])
    terms = [(builder.scaled(part, np.broadcast_to(weight, part.shape)), x.node) for part, weight in (
        (x.moved(np.take(x.positions, first, axis=axis)), 1 - share),
        (x.moved(np.take(x.positions, second, axis=axis)), share))]
    shape = tuple(len(at) if a == axis else n for a, n in enumerate(x.shape))
    # Products of weights of several axes are rounded in one step too.
    return builder.affine(x, terms, None, shape, 2)


def _upsample(builder: Builder, node: Node, x: Tensor, scales: Any = None) -> Tensor:
    given = np.array(node["scales"], np.float64) if scales is None else scales
    return _resize(builder, node, x, None, given)


def _of_any_set(builder: Builder, node: Node, x: Tensor, *others: Any) -> Tensor:
    return _resize(builder, node, x, None, *others) if node.opset < 11 else _resize(builder, node, x, *others)


_MODE = {"mode": Attribute("STRING", b"nearest", (b"nearest", b"linear"))}

OPERATORS = {
    "Upsample": Operator(_upsample, (7, 9), ((7, "x"), (9, "x r")), ((7, "f"),),
                         {**_MODE, "scales": Attribute("FLOATS", until=9, required=True)}),
    "Resize": Operator(
        _of_any_set, (10, 11, 13, 18, 19), ((7, "x r"), (11, "x r r n?"), (13, "x r? r? n?")), ((7, "fd"),),
        {**_MODE,
         "coordinate_transformation_mode": Attribute("STRING", b"half_pixel", tuple(_PLACES), since=11),
         "nearest_mode": Attribute("STRING", b"round_prefer_floor", tuple(_NEAREST), since=11),
         # About cubic interpolation and crops alone.
         "cubic_coeff_a": Attribute("FLOAT", -0.75, since=11), "exclude_outside": Attribute("INT", 0, (0, 1), since=11),
         "extrapolation_value": Attribute("FLOAT", 0.0, since=11),
         "antialias": Attribute("INT", 0, (0,), since=18), "axes": Attribute("INTS", since=18),
         "keep_aspect_ratio_policy": Attribute("STRING", b"stretch", (b"stretch",), since=18)}),
}
