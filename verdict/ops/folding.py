"""Operators on constants, computed at import: integers as Python's integers, floats as exact rationals.

Integers that wrap around in ONNX, and a division by zero, are refused; a quotient of integers is cut off towards zero,
as in ONNX Runtime. Only what is irrational (a root, a logarithm) is rounded, to the nearest float64, or of powers by
ONNX's reference implementation, and that number is the network's constant from then on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from .axes import reduced_axes, reduced_shape
from .lowering import MAX_ENTRIES, Constant, Context, Lowering, Value

Objects = npt.NDArray[np.object_]
# Python's numbers take a hundred bytes and a microsecond each.
MAX_FOLDED = 2**22


def objects(ctx: Context, value: Constant, shape: tuple[int, ...] | None = None) -> Objects:
    """The entries as Python's own numbers: `bool`, `int` or `Fraction`; of the given shape, by broadcasting."""
    if shape is not None:
        value = ctx.expanded(value, shape)
    if math.prod(value.shape) > MAX_FOLDED:
        ctx.fail(f"a constant with more than {MAX_FOLDED} entries to compute with")
    if value.is_float:
        return value.coefficients.fractions()
    return value.array.astype(object)


def constant_of(ctx: Context, entries: Any, kind: str) -> Constant:
    """A constant of that element type from Python's numbers. Integers outside the type's range are refused."""
    array = np.asarray(entries, dtype=object)
    if kind.startswith("float"):
        return Constant.of_fractions([Fraction(v) for v in array.ravel()], array.shape)
    if kind != "bool":
        limits = np.iinfo(kind)
        for value in array.ravel():
            if not limits.min <= value <= limits.max:
                ctx.fail(f"the integer {value} is outside the range of {kind}")
    return Constant(array.astype(kind))


def constants(ctx: Context) -> list[Constant]:
    """All inputs, which are constant."""
    return [ctx.constant(i, f"input {i}") for i in range(len(ctx.inputs))]


def elementwise(function: Callable[..., Any]) -> Lowering:
    """Fold a function of one or more numbers, entry by entry with broadcasting; it may raise ZeroDivisionError."""

    def fold(ctx: Context) -> list[Value]:
        given = constants(ctx)
        shape = ctx.common_shape(*(c.shape for c in given))
        if math.prod(shape) > MAX_FOLDED:
            ctx.fail(f"a constant with more than {MAX_FOLDED} entries to compute with")
        arrays = [objects(ctx, c, shape) for c in given]
        try:
            results = [function(*entries) for entries in zip(*(a.ravel() for a in arrays), strict=True)]
        except ZeroDivisionError:
            ctx.fail("a division by zero")
        array = np.empty(len(results), dtype=object)
        array[:] = results
        return [constant_of(ctx, array.reshape(shape), ctx.result_kind)]

    return fold


def combined(pair: Callable[[Any, Any], Any]) -> Lowering:
    """Fold an associative function over one or more constants."""
    return elementwise(lambda *entries: reduce(pair, entries))


def reduction(pair: Callable[[Any, Any], Any], empty: int | None = None) -> Lowering:
    """Fold an associative function over the axes that the node names; `empty` is its value of nothing."""

    def fold(ctx: Context) -> list[Value]:
        x = ctx.constant(0, "the data")
        axes = reduced_axes(ctx, len(x.shape))
        shape = reduced_shape(x.shape, axes, bool(ctx.attribute("keepdims")))
        kept = [a for a in range(len(x.shape)) if a not in axes]
        size = math.prod(x.shape[a] for a in axes)
        if not size and empty is None:
            ctx.fail("nothing to reduce")
        rows = objects(ctx, x).transpose(kept + axes).reshape(math.prod(x.shape[a] for a in kept), size)
        results = [reduce(pair, row) if len(row) else empty for row in rows]
        array = np.empty(len(results), dtype=object)
        array[:] = results
        return [constant_of(ctx, array.reshape(shape), ctx.result_kind)]

    return fold


def by_reference(ctx: Context) -> list[Value]:
    """Fold by ONNX's reference implementation, floats in float64; for functions with irrational values."""
    from onnx.reference import ReferenceEvaluator

    given = constants(ctx)
    if sum(c.array.size for c in given) > MAX_ENTRIES or math.prod(ctx.common_shape(*(c.shape for c in given))) > (
        MAX_ENTRIES
    ):
        ctx.fail(f"a constant with more than {MAX_ENTRIES} entries")
    arrays = {f"c{i}": c.coefficients.values for i, c in enumerate(given)}
    node = onnx.helper.make_node(ctx.op_type, list(arrays), ["y"])
    info = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [node],
        "fold",
        [info(n, onnx.TensorProto.DOUBLE, a.shape) for n, a in arrays.items()],
        [onnx.helper.make_empty_tensor_value_info("y")],
    )
    single = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", ctx.opset)])
    try:
        with np.errstate(all="ignore"):
            (result,) = ReferenceEvaluator(single).run(None, arrays)
    except Exception as error:  # noqa: BLE001 - the reference implementation raises whatever NumPy does
        ctx.fail(f"constant folding failed: {error}")
    return [Constant(np.asarray(result, dtype=np.float64))]


def quotient(a: Any, b: Any) -> Any:
    """a / b, cut off towards zero for integers."""
    if isinstance(a, Fraction):
        return a / b
    exact = abs(int(a)) // abs(int(b))
    return exact if (a < 0) == (b < 0) else -exact


def remainder(a: Any, b: Any) -> Any:
    """a - b trunc(a / b): the sign is that of `a`, as in C."""
    return a - b * math.trunc(Fraction(a) / Fraction(b))
