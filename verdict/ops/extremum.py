"""Max and Min of several tensors with broadcasting: trees of pairwise maxima, one ReLU each."""

from collections.abc import Callable

from .folding import combined
from .lowering import Constant, Context, Symbol, Value, operator
from .signature import NUMBERS, since

VERSIONS = (since(6, "data_0:T* -> extremum:T"), since(12, "data_0:T* -> extremum:T", {"T": NUMBERS}))


def tree(ctx: Context, values: list[Value], pair: Callable[[int, int, str], int]) -> Value:
    """`pair` of builder nodes over all values, in a tree of least depth."""
    shape = ctx.common_shape(*(v.shape for v in values))
    # Constants last and together: the builder computes their maximum, and one ReLU is left.
    ordered = sorted(values, key=lambda v: isinstance(v, Constant))
    symbols = [ctx.lift(ctx.broadcast(v, shape)).node for v in ordered]
    moving = [n for n in symbols if ctx.builder.constant_value(n) is None]
    fixed = [n for n in symbols if ctx.builder.constant_value(n) is not None]
    nodes = moving + ([_tree(ctx, fixed, pair)] if fixed else [])
    return Symbol(_tree(ctx, nodes, pair), shape)


def _tree(ctx: Context, nodes: list[int], pair: Callable[[int, int, str], int]) -> int:
    while len(nodes) > 1:
        joined = [pair(a, b, ctx.name) for a, b in zip(nodes[::2], nodes[1::2], strict=False)]
        nodes = joined + nodes[len(joined) * 2 :]
    return nodes[0]


@operator("Max", *VERSIONS, fold=combined(max))
def maximum(ctx: Context) -> list[Value]:
    return [tree(ctx, ctx.entries(), ctx.builder.maximum)]


@operator("Min", *VERSIONS, fold=combined(min))
def minimum(ctx: Context) -> list[Value]:
    return [tree(ctx, ctx.entries(), ctx.builder.minimum)]
