"""Operators that rearrange entries: on the input against ONNX Runtime, and on constants, where they are folded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from ops.operator_check import X, check, floats, ints, model, scalar, single, weights

BIG = 2**63 - 1
CASES: list[tuple[str, tuple[int | str, ...], tuple[Any, ...], dict[str, Any], tuple[int, ...]]] = [
    ("Flatten", (2, 3, 4), (X,), {}, (8, 9, 11, 22)),
    ("Flatten", (2, 3, 4), (X,), {"axis": 0}, (8, 13)),
    ("Flatten", (2, 3, 4), (X,), {"axis": -1}, (11, 13)),
    ("Flatten", (5,), (X,), {}, (8, 13)),
    ("Flatten", ("N", 3, 4), (X,), {"axis": 3}, (13,)),
    ("Reshape", ("N", 3, 4), (X, ints(-1, 12)), {}, (8, 13, 22)),
    ("Reshape", ("N", 3, 4), (X, ints(1, 12)), {}, (8, 13)),
    ("Reshape", ("N", 3, 4), (X, ints(0, -1)), {}, (8, 13)),
    ("Reshape", (2, 3, 4), (X, ints(4, 0, -1)), {}, (8, 14)),
    ("Reshape", (2, 3, 4), (X, ints(24)), {"allowzero": 1}, (14,)),
    ("Reshape", (1, 1), (X, ints()), {}, (13,)),
    ("Transpose", (2, 3, 4), (X,), {}, (8, 13)),
    ("Transpose", (2, 3, 4), (X,), {"perm": [1, 2, 0]}, (8, 22)),
    ("Squeeze", (1, 3, 1, 2), (X,), {}, (8, 13)),
    ("Squeeze", (1, 3, 1, 2), (X,), {"axes": [0, 2]}, (8, 11)),
    ("Squeeze", (1, 3, 1, 2), (X, ints(-2)), {}, (13, 21)),
    ("Unsqueeze", (3, 2), (X,), {"axes": [0, 2]}, (8, 11)),
    ("Unsqueeze", (3, 2), (X, ints(-1, 1)), {}, (13, 21)),
    ("Concat", (2, 3), (X, weights(2, 2), X), {"axis": 1}, (8, 11, 13)),
    ("Concat", (2, 3), (X, X), {"axis": -2}, (11,)),
    ("Slice", (4, 5), (X,), {"starts": [1, -3], "ends": [BIG, -1]}, (8, 9)),
    ("Slice", (4, 5), (X,), {"starts": [0], "ends": [2], "axes": [1]}, (8,)),
    ("Slice", (4, 5), (X, ints(1, 0), ints(3, BIG)), {}, (10, 13)),
    ("Slice", (4, 5), (X, ints(-1), ints(-BIG), ints(-1), ints(-2)), {}, (10, 13)),
    ("Slice", (4, 5), (X, ints(3, 4), ints(-BIG - 1, 0), ints(0, 1), ints(-1, -3)), {}, (11,)),
    ("Slice", (4, 5), (X, ints(0), ints(BIG), None, ints(2)), {}, (13,)),
    ("Gather", (4, 5), (X, ints(2, 0, -1)), {}, (11, 13)),
    ("Gather", (4, 5), (X, ints(3, 1)), {"axis": 1}, (8, 13)),
    ("Gather", (4, 5), (X, np.array([[0, 1], [4, 4]])), {"axis": -1}, (13,)),
    ("Gather", (4, 5), (X, np.array(-2)), {"axis": 1}, (13,)),
    ("GatherND", (4, 5), (X, np.array([[0, 1], [3, -5]])), {}, (11, 13)),
    ("GatherND", (4, 5), (X, np.array([[[-1]], [[0]]])), {"batch_dims": 0}, (12, 13)),
    ("Pad", (2, 3), (X,), {"pads": [1, 0, 0, 2]}, (8,)),
    ("Pad", (2, 3), (X,), {"pads": [1, 0, 0, 2], "value": 0.7}, (8, 10)),
    ("Pad", (4, 3), (X,), {"pads": [-1, 1, -1, -2], "value": 0.7}, (8,)),
    ("Pad", (4, 3), (X,), {"pads": [2, 1, 1, 2], "mode": "reflect"}, (8,)),
    ("Pad", (4, 3), (X,), {"pads": [2, 1, 1, 2], "mode": "edge"}, (8,)),
    ("Pad", (4, 3), (X, ints(2, 0, 1, 2)), {"mode": "constant"}, (11, 21)),
    ("Pad", (4, 3), (X, ints(2, -1, 1, 2), scalar(-1.3)), {}, (11, 13)),
    ("Pad", (4, 3), (X, ints(1, 2), scalar(0.1), ints(-1)), {}, (18, 21)),
    ("Pad", (4, 3), (X, ints(1, 2), None, ints(0)), {"mode": "reflect"}, (18,)),
    ("Pad", (4, 3), (X, ints(1, 3), None, ints(1)), {"mode": "wrap"}, (19,)),
    ("Expand", (3, 1), (X, ints(2, 1, 4)), {}, (8, 13)),
    ("Expand", (3, 4), (X, ints(1)), {}, (13,)),
    ("Tile", (2, 3), (X, ints(2, 3)), {}, (8, 13)),
    ("Identity", (2, 3), (X,), {}, (8, 16)),
    ("Dropout", (2, 3), (X,), {"ratio": 0.4}, (8, 10)),
    ("Dropout", (2, 3), (X, scalar(0.4), np.array(False)), {}, (12, 13)),
    ("Where", (2, 3), (np.array([[True], [False]]), X, weights(3)), {}, (9, 16)),
    ("Where", (2, 3), (np.array([True, False, True]), weights(2, 1), X), {}, (9, 16)),
    ("Cast", (2, 3), (X,), {"to": TensorProto.FLOAT}, (9, 13)),
]
EXPANDED = [pytest.param(*case[:4], n, id=f"{case[0]}-{i}-{n}") for i, case in enumerate(CASES) for n in case[4]]


@pytest.mark.parametrize(("op", "shape", "arguments", "attributes", "opset"), EXPANDED)
def test_on_the_input(op: str, shape: Any, arguments: Any, attributes: Any, opset: int, tmp_path: Path) -> None:
    check(single(op, shape, arguments, opset, **attributes), tmp_path, points=1)


@pytest.mark.parametrize(("op", "shape", "arguments", "attributes", "opset"), EXPANDED)
def test_on_a_constant(op: str, shape: Any, arguments: Any, attributes: Any, opset: int, tmp_path: Path) -> None:
    """x + op(c): the operator is folded, and not a single node is left of it."""
    fixed = tuple(1 if isinstance(n, str) else n for n in shape)
    proto = single(op, shape, arguments, opset, **attributes)
    node = proto.graph.node[0]
    node.input[:] = ["c" if name == X else name for name in node.input]
    node.output[0] = "folded"
    add = helper.make_node("Add", ["x", "folded"], ["y"])
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in proto.graph.initializer} | {"c": weights(*fixed)}
    network = check(model([node, add], {"x": (1,)}, constants, opset=opset), tmp_path, points=1)
    assert len(network.graph.nodes) <= 3  # input, spread over the shape, plus the constant


@pytest.mark.parametrize(
    ("arguments", "attributes", "opset", "parts"),
    [
        ((X,), {"axis": 1}, 8, 2),
        ((X,), {"axis": -1, "split": [1, 3]}, 11, 2),
        ((X, ints(1, 2, 1)), {"axis": 1}, 13, 3),
        ((X,), {}, 13, 3),
        ((X,), {"axis": 0, "num_outputs": 2}, 18, 2),
        ((X, ints(4, 0)), {"axis": 1}, 18, 2),
    ],
)
def test_split(arguments: Any, attributes: Any, opset: int, parts: int, tmp_path: Path) -> None:
    proto = single("Split", (3, 4), arguments, opset, parts, **attributes)
    if parts == 2 and len(arguments) == 2:
        del proto.graph.output[1]  # an empty part cannot be an output
    check(proto, tmp_path)


@pytest.mark.parametrize(
    "attribute",
    [{"value_float": 2.5}, {"value_floats": [1.0, 2.0, 3.0]}, {"value": onnx.numpy_helper.from_array(floats(4, 5, 6))}],
)
def test_constant(attribute: Any, tmp_path: Path) -> None:
    nodes = [helper.make_node("Constant", [], ["c"], **attribute), helper.make_node("Add", ["x", "c"], ["y"])]
    check(model(nodes, {"x": (1, 3)}, {}), tmp_path)


@pytest.mark.parametrize("attribute", [{"value_int": 3}, {"value_ints": [3]}])
def test_integer_constant(attribute: Any, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Constant", [], ["n"], **attribute),
        helper.make_node("Cast", ["n"], ["c"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["x", "c"], ["y"]),
    ]
    check(model(nodes, {"x": (1, 3)}, {}), tmp_path)


def test_shape_arithmetic(tmp_path: Path) -> None:
    """What PyTorch exports for view(x.shape[0], -1): shapes computed in the graph."""
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "zero"], ["batch"], axis=0),
        helper.make_node("Unsqueeze", ["batch", "axis"], ["first"]),
        helper.make_node("Mul", ["twelve", "one"], ["rest"]),
        helper.make_node("Concat", ["first", "rest"], ["target"], axis=0),
        helper.make_node("Reshape", ["x", "target"], ["flat"]),
        helper.make_node("ConstantOfShape", ["target"], ["zeros"]),
        helper.make_node("Add", ["flat", "zeros"], ["y"]),
    ]
    constants = {"zero": np.array(0), "axis": ints(0), "twelve": ints(12), "one": ints(1)}
    network = check(model(nodes, {"x": ("N", 3, 4)}, constants), tmp_path)
    assert network.graph.output == 0


def test_shape_slice_size_and_range(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"], start=1, end=-1),
        helper.make_node("Expand", ["one", "shape"], ["ones"]),
        helper.make_node("Size", ["x"], ["size"]),
        helper.make_node("Range", ["zero", "size", "step"], ["numbers"]),
        helper.make_node("Reshape", ["x", "flat"], ["row"]),
        helper.make_node("Gather", ["row", "numbers"], ["some"]),
        helper.make_node("Mul", ["some", "ones"], ["y"]),
    ]
    constants = {"one": scalar(3), "zero": np.array(0), "step": np.array(8), "flat": ints(-1)}
    check(model(nodes, {"x": (2, 3, 4)}, constants, opset=15), tmp_path)


def test_expand_by_a_computed_condition(tmp_path: Path) -> None:
    """Equal and Where on shapes, as PyTorch's expand exports them."""
    nodes = [
        helper.make_node("Equal", ["wanted", "minus"], ["unknown"]),
        helper.make_node("Where", ["unknown", "ones", "wanted"], ["target"]),
        helper.make_node("Expand", ["x", "target"], ["y"]),
    ]
    constants = {"wanted": ints(-1, 4), "minus": ints(-1, -1), "ones": ints(1, 1)}
    check(model(nodes, {"x": (3, 1)}, constants), tmp_path)
