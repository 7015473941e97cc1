"""Conv in any number of spatial dimensions, and ConvTranspose as the transpose of such a map."""

import math

import numpy as np

from ..network.exact import Coefficients
from ..network.maps import Conv, LinearMap, Transposed
from .lowering import Constant, Context, Shape, Symbol, Value, operator
from .signature import integer, integers, since
from .windows import WINDOW, attribute_list, auto_pad, explicit_pads, same_pads, windows

FORM = "X:T W:T B:T? -> Y:T"
ATTRIBUTES = WINDOW | {"dilations": integers(), "group": integer(1), "kernel_shape": integers()}


def parameters(ctx: Context) -> tuple[Symbol, Constant, int]:
    """The input, the kernel and the number of groups, checked against each other."""
    x, kernel, groups = ctx.symbol(0), ctx.constant(1, "the kernel"), int(ctx.attribute("group"))
    if len(x.shape) < 3 or len(kernel.shape) != len(x.shape):
        ctx.fail(f"an input of shape {x.shape} and a kernel of shape {kernel.shape}")
    size = ctx.attribute("kernel_shape")
    if size is not None and tuple(size) != kernel.shape[2:]:
        ctx.fail(f"kernel_shape = {size} for a kernel of shape {kernel.shape}")
    if groups < 1 or kernel.shape[0] % groups or x.shape[1] % groups:
        ctx.fail(f"{groups} groups for {x.shape[1]} channels and a kernel of shape {kernel.shape}")
    if 0 in kernel.shape or 0 in x.shape:
        ctx.fail(f"an empty input of shape {x.shape} or kernel of shape {kernel.shape}")
    return x, kernel, groups


def finish(ctx: Context, x: Symbol, linear: LinearMap, shape: Shape) -> Value:
    """The map applied to `x`, plus the bias of each channel; `shape` is (batch, channels, *spatial).

    A batch of several samples goes through as one more spatial axis, behind the channels.
    """
    batch, channels = shape[:2]
    if batch > 1:
        x = ctx.lift(ctx.move(x, lambda a: a.swapaxes(0, 1)))
    node = ctx.builder.affine([(linear, x.node)], _bias(ctx, channels, math.prod(shape) // channels), ctx.name)
    if batch == 1:
        return Symbol(node, shape)
    return ctx.move(Symbol(node, (channels, batch, *shape[2:])), lambda a: a.swapaxes(0, 1))


def _bias(ctx: Context, channels: int, repeats: int) -> Coefficients | None:
    if not ctx.has(2):
        return None
    bias = ctx.constant(2, "the bias")
    if bias.shape != (channels,):
        ctx.fail(f"a bias of shape {bias.shape} for {channels} channels")
    return bias.coefficients.map(lambda b: np.repeat(b, repeats))


def with_batch(batch: int, kernel: Constant) -> Coefficients:
    """The kernel, with an axis for a batch of several samples."""
    if batch == 1:
        return kernel.coefficients
    return kernel.coefficients.map(lambda w: np.expand_dims(w, 2))


@operator("Conv", since(1, FORM, **ATTRIBUTES))
def conv(ctx: Context) -> list[Value]:
    x, kernel, groups = parameters(ctx)
    (batch, channels), spatial = x.shape[:2], x.shape[2:]
    if kernel.shape[1] * groups != channels:
        ctx.fail(f"{channels} channels in {groups} groups for a kernel of shape {kernel.shape}")
    seen = windows(ctx, spatial, kernel.shape[2:])
    shape = (batch, kernel.shape[0], *seen.out)
    ctx.check_size(shape)
    extra = int(batch > 1)
    linear = Conv(
        with_batch(batch, kernel),
        (channels, *(batch,) * extra, *spatial),
        groups=groups,
        strides=(1,) * extra + seen.strides,
        pads=((0, 0),) * extra + seen.reach,
        dilations=(1,) * extra + seen.dilations,
    )
    return [finish(ctx, x, linear, shape)]


@operator("ConvTranspose", since(1, FORM, **ATTRIBUTES, output_padding=integers(), output_shape=integers()))
def conv_transpose(ctx: Context) -> list[Value]:
    x, kernel, groups = parameters(ctx)
    (batch, channels), spatial, rank = x.shape[:2], x.shape[2:], len(x.shape) - 2
    if kernel.shape[0] != channels:
        ctx.fail(f"{channels} channels for a kernel of shape {kernel.shape}")
    strides = attribute_list(ctx, "strides", rank, 1, 1)
    dilations = attribute_list(ctx, "dilations", rank, 1, 1)
    out, pads = _transposed_sizes(ctx, spatial, kernel.shape[2:], strides, dilations)
    shape = (batch, kernel.shape[1] * groups, *out)
    ctx.check_size(shape)
    extra = int(batch > 1)
    forward = Conv(
        with_batch(batch, kernel),
        (shape[1], *(batch,) * extra, *out),
        groups=groups,
        strides=(1,) * extra + strides,
        pads=((0, 0),) * extra + pads,
        dilations=(1,) * extra + dilations,
    )
    if forward.out_spatial[extra:] != spatial:
        ctx.fail(f"output_padding or output_shape beyond the stride, for an output of {out}")
    return [finish(ctx, x, Transposed(forward), shape)]


def _transposed_sizes(
    ctx: Context, spatial: Shape, kernel: Shape, strides: Shape, dilations: Shape
) -> tuple[Shape, tuple[tuple[int, int], ...]]:
    """The output's spatial size and the pads that are cut from it.

    The convolution back from the output needs its end pads only as far as its last window reaches, which is
    where `output_padding` goes.
    """
    rank = len(spatial)
    extra = attribute_list(ctx, "output_padding", rank, 0, 0)
    full = [s * (n - 1) + (k - 1) * d + 1 for n, k, s, d in zip(spatial, kernel, strides, dilations, strict=True)]
    mode = auto_pad(ctx)
    wanted = ctx.attribute("output_shape")
    if wanted is None and mode.startswith("SAME"):
        wanted = [n * s for n, s in zip(spatial, strides, strict=True)]
    if wanted is not None:
        if len(wanted) < rank:
            ctx.fail(f"output_shape = {wanted}, expected {rank} numbers")
        out = tuple(int(v) for v in wanted[-rank:])
        total = [max(f + e - o, 0) for f, e, o in zip(full, extra, out, strict=True)]
        begins = [same_pads(t, mode == "SAME_UPPER")[0] for t in total]
    else:
        pads = explicit_pads(ctx, rank) if mode == "NOTSET" else ((0, 0),) * rank
        out = tuple(f + e - a - b for f, e, (a, b) in zip(full, extra, pads, strict=True))
        begins = [a for a, _ in pads]
    if min(out, default=1) < 1:
        ctx.fail(f"an empty output of size {out}")
    return out, tuple((a, max(f - a - o, 0)) for f, a, o in zip(full, begins, out, strict=True))
