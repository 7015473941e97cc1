"""GatherND with constant indices: each row of them is a place in the first axes; entries move."""

import numpy as np

from .lowering import Context, Value, operator
from .signature import ANY, TEXT, Types, integer, since

FORM = "data:T indices:int64 -> output:T"
EVERY: Types = {"T": ANY | TEXT}


@operator(
    "GatherND", since(11, FORM, EVERY), since(12, FORM, EVERY, batch_dims=integer(0, among=(0,))), moves=True
)
def gather_nd(ctx: Context) -> list[Value]:
    x, indices = ctx.value(0), ctx.constant(1, "the indices").array
    depth = indices.shape[-1] if indices.ndim else 0
    if not 0 < depth <= len(x.shape):
        ctx.fail(f"indices of shape {indices.shape} into a tensor of shape {x.shape}")
    sides = np.array(x.shape[:depth])
    if ((indices < -sides) | (indices >= sides)).any():
        ctx.fail(f"indices outside the shape {x.shape}")
    ctx.check_size((*indices.shape[:-1], *x.shape[depth:]))
    places = tuple(np.moveaxis(indices % np.maximum(sides, 1), -1, 0))
    return [ctx.move(x, lambda a: a[places])]
