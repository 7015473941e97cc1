"""Pad with a constant, a reflection, the edge or the other end; a negative pad cuts entries off."""

import numpy as np

from ..network.maps import Index
from .lowering import Constant, Context, Symbol, Value, operator
from .signature import ANY, INDEX, NUMBERS, Types, integers, real, since, text

MODES = text("constant", "reflect", "edge")
WITH_AXES = "data:T pads:int64 constant_value:T? axes:Tind? -> output:T"
TYPES: Types = {"T": ANY, "Tind": INDEX}


def _widths(ctx: Context, rank: int) -> list[tuple[int, int]]:
    """(before, after) for each axis."""
    flat, axes = ctx.integers_from("pads", 1), list(range(rank))
    if ctx.has(3):
        axes = ctx.axes(ctx.integers(3, "axes"), rank)
    if flat is None or len(flat) != 2 * len(axes):
        ctx.fail(f"pads {flat} for {len(axes)} axes")
    widths = [(0, 0)] * rank
    for i, axis in enumerate(axes):
        widths[axis] = (flat[i], flat[i + len(axes)])
    return widths


def _padding(ctx: Context) -> Constant:
    """The number that constant padding is filled with."""
    value = ctx.constant(2, "the padding value") if ctx.has(2) else None
    if value is None:
        return Constant(np.array(ctx.attribute("value") or 0.0))
    if value.array.size != 1:
        ctx.fail(f"a padding value of shape {value.shape}")
    return value.map(lambda a: a.reshape(()))


@operator(
    "Pad",
    since(2, "data:T -> output:T", mode=MODES, pads=integers(required=True), value=real(0.0)),
    since(11, "data:T pads:int64 constant_value:T? -> output:T", {"T": NUMBERS}, mode=MODES),
    since(13, "data:T pads:int64 constant_value:T? -> output:T", {"T": ANY}, mode=MODES),
    since(18, WITH_AXES, TYPES, mode=MODES),
    since(19, WITH_AXES, TYPES, mode=text("constant", "reflect", "edge", "wrap")),
    moves=True,
)
def pad(ctx: Context) -> list[Value]:
    x, mode = ctx.value(0), str(ctx.attribute("mode"))
    widths = _widths(ctx, len(x.shape))
    if not widths:
        ctx.fail("a tensor without axes")
    shape = tuple(n + a + b for n, (a, b) in zip(x.shape, widths, strict=True))
    if min(shape, default=0) < 0:
        ctx.fail(f"mode {mode} with pads {widths} on shape {x.shape}")
    ctx.check_size(tuple(n + max(a, 0) + max(b, 0) for n, (a, b) in zip(x.shape, widths, strict=True)))
    if mode != "constant":
        return [_repeating(ctx, x, widths, mode)]
    numbers = np.pad(ctx.numbers(x), [(max(a, 0), max(b, 0)) for a, b in widths], constant_values=-1)
    cut = tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(numbers.shape, widths, strict=True))
    numbers, filling = numbers[cut], _padding(ctx)
    if isinstance(x, Constant) and x.exact is None and filling.exact is None:
        entries = np.append(x.array.ravel(), filling.array.astype(x.array.dtype))
        return [Constant(entries[numbers])]
    if isinstance(x, Symbol) and x.head:
        ctx.fail(f"{x.head} is supported only at the output")
    # Position -1 gives zero; the bias then fills exactly these places.
    fill = ctx.builder.constant(filling.coefficients.reshape(1), ctx.name)
    terms = [
        (Index(numbers, int(np.prod(x.shape))), ctx.lift(x).node),
        (Index(np.where(numbers < 0, 0, -1), 1), fill),
    ]
    return [Symbol(ctx.builder.affine(terms, None, ctx.name), shape)]


def _repeating(ctx: Context, x: Value, widths: list[tuple[int, int]], mode: str) -> Value:
    room = {"reflect": -1, "edge": None, "wrap": 0}[mode]
    for size, (before, after) in zip(x.shape, widths, strict=True):
        most = max(before, after)
        if min(before, after) < 0 or (most and not size) or (room is not None and most > size + room):
            ctx.fail(f"mode {mode} with pads {widths} on shape {x.shape}")
    return ctx.move(x, lambda a: np.pad(a, widths, mode=mode))  # type: ignore[call-overload]
