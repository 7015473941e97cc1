"""Shrunken models that the two readers and ONNX Runtime had disagreed on, or that had ended the process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.importers import Refused
from support.two_readers import checker, engine, look

INFO, NODE = helper.make_tensor_value_info, helper.make_node


def model(
    nodes: list[Any],
    shape: tuple[int, ...],
    opset: int,
    kind: int = TensorProto.FLOAT,
    last: int | None = None,
    **weights: Any,
) -> bytes:
    """A graph from x of this shape to y."""
    graph = helper.make_graph(
        nodes, "found", [INFO("x", kind, shape)], [INFO("y", kind if last is None else last, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    return bytes(made.SerializeToString())


HUGE = np.array([3e38], np.float32)
KERNEL = np.ones((1, 1, 2, 2), np.float32)
AUTO = {"auto_pad": "VALID", "pads": [0, 0, 0, 0], "kernel_shape": [2, 2]}
REFUSED = {
    # ONNX Runtime looks at a ratio that nothing is dropped by.
    "Dropout with a ratio of 1": model([NODE("Dropout", ["x", "r"], ["y"])], (1, 4), 13, r=np.float32(1)),
    # ONNX's shape inference reads beyond the outputs and ends the process.
    "Split with more outputs than num_outputs": model(
        [NODE("Split", ["x"], ["y", "z"], num_outputs=1, axis=1)], (1, 4), 18
    ),
    # ONNX Runtime refuses what the standard allows.
    "Squeeze with an empty name for its axes": model([NODE("Squeeze", ["x", ""], ["y"])], (1, 2, 1), 13),
    "Conv with pads beside auto_pad": model([NODE("Conv", ["x", "w"], ["y"], **AUTO)], (1, 1, 3, 3), 13, w=KERNEL),
    "Pad of a number": model(
        [NODE("Pad", ["w", "p"], ["t"]), NODE("Mul", ["x", "t"], ["y"])],
        (1, 2),
        13,
        w=np.float32(2),
        p=np.zeros(0, np.int64),
    ),
    # ONNX Runtime pads such a pool otherwise than the standard has it.
    "MaxPool with auto_pad and dilations": model(
        [NODE("MaxPool", ["x"], ["y"], auto_pad="SAME_UPPER", kernel_shape=[2, 2], dilations=[2, 2])],
        (1, 1, 4, 4),
        12,
        TensorProto.DOUBLE,
    ),
    "AveragePool with auto_pad and dilations": model(
        [NODE("AveragePool", ["x"], ["y"], auto_pad="SAME_LOWER", kernel_shape=[2, 2], dilations=[2, 1])],
        (1, 1, 4, 4),
        19,
    ),
    # ONNX's inference writes out every entry: 8 TB here.
    "ConstantOfShape of 2^40 entries": model(
        [NODE("ConstantOfShape", ["s"], ["c"]), NODE("Cast", ["c"], ["d"], to=1), NODE("Add", ["x", "d"], ["y"])],
        (1, 2),
        19,
        s=np.array([2**40]),
    ),
    "Split into 2^30 parts": model([NODE("Split", ["x"], ["y", "z"], num_outputs=2**30, axis=1)], (1, 2), 19),
    # An element type that ONNX has not, and none.
    "output of type 99": model([NODE("Relu", ["x"], ["y"])], (1, 2), 13, last=99),
    "output without a type": model([NODE("Relu", ["x"], ["y"])], (1, 2), 13, last=0),
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
def test_both_readers_refuse(data: bytes) -> None:
    assert isinstance(engine(data, 0), Refused)
    assert isinstance(checker(data, 0), Refused)


@pytest.mark.parametrize("op", ["LeakyRelu", "PRelu"])
def test_a_model_that_overflows_everywhere_is_loaded_all_the_same(op: str) -> None:
    """ONNX Runtime has no such operator for doubles; every point of the self-check is beyond the type."""
    nodes = [
        NODE("Mul", ["x", "a"], ["s"]),
        NODE("Add", ["s", "a"], ["t"]),
        NODE(op, ["t", "a"][: 1 + (op == "PRelu")], ["y"]),
    ]
    data = model(nodes, (1, 2), 15, TensorProto.DOUBLE, a=np.array([1.7e308]))
    assert isinstance(engine(data, 0), Refused)


def test_what_overflows_is_compared_with_the_evaluator_in_doubles() -> None:
    data = model([NODE("Add", ["x", "a"], ["t"]), NODE("Add", ["t", "a"], ["y"])], (1, 2), 15, a=HUGE)
    assert look(data, 0).compared_with == "the reference in float64"


def test_a_cast_of_a_constant_to_float32_rounds_in_both_readers() -> None:
    nodes = [NODE("Cast", ["a"], ["t"], to=TensorProto.FLOAT), NODE("Add", ["x", "t"], ["y"])]
    found = look(model(nodes, (1, 2), 15, a=np.array([0.1, 3e38])), 0)
    assert found.read_by == ("engine", "checker")


def test_a_double_that_is_computed_is_rounded_by_a_cast_in_both_readers() -> None:
    cast = NODE("Cast", ["b"], ["c"], to=TensorProto.FLOAT)
    nodes = [NODE("Ceil", ["a"], ["b"]), cast, NODE("Sub", ["x", "c"], ["y"])]
    found = look(model(nodes, (1, 2), 14, a=np.array([3e38])), 0)
    assert set(found.read_by) == {"engine", "checker"}
