"""Resize and Upsample: nearest copies entries, linear takes means of two neighbours along each axis.

Where an output lies between inputs is computed exactly. Weights that are no float32 numbers (a third) are refused:
ONNX Runtime would compute with others.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .arithmetic import add, multiply
from .lowering import Constant, Context, Symbol, Value, operator
from .signature import REAL, Attribute, Types, Version, flag, integer, integers, real, reals, since, text

HALF = Fraction(1, 2)
# Denominators of weights: products over four axes are float32 numbers still.
FINEST = 2**6


@dataclass(frozen=True)
class Axis:
    """One axis: how many entries before and after, and how many times longer it becomes."""

    before: int
    after: int
    scale: Fraction


# Where the entry i of the output lies among the inputs, by `coordinate_transformation_mode`.
COORDINATES: dict[str, Callable[[int, Axis], Fraction]] = {
    "half_pixel": lambda i, a: (i + HALF) / a.scale - HALF,
    "pytorch_half_pixel": lambda i, a: (i + HALF) / a.scale - HALF if a.after > 1 else Fraction(0),
    "align_corners": lambda i, a: Fraction(i * (a.before - 1), a.after - 1) if a.after > 1 else Fraction(0),
    "asymmetric": lambda i, a: i / a.scale,
}
# Which neighbour is nearest, by `nearest_mode`; halves are where they differ.
NEAREST: dict[str, Callable[[Fraction], int]] = {
    "round_prefer_floor": lambda x: math.ceil(x - HALF),
    "round_prefer_ceil": lambda x: math.floor(x + HALF),
    "floor": math.floor,
    "ceil": math.ceil,
}


def _axes(ctx: Context, shape: tuple[int, ...], scales: Constant | None, sizes: list[int] | None) -> list[Axis]:
    """Every axis of the tensor, from the scales or the sizes of all axes or of those in `axes`."""
    given = scales.fractions() if scales is not None and scales.array.size else None
    if (given is None) == (sizes is None):
        ctx.fail("scales or sizes are expected, not both")
    chosen = ctx.attribute("axes")
    places = list(range(len(shape))) if chosen is None else ctx.axes(list(chosen), len(shape))
    if len(sizes or given or []) != len(places):
        ctx.fail(f"{len(sizes or given or [])} scales or sizes for {len(places)} axes")
    found = [Axis(n, n, Fraction(1)) for n in shape]
    for number, place in enumerate(places):
        before = shape[place]
        after = sizes[number] if sizes is not None else math.floor(before * given[number]) if given else 0
        if before < 1 or after < 1:
            ctx.fail(f"an axis of size {before} becomes one of size {after}")
        corners = ctx.attribute("coordinate_transformation_mode") == "align_corners"
        if given and corners and after != before * given[number]:
            ctx.fail("align_corners and a scale that makes no whole size, where ONNX Runtime and the standard differ")
        found[place] = Axis(before, after, given[number] if given else Fraction(after, before))
    ctx.check_size(tuple(a.after for a in found))
    return found


def _nearest(ctx: Context, x: Value, axes: list[Axis], where: str, nearest: str) -> Value:
    positions = [
        np.array([min(max(NEAREST[nearest](COORDINATES[where](i, a)), 0), a.before - 1) for i in range(a.after)])
        if a.before != a.after or a.scale != 1
        else np.arange(a.before)
        for a in axes
    ]
    return ctx.move(x, lambda entries: entries[np.ix_(*positions)])


def _linear(ctx: Context, x: Value, axes: list[Axis], where: str) -> Value:
    for place, axis in enumerate(axes):
        if axis.before != axis.after or axis.scale != 1:
            x = _along(ctx, x, place, axis, where)
    return x


def _along(ctx: Context, x: Value, place: int, axis: Axis, where: str) -> Value:
    """Means of two neighbours along one axis; beyond its ends there is the last entry."""
    at = [min(max(COORDINATES[where](i, axis), Fraction(0)), Fraction(axis.before - 1)) for i in range(axis.after)]
    left = np.array([math.floor(c) for c in at])
    right = np.minimum(left + 1, axis.before - 1)
    shares = [c - math.floor(c) for c in at]
    if any(FINEST % s.denominator for s in shares):
        ctx.fail("linear weights that are not exact in float32, expected a scale that is a power of two")
    line = tuple(axis.after if a == place else 1 for a in range(len(x.shape)))
    before = ctx.move(x, lambda entries: np.take(entries, left, axis=place))
    after = ctx.move(x, lambda entries: np.take(entries, right, axis=place))
    rest = Constant.of_fractions([1 - s for s in shares], line)
    return add(ctx, multiply(ctx, before, rest), multiply(ctx, after, Constant.of_fractions(shares, line)))


def _resized(ctx: Context, x: Symbol, scales: Constant | None, sizes: list[int] | None) -> list[Value]:
    where, nearest = ctx.attribute("coordinate_transformation_mode"), ctx.attribute("nearest_mode")
    axes = _axes(ctx, x.shape, scales, sizes)
    # Before operator set 11 there is one way: i / scale, cut off.
    if ctx.attribute("mode") == "nearest":
        return [_nearest(ctx, x, axes, where or "asymmetric", nearest or "floor")]
    return [_linear(ctx, x, axes, where or "asymmetric")]


MODE = text("nearest", "linear")
UP: Types = {"T": REAL & {"float32"}}


@operator(
    "Upsample",
    since(7, "X:T -> Y:T", UP, mode=MODE, scales=reals(required=True)),
    since(9, "X:T scales:float32 -> Y:T", UP, mode=MODE),
)
def upsample(ctx: Context) -> list[Value]:
    given = ctx.attribute("scales")
    scales = ctx.constant(1, "scales") if given is None else Constant(np.array(given, dtype=np.float64))
    return _resized(ctx, ctx.symbol(0), scales, None)


def _version(opset: int, optional: str, **more: Attribute) -> Version:
    attributes: dict[str, Attribute] = {
        "coordinate_transformation_mode": text(*COORDINATES),
        # About cubic interpolation and crops alone.
        "cubic_coeff_a": real(-0.75),
        "exclude_outside": flag(),
        "extrapolation_value": real(0.0),
        "mode": MODE,
        "nearest_mode": text(*NEAREST),
    } | more
    form = f"X:T roi:R{optional} scales:float32{optional} sizes:int64? -> Y:T"
    return since(opset, form, {"T": REAL, "R": REAL | {"float16"}}, **attributes)


LATER = {"antialias": integer(0, among=(0,)), "axes": integers(), "keep_aspect_ratio_policy": text("stretch")}


@operator(
    "Resize",
    since(10, "X:T scales:float32 -> Y:T", mode=MODE),
    _version(11, ""),
    _version(13, "?"),
    _version(18, "?", **LATER),
)
def resize(ctx: Context) -> list[Value]:
    if ctx.opset < 11:
        return _resized(ctx, ctx.symbol(0), ctx.constant(1, "scales"), None)
    scales = ctx.constant(2, "scales") if ctx.has(2) else None
    return _resized(ctx, ctx.symbol(0), scales, ctx.integers(3, "sizes") if ctx.has(3) else None)
