"""The operators of ai.onnx.ml that scikit-learn's exports have: linear models, scalers, labels, maps of probabilities.

Their weights are attributes, float32 numbers exactly. A classifier gives two tensors, the label of the largest score
and the scores. Operator sets are those of the domain.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import UnreadableError
from ...network import Linear
from .constants import array_of
from .heads import chosen, labels_of, looked_up, moved, positive, then
from .table import LEARNED, LETTERS, Attribute, Node, Operator
from .tensors import Builder, Chosen, Head, Tensor, weights

_FLOAT, _INT, _TEXT = LETTERS["f"], LETTERS["l"], LETTERS["s"]
_ROW = ((1, "x"),)


def _numbers(node: Node, name: str, *sizes: int) -> Any:
    """A list of numbers of one of these lengths."""
    given = node[name]
    if given is None or len(given) not in sizes:
        raise UnreadableError(f"{name} of length {0 if given is None else len(given)}, expected {sizes}")
    return np.array(given, np.float64)


def _features(x: Tensor) -> int:
    if len(x.shape) != 2:
        raise UnreadableError(f"the shape {x.shape}, expected rows of features")
    return x.shape[1]


def _scaler(builder: Builder, node: Node, x: Tensor) -> Tensor:
    """(x - offset) * scale."""
    count = _features(x)
    offset, scale = (_numbers(node, name, 1, count) for name in ("offset", "scale"))
    if len(offset) != len(scale):
        raise UnreadableError("offsets and factors of different lengths")
    # Two more roundings than the difference has, for an input that is cast first.
    return replace(builder.times(builder.plus(x, -offset, 2), scale), type=_FLOAT)


def _scores(builder: Builder, node: Node, x: Tensor, rows: int, intercepts: Any) -> Tensor:
    """A row of coefficients for each score."""
    count = _features(x)
    weight, _ = weights(_numbers(node, "coefficients", rows * count).reshape(rows, count).T)
    linear = Linear(x.positions[None], weight[None], builder.sizes[x.node])
    shape = (len(x.positions), rows)
    bias = None if intercepts is None else np.broadcast_to(intercepts, shape)
    return replace(builder.affine(x, [(linear, x.node)], bias, shape, 3), type=_FLOAT)


def _regressor(builder: Builder, node: Node, x: Tensor) -> Tensor:
    targets = node["targets"]
    if targets < 1:
        raise UnreadableError(f"{targets} targets")
    return _scores(builder, node, x, targets, _numbers(node, "intercepts", targets) if node["intercepts"] else None)


def _classifier(builder: Builder, node: Node, x: Tensor) -> list[Any]:
    labels, kind = _either(node, "classlabels_ints", "classlabels_strings")
    if len(labels) < 2 or len(x.positions) != 1:
        raise UnreadableError(f"{len(labels)} classes, {len(x.positions)} rows of inputs, expected several of one")
    intercepts = _numbers(node, "intercepts", len(labels), 1)
    if len(intercepts) == 1:
        return _of_one_row(builder, node, _scores(builder, node, x, 1, intercepts), labels, kind)
    scores = _scores(builder, node, x, len(labels), intercepts)
    step = {b"NONE": None, b"SOFTMAX": "Softmax", b"LOGISTIC": "Sigmoid"}[node["post_transform"]]
    return [chosen(scores, labels, (1,), kind), scores if step is None else then(scores, step)]


def _of_one_row(builder: Builder, node: Node, score: Tensor, labels: list[Any], kind: Any) -> list[Any]:
    """The second label where the one score is above 0. The other output holds sigmoid(-s) and sigmoid(s) with LOGISTIC;
    else what no label goes by, and it is not read."""
    if len(labels) != 2:
        raise UnreadableError(f"{len(labels)} labels for one row of coefficients")
    label = chosen(builder.concatenated([np.zeros((1, 1)), score], 1), labels, (1,), kind)
    pair = then(builder.times(score, np.array([[-1.0, 1.0]])), "Sigmoid")
    return [label, pair] if node["post_transform"] == b"LOGISTIC" else [label]


def _either(node: Node, numbers: str, texts: str) -> tuple[list[Any], Any]:
    """Labels, which are either numbers or texts, and their element type."""
    if bool(node[numbers]) == bool(node[texts]):
        raise UnreadableError(f"{numbers} or {texts} are expected, and not both")
    return (node[numbers], _INT) if node[numbers] else (node[texts], _TEXT)


def _extracted(builder: Builder, node: Node, x: Any, places: Any) -> Any:
    """Entries of the last axis; a vector counts as one row."""
    entries = x.positions if isinstance(x, Tensor) else x
    size = entries.shape[-1] if entries.ndim else 0
    if not places.size or not size or ((places < 0) | (places >= size)).any():
        raise UnreadableError(f"positions {places.tolist()} on an axis of length {size}")
    found = (entries[None] if entries.ndim == 1 else entries)[..., places.ravel()]
    return x.moved(found) if isinstance(x, Tensor) else found


def _extracted_behind(builder: Builder, node: Node, x: Any, places: Any) -> Any:
    if not isinstance(places, Chosen):
        return moved(_extracted)(builder, node, x, places)
    if isinstance(x, Tensor | Chosen) or x.ndim not in (1, 2) or math.prod(x.shape[:-1]) != 1:
        raise UnreadableError("one row of labels is expected")
    return looked_up(x, places, (1, 1), 0)


# The attributes with the keys and values of a LabelEncoder.
_LISTS = {"int64s": _INT, "strings": _TEXT, "floats": _FLOAT}


def _encoded(builder: Builder, node: Node, x: Any) -> Chosen:
    """Another name for each label."""
    labels = labels_of(x)
    (keys, kind), (values, made) = (_listed(node, what) for what in ("keys", "values"))
    if kind != x.type or len(set(keys)) < len(keys) or len(keys) != len(values) or not set(labels) <= set(keys):
        raise UnreadableError("keys that are not as many as the values, or not those of all labels")
    return chosen(x.scores, [values[keys.index(label)] for label in labels], x.shape, made)


def _listed(node: Node, what: str) -> tuple[list[Any], Any]:
    found = [(node[f"{what}_{name}"], kind) for name, kind in _LISTS.items() if node[f"{what}_{name}"]]
    if node[f"{what}_tensor"] is not None:
        array = array_of(node[f"{what}_tensor"])
        found.append((array.ravel().tolist(), array.dtype))
    if len(found) != 1:
        raise UnreadableError(f"{len(found)} lists of {what}, expected one")
    return found[0]


def _zip_map(builder: Builder, node: Node, x: Any) -> Tensor:
    """A map from label to number, for each row."""
    keys, _ = _either(node, "classlabels_int64s", "classlabels_strings")
    if not isinstance(x, Tensor) or (x.head is not None and x.head.keys):
        raise UnreadableError("a map of a label, of a sum, or of a map")
    if not len(set(keys)) == len(keys) == math.prod(x.shape):
        raise UnreadableError(f"{len(keys)} labels of {math.prod(x.shape)} numbers")
    return replace(x, head=Head(() if x.head is None else x.head.steps, tuple(keys)))


def _normalizer(builder: Builder, node: Node, x: Any) -> Tensor:
    """Positive numbers divided by a norm of them."""
    positive(x)
    if len(x.shape) != 2 or x.shape[0] != 1:
        raise UnreadableError(f"the shape {x.shape}, expected one row of probabilities")
    return then(x, node["norm"].decode(), _FLOAT)


def _names(*names: str, kind: str = "INTS", **more: Any) -> dict[str, Attribute]:
    return {name: Attribute(kind, **more) for name in names}


_TABLES = {
    **_names("keys_int64s", "values_int64s"), **_names("keys_strings", "values_strings", kind="STRINGS"),
    **_names("keys_floats", "values_floats", kind="FLOATS"), "default_int64": Attribute("INT"),
    "default_string": Attribute("STRING"), "default_float": Attribute("FLOAT"),
    **_names("keys_tensor", "values_tensor", "default_tensor", kind="TENSOR", since=4),
}
OPERATORS = {f"{LEARNED}.{name}": table for name, table in {
    "Scaler": Operator(_scaler, (1,), _ROW, ((1, "fd"),), _names("offset", "scale", kind="FLOATS")),
    "LinearRegressor": Operator(
        _regressor, (1,), _ROW, ((1, "fd"),),
        {**_names("coefficients", "intercepts", kind="FLOATS"), "targets": Attribute("INT", 1),
         "post_transform": Attribute("STRING", b"NONE", (b"NONE",))}),
    "LinearClassifier": Operator(
        _classifier, (1,), _ROW, ((1, "fd"),),
        {"coefficients": Attribute("FLOATS", required=True), "intercepts": Attribute("FLOATS"),
         "classlabels_ints": Attribute("INTS"), "classlabels_strings": Attribute("STRINGS"),
         # It says how the model was trained.
         "multi_class": Attribute("INT", 0),
         "post_transform": Attribute("STRING", b"NONE", (b"NONE", b"SOFTMAX", b"LOGISTIC"))}, outputs=2),
    "ArrayFeatureExtractor": Operator(_extracted, (1,), ((1, "v n"),), ((1, "fdils"),)),
    "LabelEncoder": Operator(_encoded, (2, 4), _ROW, ((1, "fls"), (4, "fdils")), _TABLES),
    "ZipMap": Operator(_zip_map, (1,), _ROW, ((1, "f"),), {
        "classlabels_int64s": Attribute("INTS"), "classlabels_strings": Attribute("STRINGS")}),
    "Normalizer": Operator(_normalizer, (1,), _ROW, ((1, "fd"),), {
        "norm": Attribute("STRING", b"MAX", (b"MAX", b"L1", b"L2"))}),
}.items()}
BEHIND: dict[str, Callable[..., Any]] = {
    f"{LEARNED}.ArrayFeatureExtractor": _extracted_behind,
    **{f"{LEARNED}.{name}": OPERATORS[f"{LEARNED}.{name}"].lower for name in ("LabelEncoder", "ZipMap", "Normalizer")},
}
