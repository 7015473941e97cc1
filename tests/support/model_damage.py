"""Illegal changes of ONNX models, one field at a time: what a reader must refuse, or read as ONNX Runtime does."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

Rng = np.random.Generator
Change = Callable[[Any, Rng], None]
CHANGES: dict[str, Change] = {}
INTEGERS = [-(2**63), -(2**31), -3, -2, -1, 0, 1, 2, 3, 7, 2**31, 2**40, 2**63 - 1]
ATTRIBUTES = [
    "axis", "axes", "keepdims", "alpha", "ceil_mode", "dilations", "noop_with_empty_axes", "start", "end", "mode",
    "transA", "group", "strides", "training_mode", "flying",
]  # fmt: skip
FLOATS = [np.nan, np.inf, -np.inf, -1.0, 0.0, 1e-45, 1e38, 3.4e38]


def _change(change: Change) -> Change:
    CHANGES[change.__name__] = change
    return change


def _one(rng: Rng, items: Any) -> Any:
    return items[int(rng.integers(len(items)))] if len(items) else None


def _names(graph: Any) -> list[str]:
    return ["", "nowhere", *(i.name for i in graph.input), *(w.name for w in graph.initializer),
            *(o for n in graph.node for o in n.output)]  # fmt: skip


@_change
def attribute_value(model: Any, rng: Rng) -> None:
    attribute = _one(rng, [a for n in model.graph.node for a in n.attribute])
    if attribute is None:
        return
    if attribute.type == onnx.AttributeProto.INT:
        attribute.i = int(_one(rng, INTEGERS))
    elif attribute.type == onnx.AttributeProto.FLOAT:
        attribute.f = float(_one(rng, FLOATS))
    elif attribute.type == onnx.AttributeProto.INTS and attribute.ints:
        if rng.random() < 0.5:
            attribute.ints[int(rng.integers(len(attribute.ints)))] = int(_one(rng, INTEGERS))
        else:
            attribute.ints.append(int(_one(rng, INTEGERS)))
    elif attribute.type == onnx.AttributeProto.STRING:
        attribute.s = _one(rng, [b"", b"SAME_UPPER", b"reflect", b"\xff", b"valid"])


@_change
def attribute_type(model: Any, rng: Rng) -> None:
    attribute = _one(rng, [a for n in model.graph.node for a in n.attribute])
    if attribute is not None:
        attribute.type = int(rng.integers(0, 15))


@_change
def attribute_twice(model: Any, rng: Rng) -> None:
    node = _one(rng, [n for n in model.graph.node if n.attribute])
    if node is not None:
        node.attribute.append(node.attribute[0])
        attribute = node.attribute[-1]
        attribute.i += 1


@_change
def attribute_added(model: Any, rng: Rng) -> None:
    value = _one(rng, [int(_one(rng, INTEGERS)), 0.5, [1, 1], [2, 2], "edge", []])
    kind = onnx.AttributeProto.INTS if value == [] else None
    node = _one(rng, model.graph.node)
    node.attribute.append(helper.make_attribute(str(_one(rng, ATTRIBUTES)), value, attr_type=kind))


@_change
def attribute_dropped(model: Any, rng: Rng) -> None:
    node = _one(rng, [n for n in model.graph.node if n.attribute])
    if node is not None:
        del node.attribute[int(rng.integers(len(node.attribute)))]


@_change
def input_renamed(model: Any, rng: Rng) -> None:
    node = _one(rng, [n for n in model.graph.node if n.input])
    if node is None:
        return
    node.input[int(rng.integers(len(node.input)))] = str(_one(rng, _names(model.graph)))


@_change
def input_added_or_dropped(model: Any, rng: Rng) -> None:
    node = _one(rng, [n for n in model.graph.node if n.input])
    if node is None:
        return
    if rng.random() < 0.5:
        node.input.append(str(_one(rng, _names(model.graph))))
    else:
        del node.input[-1]


@_change
def output_renamed(model: Any, rng: Rng) -> None:
    node = _one(rng, model.graph.node)
    node.output[0] = str(_one(rng, _names(model.graph)))


@_change
def operator_changed(model: Any, rng: Rng) -> None:
    node, other = _one(rng, model.graph.node), _one(rng, model.graph.node)
    node.op_type = str(_one(rng, [other.op_type, "Relu", "Add", "MaxPool", "ReduceMean", "Softmax", "Pad", "Flying"]))


@_change
def domain_changed(model: Any, rng: Rng) -> None:
    _one(rng, model.graph.node).domain = str(_one(rng, ["ai.onnx", "com.microsoft", "ai.onnx.ml", "elsewhere"]))


@_change
def node_dropped_or_moved(model: Any, rng: Rng) -> None:
    nodes = list(model.graph.node)
    node = nodes.pop(int(rng.integers(len(nodes))))
    if rng.random() < 0.6:
        nodes.insert(int(rng.integers(len(nodes) + 1)), node)
    if rng.random() < 0.2:
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


@_change
def weight_shape(model: Any, rng: Rng) -> None:
    weight = _one(rng, [w for w in model.graph.initializer if w.dims])
    if weight is not None:
        weight.dims[int(rng.integers(len(weight.dims)))] = int(_one(rng, [-1, 0, 1, 2, 3, 2**40]))


@_change
def weight_type(model: Any, rng: Rng) -> None:
    weight = _one(rng, model.graph.initializer)
    if weight is not None and rng.random() < 0.5:
        weight.data_type = int(rng.integers(0, 24))
    elif weight is not None:
        array = numpy_helper.to_array(weight)
        kind = _one(rng, ["float64", "float16", "int32", "int64", "uint8", "int8"])
        with np.errstate(all="ignore"):
            weight.CopyFrom(numpy_helper.from_array(array.astype(kind), weight.name))


@_change
def weight_value(model: Any, rng: Rng) -> None:
    weight = _one(rng, [w for w in model.graph.initializer if np.prod(w.dims)])
    if weight is not None:
        array = numpy_helper.to_array(weight).copy()
        of_floats = array.dtype.kind == "f"
        values = [v for v in (FLOATS if of_floats else INTEGERS) if of_floats or abs(v) < 2**62]
        with np.errstate(all="ignore"):
            array.ravel()[int(rng.integers(array.size))] = np.array(_one(rng, values)).astype(array.dtype)
        weight.CopyFrom(numpy_helper.from_array(array, weight.name))


@_change
def weight_name(model: Any, rng: Rng) -> None:
    weight = _one(rng, model.graph.initializer)
    if weight is not None:
        weight.name = str(_one(rng, _names(model.graph)))


@_change
def port_changed(model: Any, rng: Rng) -> None:
    info = _one(rng, [*model.graph.input, *model.graph.output])
    kind = info.type.tensor_type
    what = int(rng.integers(4))
    if what == 0 and kind.shape.dim:
        _one(rng, kind.shape.dim).dim_value = int(_one(rng, [-1, 0, 1, 2, 3, 2**40]))
    elif what == 1:
        kind.elem_type = int(_one(rng, [0, 1, 2, 6, 7, 10, 11, 16, 99]))
    elif what == 2:
        info.name = str(_one(rng, _names(model.graph)))
    else:
        kind.shape.dim.add().dim_value = int(_one(rng, [1, 2]))


@_change
def opset_changed(model: Any, rng: Rng) -> None:
    if rng.random() < 0.8:
        model.opset_import[0].version = int(_one(rng, [-1, 0, 1, 6, 7, 8, 9, 10, 11, 12, 13, 14, 18, 20, 22, 23, 99]))
    else:
        model.opset_import.add(domain=str(_one(rng, ["", "ai.onnx", "x"])), version=int(rng.integers(7, 20)))


def damaged(model: onnx.ModelProto, rng: Rng) -> tuple[bytes, list[str]]:
    """(the bytes of a copy with one to three changes, their names)."""
    copy, made = onnx.ModelProto(), []
    copy.CopyFrom(model)
    for _ in range(int(rng.integers(1, 4))):
        made.append(str(rng.choice(list(CHANGES))))
        # A second change may find weights that the first one has made unreadable.
        with contextlib.suppress(ValueError, TypeError, OverflowError):
            if copy.graph.node:
                CHANGES[made[-1]](copy, rng)
    return bytes(copy.SerializeToString()), made
