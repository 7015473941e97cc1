"""Softmax, LogSoftmax and ArgMax are dropped at the output, when they cover all of it, and refused elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from ops.operator_check import X, load, model, single

from verdict.errors import UnsupportedError


@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax"])
@pytest.mark.parametrize(
    ("shape", "attributes", "opset"),
    [
        ((1, 5), {}, 8),
        ((1, 2, 3), {}, 8),
        ((1, 1, 5), {"axis": 2}, 11),
        ((5,), {"axis": 0}, 11),
        ((1, 5), {}, 13),
        ((1, 5, 1), {"axis": 1}, 13),
        ((5,), {"axis": -1}, 22),
    ],
)
def test_dropped(op: str, shape: Any, attributes: Any, opset: int, tmp_path: Path) -> None:
    network = load(single(op, shape, (X,), opset, **attributes), tmp_path)
    assert network.head == op
    assert network.graph.output == 0


@pytest.mark.parametrize(
    ("shape", "axis", "opset"), [((2, 5), 1, 8), ((1, 2, 3), 2, 11), ((1, 2, 3), -1, 13), ((2, 2), 0, 13)]
)
def test_partial_softmax_is_refused(shape: Any, axis: int, opset: int, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="does not cover all outputs"):
        load(single("Softmax", shape, (X,), opset, axis=axis), tmp_path)


@pytest.mark.parametrize(
    ("shape", "attributes"), [((1, 5), {"axis": 1}), ((1, 5), {"axis": -1, "keepdims": 0}), ((5,), {})]
)
@pytest.mark.parametrize("opset", [8, 12, 13])
def test_arg_max(shape: Any, attributes: Any, opset: int, tmp_path: Path) -> None:
    if opset < 11:
        attributes = {k: abs(v) for k, v in attributes.items()}
    node = helper.make_node("ArgMax", ["x"], ["y"], **attributes)
    proto = model([node], {"x": shape}, {}, opset=opset, output_kind=TensorProto.INT64)
    network = load(proto, tmp_path)
    assert network.head == "ArgMax"
    assert network.output_size == 5
    assert network.runtime(np.arange(5)).tolist() == [4]


def test_reshape_behind_a_head(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Softmax", ["x"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"], axis=0),
        helper.make_node("Transpose", ["f"], ["y"]),
    ]
    assert load(model(nodes, {"x": (1, 1, 5)}, {}), tmp_path).head == "Softmax"


@pytest.mark.parametrize(
    "node",
    [
        helper.make_node("Relu", ["p"], ["y"]),
        helper.make_node("Softmax", ["p"], ["y"]),
        helper.make_node("Gather", ["p", "order"], ["y"], axis=1),
        helper.make_node("Concat", ["p", "p"], ["y"], axis=1),
        helper.make_node("Pad", ["p", "order"], ["y"]),
        helper.make_node("Add", ["x", "p"], ["y"]),
    ],
    ids=lambda n: n.op_type,
)
def test_computing_behind_a_head_is_refused(node: Any, tmp_path: Path) -> None:
    nodes = [helper.make_node("Softmax", ["x"], ["p"]), node]
    proto = model(nodes, {"x": (1, 4)}, {"order": np.array([1, 0, 2, 3])})
    with pytest.raises(UnsupportedError, match=r"only at the output|axes"):
        load(proto, tmp_path)


def test_ties_to_the_last_index_are_refused(tmp_path: Path) -> None:
    node = helper.make_node("ArgMax", ["x"], ["y"], axis=1, select_last_index=1)
    with pytest.raises(UnsupportedError, match="select_last_index"):
        load(model([node], {"x": (1, 4)}, {}, opset=13, output_kind=TensorProto.INT64), tmp_path)


def test_head_on_one_of_two_outputs_is_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Softmax", ["r"], ["p"])]
    with pytest.raises(UnsupportedError, match="several outputs"):
        load(model(nodes, {"x": (1, 4)}, {}, outputs=("r", "p")), tmp_path)
