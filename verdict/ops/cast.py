"""Cast: nothing happens between float types; constants become integers or truth values, or come from them.

A cast that would wrap around is refused, and so is one to half precision, whose rounding is none of the documented
semantics. Constants of half precision are the numbers that they are.
"""

import math
from dataclasses import replace

import numpy as np
import onnx

from ..network.head import Label
from .folding import constant_of, objects
from .head import chosen
from .lowering import Constant, Context, Symbol, Value, operator
from .signature import ANY, INTEGERS, REAL, Types, flag, integer, since, text

KINDS = {onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind)): kind for kind in ANY - {"bfloat16"}}
TYPES: Types = {"T1": ANY, "T2": ANY}


@operator(
    "Cast",
    since(6, "input:T1 -> output:T2", TYPES, to=integer(required=True)),
    # `saturate` is about eight-bit floats alone, which are not read.
    since(19, "input:T1 -> output:T2", TYPES, to=integer(required=True), saturate=flag(1)),
    # And so is `round_mode`.
    since(
        24, "input:T1 -> output:T2", TYPES,
        to=integer(required=True), saturate=flag(1), round_mode=text("up", "down", "nearest"),
    ),
    moves=True,
)
def cast(ctx: Context) -> list[Value]:
    x, target = ctx.value(0), ctx.attribute("to")
    known = target in onnx.TensorProto.DataType.values()
    name = onnx.TensorProto.DataType.Name(target) if known else str(target)
    kind = KINDS.get(target, "")
    if isinstance(x, Symbol):
        return [_of_symbol(ctx, x, kind, name)]
    if kind in REAL:
        return [_as_float(x, kind)]
    if kind == "bool":
        return [Constant(x.coefficients.values != 0)]
    if kind not in INTEGERS:
        ctx.fail(f"a cast to {name}")
    return [_as_integer(ctx, x, kind)]


def _of_symbol(ctx: Context, x: Symbol, kind: str, name: str) -> Symbol:
    if x.head is not None and x.head.is_open_choice and kind in REAL | INTEGERS | {"bool"}:
        return x.of_kind(kind)  # 0 and 1
    if x.head is not None and x.head.labels is not None:
        return _of_label(ctx, x, x.head.labels, kind, name)
    if x.kind not in REAL:
        ctx.fail(f"a cast from {x.kind} (only from FLOAT and DOUBLE)")
    if kind not in REAL:
        ctx.fail(f"a cast to {name} (only to FLOAT and DOUBLE)")
    return x.of_kind(kind)


def _of_label(ctx: Context, x: Symbol, labels: tuple[Label, ...], kind: str, name: str) -> Symbol:
    """Labels that are numbers, where all of them are numbers of the type too."""
    most = np.iinfo(kind).max if kind in INTEGERS else 2 ** np.finfo(kind).nmant if kind in REAL else -1
    least = np.iinfo(kind).min if kind in INTEGERS else -most
    if not all(not isinstance(v, str) and v == int(v) and least <= v <= most for v in labels):
        ctx.fail(f"a cast of the labels to {name}, which does not hold them")
    return chosen(ctx, x, [int(v) for v in labels], x.shape, kind)


def _as_float(x: Constant, kind: str) -> Constant:
    if (x.kind, kind) == ("float64", "float32") and x.exact is None:
        # A double is rounded as everywhere, to the nearest, computed or not; other rationals stay exact.
        with np.errstate(over="ignore"):
            rounded = x.array.astype(np.float32)
        found = Constant(rounded if np.isfinite(rounded).all() else x.array).of_kind(kind)
        return replace(found, roundings=x.roundings)
    if x.is_float and x.array.dtype.name != "float16":
        return x.of_kind(kind)
    return Constant.of(x.coefficients).of_kind(kind)


def _as_integer(ctx: Context, x: Constant, kind: str) -> Constant:
    """Cut off towards zero."""
    if x.exact is not None or not x.array.size:
        entries = np.array([math.trunc(v) for v in objects(ctx, x).ravel()], dtype=object)
        return constant_of(ctx, entries.reshape(x.shape), kind)
    array = x.array if x.array.dtype.kind in "iub" else np.trunc(x.coefficients.values)
    limits = np.iinfo(kind)
    if int(array.min()) < limits.min or int(array.max()) > limits.max:
        ctx.fail(f"a number outside the range of {kind}")
    return Constant(array.astype(kind))
