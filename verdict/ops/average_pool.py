"""AveragePool and GlobalAveragePool: sums over windows, divided by how many entries each window counts.

All channels share one kernel of ones, so batch and channels together form one more spatial axis.
"""

import math
from fractions import Fraction
from functools import reduce

import numpy as np
import numpy.typing as npt

from ..network.maps import Conv
from .arithmetic import multiply
from .lowering import Constant, Context, Symbol, Value, operator
from .reduce import mean_over
from .signature import flag, integers, since
from .windows import WINDOW, Windows, windows

POOL = WINDOW | {"kernel_shape": integers(required=True), "count_include_pad": flag()}


@operator(
    "AveragePool",
    since(7, "X:T -> Y:T", **POOL),
    since(10, "X:T -> Y:T", **POOL, ceil_mode=flag()),
    since(19, "X:T -> Y:T", **POOL, ceil_mode=flag(), dilations=integers()),
)
def average_pool(ctx: Context) -> list[Value]:
    x = ctx.symbol(0)
    if len(x.shape) < 3:
        ctx.fail(f"an input of shape {x.shape} has no spatial axes")
    seen = windows(ctx, x.shape[2:], tuple(ctx.attribute("kernel_shape")))
    counts = _counts(seen, bool(ctx.attribute("count_include_pad")))
    if not counts.all():
        ctx.fail("a window that lies in the padding alone")
    uniform = bool((counts == counts.flat[0]).all())
    weight = Fraction(1, int(counts.flat[0])) if uniform else Fraction(1)
    kernel = Constant.of_fractions([weight] * math.prod(seen.kernel), (1, 1, 1, *seen.kernel))
    linear = Conv(
        kernel.coefficients,
        (1, x.shape[0] * x.shape[1], *seen.spatial),
        strides=(1, *seen.strides),
        pads=((0, 0), *seen.reach),
        dilations=(1, *seen.dilations),
    )
    shape = (*x.shape[:2], *seen.out)
    result = Symbol(ctx.builder.affine([(linear, x.node)], None, ctx.name), shape)
    if not uniform:
        shares = Constant.of_fractions([Fraction(1, int(n)) for n in counts.ravel()], seen.out)
        result = multiply(ctx, result, shares)
    return [result]


def _counts(seen: Windows, include_pad: bool) -> npt.NDArray[np.intp]:
    """How many entries each window counts, shape `seen.out`."""
    along = []
    for axis, size in enumerate(seen.spatial):
        before, after = seen.pads[axis] if include_pad else (0, 0)
        at = seen.positions(axis)
        along.append(((at >= -before) & (at < size + after)).sum(axis=1))
    return reduce(np.multiply.outer, along)


@operator("GlobalAveragePool", since(1, "X:T -> Y:T"))
def global_average_pool(ctx: Context) -> list[Value]:
    x = ctx.symbol(0)
    return [mean_over(ctx, x, list(range(2, len(x.shape))), keep=True)]
