"""The geometry that convolutions and pools share: strides, dilations, and pads from `pads` or `auto_pad`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .lowering import Context, Shape
from .signature import Attribute, integers, text

# The attributes that convolutions and pools share.
WINDOW: dict[str, Attribute] = {
    "auto_pad": text("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"),
    "pads": integers(),
    "strides": integers(),
}


@dataclass(frozen=True)
class Windows:
    """Where the windows lie. `pads` are as given; `reach` are as large as the last window needs."""

    spatial: Shape
    kernel: Shape
    strides: Shape
    dilations: Shape
    pads: tuple[tuple[int, int], ...]
    out: Shape

    @property
    def reach(self) -> tuple[tuple[int, int], ...]:
        """Pads that give exactly `out` windows when every size is rounded down."""
        last = [
            (o - 1) * s + (k - 1) * d + 1
            for o, s, k, d in zip(self.out, self.strides, self.kernel, self.dilations, strict=True)
        ]
        return tuple((a, max(end - n - a, 0)) for end, n, (a, _) in zip(last, self.spatial, self.pads, strict=True))

    def positions(self, axis: int) -> npt.NDArray[np.intp]:
        """The place on one axis (negative or too large in the padding), shape (windows, kernel)."""
        starts = np.arange(self.out[axis])[:, None] * self.strides[axis] - self.pads[axis][0]
        return starts + np.arange(self.kernel[axis]) * self.dilations[axis]


def attribute_list(ctx: Context, name: str, count: int, default: int, least: int) -> Shape:
    """An attribute with one integer per spatial axis (or, for pads, two)."""
    given = ctx.attribute(name)
    values = (default,) * count if given is None else tuple(given)
    if len(values) != count or min(values, default=least) < least:
        ctx.fail(f"{name} = {list(values)}, expected {count} numbers of at least {least}")
    return values


def auto_pad(ctx: Context) -> str:
    """How pads are found: as given (NOTSET), or by a rule, beside which none may be given."""
    mode, pads = str(ctx.attribute("auto_pad")), ctx.attribute("pads")
    if mode != "NOTSET" and pads and any(pads):
        ctx.fail(f"pads = {pads} beside auto_pad = {mode}")
    return mode


def explicit_pads(ctx: Context, rank: int) -> tuple[tuple[int, int], ...]:
    flat = attribute_list(ctx, "pads", 2 * rank, 0, 0)
    return tuple(zip(flat[:rank], flat[rank:], strict=True))


def windows(ctx: Context, spatial: Shape, kernel: Shape) -> Windows:
    """The windows of a Conv or a pool over `spatial`, by the node's attributes."""
    rank = len(spatial)
    if len(kernel) != rank or min(kernel, default=1) < 1:
        ctx.fail(f"a kernel of size {kernel} on spatial axes {spatial}")
    strides = attribute_list(ctx, "strides", rank, 1, 1)
    dilations = attribute_list(ctx, "dilations", rank, 1, 1)
    extents = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    mode = auto_pad(ctx)
    if mode.startswith("SAME"):
        if max(dilations) > 1 and ctx.op_type != "Conv":
            # ONNX Runtime computes other pads for a pool than the standard's formula gives.
            ctx.fail(f"auto_pad {mode} of a pool with dilations {dilations}")
        out = tuple(-(-n // s) for n, s in zip(spatial, strides, strict=True))
        pads = tuple(
            same_pads(max((o - 1) * s + e - n, 0), mode == "SAME_UPPER")
            for o, s, e, n in zip(out, strides, extents, spatial, strict=True)
        )
    else:
        pads = explicit_pads(ctx, rank) if mode == "NOTSET" else ((0, 0),) * rank
        rooms = [n + a + b - e for n, (a, b), e in zip(spatial, pads, extents, strict=True)]
        if min(rooms, default=0) < 0:
            ctx.fail(f"a kernel that reaches over {extents} is larger than the padded axes {spatial}")
        out = tuple(room // s + 1 for room, s in zip(rooms, strides, strict=True))
        if ctx.attribute("ceil_mode"):
            # One more, partial, window, unless it would begin in the padding behind the tensor.
            out = tuple(
                o + (room % s > 0 and o * s < n + a)
                for o, room, s, n, (a, _) in zip(out, rooms, strides, spatial, pads, strict=True)
            )
    found = Windows(spatial, kernel, strides, dilations, pads, out)
    ctx.check_size(tuple(n + a + b for n, (a, b) in zip(spatial, found.reach, strict=True)))
    ctx.check_size((*out, math.prod(kernel)))
    return found


def same_pads(total: int, more_after: bool) -> tuple[int, int]:
    """A padding of `total` in two halves; the odd one goes after or before."""
    half = total // 2
    return (half, total - half) if more_after else (total - half, half)
