"""ArrayFeatureExtractor, LabelEncoder, ZipMap and Normalizer of ai.onnx.ml: the end of a scikit-learn export.

Labels are looked up, probabilities become a map from label to number, and are divided by a norm of them.
"""

import math
from dataclasses import replace
from typing import Any

from ..network.head import Head
from .head import begun, chosen, labels_of, looked_up, then
from .lowering import Context, Symbol, Value, behind, on_constants, operator
from .signature import MAPS, REAL, TEXT, integer, integers, real, reals, since, tensor, text, texts, word

FEATURES = REAL | TEXT | {"int32", "int64"}


@operator("ai.onnx.ml.ArrayFeatureExtractor", since(1, "X:T Y:int64 -> Z:T", {"T": FEATURES}), moves=True)
def array_feature_extractor(ctx: Context) -> list[Value]:
    """Entries of the last axis; a vector counts as one row."""
    x, positions = ctx.value(0), ctx.constant(1, "the positions").array.ravel()
    if not x.shape or not x.shape[-1]:
        ctx.fail(f"entries of a tensor of shape {x.shape}")
    if not positions.size or ((positions < 0) | (positions >= x.shape[-1])).any():
        ctx.fail(f"positions {positions.tolist()} on an axis of size {x.shape[-1]}")
    row = ctx.reshape(x, (1, *x.shape)) if len(x.shape) == 1 else x
    return [ctx.move(row, lambda a: a[..., positions])]


@behind("ai.onnx.ml.ArrayFeatureExtractor")
def label_of(ctx: Context) -> list[Value]:
    """Constant labels at the position of the largest, or entries behind an elementwise head."""
    table = ctx.value(0)
    if isinstance(table, Symbol):
        return array_feature_extractor(ctx)
    index, labels = labels_of(ctx, 1)
    if len(table.shape) not in (1, 2) or math.prod(table.shape[:-1]) != 1:
        ctx.fail(f"labels of shape {table.shape}, expected one row")
    if any(i < 0 for i in labels if not isinstance(i, str)):
        ctx.fail("a position below zero")
    return [looked_up(ctx, table, index, labels, (1, 1))]


@operator(
    "ai.onnx.ml.ZipMap",
    since(1, "X:float32 -> Z:M", {"M": MAPS}, classlabels_int64s=integers(), classlabels_strings=texts()),
)
def zip_map(ctx: Context) -> list[Value]:
    """A map from label to probability; the numbers are the same."""
    x = begun(ctx)
    numbers, words = ctx.attribute("classlabels_int64s"), ctx.attribute("classlabels_strings")
    keys = numbers or words or []
    if bool(numbers) == bool(words) or not len(set(keys)) == len(keys) == math.prod(x.shape):
        ctx.fail(f"{len(keys)} labels of {math.prod(x.shape)} numbers, expected one for each")
    head = replace(x.head or Head(), keys=tuple(keys))
    return [replace(x, head=head, kind="map_int64" if numbers else "map_string")]


behind("ai.onnx.ml.ZipMap")(zip_map)


@operator("ai.onnx.ml.Normalizer", since(1, "X:T -> Y:float32", norm=text("MAX", "L1", "L2")))
def normalizer(ctx: Context) -> list[Value]:
    """Positive numbers divided by their largest, their sum, or the root of the sum of their squares."""
    x = begun(ctx)
    if x.head is None or not x.head.is_positive or len(x.shape) != 2 or x.shape[0] != 1:
        ctx.fail("it is supported only on one row of probabilities at the output")
    return [then(x, ctx.attribute("norm"))]


behind("ai.onnx.ml.Normalizer")(normalizer)

# The attributes that hold each type of keys and values.
LISTS = {"int64s": "int64", "strings": "object", "floats": "float32"}
TABLES = {
    "keys_int64s": integers(), "keys_strings": texts(), "keys_floats": reals(),
    "values_int64s": integers(), "values_strings": texts(), "values_floats": reals(),
    "default_int64": integer(-1), "default_string": word("_Unused"), "default_float": real(-0.0),
}  # fmt: skip
TENSORS = {"keys_tensor": tensor(), "values_tensor": tensor(), "default_tensor": tensor()}
OLD, MORE = TEXT | {"int64"}, TEXT | {"int64", "float32"}
ALL = MORE | {"int32", "int16", "float64"}


def _list(ctx: Context, what: str) -> tuple[list[Any], str]:
    """The keys or the values, and their element type."""
    found = [(list(given), kind) for name, kind in LISTS.items() if (given := ctx.attribute(f"{what}_{name}"))]
    array = ctx.attribute(f"{what}_tensor")
    found += [(array.ravel().tolist(), array.dtype.name)] if array is not None else []
    if len(found) != 1:
        ctx.fail(f"{len(found)} lists of {what}, expected one")
    return found[0]


def _refused(ctx: Context) -> list[Value]:
    ctx.fail("constants are not encoded")


@behind("ai.onnx.ml.LabelEncoder")
def label_encoder(ctx: Context) -> list[Value]:
    """Another name for each label."""
    x, labels = labels_of(ctx, 0)
    if ctx.reading.attributes.get("classes_strings") is not None:
        ctx.fail("the attribute 'classes_strings', expected keys and values")
    (keys, kind), (values, made) = _list(ctx, "keys"), _list(ctx, "values")
    if len(set(keys)) < len(keys) or len(keys) != len(values) or kind != x.kind:
        ctx.fail(f"{len(keys)} keys of type {kind} and {len(values)} values for labels of type {x.kind}")
    missing = [label for label in labels if label not in keys]
    if missing:
        ctx.fail(f"the label {missing[0]!r} has no key")
    return [chosen(ctx, x, [values[keys.index(label)] for label in labels], x.shape, made)]


on_constants(
    "ai.onnx.ml.LabelEncoder",
    since(
        1, "X:A -> Y:B", {"A": OLD, "B": OLD},
        classes_strings=texts(), default_int64=integer(-1), default_string=word("_Unused"),
    ),
    since(2, "X:A -> Y:B", {"A": MORE, "B": MORE}, **TABLES),
    since(4, "X:A -> Y:B", {"A": ALL, "B": ALL}, **TABLES, **TENSORS),
    fold=_refused,
)  # fmt: skip
