"""DepthToSpace and SpaceToDepth: blocks of channels become blocks of pixels and the other way round; entries move."""

from .lowering import Context, Value, operator
from .signature import ANY, Types, integer, since, text

ALL: Types = {"T": ANY}
FORM = "input:T -> output:T"


def _parts(ctx: Context, value: Value) -> tuple[int, int, int, int, int]:
    """Batch, channels, height, width and the side of a block."""
    if len(value.shape) != 4:
        ctx.fail(f"a tensor of shape {value.shape}, expected four axes")
    block = int(ctx.attribute("blocksize"))
    if block < 1:
        ctx.fail(f"blocksize = {block}")
    batch, channels, height, width = value.shape
    return batch, channels, height, width, block


@operator(
    "DepthToSpace",
    since(1, FORM, ALL, blocksize=integer(required=True)),
    since(11, FORM, ALL, blocksize=integer(required=True), mode=text("DCR", "CRD")),
    moves=True,
)
def depth_to_space(ctx: Context) -> list[Value]:
    x = ctx.value(0)
    n, c, h, w, b = _parts(ctx, x)
    if c % (b * b):
        ctx.fail(f"{c} channels in blocks of {b} x {b}")
    if ctx.attribute("mode") == "CRD":
        split, order = (n, c // (b * b), b, b, h, w), (0, 1, 4, 2, 5, 3)
    else:
        split, order = (n, b, b, c // (b * b), h, w), (0, 3, 4, 1, 5, 2)
    shape = (n, c // (b * b), h * b, w * b)
    return [ctx.move(x, lambda a: a.reshape(split).transpose(order).reshape(shape))]


@operator(
    "SpaceToDepth",
    since(1, FORM, ALL, blocksize=integer(required=True)),
    since(28, FORM, ALL, blocksize=integer(required=True), mode=text("DCR", "CRD")),
    moves=True,
)
def space_to_depth(ctx: Context) -> list[Value]:
    x = ctx.value(0)
    n, c, h, w, b = _parts(ctx, x)
    if h % b or w % b:
        ctx.fail(f"an image of {h} x {w} in blocks of {b} x {b}")
    split, shape = (n, c, h // b, b, w // b, b), (n, c * b * b, h // b, w // b)
    order = (0, 1, 3, 5, 2, 4) if ctx.attribute("mode") == "CRD" else (0, 3, 5, 1, 2, 4)
    return [ctx.move(x, lambda a: a.reshape(split).transpose(order).reshape(shape))]
