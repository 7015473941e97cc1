"""What makes a node of a wide model illegal, or puts it to the edge of what is allowed."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, helper

from support.wide_values import FLOATS, INTEGERS, attribute_value


def spoiled(m: Any, node: Any) -> None:
    """Change a node by one step out of what its operator set allows, or to the edge of it."""
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        m.one([_type, _value, _twice, _foreign, _inputs, _constant_kind])(m, node)


def _type(m: Any, node: Any) -> None:
    if node.attribute:
        attribute = m.one(list(node.attribute))
        value = m.one([1, 0.5, [1, 1], [0.5], "x"])
        attribute.CopyFrom(helper.make_attribute(attribute.name, value))


def _value(m: Any, node: Any) -> None:
    if not node.attribute:
        return
    attribute = m.one(list(node.attribute))
    if attribute.type == AttributeProto.INT:
        attribute.i = m.one(INTEGERS)
    elif attribute.type == AttributeProto.FLOAT:
        attribute.f = m.one(FLOATS)
    elif attribute.type == AttributeProto.INTS:
        values = [*attribute.ints, m.one(INTEGERS)]
        if len(values) > 1 and m.chance(0.6):
            values[m.whole(0, len(values) - 2)] = values.pop()
        del attribute.ints[:]
        attribute.ints.extend(values)
    elif attribute.type == AttributeProto.STRING:
        attribute.s = m.one([b"", b"same_upper", b"\xff", b"linear"])


def _twice(m: Any, node: Any) -> None:
    if node.attribute:
        node.attribute.append(m.one(list(node.attribute)))
        node.attribute[-1].i += m.whole(0, 1)


def _foreign(m: Any, node: Any) -> None:
    """An attribute of another operator set, or of no operator."""
    found = {}
    for opset in (6, 7, 9, 10, 12, 14, 16, 19, onnx.defs.onnx_opset_version()):
        with contextlib.suppress(onnx.defs.SchemaError):
            found.update(onnx.defs.get_schema(node.op_type, max_inclusive_version=opset, domain="").attributes)
    missing = [a for name, a in found.items() if name not in {given.name for given in node.attribute}]
    if missing and m.chance(0.8):
        attribute = m.one(missing)
        value = attribute_value(m, node.op_type, attribute, m.shape_of(list(node.input)))
        if value is not None:
            node.attribute.append(helper.make_attribute(attribute.name, value, attr_type=attribute.type.value))
    else:
        node.attribute.append(helper.make_attribute(m.one(["axis", "axes", "flying"]), m.one([0, [0]])))


def _inputs(m: Any, node: Any) -> None:
    kept = list(node.input)
    what = m.whole(0, 3)
    if what == 0 and kept:
        kept[m.whole(0, len(kept) - 1)] = ""
    elif what == 1 and kept:
        kept.pop()
    elif what == 2:
        kept.append("")
    else:
        kept.append(m.one([m.x.name, m.ints(0).name]))
    del node.input[:]
    node.input.extend(kept)


def _constant_kind(m: Any, node: Any) -> None:
    """One of the node's constants in another element type."""
    own = [w for w in m.weights if w.name in node.input]
    if own:
        weight = m.one(own)
        kind = m.one(["float32", "float64", "float16", "int32", "int64", "uint8", "int8", "bool"])
        with np.errstate(all="ignore"):
            array = onnx.numpy_helper.to_array(weight).astype(kind)
        weight.CopyFrom(onnx.numpy_helper.from_array(array, weight.name))
        m.types[weight.name] = helper.make_tensor_type_proto(weight.data_type, list(array.shape))
