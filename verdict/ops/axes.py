"""The axes of a reduction: named by an attribute or an input, by operator set, and the shape that is left."""

from .lowering import Context
from .signature import REAL, Version, flag, integers, since

# The integers that ONNX reduces in every operator set.
WIDE = REAL | {"int32", "int64", "uint32", "uint64"}


def axes_versions(moved: int, types: frozenset[str]) -> tuple[Version, Version]:
    """The table of a reduction whose axes are an input from operator set `moved` on, and an attribute before."""
    return (
        since(1, "data:T -> reduced:T", {"T": types}, axes=integers(), keepdims=flag(1)),
        since(
            moved,
            "data:T axes:int64? -> reduced:T",
            {"T": types},
            keepdims=flag(1),
            noop_with_empty_axes=flag(),
        ),
    )


def reduced_axes(ctx: Context, rank: int) -> list[int]:
    """The axes to reduce, from the attribute or the input; all of them when none is named."""
    axes = ctx.integers_from("axes", 1)
    if axes:
        return ctx.axes(axes, rank)
    return [] if ctx.attribute("noop_with_empty_axes") else list(range(rank))


def reduced_shape(shape: tuple[int, ...], axes: list[int], keep: bool) -> tuple[int, ...]:
    return tuple(1 if a in axes else n for a, n in enumerate(shape) if keep or a not in axes)
